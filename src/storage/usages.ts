import { sql, type Transaction } from 'kysely'
import type { Database, Row, Tables } from './tables.ts'

/** Uses of one credential by one caller within one day. */
export type UsageCount = {
  credential_id: string
  access_key_id: string
  /** The latest of them. */
  at: number
  ok: number
  issue: number
  /** Of the latest. */
  outcome: 'ok' | 'issue'
  /** The latest that went well. */
  success_at: number | null
}

const dayLength = 86_400_000
const batch = 500

/** Returns the number of a day: how many have passed since 1970 in UTC. */
export const dayNumber = (time: number): number => Math.floor(time / dayLength)

/** Adds uses to the counts and moves the credentials' last use on. */
export async function addUsages(trx: Transaction<Tables>, uses: UsageCount[]): Promise<void> {
  // In one order everywhere, so that two nodes do not wait for each other.
  const sorted = uses.toSorted((a, b) => (a.credential_id < b.credential_id ? -1 : a.credential_id > b.credential_id ? 1 : a.at - b.at))
  for (let i = 0; i < sorted.length; i += batch) await addBatch(trx, sorted.slice(i, i + batch))
}

async function addBatch(trx: Transaction<Tables>, uses: UsageCount[]): Promise<void> {
  const ids = [...new Set(uses.map((use) => use.credential_id))]
  const there = new Set((await trx.selectFrom('credentials').select('id').where('id', 'in', ids).execute()).map((row) => row.id))
  const kept = uses.filter((use) => there.has(use.credential_id))
  if (kept.length === 0) return
  await trx
    .insertInto('usages')
    .values(
      merge(kept, (use) => use.access_key_id).map((use) => ({
        credential_id: use.credential_id,
        access_key_id: use.access_key_id,
        first_at: use.at,
        last_at: use.at,
        count: use.ok + use.issue,
        last_outcome: use.outcome,
      })),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['credential_id', 'access_key_id'])
        .doUpdateSet({ last_at: sql`excluded.last_at`, count: sql`usages.count + excluded.count`, last_outcome: sql`excluded.last_outcome` }),
    )
    .execute()
  await trx
    .insertInto('usage_days')
    .values(
      merge(kept, (use) => String(dayNumber(use.at))).map((use) => ({
        credential_id: use.credential_id,
        day: dayNumber(use.at),
        ok: use.ok,
        issue: use.issue,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['credential_id', 'day']).doUpdateSet({ ok: sql`usage_days.ok + excluded.ok`, issue: sql`usage_days.issue + excluded.issue` }),
    )
    .execute()
  for (const use of merge(kept, () => '')) {
    await trx
      .updateTable('credentials')
      .set({
        last_used_at: use.at,
        last_used_by: use.access_key_id,
        last_use_outcome: use.outcome,
        ...(use.success_at === null ? {} : { last_success_at: use.success_at }),
      })
      .where('id', '=', use.credential_id)
      .execute()
  }
}

const later = (a: number | null, b: number | null): number | null => (a === null || b === null ? (a ?? b) : Math.max(a, b))

/** Adds up uses of a credential that are equal in a further respect: one statement must not write a row twice. */
function merge(uses: UsageCount[], respect: (use: UsageCount) => string): UsageCount[] {
  const merged = new Map<string, UsageCount>()
  for (const use of uses) {
    const key = `${use.credential_id} ${respect(use)}`
    const before = merged.get(key)
    // The uses of a credential come in the order of their latest.
    merged.set(key, before ? { ...use, ok: before.ok + use.ok, issue: before.issue + use.issue, success_at: later(before.success_at, use.success_at) } : use)
  }
  return [...merged.values()]
}

export async function readUsages(
  db: Database,
  credentialId: string,
): Promise<{ access_key_id: string; name: string | null; first_at: number; last_at: number; count: number; last_outcome: string }[]> {
  const rows = await db
    .selectFrom('usages')
    .leftJoin('access_keys', 'access_keys.id', 'usages.access_key_id')
    .leftJoin('persons', 'persons.id', 'usages.access_key_id')
    .select(({ fn }) => [
      'usages.access_key_id',
      fn.coalesce('access_keys.name', 'persons.name').as('name'),
      'usages.first_at',
      'usages.last_at',
      'usages.count',
      'usages.last_outcome',
    ])
    .where('usages.credential_id', '=', credentialId)
    .orderBy('usages.last_at', 'desc')
    .execute()
  return rows.map((row) => ({ ...row, count: Number(row.count) }))
}

/** Returns, for each of these credentials that was used, the latest users and how many there are. */
export async function readUsers(
  db: Database,
  credentialIds: string[],
  most: number,
): Promise<{ credential_id: string; access_key_id: string; users: number }[]> {
  if (credentialIds.length === 0) return []
  const ranked = db
    .selectFrom('usages')
    .select([
      'credential_id',
      'access_key_id',
      sql<number>`row_number() over (partition by credential_id order by last_at desc, access_key_id)`.as('place'),
      sql<number>`count(*) over (partition by credential_id)`.as('users'),
    ])
    .where('credential_id', 'in', credentialIds)
  const rows = await db
    .selectFrom(ranked.as('ranked'))
    .select(['credential_id', 'access_key_id', 'users'])
    .where('place', '<=', most)
    .orderBy('credential_id')
    .orderBy('place')
    .execute()
  return rows.map((row) => ({ ...row, users: Number(row.users) }))
}

/** Returns the days from this one on that had uses, the oldest first. */
export async function readUsageDays(db: Database, credentialId: string, from: number): Promise<{ day: number; ok: number; issue: number }[]> {
  const rows = await db
    .selectFrom('usage_days')
    .select(['day', 'ok', 'issue'])
    .where('credential_id', '=', credentialId)
    .where('day', '>=', from)
    .orderBy('day')
    .execute()
  return rows.map((row) => ({ day: row.day, ok: Number(row.ok), issue: Number(row.issue) }))
}

/** Forgets the counts of days before this one. */
export async function pruneUsageDays(db: Database, before: number): Promise<void> {
  await db.deleteFrom('usage_days').where('day', '<', before).execute()
}

/** Returns the names of those who used something, by id: access keys, and persons, who send test mails. */
export async function userNames(db: Database, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('access_keys')
    .select(['id', 'name'])
    .where('id', 'in', ids)
    .unionAll(db.selectFrom('persons').select(['id', 'name']).where('id', 'in', ids))
    .execute()
  return new Map(rows.map((row) => [row.id, row.name]))
}

/** The uses of a credential: in all by each caller, and by day. */
export type Uses = { callers: Omit<Row<'usages'>, 'credential_id'>[]; days: Omit<Row<'usage_days'>, 'credential_id'>[] }

/** Reads all that is known of the uses of a credential. */
export async function readUses(trx: Transaction<Tables>, credentialId: string): Promise<Uses> {
  const callers = trx.selectFrom('usages').select(['access_key_id', 'first_at', 'last_at', 'count', 'last_outcome'])
  const days = trx.selectFrom('usage_days').select(['day', 'ok', 'issue'])
  return { callers: await callers.where('credential_id', '=', credentialId).execute(), days: await days.where('credential_id', '=', credentialId).execute() }
}

/** Writes the uses of a credential that has none yet. */
export async function writeUses(trx: Transaction<Tables>, credentialId: string, { callers, days }: Uses): Promise<void> {
  const withId = <Values extends object>(rows: Values[]) => rows.map((row) => ({ ...row, credential_id: credentialId }))
  for (let i = 0; i < callers.length; i += batch)
    await trx
      .insertInto('usages')
      .values(withId(callers.slice(i, i + batch)))
      .execute()
  if (days.length > 0) await trx.insertInto('usage_days').values(withId(days)).execute()
}
