import { hash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Secret } from '../base/secret.ts'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomLength = 40
const checkLength = 6

/** Makes an access key: `kb_`, 40 random characters (238 bits), and a checksum that finds typing errors without the database. */
export function makeAccessKey(): { key: Secret; hash: string; hint: string } {
  let body = ''
  for (let i = 0; i < randomLength; i++) body += alphabet[randomInt(62)]
  const text = `kb_${body}${checksum(body)}`
  return { key: new Secret(text), hash: hashAccessKey(text), hint: text.slice(0, 7) }
}

/** Checks the form of an access key and returns its hash. */
export function parseAccessKey(text: string): { ok: true; hash: string } | { ok: false; reason: string } {
  if (!text.startsWith('kb_')) return { ok: false, reason: 'it does not begin with kb_' }
  const body = text.slice(3)
  if (body.length !== randomLength + checkLength) return { ok: false, reason: `it has ${text.length} characters instead of ${3 + randomLength + checkLength}` }
  if (!/^[0-9A-Za-z]+$/.test(body)) return { ok: false, reason: 'it contains a character that no key has' }
  if (checksum(body.slice(0, randomLength)) !== body.slice(randomLength)) return { ok: false, reason: 'its checksum does not fit, a character is wrong' }
  return { ok: true, hash: hashAccessKey(text) }
}

/**
 * Returns the hash under which a key is stored. One fast hash is enough: the key is random and long, so that guessing is
 * hopeless, and no derivation is paid per request. Looking the hash up leaks no timing about the key.
 */
export const hashAccessKey = (text: string): string => hash('sha256', text, 'hex')

function checksum(body: string): string {
  let value = crc32(body)
  let text = ''
  for (let i = 0; i < checkLength; i++) {
    text = alphabet[value % 62] + text
    value = Math.floor(value / 62)
  }
  return text
}
