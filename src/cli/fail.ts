import { exitCodes, problemCodes, type ProblemCode } from '../base/problem-codes.ts'
import { stepsOf } from './steps.ts'
import { CommandError } from './connection.ts'

type Told = {
  message: string
  nextStep?: string | undefined
  errors?: { path: string; message: string }[] | undefined
  /** The errors name places in a file that was given, not fields. */
  inFile?: boolean
  exit: number
  requestId?: string | undefined
  diagnosis?: { title: string; fix: string[] } | undefined
}

/** Says on stderr what went wrong and what to do, and sets the exit code. */
export function tellFailure(error: unknown): void {
  const told = read(error)
  const lines = [
    `${failureMark()} ${told.message}`,
    ...(told.errors ?? []).map((one) => `  ${told.inFile ? one.path : fieldName(one.path)}: ${one.message}`),
    ...(told.nextStep === undefined ? [] : [`  ${told.nextStep}`]),
    ...stepsOf(told.diagnosis),
  ]
  process.stderr.write(`${lines.join('\n')}\n`)
  process.exitCode = told.exit
}

/** Returns what stands before a failure, red where a person sees it. */
export function failureMark(): string {
  return process.stderr.isTTY && (process.env.NO_COLOR ?? '') === '' ? '\u001b[31m✗\u001b[0m' : '✗'
}

/** On the command line a field is an option: where in the request it lies tells nobody anything. */
const fieldName = (path: string): string => path.split(/[.[\]]+/).findLast((part) => part !== '' && !/^\d+$/.test(part)) ?? path

function read(error: unknown): Told {
  if (error instanceof CommandError) return { message: error.message, nextStep: error.nextStep, exit: error.exit }
  const { code, message, nextStep, problem } = error as {
    code?: string
    message?: string
    nextStep?: string
    problem?: { errors?: { path: string; message: string }[]; diagnosis?: Told['diagnosis'] } | null
  }
  // Ctrl-C at a question: 128 and the number of the signal, as a shell has it.
  if (code === 'ABORT_ERR') return { message: 'Stopped.', exit: 130 }
  if (typeof code === 'string' && Object.hasOwn(problemCodes, code)) {
    return {
      message: message ?? code,
      nextStep,
      errors: problem?.errors ?? (error as { errors?: Told['errors'] }).errors,
      inFile: code === 'import_invalid',
      diagnosis: problem?.diagnosis,
      exit: problemCodes[code as ProblemCode].exit,
    }
  }
  return { message: message ?? String(error), exit: exitCodes.failed }
}
