import { createHash } from 'node:crypto'
import { randomToken } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { redactText } from '../base/redact.ts'
import { Secret } from '../base/secret.ts'
import { issuerMatches, type ResolvedProvider } from '../providers/provider-resolve.ts'
import { grantTypeOf, shapeParameters } from './request-shape.ts'
import { checkBrowserUrl } from './urls.ts'

export type AuthorizationRequest = {
  /** Where the person goes, unless the parameters must be sent ahead. */
  url: string
  /** Returns what the request says, to be sent ahead. */
  parameters: () => Record<string, string>
  /** 256 random bits, without any meaning. */
  state: Secret
  codeVerifier: Secret
  /** Only when `openid` is asked for. */
  nonce: string | null
}

/**
 * Makes the address where a person signs in and consents: with state, and with PKCE S256 unless the description says that
 * the provider refuses it.
 *
 * @see RFC 6749 section 4.1.1, RFC 7636 section 4, RFC 9700 section 2.1.1
 */
export function buildAuthorizationRequest(
  provider: ResolvedProvider,
  request: {
    clientId: string
    redirectUri: string
    scope: string[]
    resource?: string[] | undefined
    loginHint?: string | undefined
    parameters?: Record<string, string> | undefined
  },
): AuthorizationRequest {
  if (provider.authorizationEndpoint === null) {
    throw new Problem('misconfigured', `${provider.name} has no authorization address: enter one, or use a grant without a person.`)
  }
  const state = randomToken(32)
  const verifier = randomToken(32)
  const nonce = request.scope.includes('openid') ? randomToken(16) : null
  const url = new URL(checkBrowserUrl(provider.authorizationEndpoint))
  const { data } = provider
  const query: Record<string, string> = inOrder(
    data.authorize_order,
    shapeParameters(provider, 'authorize', {
      ...data.parameters.authorize,
      ...request.parameters,
      response_type: 'code',
      client_id: request.clientId,
      redirect_uri: data.redirect_value ?? request.redirectUri,
      state,
      ...challengeOf(provider, verifier),
      ...(request.scope.length > 0 ? { scope: request.scope.join(data.scope_separator) } : {}),
      ...(request.loginHint === undefined ? {} : { login_hint: request.loginHint }),
      ...(nonce === null ? {} : { nonce }),
    }),
  )
  // RFC 6749 section 3.1: a query that the endpoint has already is kept.
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  for (const resource of request.resource ?? []) url.searchParams.append('resource', resource)
  // Space as %20: some providers do not read the plus sign.
  url.search = url.search.replaceAll('+', '%20')
  if (data.scope_separator_raw) url.search = withRawSeparator(url.search, data.rename.authorize.scope ?? 'scope', data.scope_separator)
  const parameters = () => ({ ...query, ...(request.resource?.[0] === undefined ? {} : { resource: request.resource[0] }) })
  return { url: url.href, parameters, state: new Secret(state), codeVerifier: new Secret(verifier), nonce }
}

function challengeOf(provider: ResolvedProvider, verifier: string): Record<string, string> {
  switch (provider.data.pkce) {
    case 'S256':
      return { code_challenge: codeChallenge(verifier), code_challenge_method: 'S256' }
    case 'hex':
      return { code_challenge: createHash('sha256').update(verifier).digest('hex'), code_challenge_method: 'S256' }
    case 'refused':
      return {}
  }
}

/** Puts the named parameters first, in this order; the rest follows as it stands. */
function inOrder(order: string[], query: Record<string, string>): Record<string, string> {
  if (order.length === 0) return query
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length)
  return Object.fromEntries(Object.entries(query).sort(([a], [b]) => rank(a) - rank(b)))
}

function withRawSeparator(search: string, name: string, separator: string): string {
  return search.replace(/([?&])([^=&]+)=([^&]*)/g, (whole, mark: string, found: string, value: string) =>
    decodeURIComponent(found) === name ? `${mark}${found}=${value.replaceAll(encodeURIComponent(separator), separator)}` : whole,
  )
}

/** @see RFC 7636 section 4.2 */
export const codeChallenge = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

/** What an answer through the browser says beside the code; it is kept with the answer to the token request. */
export type CallbackFacts = { kept: Record<string, string>; scope: string | null; tokenHost: string | null }

