import { isProblem, type Problem } from '../base/problem.ts'

/** An error that becomes a reply: three digits, an enhanced status code, and a sentence that says what to do. */
export type Refusal = Error & { responseCode: number }

/** Makes a reply. @see RFC 3463 for the enhanced codes */
export function refusal(responseCode: number, enhanced: string, text: string): Refusal {
  return Object.assign(new Error(`${enhanced} ${text}`), { responseCode })
}

/** Returns how a client hears of a problem. What passes is told by 4xx, so that the client keeps the message and comes again. */
export function refusalOf(error: unknown): Refusal {
  if (!isProblem(error)) return refusal(451, '4.3.0', 'Something unforeseen happened. Send it again later; the log of Keybearer says more.')
  switch (error.code) {
    case 'payload_too_large':
      return refusal(552, '5.3.4', words(error))
    case 'mail_invalid':
      return /circle/.test(error.message) ? refusal(554, '5.4.6', words(error)) : refusal(554, '5.6.0', words(error))
    case 'not_allowed':
    case 'no_sender':
    case 'not_found':
      return refusal(550, '5.7.1', words(error))
    case 'not_signed_in':
      return refusal(535, '5.7.8', words(error))
    case 'rate_limited':
      return refusal(450, '4.7.28', words(error))
    case 'storage_full':
      return refusal(452, '4.3.1', words(error))
    default:
      return refusal(451, '4.3.0', words(error))
  }
}

/** A reply is one line of at most 512 bytes. @see RFC 5321 section 4.5.3.1.5 */
const words = (problem: Problem): string => `${problem.message} ${problem.nextStep ?? ''}`.trim().slice(0, 450)
