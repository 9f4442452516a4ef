import type { Clock } from '../base/clock.ts'
import type { OutgoingHttp, OutgoingResponse } from '../base/http-types.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'

/** Providers differ by less than this, and bear it. */
export const tolerableClockError = 60_000
/** Whoever is further off signs nothing: what is dated so far away is refused, and a date in the future is a danger of its own. */
export const harmfulClockError = 300_000

/** What was measured counts so long without being asked again. */
const freshFor = 5_000
const keptFor = 86_400_000
const mostHosts = 1000
const patience = 10_000

/** By how many milliseconds this machine's clock is ahead of a provider's; negative when it is behind. */
export type ClockError = { host: string; ahead: number; measuredAt: number }

/** Our clock is ahead by something between `least` and `most`; `offset` is what the wall clock showed beyond the monotonic one. */
type Measurement = { least: number; most: number; offset: number; at: number }

/**
 * Compares the clock with that of every provider that answers, host by host: a provider whose own clock is wrong says nothing
 * about the others.
 *
 * A `Date` counts whole seconds, and was written at some moment between the request and its answer. Only what lies outside of
 * that is an error, so that a slow answer is none. When the wall clock is set, what was measured moves with it.
 *
 * @see RFC 9110 section 6.6.1 https://www.rfc-editor.org/rfc/rfc9110.html#section-6.6.1
 */
export class ProviderClocks {
  /** The way out on which every answer is also a measurement. */
  readonly http: OutgoingHttp
  readonly #clock: Clock
  readonly #log: Log
  readonly #measured = new Map<string, Measurement>()
  readonly #warned = new Set<string>()
  readonly #probes = new Map<string, Promise<void>>()

  constructor({ http, clock, log }: { http: OutgoingHttp; clock: Clock; log: Log }) {
    this.#clock = clock
    this.#log = log
    this.http = async (request) => {
      const begun = clock.monotonic()
      const response = await http(request)
      this.#measure(new URL(request.url).host, response, begun)
      return response
    }
  }

  /** Returns by how many milliseconds the clock is ahead of a host's at least; 0 when it agrees or nothing is known. */
  aheadOf(host: string): number {
    const found = this.#measured.get(host)
    if (found === undefined || this.#clock.monotonic() - found.at > keptFor) return 0
    const moved = this.#offset() - found.offset
    const { least, most } = found
    return Math.round(least + moved > 0 ? least + moved : Math.min(most + moved, 0))
  }

  /** Returns all hosts whose time is known, the greatest error first. */
  list(): ClockError[] {
    const now = this.#clock.now()
    const monotonic = this.#clock.monotonic()
    return [...this.#measured]
      .filter(([, { at }]) => monotonic - at <= keptFor)
      .map(([host, { at }]) => ({ host, ahead: this.aheadOf(host), measuredAt: Math.round(now - (monotonic - at)) }))
      .sort((a, b) => Math.abs(b.ahead) - Math.abs(a.ahead))
  }

  /** Whether some provider's time is so far away that nothing is signed for it. */
  get isHarmful(): boolean {
    return this.list().some(({ ahead }) => Math.abs(ahead) > harmfulClockError)
  }

  /**
   * Resolves when something may be signed for the server at an address. Where the clock seems to be wrong and that was not
   * learnt just now, the server is first asked for its time by a request that carries nothing: so it is noticed that the
   * clock is right again, although nothing else is sent.
   *
   * @throws Problem clock_skew; outgoing_failed, address_not_allowed when the server cannot be asked
   */
  async checkBeforeSigning(url: string): Promise<void> {
    const { host, origin, pathname } = new URL(url)
    if (!this.#isWrong(host)) return
    if (!this.#isFresh(host)) await this.#probe(host, `${origin}${pathname}`)
    if (this.#isWrong(host)) throw this.problemOf(host)
  }

  /** Says that the clock is wrong, by how much, and whether others say so too. */
  problemOf(host: string): Problem {
    const ahead = this.aheadOf(host)
    const others = this.list().filter((one) => one.host !== host)
    const agreeing = others.filter((one) => Math.abs(one.ahead) <= tolerableClockError).length
    const doubt =
      agreeing === 0
        ? ''
        : ` ${agreeing === 1 ? 'Another server agrees' : `${agreeing} other servers agree`} with this machine, so that clock may be the wrong one.`
    return new Problem('clock_skew', `${describeClockError(host, ahead)}: nothing is signed with a time that far off.${doubt}`, {
      facts: { sent: false, host, seconds: Math.round(ahead / 1000) },
    })
  }

  #isWrong(host: string): boolean {
    return Math.abs(this.aheadOf(host)) > harmfulClockError
  }

  /** Whether it was measured a moment ago, and the wall clock was not set since. */
  #isFresh(host: string): boolean {
    const found = this.#measured.get(host)
    return found !== undefined && this.#clock.monotonic() - found.at <= freshFor && Math.abs(this.#offset() - found.offset) < 1000
  }

  /** Callers that come meanwhile wait for the same answer. */
  #probe(host: string, url: string): Promise<void> {
    const running = this.#probes.get(host)
    if (running) return running
    const probe = this.http({ method: 'HEAD', url, timeout: patience })
      .then((response) => {
        // A server that no longer tells its time cannot contradict ours.
        if (timeOf(response) === null) this.#measured.delete(host)
      })
      .finally(() => this.#probes.delete(host))
    this.#probes.set(host, probe)
    return probe
  }

  #measure(host: string, response: OutgoingResponse, begun: number): void {
    const theirs = timeOf(response)
    if (theirs === null) return
    const ended = this.#clock.monotonic()
    const now = this.#clock.now()
    if (!this.#measured.has(host) && this.#measured.size >= mostHosts) this.#measured.delete(this.#measured.keys().next().value!)
    this.#measured.set(host, { least: now - (ended - begun) - (theirs + 1000), most: now - theirs, offset: now - ended, at: ended })
    this.#report(host)
  }

  /** Invariant: the log holds one line when a clock is found to be off, and one when it is right again. */
  #report(host: string): void {
    const ahead = this.aheadOf(host)
    const isOff = Math.abs(ahead) > tolerableClockError
    if (isOff === this.#warned.has(host)) return
    if (isOff) {
      this.#warned.add(host)
      this.#log.warn('clock.differs', { host, ahead_seconds: Math.round(ahead / 1000) })
    } else {
      this.#warned.delete(host)
      this.#log.info('clock.agrees', { host })
    }
  }

  #offset(): number {
    return this.#clock.now() - this.#clock.monotonic()
  }
}

/** Returns the moment at which the answer was written; null when it does not tell, or comes from a store on the way. */
function timeOf({ headers }: OutgoingResponse): number | null {
  const theirs = Date.parse(headers.date ?? '')
  return Number.isNaN(theirs) || Number(headers.age ?? 0) > 0 ? null : theirs
}

/** Says by how much and in which direction the clock is wrong. */
export function describeClockError(host: string, ahead: number): string {
  const size = Math.abs(ahead)
  const apart = size < 90_000 ? `${Math.round(size / 1000)} s` : size < 7_200_000 ? `${Math.round(size / 60_000)} min` : `${Math.round(size / 3_600_000)} h`
  return `The clock of this machine is ${apart} ${ahead > 0 ? 'ahead of' : 'behind'} that of ${host}`
}
