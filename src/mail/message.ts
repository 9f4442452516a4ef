import { randomUUID } from 'node:crypto'
import { domainToASCII } from 'node:url'
import MailComposer from 'nodemailer/lib/mail-composer'
import addressparser from 'nodemailer/lib/addressparser'
import { Problem, type FieldError } from '../base/problem.ts'
import type { NewMessage } from './types.ts'

export const mostRecipients = 500
const reserved = new Set([
  'from',
  'to',
  'cc',
  'bcc',
  'sender',
  'reply-to',
  'subject',
  'date',
  'message-id',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'return-path',
  'received',
  'dkim-signature',
  'resent-from',
  'resent-to',
  'resent-bcc',
])

export type Mailbox = { name: string; address: string }

export type Composed = {
  mime: string
  size: number
  messageId: string
  subject: string
  from: Mailbox
  /** Everybody who gets it, each once: the envelope. */
  recipients: string[]
}

/**
 * Checks a message and makes it ready to send. Nothing that comes in can add a header or a recipient of its own: line breaks
 * are refused wherever a header could be made of them.
 *
 * @throws Problem mail_invalid with the fields that are wrong, payload_too_large
 */
export async function compose(input: NewMessage, sender: { from: string; fromName: string | null }, now: number, maxBytes: number): Promise<Composed> {
  const errors: FieldError[] = []
  const one = (path: string, text: string): Mailbox | null => {
    const list = readMailboxes(path, text, errors)
    if (list.length > 1) errors.push({ path, message: 'must be one address' })
    return list[0] ?? null
  }
  const many = (path: string, texts: string[] | undefined) => (texts ?? []).flatMap((text, i) => readMailboxes(`${path}[${i}]`, text, errors))
  const from = input.from === undefined ? { name: sender.fromName ?? '', address: sender.from } : one('from', input.from)
  const to = many('to', input.to)
  const cc = many('cc', input.cc)
  const bcc = many('bcc', input.bcc)
  const replyTo = input.replyTo === undefined ? null : one('reply_to', input.replyTo)
  const recipients = [...new Map([...to, ...cc, ...bcc].map((mailbox) => [mailbox.address.toLowerCase(), mailbox.address])).values()]
  if (recipients.length === 0 && errors.length === 0) errors.push({ path: 'to', message: 'must name at least one recipient' })
  if (recipients.length > mostRecipients) errors.push({ path: 'to', message: `must name at most ${mostRecipients} recipients` })
  if (/[\r\n\0]/.test(input.subject)) errors.push({ path: 'subject', message: 'must be one line' })
  if (input.text === undefined && input.html === undefined && (input.attachments ?? []).length === 0) {
    errors.push({ path: 'text', message: 'is needed, or html, or an attachment' })
  }
  errors.push(...headerErrors(input.headers ?? {}), ...attachmentErrors(input))
  if (errors.length > 0 || from === null) throw new Problem('mail_invalid', 'The message cannot be sent like this.', { errors })

  const messageId = `<${randomUUID()}@${from.address.split('@').at(-1)}>`
  const node = new MailComposer({
    from,
    to,
    cc,
    ...(replyTo === null ? {} : { replyTo }),
    subject: input.subject,
    ...(input.text === undefined ? {} : { text: wholeLines(input.text) }),
    ...(input.html === undefined ? {} : { html: wholeLines(input.html) }),
    messageId,
    date: new Date(now),
    headers: input.headers ?? {},
    attachments: (input.attachments ?? []).map((attachment) => ({
      filename: attachment.filename,
      content: attachment.content,
      encoding: 'base64',
      ...(attachment.contentType === undefined ? {} : { contentType: attachment.contentType }),
      ...(attachment.inlineId === undefined ? {} : { cid: attachment.inlineId }),
    })),
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'windows',
  }).compile()
  const bytes = await node.build()
  if (bytes.length > maxBytes) {
    throw new Problem('payload_too_large', `The message has ${bytes.length} bytes; at most ${maxBytes} are allowed.`)
  }
  return { mime: bytes.toString('utf8'), size: bytes.length, messageId, subject: input.subject, from, recipients }
}

