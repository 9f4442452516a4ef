import { sql, type Transaction } from 'kysely'
import { deriveColumns, nameKey, searchText, type NewCredentialRow } from './credential-derived.ts'
import { prepared } from './prepared.ts'
import type { Database, Row, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>
type CredentialRow = Row<'credentials'>

/** A credential with what its list row needs from the registration. */
export type CredentialWithRegistration = CredentialRow & {
  registration_name: string | null
  provider: string | null
  provider_snapshot: string | null
  secret_expires_at: number | null
  client_id: string | null
  placeholders: string | null
}

/** Selects credentials with what their list rows need from the registration. */
export const withRegistration = (db: Reader) =>
  db
    .selectFrom('credentials')
    .leftJoin('registrations', 'registrations.id', 'credentials.registration_id')
    .selectAll('credentials')
    .select([
      'registrations.name as registration_name',
      'registrations.provider',
      'registrations.provider_snapshot',
      'registrations.secret_expires_at',
      'registrations.client_id',
      'registrations.placeholders',
    ])

/** Finds a credential by id or by name. */
export async function findCredential(db: Reader, ref: string): Promise<CredentialWithRegistration | undefined> {
  const column = ref.startsWith('cred_') ? 'credentials.id' : 'credentials.name_key'
  return await withRegistration(db)
    .where(column, '=', ref.startsWith('cred_') ? ref : nameKey(ref))
    .executeTakeFirst()
}

/** Returns the credentials that have these names, folded. */
export async function credentialsByNameKey(db: Reader, keys: string[]): Promise<CredentialWithRegistration[]> {
  return await inBatches(keys, (some) => withRegistration(db).where('credentials.name_key', 'in', some).execute())
}

/** Returns the credentials with these ids. */
export async function credentialsById(db: Reader, ids: string[]): Promise<CredentialWithRegistration[]> {
  return await inBatches(ids, (some) => withRegistration(db).where('credentials.id', 'in', some).execute())
}

/** Returns ids of all credentials, the oldest first. */
export async function readCredentialIds(db: Reader, limit: number): Promise<string[]> {
  return (await db.selectFrom('credentials').select('id').orderBy('id').limit(limit).execute()).map((row) => row.id)
}

/** Returns credentials with one of these statuses that have had it since then: after `from` and not after `to`. */
export async function brokenCredentials(
  db: Reader,
  statuses: string[],
  since: { from: number; to: number },
  limit: number,
): Promise<CredentialWithRegistration[]> {
  return await withRegistration(db)
    .where('credentials.status', 'in', statuses)
    .where('credentials.status_since', '>', since.from)
    .where('credentials.status_since', '<=', since.to)
    .orderBy('credentials.name_key')
    .limit(limit)
    .execute()
}

/** Asks for many values in statements that a database takes. */
export async function inBatches<Value, Found>(values: Value[], ask: (some: Value[]) => Promise<Found[]>): Promise<Found[]> {
  const rows: Found[] = []
  for (let i = 0; i < values.length; i += 1000) rows.push(...(await ask(values.slice(i, i + 1000))))
  return rows
}

/** A credential with all that handing out its token takes: the key of its secret, and the provider that its registration keeps. */
export type CredentialToHandOut = CredentialRow & {
  registration_name: string | null
  provider_snapshot: string | null
  registration_placeholders: string | null
  registration_client_id: string | null
  wrapped: Row<'data_keys'>['wrapped'] | null
  master_key_version: number | null
}

const toHandOut = (db: Reader) =>
  db
    .selectFrom('credentials')
    .leftJoin('registrations', 'registrations.id', 'credentials.registration_id')
    .leftJoin('data_keys', 'data_keys.owner', 'credentials.id')
    .selectAll('credentials')
    .select([
      'registrations.name as registration_name',
      'registrations.provider_snapshot',
      'registrations.placeholders as registration_placeholders',
      'registrations.client_id as registration_client_id',
      'data_keys.wrapped',
      'data_keys.master_key_version',
    ])

const toHandOutById = prepared((db, slots: { id: string }) => toHandOut(db).where('credentials.id', '=', slots.id))
const toHandOutByName = prepared((db, slots: { nameKey: string }) => toHandOut(db).where('credentials.name_key', '=', slots.nameKey))

/** Reads, by id or name, all that a hand-out takes, at once. */
export async function readToHandOut(db: Reader, ref: string): Promise<CredentialToHandOut | undefined> {
  const [row] = ref.startsWith('cred_') ? await toHandOutById(db, { id: ref }) : await toHandOutByName(db, { nameKey: nameKey(ref) })
  return row
}

const byId = prepared((db, slots: { id: string }) => db.selectFrom('credentials').selectAll().where('id', '=', slots.id))
const byIdLocked = prepared((db, slots: { id: string }) => db.selectFrom('credentials').selectAll().where('id', '=', slots.id).forUpdate())

export async function readCredential(db: Reader, id: string): Promise<CredentialRow | undefined> {
  return (await byId(db, { id }))[0]
}

/** Reads the row and keeps others from changing it until the transaction ends. */
export async function lockCredential(trx: Transaction<Tables>, id: string, dialect: 'sqlite' | 'postgres'): Promise<CredentialRow | undefined> {
  return (await (dialect === 'postgres' ? byIdLocked : byId)(trx, { id }))[0]
}

export async function insertCredential(trx: Transaction<Tables>, row: NewCredentialRow): Promise<void> {
  await trx
    .insertInto('credentials')
    .values({ ...row, search_text: searchText(row) })
    .execute()
  await deriveColumns(trx, row.id, { registration_id: row.registration_id ?? null })
}

/** One prepared update for each set of columns: there are few, and they come all day. */
const updatesByColumns = new Map<string, (db: Reader, values: Record<string, unknown>) => Promise<unknown>>()

function updateOf(columns: string[]): (db: Reader, values: Record<string, unknown>) => Promise<unknown> {
  const key = columns.join(' ')
  let update = updatesByColumns.get(key)
  if (update === undefined) {
    update = prepared((db, slots: Record<string, unknown>) =>
      db
        .updateTable('credentials')
        .set(Object.fromEntries(columns.map((column) => [column, slots[column]])))
        .where('id', '=', slots.id as string),
    )
    updatesByColumns.set(key, update)
  }
  return update
}

export async function updateCredential(trx: Reader, id: string, change: RowUpdate<'credentials'>): Promise<void> {
  const values = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
  if (Object.keys(values).length === 0) return
  await updateOf(Object.keys(values))(trx, { ...values, id })
  await deriveColumns(trx, id, change)
}

/** Changes the row if its revision is still the expected one, and nobody has needed it after `neededAt`; returns whether it was. */
export async function updateCredentialIf(
  trx: Reader,
  id: string,
  expected: { revision: number; neededAt?: number },
  change: RowUpdate<'credentials'>,
): Promise<boolean> {
  const { revision, neededAt } = expected
  let update = trx
    .updateTable('credentials')
    .set({ ...change, revision: revision + 1 })
    .where('id', '=', id)
    .where('revision', '=', revision)
  if (neededAt !== undefined) {
    update = update
      .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<=', neededAt)]))
      .where((eb) => eb.or([eb('kept_from', 'is', null), eb('kept_from', '<=', neededAt)]))
  }
  if ((await update.executeTakeFirst()).numUpdatedRows !== 1n) return false
  await deriveColumns(trx, id, change)
  return true
}

/**
 * Returns credentials that nobody has needed since a moment, in the order of their ids from behind one on: those that work, hold a
 * secret, and are named by no sender and no action.
 */
export async function unusedCredentials(
  db: Reader,
  query: { before: number; after?: string; visible?: string[] | undefined; limit: number },
): Promise<CredentialWithRegistration[]> {
  if (query.visible?.length === 0) return []
  const isBefore = (column: 'last_used_at' | 'kept_from') => sql<boolean>`coalesce(${sql.ref(`credentials.${column}`)}, 0) < ${query.before}`
  let found = withRegistration(db)
    .where('credentials.created_at', '<', query.before)
    .where(isBefore('last_used_at'))
    .where(isBefore('kept_from'))
    .where('credentials.paused', '=', 0)
    .where('credentials.secret', 'is not', null)
    .where('credentials.id', '>', query.after ?? '')
    .where((eb) => eb.not(eb.exists(eb.selectFrom('senders').select('senders.id').whereRef('senders.credential_id', '=', 'credentials.id'))))
    .where((eb) => eb.not(eb.exists(eb.selectFrom('actions').select('actions.id').whereRef('actions.credential_id', '=', 'credentials.id'))))
    .orderBy('credentials.id')
    .limit(query.limit)
  if (query.visible !== undefined) found = found.where('credentials.id', 'in', query.visible)
  return await found.execute()
}

export async function deleteCredentialRow(trx: Transaction<Tables>, id: string): Promise<void> {
  await trx.deleteFrom('credentials').where('id', '=', id).execute()
}

/** Takes the lease if nobody holds it; returns whether it was taken. */
export async function takeLease(trx: Reader, id: string, lease: string, now: number, until: number): Promise<boolean> {
  return (await leased(trx, { id, lease, now, until })).length === 1
}

const leased = prepared((db, slots: { id: string; lease: string; now: number; until: number }) =>
  db
    .updateTable('credentials')
    .set({ lease: slots.lease, lease_until: slots.until })
    .where('id', '=', slots.id)
    .where((eb) => eb.or([eb('lease', 'is', null), eb('lease_until', '<=', slots.now), eb('lease', '=', slots.lease)]))
    .returning('id'),
)

/** Prolongs a lease that is still ours; returns whether it was. */
export async function prolongLease(db: Reader, id: string, lease: string, until: number): Promise<boolean> {
  const result = await db.updateTable('credentials').set({ lease_until: until }).where('id', '=', id).where('lease', '=', lease).executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/**
 * Gives every lease back: for a store that only one process uses, at its start. A credential's lease is taken together with
 * its attempt, so that only those with one need a look, not all there are.
 */
export async function clearLeases(db: Reader): Promise<void> {
  await db
    .updateTable('credentials')
    .set({ lease: null, lease_until: null })
    .where('lease', 'is not', null)
    .where('id', 'in', (eb) => eb.selectFrom('refresh_attempts').select('credential_id'))
    .execute()
  await db.updateTable('messages').set({ lease: null, lease_until: null }).where('lease', 'is not', null).execute()
  await db.updateTable('jobs').set({ lease: null, lease_until: null }).where('lease', 'is not', null).execute()
}

/** Returns ids of credentials whose refresh is due and that nobody works on, the longest due first. */
export async function dueCredentials(db: Reader, now: number, limit: number): Promise<{ id: string; generation: number; due: number }[]> {
  return await db
    .selectFrom('credentials')
    .select((eb) => ['id', 'generation', eb.ref('refresh_due_at').$notNull().as('due')])
    .where('refresh_due_at', '<=', now)
    .where((eb) => eb.or([eb('lease', 'is', null), eb('lease_until', '<=', now)]))
    .orderBy('refresh_due_at')
    .limit(limit)
    .execute()
}

/** Moves a planned refresh, unless it was planned anew meanwhile. */
export async function replanRefresh(db: Reader, planned: { id: string; due: number }, due: number | null): Promise<void> {
  await db.updateTable('credentials').set({ refresh_due_at: due }).where('id', '=', planned.id).where('refresh_due_at', '=', planned.due).execute()
}

/** Moves every refresh and poll that is planned for later forward: the clock was set back by so much. */
export async function bringRefreshesForward(db: Database, now: number, by: number): Promise<void> {
  await db
    .updateTable('credentials')
    .set((eb) => ({ refresh_due_at: eb('refresh_due_at', '-', by) }))
    .where('refresh_due_at', '>', now)
    .execute()
  await db
    .updateTable('consents')
    .set((eb) => ({ next_poll_at: eb('next_poll_at', '-', by) }))
    .where('next_poll_at', '>', now)
    .execute()
}

/** Plans at once what was planned by a clock that went far ahead: no token comes from the future, and no pause lasts for days. */
export async function replanStrayRefreshes(db: Reader, now: number, bounds: { newest: number; latestRetry: number }): Promise<void> {
  await db
    .updateTable('credentials')
    .set({ refresh_due_at: now })
    .where('refresh_due_at', '>', now)
    .where((eb) => eb.or([eb('token_obtained_at', '>', bounds.newest), eb.and([eb('status', '=', 'retrying'), eb('refresh_due_at', '>', bounds.latestRetry)])]))
    .execute()
}

/** Returns when the next refresh is due that nobody works on; null when none is planned. */
export async function nextDue(db: Reader, now: number): Promise<number | null> {
  const row = await db
    .selectFrom('credentials')
    .select((eb) => eb.fn.min('refresh_due_at').as('due'))
    .where((eb) => eb.or([eb('lease', 'is', null), eb('lease_until', '<=', now)]))
    .executeTakeFirst()
  return row?.due ?? null
}

/** Returns credentials of which somebody must look whether a person is to be warned, the longest due first. */
export async function credentialsToWarnOf(db: Reader, now: number, limit: number): Promise<CredentialWithRegistration[]> {
  return await withRegistration(db).where('warn_at', '<=', now).orderBy('warn_at').limit(limit).execute()
}

/** Changes the row if nobody else has looked meanwhile; returns whether it was changed. */
export async function updateWarning(
  trx: Reader,
  row: Pick<CredentialRow, 'id' | 'warn_at' | 'status' | 'generation'>,
  change: RowUpdate<'credentials'>,
): Promise<boolean> {
  const result = await trx
    .updateTable('credentials')
    .set(change)
    .where('id', '=', row.id)
    .where('warn_at', '=', row.warn_at)
    // What a refresh has found out meanwhile is not painted over.
    .where('status', '=', row.status)
    .where('generation', '=', row.generation)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Lets somebody look at every credential of a registration: the end of its secret was changed. */
export async function warnCredentials(trx: Reader, registrationId: string, at: number): Promise<void> {
  await trx.updateTable('credentials').set({ warn_at: at }).where('registration_id', '=', registrationId).execute()
}

export async function credentialsOfRegistration(db: Reader, registrationId: string): Promise<CredentialRow[]> {
  return await db.selectFrom('credentials').selectAll().where('registration_id', '=', registrationId).execute()
}
