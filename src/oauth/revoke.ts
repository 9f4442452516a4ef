import { redactText } from '../base/redact.ts'
import type { OutgoingRequest } from '../base/http-types.ts'
import type { Secret } from '../base/secret.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { authenticatedRequest, type ClientCredentials } from './client-authentication.ts'
import type { RawAnswer } from './token-endpoint.ts'

/** Returns the parameters that take a token back. @see RFC 7009 section 2.1 */
export function revocationParameters(token: Secret, hint: 'refresh_token' | 'access_token'): Record<string, string> {
  return { token: token.reveal(), token_type_hint: hint }
}

/**
 * Makes the request that takes a token back, in the way that the provider has for it; null when it takes tokens of this kind
 * back only together with the other one.
 */
export async function revocationRequest(
  provider: ResolvedProvider,
  endpoint: string,
  client: ClientCredentials,
  { token, hint }: { token: Secret; hint: 'refresh_token' | 'access_token' },
  now: number,
): Promise<OutgoingRequest | null> {
  const { proof, tokens } = provider.data.revocation_request
  if (tokens !== 'both' && tokens !== hint) return null
  const parameters = { ...provider.data.parameters.revoke, ...(proof === 'bearer' ? {} : revocationParameters(token, hint)) }
  const request = await authenticatedRequest(provider, endpoint, client, parameters, now, 'revoke')
  return proof === 'bearer' ? { ...request, headers: { ...request.headers, authorization: `Bearer ${token.reveal()}` } } : request
}

export type RevocationOutcome = { kind: 'revoked' } | { kind: 'unavailable'; reason: string } | { kind: 'refused'; reason: string }

/** Reads what became of a revocation: any 2xx is success, also for a token that was dead already. @see RFC 7009 section 2.2 */
export function judgeRevocation(answer: RawAnswer): RevocationOutcome {
  if (answer.status >= 200 && answer.status < 300) return { kind: 'revoked' }
  if (answer.status === 429 || answer.status >= 500) return { kind: 'unavailable', reason: `status ${answer.status}` }
  let error = ''
  try {
    const fields = JSON.parse(answer.body) as { error?: unknown }
    if (typeof fields.error === 'string') error = fields.error
  } catch {
    error = ''
  }
  // A token that the provider does not know any more is as good as revoked.
  if (error === 'invalid_token' || error === 'invalid_grant') return { kind: 'revoked' }
  return { kind: 'refused', reason: redactText(error === '' ? `status ${answer.status}` : error, 100) }
}
