import type { Transaction } from 'kysely'
import type { Database, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export async function readFact(db: Reader, name: string): Promise<string | null> {
  const row = await db.selectFrom('facts').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value ?? null
}

export async function writeFact(db: Reader, name: string, value: string): Promise<void> {
  await db
    .insertInto('facts')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}

/** Writes a fact if it still is what it was (null: not there); returns whether it was. */
export async function writeFactIf(db: Reader, name: string, before: string | null, value: string): Promise<boolean> {
  if (before === null) {
    const made = await db
      .insertInto('facts')
      .values({ name, value })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirst()
    return Number(made.numInsertedOrUpdatedRows ?? 0) === 1
  }
  const changed = await db.updateTable('facts').set({ value }).where('name', '=', name).where('value', '=', before).executeTakeFirst()
  return changed.numUpdatedRows === 1n
}

export async function readMasterKeys(db: Reader): Promise<Row<'master_keys'>[]> {
  return await db.selectFrom('master_keys').selectAll().orderBy('version').execute()
}

/** Writes a version of the master key; returns false where there is one of this number already, which stays. */
export async function insertMasterKey(
  db: Reader,
  row: { version: number; fingerprint: string; derivation: string | null; created_at: number },
): Promise<boolean> {
  const made = await db
    .insertInto('master_keys')
    .values({ ...row, retired_at: null })
    .onConflict((conflict) => conflict.column('version').doNothing())
    .executeTakeFirst()
  return Number(made.numInsertedOrUpdatedRows ?? 0) === 1
}

export async function retireMasterKeys(db: Reader, below: number, at: number): Promise<void> {
  await db.updateTable('master_keys').set({ retired_at: at }).where('version', '<', below).where('retired_at', 'is', null).execute()
}
