import { sql, type Transaction } from 'kysely'
import type { Database, Row, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

export type KeySightingRow = Row<'key_sightings'>

/** Returns what a key was seen with before. */
export async function listKeySightings(db: Reader, key: string): Promise<KeySightingRow[]> {
  return await db.selectFrom('key_sightings').selectAll().where('access_key_id', '=', key).execute()
}

/** Writes down what a key is seen with for the first time; false: it was seen with that before. */
export async function insertKeySighting(trx: Reader, row: KeySightingRow): Promise<boolean> {
  const inserted = await trx
    .insertInto('key_sightings')
    .values(row)
    .onConflict((conflict) => conflict.columns(['access_key_id', 'kind', 'value']).doNothing())
    .executeTakeFirst()
  return inserted.numInsertedOrUpdatedRows === 1n
}

/** Adds uses of a day, forgets days before another one, and returns how many the day has by now. */
export async function addKeyUses(trx: Reader, uses: { key: string; day: number; count: number }, forgetBefore: number): Promise<number> {
  const row = await trx
    .insertInto('key_days')
    .values({ access_key_id: uses.key, day: uses.day, count: uses.count })
    .onConflict((conflict) => conflict.columns(['access_key_id', 'day']).doUpdateSet({ count: sql`key_days.count + excluded.count` }))
    .returning('count')
    .executeTakeFirstOrThrow()
  const total = Number(row.count)
  if (total === uses.count) await trx.deleteFrom('key_days').where('access_key_id', '=', uses.key).where('day', '<', forgetBefore).execute()
  return total
}

/** Returns on how many days a key was used before a day, and how often on the busiest of them. */
export async function busiestKeyDay(trx: Reader, key: string, before: number): Promise<{ days: number; most: number }> {
  const row = await trx
    .selectFrom('key_days')
    .select((eb) => [eb.fn.countAll<number>().as('days'), eb.fn.max('count').as('most')])
    .where('access_key_id', '=', key)
    .where('day', '<', before)
    .executeTakeFirstOrThrow()
  return { days: Number(row.days), most: Number(row.most ?? 0) }
}
