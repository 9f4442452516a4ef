import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isProblem, type Problem } from '../base/problem.ts'
import { parseProvider } from './catalogue.ts'
import { issuerMatches, resolveProvider } from './provider-resolve.ts'
import type { ProviderInput } from './provider-schema.ts'

const make = (change: Partial<ProviderInput> = {}) =>
  parseProvider(
    {
      id: 'example',
      version: 1,
      name: 'Example',
      token_endpoint: 'https://login.example/{tenant}/token',
      grants: ['client_credentials'],
      client_auth: ['client_secret_post'],
      placeholders: { tenant: { title: 'Tenant', meaning: 'Which.', example: 'acme', pattern: '.*' } },
      ...change,
    } satisfies ProviderInput,
    'the test',
  )

function problemOf(change: Partial<ProviderInput>, values: Record<string, string>): Problem {
  let problem: unknown
  assert.throws(
    () => resolveProvider(make(change), values),
    (error) => {
      problem = error
      return isProblem(error, 'invalid_request')
    },
    JSON.stringify(values),
  )
  return problem as Problem
}

const hostile = [
  'evil.example/',
  'evil.example/x',
  'x/../..',
  '..',
  '.',
  'a/..',
  '@evil.example',
  'a@evil.example',
  'x#',
  '#x',
  'x?',
  '?a=b',
  'x%2f',
  '%2e%2e',
  'a b',
  'a\tb',
  'a\nb',
  '\\evil.example',
  'x:443',
  ':8443',
  '.evil',
  'evil.',
  'a..b',
  '',
  'ä',
  '[::1]',
  '{tenant}',
  '$(id)',
  'x'.repeat(300),
]

describe('a value fills its own place and changes nothing else', () => {
  test('in a path, whatever the pattern of the data lets through', () => {
    for (const value of hostile) problemOf({}, { tenant: value })
    for (const value of ['acme', 'contoso.onmicrosoft.com', '9188040d-6c67-4c5b-b112-36a304b66dad', 'a_b-c.d']) {
      assert.equal(resolveProvider(make(), { tenant: value }).tokenEndpoint, `https://login.example/${value}/token`)
    }
  })

  test('in a host, too', () => {
    const change = { token_endpoint: 'https://{tenant}.login.example/token' }
    for (const value of hostile) problemOf(change, { tenant: value })
    assert.equal(resolveProvider(make(change), { tenant: 'acme' }).tokenEndpoint, 'https://acme.login.example/token')
  })

  test('for any text at all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webPath(), fc.domain(), fc.constantFrom(...hostile)), (value) => {
        for (const template of ['https://login.example/{tenant}/token', 'https://{tenant}.login.example/x']) {
          let address: string
          try {
            address = resolveProvider(make({ token_endpoint: template }), { tenant: value }).tokenEndpoint
          } catch (error) {
            assert.ok(isProblem(error, 'invalid_request'))
            return
          }
          const url = new URL(address)
          assert.equal(url.protocol, 'https:')
          assert.ok(url.host === 'login.example' || url.host.endsWith('.login.example'))
          assert.equal(url.username + url.password + url.search + url.hash, '')
        }
      }),
      { numRuns: 2000 },
    )
  })
})

test('a value must match the whole pattern', () => {
  const placeholders = { tenant: { title: 'Tenant', meaning: 'Which.', example: 'acme', pattern: 'a|bc' } }
  for (const value of ['ab', 'abc', 'bcd', 'xa']) problemOf({ placeholders }, { tenant: value })
  assert.equal(resolveProvider(make({ placeholders }), { tenant: 'bc' }).tokenEndpoint, 'https://login.example/bc/token')
})

test('every missing and every unknown placeholder is named', () => {
  const problem = problemOf({}, { other: 'x' })
  assert.deepEqual(
    problem.errors.map((error) => error.path),
    ['placeholders.other', 'placeholders.tenant'],
  )
  assert.match(problem.errors[1]!.message, /acme/)
  problemOf({}, { ['__proto__']: 'x', constructor: 'y' })
})

