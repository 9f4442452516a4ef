import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { ProviderInput } from '../src/providers/provider-schema.ts'
import { isGiven, openOddWorld, refused, tokens, type OddWorld, type Way } from './odd-provider.ts'
import { tester } from './world.ts'

// Every way in which the answers of real providers differ that a description can say: connected, renewed and handed out.

let odd: OddWorld
before(async () => {
  odd = await openOddWorld()
})
after(async () => await odd.close())
afterEach(async () => await odd.calm())

describe('the token answer', () => {
  it('lies deeper, with a name of its own for everything', async () => {
    const body = (n: string) => ({
      status: 0,
      body: { token: `at-${n}`, renew: `rt-${n}`, life: '3600000', rights: ['read', 7], user: { id: 12, mail: 'anna@example.org' } },
    })
    const { first, second, id } = await odd.liveThrough({
      change: () => ({
        token_answer: {
          access_token: ['body.token'],
          refresh_token: ['body.renew'],
          expires_in: ['body.life'],
          expires_in_unit: 'ms',
          scope: ['body.rights'],
          error: ['status'],
          keep: ['body.user.id'],
        },
        account: { source: 'token_answer', claims: ['body.user.mail'], subject: 'body.user.id' },
      }),
      token: () => ({ body: body('1') }),
      refresh: () => ({ body: body('2') }),
    })
    isGiven(first, 'at-1')
    isGiven(second, 'at-2')
    assert.deepEqual(second.scope, ['read', '7'])
    assert.deepEqual(second.facts, { 'body.user.id': '12' })
    const life = second.expiresAt! - Date.now()
    assert.ok(life > 3_500_000 && life <= 3_600_000, String(life))
    const view = await odd.world.credentials.get(id)
    assert.deepEqual([view.subject, view.username], ['12', 'anna@example.org'])
  })

  it('holds two tokens, of which the description chooses one', async () => {
    const { first } = await odd.liveThrough({
      change: () => ({ token_answer: { access_token: ['authed_user.access_token'], refresh_token: ['authed_user.refresh_token'] } }),
      token: () => ({ body: { access_token: 'bot', authed_user: { access_token: 'at-user', refresh_token: 'rt-user' } } }),
    })
    isGiven(first, 'at-user')
  })

  it('lies in a list', async () => {
    const { first } = await odd.liveThrough({
      change: () => ({ token_answer: { access_token: ['data.0.token'] } }),
      token: () => ({ body: { data: [{ token: 'at-list' }], refresh_token: 'rt-1' } }),
    })
    isGiven(first, 'at-list')
  })

  it('calls a bearer token something else', async () => {
    const { first } = await odd.liveThrough({
      change: () => ({ token_answer: { token_types: ['Vendor Token'] } }),
      token: () => ({ body: { ...tokens('1'), token_type: 'vendor token' } }),
    })
    isGiven(first, 'at-1')
  })

  it('names the end of the refresh token as a moment', async () => {
    const end = Math.floor(Date.now() / 1000) + 86_400 * 100
    const { id } = await odd.liveThrough({
      change: () => ({ token_answer: { refresh_token_expires_in: ['renew_until'] } }),
      refresh: () => ({ body: { ...tokens('2'), renew_until: end } }),
    })
    assert.equal((await odd.world.credentials.get(id)).refreshTokenExpiresAt, end * 1000)
  })

  it('names no end: the usual life of the provider counts', async () => {
    const { second } = await odd.liveThrough({ change: () => ({ lifetimes: { access_token: 1200 } }), refresh: () => ({ body: { access_token: 'at-2' } }) })
    const life = second.expiresAt! - Date.now()
    assert.ok(life > 1_100_000 && life <= 1_200_000)
  })

  it('names a host for later calls, which is kept if it is one of the provider', async () => {
    const { second } = await odd.liveThrough({
      change: () => ({ hosts: ['127.0.0.1', '*.api.example'], token_answer: { keep: ['instance', 'elsewhere'] } }),
      token: () => ({ body: { ...tokens('1'), instance: 'https://eu7.api.example/v1', elsewhere: 'https://api.example.evil/' } }),
    })
    assert.deepEqual(second.facts, { instance: 'https://eu7.api.example/v1' })
  })

  const failures: [title: string, answer: object, change: Partial<ProviderInput>, status: string][] = [
    [
      'a code that is not 0, which means that the grant has ended',
      { code: 20037, msg: 'expired' },
      { token_answer: { error: ['code'], errors: { consent: ['20037'] } } },
      'needs_consent',
    ],
    ['a code that means a wrong client', { status: 'bad_app' }, { token_answer: { error: ['status'], errors: { client: ['bad_app'] } } }, 'misconfigured'],
    ['a code that passes', { status: 601 }, { token_answer: { error: ['status'], errors: { retry: ['601'] } } }, 'retrying'],
    ['ok: false', { ok: false, error: 'token_revoked' }, { token_answer: { errors: { consent: ['token_revoked'] } } }, 'needs_consent'],
  ]
  for (const [title, body, change, status] of failures) {
    it(`is an error with status 200: ${title}`, async () => {
      const way: Way = { change: () => change, refresh: () => ({ body }) }
      const made = await odd.arrange(way)
      await odd.connect(made, way)
      await odd.world.credentials.refresh(made.id, tester).catch(() => undefined)
      assert.equal((await odd.world.credentials.get(made.id)).status, status)
    })
  }
})

