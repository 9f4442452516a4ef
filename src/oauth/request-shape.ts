import type { ResolvedProvider } from '../providers/provider-resolve.ts'

/** The requests of the protocol that a description may bend. `poll` asks for the tokens of a device code. */
export type Call = 'authorize' | 'token' | 'refresh' | 'device' | 'poll' | 'revoke'

/** How a request is sent. */
export type Way = { method: 'POST' | 'GET' | 'DELETE'; format: 'form' | 'json' | 'query'; headers: Record<string, string>; client: boolean }

/** Returns how a provider wants a request sent. */
export function wayOf(provider: ResolvedProvider, call: Call): Way {
  const { token_request: usual, refresh_request: refresh, revocation_request: revocation } = provider.data
  switch (call) {
    case 'refresh':
      return refresh === undefined ? { ...usual, client: true } : { ...refresh, headers: { ...usual.headers, ...refresh.headers } }
    case 'revoke':
      return {
        ...revocation,
        headers: { ...usual.headers, ...revocation.headers },
        client: revocation.proof === 'client' || revocation.proof === 'client_basic',
      }
    case 'authorize':
    case 'token':
    case 'device':
    case 'poll':
      return { ...usual, client: true }
  }
}

/** Gives parameters the names that the provider has for them, without those that it refuses. */
export function shapeParameters(provider: ResolvedProvider, call: Call, parameters: Record<string, string>): Record<string, string> {
  const names = provider.data.rename[call]
  const refused = provider.data.leave_out[call]
  return Object.fromEntries(
    Object.entries(parameters)
      .filter(([name]) => !refused.includes(name))
      .map(([name, value]) => [Object.hasOwn(names, name) ? names[name]! : name, value]),
  )
}

type GrantName = 'authorization_code' | 'refresh_token' | 'device_code' | 'client_credentials'

const standard: Record<GrantName, string> = {
  authorization_code: 'authorization_code',
  refresh_token: 'refresh_token',
  device_code: 'urn:ietf:params:oauth:grant-type:device_code',
  client_credentials: 'client_credentials',
}

/** Returns the provider's own name of a grant. */
export const grantTypeOf = (provider: ResolvedProvider, grant: GrantName): string => provider.data.grant_types[grant] ?? standard[grant]

/** Puts parameters where they go: into the address, a form or JSON. */
export function writeParameters(way: Way, endpoint: string, parameters: Record<string, string>): { url: string; body?: string; contentType?: string } {
  if (way.method === 'GET' || way.format === 'query') {
    const url = new URL(endpoint)
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    url.search = url.search.replaceAll('+', '%20')
    return { url: url.href }
  }
  if (way.format === 'json') return { url: endpoint, body: JSON.stringify(parameters), contentType: 'application/json' }
  return { url: endpoint, body: new URLSearchParams(parameters).toString(), contentType: 'application/x-www-form-urlencoded' }
}

/**
 * Returns an address at the host where the account lives, if the provider has such a host; otherwise the address as it is.
 *
 * Invariant: a host that came in an answer counts only if the description lists it.
 */
export function atTokenHost(provider: ResolvedProvider, endpoint: string, host: string | undefined): string {
  const rule = provider.data.callback.token_host
  if (host === undefined || rule === undefined || !rule.hosts.includes(host)) return endpoint
  const url = new URL(endpoint)
  url.hostname = host
  return url.href
}
