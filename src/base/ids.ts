import { randomBytes, randomInt } from 'node:crypto'
import { publicRandom } from './public-random.ts'

const crockford = '0123456789abcdefghjkmnpqrstvwxyz'

/** What an identifier names; the word stands before the underscore. */
export type IdKind =
  | 'cred'
  | 'reg'
  | 'prov'
  | 'key'
  | 'con'
  | 'snd'
  | 'msg'
  | 'job'
  | 'att'
  | 'node'
  | 'req'
  | 'lease'
  | 'per'
  | 'ses'
  | 'pkey'
  | 'act'
  | 'run'
  | 'hook'
  | 'whk'
  | 'ntc'
  | 'stop'

/**
 * Makes an identifier such as `cred_01kcw3x8…`: 48 bits of time, so that newer ones sort later, and 80 random bits.
 * It names a thing and proves nothing: what must not be guessed is made by `randomToken`.
 */
export function newId(kind: IdKind, now: number): string {
  let time = Math.max(0, Math.floor(now))
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = crockford[time % 32] + head
    time = Math.floor(time / 32)
  }
  let tail = ''
  for (const byte of publicRandom(16)) tail += crockford[byte % 32]
  return `${kind}_${head}${tail}`
}

/** Returns whether a text has the form that `newId` gives to this kind. */
export function isId(kind: IdKind, text: string): boolean {
  return text.length === kind.length + 27 && text.startsWith(`${kind}_`) && /^[0-9a-hjkmnp-tv-z]{26}$/.test(text.slice(kind.length + 1))
}

/** Makes an unguessable base64url text from this many random bytes (256 bits unless told). */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}

/** Returns a random share of a duration, between the two fractions, so that many waiters do not come back at once. */
export function jitter(milliseconds: number, from = 0.5, to = 1): number {
  return Math.round(milliseconds * (from + (randomInt(1_000_001) / 1_000_000) * (to - from)))
}
