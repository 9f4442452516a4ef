import type { Credential, CredentialOptions, Provider } from '@keybearer/client'

export type Kind = Credential['kind']
export type Grant = NonNullable<Credential['grant']>
export type Variant = NonNullable<CredentialOptions['variant']>

/** How tokens are got: with a person's consent, or in one of the ways that need nobody. */
export type Flow = 'person' | 'microsoft' | 'google' | 'standard' | 'signed'

type Facts = { title: string; meaning: string; grant: Grant; variant: Variant | null }

export const flows: Record<Flow, Facts> = {
  person: { title: 'A person signs in once', meaning: 'Somebody opens the provider’s page and agrees.', grant: 'authorization_code', variant: null },
  microsoft: {
    title: 'Microsoft-compatible',
    meaning: 'The application signs in as itself with its secret or certificate, and gets what an administrator granted it.',
    grant: 'client_credentials',
    variant: 'microsoft_compatible',
  },
  google: {
    title: 'Google-compatible',
    meaning: 'A service account signs a statement with its key, and may act for a mailbox of the domain.',
    grant: 'jwt_bearer',
    variant: 'google_compatible',
  },
  standard: {
    title: 'Standard',
    meaning: 'Client ID and secret are exchanged for a token (client credentials, RFC 6749).',
    grant: 'client_credentials',
    variant: 'standard',
  },
  signed: {
    title: 'Standard, with a signed statement',
    meaning: 'A private key signs who asks and for whom (JWT bearer, RFC 7523).',
    grant: 'jwt_bearer',
    variant: 'standard',
  },
}

const unattended = ['microsoft', 'google', 'standard', 'signed'] as const

/** Returns the ways without a person that a provider has. What nobody described may turn out to be any of them. */
export function unattendedFlows(provider: Pick<Provider, 'id' | 'grants' | 'variants'> | null): Flow[] {
  if (provider === null) return []
  return unattended.filter((flow) => {
    const { grant, variant } = flows[flow]
    return provider.grants.includes(grant) && variant !== null && (provider.id === 'generic' || provider.variants.includes(variant))
  })
}

/** Whether a person can consent at the provider. */
export const takesPersons = (provider: Pick<Provider, 'grants'> | null): boolean =>
  provider === null || provider.grants.includes('authorization_code') || provider.grants.includes('device_code')

/** Returns the grant of a flow; a person's consent goes by device code where the provider has nothing else. */
export function grantOf(flow: Flow, provider: Pick<Provider, 'grants'> | null): Grant {
  if (flow !== 'person') return flows[flow].grant
  return provider !== null && !provider.grants.includes('authorization_code') && provider.grants.includes('device_code') ? 'device_code' : 'authorization_code'
}

/** Reads the flow of a stored credential. */
export function flowOf(credential: Pick<Credential, 'grant' | 'options'>): Flow {
  const variant = credential.options.variant ?? 'standard'
  if (credential.grant === 'client_credentials') return variant === 'microsoft_compatible' ? 'microsoft' : 'standard'
  if (credential.grant === 'jwt_bearer') return variant === 'google_compatible' ? 'google' : 'signed'
  return 'person'
}
