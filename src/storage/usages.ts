import type { Transaction } from 'kysely'
import type { Database, Tables } from './tables.ts'

export type UsageCount = { credential_id: string; access_key_id: string; at: number; count: number; outcome: string }

/** Adds uses to the counts and moves the credential's last use on. */
export async function addUsages(trx: Transaction<Tables>, uses: UsageCount[]): Promise<void> {
  for (const use of uses) {
    const exists = await trx.selectFrom('credentials').select(['id']).where('id', '=', use.credential_id).executeTakeFirst()
    if (!exists) continue
    await trx
      .insertInto('usages')
      .values({
        credential_id: use.credential_id,
        access_key_id: use.access_key_id,
        first_at: use.at,
        last_at: use.at,
        count: use.count,
        last_outcome: use.outcome,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['credential_id', 'access_key_id'])
          .doUpdateSet((eb) => ({ last_at: use.at, count: eb('usages.count', '+', use.count), last_outcome: use.outcome })),
      )
      .execute()
    await trx
      .updateTable('credentials')
      .set({
        last_used_at: use.at,
        last_used_by: use.access_key_id,
        last_use_outcome: use.outcome,
        ...(use.outcome === 'ok' ? { last_success_at: use.at } : {}),
      })
      .where('id', '=', use.credential_id)
      .execute()
  }
}

export async function readUsages(
  db: Database,
  credentialId: string,
): Promise<{ access_key_id: string; name: string | null; first_at: number; last_at: number; count: number; last_outcome: string }[]> {
  const rows = await db
    .selectFrom('usages')
    .leftJoin('access_keys', 'access_keys.id', 'usages.access_key_id')
    .select(['usages.access_key_id', 'access_keys.name', 'usages.first_at', 'usages.last_at', 'usages.count', 'usages.last_outcome'])
    .where('usages.credential_id', '=', credentialId)
    .orderBy('usages.last_at', 'desc')
    .execute()
  return rows.map((row) => ({ ...row, count: Number(row.count) }))
}

/** Returns names of access keys by id. */
export async function accessKeyNames(db: Database, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('access_keys').select(['id', 'name']).where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, row.name]))
}
