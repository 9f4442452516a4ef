import { randomUUID } from 'node:crypto'
import addressparser from 'nodemailer/lib/addressparser'
import { Problem } from '../base/problem.ts'
import { normalizeAddress } from './message.ts'
import { rawFieldsOf, type RawField } from './mime-reader.ts'

/** A message that goes round in a circle gets a Received line each time; no honest way is this long. @see RFC 5321 section 6.3 */
const mostHops = 50

/** A finished message, taken apart as far as needed to send it. */
export type RawMessage = {
  fields: RawField[]
  /** Everything from the empty line on. */
  rest: Buffer
}

/**
 * Takes a finished message apart. Line breaks become CRLF where they are not: a bare CR or LF means the end of a line to one
 * server and not to the next, which is how a second message is smuggled in one.
 *
 * @throws Problem mail_invalid for a message that goes round in a circle
 * @see RFC 5322 section 2.3
 */
export function readRaw(bytes: Buffer): RawMessage {
  const mime = wholeLines(bytes)
  const blank = mime.indexOf('\r\n\r\n')
  const headerEnd = mime.subarray(0, 2).toString('latin1') === '\r\n' ? 0 : blank === -1 ? mime.length : blank + 2
  const header = mime.subarray(0, headerEnd).toString('latin1').replace(/\r\n$/, '')
  const rest = mime.subarray(headerEnd)
  const fields = header === '' ? [] : rawFieldsOf(header)
  if (fields.filter(({ name }) => name === 'received').length >= mostHops) {
    throw new Problem('mail_invalid', `The message has passed ${mostHops} servers: it goes round in a circle.`, {
      nextStep: 'Find the server that sends mail back to Keybearer.',
    })
  }
  return { fields, rest: rest.length === 0 ? Buffer.from('\r\n') : rest }
}

const [cr, lf] = [13, 10]

function wholeLines(bytes: Buffer): Buffer {
  let before = 0
  // By number: going through all bytes by their iterator takes several times as long.
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    // The one comes with the other, or not at all.
    if ((byte === lf) !== (before === cr)) return normalized(bytes)
    before = byte
  }
  return before === cr ? normalized(bytes) : bytes
}

const normalized = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1')

/** Returns what stands in a field, unfolded and as text; null when there is none. */
export function fieldOf(message: RawMessage, name: string): string | null {
  const field = message.fields.find((one) => one.name === name)
  return field === undefined ? null : valueOf(field)
}

