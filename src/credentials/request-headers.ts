import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { apiHeaders } from '../oauth/api-call.ts'
import { findCredential } from '../storage/credentials.ts'
import { findRegistration } from '../storage/registrations.ts'
import type { CredentialContext } from './context.ts'
import { providerOf } from './provider-of.ts'
import type { HandedOut } from './types.ts'

/** How a credential is shown to an API: lower-case names of headers with their values. */
export type ShownToken = {
  headers: Record<string, string>
  /** What the API wants beside it unless the caller says otherwise, such as its version. */
  usual: Record<string, string>
  secrets: Secret[]
}

/**
 * Returns the headers by which an API knows the credential: as its provider wants a token shown, Basic for a user name with
 * a password, and an API key in the header that is named, or as a bearer token.
 *
 * @throws Problem not_found, wrong_kind when a header is named for something else than an API key
 * @see RFC 6750 section 2.1, RFC 7617 section 2
 */
export async function requestHeaders(context: CredentialContext, token: HandedOut, keyHeader: string | null): Promise<ShownToken> {
  const { accessToken, credential } = token
  const row = await findCredential(context.db, credential.id)
  if (!row) throw new Problem('not_found', 'There is no such credential.')
  if (keyHeader !== null && row.kind !== 'api_key') {
    throw new Problem('wrong_kind', `"${row.name}" is no API key: how it is shown is not for the caller to choose.`, { nextStep: 'Leave key_header out.' })
  }
  if (row.kind === 'api_key') {
    const headers: Record<string, string> =
      keyHeader === null ? { authorization: `Bearer ${accessToken.reveal()}` } : { [keyHeader.toLowerCase()]: accessToken.reveal() }
    return { headers, usual: {}, secrets: [accessToken] }
  }
  if (row.kind === 'basic') {
    const pair = Buffer.from(accessToken.reveal(), 'base64').toString('utf8')
    const password = new Secret(pair.slice((row.username ?? '').length + 1))
    return { headers: { authorization: `Basic ${accessToken.reveal()}` }, usual: {}, secrets: [accessToken, password, new Secret(pair)] }
  }
  const registration = row.registration_id === null ? undefined : await findRegistration(context.db, row.registration_id)
  if (!registration) throw new Problem('not_found', 'There is no such registration.')
  const provider = providerOf(context, registration, row)
  const all = apiHeaders(provider, accessToken)
  const name = provider.data.api.header.toLowerCase()
  const { [name]: value = '', ...usual } = all
  return { headers: { [name]: value }, usual, secrets: [accessToken] }
}
