import type { OutgoingHttp } from '../base/http-types.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { redactText } from '../base/redact.ts'
import type { ProviderInput } from '../providers/provider-schema.ts'
import { readJsonObject } from './json-object.ts'
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
  let cause: unknown
  for (const url of metadataUrls(issuer)) {
    let response
    try {
      response = await http({ method: 'GET', url, timeout: 15_000 })
    } catch (error) {
      if (!isProblem(error, 'outgoing_failed')) throw error
      last = error.message.replace(/\.$/, '')
      cause = error
      continue
    }
    if (response.status !== 200) {
      last = `status ${response.status}`
      cause = undefined
      continue
    }
    return readMetadata(Buffer.from(response.body).toString('utf8'), issuer)
  }
  throw new Problem('discovery_failed', `The metadata of ${issuer} cannot be read: ${last}.`, { cause })
}

/** Makes a description from a metadata document. @throws Problem discovery_failed */
export function readMetadata(body: string, issuer: string): Omit<ProviderInput, 'id' | 'version' | 'name'> {
  const metadata = readJsonObject(body)
  if (metadata === null) throw new Problem('discovery_failed', `The metadata of ${issuer} is not a JSON object, or could be read in two ways.`)
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
    pushed_authorization_request_endpoint: endpoint('pushed_authorization_request_endpoint'),
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
  // Invariant: what a provider demands is done or refused, never left out.
  if (auth.length === 0) throw unknownDemand(issuer, `that clients prove who they are by ${offered.map((name) => redactText(name, 60)).join(' or ')}`)
  if (metadata.require_signed_request_object === true) throw unknownDemand(issuer, 'signed request objects (RFC 9101)')
  const mustPush = metadata.require_pushed_authorization_requests === true
  if (mustPush && endpoints.pushed_authorization_request_endpoint === undefined) {
    throw new Problem('discovery_failed', `The metadata of ${issuer} demand requests that are sent ahead, and name no address for them.`)
  }
  const scopes = list(metadata.scopes_supported) ?? []
  return {
    issuer,
    iss_parameter: metadata.authorization_response_iss_parameter_supported === true ? 'required' : 'optional',
    ...(Object.fromEntries(Object.entries(endpoints).filter(([, value]) => value !== undefined)) as { token_endpoint: string }),
    grants: grants.length > 0 ? grants : ['client_credentials'],
    client_auth: auth,
    ...(mustPush ? { require_pushed_authorization_requests: true } : {}),
    default_scopes: ['openid', 'email', 'offline_access'].filter((scope) => scopes.includes(scope)),
    // OpenID Connect Core section 11: without this an offline_access that was asked for may be ignored.
    ...(scopes.includes('offline_access') ? { parameters: { authorize: { prompt: 'consent' } } } : {}),
    hosts: [new URL(token).host],
  }
}

const unknownDemand = (issuer: string, what: string) =>
  new Problem('discovery_failed', `${issuer} demands ${what}, which Keybearer does not have.`, {
    nextStep: 'Ask the provider for a client that works without it, or use another provider.',
  })

const list = (value: unknown): string[] | null => (Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : null)
