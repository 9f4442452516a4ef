import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { startLocalServer, type LocalServer } from '../../test/local-server.ts'
import { databases, makePlace, openWorld, startFakeProvider, tester, type FakeProvider, type Place, type World } from '../../test/world.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { HttpRequests } from './http-requests.ts'
import type { NewHttpRequest } from './types.ts'

type Seen = { method: string; url: string; headers: IncomingHttpHeaders; body: Buffer }

for (const database of databases) {
  describe(`requests sent with a credential, on ${database}`, () => {
    let place: Place
    let world: World
    let fake: FakeProvider
    let api: LocalServer
    let foreign: LocalServer
    let requests: HttpRequests
    let seen: Seen[] = []
    let answer: (request: Seen, response: ServerResponse, count: number) => void
    const counted: string[] = []
    before(async () => {
      place = await makePlace(database)
      world = await openWorld(place)
      fake = await startFakeProvider()
      let tokens = 0
      fake.answer = () => ({ body: { access_token: `secret/token+${++tokens}=`, token_type: 'Bearer', expires_in: 3600 } })
      api = await startLocalServer((request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) })
          answer(seen.at(-1)!, response, seen.length)
        })
      })
      foreign = await startLocalServer((_request, response) => response.end('mine now'))
      requests = new HttpRequests(world.context, { credentials: world.credentials, countSent: (outcome) => counted.push(outcome) })
      await world.providers.create(
        {
          id: 'api',
          version: 1,
          name: 'Api',
          token_endpoint: `${fake.url}/token`,
          authorization_endpoint: `${fake.url}/authorize`,
          grants: ['authorization_code'],
          client_auth: ['client_secret_basic'],
          api: { header: 'X-Shown', value: 'Token {access_token}', headers: { 'x-version': '7' } },
        } as never,
        tester,
      )
    })
    after(async () => {
      await world.close()
      await Promise.all([fake.close(), api.close(), foreign.close()])
      await place.remove()
    })

    let names = 0
    const oauth = async (provider = 'generic', hosts = [`127.0.0.1:${api.port}`]) => {
      const name = `credential ${++names}`
      const view = await world.credentials.create(
        {
          name,
          kind: 'oauth2',
          grant: 'authorization_code',
          scopes: ['a'],
          registration: {
            name,
            provider,
            clientId: 'c',
            clientSecret: new Secret('s'),
            ...(provider === 'generic' ? { placeholders: { token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize` } } : {}),
          },
          refreshToken: new Secret(`rt-${name}`),
          allowedHosts: hosts,
        },
        tester,
      )
      return view.id
    }
    const made = async (kind: 'api_key' | 'basic', secret: string) =>
      (
        await world.credentials.create(
          { name: `${kind} ${++names}`, kind, secret: new Secret(secret), allowedHosts: ['127.0.0.1'], ...(kind === 'basic' ? { username: 'anna' } : {}) },
          tester,
        )
      ).id
    const url = (path = '/things') => `http://127.0.0.1:${api.port}${path}`
    const send = async (id: string, input: Partial<NewHttpRequest> = {}) => {
      seen = []
      return await requests.send(id, { method: 'GET', url: url(), ...input }, tester)
    }
    const say =
      (status: number, headers: Record<string, string> = {}, body: string | Buffer = '') =>
      (_: Seen, response: ServerResponse) =>
        void response.writeHead(status, headers).end(body)
    const records = async (id: string) => (await world.context.audit.list({ subject: id })).items.filter((item) => item.action === 'request.sent')

    it('the server gets the token and the caller gets the answer, and the trail names method, host and status', async () => {
      const id = await oauth()
      answer = say(201, { 'content-type': 'application/json', location: '/things/1', 'set-cookie': 'session=1', 'x-internal': 'y' }, '{"id":1}')
      const reply = await send(id, {
        method: 'POST',
        query: { q: 'a b' },
        url: url('/things?x=1#part'),
        headers: { Prefer: 'minimal' },
        body: { kind: 'json', json: { a: 1 } },
      })
      assert.deepEqual([reply.status, reply.body, reply.truncated, reply.attempts], [201, { kind: 'text', content: '{"id":1}' }, false, 1])
      assert.deepEqual(Object.keys(reply.headers).sort(), ['content-type', 'date', 'location'])
      const [got] = seen
      assert.match(got!.headers.authorization!, /^Bearer secret\/token\+\d+=$/)
      assert.deepEqual([got!.method, got!.url, got!.body.toString()], ['POST', '/things?x=1&q=a+b', '{"a":1}'])
      assert.deepEqual([got!.headers['content-type'], got!.headers.prefer, got!.headers.accept], ['application/json', 'minimal', '*/*'])
      const [record] = await records(id)
      assert.deepEqual([record!.outcome, record!.detail], ['done', { method: 'POST', host: `127.0.0.1:${api.port}`, status: 201, attempts: 1 }])
      assert.equal(counted.at(-1), '2xx')
      assert.equal((await world.credentials.usage(id))[0]!.lastOutcome, 'ok')
    })

    it('N4: the token goes to hosts of the credential only, and nobody else is even connected to', async () => {
      const id = await oauth()
      for (const address of [
        `http://127.0.0.1:${foreign.port}/`,
        'http://localhost/',
        'https://api.example.org/',
        `http://127.0.0.1:${api.port}@127.0.0.1:${foreign.port}/`,
        `http://127.0.0.1:${foreign.port}/#@127.0.0.1:${api.port}`,
      ]) {
        const code = address.includes('@127.0.0.1') && !address.includes('#') ? 'invalid_request' : 'destination_not_allowed'
        await assert.rejects(send(id, { url: address }), (error) => isProblem(error, code), address)
      }
      assert.deepEqual([foreign.connections(), seen.length], [0, 0])
    })

    it('N4: a redirect is returned and not followed, wherever it leads', async () => {
      const id = await oauth()
      answer = say(302, { location: `http://127.0.0.1:${foreign.port}/` })
      const reply = await send(id)
      assert.deepEqual([reply.status, reply.headers.location, seen.length, foreign.connections()], [302, `http://127.0.0.1:${foreign.port}/`, 1, 0])
    })

    it('a caller sets no header that says who calls, where to, or how it is read', async () => {
      const id = await oauth()
      for (const name of [
        'Authorization',
        'Host',
        'Cookie',
        'Content-Length',
        'Transfer-Encoding',
        'Connection',
        'Proxy-Authorization',
        'X-Forwarded-For',
        'a b',
        '',
      ])
        await assert.rejects(send(id, { headers: { [name]: 'x' } }), (error) => isProblem(error, 'invalid_request'), name)
      for (const headers of [{ 'x-a': 'b\r\nx-c: d' }, { 'x-a': 'b\0' }, { 'x-a': '1', 'X-A': '2' }] as Record<string, string>[])
        await assert.rejects(send(id, { headers }), (error) => isProblem(error, 'invalid_request'), JSON.stringify(headers))
      for (const input of [{ url: 'ftp://127.0.0.1/' }, { url: '/things' }, { body: { kind: 'text' as const, text: 'x' } }])
        await assert.rejects(send(id, input), (error) => isProblem(error, 'invalid_request'), JSON.stringify(input))
      assert.equal((await world.context.audit.list({ subject: id })).items.filter((item) => item.action === 'token.handed_out').length, 0)
    })

    it('every credential is shown as its server wants it', async () => {
      answer = say(204)
      await send(await oauth('api'), { headers: { 'X-Shown': 'mine', 'X-Version': '8' } })
      assert.match(String(seen[0]!.headers['x-shown']), /^Token secret/)
      assert.equal(seen[0]!.headers['x-version'], '8')
      await send(await oauth('api'))
      assert.equal(seen[0]!.headers['x-version'], '7')
      const key = await made('api_key', 'key-4711')
      await send(key)
      assert.equal(seen[0]!.headers.authorization, 'Bearer key-4711')
      await send(key, { keyHeader: 'X-Api-Key' })
      assert.deepEqual([seen[0]!.headers['x-api-key'], seen[0]!.headers.authorization], ['key-4711', undefined])
      await send(key, { keyHeader: 'Authorization' })
      assert.equal(seen[0]!.headers.authorization, 'key-4711')
      for (const keyHeader of ['Host', 'Cookie', 'a\r\nb'])
        await assert.rejects(send(key, { keyHeader }), (error) => isProblem(error, 'invalid_request'), keyHeader)
      await send(await made('basic', 'pass:word'))
      assert.equal(seen[0]!.headers.authorization, `Basic ${Buffer.from('anna:pass:word').toString('base64')}`)
      await assert.rejects(send(await oauth(), { keyHeader: 'X-Api-Key' }), (error) => isProblem(error, 'wrong_kind'))
    })

    it('Z4: what a server writes back of the token does not reach the caller', async () => {
      answer = (request, response) => {
        const token = request.headers.authorization!.split(' ')[1]!
        response.writeHead(200, { location: `/next?access_token=${encodeURIComponent(token)}`, 'x-request-id': token, 'content-type': 'application/json' })
        response.end(JSON.stringify({ headers: request.headers, url: encodeURIComponent(token), base64: Buffer.from(`x${token}`).toString('base64') }))
      }
      const id = await oauth()
      const reply = await send(id)
      const text = JSON.stringify(reply)
      assert.doesNotMatch(text, /secret\\?\/token|secret%2Ftoken|token\+/i)
      assert.doesNotMatch(Buffer.from(/"base64\\":\\"([^"\\]+)/.exec(text)![1]!, 'base64').toString('latin1'), /token/)
      assert.equal(reply.headers.location, '/next?access_token=[secret]')
      const basic = await made('basic', 'pass word')
      answer = say(200, {}, 'you are anna with pass word, pass%20word or pass+word')
      assert.equal((await send(basic)).body.content, 'you are anna with [secret], [secret] or [secret]')
    })

    it('a body is cut at the limit, and the token across it is not cut in two', async () => {
      const id = await oauth()
      answer = (request, response) => void response.end(`1234${request.headers.authorization!.split(' ')[1]!}${'x'.repeat(3_000_000)}`)
      const reply = await send(id, { maxBytes: 8 })
      assert.deepEqual([reply.body.content, reply.truncated], ['1234[secret]', true])
      answer = say(200, {}, 'a☃b')
      assert.deepEqual((await send(id, { maxBytes: 2 })).body, { kind: 'text', content: 'a' })
      assert.deepEqual([(await send(id, { maxBytes: 5 })).body.content, (await send(id, { maxBytes: 5 })).truncated], ['a☃b', false])
      answer = say(200, {}, Buffer.from([0xff, 0, 1]))
      assert.deepEqual((await send(id)).body, { kind: 'base64', content: '/wAB' })
    })

    it('a token that the server refuses is renewed once', async () => {
      const id = await oauth()
      answer = say(200)
      await send(id)
      const old = seen[0]!.headers.authorization
      // One of the last seconds is not renewed: another would fare no better.
      answer = say(401)
      assert.deepEqual([(await send(id)).attempts, seen.length], [1, 1])
      await age(id)
      answer = (request, response) => void response.writeHead(request.headers.authorization === old ? 401 : 200).end()
      const reply = await send(id)
      assert.deepEqual([reply.status, reply.attempts, seen.length], [200, 2, 2])
      assert.notEqual(seen[1]!.headers.authorization, old)
    })

    it('a request that may have done something is sent again only when the server says invalid_token', async () => {
      for (const [method, challenge, attempts] of [
        ['POST', '', 1],
        ['PATCH', 'Bearer error="insufficient_scope"', 1],
        ['POST', 'Bearer realm="x", error="invalid_token"', 2],
        ['PUT', '', 2],
      ] as const) {
        const id = await oauth()
        answer = say(200)
        await send(id)
        await age(id)
        answer = say(401, challenge === '' ? {} : { 'www-authenticate': challenge })
        const reply = await send(id, { method })
        assert.deepEqual([reply.status, reply.attempts], [401, attempts], `${method} ${challenge}`)
        assert.equal((await world.credentials.usage(id))[0]!.lastOutcome, 'issue')
      }
    })

    /** Lets a minute pass for the token of a credential. */
    const age = async (id: string) => {
      const row = await world.context.db.selectFrom('credentials').select(['token_obtained_at', 'revision']).where('id', '=', id).executeTakeFirstOrThrow()
      const change = { token_obtained_at: row.token_obtained_at! - 60_000, revision: row.revision + 1 }
      await world.context.db.updateTable('credentials').set(change).where('id', '=', id).execute()
      // What a node has in memory, it drops when it hears of a change.
      world.context.bus.publish({ seq: 0, at: world.context.clock.now(), type: 'credential.changed', subject: id, data: {} })
    }

    it('a GET is repeated when the server says when, within the time and a few times; nothing else is', async () => {
      const id = await oauth()
      answer = (_, response, count) => void response.writeHead(count < 3 ? 503 : 200, { 'retry-after': '0' }).end()
      assert.deepEqual([(await send(id)).status, seen.length], [200, 3])
      answer = say(429, { 'retry-after': '0' })
      assert.deepEqual([(await send(id)).status, seen.length], [429, 4])
      assert.deepEqual([(await send(id, { method: 'POST' })).status, seen.length], [429, 1])
      answer = say(503, { 'retry-after': '3600' })
      assert.deepEqual([(await send(id)).headers['retry-after'], seen.length], ['3600', 1])
      answer = say(503)
      assert.deepEqual([(await send(id)).status, seen.length], [503, 1])
    })

    it('a failure on the way is said, recorded, and warns whoever might send something twice', async () => {
      const id = await oauth()
      answer = (_, response) => void response.destroy()
      await assert.rejects(send(id, { method: 'POST' }), (error) => isProblem(error, 'outgoing_failed') && /may have arrived/.test(error.nextStep))
      await assert.rejects(send(id), (error) => isProblem(error, 'outgoing_failed') && !/may have arrived/.test(error.nextStep))
      const [record] = await records(id)
      assert.deepEqual([record!.outcome, record!.reason], ['failed', 'outgoing_failed'])
      assert.equal(counted.at(-1), 'outgoing_failed')
      answer = (_, response) => void once(response, 'close')
      await assert.rejects(send(id, { timeoutSeconds: 1 }), (error) => isProblem(error, 'outgoing_failed') && /no whole answer within/.test(error.message))
    })
  })
}
