import type { Credential, Provider, Registration } from '@keybearer/client'
import type { Draft } from '../wizard/draft.ts'
import type { PlaceValues } from './places.ts'

const fromPlaceholders = (placeholders: Record<string, string>): PlaceValues => {
  const { tenant, issuer, authorization_endpoint, token_endpoint } = placeholders
  return { ...known({ tenant, issuer, authorization_endpoint, token_endpoint }) }
}

const fromProvider = (provider: Provider | null): PlaceValues => known({ provider: provider?.id, smtp_host: provider?.mail?.smtp[0]?.host })

/** What the guides can fill in of a credential that is stored. */
export function valuesOf(credential: Credential, registration: Registration | null, provider: Provider | null): PlaceValues {
  return {
    ...fromProvider(provider),
    ...fromPlaceholders(registration?.placeholders ?? {}),
    ...known({
      name: credential.name,
      registration: registration?.name,
      client_id: registration?.client_id,
      redirect_uri: registration?.redirect_uri,
      mailbox: credential.options.act_for ?? credential.username ?? undefined,
      scopes: credential.scopes.join(','),
      api_host: credential.allowed_hosts[0],
      secret_end: registration?.secret_expires_at?.slice(0, 10),
    }),
  }
}

/** What the guides can fill in of what is being typed; over what is stored already. */
export function valuesOfDraft(draft: Draft, provider: Provider | null, registration: Registration | null): PlaceValues {
  return {
    ...fromProvider(provider),
    ...known({ redirect_uri: registration?.redirect_uri, registration: registration?.name }),
    ...fromPlaceholders({ ...registration?.placeholders, ...draft.placeholders }),
    ...known({
      name: draft.name.trim(),
      client_id: draft.clientId.trim(),
      mailbox: draft.actFor.trim() || draft.username.trim(),
      scopes: draft.scopes.join(','),
      api_host: draft.hosts[0],
      secret_end: draft.secretExpiresAt,
      json_file: draft.file?.fileName,
    }),
  }
}

function known(values: Record<string, string | undefined>): PlaceValues {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== ''))
}
