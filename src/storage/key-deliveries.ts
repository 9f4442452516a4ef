import type { Transaction } from 'kysely'
import type { Database, NewRow, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export async function insertDelivery(trx: Transaction<Tables>, row: NewRow<'key_deliveries'>): Promise<void> {
  await trx.insertInto('key_deliveries').values(row).execute()
}

export async function findDeliveryByLink(db: Reader, linkHash: string): Promise<Row<'key_deliveries'> | undefined> {
  return await db.selectFrom('key_deliveries').selectAll().where('link_hash', '=', linkHash).executeTakeFirst()
}

export async function readDelivery(db: Reader, accessKeyId: string): Promise<Row<'key_deliveries'> | undefined> {
  return await db.selectFrom('key_deliveries').selectAll().where('access_key_id', '=', accessKeyId).executeTakeFirst()
}

export async function listDeliveries(db: Reader): Promise<Row<'key_deliveries'>[]> {
  return await db.selectFrom('key_deliveries').selectAll().execute()
}

/** Marks a delivery as opened; returns whether nobody was first. */
export async function markDeliveryOpened(trx: Transaction<Tables>, accessKeyId: string, at: number, from: string | null): Promise<boolean> {
  const result = await trx
    .updateTable('key_deliveries')
    .set({ opened_at: at, opened_from: from })
    .where('access_key_id', '=', accessKeyId)
    .where('opened_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Counts that somebody came with a used link; returns whether it was counted, which ends after so many. */
export async function countRepeat(trx: Transaction<Tables>, accessKeyId: string, most: number): Promise<boolean> {
  const result = await trx
    .updateTable('key_deliveries')
    .set((eb) => ({ repeats: eb('repeats', '+', 1) }))
    .where('access_key_id', '=', accessKeyId)
    .where('repeats', '<', most)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Gives a key its text: from now on it is found by the hash of it. */
export async function setAccessKeyHash(trx: Transaction<Tables>, id: string, hash: string, hint: string): Promise<void> {
  await trx.updateTable('access_keys').set({ hash, hint }).where('id', '=', id).execute()
}
