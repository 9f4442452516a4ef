import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, signInAs, type ApiWorld, type Ask } from '../../test/api-world.ts'
import { contract } from './contract.ts'
import type { Endpoint } from './endpoint.ts'

const canary = (field: string) => `CANARY-${field}-5f1b7c`

describe('what the API takes and what it gives back', () => {
  let api: ApiWorld
  let privateKey = ''
  const places = { token_endpoint: 'http://127.0.0.1:9/token', authorization_endpoint: 'http://127.0.0.1:9/authorize' }
  before(async () => {
    api = await openApiWorld()
    privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  })
  after(() => api.close())

  it('Z4: no answer of any endpoint gives a secret back that was put in', async () => {
    const replies: string[] = []
    const ask = async (...args: Parameters<ApiWorld['ask']>) => {
      const reply = await api.ask(...args)
      replies.push(`${args[0]} ${args[1]} ${reply.status} ${JSON.stringify(reply.headers)} ${reply.text}`)
      return reply
    }
    await ask('POST', '/v1/registrations', {
      body: { name: 'with secret', provider: 'generic', client_id: 'client', client_secret: canary('client-secret'), placeholders: places },
    })
    await ask('POST', '/v1/registrations', {
      body: { name: 'with key', provider: 'generic', client_id: 'client', client_auth: 'private_key_jwt', private_key: privateKey, placeholders: places },
    })
    const made = await ask('POST', '/v1/credentials', {
      body: { name: 'mail', grant: 'authorization_code', registration: 'with secret', refresh_token: canary('refresh-token'), scopes: ['a'] },
    })
    assert.equal(made.status, 201, made.text)
    assert.equal(made.json.has_refresh_token, true)
    await ask('POST', '/v1/credentials', { body: { name: 'key', kind: 'api_key', secret: canary('api-key') } })
    await ask('POST', '/v1/credentials', { body: { name: 'basic', kind: 'basic', username: 'anna', secret: canary('password') } })
    await ask('POST', '/v1/credentials', { body: { name: 'key', kind: 'api_key', secret: canary('name-taken') } })
    await ask('POST', '/v1/credentials', { body: { name: 'bad', kind: 'api_key', secret: { inner: canary('wrong-type') } } })
    await ask('POST', '/v1/credentials', { body: { name: 'google', google_json: { installed: { client_id: 'x', client_secret: canary('google') } } } })
    await ask('POST', '/v1/credentials', { raw: `{"name":"broken","secret":"${canary('malformed')}",}` })
    await ask('PATCH', '/v1/credentials/key', { body: { secret: canary('api-key-2') } })
    await ask('PATCH', '/v1/registrations/with%20secret', { body: { client_secret: canary('client-secret-2') } })
    await api.ask('POST', '/v1/webhooks', {
      body: { name: 'key', url: `https://hooks.example/${canary('hook')}?k=${canary('hook-query')}`, events: ['credential.broken'] },
    })
    await ask('POST', '/v1/webhooks', { body: { name: 'key', url: `https://hooks.example/${canary('hook-taken')}`, events: ['credential.broken'] } })
    await ask('POST', '/v1/webhooks', { body: { name: 'bad', url: `http://hooks.example/${canary('hook-plain')}`, events: ['credential.broken'] } })
    await ask('PATCH', '/v1/webhooks/key', { body: { url: `https://127.0.0.1:9/${canary('hook-2')}` } })
    await ask('POST', '/v1/webhooks/key/test', { body: {} })
    await ask('POST', '/v1/credentials/mail/consent', { body: { mode: 'paste' } })
    await ask('POST', '/v1/credentials/mail/test', { body: {} })
    await ask('POST', '/v1/credentials/mail/refresh', { body: {} })
    for (const row of contract) {
      if (row.method !== 'GET' || row.kind === 'events') continue
      for (const name of ['mail', 'key', 'with%20secret', 'google']) await ask('GET', row.path.replace(/\{\w+\}/g, name))
    }
    assert.ok(replies.length > 60)
    const key = privateKey.split('\n')[1]!
    for (const reply of replies) {
      assert.ok(!reply.includes('CANARY-') && !reply.includes(key), reply.slice(0, 300))
    }
    assert.ok(
      api.world.log.every((line) => !line.includes('CANARY-')),
      'nor is one in the log',
    )
    const trail = await api.ask('GET', '/v1/audit?limit=500')
    assert.ok(!trail.text.includes('CANARY-'))
  })

  it('gives a token only from the hand-out, and forbids to keep it', async () => {
    const reply = await api.ask('POST', '/v1/credentials/key/token')
    assert.equal(reply.status, 200)
    assert.equal(reply.headers['cache-control'], 'no-store')
    assert.deepEqual(Object.keys(reply.json).sort(), ['access_token', 'credential', 'expires_at', 'expires_in', 'scope', 'token_type'])
    assert.equal(reply.json.access_token, canary('api-key-2'))
    assert.equal(reply.json.token_type, 'ApiKey')
  })

  /** Who may call what: what is about a signed-in person is not open to a key. */
  const callers = async () => {
    const cookie = await signInAs(api, 'administrator')
    return (row: Endpoint): Ask => (row.permission === 'person' ? { key: null, headers: { cookie } } : {})
  }

  it('Z6: fields that nobody may set are refused, in every body, and change nothing', async () => {
    await api.ask('POST', '/v1/credentials', { body: { name: 'fixed', kind: 'api_key', secret: 's' } })
    const before = await api.ask('GET', '/v1/credentials/fixed')
    const extra = [
      '"__proto__":{"admin":true}',
      '"constructor":{"prototype":{"admin":true}}',
      '"prototype":{}',
      '"id":"cred_1"',
      '"status":"ready"',
      '"revision":99',
      '"owner":"me"',
      '"permissions":[]',
      '"has_secret":true',
      '"created_at":"2020-01-01T00:00:00Z"',
      '"paused":0',
      '"lastUsedAt":1',
      '"allowedHosts":["evil.example"]',
      '"kind":"basic"',
      '"toString":1',
      '"token_endpoint":"https://evil.example"',
    ]
    for (const field of extra) {
      const reply = await api.ask('PATCH', '/v1/credentials/fixed', { raw: `{"description":"changed",${field}}` })
      assert.equal(reply.status, 400, field)
      assert.equal(reply.json.code, 'invalid_request', field)
    }
    for (const nested of ['"options":{"admin":true}', '"options":{"__proto__":{"variant":"standard"}}']) {
      assert.equal((await api.ask('PATCH', '/v1/credentials/fixed', { raw: `{${nested}}` })).status, 400, nested)
    }
    const after = await api.ask('GET', '/v1/credentials/fixed')
    assert.deepEqual(after.json, before.json)
    assert.equal(({} as { admin?: boolean }).admin, undefined)

    const caller = await callers()
    for (const row of contract) {
      // The body of a webhook is its sender's own; that it is signed is looked at first.
      if (row.method === 'GET' || row.method === 'DELETE' || row.id === 'receiveWebhook') continue
      const reply = await api.ask(row.method, row.path.replace(/\{\w+\}/g, 'fixed'), { ...caller(row), raw: '{"zzz_unknown":1}' })
      assert.equal(reply.status, 400, `${row.id}: ${reply.text}`)
      const errors = (reply.json.errors ?? []) as { path: string }[]
      assert.ok(
        errors.some((error) => error.path === 'zzz_unknown'),
        row.id,
      )
    }
  })

  it('Z6: a query that is not in the contract is refused everywhere', async () => {
    const caller = await callers()
    for (const row of contract) {
      // What a provider sends a browser back with is its own; these two read what they know of it.
      if (row.id === 'finishConsent' || row.id === 'finishSignIn') continue
      const reply = await api.ask(row.method, `${row.path.replace(/\{\w+\}/g, 'fixed')}?zzz_unknown=1`, caller(row))
      assert.equal(reply.status, 400, `${row.id}: ${reply.text.slice(0, 200)}`)
    }
  })

  it('Z13: however a name or an address is written, the decision is the same', async () => {
    const one = (await api.ask('POST', '/v1/credentials', { body: { name: 'Ärzte Konto', kind: 'api_key', secret: 's' } })).json
    const job = await api.makeKey({ permissions: [{ credential: String(one.id), rights: ['read'] }] })
    const composed = encodeURIComponent('ärzte konto')
    const decomposed = encodeURIComponent('ärzte konto'.normalize('NFD'))
    for (const name of [composed, decomposed, encodeURIComponent('ÄRZTE KONTO'), encodeURIComponent(' Ärzte  Konto '), String(one.id)]) {
      const reply = await api.ask('GET', `/v1/credentials/${name}`, { key: job })
      assert.equal(reply.status, 200, decodeURIComponent(name))
      assert.equal(reply.json.id, one.id)
      // The same name is also the same thing when somebody wants to take it.
      const taken = await api.ask('POST', '/v1/credentials', { body: { name: decodeURIComponent(name), kind: 'api_key', secret: 's' } })
      if (name !== one.id) assert.equal(taken.json.code, 'name_taken', decodeURIComponent(name))
    }
    for (const path of [
      '/v1/credentials/../access-keys',
      '/v1/credentials/%2e%2e/access-keys',
      '/v1/credentials/.%2e/access-keys',
      '/v1//credentials',
      '/v1/credentials/x%2ftoken',
      '/v1/credentials\\x',
      '/v1/credentials/x%5cy',
      '/v1/credentials/x%00',
      '//v1/credentials',
      '/v1/./credentials',
      '/V1/credentials',
      '/v1/credentials%',
      '/v1/credentials;a=b',
      '/v1/%63redentials%2f',
    ]) {
      const reply = await api.ask('GET', path)
      assert.equal(reply.status, 404, path)
      assert.equal(reply.json.detail, 'There is nothing at this address.', path)
    }
  })

  it('Z13: what the address hides cannot reach another endpoint than the one that was judged', async () => {
    const job = await api.makeKey({ permissions: [{ credential: '*', rights: ['token'] }] })
    for (const name of ['x/../../access-keys', '..', '.', 'key/token', 'key?x=', 'key#']) {
      const reply = await api.ask('POST', `/v1/credentials/${encodeURIComponent(name)}/token`, { key: job })
      assert.ok(reply.status === 404, `${name}: ${reply.status}`)
    }
  })
})
