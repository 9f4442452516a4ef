import type { Diagnosis } from './diagnosis.ts'
import { problemCodes, type ProblemCode } from './problem-codes.ts'

/** One field of the input and what is wrong with it. */
export type FieldError = { path: string; message: string }

export type ProblemOptions = {
  /** The next step for whoever reads this; the code's own sentence when left out. */
  nextStep?: string
  /** Fields of the input that are wrong. */
  errors?: FieldError[]
  /** Seconds after which a repetition makes sense. */
  retryAfter?: number
  /** Further public facts, such as the credential's name. Never a secret. */
  facts?: Record<string, string | number | boolean | null>
  /** What it means and what to do, for a person. */
  diagnosis?: Diagnosis | null
  cause?: unknown
}

/**
 * A promise that could not be kept, with a stable code, what happened in this case (`message`), and what to do next.
 *
 * @see RFC 9457 https://www.rfc-editor.org/rfc/rfc9457.html
 */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly nextStep: string
  readonly errors: FieldError[]
  readonly retryAfter: number | undefined
  readonly facts: Record<string, string | number | boolean | null>
  readonly diagnosis: Diagnosis | null

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.nextStep = options.nextStep ?? problemCodes[code].nextStep
    this.errors = options.errors ?? []
    this.retryAfter = options.retryAfter
    this.facts = options.facts ?? {}
    this.diagnosis = options.diagnosis ?? null
  }

  get status(): number {
    return problemCodes[this.code].status
  }

  get title(): string {
    return problemCodes[this.code].title
  }

  get exit(): number {
    return problemCodes[this.code].exit
  }
}

/** Returns whether an error is a problem, with this code if one is given. */
export function isProblem(error: unknown, code?: ProblemCode): error is Problem {
  return error instanceof Problem && (code === undefined || error.code === code)
}

/** Returns the same problem with what it means. */
export function withDiagnosis(problem: Problem, diagnosis: Diagnosis | null): Problem {
  if (diagnosis === null) return problem
  const { code, message, nextStep, errors, retryAfter, facts, cause } = problem
  return new Problem(code, message, { nextStep, errors, facts, cause, diagnosis, ...(retryAfter === undefined ? {} : { retryAfter }) })
}
