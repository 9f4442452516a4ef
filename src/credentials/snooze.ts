import type { Actor } from '../base/actor.ts'
import { Problem } from '../base/problem.ts'
import { updateCredential, type CredentialWithRegistration } from '../storage/credentials.ts'
import { appendEvents } from '../storage/events.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'

/** Longer than this is not putting off, but forgetting. */
const longestSnooze = 366 * 86_400_000

/** Has nobody told of a credential until then; null: tell again. @throws Problem invalid_request */
export async function snoozeCredential(context: CredentialContext, row: CredentialWithRegistration, until: number | null, actor: Actor): Promise<void> {
  const now = context.clock.now()
  if (until !== null && (until <= now || until > now + longestSnooze)) {
    const errors = [{ path: 'until', message: 'must be in the future, and at most a year ahead' }]
    throw new Problem('invalid_request', 'The credential cannot be snoozed until then.', { errors })
  }
  await inTransaction(context.db, async (trx) => {
    await updateCredential(trx, row.id, { snoozed_until: until })
    const detail = { until: until === null ? null : new Date(until).toISOString() }
    await context.audit.append(trx, [{ actor, action: 'credential.snoozed', subject: row.id, subjectName: row.name, outcome: 'done', detail }])
    await appendEvents(trx, context.clock, [{ type: 'credential.snoozed', subject: row.id, data: { name: row.name, ...detail } }])
  })
  await context.wake()
}
