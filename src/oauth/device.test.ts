import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProblem } from '../base/problem.ts'
import type { ProblemCode } from '../base/problem-codes.ts'
import { Secret } from '../base/secret.ts'
import { deviceParameters, readDeviceAuthorization, slower } from './device.ts'
import { exampleProvider } from './example-provider.ts'
import { deviceTokenParameters } from './grants.ts'
import type { RawAnswer } from './token-endpoint.ts'

const now = Date.UTC(2026, 10, 24, 12)
const provider = exampleProvider()
const answer = { device_code: 'dc', user_code: 'WDJB-MJHT', verification_uri: 'https://as.example/device', expires_in: 1800, interval: 7 }
const raw = (body: unknown, status = 200): RawAnswer => ({
  status,
  headers: { contentType: 'application/json', date: '', retryAfter: '' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const read = (body: unknown, status = 200) => readDeviceAuthorization(raw(body, status), provider, now)
const refuses = (body: unknown, code: ProblemCode, status = 200) =>
  assert.throws(
    () => read(body, status),
    (error) => isProblem(error, code),
    JSON.stringify(body).slice(0, 100),
  )

test('the answer of the RFC is read', () => {
  const { deviceCode, ...rest } = read({ ...answer, verification_uri_complete: 'https://as.example/device?user_code=WDJB-MJHT' })
  assert.equal(deviceCode.reveal(), 'dc')
  assert.deepEqual(rest, {
    userCode: 'WDJB-MJHT',
    verificationUri: 'https://as.example/device',
    verificationUriComplete: 'https://as.example/device?user_code=WDJB-MJHT',
    expiresAt: now + 1_800_000,
    interval: 7000,
  })
})

test('the older name verification_url is read too', () => {
  const { verification_uri: _, ...older } = answer
  assert.equal(read({ ...older, verification_url: 'https://www.google.example/device' }).verificationUri, 'https://www.google.example/device')
})

test('O23: without an interval it is five seconds, and slow_down adds five for good', () => {
  for (const interval of [undefined, null, 0, -1, 'x']) assert.equal(read({ ...answer, interval }).interval, 5000)
  assert.equal(read({ ...answer, interval: '3' }).interval, 3000)
  assert.equal(slower(5000), 10_000)
  assert.equal(slower(slower(7000)), 17_000)
})

test('O23: it ends, also when the answer says nothing or nonsense of the end', () => {
  assert.equal(read({ ...answer, expires_in: '600' }).expiresAt, now + 600_000)
  for (const expires_in of [undefined, null, 0, -5, 'soon', 1e300, Number.MAX_SAFE_INTEGER]) {
    const { expiresAt } = read({ ...answer, expires_in })
    assert.ok(expiresAt > now && expiresAt <= now + 3_600_000, String(expires_in))
  }
})

test('N7: the address to open must be https, the complete one too', () => {
  for (const uri of [
    'http://as.example/device',
    'javascript:alert(1)',
    'file:///etc/passwd',
    '\\\\host\\share',
    'https://as.example/$(id)',
    'customscheme://x',
  ]) {
    assert.throws(
      () => read({ ...answer, verification_uri: uri }),
      (error) => isProblem(error),
      uri,
    )
    assert.throws(
      () => read({ ...answer, verification_uri_complete: uri }),
      (error) => isProblem(error),
      uri,
    )
  }
  assert.equal(read({ ...answer, verification_uri: 'http://127.0.0.1:9/device' }).verificationUri, 'http://127.0.0.1:9/device')
})

test('an answer without a code, an address or sense is refused', () => {
  for (const body of [
    '',
    '<html>',
    '[]',
    'null',
    {},
    { ...answer, device_code: '' },
    { ...answer, device_code: 5 },
    { ...answer, user_code: undefined },
    { ...answer, verification_uri: null },
  ]) {
    refuses(body, 'consent_failed')
  }
  refuses({ ...answer, user_code: 'x'.repeat(65) }, 'consent_failed')
  refuses({ ...answer, user_code: 'AB\u001b[2J' }, 'consent_failed')
  refuses({ error: 'invalid_client', error_description: 'no' }, 'consent_failed', 401)
  refuses({ error: 'invalid_scope' }, 'consent_failed', 200)
  refuses('', 'consent_failed', 404)
})

test('a server that is away is said to be away', () => {
  refuses('', 'provider_unavailable', 503)
  refuses('', 'provider_unavailable', 429)
})

test('the requests carry what RFC 8628 asks for', () => {
  assert.deepEqual(deviceParameters(provider, ['a', 'b']), { scope: 'a b' })
  assert.deepEqual(deviceParameters(provider, []), {})
  assert.deepEqual(deviceTokenParameters(provider, new Secret('dc')), { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'dc' })
})
