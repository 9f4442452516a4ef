import { service } from '../base/actor.ts'
import type { Clock } from '../base/clock.ts'
import { planRest, restsSince, type Resting } from '../base/unused.ts'
import { markAccessKeyStopped, markAccessKeyTold, unusedAccessKeys } from '../storage/access-keys.ts'
import { appendEvents } from '../storage/events.ts'
import type { Database, Row } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { AuditTrail } from './audit.ts'

export const restingOfKey = (row: Pick<Row<'access_keys'>, 'created_at' | 'last_used_at' | 'kept_from' | 'unused_told_at'>): Resting => ({
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  keptFrom: row.kept_from,
  toldAt: row.unused_told_at,
})

/**
 * Stops access keys that nobody has used for so many days; 0: none. The key that the service made for the command line of its own
 * machine stays: it is the way in where nobody signs in on the page.
 */
export async function stopUnusedKeys(
  context: { db: Database; clock: Clock; audit: Pick<AuditTrail, 'append'>; wake: () => unknown },
  days: number,
): Promise<void> {
  const { db, clock, audit } = context
  if (days === 0) return
  const now = clock.now()
  const rows = await unusedAccessKeys(db, restsSince(days, now), service.id)
  await inTransaction(db, async (trx) => {
    for (const row of rows) {
      const { isToTell, isToStop, neededAt } = planRest(restingOfKey(row), days, now)
      if (isToTell) await markAccessKeyTold(trx, row.id, now)
      if (!isToStop || !(await markAccessKeyStopped(trx, row.id, now, neededAt))) continue
      await audit.append(trx, [
        { actor: service, action: 'access_key.stopped', subject: row.id, subjectName: row.name, outcome: 'done', reason: 'unused', detail: { days } },
      ])
      await appendEvents(trx, clock, [{ type: 'access_key.changed', subject: row.id, data: { name: row.name, change: 'stopped' } }])
    }
  })
  if (rows.length > 0) await context.wake()
}
