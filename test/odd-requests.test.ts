import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, afterEach, before, describe, it } from 'node:test'
import { isProblem } from '../src/base/problem.ts'
import { isGiven, openOddWorld, refused, tokens, type OddWorld, type Way } from './odd-provider.ts'
import { tester, type Answer, type SeenRequest } from './world.ts'

// Every way in which the requests of real providers differ that a description can say, against a server that behaves so and no
// other way: it answers nothing but what it expects.

let odd: OddWorld
before(async () => {
  odd = await openOddWorld()
})
after(async () => await odd.close())
afterEach(async () => await odd.calm())

const json = (request: SeenRequest) => JSON.parse(request.body) as Record<string, string>

describe('the authorization request', () => {
  it('has the names of the provider for its parameters, in its order, and without those that it refuses', async () => {
    const { asked, second, requests } = await odd.liveThrough({
      change: () => ({
        rename: {
          authorize: { client_id: 'appid', scope: 'user_scope' },
          token: { client_id: 'appid', client_secret: 'secret' },
          refresh: { client_id: 'appid', client_secret: 'secret' },
        },
        leave_out: { authorize: ['response_type'], token: ['grant_type'] },
        authorize_order: ['appid', 'redirect_uri', 'user_scope', 'state'],
        parameters: { authorize: { type: 'web_server' } },
      }),
      token: ({ parameters }) =>
        parameters.get('appid') === 'client-1' && parameters.get('secret') === 's3cret' && !parameters.has('client_id') && !parameters.has('grant_type')
          ? { body: tokens('1') }
          : refused('names'),
      refresh: ({ parameters }) =>
        parameters.get('appid') === 'client-1' && parameters.get('grant_type') === 'refresh_token' ? { body: tokens('2') } : refused('names'),
    })
    assert.deepEqual([...asked.searchParams.keys()].slice(0, 4), ['appid', 'redirect_uri', 'user_scope', 'state'])
    assert.equal(asked.searchParams.get('user_scope'), 'read write')
    assert.equal(asked.searchParams.get('type'), 'web_server')
    for (const name of ['response_type', 'client_id', 'scope']) assert.equal(asked.searchParams.has(name), false)
    assert.equal(requests.length, 2)
    isGiven(second, 'at-2')
  })

  for (const [separator, raw, text] of [
    [',', false, 'scope=read%2Cwrite'],
    ['+', true, 'scope=read+write'],
    [';', false, 'scope=read%3Bwrite'],
    [' ', false, 'scope=read%20write'],
  ] as const) {
    it(`separates scopes by "${separator}"${raw ? ' as it stands' : ''}`, async () => {
      const { asked, second } = await odd.liveThrough({ change: () => ({ scope_separator: separator, scope_separator_raw: raw }) })
      assert.ok(asked.search.includes(text), asked.search)
      isGiven(second, 'at-2')
    })
  }

  it('leaves the scope out where there is none', async () => {
    const { asked } = await odd.liveThrough({ scopes: [] })
    assert.equal(asked.searchParams.has('scope'), false)
  })

  it('stands before the fragment of an address that has one', async () => {
    const { asked, second } = await odd.liveThrough({ change: (url) => ({ authorization_endpoint: `${url}/connect#wechat_redirect` }) })
    assert.equal(asked.hash, '#wechat_redirect')
    assert.equal(asked.searchParams.get('response_type'), 'code')
    isGiven(second, 'at-2')
  })

  it('carries no PKCE where the provider refuses it, nor does the token request', async () => {
    const { asked, second } = await odd.liveThrough({
      change: () => ({ pkce: 'refused' }),
      token: ({ parameters }) => (parameters.has('code_verifier') ? refused('PKCE') : { body: tokens('1') }),
    })
    assert.equal(asked.searchParams.has('code_challenge'), false)
    assert.ok(asked.searchParams.get('state')!.length > 30)
    isGiven(second, 'at-2')
  })

  it('carries the challenge in hexadecimal where that is wanted', async () => {
    let challenge = ''
    const { second } = await odd.liveThrough({
      change: () => ({ pkce: 'hex' }),
      callback: (asked) => {
        challenge = asked.searchParams.get('code_challenge')!
        return { code: 'CODE' }
      },
      token: ({ parameters }) =>
        createHash('sha256').update(parameters.get('code_verifier')!).digest('hex') === challenge ? { body: tokens('1') } : refused('verifier'),
    })
    assert.match(challenge, /^[0-9a-f]{64}$/)
    isGiven(second, 'at-2')
  })

  it('names a redirect that is no address, and says the same in the token request', async () => {
    const { asked, second } = await odd.liveThrough({
      change: () => ({ redirect_value: '{runame}', placeholders: { runame: { title: 'RuName', meaning: 'The name.', example: 'acme' } } }),
      placeholders: { runame: 'Acme_Ltd-x' },
      token: ({ parameters }) => (parameters.get('redirect_uri') === 'Acme_Ltd-x' ? { body: tokens('1') } : refused('redirect')),
    })
    assert.equal(asked.searchParams.get('redirect_uri'), 'Acme_Ltd-x')
    isGiven(second, 'at-2')
  })

  it('has the client ID in its path', async () => {
    const { asked, second } = await odd.liveThrough({ change: (url) => ({ authorization_endpoint: `${url}/apps/{client_id}/authorize` }) })
    assert.equal(asked.pathname, '/apps/client-1/authorize')
    isGiven(second, 'at-2')
  })
})

