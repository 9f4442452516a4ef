import type { Secret } from '../base/secret.ts'

const cut = Buffer.from('[secret]')
/** Shorter ones are in every text by chance. */
const shortest = 4

/** Finds a secret in bytes, in whatever form a server may write back what it was sent. */
export type Hider = {
  /** The most bytes that one occurrence takes. */
  longest: number
  /** Returns what stands in the first `limit` bytes, without the secrets; one that reaches beyond the end is cut out whole. */
  hide(bytes: Uint8Array, limit?: number): Buffer
  /** Returns a text without the secrets. */
  hideText(text: string): string
}

/**
 * Makes what takes secrets out of an answer: as they are, and as JSON, HTML, addresses, forms and base64 write them.
 *
 * A server that means harm can write them in forms that nobody knows; it has them anyway. This is for those that quote a
 * request in an error page or in a test answer.
 */
export function hiderOf(secrets: Secret[]): Hider {
  const texts = [...new Set(secrets.map((secret) => secret.reveal()))].filter((text) => text.length >= shortest)
  // In pieces: no engine takes a pattern as long as tokens may be.
  const patterns = texts.flatMap(piecesOf).flatMap((piece) => [[...piece].map(anyFormOf).join(''), ...insideBase64(piece)].map((form) => new RegExp(form, 'g')))
  const longest = Math.max(0, ...texts.map((text) => Buffer.byteLength(text) * 10))
  const hide = (bytes: Uint8Array, limit = bytes.byteLength): Buffer => {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const text = all.toString('latin1')
    const found = patterns.flatMap((pattern) => Array.from(text.matchAll(pattern), ({ 0: match, index }) => ({ start: index, end: index + match.length })))
    const parts: Buffer[] = []
    let from = 0
    for (const { start, end } of found.sort((a, b) => a.start - b.start)) {
      if (start >= limit) break
      // One that begins within the one before, or right behind it, is the rest of the same secret.
      if (from === 0 || start > from) parts.push(all.subarray(from, start), cut)
      from = Math.max(from, end)
    }
    if (from < limit) parts.push(all.subarray(from, limit))
    return Buffer.concat(parts)
  }
  return { longest, hide, hideText: (text) => hide(Buffer.from(text, 'utf8')).toString('utf8') }
}

const longestPiece = 1000

const piecesOf = (text: string): string[] => {
  const characters = [...text]
  return Array.from({ length: Math.ceil(characters.length / longestPiece) }, (_, i) => characters.slice(i * longestPiece, (i + 1) * longestPiece).join(''))
}

/** Returns the pattern of one character, over bytes that are read as latin1. */
function anyFormOf(character: string): string {
  const bytes = [...Buffer.from(character, 'utf8')]
  const plain = bytes.map(byteOf).join('')
  if (/^[A-Za-z0-9]$/.test(character)) return plain
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
  const point = character.codePointAt(0)!
  const hex = point.toString(16)
  const named: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }
  const forms = [
    plain,
    ...(point < 128 ? [`\\\\${plain}`] : []),
    bytes.map((byte) => `%${anyCase(byte.toString(16).padStart(2, '0'))}`).join(''),
    units.map((unit) => `\\\\u${anyCase(unit.toString(16).padStart(4, '0'))}`).join(''),
    `&#0{0,3}${point};`,
    `&#[xX]0{0,3}${anyCase(hex)};`,
    ...(named[character] === undefined ? [] : [named[character]]),
    ...(character === ' ' ? ['\\+'] : []),
  ]
  return `(?:${forms.join('|')})`
}

const byteOf = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`
const anyCase = (hex: string): string => hex.replace(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)

/** Returns how a secret looks within a longer text in base64: three ways, by where it begins; the ends depend on what is beside it. */
function insideBase64(text: string): string[] {
  if (text.length < 12) return []
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text, 'utf8')])
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64')
    return whole
      .slice(before === 0 ? 0 : 4)
      .replace(/\+/g, '[+-]')
      .replace(/\//g, '[/_]')
  })
}
