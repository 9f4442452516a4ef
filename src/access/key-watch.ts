import { isIPv6 } from 'node:net'
import type { Actor } from '../base/actor.ts'
import { isLoopback } from '../base/addresses.ts'
import type { Clock } from '../base/clock.ts'
import type { EventBus } from '../base/events.ts'
import type { Log } from '../base/log.ts'
import { appendEvents } from '../storage/events.ts'
import { addKeyUses, busiestKeyDay, insertKeySighting, listKeySightings } from '../storage/key-sightings.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { dayNumber } from '../storage/usages.ts'
import type { AuditTrail } from './audit.ts'
import { networkOf } from './sign-in-limit.ts'

const day = 86_400_000
/** So many times the busiest day before is unusual, unless it is still little, or too few days are known to say what is usual. */
const manyTimes = 10
const few = 500
const fewDays = 3
const keptDays = 40
const cacheSize = 10_000
/** Whoever has a key can call himself what he likes: so much of it is kept of each key, and so much waits to be looked at. */
const mostKnown = 200
const mostWaiting = 1000

type Key = { id: string; name: string }
type Kind = 'address' | 'program' | 'busy_day'

/**
 * Notices when an access key is used as it never was: from another address, by another program, or many times as often. Each is
 * noted once and told at most once a day of each key, however many calls there are. The first address and the first program of a
 * key are what is usual; uses on the machine itself are not looked at.
 */
export class KeyWatch {
  readonly #db: Database
  readonly #clock: Clock
  readonly #audit: Pick<AuditTrail, 'append'>
  readonly #log: Log
  readonly #wake: () => unknown
  /** What each key was seen with, as far as this node has looked. */
  readonly #seen = new Map<string, Set<string>>()
  #waiting = 0
  /** One after another, so that of two calls at the same time the second finds what the first has written. */
  #last: Promise<void> = Promise.resolve()

  constructor(parts: { db: Database; clock: Clock; audit: Pick<AuditTrail, 'append'>; bus: EventBus; log: Log; wake: () => unknown }) {
    this.#db = parts.db
    this.#clock = parts.clock
    this.#audit = parts.audit
    this.#log = parts.log
    this.#wake = parts.wake
    parts.bus.listen((event) => {
      // What this node itself has handed out; other nodes tell of theirs with a number.
      const { access_key: key, count } = event.data
      if (event.type !== 'token.handed_out' || event.seq !== 0 || typeof key !== 'string' || typeof count !== 'number') return
      if (key.startsWith('key_')) this.#later(() => this.#count(key, count, event.at))
    })
  }

  /** Takes note of a use; whoever calls does not wait for it. `forget` is called when it could not be written down. */
  see(key: Key, address: string | null, program: string, forget: () => void = () => undefined): void {
    if (address === null || isLoopback(address)) return
    let seen = this.#seen.get(key.id)
    if (seen === undefined) {
      if (this.#seen.size >= cacheSize) this.#seen.clear()
      this.#seen.set(key.id, (seen = new Set()))
    }
    const from = isIPv6(address) ? `${networkOf(address)}::/64` : networkOf(address)
    this.#look(seen, key, { kind: 'address', value: from }, address, forget)
    this.#look(seen, key, { kind: 'program', value: nameOf(program) }, address, forget)
  }

  #look(seen: Set<string>, key: Key, { kind, value }: { kind: Kind; value: string }, address: string, forget: () => void): void {
    const mark = `${kind} ${value}`
    if (seen.has(mark)) return
    if (this.#waiting >= mostWaiting) return forget()
    if (seen.size >= 2 * mostKnown) seen.clear()
    seen.add(mark)
    this.#later(async () => {
      try {
        await this.#note(key, kind, value, address)
      } catch (error) {
        seen.delete(mark)
        forget()
        throw error
      }
    })
  }

  async #note(key: Key, kind: Kind, value: string, address: string | null): Promise<void> {
    const known = await listKeySightings(this.#db, key.id)
    const alike = known.filter((one) => one.kind === kind)
    if (alike.length >= mostKnown || alike.some((one) => one.value === value)) return
    const isFirst = kind !== 'busy_day' && alike.length === 0
    const now = this.#clock.now()
    const isTold = !isFirst && !known.some((one) => one.is_told === 1 && one.first_at > now - day)
    await inTransaction(this.#db, async (trx) => {
      const isNew = await insertKeySighting(trx, { access_key_id: key.id, kind, value, first_at: now, is_told: isTold ? 1 : 0 })
      if (!isNew || isFirst) return
      const actor: Actor = { id: key.id, name: key.name, kind: 'access_key', address }
      await this.#audit.append(trx, [
        { actor, action: 'access_key.unusual', subject: key.id, subjectName: key.name, outcome: 'done', detail: { what: kind, value } },
      ])
      if (isTold) await appendEvents(trx, this.#clock, [{ type: 'access_key.unusual', subject: key.id, data: { name: key.name, what: kind, value } }])
    })
    this.#wake()
  }

  async #count(id: string, count: number, at: number): Promise<void> {
    const today = dayNumber(at)
    const total = await addKeyUses(this.#db, { key: id, day: today, count }, today - keptDays)
    if (total < few) return
    const { days, most } = await busiestKeyDay(this.#db, id, today)
    if (days < fewDays || total <= most * manyTimes) return
    const row = await this.#db.selectFrom('access_keys').select('name').where('id', '=', id).executeTakeFirst()
    if (row) await this.#note({ id, name: row.name }, 'busy_day', new Date(today * day).toISOString().slice(0, 10), null)
  }

  #later(work: () => Promise<void>): void {
    this.#waiting += 1
    this.#last = this.#last
      .then(work)
      .catch((error: unknown) => this.#log.warn('key_watch.failed', { error }))
      .finally(() => (this.#waiting -= 1))
  }

  /** Resolves when everything is written down that was seen. */
  async settled(): Promise<void> {
    await this.#last
  }
}

/** The name of a program without its version, which changes with every update. @see RFC 9110 section 10.1.5 */
function nameOf(program: string): string {
  const name = /^[^\s/(;]{1,60}/.exec(program.trim())?.[0] ?? ''
  return name === '' ? 'no name' : name.toLowerCase().replace(/\p{Cc}/gu, '')
}
