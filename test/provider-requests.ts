import { join } from 'node:path'
import { Secret } from '../src/base/secret.ts'
import { buildAuthorizationRequest, codeParameters } from '../src/oauth/authorization-code.ts'
import { authenticatedRequest, type ClientCredentials } from '../src/oauth/client-authentication.ts'
import { clientCredentialsParameters, refreshParameters } from '../src/oauth/grants.ts'
import { openCatalogue } from '../src/providers/catalogue.ts'
import { resolveProvider, type ResolvedProvider } from '../src/providers/provider-resolve.ts'
import type { Provider } from '../src/providers/provider-schema.ts'

const folder = join(import.meta.dirname, '..', 'providers')
const redirectUri = 'https://keybearer.example.org/oauth/callback/reg_1'
const answer = { code: new Secret('CODE'), codeVerifier: new Secret('VERIFIER'), redirectUri }

type Requests = Record<string, { authorize?: string; token: string; refresh?: string }>

/** Makes, for every provider of the catalogue, the requests that a registration with example values would send. */
export async function providerRequests(): Promise<Requests> {
  const made: Requests = {}
  for (const provider of openCatalogue([folder]).list()) made[provider.id] = await requestsOf(provider)
  return made
}

/** What every provider may be asked for. */
export const providerScopes = (): Record<string, Record<string, string[]>> =>
  Object.fromEntries(
    openCatalogue([folder])
      .list()
      .map(({ id, default_scopes, scope_sets }) => [id, { default: default_scopes, ...Object.fromEntries(scope_sets.map((set) => [set.title, set.scopes])) }]),
  )

async function requestsOf(provider: Provider): Promise<Requests[string]> {
  const examples = Object.fromEntries(Object.entries(provider.placeholders).map(([name, rule]) => [name, rule.default ?? rule.example]))
  const resolved = resolveProvider(provider, examples, 'CLIENT')
  const method = provider.client_auth[0]!
  const client: ClientCredentials = {
    clientId: 'CLIENT',
    method,
    clientSecret: method === 'none' ? null : new Secret('SECRET'),
    privateKey: null,
    privateKeyId: null,
    certificate: null,
  }
  if (!provider.grants.includes('authorization_code')) {
    const scope = provider.scope_sets.find((set) => set.grants?.includes('client_credentials'))?.scopes ?? provider.default_scopes
    return { token: await write(resolved, client, clientCredentialsParameters(resolved, { scope }), 'token') }
  }
  const { url } = buildAuthorizationRequest(resolved, { clientId: 'CLIENT', redirectUri, scope: provider.default_scopes })
  return {
    authorize: url.replace(/\b(state|code_challenge|nonce)=[^&#]+/g, '$1=RANDOM'),
    token: await write(resolved, client, codeParameters(resolved, answer), 'token'),
    ...(provider.refresh_token === 'none' ? {} : { refresh: await write(resolved, client, refreshParameters(resolved, new Secret('REFRESH'), {}), 'refresh') }),
  }
}

/** Writes a request on one line: method, address, headers, body. */
async function write(provider: ResolvedProvider, client: ClientCredentials, parameters: Record<string, string>, call: 'token' | 'refresh'): Promise<string> {
  const endpoint = call === 'refresh' ? provider.refreshEndpoint : provider.tokenEndpoint
  const { method, url, headers, body } = await authenticatedRequest(provider, endpoint, client, parameters, 0, call)
  const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${url}`, ...lines, String(body ?? '')].join(' | ')
}

// To write the golden files anew, after somebody has looked at what changed:
//   node test/provider-requests.ts requests > test/provider-requests.json
//   node test/provider-requests.ts scopes > test/provider-scopes.json
if (import.meta.main) {
  const what = process.argv[2] === 'scopes' ? providerScopes() : await providerRequests()
  const lines = Object.entries(what).map(([id, one]) => `  ${JSON.stringify(id)}: ${JSON.stringify(one)}`)
  process.stdout.write(`{\n${lines.join(',\n')}\n}\n`)
}
