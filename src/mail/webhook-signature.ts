import { createHmac, randomBytes } from 'node:crypto'
import { Secret } from '../base/secret.ts'

const prefix = 'whsec_'

/** Makes a secret to sign with: 32 random bytes in base64 behind `whsec_`, as the specification spells it. */
export const makeWebhookSecret = (): Secret => new Secret(`${prefix}${randomBytes(32).toString('base64')}`)

/**
 * Returns the headers that let a receiver see who sent a body, when, and whether it came before. Each secret gives a
 * signature of its own, so that a receiver may take its time to learn a new one.
 *
 * @see https://www.standardwebhooks.com version 1: HMAC-SHA256 over "id.timestamp.body"
 */
export function signedHeaders(delivery: { id: string; at: number; body: string }, secrets: Secret[]): Record<string, string> {
  const timestamp = String(Math.floor(delivery.at / 1000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.reveal().slice(prefix.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${delivery.id}.${timestamp}.${delivery.body}`).digest('base64')}`
  })
  return { 'webhook-id': delivery.id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
