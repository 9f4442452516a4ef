import type { Transaction } from 'kysely'
import { nameKey } from './credential-derived.ts'
import type { Database, NewRow, Row, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>
export type ActionRow = Row<'actions'> & { credential_name: string | null; sender_name: string | null }

const withNames = (db: Reader) =>
  db
    .selectFrom('actions')
    .leftJoin('credentials', 'credentials.id', 'actions.credential_id')
    .leftJoin('senders', 'senders.id', 'actions.sender_id')
    .selectAll('actions')
    .select(['credentials.name as credential_name', 'senders.name as sender_name'])

/** Finds an action by id or by name. */
export async function findAction(db: Reader, ref: string): Promise<ActionRow | undefined> {
  return await (
    ref.startsWith('act_') ? withNames(db).where('actions.id', '=', ref) : withNames(db).where('actions.name_key', '=', nameKey(ref))
  ).executeTakeFirst()
}

/** Returns actions in the order of their names, those after the given one. */
export async function listActionRows(db: Reader, filter: { after?: string | undefined; ids?: string[] | undefined; limit: number }): Promise<ActionRow[]> {
  let query = withNames(db).orderBy('actions.name_key').limit(filter.limit)
  if (filter.after !== undefined) query = query.where('actions.name_key', '>', filter.after)
  if (filter.ids !== undefined) query = query.where('actions.id', 'in', filter.ids)
  return await query.execute()
}

/** Returns what every action leads to, by id. */
export async function readActionLinks(db: Reader): Promise<Map<string, { name: string; leadsTo: string[] }>> {
  const rows = await db.selectFrom('actions').select(['id', 'name', 'leads_to']).execute()
  return new Map(rows.map((row) => [row.id, { name: row.name, leadsTo: JSON.parse(row.leads_to) as string[] }]))
}

/** Returns the names of the actions that use a credential or a sender. */
export async function actionsUsing(db: Reader, what: 'credential_id' | 'sender_id', id: string): Promise<string[]> {
  const rows = await db.selectFrom('actions').select('name').where(what, '=', id).orderBy('name_key').execute()
  return rows.map((row) => row.name)
}

/** Returns which actions use these credentials, by themselves or through a sender. */
export async function actionsOfCredentials(db: Reader, ids: string[]): Promise<{ credential_id: string; id: string; name: string }[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('actions')
    .leftJoin('senders', 'senders.id', 'actions.sender_id')
    .select(['actions.id', 'actions.name', 'actions.credential_id', 'senders.credential_id as of_sender'])
    .where((eb) => eb.or([eb('actions.credential_id', 'in', ids), eb('senders.credential_id', 'in', ids)]))
    .orderBy('actions.name_key')
    .execute()
  return rows.flatMap(({ id, name, credential_id, of_sender }) =>
    [...new Set([credential_id, of_sender])].flatMap((credential) =>
      credential !== null && ids.includes(credential) ? [{ credential_id: credential, id, name }] : [],
    ),
  )
}

export async function insertAction(trx: Transaction<Tables>, row: NewRow<'actions'>): Promise<void> {
  await trx.insertInto('actions').values(row).execute()
}

export async function updateActionIf(trx: Transaction<Tables>, id: string, revision: number, change: RowUpdate<'actions'>): Promise<boolean> {
  const result = await trx
    .updateTable('actions')
    .set({ ...change, revision: revision + 1 })
    .where('id', '=', id)
    .where('revision', '=', revision)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function deleteActionRow(trx: Transaction<Tables>, id: string): Promise<void> {
  await trx.deleteFrom('actions').where('id', '=', id).execute()
}
