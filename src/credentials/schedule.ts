import { service } from '../base/actor.ts'
import { watchSetBack } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { dueConsents, expireConsents, nextPoll } from '../storage/consents.ts'
import { bringRefreshesForward, dueCredentials, nextDue, replanRefresh, replanStrayRefreshes } from '../storage/credentials.ts'
import { pruneEvents } from '../storage/events.ts'
import { dayNumber, pruneUsageDays } from '../storage/usages.ts'
import type { CredentialContext } from './context.ts'
import { pollDeviceConsent } from './device-consent.ts'
import { recoverInterrupted } from './recovery.ts'
import type { Renewer } from './refresh.ts'
import { tryRestored } from './restored.ts'
import type { Revoker } from './revoke.ts'
import { warnOfEnds } from './warnings.ts'

const minute = 60_000
const longestSleep = 5_000
const lookAhead = 200
const longestAhead = 1_000
/** A little more than a year, so that the same month of the year before can be looked at. */
const keptUsageDays = 400

type Planned = { id: string; generation: number; due: number }

/**
 * Renews tokens before they run out, goes on with what a crash interrupted, polls device consents, and marks what will end
 * soon. One runs on every node; the leases keep them out of each other's way.
 */
export class Schedule {
  readonly #context: CredentialContext
  readonly #renewer: Renewer
  readonly #revoker: Revoker
  readonly #concurrency: number
  readonly #running = new Set<Promise<unknown>>()
  readonly #taken = new Set<string>()
  /** What was found due beyond the free places, and when. Each is looked at again under its lease. */
  #ahead: Planned[] = []
  #aheadAt = 0
  readonly #besides = new Map<string, Promise<unknown>>()
  readonly #setBack: () => number
  #behind = 0
  #stop = new AbortController()
  #loop: Promise<void> | undefined
  #housekeepingAt = 0
  #wake: (() => void) | undefined

