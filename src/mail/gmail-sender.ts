import type { Actor } from '../base/actor.ts'
import type { OutgoingResponse } from '../base/http-types.ts'
import { isProblem } from '../base/problem.ts'
import { AccountGate } from './account-gate.ts'
import { judgeAnswer } from './api-judgement.ts'
import { ApiSession, jsonOf, mayHaveArrived, orCallFailure, outcomeUnknown, replyOf } from './api-session.ts'
import type { MailContext } from './context.ts'
import { cutHeader, readFields } from './mime-reader.ts'
import { divideRecipients, withRecipients } from './recipient-fields.ts'
import type { Envelope, Sender } from './sender.ts'
import type { Delivery, SenderView } from './types.ts'

const mostCalls = 4
/** Above this, Google wants an upload that can be taken up again. */
const largestSimple = 5_000_000
/** Parts of an upload are multiples of 256 KiB. */
const partSize = 16 * 256 * 1024
const mostResumptions = 5

/**
 * Sends mail through the Gmail API, which reads the recipients out of the header and takes Bcc out of it.
 *
 * @see https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send
 * @see https://developers.google.com/workspace/gmail/api/guides/uploads
 */
export class GmailSender implements Sender {
  readonly #context: MailContext
  readonly #gate: AccountGate

  constructor(context: MailContext) {
    this.#context = context
    this.#gate = new AccountGate(context.clock, mostCalls)
  }

  async deliver(sender: SenderView, envelope: Envelope, message: string | Buffer, actor: Actor): Promise<Delivery> {
    const mime = message.toString('utf8')
    const account = `${sender.host}/${sender.credential?.id ?? ''}/${sender.login ?? ''}`
    return await this.#gate.deliver(account, envelope.priority, () =>
      orCallFailure(sender, async () => {
        const session = await ApiSession.begin(this.#context, sender, actor)
        const fields = readFields(cutHeader(mime).header)
        const whole = Buffer.from(await withRecipients(mime, divideRecipients(fields, envelope.to)), 'utf8')
        const delivery = whole.length <= largestSimple ? await this.#sendAtOnce(session, sender, whole) : await this.#sendInParts(session, sender, whole)
        if (delivery.kind === 'refused' && delivery.code === 'mail_auth_refused') session.recordIssue()
        return delivery
      }),
    )
  }

  async tryLogin(sender: SenderView, actor: Actor): Promise<Delivery | 'in'> {
    return await orCallFailure(sender, async () => {
      const session = await ApiSession.begin(this.#context, sender, actor)
      const answer = await session.call(`/gmail/v1/users/${userOf(sender)}/profile`, { method: 'GET' })
      // The scope for sending alone does not let a program look; that the token is taken shows all the same.
      const maySendOnly = answer.status === 403 && /insufficientPermissions|ACCESS_TOKEN_SCOPE_INSUFFICIENT/.test(replyOf(answer))
      return answer.status < 300 || maySendOnly ? 'in' : judgeAnswer(sender, answer, this.#context.clock.now(), false)
    })
  }

  reopen(): void {
    this.#gate.reopen()
  }

  close(): void {
    // Nothing waits here: connections belong to the outgoing HTTP.
  }

  async #sendAtOnce(session: ApiSession, sender: SenderView, whole: Buffer): Promise<Delivery> {
    try {
      return this.#judge(
        sender,
        await session.call(`${uploadPath(sender)}?uploadType=media`, { method: 'POST', headers: { 'content-type': 'message/rfc822' }, body: whole }),
      )
    } catch (error) {
      if (mayHaveArrived(error)) return outcomeUnknown(sender, null)
      throw error
    }
  }

  /** Where a connection breaks, the server is asked how much it has: that also tells whether the message was sent. */
  async #sendInParts(session: ApiSession, sender: SenderView, whole: Buffer): Promise<Delivery> {
    const begun = await session.call(`${uploadPath(sender)}?uploadType=resumable`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-upload-content-type': 'message/rfc822', 'x-upload-content-length': String(whole.length) },
      body: '{}',
    })
    const url = begun.headers.location
    if (begun.status !== 200 || url === undefined) return judgeAnswer(sender, begun, this.#context.clock.now(), false)
    let at = 0
    let resumptions = 0
    for (;;) {
      const part = whole.subarray(at, at + partSize)
      let answer: OutgoingResponse | null = null
      try {
        answer = await session.upload(url, {
          method: 'PUT',
          headers: { 'content-type': 'message/rfc822', 'content-range': `bytes ${at}-${at + part.length - 1}/${whole.length}` },
          body: part,
        })
      } catch (error) {
        if (!isProblem(error, 'outgoing_failed')) throw error
      }
      if (answer === null || answer.status >= 500) {
        if (++resumptions > mostResumptions) break
        answer = await session
          .upload(url, { method: 'PUT', headers: { 'content-range': `bytes */${whole.length}` }, body: '' })
          .catch((error: unknown) => (isProblem(error, 'outgoing_failed') ? null : Promise.reject(error as Error)))
        if (answer === null || answer.status >= 500) break
      }
      if (answer.status !== 308) return this.#judge(sender, answer)
      const has = /^bytes=0-(\d+)$/.exec(answer.headers.range ?? '')?.[1]
      at = has === undefined ? 0 : Number(has) + 1
      if (at >= whole.length) break
    }
    return outcomeUnknown(sender, null)
  }

  #judge(sender: SenderView, answer: OutgoingResponse): Delivery {
    if (answer.status < 200 || answer.status >= 300) return judgeAnswer(sender, answer, this.#context.clock.now(), true)
    const { id } = jsonOf(answer)
    return { kind: 'sent', reply: typeof id === 'string' ? `HTTP ${answer.status}, Gmail has it as ${id}` : replyOf(answer), refused: [] }
  }
}

/** Whose mailbox it is sent from: the account of the token, unless another one is told. */
const userOf = (sender: SenderView): string => encodeURIComponent(sender.login ?? 'me')
const uploadPath = (sender: SenderView): string => `/upload/gmail/v1/users/${userOf(sender)}/messages/send`