/**
 * Reads the answer that the provider sent through the browser. The state was looked up before.
 *
 * @throws Problem consent_malformed, consent_issuer_mismatch, consent_denied, consent_failed
 * @see RFC 6749 section 4.1.2, RFC 9207 section 2.4
 */
export function readAuthorizationResponse(query: URLSearchParams, provider: ResolvedProvider): { code: Secret; facts: CallbackFacts } {
  for (const name of new Set(query.keys())) {
    if (query.getAll(name).length > 1) throw new Problem('consent_malformed', `The answer contains "${redactText(name, 40)}" twice.`)
  }
  const iss = query.get('iss')
  // Invariant: plain string comparison; nothing is trimmed, folded or decoded twice.
  if (iss !== null && provider.issuer !== null && !issuerMatches(provider.issuer, iss)) {
    throw new Problem('consent_issuer_mismatch', `The answer names another issuer than ${provider.name}.`)
  }
  if (iss === null && provider.issParameter === 'required') {
    throw new Problem('consent_issuer_mismatch', `${provider.name} names its issuer in every answer; this one does not.`)
  }
  const rules = provider.data.callback
  const code = query.get(rules.code)
  const error = query.get('error')
  if (error !== null && code !== null) throw new Problem('consent_malformed', 'The answer contains both a code and an error.')
  if (error !== null) {
    const words = redactText([error, query.get('error_description') ?? ''].filter((part) => part !== '').join(': '), 400)
    if (saysNo.has(error) || rules.denied.includes(error)) throw new Problem('consent_denied', `${provider.name} says: ${words}`)
    throw new Problem('consent_failed', `${provider.name} says: ${words}`)
  }
  if (code === null || code === '') throw new Problem('consent_malformed', 'The answer contains neither a code nor an error.')
  if (code.length > 8192 || !/^[\x20-\x7e]+$/.test(code)) throw new Problem('consent_malformed', 'The code in the answer has a form that none has.')
  const suffix = rules.code_suffix
  return { code: new Secret(suffix !== undefined && code.endsWith(suffix) ? code.slice(0, -suffix.length) : code), facts: readFacts(query, provider) }
}

const saysNo = new Set(['access_denied', 'user_denied', 'user_cancelled_login', 'user_cancelled_authorize', 'consent_required'])

function readFacts(query: URLSearchParams, provider: ResolvedProvider): CallbackFacts {
  const { keep, scope, token_host: rule } = provider.data.callback
  const short = (name: string) => {
    const value = query.get(name)
    return value !== null && value !== '' && value.length <= 1000 ? value : null
  }
  const kept = Object.fromEntries(keep.map((name) => [name, short(name)]).filter((pair): pair is [string, string] => pair[1] !== null))
  return {
    kept,
    scope: scope === undefined ? null : short(scope),
    tokenHost: rule === undefined ? null : hostAmong(short(rule.parameter), rule.hosts, provider),
  }
}

/** Invariant: code and client secret go to no host that the description does not list, whoever names it. */
function hostAmong(named: string | null, hosts: string[], provider: ResolvedProvider): string | null {
  if (named === null) return null
  const host = /^https:\/\/([^/?#@\\]+)\/?$/.exec(named)?.[1] ?? named
  if (hosts.includes(host)) return host
  throw new Problem('consent_failed', `${provider.name} names a server for this account that is not one of its own: ${redactText(named, 100)}.`)
}

/** Returns the parameters that trade a code for tokens. @see RFC 6749 section 4.1.3, RFC 7636 section 4.5 */
export function codeParameters(
  provider: ResolvedProvider,
  request: { code: Secret; codeVerifier: Secret; redirectUri: string; facts?: CallbackFacts | undefined },
): Record<string, string> {
  return {
    ...provider.data.parameters.token,
    ...sentBack(provider, request.facts?.kept ?? {}),
    grant_type: grantTypeOf(provider, 'authorization_code'),
    code: request.code.reveal(),
    redirect_uri: provider.data.redirect_value ?? request.redirectUri,
    ...(provider.data.pkce === 'refused' ? {} : { code_verifier: request.codeVerifier.reveal() }),
  }
}

/** Returns what came through the browser and must be said again in token requests. */
export function sentBack(provider: ResolvedProvider, kept: Record<string, string>): Record<string, string> {
  return Object.fromEntries(provider.data.callback.send_back.filter((name) => Object.hasOwn(kept, name)).map((name) => [name, kept[name]!]))
}
