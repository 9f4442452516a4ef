import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OutgoingHttp } from '../base/http-types.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { parseProvider } from '../providers/catalogue.ts'
import { discover, metadataUrls, readMetadata } from './discovery.ts'

const issuer = 'https://as.example'
const metadata = {
  issuer,
  authorization_endpoint: 'https://as.example/authorize',
  token_endpoint: 'https://as.example/token',
  jwks_uri: 'https://as.example/jwks',
  grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
  token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_jwt', 'client_secret_basic'],
  scopes_supported: ['openid', 'email', 'offline_access', 'x'],
  authorization_response_iss_parameter_supported: true,
}
const read = (change: Record<string, unknown> = {}) => readMetadata(JSON.stringify({ ...metadata, ...change }), issuer)
const refuses = (change: Record<string, unknown>) =>
  assert.throws(
    () => read(change),
    (error) => isProblem(error, 'discovery_failed'),
    JSON.stringify(change),
  )

/** Answers by address; everything else is 404. */
const serving = (pages: Record<string, unknown>): OutgoingHttp & { asked: string[] } => {
  const asked: string[] = []
  const http: OutgoingHttp = async ({ url }) => {
    asked.push(url)
    const page = pages[url]
    if (page instanceof Error) throw page
    return { status: page === undefined ? 404 : 200, headers: {}, body: Buffer.from(typeof page === 'string' ? page : JSON.stringify(page ?? {})) }
  }
  return Object.assign(http, { asked })
}

test('the metadata of an issuer with a path lie in two places, one after OpenID Connect, one after RFC 8414', () => {
  assert.deepEqual(metadataUrls('https://as.example/tenant/'), [
    'https://as.example/tenant/.well-known/openid-configuration',
    'https://as.example/.well-known/oauth-authorization-server/tenant',
  ])
  assert.deepEqual(metadataUrls(issuer), ['https://as.example/.well-known/openid-configuration', 'https://as.example/.well-known/oauth-authorization-server'])
})

test('metadata become a description that the schema takes', () => {
  const description = parseProvider({ id: 'found', version: 1, name: 'Found', ...read() }, 'the test')
  assert.equal(description.issuer, issuer)
  assert.equal(description.iss_parameter, 'required')
  assert.deepEqual(description.grants, ['authorization_code', 'client_credentials'])
  assert.deepEqual(description.client_auth, ['client_secret_basic', 'private_key_jwt'])
  assert.deepEqual(description.default_scopes, ['openid', 'email', 'offline_access'])
})

test('the defaults of RFC 8414 hold where the metadata are thin', () => {
  const { grant_types_supported: _, token_endpoint_auth_methods_supported: __, ...thin } = metadata
  const description = readMetadata(JSON.stringify(thin), issuer)
  assert.deepEqual(description.grants, ['authorization_code'])
  assert.deepEqual(description.client_auth, ['client_secret_basic'])
})

describe('O7: the issuer in the metadata must be identical', () => {
  for (const other of [
    'https://as.example/',
    'https://AS.example',
    'http://as.example',
    'https://evil.example',
    'https://as.example:443',
    undefined,
    null,
    5,
    [issuer],
  ]) {
    test(JSON.stringify(other) ?? 'missing', () => refuses({ issuer: other }))
  }
})

describe('O24: what the metadata demand is done or refused, never left out', () => {
  test('requests that are sent ahead', () => {
    const pushed = { require_pushed_authorization_requests: true, pushed_authorization_request_endpoint: 'https://as.example/par' }
    const description = parseProvider({ id: 'found', version: 1, name: 'Found', ...read(pushed) }, 'the test')
    assert.equal(description.require_pushed_authorization_requests, true)
    assert.equal(description.pushed_authorization_request_endpoint, 'https://as.example/par')
    refuses({ require_pushed_authorization_requests: true })
    refuses({ ...pushed, pushed_authorization_request_endpoint: 'http://as.example/par' })
    assert.equal(read({ ...pushed, require_pushed_authorization_requests: false }).require_pushed_authorization_requests, undefined)
  })
  test('signed request objects', () => refuses({ require_signed_request_object: true }))
  for (const methods of [['tls_client_auth'], ['self_signed_tls_client_auth', 'tls_client_auth'], ['client_secret_jwt'], []]) {
    test(`client authentication by ${methods.join(' or ') || 'nothing'}`, () => {
      assert.throws(
        () => read({ token_endpoint_auth_methods_supported: methods }),
        (error) => isProblem(error, 'discovery_failed') && methods.every((method) => error.message.includes(method)),
      )
    })
  }
  test('a signature is not replaced by a secret', () => {
    assert.deepEqual(read({ token_endpoint_auth_methods_supported: ['private_key_jwt', 'tls_client_auth'] }).client_auth, ['private_key_jwt'])
  })
})

describe('O7: endpoints must be https addresses', () => {
  for (const endpoint of [
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'revocation_endpoint',
    'userinfo_endpoint',
    'device_authorization_endpoint',
  ]) {
    test(endpoint, () => {
      for (const address of [
        'http://as.example/x',
        'javascript:alert(1)',
        'file:///etc/passwd',
        'https://user@as.example/',
        '/token',
        '',
        5,
        {},
        ['https://as.example/x'],
      ]) {
        refuses({ [endpoint]: address })
      }
    })
  }
})

test('without a token endpoint, or without JSON, nothing is found', () => {
  refuses({ token_endpoint: undefined })
  for (const body of ['', '<html>', '{"issuer":'])
    assert.throws(
      () => readMetadata(body, issuer),
      (error) => isProblem(error, 'discovery_failed'),
    )
})

test('the second place is asked when the first has nothing, and no redirect is followed', async () => {
  const http = serving({ 'https://as.example/.well-known/oauth-authorization-server': metadata })
  assert.equal((await discover(http, issuer)).issuer, issuer)
  assert.equal(http.asked.length, 2)
  const moved: OutgoingHttp = async () => ({ status: 302, headers: { location: 'https://evil.example' }, body: new Uint8Array() })
  await assert.rejects(discover(moved, issuer), (error) => isProblem(error, 'discovery_failed'))
})

test('O7: metadata of another issuer in the first place are not made good by the second', async () => {
  const http = serving({
    'https://as.example/.well-known/openid-configuration': { ...metadata, issuer: 'https://evil.example' },
    'https://as.example/.well-known/oauth-authorization-server': metadata,
  })
  await assert.rejects(discover(http, issuer), (error) => isProblem(error, 'discovery_failed'))
})

test('a network failure is named, and a forbidden address is not tried twice', async () => {
  const down = serving({ 'https://as.example/.well-known/openid-configuration': new Problem('outgoing_failed', 'as.example: the connection was refused.') })
  await assert.rejects(discover(down, issuer), (error) => isProblem(error, 'discovery_failed'))
  const forbidden = serving({ 'https://as.example/.well-known/openid-configuration': new Problem('address_not_allowed', 'private') })
  await assert.rejects(discover(forbidden, issuer), (error) => isProblem(error, 'address_not_allowed'))
  assert.equal(forbidden.asked.length, 1)
})

test('O7: an issuer that is not https is never asked', async () => {
  const http = serving({})
  for (const bad of ['http://as.example', 'file:///x', 'javascript:1', 'as.example'])
    await assert.rejects(discover(http, bad), (error) => isProblem(error, 'discovery_failed'))
  assert.deepEqual(http.asked, [])
})
