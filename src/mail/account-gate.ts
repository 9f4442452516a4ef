import type { Clock } from '../base/clock.ts'
import { urgency } from './message-priority.ts'
import type { Delivery, Priority, SenderView } from './types.ts'

/** Lets so many at a time to one account, and nobody while its server wants to be left alone. */
export class AccountGate {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #most: number
  readonly #busy = new Map<string, number>()
  readonly #waiting = new Map<string, { urgency: number; enter: () => void }[]>()
  readonly #closedUntil = new Map<string, number>()

  constructor(clock: Pick<Clock, 'monotonic'>, most: number) {
    this.#clock = clock
    this.#most = most
  }

  /** Waits for a free place, behind those that are as urgent or more, and holds it while the work lasts. */
  async pass<Result>(account: string, priority: Priority | undefined, work: () => Promise<Result>): Promise<Result> {
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

  /** Delivers in a free place, unless the server wants to be left alone, and remembers when it says so now. */
  async deliver(sender: SenderView, account: string, priority: Priority | undefined, send: () => Promise<Delivery>): Promise<Delivery> {
    return await this.pass(account, priority, async () => {
      const closed = this.closedFor(account)
      if (closed > 0) return stillClosed(sender, closed)
      const delivery = await send()
      if (delivery.kind === 'unavailable' && delivery.retryAfter !== undefined) this.close(account, delivery.retryAfter)
      return delivery
    })
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

  /** Remembers how long the server wants to be left alone, in milliseconds. */
  close(account: string, milliseconds: number): void {
    this.#closedUntil.set(account, Math.max(this.#closedUntil.get(account) ?? 0, this.#clock.monotonic() + milliseconds))
  }

  /** Returns for how many milliseconds the server still wants to be left alone. */
  closedFor(account: string): number {
    const left = (this.#closedUntil.get(account) ?? 0) - this.#clock.monotonic()
    if (left > 0) return left
    this.#closedUntil.delete(account)
    return 0
  }
}

/** What a server that asked for a pause is not even asked again for. */
const stillClosed = (sender: SenderView, retryAfter: number): Delivery => ({
  kind: 'unavailable',
  code: 'mail_unavailable',
  message: `${sender.host} asked not to be sent mail for this account until later.`,
  reply: null,
  retryAfter,
})
