import type { Actor } from '../base/actor.ts'
import type { Clock } from '../base/clock.ts'
import { appendEvents } from '../storage/events.ts'
import { writeServiceLock } from '../storage/service-lock.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { AuditTrail } from './audit.ts'

/**
 * Locks the service: a row that every node obeys, at once on this one and on the others as soon as they hear of it. What
 * obeying means is decided where the parts are put together.
 */
export class ServiceLock {
  readonly #context: { db: Database; clock: Clock; audit: Pick<AuditTrail, 'append'>; wake: () => Promise<void> }

  constructor(context: { db: Database; clock: Clock; audit: Pick<AuditTrail, 'append'>; wake: () => Promise<void> }) {
    this.#context = context
  }

  async lock(actor: Actor): Promise<void> {
    const { db, clock, audit, wake } = this.#context
    await inTransaction(db, async (trx) => {
      await writeServiceLock(trx, { by: actor.name, at: clock.now() })
      await audit.append(trx, [{ actor, action: 'service.locked', outcome: 'done' }])
      await appendEvents(trx, clock, [{ type: 'service.locked', subject: null, data: { by: actor.name } }])
    })
    await wake()
  }
}
