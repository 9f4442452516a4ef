import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { exampleProvider } from './example-provider.ts'
import { judgeTokenAnswer, type RawAnswer } from './token-endpoint.ts'

const now = Date.UTC(2026, 10, 24, 12)
const provider = exampleProvider()
const raw = (body: unknown, status = 200): RawAnswer => ({
  status,
  headers: { contentType: 'application/json', date: '', retryAfter: '' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const judge = (answer: RawAnswer, grantType = 'refresh_token') => judgeTokenAnswer(answer, provider, { now, requestedScope: [], grantType })
const ok = { access_token: 'at', token_type: 'Bearer' }

/** Values that a member of an answer may have, the nasty ones often. */
const nasty = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    '',
    'at',
    'Bearer',
    'mac',
    0,
    -1,
    1e300,
    '1e300',
    '999999999999',
    {},
    [],
    [null],
    [[]],
    { toString: 1 },
    { valueOf: null },
    { __proto__: null },
    'invalid_grant',
    'temporarily_unavailable',
    '\u0000',
    '\ud800',
  ),
  fc.jsonValue({ maxDepth: 3 }),
)
const names = [
  'access_token',
  'accessToken',
  'token_type',
  'tokenType',
  'expires_in',
  'expiresIn',
  'expires_at',
  'refresh_token',
  'refreshToken',
  'refresh_token_expires_in',
  'refresh_expires_in',
  'id_token',
  'scope',
  'scopes',
  'error',
  'error_description',
  'error_message',
  'message',
  'errors',
  'errcode',
  'errmsg',
  'ok',
  '__proto__',
  'toString',
]
const answers = fc.record({
  status: fc.oneof(fc.constantFrom(200, 201, 204, 302, 400, 401, 403, 408, 425, 429, 500, 503), fc.integer({ min: 0, max: 999 })),
  headers: fc.record({
    contentType: fc.string(),
    date: fc.oneof(fc.string(), fc.constant('Tue, 24 Nov 2026 12:00:00 GMT')),
    retryAfter: fc.oneof(fc.string(), fc.constantFrom('5', '-5', '1e400')),
  }),
  body: fc.oneof(
    fc.dictionary(fc.constantFrom(...names), nasty, { maxKeys: 8 }).map((value) => JSON.stringify(value)),
    fc.dictionary(fc.constantFrom(...names), fc.string(), { maxKeys: 5 }).map((value) => new URLSearchParams(value).toString()),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string(),
  ),
})

test('O12: whatever comes, judging never throws and grants nothing but a non-empty text', () => {
  fc.assert(
    fc.property(answers, (answer) => {
      const outcome = judge(answer)
      if (outcome.kind !== 'granted') return
      const { accessToken, tokenType, expiresAt, refreshTokenExpiresAt } = outcome.tokenSet
      assert.match(accessToken.reveal(), /^[\x21-\x7e]+$/)
      assert.equal(tokenType, 'Bearer')
      assert.ok(answer.body.includes('ccess'))
      assert.ok(answer.status >= 200 && answer.status < 300)
      // What the database can hold, and what can be a date.
      for (const time of [expiresAt, refreshTokenExpiresAt]) assert.ok(time === null || (Number.isSafeInteger(time) && time < 8.64e15))
    }),
    { numRuns: 3000 },
  )
})

test('judging does not throw at a list of errors that holds nothing', () => {
  for (const errors of [[null], [], [1], [[]], [{ code: { toString: 1 } }], [{ errorType: { toString: 1 } }]]) {
    assert.equal(judge(raw({ errors }, 400)).kind, 'refused')
    judge(raw({ errors }))
  }
  judge(raw({ ok: false, error: 0 }))
  judge(raw({ error: { code: { toString: 1 } } }, 400))
  assert.equal(judge(raw({ ...ok, token_type: { toString: 1 } })).kind, 'unusable')
})

test('O12: a token type that only sounds like a bearer token is not used', () => {
  for (const token_type of ['mac_token', 'PoP token', 'dpop-access', 'basic', 'token-binding', 'unknown', 'N_A', 'bearer mac']) {
    assert.equal(judge(raw({ ...ok, token_type })).kind, 'unusable', token_type)
  }
})

describe('a life beyond all reason is taken as unknown', () => {
  for (const value of [1e300, 1e15, '999999999999', 4e9 * 1000]) {
    test(String(value), () => {
      const outcome = judge(raw({ ...ok, expires_in: value, refresh_token: 'rt', refresh_token_expires_in: value }))
      assert.equal(outcome.kind, 'granted')
      if (outcome.kind !== 'granted') return
      assert.equal(outcome.tokenSet.expiresAt, null)
      assert.equal(outcome.tokenSet.refreshTokenExpiresAt, null)
    })
  }
  test('expires_at', () => {
    const outcome = judge(raw({ ...ok, expires_at: 1e300 }))
    assert.equal(outcome.kind === 'granted' && outcome.tokenSet.expiresAt, null)
  })
})

test('O28: a member twice in a JSON answer is refused, however it is spelt', () => {
  for (const body of ['{"access_token":"a","access_token":"b"}', '{"access_token":"a","\\u0061ccess_token":"b"}', '{"access_token":"a","x":{"y":1,"y":2}}']) {
    assert.equal(judge(raw(body)).kind, 'unusable', body)
  }
  assert.equal(judge(raw('{"access_token":"a","x":{"access_token":"b"},"y":["access_token","access_token"]}')).kind, 'granted')
})

test('an answer with both a token and an error is kept and not used', () => {
  assert.equal(judge(raw({ ...ok, error: 'invalid_grant' })).kind, 'unusable')
  assert.equal(judge(raw({ ...ok, error: {} })).kind, 'granted')
  assert.equal(judge(raw({ ...ok, error: [] })).kind, 'granted')
})

test('a refresh token that is not understood is not dropped', () => {
  for (const refresh_token of [12_345, { value: 'rt' }, ['rt'], true, 'x'.repeat(70_000)]) {
    assert.equal(judge(raw({ ...ok, refresh_token })).kind, 'unusable', JSON.stringify(refresh_token).slice(0, 40))
  }
})

test('O23: the answers of the device grant keep their meaning, whatever the status', () => {
  assert.deepEqual(judge(raw({ error: 'slow_down' }, 429), 'device_code'), { kind: 'slow_down' })
  assert.deepEqual(judge(raw({ error: 'authorization_pending' }, 503), 'device_code'), { kind: 'pending' })
  assert.deepEqual(judge(raw({ error: 'access_denied' }, 400), 'device_code'), { kind: 'denied' })
  assert.deepEqual(judge(raw({ error: 'authorization_declined' }, 400), 'device_code'), { kind: 'denied' })
  assert.equal(judge(raw({ error: 'access_denied' }, 403), 'client_credentials').kind, 'refused')
})

test('a server that is too busy for a moment is not a refusal', () => {
  assert.equal(judge(raw({ message: 'try again' }, 408)).kind, 'unavailable')
  assert.equal(judge(raw({}, 425)).kind, 'unavailable')
  assert.equal(judge(raw('', 425)).kind, 'unavailable')
})
