import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'

const mostKnown = 10_000

/** Lets so many calls through at once, and so many in a minute after that, for each of whoever calls. */
export class CallLimit {
  readonly #clock: Clock
  readonly #burst: number
  readonly #each: number
  readonly #buckets = new Map<string, { rest: number; at: number }>()

  constructor(clock: Clock, { burst, perMinute }: { burst: number; perMinute: number }) {
    this.#clock = clock
    this.#burst = burst
    this.#each = 60_000 / perMinute
  }

  /** @throws Problem rate_limited */
  take(who: string): void {
    const now = this.#clock.monotonic()
    // Whoever comes from ever new addresses must not fill the memory.
    if (this.#buckets.size >= mostKnown) this.#buckets.clear()
    const bucket = this.#buckets.get(who) ?? { rest: this.#burst, at: now }
    bucket.rest = Math.min(this.#burst, bucket.rest + (now - bucket.at) / this.#each)
    bucket.at = now
    this.#buckets.set(who, bucket)
    if (bucket.rest < 1)
      throw new Problem('rate_limited', 'Too many calls came from there.', { retryAfter: Math.max(1, Math.ceil((1 - bucket.rest) * (this.#each / 1000))) })
    bucket.rest--
  }
}
