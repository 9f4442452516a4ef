import type { AuditEntry, AuditTrail } from './audit.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'

/** So many records at once, and one more per interval, for each address; ten times as many for all of them. */
const burst = 20
const interval = 3000
const forAll = 10
const mostAddresses = 10_000

type Bucket = { tokens: number; at: number; left: number }

/**
 * Records refused calls in the audit trail. A flood of them is recorded in part, with the number of those left out: the
 * trail must not fill the disk for whoever knocks without a key.
 */
export class Refusals {
  readonly #audit: Pick<AuditTrail, 'record'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #buckets = new Map<string, Bucket>()
  readonly #all: Bucket

  constructor(services: { audit: Pick<AuditTrail, 'record'>; clock: Clock; log: Log }) {
    this.#audit = services.audit
    this.#clock = services.clock
    this.#log = services.log
    this.#all = { tokens: burst * forAll, at: this.#clock.monotonic(), left: 0 }
  }

  /** Resolves when the record is on disk, or at once when it is left out. The call is refused in any case. */
  async record(entry: AuditEntry): Promise<void> {
    const now = this.#clock.monotonic()
    const bucket = this.#bucketOf(entry.actor.address ?? 'unknown', now)
    if (!take(bucket, now, burst, interval) || !take(this.#all, now, burst * forAll, interval / forAll)) {
      bucket.left++
      return
    }
    const detail = bucket.left === 0 ? entry.detail : { ...entry.detail, left_out: bucket.left }
    bucket.left = 0
    try {
      await this.#audit.record({ ...entry, ...(detail ? { detail } : {}) })
    } catch (error) {
      this.#log.warn('refusal.not_recorded', { error, action: entry.action })
    }
  }

  #bucketOf(address: string, now: number): Bucket {
    const known = this.#buckets.get(address)
    if (known) return known
    if (this.#buckets.size >= mostAddresses) this.#buckets.clear()
    const made = { tokens: burst, at: now, left: 0 }
    this.#buckets.set(address, made)
    return made
  }
}

function take(bucket: Bucket, now: number, most: number, every: number): boolean {
  bucket.tokens = Math.min(most, bucket.tokens + (now - bucket.at) / every)
  bucket.at = now
  if (bucket.tokens < 1) return false
  bucket.tokens--
  return true
}