test('a default counts where nothing is entered', () => {
  const placeholders = { tenant: { title: 'Tenant', meaning: 'Which.', example: 'acme', default: 'common' } }
  assert.equal(resolveProvider(make({ placeholders }), {}).tokenEndpoint, 'https://login.example/common/token')
})

describe('a whole address as a value', () => {
  const change: Partial<ProviderInput> = {
    token_endpoint: '{token_endpoint}',
    revocation_endpoint: '{revocation_endpoint}',
    placeholders: Object.fromEntries(
      ['token_endpoint', 'revocation_endpoint'].map((name) => [
        name,
        { title: name, meaning: 'Where.', example: 'https://as.example/x', kind: 'url' as const },
      ]),
    ),
  }
  test('is taken as it stands', () => {
    for (const url of ['https://as.example/token', 'https://as.example/token/?a=b%2Fc', 'http://127.0.0.1:9000/token', 'http://localhost/token']) {
      assert.equal(resolveProvider(make(change), { token_endpoint: url }).tokenEndpoint, url)
    }
  })
  test('must be https without a user name; plain http only on loopback', () => {
    for (const url of [
      'http://as.example/token',
      'javascript:alert(1)',
      'file:///x',
      'ftp://as.example/',
      'https://user@as.example/',
      'https://as.example/#x',
      'as.example/token',
      'http://127.0.0.1.evil.example/',
      'http://localhost.evil.example/',
    ]) {
      problemOf(change, { token_endpoint: url })
    }
  })
  test('may be left out where nothing needs it', () => {
    assert.equal(resolveProvider(make(change), { token_endpoint: 'https://as.example/token' }).revocationEndpoint, null)
    problemOf(change, {})
  })
})

test('O5: an issuer is the same text, but that a slot stands for one segment', () => {
  const microsoft = 'https://login.microsoftonline.com/{tenantid}/v2.0'
  assert.ok(issuerMatches('https://as.example', 'https://as.example'))
  assert.ok(issuerMatches(microsoft, 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0'))
  for (const other of ['https://as.example/', 'https://AS.example', '', undefined, ['https://as.example']])
    assert.equal(issuerMatches('https://as.example', other), false)
  for (const slot of ['', 'a/b', '..', '@evil.example', 'a?b', 'a%2fb'])
    assert.equal(issuerMatches(microsoft, `https://login.microsoftonline.com/${slot}/v2.0`), false, slot)
  assert.equal(issuerMatches(microsoft, 'https://login.microsoftonline.com/v2.0'), false)
  assert.equal(issuerMatches(microsoft, 'https://login.microsoftonline.evil/x/v2.0'), false)
  assert.equal(resolveProvider(make({ issuer: 'https://login.example/{tenant}' }), { tenant: 'a' }).issuer, 'https://login.example/a')
  assert.equal(resolveProvider(make({ issuer: microsoft }), { tenant: 'a' }).issuer, microsoft)
})

test('durations are milliseconds, and the refresh goes to the token endpoint unless the data say otherwise', () => {
  const resolved = resolveProvider(make({ lifetimes: { access_token: 60, refresh_token: 3600, earliest_refresh: 30 } }), { tenant: 'a' })
  assert.equal(resolved.accessTokenLifetime, 60_000)
  assert.equal(resolved.refreshTokenLifetime, 3_600_000)
  assert.equal(resolved.earliestRefreshBeforeEnd, 30_000)
  assert.equal(resolved.refreshEndpoint, 'https://login.example/a/token')
  assert.equal(
    resolveProvider(make({ refresh_endpoint: 'https://login.example/{tenant}/refresh' }), { tenant: 'a' }).refreshEndpoint,
    'https://login.example/a/refresh',
  )
  const nothing = resolveProvider(make(), { tenant: 'a' })
  assert.deepEqual([nothing.accessTokenLifetime, nothing.refreshTokenLifetime, nothing.earliestRefreshBeforeEnd], [null, null, undefined])
})