/** A carriage return alone is not allowed in a message: it becomes the end of a line. @see RFC 5322 section 2.3 */
const wholeLines = (text: string): string => text.replace(/\r\n?/g, '\n')

/** Reads addresses, with names or without. Groups are refused: who gets a message must be written out. */
function readMailboxes(path: string, text: string, errors: FieldError[]): Mailbox[] {
  if (/[\r\n\0]/.test(text) || /\p{Cc}/u.test(text)) {
    errors.push({ path, message: 'must not contain line breaks or control characters' })
    return []
  }
  const parsed = addressparser(text)
  if (parsed.length === 0) errors.push({ path, message: 'is empty' })
  return parsed.flatMap((entry) => {
    if (!('address' in entry) || typeof entry.address !== 'string') {
      errors.push({ path, message: 'must be an address, not a group' })
      return []
    }
    const address = normalizeAddress(entry.address)
    if (address === null) {
      errors.push({ path, message: `"${(entry.address || entry.name).slice(0, 100)}" is not a mail address` })
      return []
    }
    return [{ name: entry.name, address }]
  })
}

/** Letters, digits and hyphens with a letter in the last label, none of it an encoded one: what nothing has to be changed of. */
const plainDomain = /^(?:(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?!xn--)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

/** Returns an address with its domain in ASCII; null when it is none. @see RFC 5321 section 4.1.2 */
export function normalizeAddress(text: string): string | null {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at)
  const domain = text.slice(at + 1)
  if (at < 1 || Buffer.byteLength(local) > 64 || domain.length > 253) return null
  if (!/^[^\s"(),:;<>@[\\\]\p{Cc}]+$/u.test(local) || local.startsWith('.') || local.endsWith('.') || local.includes('..')) return null
  if (/^\[(?:\d{1,3}\.){3}\d{1,3}\]$/.test(domain)) return `${local}@${domain}`
  if (plainDomain.test(domain)) return `${local}@${domain.toLowerCase()}`
  const ascii = domainToASCII(domain)
  return /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(ascii) ? `${local}@${ascii}` : null
}

function headerErrors(headers: Record<string, string>): FieldError[] {
  const errors: FieldError[] = []
  for (const [name, value] of Object.entries(headers)) {
    const path = `headers.${name.slice(0, 60)}`
    if (!/^[A-Za-z][A-Za-z0-9-]{0,70}$/.test(name)) errors.push({ path, message: 'is not the name of a header' })
    else if (reserved.has(name.toLowerCase())) errors.push({ path, message: 'is made by Keybearer itself' })
    if (/[\r\n\0]/.test(value)) errors.push({ path, message: 'must be one line' })
  }
  return errors
}

function attachmentErrors(input: NewMessage): FieldError[] {
  const errors: FieldError[] = []
  input.attachments?.forEach((attachment, i) => {
    const path = `attachments[${i}]`
    if (/[\r\n\0]/.test(attachment.filename)) errors.push({ path: `${path}.filename`, message: 'must be one line' })
    if (attachment.contentType !== undefined && !/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:;\s*[\w-]+="?[\w.@:-]+"?)*$/.test(attachment.contentType)) {
      errors.push({ path: `${path}.content_type`, message: 'must be a type such as application/pdf' })
    }
    if (attachment.inlineId !== undefined && !/^[\w.@-]{1,200}$/.test(attachment.inlineId))
      errors.push({ path: `${path}.inline_id`, message: 'must be letters, digits, dots and hyphens' })
    if (!/^[A-Za-z0-9+/\r\n]*={0,2}\s*$/.test(attachment.content)) errors.push({ path: `${path}.content`, message: 'must be base64' })
  })
  return errors
}
