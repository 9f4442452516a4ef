import type { AuditEntry } from '../access/audit.ts'
import { service } from '../base/actor.ts'
import { planRest, restsSince, type Resting } from '../base/unused.ts'
import { unusedCredentials, updateCredentialIf, type CredentialWithRegistration } from '../storage/credentials.ts'
import { appendEvents, type NewEvent } from '../storage/events.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import { pausedColumns, nextSteps } from './credential-status.ts'

const batch = 200

export const restingOf = (row: CredentialWithRegistration): Resting => ({
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  keptFrom: row.kept_from,
  toldAt: row.unused_told_at,
})

/**
 * Switches off credentials that nobody has used for as long as the settings say: what is stolen then is worth nothing. What a sender or
 * a saved action names is in use, however seldom. Renewing a token by the plan is no use of it.
 */
export async function stopUnusedCredentials(context: CredentialContext): Promise<void> {
  const { db, clock, audit, unusedDays: days } = context
  if (days === 0) return
  for (let after = ''; ;) {
    const now = clock.now()
    const rows = await unusedCredentials(db, { before: restsSince(days, now), after, limit: batch })
    if (rows.length === 0) return
    after = rows.at(-1)!.id
    await inTransaction(db, async (trx) => {
      const entries: AuditEntry[] = []
      const events: NewEvent[] = []
      for (const row of rows) {
        const { isToTell, isToStop, neededAt } = planRest(restingOf(row), days, now)
        if (isToTell) await updateCredentialIf(trx, row.id, { revision: row.revision }, { unused_told_at: now })
        if (!isToStop) continue
        const reason = { code: 'unused', message: `Nobody used it for ${days} days, so it was switched off.`, nextStep: nextSteps.resume }
        // Whoever changes it at this moment needs it, and whoever uses it does: a use moves no revision.
        if (!(await updateCredentialIf(trx, row.id, { revision: row.revision, neededAt }, pausedColumns(row, now, reason)))) continue
        const about = { subject: row.id, subjectName: row.name, reason: 'unused', detail: { days } }
        entries.push({ actor: service, action: 'credential.paused', outcome: 'done', ...about })
        events.push({ type: 'credential.paused', subject: row.id, data: { name: row.name, status: 'paused', unused_days: days } })
      }
      // The heads of trail and events are taken last: everybody who writes waits for whoever holds them.
      if (entries.length > 0) await audit.append(trx, entries)
      await appendEvents(trx, clock, events)
    })
    await context.wake()
  }
}
