import type { Transaction } from 'kysely'
import { nameKey } from './credential-derived.ts'
import { deleteDataKey } from './data-keys.ts'
import type { Database, NewRow, Row, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>
export type WebhookRow = Row<'webhooks'>

/** Finds a webhook by id or by name. */
export async function findWebhook(db: Reader, ref: string): Promise<WebhookRow | undefined> {
  const [column, value] = ref.startsWith('whk_') ? (['id', ref] as const) : (['name_key', nameKey(ref)] as const)
  return await db.selectFrom('webhooks').selectAll().where(column, '=', value).executeTakeFirst()
}

export async function listWebhookRows(db: Reader): Promise<WebhookRow[]> {
  return await db.selectFrom('webhooks').selectAll().orderBy('name_key').execute()
}

export async function insertWebhook(trx: Transaction<Tables>, row: NewRow<'webhooks'>): Promise<void> {
  await trx.insertInto('webhooks').values(row).execute()
}

export async function updateWebhookIf(trx: Transaction<Tables>, id: string, revision: number, change: RowUpdate<'webhooks'>): Promise<boolean> {
  const result = await trx
    .updateTable('webhooks')
    .set({ ...change, revision: revision + 1 })
    .where('id', '=', id)
    .where('revision', '=', revision)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function noteWebhookSuccess(db: Reader, id: string, now: number): Promise<void> {
  await db.updateTable('webhooks').set({ last_success_at: now, failing_since: null, failures: 0, last_error: null }).where('id', '=', id).execute()
}

/** Counts a failure and returns the webhook as it is then. */
export async function noteWebhookFailure(trx: Transaction<Tables>, id: string, now: number, error: string): Promise<WebhookRow | undefined> {
  return await trx
    .updateTable('webhooks')
    .set((eb) => ({ last_failure_at: now, failing_since: eb.fn.coalesce('failing_since', eb.val(now)), failures: eb('failures', '+', 1), last_error: error }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

/** Switches a webhook off that is on; returns whether it was. */
export async function disableWebhook(trx: Transaction<Tables>, id: string, reason: string, now: number): Promise<boolean> {
  const result = await trx
    .updateTable('webhooks')
    .set((eb) => ({ enabled: 0, disabled_reason: reason, updated_at: now, revision: eb('revision', '+', 1) }))
    .where('id', '=', id)
    .where('enabled', '=', 1)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function deleteWebhookRow(trx: Transaction<Tables>, id: string): Promise<void> {
  await trx.deleteFrom('webhooks').where('id', '=', id).execute()
  await deleteDataKey(trx, id)
}
