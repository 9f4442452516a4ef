import type { Transaction } from 'kysely'
import { newId } from '../base/ids.ts'
import type { Sealed } from '../base/sealed.ts'
import { deleteDataKey } from './data-keys.ts'
import type { Database, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export type JobRow = Row<'jobs'>
export type NewJob = { id: string; kind: string; subject: string; payload: string; secret: Sealed | null; due_at: number; created_at: number }

/**
 * Writes a job down, in the place of the one of the same kind and subject if there is one: the newest order counts. When that
 * one is running, the new one begins after it.
 */
export async function putJob(trx: Transaction<Tables>, job: NewJob): Promise<void> {
  const before = await trx.selectFrom('jobs').select('id').where('kind', '=', job.kind).where('subject', '=', job.subject).executeTakeFirst()
  await trx
    .insertInto('jobs')
    .values({ ...job, attempts: 0, lease: null, lease_until: null, last_error: null })
    // Lease and its end stay: they belong to the run that is under way, not to the order.
    .onConflict((conflict) =>
      conflict
        .columns(['kind', 'subject'])
        .doUpdateSet({ id: job.id, payload: job.payload, secret: job.secret, due_at: job.due_at, attempts: 0, last_error: null, created_at: job.created_at }),
    )
    .execute()
  if (before && before.id !== job.id) await deleteDataKey(trx, before.id)
}

/** Makes sure that a recurring job is there, and that it is due at this moment at the latest. */
export async function ensureJob(trx: Transaction<Tables>, job: NewJob): Promise<void> {
  await trx
    .insertInto('jobs')
    .values({ ...job, attempts: 0, lease: null, lease_until: null, last_error: null })
    .onConflict((conflict) => conflict.columns(['kind', 'subject']).doNothing())
    .execute()
  await trx
    .updateTable('jobs')
    .set({ due_at: job.due_at })
    .where('kind', '=', job.kind)
    .where('subject', '=', job.subject)
    .where('due_at', '>', job.due_at)
    .execute()
}

/** Returns when the next job of these kinds that nobody runs is due; null when there is none. */
export async function nextJobDue(db: Reader, kinds: string[], now: number, longestLease: number): Promise<number | null> {
  const row = await db
    .selectFrom('jobs')
    .select((eb) => eb.fn.min('due_at').as('due'))
    .where('kind', 'in', kinds)
    .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<=', now), eb('lease_until', '>', now + longestLease)]))
    .executeTakeFirst()
  return row?.due ?? null
}

/**
 * Takes due jobs, the longest due first, for as long as the lease lasts; no other node gets them meanwhile. `except`: those that the
 * node works on already, whatever the clock says of their lease.
 */
export async function claimJobs(
  trx: Transaction<Tables>,
  dialect: 'sqlite' | 'postgres',
  options: { kinds: string[]; now: number; lease: number; limit: number; except: string[] },
): Promise<(JobRow & { lease: string })[]> {
  const { kinds, now, lease, limit, except } = options
  let query = trx
    .selectFrom('jobs')
    .selectAll()
    .where('kind', 'in', kinds)
    .where('due_at', '<=', now)
    // An end further ahead than any lease was written while a clock went wrong.
    .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<=', now), eb('lease_until', '>', now + 2 * lease)]))
    .orderBy('due_at')
    .limit(limit)
  if (except.length > 0) query = query.where('id', 'not in', except)
  if (dialect === 'postgres') query = query.forUpdate().skipLocked()
  const claimed: (JobRow & { lease: string })[] = []
  for (const row of await query.execute()) {
    const taken = { lease: newId('lease', now), lease_until: now + lease }
    await trx.updateTable('jobs').set(taken).where('id', '=', row.id).execute()
    claimed.push({ ...row, ...taken })
  }
  return claimed
}

/** Returns whether the lease was still held, and holds it until then. */
export async function keepJob(db: Reader, lease: string, until: number): Promise<boolean> {
  const kept = await db.updateTable('jobs').set({ lease_until: until }).where('lease', '=', lease).executeTakeFirst()
  return kept.numUpdatedRows > 0n
}

/** Removes a job that is done, with what was sealed for it, unless it was ordered anew meanwhile. */
export async function removeJob(trx: Transaction<Tables>, job: { id: string; lease: string }): Promise<void> {
  const removed = await trx.deleteFrom('jobs').where('id', '=', job.id).where('lease', '=', job.lease).executeTakeFirst()
  if (removed.numDeletedRows > 0n) await deleteDataKey(trx, job.id)
  else await releaseJob(trx, job.lease)
}

/** Puts a job back for later, unless it was ordered anew meanwhile. */
export async function postponeJob(
  trx: Transaction<Tables>,
  job: { id: string; lease: string },
  change: { due_at: number; attempts: number; last_error: string | null },
): Promise<void> {
  await trx.updateTable('jobs').set(change).where('id', '=', job.id).where('lease', '=', job.lease).execute()
  await releaseJob(trx, job.lease)
}

/** Ends the leases of a process that died: the embedded store has one process at a time. */
export async function clearJobLeases(db: Reader, kinds: string[]): Promise<void> {
  await db.updateTable('jobs').set({ lease: null, lease_until: null }).where('kind', 'in', kinds).execute()
}

async function releaseJob(trx: Transaction<Tables>, lease: string): Promise<void> {
  await trx.updateTable('jobs').set({ lease: null, lease_until: null }).where('lease', '=', lease).execute()
}
