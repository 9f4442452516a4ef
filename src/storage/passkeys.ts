import type { Transaction } from 'kysely'
import type { Database, NewRow, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export async function insertPasskey(trx: Transaction<Tables>, row: NewRow<'passkeys'>): Promise<void> {
  await trx.insertInto('passkeys').values(row).execute()
}

export async function listPasskeys(db: Reader, personId: string): Promise<Row<'passkeys'>[]> {
  return await db.selectFrom('passkeys').selectAll().where('person_id', '=', personId).orderBy('created_at').orderBy('id').execute()
}

/** Returns how many passkeys each person has who has any. */
export async function countPasskeys(db: Reader): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('passkeys')
    .select((eb) => ['person_id', eb.fn.countAll<number | string>().as('count')])
    .groupBy('person_id')
    .execute()
  return new Map(rows.map((row) => [row.person_id, Number(row.count)]))
}

/** Returns whether there is a passkey, of this person or of anybody. */
export async function hasPasskeys(db: Reader, personId: string | null): Promise<boolean> {
  let query = db.selectFrom('passkeys').select('id').limit(1)
  if (personId !== null) query = query.where('person_id', '=', personId)
  return (await query.executeTakeFirst()) !== undefined
}

export async function findPasskey(db: Reader, credentialId: string): Promise<Row<'passkeys'> | undefined> {
  return await db.selectFrom('passkeys').selectAll().where('credential_id', '=', credentialId).executeTakeFirst()
}

/** Notes a use if the counter still is what was compared; returns whether it was. Two uses of one answer cannot both pass. */
export async function markPasskeyUsed(trx: Transaction<Tables>, id: string, counter: { before: number; after: number }, at: number): Promise<boolean> {
  const result = await trx
    .updateTable('passkeys')
    .set({ counter: counter.after, last_used_at: at })
    .where('id', '=', id)
    .where('counter', '=', counter.before)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Removes a passkey of this person; returns it if there was one. */
export async function deletePasskey(trx: Transaction<Tables>, personId: string, id: string): Promise<Row<'passkeys'> | undefined> {
  return await trx.deleteFrom('passkeys').where('person_id', '=', personId).where('id', '=', id).returningAll().executeTakeFirst()
}

/** Removes all passkeys of a person; returns how many there were. */
export async function deletePasskeys(trx: Transaction<Tables>, personId: string): Promise<number> {
  return Number((await trx.deleteFrom('passkeys').where('person_id', '=', personId).executeTakeFirst()).numDeletedRows)
}
