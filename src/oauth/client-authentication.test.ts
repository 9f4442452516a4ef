import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compactVerify, decodeProtectedHeader } from 'jose'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { algorithmOf, authenticatedRequest, clientAssertion, readPrivateKey, type ClientCredentials } from './client-authentication.ts'
import { exampleProvider } from './example-provider.ts'

const now = Date.UTC(2026, 10, 24, 12)
const provider = exampleProvider()
const endpoint = 'https://as.example/token'
const pem = (key: { privateKey: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer } }) =>
  new Secret(key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A self-signed certificate of P-256, made for this test by openssl. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUZh2NcQZKEseE2PViNyV3aBK5ixAwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHZXhhbXBsZTAgFw0yNjExMjQxNDIxMjRaGA8yMTI2MTAzMTE0
MjEyNFowEjEQMA4GA1UEAwwHZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABFFbcBubjxIXszUBo0zNGgaBHXfxgUI92XJSNGtfS7xUPApBrbZBDlkb8WXM
p81V5nbO3V6qSylLHGLK8dcNbUmjUzBRMB0GA1UdDgQWBBS2dng6HNFKpHU5ue9E
HGeDHumQNzAfBgNVHSMEGDAWgBS2dng6HNFKpHU5ue9EHGeDHumQNzAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIGN4/NzJqO3+4Pzabxb8S2Ih+C7e
7lZjRJTUrgOVUQfUAiEAv/zCcR8MHynASvA0/XczOJIrDsUsew1COSJYip7tXSU=
-----END CERTIFICATE-----
`

const client = (change: Partial<ClientCredentials> = {}): ClientCredentials => ({
  clientId: 'client',
  method: 'client_secret_basic',
  clientSecret: new Secret('s3cret'),
  privateKey: null,
  privateKeyId: null,
  certificate: null,
  ...change,
})
const signing = (change: Partial<ClientCredentials> = {}) => client({ method: 'private_key_jwt', clientSecret: null, privateKey: pem(ec), ...change })
const send = async (who: ClientCredentials, at = provider) => {
  const request = await authenticatedRequest(at, endpoint, who, { grant_type: 'client_credentials' }, now)
  return { ...request, authorization: request.headers?.authorization, body: new URLSearchParams(String(request.body)) }
}

/** Undoes the Basic header as RFC 6749 section 2.3.1 says a server does. */
function readBasic(header: string | undefined): [id: string, secret: string] {
  const text = Buffer.from(/^Basic ([A-Za-z0-9+/=]+)$/.exec(header ?? '')?.[1] ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  const decode = (part: string) => new URLSearchParams(`x=${part}`).get('x') ?? ''
  return [decode(text.slice(0, colon)), decode(text.slice(colon + 1))]
}

describe('O10: one method per request, never in the address', () => {
  const methods: ClientCredentials[] = [client(), client({ method: 'client_secret_post' }), signing(), client({ method: 'none' })]
  for (const who of methods) {
    test(who.method, async () => {
      const { authorization, body, url, method } = await send(who)
      const used = [authorization !== undefined, body.has('client_secret'), body.has('client_assertion')].filter(Boolean).length
      assert.equal(used, who.method === 'none' ? 0 : 1)
      assert.equal(url, endpoint)
      assert.equal(method, 'POST')
      for (const name of new Set(body.keys())) assert.equal(body.getAll(name).length, 1, name)
      assert.equal(body.get('client_id'), who.method === 'client_secret_basic' ? null : 'client')
      assert.equal(body.get('grant_type'), 'client_credentials')
    })
  }
})

test('O10: characters with a meaning survive the Basic header', async () => {
  for (const secret of [':', '%', '+', '&', '=', 'ä', ' ', 'a:b%41+c&d=e f/ü€', '%3A', '😀']) {
    const { authorization } = await send(client({ clientId: `robot:${secret}`, clientSecret: new Secret(secret) }))
    assert.deepEqual(readBasic(authorization), [`robot:${secret}`, secret])
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ minLength: 1, unit: 'grapheme' }), async (id, secret) => {
      const { authorization } = await send(client({ clientId: id, clientSecret: new Secret(secret) }))
      assert.deepEqual(readBasic(authorization), [id.toWellFormed(), secret.toWellFormed()])
    }),
    { numRuns: 100 },
  )
})

test('O10: characters with a meaning survive the body', async () => {
  const secret = ':%+&=ä €'
  const { body } = await send(client({ method: 'client_secret_post', clientSecret: new Secret(secret) }))
  assert.equal(body.get('client_secret'), secret)
})

test('a provider that wants the Basic header raw gets it raw, by data', async () => {
  const { authorization } = await send(client({ clientSecret: new Secret('a%b') }), exampleProvider({ basic_raw: true }))
  assert.equal(authorization, `Basic ${Buffer.from('client:a%b').toString('base64')}`)
})

test('a provider that wants JSON gets JSON, with its headers', async () => {
  const at = exampleProvider({ token_request: { format: 'json', headers: { 'notion-version': '2022-06-28' } } })
  const request = await authenticatedRequest(at, endpoint, client({ method: 'client_secret_post' }), { grant_type: 'x' }, now)
  assert.equal(request.headers?.['content-type'], 'application/json')
  assert.equal(request.headers?.['notion-version'], '2022-06-28')
  assert.deepEqual(JSON.parse(String(request.body)), { grant_type: 'x', client_id: 'client', client_secret: 's3cret' })
})

test('a missing secret or key is said before anything is sent', async () => {
  for (const who of [client({ clientSecret: null }), client({ method: 'client_secret_post', clientSecret: null }), signing({ privateKey: null })]) {
    await assert.rejects(send(who), (error) => isProblem(error, 'misconfigured'))
  }
})

describe('client assertions', () => {
  const decode = async (who = signing(), at = provider) => {
    const jwt = (await clientAssertion(at, who, now)).reveal()
    const key = who.privateKey!.equals(pem(rsa)) ? rsa.publicKey : ec.publicKey
    const { payload } = await compactVerify(jwt, key)
    return { header: decodeProtectedHeader(jwt), claims: JSON.parse(Buffer.from(payload).toString('utf8')) as Record<string, unknown> }
  }

  test('O9: one audience as a text, at most five minutes, issuer and subject the client', async () => {
    for (const who of [signing(), signing({ privateKey: pem(rsa) })]) {
      const { header, claims } = await decode(who)
      assert.equal(header.alg, who.privateKey!.equals(pem(rsa)) ? 'RS256' : 'ES256')
      assert.equal(claims.iss, 'client')
      assert.equal(claims.sub, 'client')
      assert.equal(claims.aud, 'https://as.example/token')
      assert.equal(claims.iat, now / 1000)
      assert.ok(Number(claims.exp) > now / 1000 && Number(claims.exp) <= now / 1000 + 300)
      assert.ok(Number(claims.nbf ?? 0) <= now / 1000)
    }
  })

  test('O9: the audience is the issuer where the data say so, never what a request goes to', async () => {
    const at = exampleProvider({ assertion_audience: 'issuer' })
    assert.equal((await decode(signing(), at)).claims.aud, 'https://as.example')
    const elsewhere = await authenticatedRequest(provider, 'https://evil.example/device', signing(), {}, now)
    const jwt = new URLSearchParams(String(elsewhere.body)).get('client_assertion')!
    assert.equal((JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()) as { aud: string }).aud, 'https://as.example/token')
  })

  test('O9: every try has an assertion of its own', async () => {
    const ids = new Set<unknown>()
    for (let i = 0; i < 200; i++) ids.add((await decode()).claims.jti)
    assert.equal(ids.size, 200)
    const [one, two] = [await send(signing()), await send(signing())]
    assert.notEqual(one.body.get('client_assertion'), two.body.get('client_assertion'))
    assert.equal(one.body.get('client_assertion_type'), 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  })

  test('the key id and the thumbprints of the certificate stand in the header, as Entra wants them', async () => {
    const { header } = await decode(signing({ privateKeyId: 'k1', certificate }))
    const { raw } = new X509Certificate(certificate)
    assert.equal(header.kid, 'k1')
    assert.equal(header.x5t, createHash('sha1').update(raw).digest('base64url'))
    assert.equal(header['x5t#S256'], createHash('sha256').update(raw).digest('base64url'))
    assert.equal('x5t#S256' in (await decode()).header, false)
  })
})

test('a key that cannot sign safely is refused with what it is', () => {
  const refused = (secret: Secret) =>
    assert.throws(
      () => algorithmOf(readPrivateKey(secret)),
      (error) => isProblem(error, 'misconfigured') && !error.message.includes('BEGIN'),
    )
  refused(new Secret('hello'))
  refused(new Secret('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'))
  refused(pem(generateKeyPairSync('rsa', { modulusLength: 1024 })))
  refused(pem(generateKeyPairSync('x25519')))
  refused(pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })))
  assert.equal(algorithmOf(readPrivateKey(pem(generateKeyPairSync('ec', { namedCurve: 'P-384' })))), 'ES384')
  assert.equal(algorithmOf(readPrivateKey(pem(generateKeyPairSync('ed25519')))), 'EdDSA')
  assert.equal(algorithmOf(rsa.privateKey), 'RS256')
})
