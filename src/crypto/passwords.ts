import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Secret } from '../base/secret.ts'

const derive = promisify(argon2)

/** Memory in KiB. Above the minimum of OWASP's cheat sheet (19 MiB and 2 passes), below what a small machine notices. */
const current = { memory: 65_536, passes: 3, parallelism: 1 }
const saltLength = 16
const hashLength = 32

/** What a stored hash may ask for at most: a changed row must not be able to take all memory. */
const most = { memory: 1_048_576, passes: 20, parallelism: 16 }

/** Returns `right` with whether the hash should be made anew with today's parameters, `wrong`, or `unknown_form`. */
export type PasswordCheck = { result: 'right'; outdated: boolean } | { result: 'wrong' } | { result: 'unknown_form' }

/**
 * Hashes a person's password with Argon2id and returns it in PHC form: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
 *
 * @see RFC 9106 https://www.rfc-editor.org/rfc/rfc9106.html
 */
export async function hashPassword(password: Secret): Promise<string> {
  const salt = randomBytes(saltLength)
  const hash = await compute(password, salt, current, hashLength)
  return `$argon2id$v=19$m=${current.memory},t=${current.passes},p=${current.parallelism}$${unpadded(salt)}$${unpadded(hash)}`
}

/** Compares a password with a stored hash, in a time that tells nothing about the hash. */
export async function checkPassword(password: Secret, stored: string): Promise<PasswordCheck> {
  const parsed = parse(stored)
  if (!parsed) return { result: 'unknown_form' }
  const hash = await compute(password, parsed.salt, parsed, parsed.hash.length)
  if (!timingSafeEqual(hash, parsed.hash)) return { result: 'wrong' }
  const outdated = parsed.memory < current.memory || parsed.passes < current.passes || parsed.hash.length < hashLength || parsed.salt.length < saltLength
  return { result: 'right', outdated }
}

type Parameters = { memory: number; passes: number; parallelism: number }

async function compute(password: Secret, nonce: Uint8Array, { memory, passes, parallelism }: Parameters, tagLength: number): Promise<Buffer> {
  // The same letters may be typed as different code points on another keyboard.
  const message = Buffer.from(password.reveal().normalize('NFKC'), 'utf8')
  return await derive('argon2id', { message, nonce, memory, passes, parallelism, tagLength })
}

function parse(stored: string): (Parameters & { salt: Buffer; hash: Buffer }) | null {
  const parts = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/.exec(stored)
  if (!parts) return null
  const [memory, passes, parallelism] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  if (passes < 1 || parallelism < 1 || memory < 8 * parallelism) return null
  if (memory > most.memory || passes > most.passes || parallelism > most.parallelism) return null
  return { memory, passes, parallelism, salt: Buffer.from(parts[4]!, 'base64'), hash: Buffer.from(parts[5]!, 'base64') }
}

const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
