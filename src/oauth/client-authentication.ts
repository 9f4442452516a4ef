import { createHash, createPrivateKey, randomUUID, X509Certificate, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { OutgoingRequest } from '../base/http-types.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { shapeParameters, wayOf, writeParameters, type Call } from './request-shape.ts'

/** How a client proves who it is. */
export type ClientCredentials = {
  clientId: string
  method: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'
  clientSecret: Secret | null
  /** PKCS #8 PEM. */
  privateKey: Secret | null
  privateKeyId: string | null
  /** PEM; its thumbprint goes into the assertion's header, as Entra wants it. */
  certificate: string | null
}

const assertionLife = 120

/**
 * Makes a request to an endpoint that wants client authentication: exactly one method, never in the address. How it is sent
 * and what its parameters are called, the description says.
 *
 * @see RFC 6749 section 2.3.1, RFC 7523 section 2.2
 */
export async function authenticatedRequest(
  provider: ResolvedProvider,
  endpoint: string,
  client: ClientCredentials,
  parameters: Record<string, string>,
  now: number,
  call: Call = 'token',
): Promise<OutgoingRequest> {
  const way = wayOf(provider, call)
  const body: Record<string, string> = { ...parameters }
  const headers: Record<string, string> = { ...way.headers }
  const basicOnly = call === 'revoke' && provider.data.revocation_request.proof === 'client_basic'
  if (way.client) Object.assign(headers, await proveClient(provider, basicOnly ? { ...client, method: 'client_secret_basic' } : client, body, now))
  if (call === 'refresh' && provider.data.refresh_request?.as === 'bearer') {
    headers.authorization = `Bearer ${body.refresh_token}`
    delete body.refresh_token
  }
  const { contentType, ...written } = writeParameters(way, endpoint, shapeParameters(provider, call, body))
  return { method: way.method, ...written, headers: { ...headers, ...(contentType === undefined ? {} : { 'content-type': contentType }) } }
}

/** Adds to the parameters what proves the client, and returns the headers that do. */
async function proveClient(provider: ResolvedProvider, client: ClientCredentials, body: Record<string, string>, now: number): Promise<Record<string, string>> {
  switch (client.method) {
    case 'client_secret_basic': {
      const secret = needed(client.clientSecret, 'client secret')
      return {
        authorization:
          provider.data.basic_pair === 'secret_only' ? basic(`${secret.reveal()}:`) : basicHeader(client.clientId, secret, provider.data.basic_raw),
      }
    }
    case 'client_secret_post':
      body.client_id = client.clientId
      body.client_secret = needed(client.clientSecret, 'client secret').reveal()
      return {}
    case 'private_key_jwt':
      body.client_id = client.clientId
      body.client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      body.client_assertion = (await clientAssertion(provider, client, now)).reveal()
      return {}
    case 'none':
      if (provider.data.public_basic) return { authorization: basic(`${client.clientId}:`) }
      body.client_id = client.clientId
      return {}
  }
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`

/** Encodes id and secret as RFC 6749 section 2.3.1 wants it: each form-encoded, then joined, then base64. */
function basicHeader(id: string, secret: Secret, raw: boolean): string {
  const encode = (text: string) => (raw ? text : new URLSearchParams({ x: text }).toString().slice(2))
  return basic(`${encode(id)}:${encode(secret.reveal())}`)
}

/**
 * Makes a client assertion: issuer and subject are the client, one audience as a text, two minutes of life, an id that never
 * repeats. A new one is made for every try.
 *
 * @see RFC 7523 section 3
 */
export async function clientAssertion(provider: ResolvedProvider, client: ClientCredentials, now: number): Promise<Secret> {
  const key = readPrivateKey(needed(client.privateKey, 'private key'))
  const alg = algorithmOf(key, provider.data.assertion_algorithm)
  const audience = provider.data.assertion_audience === 'issuer' && provider.issuer !== null ? provider.issuer : provider.tokenEndpoint
  const issuedAt = Math.floor(now / 1000)
  const header = {
    alg,
    typ: 'JWT',
    ...(client.privateKeyId === null ? {} : { kid: client.privateKeyId }),
    ...(client.certificate === null ? {} : thumbprints(client.certificate)),
  }
  const jwt = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader(header)
    .setIssuer(client.clientId)
    .setSubject(client.clientId)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt - 5)
    .setExpirationTime(issuedAt + assertionLife)
    .sign(key)
  return new Secret(jwt)
}

function thumbprints(pem: string): { x5t: string; 'x5t#S256': string } {
  const der = new X509Certificate(pem).raw
  const digest = (name: string) => createHash(name).update(der).digest('base64url')
  return { x5t: digest('sha1'), 'x5t#S256': digest('sha256') }
}

/** Reads a private key in PEM. @throws Problem misconfigured */
export function readPrivateKey(pem: Secret): KeyObject {
  try {
    return createPrivateKey(pem.reveal())
  } catch {
    throw new Problem('misconfigured', 'The private key is not a key in PEM form without a passphrase.')
  }
}

/** Returns the signature algorithm for a key: RS256 (or what the provider wants) for RSA (at least 2048 bits), ES256, ES384 or EdDSA. @throws Problem misconfigured */
export function algorithmOf(key: KeyObject, rsa: 'RS256' | 'PS256' = 'RS256'): string {
  if (key.asymmetricKeyType === 'rsa') {
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) throw new Problem('misconfigured', 'The RSA key has fewer than 2048 bits.')
    return rsa
  }
  if (key.asymmetricKeyType === 'ec') {
    const curve = key.asymmetricKeyDetails?.namedCurve
    if (curve === 'prime256v1') return 'ES256'
    if (curve === 'secp384r1') return 'ES384'
  }
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA'
  throw new Problem('misconfigured', 'The private key is of a kind that cannot sign assertions: RSA, P-256, P-384 and Ed25519 can.')
}

function needed(secret: Secret | null, what: string): Secret {
  if (secret === null) throw new Problem('misconfigured', `The registration has no ${what} any more.`, { nextStep: `Enter the ${what} in the registration.` })
  return secret
}
