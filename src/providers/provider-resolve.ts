import { Problem, type FieldError } from '../base/problem.ts'
import type {
  AccountSource, ClientAuthMethod, GrantName, GrantVariant, MailServer, ProviderDescription, RequestRules, TokenAnswerRules,
} from './provider-schema.ts'
import { checkPlaceholders, fillUrl, namesIn } from './url-template.ts'

export type ResolvedGrant = {
  variants: GrantVariant[]
  /** Asked for when the person names none. */
  scopes: string[]
  grantType: string | null
  parameters: Record<string, string | null>
  clientAuths: ClientAuthMethod[]
  audience: string | null
  /** Why this grant cannot work with these placeholders, such as a tenant `common`; null when it can. */
  obstacle: string | null
}

/** A provider with its placeholders filled: what a request needs. Durations are milliseconds. */
export type ResolvedProvider = {
  id: string
  name: string
  version: number
  placeholders: Record<string, string>
  /** May hold `{slots}` that only an answer fills: compare with `issuerMatches`. */
  issuer: string | null
  /** Slot -> regular expression of its values. */
  issuerSlots: Record<string, string>
  issParameter: 'required' | 'optional' | 'absent'
  discoveryUrl: string | null
  trustedMetadataHosts: string[]
  authorizationEndpoint: string | null
  tokenEndpoint: string | null
  /** The token endpoint unless the provider has another one for it. */
  refreshEndpoint: string | null
  revocationEndpoint: string | null
  deviceAuthorizationEndpoint: string | null
  userinfoEndpoint: string | null
  jwksUri: string | null
  idTokenAlgorithms: string[]
  grants: Partial<Record<GrantName, ResolvedGrant>>
  clientAuths: ClientAuthMethod[]
  basic: 'encoded' | 'raw' | 'secret_as_user'
  assertionAudience: 'issuer' | 'token_endpoint'
  rsaAlgorithm: 'RS256' | 'PS256'
  thumbprints: ('x5t#S256' | 'x5t')[]
  pkce: 'S256' | 'S256-hex' | 'omit'
  scopeSeparator: string
  defaultScopes: string[]
  offlineScopes: string[]
  offlineParameters: Record<string, string | null>
  requests: Partial<Record<'authorize' | 'token' | 'refresh' | 'device' | 'poll' | 'revoke', RequestRules>>
  authorizationAnswer: { code: string; errors: Record<string, string>; keep: string[] }
  tokenAnswer: TokenAnswerRules
  refreshBehaviour: 'rotates' | 'fixed' | 'optional' | 'none' | 'unknown'
  refreshRepeats: ('redirect_uri' | 'scope')[]
  /** A refresh earlier than this before the end is refused or useless. */
  earliestRefreshBeforeEnd: number | undefined
  /** Taken when an answer names no end. */
  accessTokenLifetime: number | null
  /** How long a refresh token lives from the moment it is issued, where the provider does not say. */
  refreshTokenLifetime: number | null
  refreshIdleLifetime: number | null
  accountSources: AccountSource[]
  hosts: string[]
  mail: { smtp: MailServer[]; imap: MailServer[]; pop: MailServer[] }
  testRequest: ProviderDescription['test_request'] | null
  revocation: ProviderDescription['revocation']
}

const defaultAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA']

/**
 * Fills the placeholders of a provider's description.
 *
 * @throws Problem invalid_request with one error per placeholder that is missing, unknown or would change an address
 * beyond its place
 */
