import type { Actor } from '../base/actor.ts'
import { AccountGate } from './account-gate.ts'
import { judgeAnswer } from './api-judgement.ts'
import { ApiSession, mayHaveArrived, orCallFailure, outcomeUnknown, replyOf } from './api-session.ts'
import type { MailContext } from './context.ts'
import { largestAtOnce, sendAsDraft } from './graph-draft.ts'
import { graphAttachment, graphMessage } from './graph-message.ts'
import type { Mailbox } from './message.ts'
import { readParts } from './mime-reader.ts'
import { divideRecipients, readMailboxes, withRecipients } from './recipient-fields.ts'
import type { Envelope, Sender } from './sender.ts'
import type { Delivery, SenderView } from './types.ts'

/** Per application and mailbox. @see https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits */
const mostCalls = 4
/** A call may have 4 MB, and in base64 four bytes stand for three. */
const largestCall = 4_000_000

/**
 * Sends mail through Microsoft Graph, which reads the recipients out of the message and not from an envelope.
 *
 * As MIME the message keeps its form, but Graph puts the mailbox into From, whatever stands there. Where another address is
 * sent as, the message is told in the words of Graph instead; what is too large for one call goes by way of a draft.
 *
 * @see https://learn.microsoft.com/en-us/graph/api/user-sendmail
 */
export class GraphSender implements Sender {
  readonly #context: MailContext
  readonly #gate: AccountGate

  constructor(context: MailContext) {
    this.#context = context
    this.#gate = new AccountGate(context.clock, mostCalls)
  }

  async deliver(sender: SenderView, envelope: Envelope, message: string | Buffer, actor: Actor): Promise<Delivery> {
    const mime = message.toString('utf8')
    return await orCallFailure(sender, async () => {
      const session = await ApiSession.begin(this.#context, sender, actor)
      const account = `${sender.host}/${session.credential.registration?.id ?? session.credential.id}/${mailboxOf(sender, session)?.toLowerCase() ?? ''}`
      // What fails is told within the gate, which leaves the mailbox alone for a while then.
      return await this.#gate.deliver(account, envelope.priority, () =>
        orCallFailure(sender, async () => {
          const delivery = await this.#send(session, sender, envelope, mime)
          if (delivery.kind === 'refused' && delivery.code === 'mail_auth_refused') session.recordIssue()
          return delivery
        }),
      )
    })
  }

  async tryLogin(sender: SenderView, actor: Actor): Promise<Delivery | 'in'> {
    return await orCallFailure(sender, async () => {
      const session = await ApiSession.begin(this.#context, sender, actor)
      const answer = await session.call(`${userPath(sender, session)}?$select=id`, { method: 'GET' })
      // The permission for sending alone does not let a program look; that the token is taken shows all the same.
      const maySendOnly = answer.status === 403 && /Authorization_RequestDenied|ErrorAccessDenied/.test(replyOf(answer))
      return answer.status < 300 || maySendOnly ? 'in' : judgeAnswer(sender, answer, this.#context.clock.now(), false)
    })
  }

  reopen(): void {
    this.#gate.reopen()
  }

  close(): void {
    // Nothing waits here: connections belong to the outgoing HTTP.
  }

  async #send(session: ApiSession, sender: SenderView, envelope: Envelope, mime: string): Promise<Delivery> {
    const user = userPath(sender, session)
    const parts = readParts(mime)
    const recipients = divideRecipients(parts.fields, envelope.to)
    const from: Mailbox = readMailboxes(parts.fields, 'from')[0] ?? { name: sender.fromName ?? '', address: sender.from }
    const whole = Buffer.from(await withRecipients(mime, recipients), 'utf8').toString('base64')
    const isOwn = mailboxOf(sender, session)?.toLowerCase() === from.address.toLowerCase()
    if (isOwn && whole.length <= largestCall) return await this.#sendMail(session, sender, user, { 'content-type': 'text/plain' }, whole)
    const body = graphMessage(parts, recipients, from)
    const attached = parts.attachments.reduce((sum, one) => sum + one.content.length, 0)
    if (attached < largestAtOnce && whole.length <= largestCall) {
      const message = { ...body, attachments: parts.attachments.map(graphAttachment) }
      const text = JSON.stringify({ message, saveToSentItems: true })
      if (Buffer.byteLength(text) <= largestCall) return await this.#sendMail(session, sender, user, { 'content-type': 'application/json' }, text)
    }
    return await sendAsDraft(session, sender, user, { body, attachments: parts.attachments }, () => this.#context.clock.now())
  }

  async #sendMail(session: ApiSession, sender: SenderView, user: string, headers: Record<string, string>, body: string): Promise<Delivery> {
    try {
      const answer = await session.call(`${user}/sendMail`, { method: 'POST', headers, body })
      // Anything else is no promise: once, what was too large was answered with 200 and not sent.
      if (answer.status !== 202) return answer.status < 300 ? notTaken(sender, replyOf(answer)) : judgeAnswer(sender, answer, this.#context.clock.now(), true)
      const id = answer.headers['request-id']
      return { kind: 'sent', reply: `HTTP 202${id === undefined ? '' : `, request ${id}`}`, refused: [] }
    } catch (error) {
      if (mayHaveArrived(error)) return outcomeUnknown(sender, null)
      throw error
    }
  }
}

const notTaken = (sender: SenderView, reply: string): Delivery => ({
  kind: 'refused',
  code: 'mail_refused',
  permanent: true,
  reply,
  message: `${sender.host} answered, but did not say that it sends the message.`,
  nextStep: 'Look into the sent items of the mailbox; if it is not there, retry the message.',
})

/** The mailbox that is sent from: the one to log in as, or the account of the token; without a person it must have a name. */
function mailboxOf(sender: SenderView, session: ApiSession): string | null {
  return sender.login ?? session.credential.username ?? (isAppOnly(session) ? sender.from : null)
}

const isAppOnly = (session: ApiSession): boolean => session.credential.grant === 'client_credentials'

function userPath(sender: SenderView, session: ApiSession): string {
  const named = sender.login ?? (isAppOnly(session) ? mailboxOf(sender, session) : null)
  return named === null ? '/v1.0/me' : `/v1.0/users/${encodeURIComponent(named)}`
}
