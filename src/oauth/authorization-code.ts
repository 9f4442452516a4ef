import { createHash } from 'node:crypto'
import { randomToken } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { redactText } from '../base/redact.ts'
import { Secret } from '../base/secret.ts'
import { issuerMatches, type ResolvedProvider } from '../providers/provider-resolve.ts'
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
 * Makes the address where a person signs in and consents: with state, and with PKCE S256 always.
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
  const query: Record<string, string> = {
    ...provider.data.parameters.authorize,
    ...request.parameters,
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    state,
    code_challenge: codeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(request.scope.length > 0 ? { scope: request.scope.join(provider.data.scope_separator) } : {}),
    ...(request.loginHint === undefined ? {} : { login_hint: request.loginHint }),
    ...(nonce === null ? {} : { nonce }),
  }
  // RFC 6749 section 3.1: a query that the endpoint has already is kept.
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  for (const resource of request.resource ?? []) url.searchParams.append('resource', resource)
  // Space as %20: some providers do not read the plus sign.
  url.search = url.search.replaceAll('+', '%20')
  const parameters = () => ({ ...query, ...(request.resource?.[0] === undefined ? {} : { resource: request.resource[0] }) })
  return { url: url.href, parameters, state: new Secret(state), codeVerifier: new Secret(verifier), nonce }
}

/** @see RFC 7636 section 4.2 */
export const codeChallenge = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

/**
 * Reads the answer that the provider sent through the browser. The state was looked up before.
 *
 * @throws Problem consent_malformed, consent_issuer_mismatch, consent_denied, consent_failed
 * @see RFC 6749 section 4.1.2, RFC 9207 section 2.4
 */
export function readAuthorizationResponse(query: URLSearchParams, provider: ResolvedProvider): { code: Secret } {
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
  const code = query.get('code')
  const error = query.get('error')
  if (error !== null && code !== null) throw new Problem('consent_malformed', 'The answer contains both a code and an error.')
  if (error !== null) {
    const words = redactText([error, query.get('error_description') ?? ''].filter((part) => part !== '').join(': '), 400)
    if (['access_denied', 'user_denied', 'user_cancelled_login', 'user_cancelled_authorize', 'consent_required'].includes(error)) {
      throw new Problem('consent_denied', `${provider.name} says: ${words}`)
    }
    throw new Problem('consent_failed', `${provider.name} says: ${words}`)
  }
  if (code === null || code === '') throw new Problem('consent_malformed', 'The answer contains neither a code nor an error.')
  if (code.length > 8192 || !/^[\x20-\x7e]+$/.test(code)) throw new Problem('consent_malformed', 'The code in the answer has a form that none has.')
  return { code: new Secret(code) }
}

/** Returns the parameters that trade a code for tokens. @see RFC 6749 section 4.1.3, RFC 7636 section 4.5 */
export function codeParameters(provider: ResolvedProvider, request: { code: Secret; codeVerifier: Secret; redirectUri: string }): Record<string, string> {
  return {
    ...provider.data.parameters.token,
    grant_type: 'authorization_code',
    code: request.code.reveal(),
    redirect_uri: request.redirectUri,
    code_verifier: request.codeVerifier.reveal(),
  }
}