export function resolveProvider(provider: ProviderDescription, placeholders: Record<string, string> = {}): ResolvedProvider {
  const rules = provider.placeholders ?? {}
  const { values, errors } = checkPlaceholders(rules, placeholders)
  const fill = (template: string | undefined, field: string): string | null => {
    if (template === undefined) return null
    try {
      return fillUrl(template, values)
    } catch (error) {
      const names = namesIn(template)
      for (const name of names.length > 0 ? names : [field]) {
        errors.push({ path: names.length > 0 ? `placeholders.${name}` : field, message: `${field} ${(error as Error).message}` })
      }
      return null
    }
  }
  // A missing value is told once, above; filling would only repeat it.
  const ready = errors.length === 0
  const url = (field: UrlField) => (ready ? fill(provider[field], field) : null)
  const host = (one: string) => fillText(one, values)

  const tokenEndpoint = url('token_endpoint')
  const issuer = provider.issuer === undefined ? null : fillText(provider.issuer, values, Object.keys(provider.issuer_slots ?? {}))
  const resolved: ResolvedProvider = {
    id: provider.id,
    name: provider.name,
    version: provider.version,
    placeholders: values,
    issuer,
    issuerSlots: issuerSlots(provider, values),
    issParameter: issuer === null ? 'absent' : provider.iss_parameter,
    discoveryUrl: url('discovery_url'),
    trustedMetadataHosts: (provider.trusted_metadata_hosts ?? []).map(host).filter((one) => one !== null),
    authorizationEndpoint: url('authorization_endpoint'),
    tokenEndpoint,
    refreshEndpoint: url('refresh_endpoint') ?? tokenEndpoint,
    revocationEndpoint: url('revocation_endpoint'),
    deviceAuthorizationEndpoint: url('device_authorization_endpoint'),
    userinfoEndpoint: url('userinfo_endpoint'),
    jwksUri: url('jwks_uri'),
    idTokenAlgorithms: provider.id_token_algorithms ?? defaultAlgorithms,
    grants: resolveGrants(provider, values),
    clientAuths: provider.client_authentication.methods,
    basic: provider.client_authentication.basic,
    assertionAudience: provider.client_authentication.assertion_audience
      ?? (issuer === null || namesIn(issuer).length > 0 ? 'token_endpoint' : 'issuer'),
    rsaAlgorithm: provider.client_authentication.rsa_algorithm,
    thumbprints: provider.client_authentication.thumbprints ?? ['x5t#S256'],
    pkce: provider.pkce,
    scopeSeparator: provider.scope_separator,
    defaultScopes: provider.default_scopes ?? [],
    offlineScopes: provider.offline?.scopes ?? [],
    offlineParameters: fillParameters(provider.offline?.parameters, values),
    requests: resolveRequests(provider, values),
    authorizationAnswer: {
      code: provider.authorization_answer?.code ?? 'code',
      errors: provider.authorization_answer?.errors ?? {},
      keep: provider.authorization_answer?.keep ?? [],
    },
    tokenAnswer: provider.token_answer ?? {},
    refreshBehaviour: provider.refresh?.behaviour ?? 'unknown',
    refreshRepeats: provider.refresh?.repeat ?? [],
    earliestRefreshBeforeEnd: provider.refresh?.earliest_before_end === undefined ? undefined : provider.refresh.earliest_before_end * 1000,
    ...lifetimes(provider),
    accountSources: (provider.account_label ?? []).map((source, i) => ({
      ...source, ...(source.url === undefined || !ready ? {} : { url: fill(source.url, `account_label.${i}.url`) ?? undefined }),
    })),
    hosts: provider.hosts.map(host).filter((one) => one !== null),
    mail: {
      smtp: mailServers(provider.mail?.smtp, values), imap: mailServers(provider.mail?.imap, values), pop: mailServers(provider.mail?.pop, values),
    },
    testRequest: testRequest(provider, ready ? fill(provider.test_request?.url, 'test_request.url') : null),
    revocation: provider.revocation,
  }
  if (errors.length > 0) throw invalid(provider, errors)
  return resolved
}

type UrlField =
  | 'discovery_url' | 'authorization_endpoint' | 'token_endpoint' | 'refresh_endpoint' | 'revocation_endpoint' | 'device_authorization_endpoint'
  | 'userinfo_endpoint' | 'jwks_uri'

const invalid = (provider: ProviderDescription, errors: FieldError[]) => new Problem(
  'invalid_request',
  `${provider.name}: ${errors.map((error) => `${error.path} ${error.message}`).join('; ')}.`,
  { errors },
)

/**
 * Returns whether an issuer is the one of this provider: identical, character by character, but for the slots that its data
 * name. @see RFC 9207 section 2.4
 */
