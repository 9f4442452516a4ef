import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose'
import { Problem } from '../base/problem.ts'
import { isSameText, type Secret } from '../base/secret.ts'
import { issuerMatches } from '../providers/provider-resolve.ts'

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/**
 * Checks an ID token in full and returns its claims: signature by one of the provider's keys and an allowed algorithm,
 * issuer, audience, expiry, time of issue, subject, and the nonce where one was sent.
 *
 * @throws Problem consent_failed when any of it does not hold
 * @see OpenID Connect Core section 3.1.3.7
 */
export async function checkIdToken(
  token: Secret,
  expected: { issuer: string; clientId: string; keys: JSONWebKeySet; now: number; nonce?: string | null },
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token.reveal(), createLocalJWKSet(expected.keys), {
      audience: expected.clientId,
      algorithms,
      currentDate: new Date(expected.now),
      clockTolerance: 300,
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
      maxTokenAge: '1 day',
    })
    if (!issuerMatches(expected.issuer, payload.iss)) throw new Error('another issuer made it')
    if (expected.nonce != null && (typeof payload.nonce !== 'string' || !isSameText(payload.nonce, expected.nonce)))
      throw new Error('it belongs to another consent')
    if (Array.isArray(payload.aud) && payload.aud.length > 1 && payload.azp !== expected.clientId) throw new Error('another party is authorized')
    if (payload.azp !== undefined && payload.azp !== expected.clientId) throw new Error('another party is authorized')
    return payload
  } catch (error) {
    throw new Problem('consent_failed', 'The ID token of the provider does not hold.', { cause: error })
  }
}
