import { readMailboxes, type Recipients } from './recipient-fields.ts'
import type { Mailbox } from './message.ts'
import { decodeWords, type Attachment, type MessageParts } from './mime-reader.ts'

/** Graph takes no more header fields of one's own than these, and only such as begin with X. */
const mostOwnFields = 5

const recipient = ({ name, address }: Mailbox) => ({ emailAddress: { address, ...(name === '' ? {} : { name }) } })

/**
 * Writes a message in the words of Graph, without its attachments.
 *
 * Of text and HTML it keeps the HTML: a message of Graph has one body.
 *
 * @see https://learn.microsoft.com/en-us/graph/api/resources/message
 */
export function graphMessage({ fields, text, html }: MessageParts, recipients: Recipients, from: Mailbox): Record<string, unknown> {
  const valueOf = (name: string) => fields.find((field) => field.name === name)?.value
  const messageId = valueOf('message-id')
  const ownFields = fields.filter((field) => field.name.startsWith('x-')).slice(0, mostOwnFields)
  return {
    subject: decodeWords(valueOf('subject') ?? ''),
    body: html === null ? { contentType: 'text', content: text ?? '' } : { contentType: 'html', content: html },
    from: recipient(from),
    toRecipients: recipients.to.map(recipient),
    ccRecipients: recipients.cc.map(recipient),
    bccRecipients: recipients.bcc.map(recipient),
    replyTo: readMailboxes(fields, 'reply-to').map(recipient),
    ...(messageId === undefined ? {} : { internetMessageId: messageId }),
    ...(ownFields.length === 0 ? {} : { internetMessageHeaders: ownFields.map(({ name, value }) => ({ name, value: decodeWords(value) })) }),
  }
}

export const graphAttachment = ({ name, type, content, inlineId }: Attachment) => ({
  '@odata.type': '#microsoft.graph.fileAttachment',
  name,
  contentType: type,
  contentBytes: content.toString('base64'),
  ...(inlineId === null ? {} : { isInline: true, contentId: inlineId }),
})
