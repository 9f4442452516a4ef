import type { Transaction } from 'kysely'
import type { Database, NewRow, Row, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export async function insertPerson(trx: Transaction<Tables>, row: NewRow<'persons'>): Promise<void> {
  await trx.insertInto('persons').values(row).execute()
}

export async function listPersons(db: Reader): Promise<Row<'persons'>[]> {
  return await db.selectFrom('persons').selectAll().orderBy('name_key').execute()
}

export async function readPerson(db: Reader, id: string): Promise<Row<'persons'> | undefined> {
  return await db.selectFrom('persons').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function findPersonByName(db: Reader, key: string): Promise<Row<'persons'> | undefined> {
  return await db.selectFrom('persons').selectAll().where('name_key', '=', key).executeTakeFirst()
}

export async function findPersonBySubject(db: Reader, subject: string): Promise<Row<'persons'> | undefined> {
  return await db.selectFrom('persons').selectAll().where('subject', '=', subject).executeTakeFirst()
}

export async function updatePerson(db: Reader, id: string, change: RowUpdate<'persons'>): Promise<void> {
  await db.updateTable('persons').set(change).where('id', '=', id).execute()
}

export async function deletePerson(trx: Transaction<Tables>, id: string): Promise<void> {
  await trx.deleteFrom('persons').where('id', '=', id).execute()
}

/** Returns the administrators that can sign in, and keeps two changes from each taking the other for the one who remains. */
export async function lockAdministrators(trx: Transaction<Tables>, dialect: 'sqlite' | 'postgres'): Promise<string[]> {
  let query = trx
    .selectFrom('persons')
    .select('id')
    .where('role', '=', 'administrator')
    .where('joined_at', 'is not', null)
    .where('suspended_at', 'is', null)
    .orderBy('id')
  if (dialect === 'postgres') query = query.forUpdate()
  return (await query.execute()).map((row) => row.id)
}

/** Writes the open invitation of a person; an older one stops working. */
export async function putInvitation(trx: Transaction<Tables>, row: NewRow<'invitations'>): Promise<void> {
  await trx.deleteFrom('invitations').where('person_id', '=', row.person_id).execute()
  await trx.insertInto('invitations').values(row).execute()
}

export async function findInvitation(db: Reader, codeHash: string): Promise<Row<'invitations'> | undefined> {
  return await db.selectFrom('invitations').selectAll().where('code_hash', '=', codeHash).executeTakeFirst()
}

/** Removes an invitation; returns whether it was there. Whoever removed it has accepted it, nobody else. */
export async function takeInvitation(trx: Transaction<Tables>, personId: string, codeHash: string): Promise<boolean> {
  const result = await trx.deleteFrom('invitations').where('person_id', '=', personId).where('code_hash', '=', codeHash).executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Removes the open invitation of a person who came in by another way. */
export async function dropInvitation(trx: Transaction<Tables>, personId: string): Promise<void> {
  await trx.deleteFrom('invitations').where('person_id', '=', personId).execute()
}

/** Writes a fact that can be written once; returns whether this was the time. */
export async function writeFactOnce(trx: Transaction<Tables>, name: string, value: string): Promise<boolean> {
  const result = await trx
    .insertInto('facts')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

/** Reads the row and keeps others from changing it until the transaction ends. */
export async function lockPerson(trx: Transaction<Tables>, id: string, dialect: 'sqlite' | 'postgres'): Promise<Row<'persons'> | undefined> {
  let query = trx.selectFrom('persons').selectAll().where('id', '=', id)
  if (dialect === 'postgres') query = query.forUpdate()
  return await query.executeTakeFirst()
}