function valueOf({ text }: RawField): string {
  const value = text.slice(text.indexOf(':') + 1)
  return (/[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value).replaceAll('\r\n', '').trim()
}

/**
 * Returns whom every From names. `local`: it names nobody but a user of the machine, such as root, with this display name; null for any
 * other From. `addresses` are as they came where they are none.
 */
export function fromOf(message: RawMessage): { addresses: string[]; local: { name: string } | null } {
  const values = message.fields.filter(({ name }) => name === 'from').map(valueOf)
  const entries = values.flatMap((value) => addressparser(value) as Parsed[])
  return { addresses: flat(entries).map((address) => normalizeAddress(address) ?? address), local: localOf(entries, values) }
}

function localOf(entries: Parsed[], values: string[]): { name: string } | null {
  if (entries.length === 0 || entries.some((one) => one.group !== undefined || one.address?.includes('@'))) return null
  const [first] = entries
  if (first === undefined || !/^[\w.+-]{1,64}$/.test(first.address || first.name || '')) return null
  const comment = values.length === 1 ? /\(([^()]*)\)\s*$/.exec(values[0]!)?.[1] : undefined
  return {
    name: decodeWords(first.address ? (first.name ?? '') : (comment ?? ''))
      .trim()
      .slice(0, 200),
  }
}

/** Returns the message without any From. */
export const withoutFrom = (message: RawMessage): RawMessage => ({ ...message, fields: message.fields.filter(({ name }) => name !== 'from') })

/** Returns everybody whom To, Cc and Bcc name, members of groups included. */
export const namedRecipients = (message: RawMessage): string[] =>
  flat(message.fields.filter(({ name }) => recipientFields.has(name)).flatMap((field) => addressparser(valueOf(field)) as Parsed[]))

const recipientFields: ReadonlySet<string> = new Set(['to', 'cc', 'bcc'])

type Parsed = { name?: string; address?: string; group?: Parsed[] }

const flat = (entries: Parsed[]): string[] => entries.flatMap((one) => (one.group === undefined ? (one.address ? [one.address] : []) : flat(one.group)))

export type Finished = { mime: Buffer; messageId: string; subject: string }

/**
 * Makes a message ready to send: whom Bcc names stays hidden, Return-Path is the last server's to write, and what every
 * message must have is added where it is missing. Nothing else is touched, so that signatures stay valid.
 *
 * @see RFC 6409 section 8
 */
export function finishRaw(message: RawMessage, options: { from: string; newFrom: string | null; received: string | null; now: number }): Finished {
  const { from, newFrom, now } = options
  const kept = message.fields.filter(({ name }) => !notPassedOn.has(name))
  const fields = newFrom === null ? kept : withFrom(kept, newFrom)
  const has = (name: string) => fields.some((field) => field.name === name)
  const messageId = fieldOf(message, 'message-id') || `<${randomUUID()}@${from.split('@').at(-1)}>`
  const added = [
    ...(options.received === null ? [] : [options.received]),
    ...(has('from') ? [] : [newFrom ?? `From: <${Buffer.from(from, 'utf8').toString('latin1')}>`]),
    ...(has('date') ? [] : [`Date: ${mailDate(now)}`]),
    ...(has('message-id') ? [] : [`Message-ID: ${messageId}`]),
  ]
  const header = [...added, ...fields.map(({ text }) => text)].join('\r\n')
  return {
    mime: Buffer.concat([Buffer.from(`${header}\r\n`, 'latin1'), message.rest]),
    messageId: messageId.slice(0, 500),
    subject: decodeWords(fieldOf(message, 'subject') ?? '').slice(0, 500),
  }
}

const notPassedOn: ReadonlySet<string> = new Set(['bcc', 'resent-bcc', 'return-path'])

/** Puts another From in place of those that are there; answers still go to whom it came from. */
function withFrom(fields: RawField[], text: string): RawField[] {
  const from = { name: 'from', text }
  const hasReplyTo = fields.some(({ name }) => name === 'reply-to')
  const first = fields.find(({ name }) => name === 'from')
  return fields.flatMap((field) => {
    if (field.name !== 'from') return [field]
    if (field !== first) return []
    return hasReplyTo ? [from] : [from, { name: 'reply-to', text: field.text.replace(/^from[ \t]*:/i, 'Reply-To:') }]
  })
}

/** Returns a text with its encoded words decoded, for people to read in a list. @see RFC 2047 section 2 */
function decodeWords(text: string): string {
  return text
    .replace(/(\?=)\s+(?==\?)/g, '$1')
    .replace(/=\?([\w-]{1,40})(?:\*[\w-]*)?\?([bq])\?([^?]*)\?=/gi, (word, charset: string, encoding: string, value: string) => {
      const quoted = value.replaceAll('_', ' ').replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
      const bytes = encoding.toLowerCase() === 'b' ? Buffer.from(value, 'base64') : Buffer.from(quoted, 'latin1')
      try {
        return new TextDecoder(charset).decode(bytes)
      } catch {
        return word
      }
    })
    .replace(/\p{Cc}/gu, ' ')
}

let dated = { second: Number.NaN, text: '' }

/** @see RFC 5322 section 3.3 */
export function mailDate(now: number): string {
  const second = Math.floor(now / 1000)
  if (second !== dated.second) dated = { second, text: new Date(now).toUTCString().replace('GMT', '+0000') }
  return dated.text
}
