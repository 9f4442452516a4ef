import { Buffer } from 'node:buffer'

/** One field of a header: its name in small letters, and what stands behind the colon, unfolded. */
export type Field = { name: string; value: string }

export type Attachment = { name: string; type: string; content: Buffer; inlineId: string | null }

/** What a message is made of: the first text, the first HTML, and the rest as attachments. */
export type MessageParts = { fields: Field[]; text: string | null; html: string | null; attachments: Attachment[] }

/** Deeper than this nobody nests parts who means well. */
const deepest = 20
const mostParts = 1000

/** Splits a header into its fields, folded lines together. @see RFC 5322 section 2.2.3 */
export const splitFields = (header: string): string[] => header.split(/\r\n(?![ \t])/)
export const nameOf = (field: string): string => field.slice(0, field.indexOf(':')).trim().toLowerCase()

/** A field as it came, folded lines together, without line break at its end; `name` in small letters. */
export type RawField = { name: string; text: string }

/** Splits a header into its fields and reads their names. */
export const rawFieldsOf = (header: string): RawField[] => splitFields(header).map((text) => ({ name: nameOf(text), text }))

/** Cuts a message, or a part of one, at the empty line behind its header. */
export function cutHeader(mime: string): { header: string; body: string } {
  if (mime.startsWith('\r\n')) return { header: '', body: mime.slice(2) }
  const end = mime.indexOf('\r\n\r\n')
  return end === -1 ? { header: mime, body: '' } : { header: mime.slice(0, end), body: mime.slice(end + 4) }
}

export const readFields = (header: string): Field[] =>
  splitFields(header)
    .filter((field) => field.indexOf(':') > 0)
    .map((field) => ({
      name: nameOf(field),
      value: field
        .slice(field.indexOf(':') + 1)
        .replaceAll('\r\n', '')
        .trim(),
    }))

/** Takes a message apart. What it cannot read stays an attachment, so that nothing is lost. @see RFC 2045, RFC 2046 */
export function readParts(mime: string): MessageParts {
  const { header } = cutHeader(mime)
  const parts: MessageParts = { fields: readFields(header), text: null, html: null, attachments: [] }
  let count = 0
  const visit = (part: string, depth: number): void => {
    if (++count > mostParts) return
    const cut = cutHeader(part)
    const fields = readFields(cut.header)
    const value = (name: string) => fields.find((field) => field.name === name)?.value ?? ''
    const type = readParameters(value('content-type') || 'text/plain')
    const boundary = type.parameters.get('boundary')
    if (type.value.startsWith('multipart/') && boundary !== undefined && depth < deepest) {
      for (const inner of splitAtBoundary(cut.body, boundary)) visit(inner, depth + 1)
      return
    }
    const disposition = readParameters(value('content-disposition'))
    const content = decodeBody(cut.body, value('content-transfer-encoding').toLowerCase())
    const name = disposition.parameters.get('filename') ?? type.parameters.get('name')
    if (disposition.value !== 'attachment' && name === undefined) {
      const words = () => decodeText(content, type.parameters.get('charset') ?? 'utf-8')
      if (type.value === 'text/plain' && parts.text === null) return void (parts.text = words())
      if (type.value === 'text/html' && parts.html === null) return void (parts.html = words())
    }
    const inlineId = value('content-id').replace(/^<|>$/g, '')
    parts.attachments.push({
      name: decodeWords(name ?? `part-${count}`),
      type: type.value,
      content,
      inlineId: inlineId !== '' && disposition.value !== 'attachment' ? inlineId : null,
    })
  }
  visit(mime, 0)
  return parts
}

function splitAtBoundary(body: string, boundary: string): string[] {
  const parts: string[] = []
  const text = `\r\n${body}`
  const mark = `\r\n--${boundary}`
  let at = text.indexOf(mark)
  while (at !== -1 && !text.startsWith('--', at + mark.length)) {
    const begin = text.indexOf('\r\n', at + mark.length)
    if (begin === -1) break
    // The line end before the next boundary belongs to it, also where the part is empty.
    const next = text.indexOf(mark, begin)
    parts.push(text.slice(begin + 2, next === -1 ? undefined : Math.max(next, begin + 2)))
    at = next
  }
  return parts
}

function decodeBody(body: string, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(body.replace(/[^A-Za-z0-9+/=]/g, ''), 'base64')
  if (encoding === 'quoted-printable') return decodeQuoted(body.replace(/=[ \t]*\r\n/g, ''))
  return Buffer.from(body, 'utf8')
}

function decodeQuoted(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  const out = Buffer.alloc(bytes.length)
  let length = 0
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes[i] === 0x3d ? /^[0-9a-f]{2}$/i.exec(bytes.toString('latin1', i + 1, i + 3)) : null
    out[length++] = code === null ? bytes[i]! : Number.parseInt(code[0], 16)
    if (code !== null) i += 2
  }
  return out.subarray(0, length)
}

function decodeText(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return bytes.toString('utf8')
  }
}

/** Reads `value; name=…`, with continuations and percent signs. @see RFC 2231 */
function readParameters(text: string): { value: string; parameters: Map<string, string> } {
  const [first = ''] = text.split(';', 1)
  const found = new Map<string, string>()
  for (const [, name = '', quoted, bare = ''] of text.slice(first.length).matchAll(/;\s*([\w*.-]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g)) {
    found.set(name.toLowerCase(), quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1'))
  }
  const parameters = new Map<string, string>()
  for (const name of new Set([...found.keys()].map((key) => key.split('*', 1)[0]!))) {
    const plain = found.get(name)
    parameters.set(name, plain ?? joinContinued(found, name))
  }
  return { value: first.trim().toLowerCase(), parameters }
}

function joinContinued(found: Map<string, string>, name: string): string {
  const whole = found.get(`${name}*`)
  if (whole !== undefined) return decodePercent(whole)
  let encoded = ''
  let isEncoded = false
  for (let i = 0; ; i++) {
    const marked = found.get(`${name}*${i}*`)
    const piece = marked ?? found.get(`${name}*${i}`)
    if (piece === undefined) break
    isEncoded ||= marked !== undefined
    encoded += marked ?? encodeURIComponent(piece)
  }
  return isEncoded ? decodePercent(encoded) : decodeURIComponent(encoded)
}

function decodePercent(text: string): string {
  const [, charset, rest] = /^([\w-]*)'[^']*'(.*)$/s.exec(text) ?? [undefined, 'utf-8', text]
  const bytes = Buffer.from(
    rest.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    'latin1',
  )
  return decodeText(bytes, charset || 'utf-8')
}

/** Reads encoded words, such as `=?utf-8?Q?Anna_M=C3=BCller?=`; white space between two of them is none. @see RFC 2047 */
export const decodeWords = (text: string): string =>
  text
    .replace(/(\?=)\s+(?==\?)/g, '$1')
    .replace(/=\?([\w-]+)(?:\*[\w-]+)?\?([bq])\?([^?]*)\?=/gi, (_, charset: string, kind: string, data: string) =>
      decodeText(kind.toLowerCase() === 'b' ? Buffer.from(data, 'base64') : decodeQuoted(data.replaceAll('_', ' ')), charset),
    )
