import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Secret } from '../base/secret.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { algorithmOf, readPrivateKey } from './client-authentication.ts'
import { grantTypeOf } from './request-shape.ts'

const assertionLife = 300

/** Returns the parameters that trade a refresh token for new tokens. @see RFC 6749 section 6 */
export function refreshParameters(provider: ResolvedProvider, refreshToken: Secret, further: Record<string, string>): Record<string, string> {
  return { ...provider.data.parameters.refresh, ...further, grant_type: grantTypeOf(provider, 'refresh_token'), refresh_token: refreshToken.reveal() }
}

/**
 * Returns the parameters that get a token without a person. The variant is in the scope: Microsoft wants one
 * `<resource>/.default`, others want scopes, an audience or a resource.
 *
 * @see RFC 6749 section 4.4.2, RFC 8707 section 2
 */
export function clientCredentialsParameters(
  provider: ResolvedProvider,
  request: { scope: string[]; audience?: string | undefined; parameters?: Record<string, string> | undefined },
): Record<string, string> {
  return {
    ...provider.data.parameters.token,
    ...request.parameters,
    grant_type: grantTypeOf(provider, 'client_credentials'),
    ...(request.scope.length > 0 ? { scope: request.scope.join(provider.data.scope_separator) } : {}),
    ...(request.audience === undefined ? {} : { audience: request.audience }),
  }
}

/**
 * Makes the signed statement of a service account and the parameters that trade it for a token. `actFor` becomes the
 * subject: the mailbox, where a Google Workspace administrator has delegated the domain.
 *
 * @see RFC 7523 sections 2.1 and 3
 */
export async function jwtBearerParameters(
  provider: ResolvedProvider,
  request: {
    issuer: string
    actFor: string | null
    scope: string[]
    privateKey: Secret
    privateKeyId: string | null
    audience?: string | undefined
    variant: 'standard' | 'google_compatible' | 'microsoft_compatible'
    parameters?: Record<string, string> | undefined
    now: number
  },
): Promise<Record<string, string>> {
  const key = readPrivateKey(request.privateKey)
  const issuedAt = Math.floor(request.now / 1000)
  const scope = request.scope.join(provider.data.scope_separator)
  const google = request.variant === 'google_compatible'
  const subject = request.actFor ?? (google ? null : request.issuer)
  let jwt = new SignJWT({ jti: randomUUID(), ...provider.data.assertion_claims, ...(google && scope !== '' ? { scope } : {}) })
    .setProtectedHeader({
      alg: algorithmOf(key, provider.data.assertion_algorithm),
      typ: 'JWT',
      ...(request.privateKeyId === null ? {} : { kid: request.privateKeyId }),
    })
    .setIssuer(request.issuer)
    .setAudience(request.audience ?? provider.tokenEndpoint)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + assertionLife)
  if (subject !== null) jwt = jwt.setSubject(subject)
  return {
    ...provider.data.parameters.token,
    ...request.parameters,
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: await jwt.sign(key),
    ...(!google && scope !== '' ? { scope } : {}),
  }
}

/** Returns the parameters that ask whether the person has consented on the other device. @see RFC 8628 section 3.4 */
export function deviceTokenParameters(provider: ResolvedProvider, deviceCode: Secret): Record<string, string> {
  const { token, poll } = provider.data.parameters
  return { ...token, ...poll, grant_type: grantTypeOf(provider, 'device_code'), device_code: deviceCode.reveal() }
}
