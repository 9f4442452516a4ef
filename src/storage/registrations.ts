import type { Transaction } from 'kysely'
import { deriveEndsOf, nameKey } from './credential-derived.ts'
import { inBatches } from './credentials.ts'
import { prepared } from './prepared.ts'
import type { Database, NewRow, Row, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>
export type RegistrationRow = Row<'registrations'>

/** Finds a registration by id or by name. */
export async function findRegistration(db: Reader, ref: string): Promise<RegistrationRow | undefined> {
  if (ref.startsWith('reg_')) return (await byId(db, { id: ref }))[0]
  return await db.selectFrom('registrations').selectAll().where('name_key', '=', nameKey(ref)).executeTakeFirst()
}

const byId = prepared((db, slots: { id: string }) => db.selectFrom('registrations').selectAll().where('id', '=', slots.id))

/** Returns the registrations that have these names, folded. */
export async function registrationsByNameKey(db: Reader, keys: string[]): Promise<RegistrationRow[]> {
  return await inBatches(keys, (some) => db.selectFrom('registrations').selectAll().where('name_key', 'in', some).execute())
}

/** Returns the registrations with these ids. */
export async function registrationsById(db: Reader, ids: string[]): Promise<RegistrationRow[]> {
  return await inBatches(ids, (some) => db.selectFrom('registrations').selectAll().where('id', 'in', some).execute())
}

export async function insertRegistration(trx: Transaction<Tables>, row: NewRow<'registrations'>): Promise<void> {
  await trx.insertInto('registrations').values(row).execute()
}

export async function updateRegistrationIf(
  trx: Transaction<Tables>,
  id: string,
  expected: { revision: number },
  change: RowUpdate<'registrations'>,
): Promise<boolean> {
  const result = await trx
    .updateTable('registrations')
    .set({ ...change, revision: expected.revision + 1 })
    .where('id', '=', id)
    .where('revision', '=', expected.revision)
    .executeTakeFirst()
  if (result.numUpdatedRows !== 1n) return false
  if (change.secret_expires_at !== undefined) await deriveEndsOf(trx, id)
  return true
}

export async function deleteRegistrationRow(trx: Transaction<Tables>, id: string): Promise<void> {
  await trx.deleteFrom('registrations').where('id', '=', id).execute()
}

export async function listRegistrationRows(db: Database, after: string | undefined, limit: number): Promise<(RegistrationRow & { credentials: number })[]> {
  let query = db
    .selectFrom('registrations')
    .selectAll('registrations')
    .select((eb) =>
      eb
        .selectFrom('credentials')
        .whereRef('credentials.registration_id', '=', 'registrations.id')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .as('credentials'),
    )
    .orderBy('name_key')
    .limit(limit)
  if (after !== undefined) query = query.where('name_key', '>', after)
  const rows = await query.execute()
  return rows.map((row) => ({ ...row, credentials: Number(row.credentials ?? 0) }))
}

export async function countCredentials(db: Reader, registrationId: string): Promise<number> {
  const row = await db
    .selectFrom('credentials')
    .where('registration_id', '=', registrationId)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}
