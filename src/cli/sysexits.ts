import { problemCodes, type ProblemCode } from '../base/problem-codes.ts'

/**
 * What `sendmail` exits with: programs that call it know the numbers of BSD's sysexits.h, not those of the other commands.
 *
 * @see sysexits(3)
 */
export const sysexits = {
  ok: 0,
  usage: 64,
  data: 65,
  noInput: 66,
  noUser: 67,
  unavailable: 69,
  software: 70,
  tryLater: 75,
  noPermission: 77,
  configuration: 78,
} as const
export type Sysexit = (typeof sysexits)[keyof typeof sysexits]

/** What ends `sendmail` with a message and an exit code. */
export class SendmailError extends Error {
  readonly exit: Sysexit
  readonly nextStep: string | undefined

  constructor(message: string, exit: keyof typeof sysexits, nextStep?: string) {
    super(message)
    this.exit = sysexits[exit]
    this.nextStep = nextStep
  }
}

/** Returns the exit code for what the service refused. */
export function sysexitOf(code: string): keyof typeof sysexits {
  switch (code as ProblemCode) {
    case 'mail_invalid':
    case 'invalid_request':
    case 'malformed_json':
      return 'data'
    case 'payload_too_large':
      return 'unavailable'
    case 'not_signed_in':
    case 'not_allowed':
      return 'noPermission'
    case 'no_sender':
    case 'not_found':
    case 'host_not_expected':
      return 'configuration'
    default:
      return Object.hasOwn(problemCodes, code) && problemCodes[code as ProblemCode].exit === sysexits.tryLater ? 'tryLater' : 'software'
  }
}