describe('the renewal', () => {
  it('has an address of its own and keeps the refresh token when none comes', async () => {
    let renewals = 0
    const way: Way = {
      change: (url) => ({ refresh_endpoint: `${url}/refresh` }),
      refresh: ({ path, parameters }) =>
        path === '/refresh' && parameters.get('refresh_token') === 'rt-1'
          ? { body: { access_token: `at-${(renewals += 1) + 1}`, expires_in: 3600 } }
          : refused('address'),
    }
    const { second, id } = await odd.liveThrough(way)
    isGiven(second, 'at-2')
    await odd.world.credentials.refresh(id, tester)
    isGiven(await odd.world.credentials.handOut(id, { purpose: 'token', actor: tester }), 'at-3')
  })

  it('is done with the access token itself, by GET and without the client', async () => {
    const { second, requests } = await odd.liveThrough({
      change: (url) => ({
        refresh_endpoint: `${url}/refresh`,
        refresh_request: { method: 'GET', client: false, sends: 'access_token' },
        rename: { refresh: { refresh_token: 'access_token' } },
        grant_types: { refresh_token: 'ig_refresh_token' },
      }),
      token: () => ({ body: { access_token: 'at-1', expires_in: 5_184_000 } }),
      refresh: ({ method, path }) =>
        method === 'GET' && path === '/refresh?grant_type=ig_refresh_token&access_token=at-1'
          ? { body: { access_token: 'at-2', expires_in: 5_184_000 } }
          : refused(path),
    })
    isGiven(second, 'at-2')
    assert.doesNotMatch(requests[1]!.path + requests[1]!.body, /s3cret|client-1/)
  })

  it('has the refresh token in its header', async () => {
    const { second } = await odd.liveThrough({
      change: () => ({ refresh_request: { as: 'bearer', client: false, format: 'json' } }),
      refresh: (request) => (request.headers.authorization === 'Bearer rt-1' && !request.body.includes('rt-1') ? { body: tokens('2') } : refused('header')),
    })
    isGiven(second, 'at-2')
  })

  it('is not asked for before the moment at which the provider takes it', async () => {
    const way: Way = { change: () => ({ lifetimes: { earliest_refresh: 30 } }), token: () => ({ body: { ...tokens('1'), expires_in: 600 } }) }
    const made = await odd.arrange(way)
    const before = Date.now()
    await odd.connect(made, way)
    const due = (await odd.world.credentials.get(made.id)).refreshDueAt!
    assert.ok(due >= before + 570_000, `${(due - before) / 1000} s`)
  })
})

describe('after the consent', () => {
  it('the token is traded for one that lives longer', async () => {
    const { first, requests } = await odd.liveThrough({
      change: (url) => ({
        exchange: { endpoint: `${url}/exchange`, grant_type: 'fb_exchange_token', token: 'fb_exchange_token', parameters: { purpose: 'long' } },
      }),
      token: () => ({ body: { access_token: 'at-short', expires_in: 3600, refresh_token: 'rt-short', user_id: 'u1' } }),
      elsewhere: ({ path, parameters }) =>
        path === '/exchange' &&
        parameters.get('fb_exchange_token') === 'at-short' &&
        parameters.get('grant_type') === 'fb_exchange_token' &&
        parameters.get('client_secret') === 's3cret' &&
        parameters.get('purpose') === 'long'
          ? { body: { access_token: 'at-long', expires_in: 5_184_000, refresh_token: 'rt-long' } }
          : refused('exchange'),
    })
    isGiven(first, 'at-long')
    assert.ok(first.expiresAt! - Date.now() > 5_000_000_000)
    assert.deepEqual(
      requests.map(({ path }) => path),
      ['/token', '/exchange', '/token'],
    )
  })

  it('the first token is used when that trade fails', async () => {
    const { first } = await odd.liveThrough({
      change: (url) => ({ exchange: { endpoint: `${url}/exchange`, grant_type: 'x' } }),
      elsewhere: () => ({ status: 500, body: {} }),
    })
    isGiven(first, 'at-1')
  })

  it('facts are looked up with the token, shown as the provider wants it, and kept', async () => {
    const { second, id } = await odd.liveThrough({
      change: (url) => ({
        hosts: ['127.0.0.1', '*.api.example'],
        api: { value: 'OAuth {access_token}', headers: { 'client-id': '{client_id}' } },
        lookups: [{ url: `${url}/me`, keep: { api: 'accounts.0.href', cloud: 'id', far: 'far' } }],
        userinfo_endpoint: `${url}/me`,
        account: { source: 'userinfo', claims: ['identity.mail'], subject: 'id' },
      }),
      elsewhere: ({ headers }) =>
        headers.authorization === 'OAuth at-1' && headers['client-id'] === 'client-1'
          ? { body: { id: 77, accounts: [{ href: 'https://7.api.example/' }], far: 'https://evil.example/', identity: { mail: 'anna@example.org' } } }
          : { status: 401, body: {} },
    })
    assert.deepEqual(second.facts, { api: 'https://7.api.example/', cloud: '77' })
    const view = await odd.world.credentials.get(id)
    assert.deepEqual([view.subject, view.username], ['77', 'anna@example.org'])
  })

  it('a look-up that fails takes nothing away', async () => {
    const { second } = await odd.liveThrough({
      change: (url) => ({ lookups: [{ url: `${url}/me`, keep: { id: 'id' } }] }),
      elsewhere: () => ({ status: 500, body: 'no' }),
    })
    assert.deepEqual(second.facts, {})
  })
})

