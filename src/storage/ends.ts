import type { Transaction } from 'kysely'
import { withRegistration, type CredentialWithRegistration } from './credentials.ts'
import type { RegistrationRow } from './registrations.ts'
import type { Database, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>

/** Returns credentials of which an end can be known: of a token, a refresh token, or because they rest or fail. */
export async function credentialsWithEnds(db: Reader, visible: string[] | undefined, limit: number): Promise<CredentialWithRegistration[]> {
  if (visible?.length === 0) return []
  let query = withRegistration(db)
    .where((is) =>
      is.or([
        is('credentials.refresh_token_expires_at', 'is not', null),
        is.and([is('credentials.has_refresh_token', '=', 0), is('credentials.token_expires_at', 'is not', null), is('credentials.kind', '=', 'oauth2')]),
        is.and([is('credentials.has_refresh_token', '=', 1), is.or([is('credentials.paused', '=', 1), is('credentials.failures', '>', 0)])]),
        is('credentials.kind', '=', 'basic'),
      ]),
    )
    .orderBy('credentials.id')
    .limit(limit)
  if (visible !== undefined) query = query.where('credentials.id', 'in', visible)
  return await query.execute()
}

/** Returns registrations whose secret or certificate ends, with the credentials of each that may be seen. */
export async function registrationsWithEnds(
  db: Reader,
  visible: string[] | undefined,
  limit: number,
): Promise<(RegistrationRow & { credentials: { id: string; name: string }[] })[]> {
  const rows = (await db
    .selectFrom('registrations')
    .selectAll()
    .where('secret_expires_at', 'is not', null)
    .orderBy('id')
    .limit(limit)
    .execute()) as RegistrationRow[]
  const ids = rows.map((row) => row.id)
  if (ids.length === 0) return []
  const users = await db.selectFrom('credentials').select(['id', 'name', 'registration_id']).where('registration_id', 'in', ids).orderBy('name').execute()
  const seen = users.filter((user) => visible === undefined || visible.includes(user.id))
  return rows.map((row) => ({ ...row, credentials: seen.filter((user) => user.registration_id === row.id).map(({ id, name }) => ({ id, name })) }))
}
