import { Problem } from '../base/problem.ts'
import { actionsOfCredentials } from '../storage/actions.ts'
import { countCredentialRows, listCredentialRows, type CredentialOrder, type Position } from '../storage/credential-list.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { userNames, dayNumber, readUsageDays, readUsers } from '../storage/usages.ts'
import type { CredentialContext } from './context.ts'
import { needsAttention } from './credential-status.ts'
import { diagnosisOfReason } from './diagnosis.ts'
import { toCredentialView } from './credential-view.ts'
import {
  credentialKinds,
  credentialStatuses,
  type CredentialCounts,
  type CredentialFilter,
  type CredentialMatch,
  type CredentialSort,
  type CredentialStatus,
  type CredentialView,
  type Page,
  type UsageDay,
} from './types.ts'

const shownUsers = 3

/** Returns one page of the credentials that fit, with what their rows show. */
export async function listCredentials(context: CredentialContext, filter: CredentialFilter): Promise<Page<CredentialView>> {
  const limit = Math.min(filter.limit ?? 100, 500)
  const sort = filter.sort ?? 'name'
  const { rows, next } = await listCredentialRows(context.db, {
    ...toMatch(filter),
    sort: sort.replace('-', '') as CredentialOrder,
    descending: sort.startsWith('-'),
    after: filter.cursor === undefined ? undefined : readCursor(filter.cursor, sort),
    limit,
  })
  return { items: await toViews(context, rows), next: next === null ? null : writeCursor(sort, next) }
}

/** Counts the credentials that fit, zeros included. */
export async function countCredentials(context: CredentialContext, match: CredentialMatch): Promise<CredentialCounts> {
  const rows = await countCredentialRows(context.db, toMatch(match))
  const sum = (fits: (row: { status: string; kind: string }) => boolean) => rows.filter(fits).reduce((all, row) => all + row.count, 0)
  return {
    byStatus: Object.fromEntries(credentialStatuses.map((status) => [status, sum((row) => row.status === status)])) as CredentialCounts['byStatus'],
    byKind: Object.fromEntries(credentialKinds.map((kind) => [kind, sum((row) => row.kind === kind)])) as CredentialCounts['byKind'],
    total: sum(() => true),
  }
}

/** Makes views of rows: a few queries for all of them, however many they are. */
export async function toViews(context: CredentialContext, rows: CredentialWithRegistration[]): Promise<CredentialView[]> {
  const users = await readUsers(
    context.db,
    rows.filter((row) => row.last_used_at !== null).map((row) => row.id),
    shownUsers,
  )
  const lastUsers = rows.map((row) => row.last_used_by).filter((id): id is string => id !== null)
  const names = await userNames(context.db, [...new Set([...lastUsers, ...users.map((user) => user.access_key_id)])])
  const named = (id: string) => ({ id, name: names.get(id) ?? id })
  const usedBy = new Map<string, CredentialView['usedBy']>(rows.map((row) => [row.id, { items: [], count: 0, actions: [] }]))
  for (const user of users) {
    const known = usedBy.get(user.credential_id)!
    known.count = user.users
    known.items.push(named(user.access_key_id))
  }
  const actions = await actionsOfCredentials(
    context.db,
    rows.map((row) => row.id),
  )
  for (const { credential_id, id, name } of actions) usedBy.get(credential_id)!.actions.push({ id, name })
  return rows.map((row) => toCredentialView(row, names, usedBy.get(row.id)!, diagnosisOfReason(context, row)))
}

/** Returns the uses of the last days, today in UTC last; days without a use are there with zeros. */
export async function usageDays(context: CredentialContext, credentialId: string, days: number): Promise<UsageDay[]> {
  const today = dayNumber(context.clock.now())
  const found = new Map((await readUsageDays(context.db, credentialId, today - days + 1)).map((row) => [row.day, row]))
  return Array.from({ length: days }, (_, i) => {
    const day = today - days + 1 + i
    return { day: new Date(day * 86_400_000).toISOString().slice(0, 10), ok: found.get(day)?.ok ?? 0, issue: found.get(day)?.issue ?? 0 }
  })
}

export function toMatch(match: CredentialMatch) {
  const { attention, status: wanted, ...others } = match
  const looked: CredentialStatus[] = credentialStatuses.filter((status) => needsAttention(status) === attention)
  const status = attention === undefined ? wanted : wanted ? wanted.filter((one) => looked.includes(one)) : looked
  return { ...others, status }
}

/** A cursor says what its list was sorted by: with another sorting it would lead anywhere. */
const writeCursor = (sort: CredentialSort, { value, tie }: Position): string => Buffer.from(JSON.stringify([sort, value, tie])).toString('base64url')

function readCursor(cursor: string, sort: CredentialSort): Position {
  try {
    const [of, value, tie] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    const fits = sort.endsWith('name') || sort.endsWith('created') ? typeof value === 'string' : Number.isSafeInteger(value)
    if (of === sort && fits && typeof tie === 'string') return { value: value as string | number, tie }
  } catch {
    // Said below.
  }
  throw new Problem('invalid_request', 'The cursor is not one of ours, or belongs to a list that is sorted in another way.', {
    errors: [{ path: 'cursor', message: 'must be the "next" of a page with the same sort' }],
  })
}
