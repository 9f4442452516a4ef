import { sql, type RawBuilder, type SelectQueryBuilder } from 'kysely'
import { withRegistration, type CredentialWithRegistration } from './credentials.ts'
import { nameKey } from './credential-derived.ts'
import type { Database, Tables } from './tables.ts'

export type CredentialMatch = {
  search?: string | undefined
  status?: string[] | undefined
  kind?: string | undefined
  provider?: string | undefined
  registration?: string | undefined
  tag?: string | undefined
  /** The user, mostly a mail address, in whatever case. */
  account?: string | undefined
  /** Id or name of an access key that has used it. */
  usedBy?: string | undefined
  createdBefore?: number | undefined
  /** Not used since then, and older than that. */
  unusedSince?: number | undefined
  /** Only these ids; left out: all. */
  visible?: string[] | undefined
}

export type CredentialOrder = 'name' | 'created' | 'status' | 'until' | 'last_used'

export type CredentialQuery = CredentialMatch & {
  sort: CredentialOrder
  descending: boolean
  /** Where the last page ended. */
  after?: Position | undefined
  limit: number
}

/** The place of a row in a list: what it is sorted by, and what tells apart rows that are equal in that. */
export type Position = { value: string | number; tie: string }

/** What needs a person comes first. */
const statusRanks = ['needs_consent', 'misconfigured', 'retrying', 'expiring', 'incomplete', 'ready']
const rankOf = (status: string): number => (statusRanks.includes(status) ? statusRanks.indexOf(status) : statusRanks.length)

type OrderRule = { value: RawBuilder<string | number>; tie: 'credentials.id' | 'credentials.name_key' | null }

// Each of these stands in an index, word for word: otherwise the database would sort all rows for every page.
const orders: Record<CredentialOrder, OrderRule> = {
  name: { value: sql`credentials.name_key`, tie: null },
  created: { value: sql`credentials.id`, tie: null },
  status: {
    value: sql`(case status when 'needs_consent' then 0 when 'misconfigured' then 1 when 'retrying' then 2 when 'expiring' then 3 when 'incomplete' then 4 when 'ready' then 5 else 6 end)`,
    tie: 'credentials.name_key',
  },
  until: { value: sql`(coalesce(known_end, 9007199254740991))`, tie: 'credentials.id' },
  last_used: { value: sql`(coalesce(last_used_at, 0))`, tie: 'credentials.id' },
}

/** Returns one page, and the position of its last row where more follow. */
export async function listCredentialRows(db: Database, query: CredentialQuery): Promise<{ rows: CredentialWithRegistration[]; next: Position | null }> {
  const { value, tie } = orders[query.sort]
  const direction = query.descending ? 'desc' : 'asc'
  let narrow = matching(db, query, await fewFound(db, query))
    .select(['credentials.id', value.as('value')])
    .select(sql<string>`${tie === null ? sql`''` : sql.ref(tie)}`.as('tie'))
    .orderBy(value, direction)
    .limit(query.limit + 1)
  if (tie !== null) narrow = narrow.orderBy(tie, direction)
  if (query.sort === 'status' && query.status && query.status.length > 0) {
    const ranks = query.status.map(rankOf)
    narrow = narrow.where(sql<boolean>`${value} >= ${Math.min(...ranks)} and ${value} <= ${Math.max(...ranks)}`)
  }
  if (query.after) {
    const { after } = query
    const beyond = sql.raw(query.descending ? '<' : '>')
    narrow =
      tie === null
        ? narrow.where(sql<boolean>`${value} ${beyond} ${after.value}`)
        : narrow.where(sql<boolean>`${value} ${beyond}= ${after.value} and (${value} ${beyond} ${after.value} or ${sql.ref(tie)} ${beyond} ${after.tie})`)
  }
  // First which rows, from narrow columns; then the rows themselves, with their sealed secrets, for one page only.
  const positions = await narrow.execute()
  const page = positions.slice(0, query.limit)
  const last = page.at(-1)
  if (last === undefined) return { rows: [], next: null }
  const ids = page.map((row) => row.id)
  const found = new Map((await withRegistration(db).where('credentials.id', 'in', ids).execute()).map((row) => [row.id, row]))
  return { rows: ids.flatMap((id) => found.get(id) ?? []), next: positions.length > query.limit ? { value: last.value, tie: last.tie } : null }
}

