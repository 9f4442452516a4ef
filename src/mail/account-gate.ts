import type { Clock } from '../base/clock.ts'
import { jitter } from '../base/ids.ts'
import { urgency } from './message-priority.ts'
import type { Delivery, Priority } from './types.ts'

const firstPause = 1000
const longestPause = 60_000
/** A login that is refused again and again locks an account. */
const longestLoginPause = 300_000

/** `asked`: until when the server itself asked to be left alone. `last`: what it said, or that it could not be reached. */
type Closure = { until: number; asked: number; failures: number; last: Delivery }

/**
 * Lets so many at a time to one account, and nobody while its server is away, refuses the login, or wants to be left alone. What
 * one message found out holds for all others: they are not even tried.
 */
export class AccountGate {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #most: number
  readonly #busy = new Map<string, number>()
  readonly #waiting = new Map<string, { urgency: number; enter: () => void }[]>()
  readonly #closed = new Map<string, Closure>()

  constructor(clock: Pick<Clock, 'monotonic'>, most: number) {
    this.#clock = clock
    this.#most = most
  }

  /** Delivers in a free place, behind those that are as urgent or more, unless the account is closed. */
  async deliver(account: string, priority: Priority | undefined, send: () => Promise<Delivery>): Promise<Delivery> {
    return await this.#pass(account, priority, async () => {
      const closure = this.#closed.get(account)
      const left = (closure?.until ?? 0) - this.#clock.monotonic()
      if (closure !== undefined && left > 0) return { ...closure.last, notAsked: true, closedFor: left }
      const delivery = await send()
      if (!isAboutAccount(delivery)) {
        this.#closed.delete(account)
        return delivery
      }
      return { ...delivery, closedFor: this.#close(account, delivery) }
    })
  }

  /** Asks again at once whom nobody but this gate left alone: a person has changed something, or wants to know. */
  reopen(): void {
    for (const [account, closure] of this.#closed) {
      if (closure.asked > this.#clock.monotonic()) closure.until = closure.asked
      else this.#closed.delete(account)
    }
  }

  /** Returns for how many milliseconds the account is left alone from now on: longer each time, or as long as its server asks for. */
  #close(account: string, delivery: Delivery): number {
    const now = this.#clock.monotonic()
    const before = this.#closed.get(account)
    const asked = delivery.kind === 'unavailable' && delivery.retryAfter !== undefined ? now + delivery.retryAfter : 0
    // Others were under way when the first one found out: that is one failure.
    const isKnown = before !== undefined && before.until > now
    const failures = (before?.failures ?? 0) + (isKnown ? 0 : 1)
    const longest = delivery.kind === 'refused' ? longestLoginPause : longestPause
    const pause = isKnown ? before.until - now : jitter(Math.min(firstPause * 2 ** Math.min(failures - 1, 20), longest))
    const until = Math.max(now + pause, asked)
    this.#closed.set(account, { until, asked: Math.max(asked, before?.asked ?? 0), failures, last: delivery })
    return until - now
  }

  /** Waits for a free place and holds it while the work lasts. */
  async #pass<Result>(account: string, priority: Priority | undefined, work: () => Promise<Result>): Promise<Result> {
    const own = urgency[priority ?? 'normal']
    while ((this.#busy.get(account) ?? 0) >= this.#most) {
      await new Promise<void>((resolve) => {
        const list = this.#waiting.get(account) ?? []
        const behind = list.findIndex((one) => one.urgency > own)
        list.splice(behind === -1 ? list.length : behind, 0, { urgency: own, enter: resolve })
        this.#waiting.set(account, list)
      })
    }
    this.#busy.set(account, (this.#busy.get(account) ?? 0) + 1)
    try {
      return await work()
    } finally {
      this.#leave(account)
    }
  }

  #leave(account: string): void {
    const busy = (this.#busy.get(account) ?? 1) - 1
    if (busy > 0) this.#busy.set(account, busy)
    else this.#busy.delete(account)
    const list = this.#waiting.get(account)
    const next = list?.shift()
    if (list?.length === 0) this.#waiting.delete(account)
    next?.enter()
  }
}

/** Whether every other message for the account would meet the same. */
export const isAboutAccount = (delivery: Delivery): boolean =>
  (delivery.kind === 'unavailable' && delivery.about === 'account') ||
  (delivery.kind === 'refused' && delivery.code === 'mail_auth_refused' && !delivery.permanent)
