import type { Transaction } from 'kysely'
import type { Database, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export type EmergencyStopRow = Row<'emergency_stops'>
export type StoppedRow = Row<'stopped_credentials'>

export async function insertEmergencyStop(trx: Reader, row: EmergencyStopRow): Promise<void> {
  await trx.insertInto('emergency_stops').values(row).execute()
}

export async function findEmergencyStop(db: Reader, id: string): Promise<EmergencyStopRow | undefined> {
  return await db.selectFrom('emergency_stops').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Returns whether a stop was undone, and keeps others from undoing it until the transaction ends. */
export async function isUndone(trx: Transaction<Tables>, id: string, dialect: 'sqlite' | 'postgres'): Promise<boolean> {
  let query = trx.selectFrom('emergency_stops').select('undone_at').where('id', '=', id)
  if (dialect === 'postgres') query = query.forShare()
  return (await query.executeTakeFirstOrThrow()).undone_at !== null
}

/** Returns whether a stop was ordered since then that still holds. */
export async function isStoppedSince(db: Reader, at: number): Promise<boolean> {
  const query = db.selectFrom('emergency_stops').select('id').where('created_at', '>=', at).where('undone_at', 'is', null).limit(1)
  return (await query.executeTakeFirst()) !== undefined
}

/** Notes that a stop was undone, and leaves the tokens alone that were not taken back yet. */
export async function markUndone(trx: Reader, id: string, now: number): Promise<void> {
  await trx.updateTable('emergency_stops').set({ undone_at: now }).where('id', '=', id).execute()
  await trx.updateTable('stopped_credentials').set({ state: 'stopped', updated_at: now }).where('stop_id', '=', id).where('state', '=', 'waiting').execute()
}

/** Returns the latest ones, the newest first. */
export async function listEmergencyStops(db: Reader, limit: number): Promise<EmergencyStopRow[]> {
  return await db.selectFrom('emergency_stops').selectAll().orderBy('id', 'desc').limit(limit).execute()
}

/** Counts what has become of the credentials of stops. */
export async function countStopped(db: Reader, stops: string[]): Promise<{ stop_id: string; state: string; count: number }[]> {
  if (stops.length === 0) return []
  const rows = await db
    .selectFrom('stopped_credentials')
    .select((eb) => ['stop_id', 'state', eb.fn.countAll<number>().as('count')])
    .where('stop_id', 'in', stops)
    .groupBy(['stop_id', 'state'])
    .execute()
  return rows.map((row) => ({ ...row, count: Number(row.count) }))
}

/** Returns rows of a stop in the order of their credentials, from behind one on. */
export async function listStopped(
  db: Reader,
  stop: string,
  filter: { states?: readonly string[] | undefined; after?: string | undefined; limit: number },
): Promise<StoppedRow[]> {
  let query = db.selectFrom('stopped_credentials').selectAll().where('stop_id', '=', stop).orderBy('credential_id').limit(filter.limit)
  if (filter.states !== undefined) query = query.where('state', 'in', filter.states)
  if (filter.after !== undefined) query = query.where('credential_id', '>', filter.after)
  return await query.execute()
}

/** Returns which of these credentials a stop has already. */
export async function knownToStop(db: Reader, stop: string, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db.selectFrom('stopped_credentials').select('credential_id').where('stop_id', '=', stop).where('credential_id', 'in', ids).execute()
  return new Set(rows.map((row) => row.credential_id))
}

/** Writes credentials down that were stopped; one that is there already stays as it is. */
export async function insertStopped(trx: Reader, rows: StoppedRow[]): Promise<void> {
  if (rows.length === 0) return
  await trx
    .insertInto('stopped_credentials')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['stop_id', 'credential_id']).doNothing())
    .execute()
}

/** Takes a credential that waits for its tokens to be taken back, and says what becomes of it; false: another one has taken it. */
export async function takeWaiting(
  trx: Reader,
  stop: string,
  credential: string,
  change: Pick<StoppedRow, 'state' | 'message' | 'job_id' | 'updated_at'>,
): Promise<boolean> {
  const taken = await trx
    .updateTable('stopped_credentials')
    .set(change)
    .where('stop_id', '=', stop)
    .where('credential_id', '=', credential)
    .where('state', '=', 'waiting')
    .executeTakeFirst()
  return taken.numUpdatedRows === 1n
}

/** Says what became of an order to take tokens back; nothing happens when it belonged to no stop. */
export async function settleStopped(trx: Reader, job: string, result: { state: string; message: string | null; at: number }): Promise<void> {
  await trx
    .updateTable('stopped_credentials')
    .set((eb) => ({
      state: result.state,
      // What was said of a client that can get new tokens holds when the old ones are gone.
      message: result.message ?? eb.ref('message'),
      job_id: null,
      updated_at: result.at,
    }))
    .where('job_id', '=', job)
    .execute()
}
