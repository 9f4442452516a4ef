import type { OutgoingResponse } from '../base/http-types.ts'
import { isProblem } from '../base/problem.ts'
import { judgeAnswer } from './api-judgement.ts'
import { jsonOf, mayHaveArrived, outcomeUnknown, type ApiSession } from './api-session.ts'
import { graphAttachment } from './graph-message.ts'
import type { Attachment } from './mime-reader.ts'
import type { Delivery, SenderView } from './types.ts'

/** What is attached in one call; above it an upload session is needed. */
export const largestAtOnce = 3_000_000
/** Parts of an upload are multiples of 320 KiB, and smaller than 4 MB. */
const partSize = 10 * 320 * 1024
const json = { 'content-type': 'application/json' }
/** With it, a draft keeps its id when it is sent, so that one can ask what became of it. */
const lasting = { prefer: 'IdType="ImmutableId"' }

/**
 * Sends a message that is too large for one call: a draft, its attachments one by one, and then the order to send.
 *
 * It needs the permission Mail.ReadWrite. Whatever goes wrong before the order, the draft is taken away again.
 *
 * @see https://learn.microsoft.com/en-us/graph/outlook-large-attachments
 */
export async function sendAsDraft(
  session: ApiSession,
  sender: SenderView,
  user: string,
  message: { body: Record<string, unknown>; attachments: Attachment[] },
  now: () => number,
): Promise<Delivery> {
  const made = await session.call(`${user}/messages`, { method: 'POST', headers: { ...json, ...lasting }, body: JSON.stringify(message.body) })
  const { id } = jsonOf(made)
  if (made.status !== 201 || typeof id !== 'string') return judgeAnswer(sender, made, now(), false)
  const draft = `${user}/messages/${encodeURIComponent(id)}`
  let delivery: Delivery | null = null
  try {
    for (const attachment of message.attachments) {
      const refused = await attach(session, draft, attachment)
      if (refused !== null) return (delivery = judgeAnswer(sender, refused, now(), false))
    }
    return (delivery = await sendDraft(session, sender, draft, now))
  } finally {
    const isOver = delivery !== null && (delivery.kind === 'sent' || (delivery.kind === 'unavailable' && delivery.code === 'mail_outcome_unknown'))
    if (!isOver) await session.call(draft, { method: 'DELETE', headers: lasting }).catch(() => undefined)
  }
}

async function sendDraft(session: ApiSession, sender: SenderView, draft: string, now: () => number): Promise<Delivery> {
  let answer: OutgoingResponse
  try {
    answer = await session.call(`${draft}/send`, { method: 'POST', headers: lasting, body: '' })
  } catch (error) {
    if (!mayHaveArrived(error)) throw error
    return await whatBecameOf(session, sender, draft)
  }
  if (answer.status === 502 || answer.status === 504) return await whatBecameOf(session, sender, draft)
  return answer.status === 202 ? sent(answer.status) : judgeAnswer(sender, answer, now(), true)
}

const sent = (status: number): Delivery => ({ kind: 'sent', reply: `HTTP ${status}`, refused: [] })

/** A draft that is none any more was sent. */
async function whatBecameOf(session: ApiSession, sender: SenderView, draft: string): Promise<Delivery> {
  const answer = await session.call(`${draft}?$select=isDraft`, { method: 'GET', headers: lasting }).catch((error: unknown) => {
    if (isProblem(error)) return null
    throw error
  })
  const { isDraft } = answer?.status === 200 ? jsonOf(answer) : {}
  if (isDraft === false) return sent(202)
  if (isDraft !== true) return outcomeUnknown(sender, null)
  return { kind: 'unavailable', code: 'mail_unavailable', message: `The connection to ${sender.host} was lost before the message was sent.`, reply: null }
}

/** Adds an attachment to a draft, and returns the answer that refuses it; null when it is there. */
async function attach(session: ApiSession, draft: string, attachment: Attachment): Promise<OutgoingResponse | null> {
  if (attachment.content.length < largestAtOnce) {
    const answer = await session.call(`${draft}/attachments`, {
      method: 'POST',
      headers: { ...json, ...lasting },
      body: JSON.stringify(graphAttachment(attachment)),
    })
    return answer.status === 201 ? null : answer
  }
  const begun = await session.call(`${draft}/attachments/createUploadSession`, {
    method: 'POST',
    headers: { ...json, ...lasting },
    body: JSON.stringify({
      AttachmentItem: {
        attachmentType: 'file',
        name: attachment.name,
        size: attachment.content.length,
        contentType: attachment.type,
        ...(attachment.inlineId === null ? {} : { isInline: true, contentId: attachment.inlineId }),
      },
    }),
  })
  const { uploadUrl } = jsonOf(begun)
  if (begun.status !== 201 || typeof uploadUrl !== 'string') return begun
  return await upload(session, uploadUrl, attachment.content)
}

/** Sends the parts that the server says it still expects. */
async function upload(session: ApiSession, url: string, content: Buffer): Promise<OutgoingResponse | null> {
  let at = 0
  for (;;) {
    const part = content.subarray(at, at + partSize)
    const answer = await session.upload(url, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', 'content-range': `bytes ${at}-${at + part.length - 1}/${content.length}` },
      body: part,
    })
    if (answer.status === 201) return null
    if (answer.status !== 200) return answer
    const { nextExpectedRanges } = jsonOf(answer)
    const next: unknown = Array.isArray(nextExpectedRanges) ? nextExpectedRanges[0] : undefined
    const expected = typeof next === 'string' ? Number.parseInt(next, 10) : Number.NaN
    // A server that does not go on would be sent the same part for ever.
    if (!(expected > at && expected < content.length)) return answer
    at = expected
  }
}
