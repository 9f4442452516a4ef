import type { Transaction } from 'kysely'
import type { Sealed } from '../base/sealed.ts'
import type { Database, NewRow, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export async function readAttempt(db: Reader, credentialId: string): Promise<Row<'refresh_attempts'> | undefined> {
  return await db.selectFrom('refresh_attempts').selectAll().where('credential_id', '=', credentialId).executeTakeFirst()
}

/** Writes down that a token request is about to be sent. An answer kept from before stays until a new one comes. */
export async function putAttempt(trx: Transaction<Tables>, row: Omit<NewRow<'refresh_attempts'>, 'answer'>): Promise<void> {
  await trx
    .insertInto('refresh_attempts')
    .values({ ...row, answer: null })
    .onConflict((conflict) =>
      conflict
        .column('credential_id')
        .doUpdateSet({
          attempt: row.attempt,
          generation: row.generation,
          grant_type: row.grant_type,
          state: row.state,
          started_at: row.started_at,
          repeated: row.repeated,
        }),
    )
    .execute()
}

/** Keeps the answer as it came; returns whether the attempt was still ours. */
export async function keepAnswer(db: Reader, credentialId: string, attempt: string, answer: Sealed): Promise<boolean> {
  const result = await db
    .updateTable('refresh_attempts')
    .set({ answer, state: 'answered' })
    .where('credential_id', '=', credentialId)
    .where('attempt', '=', attempt)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function markAttempt(trx: Reader, credentialId: string, attempt: string, state: string): Promise<void> {
  await trx.updateTable('refresh_attempts').set({ state }).where('credential_id', '=', credentialId).where('attempt', '=', attempt).execute()
}

export async function deleteAttempt(trx: Reader, credentialId: string, attempt?: string): Promise<void> {
  let query = trx.deleteFrom('refresh_attempts').where('credential_id', '=', credentialId)
  if (attempt !== undefined) query = query.where('attempt', '=', attempt)
  await query.execute()
}

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
