import { Problem, type FieldError } from '../base/problem.ts'
import { metadataEndpoints, type AuthorizationServerMetadata } from './metadata.ts'
import { checkProvider, clientAuthMethods, type ClientAuthMethod, type GrantName, type ProviderDescription, type ProviderInput } from './provider-schema.ts'
import { endpointError } from './url-template.ts'

/** What a person says of a provider that is not in the catalogue: its metadata, or its endpoints typed by hand, or both. */
export type CustomProvider = {
  name: string
  /** Made from the name unless told; `custom:` is put in front. */
  slug?: string
  metadata?: AuthorizationServerMetadata
  discoveryUrl?: string
  issuer?: string
  authorizationEndpoint?: string
  tokenEndpoint?: string
  revocationEndpoint?: string
  deviceAuthorizationEndpoint?: string
  userinfoEndpoint?: string
  jwksUri?: string
  /** Where tokens may be sent, besides what the credential adds. */
  hosts?: string[]
  scopes?: string[]
  /** Anything else of the schema, for quirks. */
  rest?: Partial<Omit<ProviderInput, 'id' | 'name' | 'version'>>
}

/**
 * Makes the description of a provider that is not in the catalogue. What was typed by hand wins over the metadata.
 *
 * @throws Problem provider_invalid with the fields that are wrong
 */
export function customProvider(input: CustomProvider): ProviderDescription {
  const metadata: Partial<AuthorizationServerMetadata> = input.metadata ?? {}
  const slug = (input.slug ?? input.name).toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60).replace(/-+$/, '')
  const endpoints = {
    authorization_endpoint: input.authorizationEndpoint ?? metadata.authorization_endpoint,
    token_endpoint: input.tokenEndpoint ?? metadata.token_endpoint,
    revocation_endpoint: input.revocationEndpoint ?? metadata.revocation_endpoint,
    device_authorization_endpoint: input.deviceAuthorizationEndpoint ?? metadata.device_authorization_endpoint,
    userinfo_endpoint: input.userinfoEndpoint ?? metadata.userinfo_endpoint,
    jwks_uri: input.jwksUri ?? metadata.jwks_uri,
  }
  const errors: FieldError[] = []
  if (slug === '') errors.push({ path: 'name', message: 'needs a letter or a digit' })
  for (const [field, address] of Object.entries(endpoints)) {
    const message = address === undefined ? null : /[{}]/.test(address) ? 'must not contain braces' : endpointError(address)
    if (message) errors.push({ path: field, message })
  }
  const issuer = input.issuer ?? metadata.issuer
  if (issuer !== undefined && /[{}]/.test(issuer)) errors.push({ path: 'issuer', message: 'must not contain braces' })
  if (endpoints.token_endpoint === undefined) errors.push({ path: 'token_endpoint', message: 'is needed' })
  if (metadata.require_pushed_authorization_requests) {
    errors.push({ path: 'metadata', message: 'the provider demands pushed authorization requests (RFC 9126), which are not supported' })
  }
  if (errors.length > 0) throw new Problem('provider_invalid', `The provider "${input.name}" cannot be used like this.`, { errors })

  const known = Object.fromEntries(Object.entries(endpoints).filter(([, value]) => value !== undefined))
  const draft: ProviderInput = {
    id: `custom:${slug}`,
    name: input.name,
    version: 1,
    category: 'custom',
    ...(issuer === undefined ? {} : { issuer }),
    ...(input.discoveryUrl === undefined ? {} : { discovery_url: input.discoveryUrl }),
    ...(metadata.authorization_response_iss_parameter_supported ? { iss_parameter: 'required' } : {}),
    ...known,
    grants: grantsOf(metadata, endpoints),
    client_authentication: { methods: authMethodsOf(metadata) },
    ...(input.scopes === undefined ? {} : { default_scopes: input.scopes }),
    ...(metadata.scopes_supported?.includes('offline_access') ? { offline: { scopes: ['offline_access'], parameters: { prompt: 'consent' } } } : {}),
    hosts: input.hosts ?? hostsOf(endpoints.userinfo_endpoint),
    ...(endpoints.userinfo_endpoint === undefined && endpoints.jwks_uri === undefined
      ? {}
      : { account_label: [{ from: 'id_token', label: ['email', 'preferred_username', 'name', 'sub'] }, ...userinfoSource(endpoints.userinfo_endpoint)] }),
    revocation: endpoints.revocation_endpoint === undefined ? { kind: 'none' } : { kind: 'rfc7009' },
    ...input.rest,
  }
  const checked = checkProvider(draft)
  if (!checked.ok) throw new Problem('provider_invalid', `The provider "${input.name}" cannot be used like this.`, { errors: checked.errors })
  return checked.provider
}

export type EndpointChange = { field: string; before: string | null; after: string | null }

/** Returns which addresses differ, so that a person can confirm them before anything is sent there. */
export function endpointChanges(before: ProviderDescription, after: ProviderDescription): EndpointChange[] {
  return (['issuer', ...metadataEndpoints] as const).flatMap((field) => {
    const was = before[field] ?? null
    const is = after[field] ?? null
    return was === is ? [] : [{ field, before: was, after: is }]
  })
}

/** RFC 8414 names the grants that metadata leave out. Where they say nothing at all, everything an endpoint exists for is offered. */
function grantsOf(metadata: Partial<AuthorizationServerMetadata>, endpoints: Record<string, string | undefined>): ProviderInput['grants'] {
  const listed = metadata.grant_types_supported
  const wireNames: Record<GrantName, string> = {
    authorization_code: 'authorization_code',
    device_code: 'urn:ietf:params:oauth:grant-type:device_code',
    client_credentials: 'client_credentials',
    jwt_bearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  }
  const needs: Partial<Record<GrantName, string>> = { authorization_code: 'authorization_endpoint', device_code: 'device_authorization_endpoint' }
  const grants: ProviderInput['grants'] = {}
  for (const name of Object.keys(wireNames) as GrantName[]) {
    const needed = needs[name]
    if (needed !== undefined && endpoints[needed] === undefined) continue
    // An endpoint that is named exists, whatever the list forgets.
    if (needed !== undefined || listed === undefined || listed.includes(wireNames[name])) grants[name] = {}
  }
  return grants
}

function authMethodsOf(metadata: Partial<AuthorizationServerMetadata>): [ClientAuthMethod, ...ClientAuthMethod[]] {
  const listed = metadata.token_endpoint_auth_methods_supported
  const known = clientAuthMethods.filter((method) => listed?.includes(method))
  const [first, ...others] = known
  if (listed === undefined || first === undefined) return [...clientAuthMethods]
  // Metadata often forget public clients.
  return [first, ...others, ...(known.includes('none') ? [] : ['none' as const])]
}

const hostsOf = (address: string | undefined): string[] => (address === undefined ? [] : [new URL(address).host])

const userinfoSource = (address: string | undefined): { from: 'userinfo'; label: string[] }[] => (
  address === undefined ? [] : [{ from: 'userinfo', label: ['email', 'preferred_username', 'name', 'sub'] }]
)