  constructor(context: CredentialContext, parts: { renewer: Renewer; revoker: Revoker; concurrency: number }) {
    this.#context = context
    this.#renewer = parts.renewer
    this.#revoker = parts.revoker
    this.#concurrency = parts.concurrency
    this.#setBack = watchSetBack(context.clock)
    context.bus.listen((event) => {
      if (event.type === 'credential.created' || event.type === 'credential.changed' || event.type === 'consent.started' || event.type === 'credential.resumed')
        this.#wake?.()
    })
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  /** Ends the loop and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake?.()
    await this.#loop
    await Promise.allSettled([...this.#running, ...this.#besides.values()])
    await this.#renewer.settled()
  }

  async #run(): Promise<void> {
    this.#beside('restored', () => tryRestored(this.#context, this.#renewer, this.#stop.signal))
    while (!this.#stop.signal.aborted) {
      let wait = longestSleep
      try {
        wait = await this.#step()
      } catch (error) {
        this.#context.log.error('schedule.failed', { error })
        wait = 2000
      }
      if (wait > 0) await this.#sleep(wait)
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    const early = new AbortController()
    this.#wake = () => early.abort()
    await this.#context.clock.sleep(milliseconds, AbortSignal.any([early.signal, this.#stop.signal])).catch(() => undefined)
    this.#wake = undefined
  }

  /** Starts everything that is due and returns after how many milliseconds to look again. */
  async #step(): Promise<number> {
    const { db, clock } = this.#context
    await this.#followClock()
    const now = clock.now()
    if (now >= this.#housekeepingAt || now < this.#housekeepingAt - 2 * minute) {
      this.#housekeepingAt = now + minute
      this.#beside('housekeeping', () => this.#tidy())
      this.#beside('revocations', () => this.#revoker.carryOutDue())
    }
    const free = this.#concurrency - this.#running.size
    if (free > 0) {
      const due = await this.#takeDue(now, free)
      for (const planned of due) this.#start(planned)
      if (due.length === free) {
        await Promise.race(this.#running)
        return 0
      }
    } else {
      await Promise.race(this.#running)
      return 0
    }
    const next = [await nextDue(db, now), await this.#pollDevices()].filter((at): at is number => at !== null)
    return Math.max(20, Math.min(longestSleep, ...next.map((at) => at - clock.now())))
  }

  /** Returns so many that are due, or all there are. While many are due at once, they are looked up many at a time. */
  async #takeDue(now: number, count: number): Promise<Planned[]> {
    if (this.#ahead.length < count || this.#context.clock.monotonic() - this.#aheadAt > longestAhead) {
      this.#aheadAt = this.#context.clock.monotonic()
      const limit = count + this.#taken.size + lookAhead
      this.#ahead = (await dueCredentials(this.#context.db, now, limit)).filter(({ id }) => !this.#taken.has(id))
    }
    return this.#ahead.splice(0, count)
  }

  /** A wall clock that was set back would put off everything that is planned by as much. */
  async #followClock(): Promise<void> {
    this.#behind += this.#setBack()
    if (this.#behind === 0) return
    const { db, clock, log } = this.#context
    log.warn('clock.set_back', { milliseconds: this.#behind })
    await bringRefreshesForward(db, clock.now(), this.#behind)
    this.#behind = 0
  }

  async #pollDevices(): Promise<number | null> {
    const { db, clock } = this.#context
    for (const consent of await dueConsents(db, clock.now(), 20)) this.#beside(consent.id, () => pollDeviceConsent(this.#context, consent))
    return await nextPoll(db)
  }

  /** Runs beside the loop what waits for others, one of a kind at a time: a provider that hangs keeps no other token from being renewed. */
  #beside(kind: string, work: () => Promise<unknown>): void {
    if (this.#besides.has(kind)) return
    const running = work()
      .catch((error: unknown) => this.#context.log.error('schedule.failed', { kind, error }))
      .finally(() => this.#besides.delete(kind))
    this.#besides.set(kind, running)
  }

  #start(planned: Planned): void {
    const { id, generation } = planned
    this.#taken.add(id)
    const work: Promise<unknown> = this.#renewer
      .renew(id, { generation, actor: service, asked: 'by_schedule' })
      .then(async (outcome) => {
        // What cannot be renewed by the plan is taken off it; a person or a change puts it back.
        if (outcome.kind === 'not_possible') await replanRefresh(this.#context.db, planned, null)
      })
      .catch((error: unknown) => this.#failed(planned, error))
      .finally(() => {
        this.#running.delete(work)
        this.#taken.delete(id)
        this.#wake?.()
      })
    this.#running.add(work)
  }

  async #failed(planned: Planned, error: unknown): Promise<void> {
    if (isProblem(error, 'not_found')) return
    const { db, clock, log } = this.#context
    log.error('refresh.failed', { credential: planned.id, error })
    // Whatever it was, the next try comes later, not at once.
    await replanRefresh(db, planned, clock.now() + minute).catch((again: unknown) => log.error('refresh.not_put_off', { credential: planned.id, error: again }))
  }

  /** Does what comes round every minute. */
  async housekeep(): Promise<void> {
    await this.#tidy()
    await this.#revoker.carryOutDue()
  }

  /** Ends what ran out, takes up what was left behind, warns of what ends. One that fails does not keep the others from being done. */
  async #tidy(): Promise<void> {
    const { db, clock, log } = this.#context
    const now = clock.now()
    const chores: [string, () => Promise<unknown>][] = [
      ['clock', () => replanStrayRefreshes(db, now, { newest: now + minute, latestRetry: now + 25 * 60 * minute })],
      ['consents', () => expireConsents(db, now, now - 24 * 60 * minute)],
      ['recovery', () => this.recover()],
      ['warnings', () => warnOfEnds(this.#context)],
      ['events', () => pruneEvents(db, 10_000)],
      ['usage', () => pruneUsageDays(db, dayNumber(now) - keptUsageDays)],
    ]
    for (const [chore, work] of chores) await work().catch((error: unknown) => log.error('chore.failed', { chore, error }))
  }

  /** Takes up what a process left behind when it died. */
  async recover(): Promise<void> {
    await recoverInterrupted(this.#context, this.#renewer, (id) => this.#taken.has(id))
  }
}
