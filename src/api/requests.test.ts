import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, signInAs, type ApiWorld, type Ask } from '../../test/api-world.ts'
import { startLocalServer, type LocalServer } from '../../test/local-server.ts'
import { tester } from '../../test/world.ts'
import { Secret } from '../base/secret.ts'

describe('requests over the API', () => {
  let api: ApiWorld
  let server: LocalServer
  let mine = ''
  let theirs = ''
  before(async () => {
    server = await startLocalServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ method: request.method, authorization: request.headers.authorization }))
    })
    api = await openApiWorld()
    const make = async (name: string) =>
      (await api.world.credentials.create({ name, kind: 'api_key', secret: new Secret(`CANARY-${name}`), allowedHosts: ['127.0.0.1'] }, tester)).id
    mine = await make('mine')
    theirs = await make('theirs')
  })
  after(async () => {
    await api.close()
    await server.close()
  })

  const ask = async (body: object, more: Ask = {}) =>
    await api.ask('POST', '/v1/requests', { body: { credential: 'mine', url: `http://127.0.0.1:${server.port}/`, ...body }, ...more })

  it('gives the answer of the server without the key that was sent', async () => {
    const reply = await ask({ body: { json: { a: 1 } } })
    assert.equal(reply.status, 200, reply.text)
    assert.deepEqual(JSON.parse(String(reply.json.body)), { method: 'POST', authorization: 'Bearer [secret]' })
    assert.deepEqual(Object.keys(reply.json).sort(), ['attempts', 'body', 'body_encoding', 'duration_ms', 'headers', 'status', 'truncated'])
    assert.equal(reply.headers['cache-control'], 'no-store')
  })

  it('Z2: only the right "request" on this credential lets in, and one of others looks like one that does not exist', async () => {
    const right = await api.makeKey({ permissions: [{ credential: mine, rights: ['request'] }] })
    assert.equal((await ask({}, { key: right })).status, 200)
    const before = server.requests.length
    const foreign = await ask({ credential: theirs }, { key: right })
    const unknown = await ask({ credential: 'cred_01kcw3x8000000000000000000' }, { key: right })
    const same = (text: string) => text.replace(/cred_\w+/g, 'ID').replace(/"request_id":"[^"]+"/, '')
    assert.deepEqual([foreign.status, same(foreign.text)], [404, same(unknown.text)])
    for (const rights of [['token'], ['read'], ['mail']] as const) {
      const key = await api.makeKey({ permissions: [{ credential: mine, rights: [...rights] }] })
      assert.equal((await ask({}, { key })).json.code, 'not_allowed', rights[0])
    }
    const both = await api.makeKey({
      permissions: [
        { credential: mine, rights: ['read'] },
        { credential: theirs, rights: ['request'] },
      ],
    })
    assert.equal((await ask({}, { key: both })).json.code, 'not_allowed')
    const manager = await api.makeKey({ permissions: [], administration: ['manage'] })
    assert.equal((await ask({}, { key: manager })).json.code, 'not_allowed')
    assert.equal((await ask({}, { key: null, headers: { cookie: await signInAs(api, 'viewer') } })).json.code, 'not_allowed')
    assert.equal(server.requests.length, before)
  })

  it('refuses what is no request before anything is sent', async () => {
    const before = server.requests.length
    for (const body of [
      { method: 'CONNECT' },
      { method: 'get' },
      { body: { json: 1, text: 'x' } },
      { body: { base64: '%%%' } },
      { timeout_seconds: 0 },
      { timeout_seconds: 101 },
      { max_bytes: -1 },
      { headers: { authorization: 'Bearer mine' } },
      { headers: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`x-${i}`, ''])) },
      { url: 'file:///etc/passwd' },
    ])
      assert.equal((await ask(body)).json.code, 'invalid_request', JSON.stringify(body))
    assert.equal(server.requests.length, before)
  })
})
