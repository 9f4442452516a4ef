import type { Caller } from '../access/caller.ts'
import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { countMessagesSince, nthLatestMessage } from '../storage/messages.ts'
import type { Database } from '../storage/tables.ts'

const hour = 3_600_000

type Limited = Pick<Caller, 'actor' | 'mailLimits' | 'title'>

/** Lets the work be done, unless the message is more than its key may send. */
export type Limiter = <Result>(message: { bytes: number; recipients: number }, work: () => Promise<Result>) => Promise<Result>

/**
 * Keeps access keys to what they may send at most. How much a key has sent is counted in the outbox, so that a restart or
 * another node changes nothing.
 */
export class KeyLimits {
  readonly #db: Database
  readonly #clock: Clock
  /** Messages that are being taken here and stand in no row yet. */
  readonly #pending = new Map<string, number>()

  constructor(options: { db: Database; clock: Clock }) {
    this.#db = options.db
    this.#clock = options.clock
  }

  /** @throws Problem payload_too_large */
  checkSize({ mailLimits, title }: Limited, bytes: number): void {
    const most = mailLimits?.bytesPerMessage ?? null
    if (most === null || bytes <= most) return
    throw new Problem('payload_too_large', `The message has ${bytes} bytes; ${title} may send ${most} at most.`, {
      nextStep: 'Send less, or use a key that may.',
    })
  }

  /** @throws Problem mail_invalid */
  checkRecipients({ mailLimits, title }: Limited, recipients: number): void {
    const most = mailLimits?.recipientsPerMessage ?? null
    if (most === null || recipients <= most) return
    throw new Problem('mail_invalid', `The message has ${recipients} recipients; ${title} may send to ${most} at once.`, {
      nextStep: 'Send it in parts, or use a key that may.',
    })
  }

  /** @throws Problem rate_limited, with the seconds until the next one may be sent */
  async checkRate({ actor, mailLimits, title }: Limited, underWay = this.#pending.get(actor.id) ?? 0): Promise<void> {
    const most = mailLimits?.messagesPerHour ?? null
    if (most === null) return
    const now = this.#clock.now()
    // What was under way before may be counted twice when it is written down meanwhile, and never not at all.
    const sent = (await countMessagesSince(this.#db, actor.id, now - hour)) + underWay
    if (sent < most) return
    const oldest = await nthLatestMessage(this.#db, actor.id, most)
    const wait = Math.max(1, Math.ceil(((oldest ?? now) + hour - now) / 1000))
    throw new Problem('rate_limited', `${title} may send ${most} messages an hour, and has. The next one may come in ${Math.ceil(wait / 60)} min.`, {
      retryAfter: wait,
      nextStep: 'Wait, or use a key that may send more.',
    })
  }

  /**
   * Returns what keeps a caller to his limits when he hands in a message; those that come at the same time count too. It throws
   * payload_too_large, mail_invalid, rate_limited, or what the work throws.
   */
  limiterOf(caller: Limited): Limiter {
    return (message, work) => this.#take(caller, message, work)
  }

  async #take<Result>(caller: Limited, message: { bytes: number; recipients: number }, work: () => Promise<Result>): Promise<Result> {
    if (caller.mailLimits === null) return await work()
    this.checkSize(caller, message.bytes)
    this.checkRecipients(caller, message.recipients)
    const { id } = caller.actor
    const others = this.#pending.get(id) ?? 0
    this.#pending.set(id, others + 1)
    try {
      await this.checkRate(caller, others)
      return await work()
    } finally {
      const left = (this.#pending.get(id) ?? 1) - 1
      if (left > 0) this.#pending.set(id, left)
      else this.#pending.delete(id)
    }
  }
}
