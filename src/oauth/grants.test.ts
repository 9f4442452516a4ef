import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { compactVerify, decodeProtectedHeader } from 'jose'
import { Secret } from '../base/secret.ts'
import { exampleProvider } from './example-provider.ts'
import { clientCredentialsParameters, jwtBearerParameters, refreshParameters } from './grants.ts'

const now = Date.UTC(2026, 10, 24, 12)
const provider = exampleProvider()
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const privateKey = new Secret(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
const statement = {
  issuer: 'robot@project.iam.example',
  actFor: 'mailbox@example.org',
  scope: ['https://mail.example/', 'x'],
  privateKey,
  privateKeyId: 'k1',
  variant: 'google_compatible' as const,
  now,
}

async function verify(parameters: Record<string, string>) {
  const { payload } = await compactVerify(parameters.assertion!, rsa.publicKey)
  return { header: decodeProtectedHeader(parameters.assertion!), claims: JSON.parse(Buffer.from(payload).toString('utf8')) as Record<string, unknown> }
}

test('a refresh sends the refresh token, what the data add, and nothing that replaces the two', () => {
  const at = exampleProvider({ parameters: { refresh: { action: 'requesttoken', grant_type: 'x' } } })
  assert.deepEqual(refreshParameters(at, new Secret('rt'), { scope: 'a', refresh_token: 'other' }), {
    action: 'requesttoken',
    scope: 'a',
    grant_type: 'refresh_token',
    refresh_token: 'rt',
  })
})

test('client credentials ask for scopes, an audience, or one .default scope', () => {
  assert.deepEqual(clientCredentialsParameters(provider, { scope: [] }), { grant_type: 'client_credentials' })
  assert.deepEqual(
    clientCredentialsParameters(provider, { scope: ['https://outlook.office365.com/.default'], audience: 'api', parameters: { x: 'y', grant_type: 'z' } }),
    { grant_type: 'client_credentials', scope: 'https://outlook.office365.com/.default', audience: 'api', x: 'y' },
  )
})

test('a Google-compatible statement names the mailbox as subject and carries the scopes', async () => {
  const parameters = await jwtBearerParameters(provider, statement)
  assert.equal(parameters.grant_type, 'urn:ietf:params:oauth:grant-type:jwt-bearer')
  assert.equal('scope' in parameters, false)
  const { header, claims } = await verify(parameters)
  assert.deepEqual({ alg: header.alg, typ: header.typ, kid: header.kid }, { alg: 'RS256', typ: 'JWT', kid: 'k1' })
  assert.equal(claims.iss, statement.issuer)
  assert.equal(claims.sub, 'mailbox@example.org')
  assert.equal(claims.aud, 'https://as.example/token')
  assert.equal(claims.scope, 'https://mail.example/ x')
  assert.equal(claims.iat, now / 1000)
  assert.ok(Number(claims.exp) <= now / 1000 + 300)
})

test('a service account that acts for itself names no subject at Google', async () => {
  const { claims } = await verify(await jwtBearerParameters(provider, { ...statement, actFor: null }))
  assert.equal('sub' in claims, false)
})

test('a standard statement names a subject always, and the scopes beside the assertion', async () => {
  const parameters = await jwtBearerParameters(provider, { ...statement, variant: 'standard', actFor: null, audience: 'https://as.example' })
  const { claims } = await verify(parameters)
  assert.equal(claims.sub, statement.issuer)
  assert.equal(claims.aud, 'https://as.example')
  assert.equal('scope' in claims, false)
  assert.equal(parameters.scope, 'https://mail.example/ x')
})

test('O9: every statement has an id of its own', async () => {
  const ids = new Set<unknown>()
  for (let i = 0; i < 20; i++) ids.add((await verify(await jwtBearerParameters(provider, statement))).claims.jti)
  assert.equal(ids.size, 20)
})

test('a statement is signed as the provider wants it, and says what it wants to hear', async () => {
  const at = exampleProvider({ assertion_algorithm: 'PS256', assertion_claims: { box_sub_type: 'enterprise', sub: 'not this', iss: 'nor this' } })
  const { header, claims } = await verify(await jwtBearerParameters(at, { ...statement, variant: 'standard' }))
  assert.equal(header.alg, 'PS256')
  assert.equal(claims.box_sub_type, 'enterprise')
  assert.deepEqual([claims.sub, claims.iss], [statement.actFor, statement.issuer])
})