export function issuerMatches(provider: Pick<ResolvedProvider, 'issuer' | 'issuerSlots'>, issuer: string): boolean {
  if (provider.issuer === null) return false
  if (namesIn(provider.issuer).length === 0) return provider.issuer === issuer
  const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
  const pattern = provider.issuer
    .split(/(\{[^{}]*\})/)
    .map((part) => (/^\{.*\}$/.test(part) ? `(?:${provider.issuerSlots[part.slice(1, -1)] ?? '(?!)'})` : escape(part)))
    .join('')
  return new RegExp(`^${pattern}$`).test(issuer)
}

/** Fills a text; null when a placeholder in it has no value. Slots stay as they are. */
function fillText(text: string, values: Record<string, string>, slots: string[] = []): string | null {
  if (namesIn(text).some((name) => !Object.hasOwn(values, name) && !slots.includes(name))) return null
  return text.replace(/\{([^{}]*)\}/g, (slot, name: string) => (Object.hasOwn(values, name) ? values[name]! : slot))
}

function issuerSlots(provider: ProviderDescription, values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(provider.issuer_slots ?? {}).map(([name, slot]) => {
    const known = slot.same_as === undefined ? undefined : values[slot.same_as]
    const isExact = known !== undefined && new RegExp(`^(?:${slot.pattern})$`).test(known)
    return [name, isExact ? known.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : slot.pattern]
  }))
}

function fillParameters(parameters: Record<string, string | null> | undefined, values: Record<string, string>): Record<string, string | null> {
  const filled: Record<string, string | null> = {}
  for (const [name, value] of Object.entries(parameters ?? {})) {
    const text = value === null ? null : fillText(value, values, ['client_id'])
    // An optional placeholder without a value leaves its parameter out; null removes one of the protocol.
    if (value === null || text !== null) filled[name] = text
  }
  return filled
}

function resolveRequests(provider: ProviderDescription, values: Record<string, string>): ResolvedProvider['requests'] {
  return Object.fromEntries(Object.entries(provider.requests ?? {}).map(([call, rules]) => [call, {
    ...rules,
    ...(rules.parameters ? { parameters: fillParameters(rules.parameters, values) } : {}),
  }]))
}

function resolveGrants(provider: ProviderDescription, values: Record<string, string>): ResolvedProvider['grants'] {
  return Object.fromEntries(Object.entries(provider.grants).map(([name, grant]) => {
    const refused = Object.entries(grant.refuses ?? {}).find(([placeholder, refusedValues]) => refusedValues.includes(values[placeholder] ?? ''))
    const resolved: ResolvedGrant = {
      variants: grant.variants,
      scopes: grant.scopes ?? (name === 'client_credentials' || name === 'jwt_bearer' ? [] : (provider.default_scopes ?? [])),
      grantType: grant.grant_type ?? null,
      parameters: fillParameters(grant.parameters, values),
      clientAuths: grant.client_authentication ?? provider.client_authentication.methods,
      audience: grant.audience === undefined ? null : fillText(grant.audience, values),
      obstacle: refused === undefined
        ? null
        : `${refused[0]} "${values[refused[0]]}" does not work with ${name}${provider.placeholders?.[refused[0]] ? `: give ${provider.placeholders[refused[0]]!.example}` : ''}`,
    }
    return [name, resolved]
  }))
}

function lifetimes(provider: ProviderDescription): Pick<ResolvedProvider, 'accessTokenLifetime' | 'refreshTokenLifetime' | 'refreshIdleLifetime'> {
  const life = provider.lifetimes
  const ms = (value: number | undefined) => (value === undefined ? null : value * 1000)
  // A fixed refresh token is issued once and lives on by being used; one that rotates is new each time, with a new idle time.
  const issued = provider.refresh?.behaviour === 'rotates' ? (life?.refresh_idle ?? life?.refresh_absolute) : life?.refresh_absolute
  return { accessTokenLifetime: ms(life?.access_token), refreshTokenLifetime: ms(issued), refreshIdleLifetime: ms(life?.refresh_idle) }
}

function mailServers(servers: MailServer[] | undefined, values: Record<string, string>): MailServer[] {
  return (servers ?? []).flatMap((server) => {
    const host = fillText(server.host, values)
    return host === null ? [] : [{ ...server, host }]
  })
}

function testRequest(provider: ProviderDescription, url: string | null): ResolvedProvider['testRequest'] {
  return provider.test_request === undefined || url === null ? null : { ...provider.test_request, url }
}
