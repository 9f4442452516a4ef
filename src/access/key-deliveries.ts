import { createHash } from 'node:crypto'
import type { Actor } from '../base/actor.ts'
import type { Clock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { makeAccessKey } from '../crypto/key-hash.ts'
import { findAccessKey } from '../storage/access-keys.ts'
import { appendEvents } from '../storage/events.ts'
import { countRepeat, findDeliveryByLink, markDeliveryOpened, readDelivery, setAccessKeyHash } from '../storage/key-deliveries.ts'
import type { Database, Row } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { AuditTrail } from './audit.ts'

/** A link may be opened for so long. */
export const deliveryLife = 60 * 60_000
/** So many repeated openings of one link are told; more say nothing new, and must not fill the trail. */
const mostRepeats = 20

export type Delivered = { name: string; key: Secret }
export type DeliveryView = { name: string; createdBy: string; expiresAt: number }

export const hashLink = (link: string): string => createHash('sha256').update(link).digest('hex')

/**
 * Hands a new access key to whoever opens its link first. The key is made at that moment: until then there is none that could
 * be stolen, and afterwards only its hash is kept.
 */
export class KeyDeliveries {
  readonly #db: Database
  readonly #clock: Clock
  readonly #audit: AuditTrail
  readonly #wake: () => Promise<void>

  constructor(options: { db: Database; clock: Clock; audit: AuditTrail; wake: () => Promise<void> }) {
    this.#db = options.db
    this.#clock = options.clock
    this.#audit = options.audit
    this.#wake = options.wake
  }

  /** Returns what a link hands over. Looking does not open it, but at a link that was opened before it is as telling. */
  async look(link: string, address: string | null): Promise<DeliveryView> {
    const { delivery, key } = await this.#find(link, address)
    return { name: key.name, createdBy: delivery.created_by_name, expiresAt: delivery.expires_at }
  }

  /**
   * Makes the key and returns it, once.
   *
   * Invariant: of all who open a link exactly one gets a key, and everybody after that one raises an alarm.
   *
   * @throws Problem delivery_unknown, delivery_expired, delivery_used
   */
  async open(link: string, address: string | null): Promise<Delivered> {
    const { delivery, key } = await this.#find(link, address)
    const made = makeAccessKey()
    const now = this.#clock.now()
    const isFirst = await inTransaction(this.#db, async (trx) => {
      if (!(await markDeliveryOpened(trx, delivery.access_key_id, now, address))) return false
      await setAccessKeyHash(trx, key.id, made.hash, made.hint)
      await this.#audit.append(trx, [{ actor: nobodyAt(address), action: 'access_key.delivered', subject: key.id, subjectName: key.name, outcome: 'done' }])
      await appendEvents(trx, this.#clock, [{ type: 'access_key.changed', subject: key.id, data: { name: key.name, change: 'delivered' } }])
      return true
    })
    if (!isFirst) throw await this.#alarm((await readDelivery(this.#db, key.id)) ?? delivery, key, address)
    await this.#wake()
    return { name: key.name, key: made.key }
  }

  async #find(link: string, address: string | null): Promise<{ delivery: Row<'key_deliveries'>; key: Row<'access_keys'> }> {
    const delivery = await findDeliveryByLink(this.#db, hashLink(link))
    const key = delivery && (await findAccessKey(this.#db, delivery.access_key_id))
    if (!delivery || !key) throw new Problem('delivery_unknown', 'There is no delivery at this address.')
    if (delivery.opened_at !== null) throw await this.#alarm(delivery, key, address)
    if (key.revoked_at !== null) throw new Problem('delivery_unknown', 'The access key of this link was revoked.')
    if (delivery.expires_at <= this.#clock.now()) throw new Problem('delivery_expired', 'Nobody opened this link in time. No key was made.')
    return { delivery, key }
  }

  /** Records and tells that a link was opened again, and from where both times; returns what the caller is told. */
  async #alarm(delivery: Row<'key_deliveries'>, key: Row<'access_keys'>, address: string | null): Promise<Problem> {
    const first = delivery.opened_at === null ? null : new Date(delivery.opened_at).toISOString()
    await inTransaction(this.#db, async (trx) => {
      if (!(await countRepeat(trx, key.id, mostRepeats))) return
      const detail = { first_opened_at: first, first_opened_from: delivery.opened_from, opened_again_from: address }
      await this.#audit.append(trx, [
        {
          actor: nobodyAt(address),
          action: 'access_key.delivery_refused',
          subject: key.id,
          subjectName: key.name,
          outcome: 'refused',
          reason: 'delivery_used',
          detail,
        },
      ])
      await appendEvents(trx, this.#clock, [{ type: 'access_key.delivery_reopened', subject: key.id, data: { name: key.name, ...detail } }])
    })
    await this.#wake()
    return new Problem('delivery_used', `This link was opened before${first === null ? '' : `, at ${first.slice(0, 19).replace('T', ' ')} UTC`}.`)
  }
}

const nobodyAt = (address: string | null): Actor => ({ id: 'nobody', name: 'nobody', kind: 'nobody', address })
