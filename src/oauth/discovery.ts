import type { OutgoingHttp } from '../base/http-types.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { ProviderInput } from '../providers/provider-schema.ts'
import { checkBrowserUrl } from './urls.ts'

/** Returns the addresses where an issuer's metadata may lie. @see RFC 8414 section 3, OpenID Connect Discovery section 4 */
export function metadataUrls(issuer: string): string[] {
  const url = new URL(checkBrowserUrl(issuer))
  const path = url.pathname.replace(/\/$/, '')
  return [`${url.origin}${path}/.well-known/openid-configuration`, `${url.origin}/.well-known/oauth-authorization-server${path}`]
}

/**
 * Fetches the metadata of an issuer and makes a description of a provider from it.
 *
 * Invariant: the metadata must name exactly the issuer it was fetched for. @see RFC 8414 section 3.3
 *
 * @throws Problem discovery_failed
 */
export async function discover(http: OutgoingHttp, issuer: string): Promise<Omit<ProviderInput, 'id' | 'version' | 'name'>> {
  let last = 'no metadata was found'
  for (const url of metadataUrls(issuer)) {
    let response
    try {
      response = await http({ method: 'GET', url, timeout: 15_000 })
    } catch (error) {
      if (!isProblem(error, 'outgoing_failed')) throw error
      last = error.message
      continue
    }
    if (response.status !== 200) {
      last = `status ${response.status}`
      continue
    }
    return readMetadata(Buffer.from(response.body).toString('utf8'), issuer)
  }
  throw new Problem('discovery_failed', `The metadata of ${issuer} cannot be read: ${last}.`)
}

type Metadata = Record<string, unknown>

/** Makes a description from a metadata document. @throws Problem discovery_failed */
export function readMetadata(body: string, issuer: string): Omit<ProviderInput, 'id' | 'version' | 'name'> {
  let metadata: Metadata
  try {
    metadata = JSON.parse(body) as Metadata
  } catch {
    throw new Problem('discovery_failed', `The metadata of ${issuer} is not JSON.`)
  }
  if (metadata.issuer !== issuer) throw new Problem('discovery_failed', `The metadata names another issuer than ${issuer}.`)
  const endpoint = (name: string): string | undefined => {
    const value = metadata[name]
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'string') throw new Problem('discovery_failed', `The metadata's ${name} is not an address.`)
    checkBrowserUrl(value)
    return value
  }
  const token = endpoint('token_endpoint')
  if (token === undefined) throw new Problem('discovery_failed', `The metadata of ${issuer} names no token endpoint.`)
  const endpoints = {
    authorization_endpoint: endpoint('authorization_endpoint'),
    token_endpoint: token,
    revocation_endpoint: endpoint('revocation_endpoint'),
    device_authorization_endpoint: endpoint('device_authorization_endpoint'),
    userinfo_endpoint: endpoint('userinfo_endpoint'),
    jwks_uri: endpoint('jwks_uri'),
  }
  const names = list(metadata.grant_types_supported) ?? ['authorization_code']
  const grants = [
    ...(endpoints.authorization_endpoint !== undefined && names.includes('authorization_code') ? ['authorization_code' as const] : []),
    ...(endpoints.device_authorization_endpoint === undefined ? [] : ['device_code' as const]),
    ...(names.includes('client_credentials') ? ['client_credentials' as const] : []),
    ...(names.includes('urn:ietf:params:oauth:grant-type:jwt-bearer') ? ['jwt_bearer' as const] : []),
  ]
  const known = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const
  const offered = list(metadata.token_endpoint_auth_methods_supported) ?? ['client_secret_basic']
  const auth = known.filter((method) => offered.includes(method))
  const scopes = list(metadata.scopes_supported) ?? []
  return {
    issuer,
    iss_parameter: metadata.authorization_response_iss_parameter_supported === true ? 'required' : 'optional',
    ...(Object.fromEntries(Object.entries(endpoints).filter(([, value]) => value !== undefined)) as { token_endpoint: string }),
    grants: grants.length > 0 ? grants : ['client_credentials'],
    client_auth: auth.length > 0 ? auth : ['client_secret_basic'],
    default_scopes: ['openid', 'email', 'offline_access'].filter((scope) => scopes.includes(scope)),
    // OpenID Connect Core section 11: without this an offline_access that was asked for may be ignored.
    ...(scopes.includes('offline_access') ? { parameters: { authorize: { prompt: 'consent' } } } : {}),
    hosts: [new URL(token).host],
  }
}

const list = (value: unknown): string[] | null => (Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : null)
