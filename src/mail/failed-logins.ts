import type { Clock } from '../base/clock.ts'
import { networkOf } from '../access/sign-in-limit.ts'

/** So many failures at once, and one more per interval, for each address. */
const burst = 20
const interval = 3000
const mostAddresses = 10_000

/**
 * Counts logins that were refused, by address. A key is too long to be guessed: this is about the noise. So only what fails
 * is turned away, and a program with a good key gets in beside a neighbour that hammers with an old one.
 */
export class FailedLogins {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #left = new Map<string, { count: number; at: number }>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** Counts a failure and returns whether the address has had too many. */
  isTooMany(address: string | null): boolean {
    const now = this.#clock.monotonic()
    const from = networkOf(address)
    const known = this.#left.get(from) ?? { count: burst, at: now }
    const count = Math.min(burst, known.count + (now - known.at) / interval)
    this.#left.delete(from)
    this.#left.set(from, { count: Math.max(0, count - 1), at: now })
    if (this.#left.size > mostAddresses) this.#left.delete(this.#left.keys().next().value as string)
    return count < 1
  }
}
