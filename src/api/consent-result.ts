import { createHmac, timingSafeEqual } from 'node:crypto'
import type { ConsentEnd } from './pages.ts'

const life = 60 * 60_000

/**
 * Writes how a consent ended into an address, signed, so that the browser can be sent away from the one with the code in it
 * and any node can show the page. It holds what the page shows, and no secret.
 */
export function signResult(key: Uint8Array, end: ConsentEnd, now: number): string {
  const cut = end.ok ? end : { ...end, detail: end.detail.slice(0, 500) }
  const body = Buffer.from(JSON.stringify({ ...cut, at: now }), 'utf8').toString('base64url')
  return `${body}.${seal(key, body)}`
}

/** Returns what `signResult` wrote; null when it was not written here, or is more than an hour old. */
export function readResult(key: Uint8Array, text: string, now: number): ConsentEnd | null {
  const [body = '', signature = '', ...rest] = text.split('.')
  const expected = Buffer.from(seal(key, body))
  const given = Buffer.from(signature)
  if (rest.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  const { at, ...end } = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as ConsentEnd & { at: number }
  return now - at > life || at > now + life ? null : end
}

const seal = (key: Uint8Array, body: string) => createHmac('sha256', key).update(`consent result ${body}`).digest('base64url')
