import { isProblem } from '../base/problem.ts'
import { escapeControls } from '../base/redact.ts'
import type { JSONWebKeySet } from 'jose'
import { apiHeaders, textAt } from '../oauth/api-call.ts'
import { checkIdToken } from '../oauth/id-token.ts'
import type { TokenSet } from '../oauth/token-endpoint.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { CredentialContext } from './context.ts'
import { checkDestination, type Reach } from './destination.ts'

/** Whose tokens they are, as far as the provider says. */
export type Account = { subject: string | null; username: string | null }

/**
 * Finds out whose tokens these are: from the ID token, if it holds in every respect, otherwise from the user info address.
 * Tokens are good without it; null means that nobody said.
 */
export async function identifyAccount(
  context: CredentialContext,
  provider: ResolvedProvider,
  registration: RegistrationRow,
  tokens: TokenSet,
  reach: Reach,
  nonce: string | null = null,
): Promise<Account | null> {
  if (tokens.account !== null) return tokens.account
  try {
    return (await fromIdToken(context, provider, registration, tokens, nonce)) ?? (await fromUserInfo(context, provider, tokens, reach))
  } catch (error) {
    // Whose account it is, is worth a warning, not the loss of the tokens that have just come.
    context.log.warn('account.not_identified', { provider: provider.id, error })
    return null
  }
}

async function fromIdToken(
  context: CredentialContext,
  provider: ResolvedProvider,
  registration: RegistrationRow,
  tokens: TokenSet,
  nonce: string | null,
): Promise<Account | null> {
  if (tokens.idToken === null || provider.jwksUri === null || provider.issuer === null) return null
  const response = await context.http({ method: 'GET', url: provider.jwksUri, timeout: 10_000 })
  if (response.status !== 200) return null
  const keys = JSON.parse(Buffer.from(response.body).toString('utf8')) as JSONWebKeySet
  try {
    const claims = await checkIdToken(tokens.idToken, { issuer: provider.issuer, clientId: registration.client_id, keys, now: context.clock.now(), nonce })
    return readAccount(claims, provider)
  } catch (error) {
    if (!isProblem(error)) throw error
    context.log.warn('id_token.refused', { provider: provider.id, error })
    return null
  }
}

async function fromUserInfo(context: CredentialContext, provider: ResolvedProvider, tokens: TokenSet, reach: Reach): Promise<Account | null> {
  if (provider.userinfoEndpoint === null) return null
  const mayAsk = provider.data.account.source === 'userinfo' || tokens.scope === null || tokens.scope.includes('openid') || tokens.scope.includes('email')
  if (!mayAsk) return null
  checkDestination(reach, { host: new URL(provider.userinfoEndpoint).host })
  const response = await context.http({ method: 'GET', url: provider.userinfoEndpoint, timeout: 10_000, headers: apiHeaders(provider, tokens.accessToken) })
  if (response.status !== 200) return null
  const claims = JSON.parse(Buffer.from(response.body).toString('utf8')) as Record<string, unknown>
  return readAccount(claims, provider)
}

function readAccount(claims: Record<string, unknown>, provider: ResolvedProvider): Account {
  const text = (path: string) => {
    const value = textAt(claims, path, 320)
    return value === null ? null : escapeControls(value)
  }
  const { subject, claims: names } = provider.data.account
  return { subject: text(subject) ?? text('sub'), username: names.map(text).find((value) => value !== null) ?? null }
}
