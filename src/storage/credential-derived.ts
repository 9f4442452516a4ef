import { sql, type Transaction } from 'kysely'
import type { Database, NewRow, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

/** A new row without the columns that are made from the others. */
export type NewCredentialRow = Omit<NewRow<'credentials'>, 'search_text' | 'known_end'>

/** Folds a name so that two names a person would take for the same are the same: NFKC, lower case, single spaces. */
export function nameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC').replace(/\s+/gu, ' ').trim()
}

/** Returns what a search looks through. */
export function searchText(row: { name_key: string; username?: string | null | undefined; description: string }): string {
  return [row.name_key, nameKey(row.username ?? ''), nameKey(row.description)].join('\n')
}

const endColumns = [
  'secret',
  'has_refresh_token',
  'token_expires_at',
  'refresh_token_expires_at',
  'refresh_token_slides',
  'refresh_due_at',
  'failures',
  'paused',
  'registration_id',
] as const

/**
 * Makes the columns anew that are made from what was changed.
 *
 * Invariant: whoever writes a row of `credentials` passes through here, so that the list never sorts or finds by old facts.
 */
export async function deriveColumns(trx: Reader, id: string, change: RowUpdate<'credentials'> | 'all'): Promise<void> {
  const touches = (...columns: (keyof RowUpdate<'credentials'>)[]) => change === 'all' || columns.some((column) => change[column] !== undefined)
  if (touches('name_key', 'username', 'description')) {
    const row = await trx.selectFrom('credentials').select(['name_key', 'username', 'description']).where('id', '=', id).executeTakeFirst()
    if (row)
      await trx
        .updateTable('credentials')
        .set({ search_text: searchText(row) })
        .where('id', '=', id)
        .execute()
  }
  if (touches(...endColumns)) {
    await sql`update credentials set known_end = ${knownEnd} where id = ${id} and known_end is distinct from ${knownEnd}`.execute(trx)
  }
}

/** Makes the ends of all credentials of a registration anew, after the end of its secret changed. */
export async function deriveEndsOf(trx: Reader, registrationId: string): Promise<void> {
  await sql`update credentials set known_end = ${knownEnd} where registration_id = ${registrationId}`.execute(trx)
}

/** The same rule as `knownEnd` of the credentials part, which a test compares. */
const knownEnd = sql`(
  select min(e) from (
    select case when credentials.kind = 'oauth2' and credentials.secret is not null and credentials.has_refresh_token = 0
      and credentials.grant_type in ('authorization_code', 'device_code') then credentials.token_expires_at end as e
    union all select case when credentials.kind = 'oauth2' and credentials.secret is not null
      and not (coalesce(credentials.refresh_token_slides, 0) = 1 and credentials.refresh_due_at is not null
        and credentials.failures = 0 and credentials.paused = 0) then credentials.refresh_token_expires_at end
    union all select case when credentials.kind = 'oauth2' and credentials.secret is not null
      then (select secret_expires_at from registrations where registrations.id = credentials.registration_id) end
  ) ends)`
