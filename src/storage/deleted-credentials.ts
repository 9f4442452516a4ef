import type { Transaction } from 'kysely'
import type { Sealed } from '../base/sealed.ts'
import { nameKey } from './credential-derived.ts'
import type { Database, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

/** Credentials that were deleted and can still be restored. */
export type DeletedCredentialTable = {
  id: string
  name: string
  name_key: string
  /** What the registration was called that it needs; null: it needs none. */
  registration_name: string | null
  /** JSON of its row in `credentials`, without its secret. */
  facts: string
  /** JSON {callers, days}: who had used it, and how often on which day. */
  uses: string
  /** As it stood in `credentials`, still sealed by the key of its owner. */
  secret: Sealed | null
  deleted_at: number
  /** JSON {id, name} of who deleted it. */
  deleted_by: string
  /** When it goes for good. */
  purge_at: number
}

export type DeletedRow = Row<'deleted_credentials'>

export async function insertDeleted(trx: Transaction<Tables>, row: DeletedRow): Promise<void> {
  await trx.insertInto('deleted_credentials').values(row).execute()
}

/** Finds one by id, or the latest of a name. */
export async function findDeleted(db: Reader, ref: string): Promise<DeletedRow | undefined> {
  const query = db.selectFrom('deleted_credentials').selectAll()
  if (ref.startsWith('cred_')) return await query.where('id', '=', ref).executeTakeFirst()
  return await query.where('name_key', '=', nameKey(ref)).orderBy('deleted_at', 'desc').orderBy('id', 'desc').limit(1).executeTakeFirst()
}

/** Takes one out; undefined: somebody else did. */
export async function takeDeleted(trx: Transaction<Tables>, id: string): Promise<DeletedRow | undefined> {
  return await trx.deleteFrom('deleted_credentials').where('id', '=', id).returningAll().executeTakeFirst()
}

/** Returns them in the order in which they were deleted, the latest first. */
export async function listDeletedRows(db: Reader, query: { before?: { at: number; id: string } | undefined; limit: number }): Promise<DeletedRow[]> {
  const { before, limit } = query
  let found = db.selectFrom('deleted_credentials').selectAll().orderBy('deleted_at', 'desc').orderBy('id', 'desc').limit(limit)
  if (before !== undefined) {
    found = found.where((eb) => eb.or([eb('deleted_at', '<', before.at), eb.and([eb('deleted_at', '=', before.at), eb('id', '<', before.id)])]))
  }
  return await found.execute()
}

/** Returns ids of those whose time is over. */
export async function overdueDeleted(db: Reader, now: number, limit: number): Promise<string[]> {
  const rows = await db.selectFrom('deleted_credentials').select('id').where('purge_at', '<=', now).orderBy('purge_at').limit(limit).execute()
  return rows.map((row) => row.id)
}
