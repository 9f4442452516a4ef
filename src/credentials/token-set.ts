import { Secret } from '../base/secret.ts'

/** What the sealed column of a credential holds, opened. */
export type StoredSecret =
  | {
      kind: 'oauth2'
      accessToken: Secret | null
      tokenType: string
      refreshToken: Secret | null
      /** Further members of the answer that later calls may need, such as an API host. */
      extra: Record<string, string>
    }
  | { kind: 'api_key'; apiKey: Secret }
  | { kind: 'basic'; password: Secret }

/** Writes the secret as the text that is sealed. */
export function writeStoredSecret(stored: StoredSecret): string {
  switch (stored.kind) {
    case 'oauth2':
      return JSON.stringify({
        kind: 'oauth2',
        access_token: stored.accessToken?.reveal() ?? null,
        token_type: stored.tokenType,
        refresh_token: stored.refreshToken?.reveal() ?? null,
        extra: stored.extra,
      })
    case 'api_key':
      return JSON.stringify({ kind: 'api_key', api_key: stored.apiKey.reveal() })
    case 'basic':
      return JSON.stringify({ kind: 'basic', password: stored.password.reveal() })
  }
}

/** Reads what `writeStoredSecret` wrote. */
export function readStoredSecret(text: Secret): StoredSecret {
  const raw = JSON.parse(text.reveal()) as Record<string, unknown>
  const secretOrNull = (value: unknown) => (typeof value === 'string' && value !== '' ? new Secret(value) : null)
  switch (raw.kind) {
    case 'api_key':
      return { kind: 'api_key', apiKey: new Secret(String(raw.api_key)) }
    case 'basic':
      return { kind: 'basic', password: new Secret(String(raw.password)) }
    default:
      return {
        kind: 'oauth2',
        accessToken: secretOrNull(raw.access_token),
        tokenType: typeof raw.token_type === 'string' ? raw.token_type : 'Bearer',
        refreshToken: secretOrNull(raw.refresh_token),
        extra: (raw.extra ?? {}) as Record<string, string>,
      }
  }
}

/** Where a credential's secret lives; the generation makes an older one not open. */
export const credentialPlace = (id: string, generation: number) => ({ owner: id, column: 'credentials.secret', version: generation })

/** Where the raw answer to a token request lives until it is settled. */
export const answerPlace = (id: string, generation: number) => ({ owner: id, column: 'refresh_attempts.answer', version: generation })

export const registrationPlace = (id: string, column: 'client_secret' | 'previous_client_secret' | 'private_key') => ({
  owner: id,
  column: `registrations.${column}`,
})

export const consentPlace = (credentialId: string, consentId: string) => ({ owner: credentialId, column: `consents.secret/${consentId}` })
