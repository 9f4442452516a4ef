import type { Clock } from '../base/clock.ts'
import { callHeldMessages, countCalledMessages, hasUncalledMessages, sendersWithHeldMessages } from '../storage/held-messages.ts'
import type { Database } from '../storage/tables.ts'
import { isAboutAccount } from './account-gate.ts'
import type { Delivery } from './types.ts'

/** After this one that was called is not waited for any longer. */
const longestAnswer = 60_000
/** What another node, or this one before its restart, held is looked for so often. */
const lookAround = 300_000
/** Where nobody says how long the server is left alone. */
const shortestAway = 1000
const fewCalled = 50
const calledAtOnce = 100
/** So soon the next are called when those that were called are on their way. */
const nextCall = 50

/**
 * Calls messages that are held because their sender's server is away: one of them to see whether it is back, and when it is, all,
 * the oldest first. Not all at once: when it goes away again, no more than those come back.
 *
 * Invariant: a held message comes due by itself as well, so that none waits for a node that is gone.
 */
export class HeldMessages {
  readonly #db: Database
  readonly #clock: Clock
  readonly #wake: () => void
  /** Senders that are away: when one message is called, and since when. */
  readonly #away = new Map<string, { callAt: number; since: number }>()
  /** Senders that are back, and whose messages are called. */
  readonly #back = new Set<string>()
  /** Counts what was noted as held, so that one that comes while the others are counted is not overlooked. */
  #noted = 0
  #lookAt = 0

  constructor(context: { db: Database; clock: Clock }, wake: () => void) {
    this.#db = context.db
    this.#clock = context.clock
    this.#wake = wake
  }

  /** Remembers what a delivery said of the sender's server. */
  note(senderId: string, delivery: Delivery): void {
    if (isAboutAccount(delivery)) {
      const since = this.#away.get(senderId)?.since ?? this.#clock.now()
      this.#away.set(senderId, { callAt: this.#clock.monotonic() + (delivery.closedFor ?? shortestAway), since })
      this.#back.delete(senderId)
    } else this.noteBack(senderId)
  }

  /** Remembers that the sender's server takes mail; `at`: when it did. Returns whether that is news. */
  noteBack(senderId: string, at = Number.POSITIVE_INFINITY): boolean {
    const away = this.#away.get(senderId)
    if (away === undefined || at < away.since) return false
    this.#away.delete(senderId)
    this.#back.add(senderId)
    this.#wake()
    return true
  }

  /** A message was written down as held, which may be after its server came back and the others were called. */
  noteHeld(senderId: string): void {
    this.#noted += 1
    if (this.#away.has(senderId) || this.#back.has(senderId)) return
    this.#back.add(senderId)
    this.#wake()
  }

  /** Has one message of each sender that is away called at once: something has changed. */
  callSoon(): void {
    for (const away of this.#away.values()) away.callAt = 0
    this.#lookAt = 0
    this.#wake()
  }

  /** Calls the messages whose time it is, and returns after how many milliseconds it has to be asked again at the latest. */
  async call(): Promise<number> {
    const now = this.#clock.monotonic()
    if (now >= this.#lookAt) await this.#lookAround(now)
    let wait = Number.POSITIVE_INFINITY
    for (const [senderId, away] of this.#away) {
      if (away.callAt <= now) {
        const noted = this.#noted
        away.callAt = now + longestAnswer
        if ((await callHeldMessages(this.#db, senderId, 1)) === 0) {
          // The one that was to be called may have been taken at that moment by the hand of a person.
          if (await hasUncalledMessages(this.#db, senderId)) away.callAt = now + nextCall
          else if ((await countCalledMessages(this.#db, senderId)) === 0 && noted === this.#noted && this.#away.get(senderId) === away)
            this.#away.delete(senderId)
        }
      }
      wait = Math.min(wait, away.callAt - now)
    }
    for (const senderId of this.#back) {
      const noted = this.#noted
      const open = await countCalledMessages(this.#db, senderId)
      if (open >= fewCalled) continue
      const called = await callHeldMessages(this.#db, senderId, calledAtOnce)
      if (open + called === 0 && !(await hasUncalledMessages(this.#db, senderId)) && noted === this.#noted) this.#back.delete(senderId)
    }
    return this.#back.size > 0 ? Math.min(wait, nextCall) : wait
  }

  async #lookAround(now: number): Promise<void> {
    this.#lookAt = now + lookAround
    for (const senderId of await sendersWithHeldMessages(this.#db)) {
      if (!this.#away.has(senderId) && !this.#back.has(senderId)) this.#away.set(senderId, { callAt: now, since: this.#clock.now() })
    }
  }
}
