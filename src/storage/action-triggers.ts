import type { Transaction } from 'kysely'
import type { Database, NewRow, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>
export type ScheduleRow = Row<'action_schedules'>
export type HookRow = Row<'action_hooks'>

export async function readSchedules(db: Reader, actionIds: string[]): Promise<ScheduleRow[]> {
  if (actionIds.length === 0) return []
  return await db.selectFrom('action_schedules').selectAll().where('action_id', 'in', actionIds).execute()
}

/** Writes a schedule in the place of the one that there was. */
export async function putSchedule(trx: Transaction<Tables>, row: NewRow<'action_schedules'>): Promise<void> {
  const { action_id: _, ...rest } = row
  await trx
    .insertInto('action_schedules')
    .values(row)
    .onConflict((conflict) => conflict.column('action_id').doUpdateSet(rest))
    .execute()
}

/** Returns whether there was one. */
export async function deleteSchedule(trx: Transaction<Tables>, actionId: string): Promise<boolean> {
  const result = await trx.deleteFrom('action_schedules').where('action_id', '=', actionId).executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** Returns the schedules that are switched on, those that are due first. */
export async function liveSchedules(db: Reader, limit: number): Promise<(ScheduleRow & { name: string; paused: number })[]> {
  return await db
    .selectFrom('action_schedules')
    .innerJoin('actions', 'actions.id', 'action_schedules.action_id')
    .selectAll('action_schedules')
    .select(['actions.name', 'actions.paused'])
    .where('enabled', '=', 1)
    .where('next_due_at', 'is not', null)
    .orderBy('next_due_at')
    .limit(limit)
    .execute()
}

/** Moves a schedule on, unless another node did it: whoever moves it on is the one who runs it. */
export async function moveSchedule(
  trx: Reader,
  row: Pick<ScheduleRow, 'action_id' | 'next_due_at' | 'last_due_at' | 'updated_at'>,
  to: { next_due_at: number | null; last_due_at: number | null },
): Promise<boolean> {
  const result = await trx
    .updateTable('action_schedules')
    .set(to)
    .where('action_id', '=', row.action_id)
    .where('enabled', '=', 1)
    .where('next_due_at', '=', row.next_due_at)
    .where('updated_at', '=', row.updated_at)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function readHooks(db: Reader, actionIds: string[]): Promise<HookRow[]> {
  if (actionIds.length === 0) return []
  return await db.selectFrom('action_hooks').selectAll().where('action_id', 'in', actionIds).execute()
}

export async function findHook(db: Reader, id: string): Promise<HookRow | undefined> {
  return await db.selectFrom('action_hooks').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function insertHook(trx: Transaction<Tables>, row: NewRow<'action_hooks'>): Promise<void> {
  await trx.insertInto('action_hooks').values(row).execute()
}

/** Returns whether there was one. */
export async function deleteHook(trx: Transaction<Tables>, actionId: string): Promise<boolean> {
  await trx
    .deleteFrom('action_hook_calls')
    .where('hook_id', 'in', (eb) => eb.selectFrom('action_hooks').select('id').where('action_id', '=', actionId))
    .execute()
  const result = await trx.deleteFrom('action_hooks').where('action_id', '=', actionId).executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** Remembers a call. Returns null when it is the first with its id, otherwise the run of the first. */
export async function claimHookCall(trx: Transaction<Tables>, row: NewRow<'action_hook_calls'>): Promise<string | null> {
  const inserted = await trx
    .insertInto('action_hook_calls')
    .values(row)
    .onConflict((conflict) => conflict.columns(['hook_id', 'call_id']).doNothing())
    .returning('run_id')
    .executeTakeFirst()
  if (inserted) return null
  return await runOfHookCall(trx, row.hook_id, row.call_id)
}

export async function runOfHookCall(db: Reader, hookId: string, callId: string): Promise<string | null> {
  const row = await db.selectFrom('action_hook_calls').select('run_id').where('hook_id', '=', hookId).where('call_id', '=', callId).executeTakeFirst()
  return row?.run_id ?? null
}

export async function pruneHookCalls(db: Reader, before: number): Promise<void> {
  await db.deleteFrom('action_hook_calls').where('at', '<', before).execute()
}