describe('the test call', () => {
  for (const [title, answer, ok] of [
    ['that says yes', { ok: true }, true],
    ['that says no with status 200', { ok: false }, false],
  ] as const) {
    it(`is JSON to an answer ${title}, with the token in a header of its own`, async () => {
      const way: Way = {
        change: (url) => ({
          api: { header: 'x-access-token', value: '{access_token}' },
          test_request: { method: 'POST', url: `${url}/graphql`, body: '{"query":"{me{id}}"}', expect: { member: 'ok', value: 'true' } },
        }),
        elsewhere: (request) =>
          request.headers['x-access-token'] === 'at-1' && request.headers.authorization === undefined && request.body.startsWith('{"query"')
            ? { body: answer }
            : { status: 401, body: {} },
      }
      const made = await odd.arrange(way)
      await odd.connect(made, way)
      const report = await odd.world.credentials.test(made.id, tester)
      assert.equal(report.steps.at(-1)!.name, 'call')
      assert.equal(report.ok, ok, JSON.stringify(report.steps))
    })
  }
})

describe('taking tokens back', () => {
  const revoke = async (way: Way) => {
    const made = await odd.arrange(way)
    await odd.connect(made, way)
    const { revocation } = await odd.world.credentials.revoke(made.id, tester)
    return { revocation, requests: odd.fake().seen.slice(1) }
  }

  it('is a DELETE with the client in a Basic header, under the names of the provider', async () => {
    const { revocation, requests } = await revoke({
      change: (url) => ({
        revocation_endpoint: `${url}/applications/{client_id}/grant`,
        revocation_request: { method: 'DELETE', format: 'json', proof: 'client_basic', tokens: 'access_token' },
        rename: { revoke: { token: 'access_token' } },
        leave_out: { revoke: ['token_type_hint'] },
      }),
      elsewhere: (request) =>
        request.method === 'DELETE' &&
        request.path === '/applications/client-1/grant' &&
        request.headers.authorization === `Basic ${btoa('client-1:s3cret')}` &&
        request.body === '{"access_token":"at-1"}'
          ? { status: 204, body: '' }
          : { status: 404, body: request.body },
    })
    assert.equal(revocation.outcome, 'revoked')
    assert.equal(requests.length, 1)
  })

  it('is done with the token as its own proof', async () => {
    const { revocation, requests } = await revoke({
      change: (url) => ({ revocation_endpoint: `${url}/revoke`, revocation_request: { proof: 'bearer', tokens: 'access_token', format: 'query' } }),
      elsewhere: (request) =>
        request.headers.authorization === 'Bearer at-1' && request.body === '' && request.path === '/revoke' ? { body: '' } : { status: 403, body: {} },
    })
    assert.equal(revocation.outcome, 'revoked')
    assert.equal(requests.length, 1)
  })

  it('needs no proof at all, and takes an access token only', async () => {
    const { revocation } = await revoke({
      change: (url) => ({
        revocation_endpoint: `${url}/deauthorize`,
        revocation_request: { proof: 'none', tokens: 'access_token' },
        rename: { revoke: { token: 'access_token' } },
      }),
      elsewhere: (request) =>
        request.parameters.get('access_token') === 'at-1' && !request.body.includes('client') ? { body: '' } : { status: 400, body: {} },
    })
    assert.equal(revocation.outcome, 'revoked')
  })
})
