import type { Transaction } from 'kysely'
import type { Sealed } from '../base/sealed.ts'
import type { Database, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

/** Claims a key for a request. Returns null when it is claimed now, otherwise the row of whoever was first. */
export async function claimIdempotencyKey(
  db: Reader,
  row: { access_key_id: string; key: string; request_hash: string; created_at: number },
): Promise<Row<'idempotency'> | null> {
  const inserted = await db
    .insertInto('idempotency')
    .values({ ...row, reply: null, status: null })
    .onConflict((conflict) => conflict.columns(['access_key_id', 'key']).doNothing())
    .returning('key')
    .executeTakeFirst()
  if (inserted) return null
  return (await readIdempotencyKey(db, row.access_key_id, row.key)) ?? (await claimIdempotencyKey(db, row))
}

export async function readIdempotencyKey(db: Reader, accessKeyId: string, key: string): Promise<Row<'idempotency'> | undefined> {
  return await db.selectFrom('idempotency').selectAll().where('access_key_id', '=', accessKeyId).where('key', '=', key).executeTakeFirst()
}

export async function keepIdempotentReply(db: Reader, accessKeyId: string, key: string, reply: Sealed, status: number): Promise<void> {
  await db.updateTable('idempotency').set({ reply, status }).where('access_key_id', '=', accessKeyId).where('key', '=', key).execute()
}

/** Gives a key free again, because its request did nothing. */
export async function releaseIdempotencyKey(db: Reader, accessKeyId: string, key: string): Promise<void> {
  await db.deleteFrom('idempotency').where('access_key_id', '=', accessKeyId).where('key', '=', key).where('status', 'is', null).execute()
}

export async function pruneIdempotencyKeys(db: Reader, before: number): Promise<void> {
  await db.deleteFrom('idempotency').where('created_at', '<', before).execute()
}