describe('the answer through the browser', () => {
  it('has another name for the code, with something behind it', async () => {
    const { second } = await odd.liveThrough({
      change: () => ({ callback: { code: 'auth_code', code_suffix: '#_' } }),
      callback: () => ({ auth_code: 'CODE#_' }),
      token: ({ parameters }) => (parameters.get('code') === 'CODE' ? { body: tokens('1') } : refused('code')),
    })
    isGiven(second, 'at-2')
  })

  it('names the account and the scopes, which are kept over renewals', async () => {
    const { first, second, id } = await odd.liveThrough({
      change: () => ({ callback: { keep: ['realmId'], scope: 'scope' }, account: { source: 'callback', claims: ['realmId'], subject: 'realmId' } }),
      callback: () => ({ code: 'CODE', realmId: '4620816365', scope: 'read' }),
    })
    assert.deepEqual(first.facts, { realmId: '4620816365' })
    assert.deepEqual(second.facts, { realmId: '4620816365' })
    const view = await odd.world.credentials.get(id)
    assert.deepEqual(view.missingScopes, ['write'])
    assert.equal(view.subject, '4620816365')
  })

  it('names a value that must be sent back in every token request', async () => {
    const needs = ({ parameters }: SeenRequest, n: string): Answer => (parameters.get('device_id') === 'dev-7' ? { body: tokens(n) } : refused('device'))
    const { second } = await odd.liveThrough({
      change: () => ({ callback: { keep: ['device_id'], send_back: ['device_id'] } }),
      callback: () => ({ code: 'CODE', device_id: 'dev-7' }),
      token: (request) => needs(request, '1'),
      refresh: (request) => needs(request, '2'),
    })
    isGiven(second, 'at-2')
  })

  it('names the host of the account, where this and every later token request goes', async () => {
    const { second, requests } = await odd.liveThrough({
      change: () => ({ callback: { token_host: { parameter: 'accounts-server', hosts: ['localhost'] } } }),
      callback: () => ({ code: 'CODE', 'accounts-server': 'https://localhost' }),
    })
    assert.deepEqual(
      requests.map(({ headers }) => headers.host?.split(':')[0]),
      ['localhost', 'localhost'],
    )
    isGiven(second, 'at-2')
  })

  it('names a host that is none of the provider: nothing is sent anywhere', async () => {
    const way: Way = {
      change: () => ({ callback: { token_host: { parameter: 'accounts-server', hosts: ['localhost'] } } }),
      callback: () => ({ code: 'CODE', 'accounts-server': 'https://localhost.evil.example' }),
    }
    const made = await odd.arrange(way)
    await assert.rejects(odd.connect(made, way), (error) => isProblem(error, 'consent_failed'))
    assert.equal(odd.fake().seen.length, 0)
  })

  it('has its own word for "no"', async () => {
    const way: Way = { change: () => ({ callback: { denied: ['error_reason_user'] } }), callback: () => ({ error: 'error_reason_user' }) }
    const made = await odd.arrange(way)
    await assert.rejects(odd.connect(made, way), (error) => isProblem(error, 'consent_denied'))
  })
})

