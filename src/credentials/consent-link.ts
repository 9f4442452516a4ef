import type { CredentialWithRegistration } from '../storage/credentials.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { Row } from '../storage/tables.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import type { ConsentSecret } from './consent-rows.ts'
import type { CredentialContext } from './context.ts'
import { providerOf } from './provider-of.ts'
import { consentPlace } from './token-set.ts'

/** What somebody who was sent a link is asked for. */
export type LinkView = {
  credential: string
  provider: string
  /** Where the person signs in. */
  host: string
  startedBy: string
  /** The account that must sign in; null: any may. */
  account: string | null
  scopes: string[]
  /** What the scopes allow, in the plain words of the catalogue, as far as it has any. */
  purposes: { title: string; meaning: string }[]
  expiresAt: number
}

export async function linkView(
  context: CredentialContext,
  consent: Row<'consents'>,
  row: CredentialWithRegistration,
  registration: RegistrationRow,
): Promise<LinkView> {
  const { name, data, authorizationEndpoint } = providerOf(context, registration, row)
  const scopes = JSON.parse(row.scopes) as string[]
  const { db, vault } = context
  const secret = consent.secret === null ? null : await vault.open(dataKeysOf(db), consentPlace(row.id, consent.id), consent.secret)
  const isFree = secret !== null && (JSON.parse(secret.reveal()) as ConsentSecret).allowOtherAccount
  return {
    credential: row.name,
    provider: name,
    host: authorizationEndpoint === null ? '' : new URL(authorizationEndpoint).host,
    startedBy: consent.started_by_name,
    account: isFree || row.subject === null ? null : row.username,
    scopes,
    purposes: data.scope_sets
      .filter((set) => set.scopes.length > 0 && set.scopes.every((scope) => scopes.includes(scope)))
      .map(({ title, meaning }) => ({ title, meaning })),
    expiresAt: consent.expires_at,
  }
}