/** Counts what fits, by status and kind. */
export async function countCredentialRows(db: Database, match: CredentialMatch): Promise<{ status: string; kind: string; count: number }[]> {
  const rows = await matching(db, match, await fewFound(db, match))
    .select((eb) => ['credentials.status', 'credentials.kind', eb.fn.countAll<number>().as('count')])
    .groupBy(['credentials.status', 'credentials.kind'])
    .execute()
  return rows.map((row) => ({ ...row, count: Number(row.count) }))
}

/** Returns the ids of what fits, in their order, from behind one on. */
export async function matchingIds(db: Database, match: CredentialMatch, after: string, limit: number): Promise<string[]> {
  const rows = await matching(db, match, null).select('credentials.id').where('credentials.id', '>', after).orderBy('credentials.id').limit(limit).execute()
  return rows.map((row) => row.id)
}

const few = 1000

/**
 * Looks first what a search finds: few rows are sorted at once; where it finds many, the order is followed until a page is
 * full. Null: many, or nothing is searched.
 */
async function fewFound(db: Database, match: CredentialMatch): Promise<string[] | null> {
  const search = match.search === undefined ? '' : nameKey(match.search)
  if (search === '') return null
  const rows = await db
    .selectFrom('credentials')
    .select('id')
    .where(contains(search))
    .limit(few + 1)
    .execute()
  return rows.length > few ? null : rows.map((row) => row.id)
}

/** A column that is looked at along the order: by an index on it all that fits would have to be sorted for every page. */
const along = (column: 'status' | 'registration_id') => sql<string>`credentials.${sql.ref(column)} || ''`

const contains = (search: string) => sql<boolean>`credentials.search_text like ${`%${likeText(search)}%`} escape '\\'`

function matching(db: Database, match: CredentialMatch, found: string[] | null): SelectQueryBuilder<Tables, 'credentials', object> {
  let query: SelectQueryBuilder<Tables, 'credentials', object> = db.selectFrom('credentials')
  if (found !== null) query = query.where('credentials.id', 'in', found.length > 0 ? found : [''])
  else if (match.search !== undefined && nameKey(match.search) !== '') query = query.where(contains(nameKey(match.search)))
  if (match.status) {
    const [first = '', ...rest] = match.status
    query = rest.length === 0 ? query.where('credentials.status', '=', first) : query.where(along('status'), 'in', match.status)
  }
  if (match.kind !== undefined) query = query.where('credentials.kind', '=', match.kind)
  if (match.provider !== undefined) {
    const { provider } = match
    query = query.where(along('registration_id'), 'in', (eb) => eb.selectFrom('registrations').select('id').where('provider', '=', provider))
  }
  if (match.registration !== undefined) {
    const ref = match.registration
    query = query.where('credentials.registration_id', 'in', (eb) =>
      eb
        .selectFrom('registrations')
        .select('id')
        .where((inner) => inner.or([inner('id', '=', ref), inner('name_key', '=', nameKey(ref))])),
    )
  }
  if (match.tag !== undefined) query = query.where('credentials.tags', 'like', sql<string>`${`%${likeText(JSON.stringify(match.tag))}%`} escape '\\'`)
  if (match.account !== undefined) query = query.where(sql<boolean>`lower(credentials.username) = ${match.account.toLowerCase()}`)
  if (match.usedBy !== undefined) {
    const ref = match.usedBy
    query = query.where('credentials.id', 'in', (eb) =>
      eb
        .selectFrom('usages')
        .select('usages.credential_id')
        .where((inner) =>
          inner.or([
            inner('usages.access_key_id', '=', ref),
            inner('usages.access_key_id', 'in', inner.selectFrom('access_keys').select('access_keys.id').where('access_keys.name', '=', ref)),
          ]),
        ),
    )
  }
  if (match.createdBefore !== undefined) query = query.where('credentials.created_at', '<', match.createdBefore)
  if (match.unusedSince !== undefined) query = query.where(sql<boolean>`coalesce(credentials.last_used_at, credentials.created_at) < ${match.unusedSince}`)
  if (match.visible) query = query.where('credentials.id', 'in', match.visible.length > 0 ? match.visible : [''])
  return query
}

const likeText = (text: string) => text.replace(/[\\%_]/g, (c) => `\\${c}`)