describe('the token request', () => {
  it('is JSON, with headers of the provider', async () => {
    const { second } = await odd.liveThrough({
      change: () => ({ token_request: { format: 'json', headers: { 'notion-version': '2022-06-28', 'client-key': '{client_id}' } } }),
      token: (request) =>
        json(request).code === 'CODE' && request.headers['notion-version'] === '2022-06-28' && request.headers['client-key'] === 'client-1'
          ? { body: tokens('1') }
          : refused('form'),
      refresh: (request) =>
        json(request).refresh_token === 'rt-1' && request.headers['content-type'] === 'application/json' ? { body: tokens('2') } : refused('form'),
    })
    isGiven(second, 'at-2')
  })

  it('has its parameters in the address, where no secret of the client is among them', async () => {
    const { second } = await odd.liveThrough({
      change: () => ({ client_auth: ['none'], token_request: { method: 'GET', format: 'query' } }),
      clientAuth: 'none',
      token: ({ method, path, body }) => (method === 'GET' && path.includes('code=CODE') && body === '' ? { body: tokens('1') } : refused('address')),
      refresh: ({ path }) => (path.includes('refresh_token=rt-1') ? { body: tokens('2') } : refused('address')),
    })
    isGiven(second, 'at-2')
  })

  it('says more than the RFC wants, and repeats what a renewal must say', async () => {
    const { second } = await odd.liveThrough({
      change: () => ({ parameters: { token: { action: 'requesttoken' }, refresh: { action: 'refresh' } }, repeat_on_refresh: ['redirect_uri', 'scope'] }),
      token: ({ parameters }) => (parameters.get('action') === 'requesttoken' ? { body: tokens('1') } : refused('action')),
      refresh: ({ parameters }) =>
        parameters.get('action') === 'refresh' && parameters.get('scope') === 'read write' && parameters.get('redirect_uri')!.includes('/oauth/callback/reg_')
          ? { body: tokens('2') }
          : refused('repeat'),
    })
    isGiven(second, 'at-2')
  })

  it('has a vendor name for the grant', async () => {
    const { second } = await odd.liveThrough({
      change: () => ({ grant_types: { authorization_code: 'web_server', refresh_token: 'renew' } }),
      token: ({ parameters }) => (parameters.get('grant_type') === 'web_server' ? { body: tokens('1') } : refused('grant')),
      refresh: ({ parameters }) => (parameters.get('grant_type') === 'renew' ? { body: tokens('2') } : refused('grant')),
    })
    isGiven(second, 'at-2')
  })

  const pair = (request: SeenRequest) => Buffer.from((request.headers.authorization ?? '').slice('Basic '.length), 'base64').toString()
  for (const [title, change, clientAuth, expected] of [
    ['the secret alone', { basic_pair: 'secret_only' }, 'client_secret_basic', 's3cret:'],
    ['the ID alone, of a client without a secret', { public_basic: true }, 'none', 'client-1:'],
    ['ID and secret as they are', { basic_raw: true }, 'client_secret_basic', 'client-1:s3cret'],
  ] as const) {
    it(`proves the client by a Basic header with ${title}`, async () => {
      const check = (request: SeenRequest, n: string) =>
        pair(request) === expected && !request.body.includes('client_id') ? { body: tokens(n) } : refused(pair(request))
      const { second } = await odd.liveThrough({
        change: () => change,
        clientAuth,
        token: (request) => check(request, '1'),
        refresh: (request) => check(request, '2'),
      })
      isGiven(second, 'at-2')
    })
  }
})

describe('other grants', () => {
  it('the device grant has names of its own', async () => {
    let polls = 0
    const way: Way = {
      change: () => ({
        grant_types: { device_code: 'device_code' },
        rename: { device: { scope: 'scopes' }, poll: { device_code: 'code' } },
        parameters: { poll: { client_kind: 'tv' } },
      }),
      elsewhere: ({ path, parameters }) =>
        path === '/device' && parameters.get('scopes') === 'read write'
          ? { body: { device_code: 'DEV', user_code: 'AB-CD', verification_url: 'https://odd.example/device', expire_in: 600, interval: 1 } }
          : refused('device'),
      token: ({ parameters }) => {
        polls += 1
        return parameters.get('grant_type') === 'device_code' && parameters.get('code') === 'DEV' && parameters.get('client_kind') === 'tv'
          ? { body: tokens('1') }
          : refused('poll')
      },
    }
    const made = await odd.arrange(way)
    const consent = await odd.world.consents.start(made.name, { mode: 'device' }, tester)
    assert.equal(consent.verificationUri, 'https://odd.example/device')
    odd.world.schedule.start()
    for (let i = 0; i < 100 && (await odd.world.consents.get(consent.id)).status !== 'done'; i++) await new Promise((done) => setTimeout(done, 100))
    assert.equal((await odd.world.consents.get(consent.id)).status, 'done')
    assert.ok(polls > 0)
    isGiven(await odd.world.credentials.handOut(made.id, { purpose: 'token', actor: tester }), 'at-1')
  })

  it('an application gets its token with a vendor grant and a value of the account', async () => {
    const made = await odd.arrange({
      change: () => ({
        grant_types: { client_credentials: 'account_credentials' },
        parameters: { token: { account_id: '{account}' } },
        placeholders: { account: { title: 'Account', meaning: 'Which.', example: 'a1' } },
      }),
      placeholders: { account: 'acc-7' },
      token: ({ parameters }) =>
        parameters.get('grant_type') === 'account_credentials' && parameters.get('account_id') === 'acc-7'
          ? { body: { access_token: 'at-app', expires_in: 3600 } }
          : refused('grant'),
    })
    const app = await odd.world.credentials.create(
      { name: 'an app', kind: 'oauth2', grant: 'client_credentials', registration: made.registration, scopes: [] },
      tester,
    )
    isGiven(await odd.world.credentials.handOut(app.id, { purpose: 'token', actor: tester }), 'at-app')
  })
})
