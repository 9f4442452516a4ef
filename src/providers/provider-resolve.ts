import { isLoopback } from '../base/addresses.ts'
import { Problem } from '../base/problem.ts'
import type { Provider } from './provider-schema.ts'
import { providerTitle } from './provider-title.ts'

/** A provider with every placeholder filled in: what the protocol works with. Durations are milliseconds. */
export type ResolvedProvider = {
  id: string
  name: string
  /** May keep a `{slot}` that only an answer fills; compare with `issuerMatches`. */
  issuer: string | null
  issParameter: 'required' | 'optional' | 'absent'
  authorizationEndpoint: string | null
  /** Set only where requests must be sent ahead. */
  pushedRequestEndpoint: string | null
  tokenEndpoint: string
  refreshEndpoint: string
  revocationEndpoint: string | null
  deviceAuthorizationEndpoint: string | null
  userinfoEndpoint: string | null
  jwksUri: string | null
  /** Taken when an answer names no end; null: not known. */
  accessTokenLifetime: number | null
  refreshTokenLifetime: number | null
  earliestRefreshBeforeEnd: number | undefined
  testRequest: { method: 'GET' | 'POST'; url: string; headers: Record<string, string> } | null
  /** The description itself; its parameters, headers, hosts, lookups and exchange are filled in too. */
  data: Provider
}

/**
 * Fills the placeholders in. A value may fill its slot and nothing more: one that would change the host, the path before it,
 * or add a query is refused. `{client_id}` is the registration's.
 *
 * @throws Problem invalid_request with what is wrong with which placeholder
 */
export function resolveProvider(provider: Provider, values: Record<string, string>, clientId = 'client_id'): ResolvedProvider {
  const filled = { ...checkValues(provider, values), client_id: encodeURIComponent(clientId) }
  const mayHavePort = Object.values(provider.placeholders).some((rule) => rule.kind === 'host')
  const fill = (template: string | undefined): string | null => (template === undefined ? null : fillTemplate(template, filled, mayHavePort))
  const milliseconds = (seconds: number | undefined) => (seconds === undefined ? null : seconds * 1000)
  const tokenEndpoint = fill(provider.token_endpoint)!
  return {
    id: provider.id,
    name: providerTitle(provider, filled),
    issuer:
      provider.issuer === undefined
        ? null
        : provider.issuer.replace(slots, (slot, name: string) => (name !== 'client_id' && Object.hasOwn(filled, name) ? filled[name as 'client_id'] : slot)),
    issParameter: provider.iss_parameter,
    authorizationEndpoint: fill(provider.authorization_endpoint),
    pushedRequestEndpoint: provider.require_pushed_authorization_requests ? fill(provider.pushed_authorization_request_endpoint) : null,
    tokenEndpoint,
    refreshEndpoint: fill(provider.refresh_endpoint) ?? tokenEndpoint,
    revocationEndpoint: fill(provider.revocation_endpoint),
    deviceAuthorizationEndpoint: fill(provider.device_authorization_endpoint),
    userinfoEndpoint: fill(provider.userinfo_endpoint),
    jwksUri: fill(provider.jwks_uri),
    accessTokenLifetime: milliseconds(provider.lifetimes.access_token),
    refreshTokenLifetime: milliseconds(provider.lifetimes.refresh_token),
    earliestRefreshBeforeEnd: milliseconds(provider.lifetimes.earliest_refresh) ?? undefined,
    testRequest:
      provider.test_request === undefined
        ? null
        : { method: provider.test_request.method, url: fill(provider.test_request.url)!, headers: provider.test_request.headers },
    data: fillTexts(provider, { ...filled, client_id: clientId }, (template) => fill(template)!),
  }
}

/** Fills in what is no address of its own: texts are filled plainly, they cannot lead anywhere. */
function fillTexts(provider: Provider, values: Record<string, string>, fill: (template: string) => string): Provider {
  const plain = (text: string) => text.replace(slots, (slot, name: string) => (Object.hasOwn(values, name) ? values[name]! : slot))
  const each = (record: Record<string, string>) => Object.fromEntries(Object.entries(record).map(([name, value]) => [name, plain(value)]))
  const { parameters: calls, exchange } = provider
  return {
    ...provider,
    parameters: {
      authorize: each(calls.authorize),
      token: each(calls.token),
      refresh: each(calls.refresh),
      device: each(calls.device),
      poll: each(calls.poll),
      revoke: each(calls.revoke),
    },
    ...(provider.redirect_value === undefined ? {} : { redirect_value: plain(provider.redirect_value) }),
    token_request: { ...provider.token_request, headers: each(provider.token_request.headers) },
    api: { ...provider.api, headers: each(provider.api.headers) },
    assertion_claims: each(provider.assertion_claims),
    hosts: provider.hosts.map(plain),
    lookups: provider.lookups.map((lookup) => ({ ...lookup, url: fill(lookup.url) })),
    ...(exchange === undefined ? {} : { exchange: { ...exchange, endpoint: fill(exchange.endpoint), parameters: each(exchange.parameters) } }),
  }
}

