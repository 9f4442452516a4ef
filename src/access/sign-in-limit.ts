import { isIP } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'

type Tries = { failures: number; at: number; until: number }

/** So many failures are free: for one account from one address, and for one address whatever the account. */
const freePair = 5
const freeAddress = 20
const longestPause = 15 * 60_000
/** Failures are forgotten after so long without another one. */
const memory = 60 * 60_000
const mostKept = 20_000

/** One try to sign in. It counts as a failure until it is said to be none, so that tries at the same time count too. */
export type Try = { succeeded(): void }

/**
 * Slows down whoever tries passwords: after some failures every further one doubles the pause, up to a quarter of an hour.
 *
 * Invariant: a pause is about an address, alone or together with an account, and never about an account alone: nobody can
 * lock the owner out who signs in from elsewhere. Each node counts for itself.
 */
export class SignInLimit {
  readonly #clock: Clock
  readonly #tries = new Map<string, Tries>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws Problem rate_limited */
  begin(account: string, address: string | null): Try {
    const now = this.#clock.monotonic()
    const from = networkOf(address)
    const places: [key: string, free: number][] = [
      [`${from} ${account}`, freePair],
      [from, freeAddress],
    ]
    const wait = Math.max(...places.map(([key]) => (this.#tries.get(key)?.until ?? now) - now))
    if (wait > 0) {
      throw new Problem('rate_limited', 'Too many sign-ins failed. This address has to wait; others do not.', { retryAfter: Math.ceil(wait / 1000) })
    }
    for (const [key, free] of places) this.#count(key, free, now)
    return {
      succeeded: () => {
        this.#tries.delete(places[0]![0])
        const byAddress = this.#tries.get(from)
        // Whoever knows one password must not get a free run at the others by it.
        if (byAddress) this.#put(from, { ...byAddress, failures: Math.max(0, byAddress.failures - 1), until: now })
      },
    }
  }

  #count(key: string, free: number, now: number): void {
    const before = this.#tries.get(key)
    const failures = before === undefined || now - before.at > memory ? 1 : before.failures + 1
    const pause = failures < free ? 0 : Math.min(longestPause, 1000 * 2 ** Math.min(20, failures - free))
    this.#put(key, { failures, at: now, until: now + pause })
  }

  #put(key: string, tries: Tries): void {
    this.#tries.delete(key)
    this.#tries.set(key, tries)
    if (this.#tries.size > mostKept) this.#tries.delete(this.#tries.keys().next().value as string)
  }
}

/** An IPv6 customer has at least a /64 to choose addresses from: it counts as one. */
export function networkOf(address: string | null): string {
  if (address === null) return 'unknown'
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.toLowerCase().split('%')[0]!.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? left : [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
