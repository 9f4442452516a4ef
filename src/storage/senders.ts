import type { Transaction } from 'kysely'
import { nameKey } from './credential-derived.ts'
import { prepared } from './prepared.ts'
import type { Database, NewRow, Row, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>
export type SenderRow = Row<'senders'> & { credential_name: string | null }

const withCredential = (db: Reader) =>
  db.selectFrom('senders').leftJoin('credentials', 'credentials.id', 'senders.credential_id').selectAll('senders').select('credentials.name as credential_name')

/** Finds a sender by id or by name. */
export async function findSender(db: Reader, ref: string): Promise<SenderRow | undefined> {
  return await (
    ref.startsWith('snd_') ? withCredential(db).where('senders.id', '=', ref) : withCredential(db).where('senders.name_key', '=', nameKey(ref))
  ).executeTakeFirst()
}

const allByName = prepared((db, _slots: Record<string, never>) => withCredential(db).orderBy('senders.name_key'))

export async function listSenderRows(db: Reader): Promise<SenderRow[]> {
  return await allByName(db, {})
}

export async function findDefaultSender(db: Reader): Promise<SenderRow | undefined> {
  return await withCredential(db).where('senders.is_default', '=', 1).executeTakeFirst()
}

export async function insertSender(trx: Transaction<Tables>, row: NewRow<'senders'>): Promise<void> {
  await trx.insertInto('senders').values(row).execute()
}

export async function updateSenderIf(trx: Transaction<Tables>, id: string, revision: number, change: RowUpdate<'senders'>): Promise<boolean> {
  const result = await trx
    .updateTable('senders')
    .set({ ...change, revision: revision + 1 })
    .where('id', '=', id)
    .where('revision', '=', revision)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function clearDefaultSender(trx: Transaction<Tables>): Promise<void> {
  await trx.updateTable('senders').set({ is_default: 0 }).where('is_default', '=', 1).execute()
}

export async function makeDefaultSender(trx: Transaction<Tables>, id: string): Promise<void> {
  await trx.updateTable('senders').set({ is_default: 1 }).where('id', '=', id).execute()
}

export async function deleteSenderRow(trx: Transaction<Tables>, id: string): Promise<void> {
  await trx.deleteFrom('senders').where('id', '=', id).execute()
}
