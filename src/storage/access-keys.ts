import type { Transaction } from 'kysely'
import type { Database, NewRow, Row, Tables } from './tables.ts'

export async function insertAccessKey(trx: Transaction<Tables>, row: NewRow<'access_keys'>): Promise<void> {
  await trx.insertInto('access_keys').values(row).execute()
}

export async function findAccessKeyByHash(db: Database, hash: string): Promise<Row<'access_keys'> | undefined> {
  return await db.selectFrom('access_keys').selectAll().where('hash', '=', hash).executeTakeFirst()
}

/** Finds a key by id, or by name among those that are not revoked. */
export async function findAccessKey(db: Database | Transaction<Tables>, ref: string): Promise<Row<'access_keys'> | undefined> {
  const byId = await db.selectFrom('access_keys').selectAll().where('id', '=', ref).executeTakeFirst()
  if (byId) return byId
  return await db.selectFrom('access_keys').selectAll().where('name', '=', ref).where('revoked_at', 'is', null).executeTakeFirst()
}

/** Returns the keys that still count and those revoked after the given time, newest first. */
export async function listAccessKeys(db: Database, revokedAfter: number): Promise<Row<'access_keys'>[]> {
  return await db
    .selectFrom('access_keys')
    .selectAll()
    .where((eb) => eb.or([eb('revoked_at', 'is', null), eb('revoked_at', '>=', revokedAfter)]))
    .orderBy('id', 'desc')
    .execute()
}

export async function countAccessKeys(db: Database | Transaction<Tables>): Promise<number> {
  const row = await db
    .selectFrom('access_keys')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

export async function markAccessKeyRevoked(trx: Transaction<Tables>, id: string, at: number): Promise<void> {
  await trx.updateTable('access_keys').set({ revoked_at: at }).where('id', '=', id).execute()
}

export async function markAccessKeyUsed(db: Database, id: string, at: number, from: string | null): Promise<void> {
  await db.updateTable('access_keys').set({ last_used_at: at, last_used_from: from }).where('id', '=', id).execute()
}

/** Returns keys that still count and that nobody has needed since a moment; those that one maker has made are left out, and those whose link nobody opened. */
export async function unusedAccessKeys(db: Database, before: number, exceptOf: string): Promise<Row<'access_keys'>[]> {
  return await db
    .selectFrom('access_keys')
    .selectAll()
    .where('created_at', '<', before)
    .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', before)]))
    .where((eb) => eb.or([eb('kept_from', 'is', null), eb('kept_from', '<', before)]))
    .where('revoked_at', 'is', null)
    .where('stopped_at', 'is', null)
    .where('created_by', '!=', exceptOf)
    .where('hash', 'not like', 'to be delivered %')
    .orderBy('id')
    .execute()
}

export async function markAccessKeyTold(trx: Transaction<Tables>, id: string, at: number): Promise<void> {
  await trx.updateTable('access_keys').set({ unused_told_at: at }).where('id', '=', id).execute()
}

/** Stops a key, unless somebody has used, kept or revoked it meanwhile. */
export async function markAccessKeyStopped(trx: Transaction<Tables>, id: string, at: number, neededAt: number): Promise<boolean> {
  const stopped = await trx
    .updateTable('access_keys')
    .set({ stopped_at: at })
    .where('id', '=', id)
    .where('stopped_at', 'is', null)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<=', neededAt)]))
    .where((eb) => eb.or([eb('kept_from', 'is', null), eb('kept_from', '<=', neededAt)]))
    .executeTakeFirst()
  return stopped.numUpdatedRows === 1n
}

/** Keeps a key, and lets it count again where it was stopped. */
export async function markAccessKeyKept(trx: Transaction<Tables>, id: string, at: number): Promise<void> {
  await trx.updateTable('access_keys').set({ stopped_at: null, kept_from: at }).where('id', '=', id).execute()
}