/**
 * Returns whether an issuer is the expected one: the same text, but that a `{slot}` stands for one path segment, such as the
 * directory that Microsoft names in place of `common`.
 */
export function issuerMatches(expected: string, issuer: unknown): boolean {
  if (typeof issuer !== 'string') return false
  const [start, end, more] = expected.split(/\{[a-z_]+\}/)
  if (end === undefined || more !== undefined) return issuer === expected
  const slot = issuer.slice(start!.length, issuer.length - end.length)
  return issuer === `${start}${slot}${end}` && /^[A-Za-z0-9-]{1,100}$/.test(slot)
}

const slots = /\{([a-z_][a-z0-9_]*)\}/g

function checkValues(provider: Provider, values: Record<string, string>): Record<string, string> {
  const errors: { path: string; message: string }[] = []
  const filled: Record<string, string> = {}
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(provider.placeholders, name)) {
      const known = Object.keys(provider.placeholders).join(', ')
      errors.push({ path: `placeholders.${name}`, message: known === '' ? 'this provider has no placeholders' : `is not one of ${known}` })
    }
  }
  for (const [name, rule] of Object.entries(provider.placeholders)) {
    const value = values[name] ?? rule.default
    const path = `placeholders.${name}`
    if (value === undefined || value === '') {
      // A whole address may be left out where nothing needs it.
      if (rule.kind !== 'url' || name === 'token_endpoint') errors.push({ path, message: `is needed: ${rule.meaning} For example ${rule.example}.` })
      continue
    }
    const wrong = rule.kind === 'url' ? wrongUrl(value) : rule.kind === 'host' ? wrongHost(value) : wrongPart(value)
    if (wrong !== null) errors.push({ path, message: wrong })
    else if (rule.values !== undefined && !rule.values.includes(value)) errors.push({ path, message: `must be one of ${rule.values.join(', ')}` })
    else if (rule.pattern !== undefined && !new RegExp(`^(?:${rule.pattern})$`).test(value)) {
      errors.push({ path, message: `does not look like ${rule.title}, such as ${rule.example}` })
    } else filled[name] = value
  }
  if (errors.length > 0) throw new Problem('invalid_request', `The values for ${provider.name} are not complete.`, { errors })
  return filled
}

function wrongPart(value: string): string | null {
  if (value.length > 253) return 'is too long'
  // One segment of a host or path, and nothing that a URL parser would read as more.
  return /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(value) && !value.includes('..')
    ? null
    : 'must consist of letters, digits, dots, hyphens and underscores'
}

function wrongHost(value: string): string | null {
  if (value.length > 253) return 'is too long'
  return /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[1-9]\d{0,4})?$/.test(value)
    ? null
    : 'must be the name of a server, such as login.example.org, without https:// and without a path'
}

function wrongUrl(value: string): string | null {
  let url: URL
  try {
    url = new URL(value)
  } catch {
    return 'must be a whole address that begins with https://'
  }
  const plain = url.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  if (url.protocol !== 'https:' && !plain) return 'must begin with https://'
  if (url.username !== '' || url.password !== '' || url.hash !== '') return 'must not contain a user name or a fragment'
  return null
}

function fillTemplate(template: string, values: Record<string, string>, mayHavePort: boolean): string | null {
  const whole = /^\{([a-z_][a-z0-9_]*)\}$/.exec(template)
  if (whole) return values[whole[1]!] ?? null
  const text = template.replace(slots, (_, name: string) => values[name] ?? '')
  // Invariant: what a person enters never moves the address to another host than the template's own.
  const expected = new URL(template.replace(slots, 'x'))
  const url = new URL(text)
  const depth = (address: URL) => address.pathname.split('/').length
  if (
    url.protocol !== expected.protocol ||
    (url.port !== expected.port && !mayHavePort) ||
    url.hostname.split('.').length < expected.hostname.split('.').length ||
    depth(url) !== depth(expected) ||
    url.search !== expected.search ||
    url.hash !== expected.hash
  ) {
    throw new Problem('invalid_request', 'A placeholder changes more of the address than its own part.')
  }
  return text
}
