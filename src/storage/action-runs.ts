import type { Transaction } from 'kysely'
import { inBatches } from './credentials.ts'
import type { Database, NewRow, Row, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>
export type ActionRunRow = Row<'action_runs'>

const unsettled = ['queued', 'running', 'waiting']

export async function insertRun(trx: Transaction<Tables>, row: NewRow<'action_runs'>): Promise<void> {
  await trx.insertInto('action_runs').values(row).execute()
}

export async function readRun(db: Reader, id: string): Promise<ActionRunRow | undefined> {
  return await db.selectFrom('action_runs').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function updateRun(db: Reader, id: string, change: RowUpdate<'action_runs'>): Promise<void> {
  await db.updateTable('action_runs').set(change).where('id', '=', id).execute()
}

/**
 * Changes a run that is being carried out, as long as the attempt is the one that `taken` began: `taken` is the run as it was before.
 * Returns whether it is; when it is not, somebody else has taken the run over, or has ended it.
 */
export async function updateTakenRun(db: Reader, taken: Pick<ActionRunRow, 'id' | 'attempts'>, change: RowUpdate<'action_runs'>): Promise<boolean> {
  const result = await db
    .updateTable('action_runs')
    .set(change)
    .where('id', '=', taken.id)
    .where('status', '=', 'running')
    .where('attempts', '=', taken.attempts + 1)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Takes a run for one node, if no other one holds it and it has not ended. Returns it as it was before; undefined: it is not to be had. */
export async function takeRun(trx: Transaction<Tables>, id: string, claim: { lease: string; now: number; until: number }): Promise<ActionRunRow | undefined> {
  const before = await readRun(trx, id)
  if (!before) return undefined
  const result = await trx
    .updateTable('action_runs')
    .set((eb) => ({
      status: 'running',
      lease: claim.lease,
      lease_until: claim.until,
      started_at: before.started_at ?? claim.now,
      next_attempt_at: null,
      attempts: eb('attempts', '+', 1),
    }))
    .where('id', '=', id)
    .where('status', 'in', unsettled)
    .where('attempts', '=', before.attempts)
    .where((eb) => eb.or([eb('lease', 'is', null), eb('lease', '=', claim.lease), eb('lease_until', '<=', claim.now)]))
    .executeTakeFirst()
  return result.numUpdatedRows === 1n ? before : undefined
}

/** Returns the next run of a chain that has not ended; undefined: all have. */
export async function nextRunOf(db: Reader, rootId: string): Promise<ActionRunRow | undefined> {
  return await db.selectFrom('action_runs').selectAll().where('root_id', '=', rootId).where('status', 'in', unsettled).orderBy('id').limit(1).executeTakeFirst()
}

export async function runsOfChain(db: Reader, rootId: string): Promise<ActionRunRow[]> {
  return await db.selectFrom('action_runs').selectAll().where('root_id', '=', rootId).orderBy('id').execute()
}

/** Returns the first runs of chains that nobody works on and no job will take up. */
export async function strayRoots(db: Reader, now: number, jobKind: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('action_runs')
    .select('root_id')
    .distinct()
    .where('status', 'in', unsettled)
    .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<=', now)]))
    .where('root_id', 'not in', (eb) => eb.selectFrom('jobs').select('subject').where('kind', '=', jobKind))
    .limit(limit)
    .execute()
  return rows.map((row) => row.root_id)
}

/** Holds what a node works on: of these chains only, so that one that it has dropped is taken up again. */
export async function prolongRunLeases(db: Reader, lease: string, until: number, rootIds: string[]): Promise<void> {
  await inBatches(rootIds, async (some) => {
    await db.updateTable('action_runs').set({ lease_until: until }).where('lease', '=', lease).where('root_id', 'in', some).execute()
    return []
  })
}

/** Gives back what a node holds and is not working on at this moment: of one chain, or of all. */
export async function releaseRuns(db: Reader, lease: string, rootId?: string): Promise<void> {
  let query = db.updateTable('action_runs').set({ lease: null, lease_until: null }).where('lease', '=', lease).where('status', 'in', ['queued', 'waiting'])
  if (rootId !== undefined) query = query.where('root_id', '=', rootId)
  await query.execute()
}

/** Ends the leases of a process that died: the embedded store has one process at a time. */
export async function clearRunLeases(db: Reader): Promise<void> {
  await db.updateTable('action_runs').set({ lease: null, lease_until: null }).where('lease', 'is not', null).execute()
}

/** Returns runs, the newest first. */
export async function listRunRows(
  db: Reader,
  filter: { actionIds?: string[] | undefined; status?: string | undefined; rootId?: string | undefined; before?: string | undefined; limit: number },
): Promise<ActionRunRow[]> {
  let query = db.selectFrom('action_runs').selectAll().orderBy('id', 'desc').limit(filter.limit)
  if (filter.actionIds !== undefined) query = query.where('action_id', 'in', filter.actionIds)
  if (filter.status !== undefined) query = query.where('status', '=', filter.status)
  if (filter.rootId !== undefined) query = query.where('root_id', '=', filter.rootId)
  if (filter.before !== undefined) query = query.where('id', '<', filter.before)
  return await query.execute()
}

/** Returns the newest run of each of these actions. */
export async function lastRunsOf(db: Reader, actionIds: string[]): Promise<ActionRunRow[]> {
  if (actionIds.length === 0) return []
  return await db
    .selectFrom('action_runs')
    .selectAll()
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('action_runs')
        .select((sub) => sub.fn.max('id').as('id'))
        .where('action_id', 'in', actionIds)
        .groupBy('action_id'),
    )
    .execute()
}

/** Returns whether a run of the action has not ended: any, or one that this trigger ordered. */
export async function hasOpenRuns(db: Reader, actionId: string, trigger?: string): Promise<boolean> {
  let query = db.selectFrom('action_runs').select('id').where('action_id', '=', actionId).where('status', 'in', unsettled).limit(1)
  if (trigger !== undefined) query = query.where('trigger', '=', trigger)
  return (await query.executeTakeFirst()) !== undefined
}

/** Ends every run of a restored store that had not ended: since the backup it was done, or was cut off, and nobody knows which. */
export async function interruptRuns(db: Reader, now: number, problem: string): Promise<void> {
  await db
    .updateTable('action_runs')
    .set({ status: 'interrupted', problem, state: null, lease: null, lease_until: null, next_attempt_at: null, finished_at: now })
    .where('status', 'in', unsettled)
    .execute()
  await db.deleteFrom('jobs').where('kind', '=', 'action_run').execute()
}

/** Forgets runs that ended before this time, a few at once, and returns how many. */
export async function pruneRuns(db: Reader, before: number, limit: number): Promise<number> {
  const result = await db
    .deleteFrom('action_runs')
    .where('id', 'in', (eb) => eb.selectFrom('action_runs').select('id').where('finished_at', '<', before).orderBy('id').limit(limit))
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
