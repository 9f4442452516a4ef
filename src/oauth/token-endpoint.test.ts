import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as oauth from 'oauth4webapi'
import type { OutgoingRequest } from '../base/http-types.ts'
import { Problem } from '../base/problem.ts'
import type { ProviderInput } from '../providers/provider-schema.ts'
import { exampleProvider } from './example-provider.ts'
import { judgeTokenAnswer, parseAnswer, sendTokenRequest, serializeAnswer, type RawAnswer, type TokenOutcome } from './token-endpoint.ts'

const now = Date.UTC(2026, 10, 24, 12)
const plain = exampleProvider()

function raw(body: unknown, more: { status?: number; contentType?: string; date?: string; retryAfter?: string } = {}): RawAnswer {
  return {
    status: more.status ?? 200,
    headers: { contentType: more.contentType ?? 'application/json', date: more.date ?? '', retryAfter: more.retryAfter ?? '' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
}

const judge = (answer: RawAnswer, provider = plain, grantType = 'authorization_code'): TokenOutcome =>
  judgeTokenAnswer(answer, provider, { now, requestedScope: ['mail'], grantType })

/** An outcome as plain data: secrets revealed, empty members left out. */
function shown(outcome: TokenOutcome): Record<string, unknown> {
  if (outcome.kind !== 'granted') return { ...outcome }
  const { accessToken, refreshToken, idToken, expiresAt, refreshTokenExpiresAt, tokenType, scope, extra } = outcome.tokenSet
  return {
    kind: 'granted',
    token: accessToken.reveal(),
    type: tokenType,
    ...(refreshToken ? { refresh: refreshToken.reveal() } : {}),
    ...(idToken ? { id: idToken.reveal() } : {}),
    ...(expiresAt === null ? {} : { lives: (expiresAt - now) / 1000 }),
    ...(refreshTokenExpiresAt === null ? {} : { refreshLives: (refreshTokenExpiresAt - now) / 1000 }),
    ...(scope === null ? {} : { scope }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  }
}

type Row = [title: string, body: unknown, expected: Record<string, unknown>, more?: Parameters<typeof raw>[1] & { data?: Partial<ProviderInput> }]

const ok = { access_token: 'at', token_type: 'Bearer' }
const granted = { kind: 'granted', token: 'at', type: 'Bearer' }

const grantedRows: Row[] = [
  ['the answer of the RFC', { ...ok, expires_in: 3600, refresh_token: 'rt', scope: 'a b' }, { ...granted, lives: 3600, refresh: 'rt', scope: ['a', 'b'] }],
  ['no token_type', { access_token: 'at' }, granted],
  ['token_type null', { ...ok, token_type: null }, granted],
  ['token_type bearer in lower case', { ...ok, token_type: 'bearer' }, granted],
  ['token_type BEARER in upper case', { ...ok, token_type: 'BEARER' }, granted],
  ['token_type that names the kind of token', { ...ok, token_type: 'User Access Token' }, granted],
  ['expires_in as a text', { ...ok, expires_in: '3600' }, { ...granted, lives: 3600 }],
  ['expires_in as a text with a space', { ...ok, expires_in: '3600 ' }, { ...granted, lives: 3600 }],
  ['expires_in with a fraction', { ...ok, expires_in: 3599.9 }, { ...granted, lives: 3599 }],
  ['expires_in null', { ...ok, expires_in: null }, granted],
  ['expires_in 0, which some mean as never', { ...ok, expires_in: 0 }, granted],
  ['expires_in negative', { ...ok, expires_in: -1 }, granted],
  ['expires_in as words', { ...ok, expires_in: 'soon' }, granted],
  ['no expires_in, but a life in the data', ok, { ...granted, lives: 7200 }, { data: { lifetimes: { access_token: 7200 } } }],
  ['expires_in wins over the data', { ...ok, expires_in: 60 }, { ...granted, lives: 60 }, { data: { lifetimes: { access_token: 7200 } } }],
  ['expires_in in milliseconds, by data', { ...ok, expires_in: 60_000 }, { ...granted, lives: 60 }, { data: { token_answer: { expires_in_unit: 'ms' } } }],
  ['expires_at in seconds', { ...ok, expires_at: now / 1000 + 90 }, { ...granted, lives: 90 }],
  ['expires_at as a date', { ...ok, expires_at: new Date(now + 90_000).toISOString() }, { ...granted, lives: 90 }],
  ['refresh_token null', { ...ok, refresh_token: null }, granted],
  ['refresh_token false', { ...ok, refresh_token: false }, granted],
  ['refresh_token empty', { ...ok, refresh_token: '' }, granted],
  ['id_token false', { ...ok, id_token: false }, granted],
  ['the end of the refresh token', { ...ok, refresh_token: 'rt', refresh_token_expires_in: 86_400 }, { ...granted, refresh: 'rt', refreshLives: 86_400 }],
  ['refresh_expires_in 0', { ...ok, refresh_token: 'rt', refresh_expires_in: 0 }, { ...granted, refresh: 'rt' }],
  ['scope as a list', { ...ok, scope: ['a', 'b'] }, { ...granted, scope: ['a', 'b'] }],
  ['scope with commas', { ...ok, scope: 'a,b' }, { ...granted, scope: ['a', 'b'] }],
  ['scope null', { ...ok, scope: null }, granted],
  ['scope empty', { ...ok, scope: '' }, granted],
  ['scope as an object', { ...ok, scope: {} }, granted],
  ['status 201', ok, granted, { status: 201 }],
  [
    'a form-encoded body',
    'access_token=at&token_type=bearer&expires_in=60&scope=a+b',
    { ...granted, lives: 60, scope: ['a', 'b'] },
    { contentType: 'application/x-www-form-urlencoded' },
  ],
  ['a form-encoded body that calls itself HTML', 'access_token=at&scope=', granted, { contentType: 'text/html' }],
  ['JSON that calls itself text', ok, granted, { contentType: 'text/plain' }],
  ['a byte order mark', `\ufeff${JSON.stringify(ok)}`, granted],
  ['white space around', `\n ${JSON.stringify(ok)}\n`, granted],
  ['unknown members', { ...ok, ext_expires_in: 1, nested: { a: [1, { b: null }] } }, granted],
  ['error null beside a token', { ...ok, error: null, error_description: null }, granted],
  [
    'a nested token, by data (Withings)',
    { status: 0, body: { access_token: 'at', refresh_token: 'rt', expires_in: 10_800 } },
    { ...granted, refresh: 'rt', lives: 10_800 },
    { data: { token_answer: { access_token: ['body.access_token'], refresh_token: ['body.refresh_token'], expires_in: ['body.expires_in'] } } },
  ],
  [
    'a token in a list, by data (Instagram)',
    { data: [{ access_token: 'at' }] },
    granted,
    { data: { token_answer: { access_token: ['data.0.access_token'] } } },
  ],
  ['camel case', { accessToken: 'at', expiresIn: 60, refreshToken: 'rt' }, { ...granted, lives: 60, refresh: 'rt' }],
  [
    'members to keep, by data',
    { ...ok, api_domain: 'https://x.example' },
    { ...granted, extra: { api_domain: 'https://x.example' } },
    { data: { token_answer: { keep: ['api_domain', 'absent'] } } },
  ],
  ['a long token', { ...ok, access_token: 'x'.repeat(20_000) }, { ...granted, token: 'x'.repeat(20_000) }],
]

const refused = (error: string, kind: string, status = 400, description = '') => ({ kind: 'refused', error, description, class: kind, status })

const refusedRows: Row[] = [
  ['invalid_grant', { error: 'invalid_grant', error_description: 'Token revoked' }, refused('invalid_grant', 'consent', 400, 'Token revoked'), { status: 400 }],
  ['invalid_client', { error: 'invalid_client' }, refused('invalid_client', 'client', 401), { status: 401 }],
  ['unauthorized_client', { error: 'unauthorized_client' }, refused('unauthorized_client', 'client'), { status: 400 }],
  ['invalid_scope', { error: 'invalid_scope' }, refused('invalid_scope', 'request'), { status: 400 }],
  ['unsupported_grant_type', { error: 'unsupported_grant_type' }, refused('unsupported_grant_type', 'request'), { status: 400 }],
  ['invalid_target', { error: 'invalid_target' }, refused('invalid_target', 'request'), { status: 400 }],
  ['interaction_required', { error: 'interaction_required' }, refused('interaction_required', 'consent'), { status: 400 }],
  [
    'an error with status 200 (GitHub)',
    { error: 'bad_refresh_token', error_description: 'It is wrong' },
    refused('bad_refresh_token', 'consent', 200, 'It is wrong'),
  ],
  ['ok false with status 200 (Slack)', { ok: false, error: 'invalid_refresh_token' }, refused('invalid_refresh_token', 'consent', 200)],
  ['a form-encoded error with status 200', 'error=invalid_grant&error_description=gone', refused('invalid_grant', 'consent', 200, 'gone')],
  [
    'a nested error (Facebook)',
    { error: { message: 'expired', type: 'OAuthException', code: 190 } },
    refused('OAuthException', 'request', 400, 'expired'),
    { status: 400 },
  ],
  [
    'a list of errors (Fitbit)',
    { errors: [{ errorType: 'invalid_grant', message: 'gone' }], success: false },
    refused('invalid_grant', 'consent', 400, 'gone'),
    { status: 400 },
  ],
  ['a numeric errcode (WeChat)', { errcode: 40_029, errmsg: 'invalid code' }, { kind: 'refused', error: 'errcode 40029', class: 'request' }],
  ['status 401 without a body', '', { kind: 'refused', class: 'client', status: 401 }, { status: 401 }],
]

const otherRows: Row[] = [
  ['authorization_pending', { error: 'authorization_pending' }, { kind: 'pending' }, { status: 400 }],
  ['authorization_pending with 428 (Google)', { error: 'authorization_pending' }, { kind: 'pending' }, { status: 428 }],
  ['authorization_pending with 200 (GitHub)', { error: 'authorization_pending' }, { kind: 'pending' }],
  ['slow_down', { error: 'slow_down' }, { kind: 'slow_down' }, { status: 400 }],
  ['expired_token', { error: 'expired_token' }, { kind: 'expired' }, { status: 400 }],
  ['429 without a body', '', { kind: 'unavailable', retryAfter: null }, { status: 429 }],
  ['429 with Retry-After', { error: 'too_many' }, { kind: 'unavailable', retryAfter: 30_000 }, { status: 429, retryAfter: '30' }],
  ['503 with HTML', '<h1>Maintenance</h1>', { kind: 'unavailable', retryAfter: 120_000 }, { status: 503, retryAfter: new Date(now + 120_000).toUTCString() }],
  ['500 with JSON', { message: 'oops' }, { kind: 'unavailable' }, { status: 500 }],
  ['502 with nothing', '', { kind: 'unavailable' }, { status: 502 }],
  ['temporarily_unavailable with 400', { error: 'temporarily_unavailable' }, { kind: 'unavailable' }, { status: 400 }],
  ['server_error with 400', { error: 'server_error' }, { kind: 'unavailable' }, { status: 400 }],
  ['408', '', { kind: 'unavailable' }, { status: 408 }],
]

const unusableRows: Row[] = [
  ['an empty body', '', { kind: 'unusable' }],
  ['HTML with status 200', '<!doctype html><title>Sign in</title>', { kind: 'unusable' }, { contentType: 'text/html' }],
  ['truncated JSON', '{"access_token":"at","refresh_to', { kind: 'unusable' }],
  ['plain words', 'OK', { kind: 'unusable' }],
  ['null', 'null', { kind: 'unusable' }],
  ['a list', '[{"access_token":"at"}]', { kind: 'unusable' }],
  ['a JSON text', '"at"', { kind: 'unusable' }],
  ['an empty object', {}, { kind: 'unusable' }],
  ['an empty token', { ...ok, access_token: '' }, { kind: 'unusable' }],
  ['a number as token', { ...ok, access_token: 12_345 }, { kind: 'unusable' }],
  ['a list as token', { ...ok, access_token: ['at'] }, { kind: 'unusable' }],
  ['an object as token', { ...ok, access_token: { value: 'at' } }, { kind: 'unusable' }],
  ['a token with a line break', { ...ok, access_token: 'at\r\nX-Evil: 1' }, { kind: 'unusable' }],
  ['a token with a space', { ...ok, access_token: 'at at' }, { kind: 'unusable' }],
  ['a token beyond ASCII', { ...ok, access_token: 'ät' }, { kind: 'unusable' }],
  ['a token of 100 kB', { ...ok, access_token: 'x'.repeat(100_000) }, { kind: 'unusable' }],
  ['token_type mac', { ...ok, token_type: 'mac' }, { kind: 'unusable' }],
  ['token_type DPoP, which nobody asked for', { ...ok, token_type: 'DPoP' }, { kind: 'unusable' }],
  ['token_type as a number', { ...ok, token_type: 1 }, { kind: 'unusable' }],
  ['a redirect', ok, { kind: 'unusable' }, { status: 302 }],
  ['a permanent redirect', '', { kind: 'unusable' }, { status: 308 }],
  ['a form with the token twice', 'access_token=at&access_token=other', { kind: 'unusable' }],
  ['JSON nested very deeply', `{"access_token":"at","x":${'['.repeat(500)}${']'.repeat(500)}}`, { kind: 'unusable' }],
  ['JSON nested so deeply that no parser would survive it', `{"access_token":"at","x":${'['.repeat(100_000)}`, { kind: 'unusable' }],
  ['an inherited name as token', '{"__proto__":{"access_token":"at"}}', { kind: 'unusable' }],
]

function runRows(rows: Row[]): void {
  for (const [title, body, expected, more = {}] of rows) {
    test(title, () => {
      const { data, ...rest } = more
      const provider = data ? exampleProvider(data) : plain
      const outcome = shown(judge(parseAnswer(serializeAnswer(raw(body, rest))), provider))
      if (expected.kind === 'granted') assert.deepEqual(outcome, expected)
      else assert.deepEqual({ ...outcome, ...expected }, outcome)
    })
  }
}

describe('an answer that carries a usable token is granted', () => runRows(grantedRows))
describe('an answer that refuses is refused, with whose turn it is', () => runRows(refusedRows))
describe('an answer that says wait means waiting', () => runRows(otherRows))
describe('O12: an answer without a usable bearer token is never a success', () => runRows(unusableRows))

test('O28: a token answer with a parameter twice is refused', () => {
  for (const body of ['access_token=a&access_token=b', 'access_token=a&token_type=bearer&token_type=mac', 'access_token=a&scope=x&scope=y']) {
    assert.equal(judge(raw(body)).kind, 'unusable', body)
  }
})

test('the words of the provider are shown without secrets and on one line', () => {
  const secret = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ'
  const outcome = judge(
    raw({ error: 'invalid_grant', error_description: `no\r\n\u001b[2J refresh_token=abcdef1234567890 ${secret} ${'x '.repeat(2000)}` }, { status: 400 }),
  )
  assert.equal(outcome.kind, 'refused')
  if (outcome.kind !== 'refused') return
  assert.doesNotMatch(outcome.description, /\p{Cc}/u)
  assert.doesNotMatch(outcome.description, /abcdef1234567890|eyJhbGci/)
  assert.ok(outcome.description.length <= 520)
})

test('the outcome of an answer does not change by being stored', () => {
  for (const [, body, , more = {}] of [...grantedRows, ...refusedRows, ...otherRows, ...unusableRows]) {
    const { data, ...rest } = more
    const answer = raw(body, rest)
    const provider = data ? exampleProvider(data) : plain
    assert.deepEqual(parseAnswer(serializeAnswer(answer)), answer)
    assert.deepEqual(shown(judge(parseAnswer(serializeAnswer(answer)), provider)), shown(judge(answer, provider)))
  }
})

test('the time of the request counts, so that a slow answer makes no token live longer', () => {
  const outcome = judgeTokenAnswer(raw({ ...ok, expires_in: 60 }), plain, { now: now - 30_000, requestedScope: [] })
  assert.equal(outcome.kind === 'granted' && outcome.tokenSet.expiresAt, now + 30_000)
})

test('sending asks for at most 256 KiB and returns the answer as it came', async () => {
  const asked: OutgoingRequest[] = []
  const answer = await sendTokenRequest(
    async (request) => {
      asked.push(request)
      return { status: 418, headers: { 'content-type': 'x/y', date: 'd', 'retry-after': '3', 'set-cookie': 'a=b' }, body: Buffer.from('{"a":"ä"}') }
    },
    { method: 'POST', url: 'https://as.example/token' },
  )
  assert.equal(asked[0]?.maxBytes, 262_144)
  assert.deepEqual(answer, { status: 418, headers: { contentType: 'x/y', date: 'd', retryAfter: '3' }, body: '{"a":"ä"}' })
})

test('a failed connection is thrown on as it is', async () => {
  const failure = new Problem('outgoing_failed', 'cut', { facts: { sent: true } })
  await assert.rejects(
    sendTokenRequest(() => Promise.reject(failure), { method: 'POST', url: 'https://as.example/token' }),
    failure,
  )
})

describe('a strict implementation agrees about well-formed answers', () => {
  const server: oauth.AuthorizationServer = { issuer: 'https://as.example', token_endpoint: 'https://as.example/token' }
  const token = fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,60}$/)
  const wellFormed = fc.record(
    {
      access_token: token,
      token_type: fc.constantFrom('Bearer', 'bearer', 'BEARER'),
      expires_in: fc.integer({ min: 1, max: 1_000_000 }),
      refresh_token: token,
      scope: fc.array(fc.stringMatching(/^[a-z.:/]{1,20}$/), { minLength: 1, maxLength: 4 }).map((list) => list.join(' ')),
    },
    { requiredKeys: ['access_token', 'token_type'] },
  )

  test('on what is granted', async () => {
    await fc.assert(
      fc.asyncProperty(wellFormed, async (body) => {
        const theirs = await oauth.processRefreshTokenResponse(server, { client_id: 'c' }, Response.json(body))
        const ours = judge(raw(body))
        assert.equal(ours.kind, 'granted')
        if (ours.kind !== 'granted') return
        assert.equal(ours.tokenSet.accessToken.reveal(), theirs.access_token)
        assert.equal(ours.tokenSet.tokenType.toLowerCase(), theirs.token_type)
        assert.equal(ours.tokenSet.refreshToken?.reveal(), theirs.refresh_token)
        assert.equal(ours.tokenSet.expiresAt, theirs.expires_in === undefined ? null : now + theirs.expires_in * 1000)
        assert.equal(ours.tokenSet.scope?.join(' '), theirs.scope)
      }),
      { numRuns: 200 },
    )
  })

  test('on what is refused', async () => {
    const codes = ['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope']
    for (const error of codes) {
      const body = { error, error_description: 'why' }
      await assert.rejects(
        oauth.processRefreshTokenResponse(server, { client_id: 'c' }, Response.json(body, { status: 400 })),
        (thrown: oauth.ResponseBodyError) => thrown.error === error,
      )
      const ours = judge(raw(body, { status: 400 }))
      assert.equal(ours.kind === 'refused' && ours.error, error)
    }
  })
})
