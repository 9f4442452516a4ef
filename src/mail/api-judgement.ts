import type { OutgoingResponse } from '../base/http-types.ts'
import { codesOf, outcomeUnknown, replyOf, retryAfterOf } from './api-session.ts'
import type { Delivery, SenderView } from './types.ts'

/**
 * What a server's refusal is about. `login`: a person has to put the credential or its rights right; the message waits.
 * `address`: nobody may send from this address here. `message`: it is refused for what it is. `limit`: enough for now.
 */
type Refusal = 'login' | 'address' | 'message' | 'limit' | 'away'

/** Words of Graph that decide whatever the status is. @see https://learn.microsoft.com/en-us/graph/errors */
const graphWords: [RegExp, Refusal][] = [
  [/^ErrorSendAsDenied$/, 'address'],
  [/^ErrorInvalidUser$|^Request_ResourceNotFound$|^ResourceNotFound$|^ErrorNonExistentMailbox$|^Mailbox(?:NotEnabled|NotSupported)ForRESTAPI$/, 'address'],
  [/^ErrorExceeded(?:Hourly)?MessageLimit$|^ErrorSubmissionQuotaExceeded$|^ApplicationThrottled$|^TooManyRequests$|^ErrorTooManyRequests$/, 'limit'],
  [/^ErrorMailboxStoreUnavailable$|^ErrorServerBusy$|^ErrorInternalServerTransientError$|^ServiceNotAvailable$/i, 'away'],
  [/^ErrorAccountSuspend|^ErrorMessageSubmissionBlocked$/, 'login'],
]

/** @see https://developers.google.com/workspace/gmail/api/guides/handle-errors */
const gmailWords: [RegExp, Refusal][] = [
  [/^(?:userR|r)ateLimitExceeded$|^quotaExceeded$|^dailyLimitExceeded$|^RESOURCE_EXHAUSTED$/, 'limit'],
  [/^failedPrecondition$|^FAILED_PRECONDITION$/, 'login'],
]

const words: Record<'graph' | 'gmail', [RegExp, Refusal][]> = { graph: graphWords, gmail: gmailWords }

/** Makes a delivery of an answer that is no success. `mayBeSent`: it was the call that sends. */
export function judgeAnswer(sender: SenderView, answer: OutgoingResponse, now: number, mayBeSent: boolean): Delivery {
  const reply = replyOf(answer)
  // A proxy that waited in vain does not know what the server behind it did.
  if (mayBeSent && (answer.status === 502 || answer.status === 504)) return outcomeUnknown(sender, reply)
  const refused = (code: 'mail_refused' | 'mail_auth_refused', permanent: boolean, message: string, nextStep?: string): Delivery & { kind: 'refused' } => ({
    kind: 'refused',
    code,
    permanent,
    reply,
    message,
    ...(nextStep === undefined ? {} : { nextStep }),
  })
  switch (refusalOf(sender, answer)) {
    case 'login':
      return refused('mail_auth_refused', false, `${sender.host} does not let the credential send mail.`, stepAfterLogin[sender.kind])
    case 'address':
      return { ...refused('mail_refused', true, `${sender.host} does not send mail from ${sender.from} for this account.`, stepAfterAddress), about: 'sender' }
    case 'message':
      return answer.status === 413 || saysTooLarge(reply)
        ? refused('mail_refused', true, `The message is larger than ${sender.host} takes.`, 'Send less in one message, or a link to a file.')
        : refused('mail_refused', true, `${sender.host} refused the message.`)
    case 'limit':
      return unavailable(`${sender.host} takes no more mail from this account for now.`, true)
    case 'away':
      return unavailable(`${sender.host} cannot send the message now.`, false)
  }
  function unavailable(message: string, isLimit: boolean): Delivery {
    const retryAfter = retryAfterOf(answer, now)
    return {
      kind: 'unavailable',
      code: 'mail_unavailable',
      message,
      reply,
      ...(retryAfter === null ? {} : { retryAfter }),
      ...(isLimit || retryAfter !== null ? { about: 'account' } : {}),
    }
  }
}

const stepAfterAddress = 'Give the account the right "Send As" on that address, or let the sender use the address of its account; then retry the message.'
const stepAfterLogin: Record<SenderView['kind'], string> = {
  smtp: 'Check that the credential has the scope for sending mail.',
  graph: 'Check that the credential has the permission Mail.Send (and Mail.ReadWrite for large messages), consented to, for this mailbox.',
  gmail: 'Check that the credential has the scope gmail.send, and that the Gmail API is switched on in its Google Cloud project.',
}

const saysTooLarge = (reply: string): boolean => /ErrorMessageSizeExceeded|RequestEntityTooLarge|uploadTooLarge/i.test(reply)

function refusalOf(sender: SenderView, answer: OutgoingResponse): Refusal {
  const codes = codesOf(answer)
  const found = words[sender.kind === 'gmail' ? 'gmail' : 'graph'].find(([pattern]) => codes.some((code) => pattern.test(code)))
  if (found !== undefined) return found[1]
  switch (answer.status) {
    case 401:
    case 403:
      return 'login'
    case 404:
      return 'address'
    case 408:
    case 429:
      return 'limit'
    case 507:
      return 'message'
    default:
      return answer.status >= 400 && answer.status < 500 ? 'message' : 'away'
  }
}
