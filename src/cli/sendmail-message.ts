import { SendmailError } from './sysexits.ts'

/** A message as a program wrote it, its header taken apart. One character per byte. */
export type LocalMessage = { fields: { name: string; text: string }[]; body: Buffer }

/** Larger than any service takes. */
const mostBytes = 160_000_000

/** Reads the message on stdin to its end, or to the line with only a dot. @throws SendmailError EX_NOINPUT, EX_UNAVAILABLE */
export function readMessage(endsAtDot: boolean): Buffer {
  const { readSync } = process.getBuiltinModule('node:fs')
  const chunks: Buffer[] = []
  let size = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(65_536)
    let read: number
    try {
      read = readSync(0, chunk)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') {
        // A pipe whose writer is slow, and that is not waited for by itself.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
        continue
      }
      if (code === 'EOF') break
      throw new SendmailError(`The message cannot be read from stdin: ${code ?? 'error'}.`, 'noInput')
    }
    if (read === 0) break
    size += read
    if (size > mostBytes) throw new SendmailError(`The message has more than ${mostBytes} bytes.`, 'unavailable')
    chunks.push(chunk.subarray(0, read))
    // Who types it ends it so; nothing more comes then.
    if (endsAtDot && endsHere(chunks)) break
  }
  const all = Buffer.concat(chunks)
  return endsAtDot ? cutAtDot(all) : all
}

/** Whether what was read so far holds the line that ends it; only the last two pieces can have brought it. */
function endsHere(chunks: Buffer[]): boolean {
  const tail = Buffer.concat(chunks.slice(-2))
  return findDot(tail, chunks.length <= 2) !== -1
}

function findDot(bytes: Buffer, isStart: boolean): number {
  for (let at = bytes.indexOf(46); at !== -1; at = bytes.indexOf(46, at + 1)) {
    const begins = at === 0 ? isStart : bytes[at - 1] === 10
    const ends = bytes[at + 1] === 10 || (bytes[at + 1] === 13 && bytes[at + 2] === 10)
    if (begins && ends) return at
  }
  return -1
}

function cutAtDot(bytes: Buffer): Buffer {
  const at = findDot(bytes, true)
  if (at !== -1) return bytes.subarray(0, at)
  // The last line may lack its end.
  const end = bytes.length - 1
  return bytes[end] === 46 && (end === 0 || bytes[end - 1] === 10) ? bytes.subarray(0, end) : bytes
}

/**
 * Takes a message apart. What is no field ends the header, with an empty line or without: whoever pipes one line of text means
 * it as the text.
 */
export function readLocalMessage(bytes: Buffer): LocalMessage {
  const fields: LocalMessage['fields'] = []
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(10, at)
    const next = end === -1 ? bytes.length : end + 1
    const line = bytes
      .subarray(at, end === -1 ? bytes.length : end)
      .toString('latin1')
      .replace(/\r$/, '')
    const field = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:/.exec(line)
    if (line === '') return { fields, body: bytes.subarray(next) }
    // The line before a message in a mailbox file is no part of it.
    const isEnvelope = at === 0 && line.startsWith('From ')
    const last = fields.at(-1)
    if (/^[ \t]/.test(line) && last !== undefined) last.text += `\r\n${line}`
    else if (field !== null) fields.push({ name: field[1]!.toLowerCase(), text: line })
    else if (!isEnvelope) return { fields, body: bytes.subarray(at) }
    at = next
  }
  return { fields, body: Buffer.alloc(0) }
}

/** Writes a message, with what it must have and lacks: when it was handed in, and the name that came with -F. */
export function writeLocalMessage(message: LocalMessage, options: { now: number; from: string | null; fullName: string | null; login: string }): Buffer {
  const has = (name: string) => message.fields.some((field) => field.name === name)
  const added = [
    ...(has('date') ? [] : [`Date: ${new Date(options.now).toUTCString().replace('GMT', '+0000')}`]),
    ...(has('from') || options.fullName === null ? [] : [`From: ${phrase(options.fullName)} <${options.from ?? options.login}>`]),
  ]
  const header = [...added, ...message.fields.map((field) => field.text)].map((text) => `${text}\r\n`).join('')
  return Buffer.concat([Buffer.from(`${header}\r\n`, 'latin1'), message.body])
}

/** @see RFC 5322 section 3.2.5, RFC 2047 section 2 */
function phrase(name: string): string {
  const text = name.replace(/\p{Cc}/gu, ' ').slice(0, 200)
  // eslint-disable-next-line no-control-regex
  if (!/^[\x20-\x7e]*$/.test(text)) {
    const words: string[] = []
    let word = ''
    for (const sign of text) {
      // An encoded word has at most 75 characters.
      if (Buffer.byteLength(word + sign) > 42) {
        words.push(word)
        word = ''
      }
      word += sign
    }
    return [...words, word].map((one) => `=?UTF-8?B?${Buffer.from(one, 'utf8').toString('base64')}?=`).join(' ')
  }
  return /^[\w !#$%&'*+/=?^`{|}~-]*$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}
