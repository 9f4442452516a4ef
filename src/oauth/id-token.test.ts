import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { base64url, exportJWK, generateKeyPair, SignJWT, type JSONWebKeySet, type JWTPayload } from 'jose'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { checkIdToken } from './id-token.ts'

const now = Date.UTC(2026, 10, 24, 12)
const seconds = now / 1000
const issuer = 'https://as.example'
const rsa = await generateKeyPair('RS256', { extractable: true })
const other = await generateKeyPair('RS256', { extractable: true })
const ec = await generateKeyPair('ES256', { extractable: true })
const jwk = async (key: CryptoKey, more: Record<string, string>) => ({ ...(await exportJWK(key)), use: 'sig', ...more })
const keys: JSONWebKeySet = { keys: [await jwk(rsa.publicKey, { kid: 'r1', alg: 'RS256' }), await jwk(ec.publicKey, { kid: 'e1', alg: 'ES256' })] }

const claims: JWTPayload = { iss: issuer, sub: 'alice', aud: 'client', iat: seconds - 10, exp: seconds + 300, email: 'alice@example.org' }
const sign = async (change: JWTPayload = {}, header: { alg: string; kid?: string } = { alg: 'RS256', kid: 'r1' }, key = rsa.privateKey) =>
  await new SignJWT(Object.fromEntries(Object.entries({ ...claims, ...change }).filter(([, value]) => value !== undefined)))
    .setProtectedHeader(header)
    .sign(key)
const check = async (token: string, set = keys) => await checkIdToken(new Secret(token), { issuer, clientId: 'client', keys: set, now })
const refuses = async (token: string, set = keys) => await assert.rejects(check(token, set), (error) => isProblem(error, 'consent_failed'))
const unsigned = (header: object, payload: object = claims) => `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(payload))}.`

test('a token in which everything holds gives its claims', async () => {
  assert.equal((await check(await sign())).email, 'alice@example.org')
  assert.equal((await check(await sign({ aud: ['client'] }))).sub, 'alice')
  assert.equal((await check(await sign({}, { alg: 'ES256', kid: 'e1' }, ec.privateKey))).sub, 'alice')
  assert.equal((await check(await sign({ aud: ['client', 'api'], azp: 'client' }))).sub, 'alice')
})

test('a clock that is a few minutes off does no harm', async () => {
  assert.equal((await check(await sign({ iat: seconds + 120, exp: seconds + 400 }))).sub, 'alice')
  assert.equal((await check(await sign({ iat: seconds - 700, exp: seconds - 120 }))).sub, 'alice')
})

// The names are those of the OpenID conformance suite.
describe('O8: a token in which anything does not hold is refused', () => {
  const cases: Record<string, () => Promise<string> | string> = {
    'invalid-iss': () => sign({ iss: 'https://evil.example' }),
    'iss-with-a-slash': () => sign({ iss: `${issuer}/` }),
    'invalid-missing-iss': () => sign({ iss: undefined }),
    'invalid-aud': () => sign({ aud: 'another' }),
    'invalid-missing-aud': () => sign({ aud: undefined }),
    'invalid-secondary-aud': () => sign({ aud: ['client', 'another'] }),
    'azp-of-another-client': () => sign({ azp: 'another' }),
    'invalid-expired-exp': () => sign({ exp: seconds - 3600 }),
    'invalid-missing-exp': () => sign({ exp: undefined }),
    'missing-iat': () => sign({ iat: undefined }),
    'iat-is-week-in-past': () => sign({ iat: seconds - 7 * 86_400 }),
    'iat-in-the-future': () => sign({ iat: seconds + 3600, exp: seconds + 7200 }),
    'missing-sub': () => sign({ sub: undefined }),
    'idtoken-sig-none': () => unsigned({ alg: 'none' }),
    'idtoken-sig-None': () => unsigned({ alg: 'None' }),
    'invalid-null-alg': () => unsigned({ alg: null }),
    'no-alg': () => unsigned({ typ: 'JWT' }),
    'invalid-sig-hs256': async () =>
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'r1' }).sign(new TextEncoder().encode(JSON.stringify(keys.keys[0]))),
    'invalid-signature': async () => (await sign()).replace(/\.[^.]+$/, `.${base64url.encode(Buffer.alloc(256, 7))}`),
    'signature-removed': async () => (await sign()).replace(/\.[^.]+$/, '.'),
    'payload-changed': async () => {
      const [header, , signature] = (await sign()).split('.')
      return `${header}.${base64url.encode(JSON.stringify({ ...claims, sub: 'mallory' }))}.${signature}`
    },
    'invalid-sig-rs256': () => sign({}, { alg: 'RS256', kid: 'r1' }, other.privateKey),
    'invalid-alternate-alg': () => sign({}, { alg: 'ES256', kid: 'r1' }, ec.privateKey),
    'unknown-kid': () => sign({}, { alg: 'RS256', kid: 'nobody' }),
    'not-a-token': () => 'hello',
    'an-empty-token': () => '',
  }
  for (const [name, make] of Object.entries(cases)) test(name, async () => await refuses(await make()))

  test('kid-absent-multiple-jwks', async () => {
    const two: JSONWebKeySet = { keys: [await jwk(rsa.publicKey, { kid: 'a' }), await jwk(other.publicKey, { kid: 'b' })] }
    await refuses(await sign({}, { alg: 'RS256' }), two)
  })
  test('a key set without keys', async () => {
    await refuses(await sign(), { keys: [] })
  })
})

describe('O8: the nonce of the consent', () => {
  const withNonce = async (token: string, nonce: string | null) => await checkIdToken(new Secret(token), { issuer, clientId: 'client', keys, now, nonce })
  const refused = async (token: string) => await assert.rejects(withNonce(token, 'n1'), (error) => isProblem(error, 'consent_failed'))
  test('must be in the token', async () => assert.equal((await withNonce(await sign({ nonce: 'n1' }), 'n1')).sub, 'alice'))
  test('invalid-nonce', async () => await refused(await sign({ nonce: 'n2' })))
  test('invalid-missing-nonce', async () => await refused(await sign()))
  test('is not asked for where none was sent', async () => assert.equal((await withNonce(await sign({ nonce: 'x' }), null)).sub, 'alice'))
})

test('the issuer may be one of a template, as at Microsoft', async () => {
  const at = async (iss: string) =>
    await checkIdToken(new Secret(await sign({ iss })), { issuer: 'https://as.example/{tenantid}/v2.0', clientId: 'client', keys, now })
  assert.equal((await at('https://as.example/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0')).sub, 'alice')
  for (const iss of ['https://as.example//v2.0', 'https://as.example/a/b/v2.0', 'https://evil.example/a/v2.0', 'https://as.example/{tenantid}/v2.0']) {
    await assert.rejects(at(iss), (error) => isProblem(error, 'consent_failed'), iss)
  }
})

test('kid-absent-single-jwks: one key needs no name', async () => {
  assert.equal((await check(await sign({}, { alg: 'RS256' }), { keys: [await jwk(rsa.publicKey, {})] })).sub, 'alice')
})
