import type { Transaction } from 'kysely'
import type { Sealed } from '../base/sealed.ts'
import { prepared } from './prepared.ts'
import type { Database, NewRow, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export async function readAttempt(db: Reader, credentialId: string): Promise<Row<'refresh_attempts'> | undefined> {
  return (await ofCredential(db, { credentialId }))[0]
}

const ofCredential = prepared((db, slots: { credentialId: string }) =>
  db.selectFrom('refresh_attempts').selectAll().where('credential_id', '=', slots.credentialId),
)

/** Writes down that a token request is about to be sent. An answer kept from before stays until a new one comes. */
export async function putAttempt(trx: Transaction<Tables>, row: Omit<NewRow<'refresh_attempts'>, 'answer'>): Promise<void> {
  await put(trx, row)
}

const put = prepared((db, slots: Omit<NewRow<'refresh_attempts'>, 'answer'>) =>
  db
    .insertInto('refresh_attempts')
    .values({
      credential_id: slots.credential_id,
      attempt: slots.attempt,
      generation: slots.generation,
      grant_type: slots.grant_type,
      state: slots.state,
      started_at: slots.started_at,
      repeated: slots.repeated,
      answer: null,
    })
    .onConflict((conflict) =>
      conflict
        .column('credential_id')
        .doUpdateSet((eb) => ({
          attempt: eb.ref('excluded.attempt'),
          generation: eb.ref('excluded.generation'),
          grant_type: eb.ref('excluded.grant_type'),
          state: eb.ref('excluded.state'),
          started_at: eb.ref('excluded.started_at'),
          repeated: eb.ref('excluded.repeated'),
        })),
    ),
)

/** Keeps the answer as it came; returns whether the attempt was still ours. */
export async function keepAnswer(db: Reader, credentialId: string, attempt: string, answer: Sealed): Promise<boolean> {
  return (await keep(db, { credentialId, attempt, answer })).length === 1
}

const keep = prepared((db, slots: { credentialId: string; attempt: string; answer: Sealed }) =>
  db
    .updateTable('refresh_attempts')
    .set({ answer: slots.answer, state: 'answered' })
    .where('credential_id', '=', slots.credentialId)
    .where('attempt', '=', slots.attempt)
    .returning('attempt'),
)

export async function markAttempt(trx: Reader, credentialId: string, attempt: string, state: string): Promise<void> {
  await trx.updateTable('refresh_attempts').set({ state }).where('credential_id', '=', credentialId).where('attempt', '=', attempt).execute()
}

export async function deleteAttempt(trx: Reader, credentialId: string, attempt?: string): Promise<void> {
  if (attempt === undefined) await removeAny(trx, { credentialId })
  else await remove(trx, { credentialId, attempt })
}

const removeAny = prepared((db, slots: { credentialId: string }) => db.deleteFrom('refresh_attempts').where('credential_id', '=', slots.credentialId))
const remove = prepared((db, slots: { credentialId: string; attempt: string }) =>
  db.deleteFrom('refresh_attempts').where('credential_id', '=', slots.credentialId).where('attempt', '=', slots.attempt),
)

/** Returns attempts that nobody works on any more: their process died in the middle. */
export async function interruptedAttempts(db: Reader, now: number, limit: number): Promise<{ credential_id: string; grant_type: string; state: string }[]> {
  return await db
    .selectFrom('refresh_attempts')
    .innerJoin('credentials', 'credentials.id', 'refresh_attempts.credential_id')
    .select(['refresh_attempts.credential_id', 'refresh_attempts.grant_type', 'refresh_attempts.state'])
    .where('refresh_attempts.state', 'in', ['sent', 'answered'])
    .where((eb) => eb.or([eb('credentials.lease', 'is', null), eb('credentials.lease_until', '<=', now)]))
    .limit(limit)
    .execute()
}
