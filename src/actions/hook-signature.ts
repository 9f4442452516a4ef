import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../base/secret.ts'

/** How far the time in a call may lie from ours. */
const tolerance = 300_000
const prefix = 'whsec_'

/** What a call says of itself in its headers. */
export type SignedCall = { id: string | undefined; timestamp: string | undefined; signature: string | undefined; body: Buffer }

/**
 * Returns why a call is not believed; null: it comes from one who has the secret, and just now.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function refusalOf(call: SignedCall, secret: Secret, now: number): 'unsigned' | 'too_old' | 'wrong_signature' | null {
  const { id, timestamp, signature, body } = call
  if (id === undefined || timestamp === undefined || signature === undefined) return 'unsigned'
  if (!/^[\x21-\x7e]{1,200}$/.test(id) || !/^\d{1,12}$/.test(timestamp) || signature.length > 4000) return 'unsigned'
  const expected = sign(secret, id, timestamp, body)
  // Several secrets may be in use at the caller's, and so several signatures stand in one header.
  const matches = signature.split(' ').filter((one) => isSame(one, expected))
  if (matches.length === 0) return 'wrong_signature'
  return Math.abs(now - Number(timestamp) * 1000) > tolerance ? 'too_old' : null
}

/** Returns the signature of a call. */
export function sign(secret: Secret, id: string, timestamp: string, body: Buffer): string {
  const key = Buffer.from(secret.reveal().slice(prefix.length), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one, 'utf8'), Buffer.from(other, 'utf8')]
  return a.length === b.length && timingSafeEqual(a, b)
}
