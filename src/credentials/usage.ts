import type { Actor } from '../base/actor.ts'
import type { Clock } from '../base/clock.ts'
import type { EventBus } from '../base/events.ts'
import type { Log } from '../base/log.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { addUsages, dayNumber, type UsageCount } from '../storage/usages.ts'

const flushInterval = 1000

/**
 * Counts who used which credential. The audit trail holds every single use; these counts are for the live list and are
 * written about once a second, so that a hand-out costs no write of its own.
 */
export class UsageRecorder {
  readonly #db: Database
  readonly #clock: Clock
  readonly #bus: EventBus
  readonly #log: Log
  #uses = new Map<string, UsageCount>()
  /** The count that was added to last: whoever comes often comes again. */
  #last: UsageCount | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(options: { db: Database; clock: Clock; bus: EventBus; log: Log }) {
    this.#db = options.db
    this.#clock = options.clock
    this.#bus = options.bus
    this.#log = options.log
  }

  add(credentialId: string, actor: Actor, outcome: 'ok' | 'issue'): void {
    const at = this.#clock.now()
    const last = this.#last
    const isSame = last !== null && last.credential_id === credentialId && last.access_key_id === actor.id && dayNumber(last.at) === dayNumber(at)
    const use = isSame ? last : (this.#last = this.#countOf(credentialId, actor.id, at))
    use.at = at
    use.outcome = outcome
    use[outcome] += 1
    if (outcome === 'ok') use.success_at = at
    this.#timer ??= setTimeout(() => void this.flush(), flushInterval).unref()
  }

  #countOf(credentialId: string, actorId: string, at: number): UsageCount {
    const key = `${credentialId} ${actorId} ${dayNumber(at)}`
    let use = this.#uses.get(key)
    if (use === undefined) {
      use = { credential_id: credentialId, access_key_id: actorId, at, ok: 0, issue: 0, outcome: 'ok', success_at: null }
      this.#uses.set(key, use)
    }
    return use
  }

  /** Writes what has been counted; what cannot be written now is kept for the next time. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#uses.size === 0) return
    const uses = this.#uses
    this.#uses = new Map()
    this.#last = null
    try {
      await inTransaction(this.#db, (trx) => addUsages(trx, [...uses.values()]))
    } catch (error) {
      this.#log.warn('usage.not_written', { error })
      this.#last = null
      for (const [key, use] of uses) {
        const newer = this.#uses.get(key)
        this.#uses.set(key, newer ? { ...newer, ok: newer.ok + use.ok, issue: newer.issue + use.issue, success_at: newer.success_at ?? use.success_at } : use)
      }
      this.#timer ??= setTimeout(() => void this.flush(), 5 * flushInterval).unref()
      return
    }
    for (const use of uses.values()) {
      this.#bus.publish({
        seq: 0,
        at: use.at,
        type: 'token.handed_out',
        subject: use.credential_id,
        data: { access_key: use.access_key_id, count: use.ok + use.issue, outcome: use.outcome },
      })
    }
  }
}
