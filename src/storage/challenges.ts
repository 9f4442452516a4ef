import type { Database, NewRow, Row } from './tables.ts'

/** Writes a challenge, unless this network has too many open ones; returns whether it was written. */
export async function insertChallenge(db: Database, row: NewRow<'challenges'>, now: number, most: number): Promise<boolean> {
  await db.deleteFrom('challenges').where('expires_at', '<=', now).execute()
  const open = await db
    .selectFrom('challenges')
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .where('network', '=', row.network)
    .executeTakeFirstOrThrow()
  if (Number(open.count) >= most) return false
  await db.insertInto('challenges').values(row).execute()
  return true
}

/** Removes a challenge and returns it. Whoever got it may answer it, once, whatever comes of that. */
export async function takeChallenge(db: Database, kind: string, id: string): Promise<Row<'challenges'> | undefined> {
  return await db.deleteFrom('challenges').where('id', '=', id).where('kind', '=', kind).returningAll().executeTakeFirst()
}
