import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, send, type ApiWorld } from '../../test/api-world.ts'
import { findOpenApiFaults } from '../../test/openapi-rules.ts'
import { openApi } from './openapi.ts'

describe('the HTTP server', () => {
  let api: ApiWorld
  before(async () => {
    api = await openApiWorld()
  })
  after(() => api.close())

  const isProblem = (reply: Awaited<ReturnType<ApiWorld['ask']>>, status: number, code: string) => {
    assert.equal(reply.status, status, reply.text)
    assert.equal(reply.json.code, code)
    assert.match(String(reply.headers['content-type']), /^application\/problem\+json/)
    for (const field of ['type', 'title', 'detail', 'next_step', 'request_id']) assert.equal(typeof reply.json[field], 'string', field)
    assert.equal(reply.json.status, status)
    assert.equal(reply.json.request_id, reply.headers['x-request-id'])
  }

  it('answers every kind of mistake in one shape', async () => {
    isProblem(await api.ask('GET', '/v1/nothing'), 404, 'not_found')
    isProblem(await api.ask('GET', '/v1/credentials/'), 404, 'not_found')
    isProblem(await api.ask('GET', '/v1/credentials/none'), 404, 'not_found')
    const put = await api.ask('PUT', '/v1/credentials')
    isProblem(put, 405, 'method_not_allowed')
    assert.equal(put.headers.allow, 'GET, POST, HEAD')
    isProblem(await api.ask('OPTIONS', '/v1/credentials', { headers: { 'access-control-request-method': 'POST' } }), 405, 'method_not_allowed')
    isProblem(await api.ask('POST', '/v1/credentials', { raw: '{"name":' }), 400, 'malformed_json')
    isProblem(await api.ask('POST', '/v1/credentials', { raw: '[]' }), 400, 'malformed_json')
    isProblem(await api.ask('POST', '/v1/credentials', { raw: 'null' }), 400, 'malformed_json')
    isProblem(await api.ask('POST', '/v1/credentials', { raw: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) }), 400, 'malformed_json')
    isProblem(
      await api.ask('POST', '/v1/credentials', { raw: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      415,
      'unsupported_media_type',
    )
    isProblem(
      await api.ask('POST', '/v1/credentials', { raw: '{}', headers: { 'content-type': 'application/json; charset=latin1' } }),
      415,
      'unsupported_media_type',
    )
    isProblem(await api.ask('POST', '/v1/credentials', { raw: '{}', headers: { 'content-encoding': 'gzip' } }), 415, 'unsupported_media_type')
    isProblem(await api.ask('POST', '/v1/credentials', { body: { name: 'nul\0' } }), 400, 'invalid_request')
    isProblem(await api.ask('GET', '/v1/credentials?colour=red'), 400, 'invalid_request')
    isProblem(await api.ask('GET', '/v1/credentials?limit=1&limit=2'), 400, 'invalid_request')
    isProblem(await api.ask('GET', '/v1/credentials?limit=0'), 400, 'invalid_request')
    isProblem(await api.ask('POST', '/v1/credentials/x/pause', { body: { force: true } }), 400, 'invalid_request')
    isProblem(
      await api.ask('POST', '/oauth/callback/reg_x?code=1', { raw: 'code=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      405,
      'method_not_allowed',
    )
  })

  it('names every wrong field, and never repeats what was sent', async () => {
    const reply = await api.ask('POST', '/v1/credentials', { body: { kind: 'CANARY-kind', scopes: 'CANARY-scopes', secret: 7, extra: 'CANARY-extra' } })
    isProblem(reply, 400, 'invalid_request')
    assert.deepEqual((reply.json.errors as { path: string }[]).map((error) => error.path).sort(), ['extra', 'kind', 'name', 'scopes', 'secret'])
    assert.doesNotMatch(reply.text, /CANARY/)
  })

  it('says nothing of the inside when it makes a mistake, and finds it in the log by the request id', async (t) => {
    const broken = await openApiWorld({
      replace: () => ({
        registrations: {
          get: async () => {
            throw new Error('the inside: CANARY')
          },
        } as never,
      }),
    })
    t.after(() => broken.close())
    const reply = await broken.ask('GET', '/v1/registrations/x')
    isProblem(reply, 500, 'internal_error')
    assert.doesNotMatch(reply.text, /the inside|CANARY|\.ts/)
    assert.ok(broken.world.log.some((line) => line.includes(String(reply.json.request_id)) && line.includes('the inside')))
  })

  it('keeps fields that the contract does not name to itself', async (t) => {
    const leaky = await openApiWorld({
      replace: (services) => ({
        credentials: Object.assign(Object.create(services.credentials) as object, {
          counts: async () => ({
            byStatus: { incomplete: 0, ready: 1, expiring: 0, retrying: 0, needs_consent: 0, misconfigured: 0, paused: 0, leaked: 'CANARY' },
          }),
        }) as never,
      }),
    })
    t.after(() => leaky.close())
    const reply = await leaky.ask('GET', '/v1/status')
    assert.equal(reply.status, 200)
    assert.doesNotMatch(reply.text, /CANARY|leaked/)
  })

  it('N6: a body that is too large, too deep or compressed is refused before anything is built from it', async () => {
    const big = await api.ask('POST', '/v1/credentials', { raw: `{"name":"${'x'.repeat(2 * 1024 * 1024)}"}` })
    isProblem(big, 413, 'payload_too_large')
    isProblem(await api.ask('POST', '/v1/mail/messages', { raw: `{"to":[],"subject":"${'x'.repeat(1_500_000)}"}` }), 413, 'payload_too_large')
    const withinMail = await api.ask('POST', '/v1/mail/messages', { raw: `{"to":[],"subject":"s","text":"${'x'.repeat(1_300_000)}"}` })
    assert.notEqual(withinMail.status, 413)
    isProblem(await api.ask('POST', '/v1/credentials', { raw: `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}` }), 400, 'malformed_json')
    isProblem(await api.ask('POST', '/v1/credentials', { raw: `{"a":${'['.repeat(33)}${']'.repeat(33)}}` }), 400, 'malformed_json')
    assert.equal((await api.ask('GET', '/livez')).status, 200)
  })

  it('N6: a body without a length is cut off at the limit', async () => {
    const reply = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = connect(api.port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.ownerKey}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
        )
        const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
        const pour = () => {
          while (!socket.destroyed && text === '') if (!socket.write(chunk)) return void socket.once('drain', pour)
        }
        pour()
      })
      socket.on('data', (data) => {
        text += data.toString()
      })
      socket.on('close', () => resolve(text))
      socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)))
    })
    assert.match(reply, /^HTTP\/1\.1 413 /)
    assert.match(reply, /connection: close/i)
  })

  it('N6: a body that says it is too large is refused before it is sent', async () => {
    const reply = await new Promise<string>((resolve, reject) => {
      const socket = connect(api.port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.ownerKey}\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n`,
        )
      })
      socket.setTimeout(2000, () => socket.destroy(new Error('no answer')))
      socket.on('data', (data) => resolve(data.toString()))
      socket.on('error', reject)
    })
    assert.match(reply, /^HTTP\/1\.1 413 /)
  })

  it('answers what is not HTTP in the same shape', async () => {
    const reply = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(api.port, '127.0.0.1', () => socket.write('HELLO\r\n\r\n'))
      socket.on('data', (data) => {
        text += data.toString()
      })
      socket.on('close', () => resolve(text))
    })
    assert.match(reply, /^HTTP\/1\.1 400 /)
    assert.match(reply, /"code":"invalid_request"/)
  })

  it('refuses a Host that is not its own, so that no page can have its name resolve to this machine', async () => {
    for (const host of [
      'evil.example',
      'evil.example:7420',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      'localhost@evil.example',
      '169.254.169.254',
      '[::1',
    ]) {
      const reply = await api.ask('GET', '/v1/credentials', { headers: { host } })
      isProblem(reply, 421, 'host_not_expected')
    }
    for (const host of ['localhost', 'LOCALHOST:7420', '127.0.0.1:1', '[::1]:7420', '127.0.0.9']) {
      assert.equal((await api.ask('GET', '/v1/credentials', { headers: { host } })).status, 200, host)
    }
  })

  it('Z5: a page of another site can call nothing, by script, form or picture', async () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://localhost:3000' },
      { origin: 'https://127.0.0.1.evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ] as Record<string, string>[]) {
      for (const [method, path] of [
        ['POST', '/v1/credentials/x/test'],
        ['POST', '/v1/credentials/x/token'],
        ['DELETE', '/v1/credentials/x'],
        ['GET', '/v1/credentials'],
      ] as const) {
        isProblem(await api.ask(method, path, { headers }), 403, 'origin_not_allowed')
      }
    }
    const form = await send(api.port, 'POST', '/v1/credentials/x/revoke', {
      raw: 'a=1',
      headers: { 'content-type': 'text/plain', origin: 'https://evil.example' },
    })
    isProblem(form, 403, 'origin_not_allowed')
    assert.equal(
      (await api.ask('GET', '/v1/credentials', { headers: { origin: 'http://127.0.0.1:7420', host: '127.0.0.1:7420', 'sec-fetch-site': 'same-origin' } }))
        .status,
      200,
    )
    const reply = await api.ask('GET', '/v1/credentials')
    assert.equal(reply.headers['access-control-allow-origin'], undefined)
  })

  it('Z5: nothing is changed or sent by a GET', async () => {
    for (const verb of ['token', 'test', 'refresh', 'revoke', 'pause', 'resume', 'consent']) {
      isProblem(await api.ask('GET', `/v1/credentials/x/${verb}`), 405, 'method_not_allowed')
    }
    isProblem(await api.ask('GET', '/v1/senders/x/test'), 405, 'method_not_allowed')
  })

  it('N8: headers of a proxy change nothing unless the proxy is trusted', async (t) => {
    const forged = {
      'x-forwarded-for': '203.0.113.9',
      forwarded: 'for=203.0.113.9;host=evil.example;proto=https',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-real-ip': '203.0.113.9',
      'x-user': 'admin',
    }
    await api.ask('GET', '/v1/status', { key: null, headers: forged })
    const [record] = (await api.services.audit.list({ outcome: 'refused', limit: 1 })).items
    assert.equal(record?.address, '127.0.0.1')
    const status = await api.ask('GET', '/v1/status', { headers: forged })
    assert.equal(status.json.public_url, 'http://127.0.0.1:7420')

    const behind = await openApiWorld({ trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] })
    t.after(() => behind.close())
    const addressSeen = async (forwarded: string) => {
      await behind.ask('GET', '/v1/status', { key: null, headers: { 'x-forwarded-for': forwarded } })
      return (await behind.services.audit.list({ outcome: 'refused', limit: 1 })).items[0]?.address
    }
    assert.equal(await addressSeen('203.0.113.9'), '203.0.113.9')
    assert.equal(await addressSeen('1.1.1.1, 203.0.113.9, 10.1.2.3'), '203.0.113.9', 'what the caller wrote himself stands left and does not count')
    assert.equal(await addressSeen('203.0.113.9, nonsense'), '127.0.0.1')
    assert.equal(await addressSeen('[2001:db8::1]:443'), '2001:db8::1')
  })

  it('N8: a key that is bound to a network cannot be used from elsewhere by a forged header', async () => {
    const key = await api.makeKey({ permissions: [{ credential: '*', rights: ['read'] }], networks: ['203.0.113.0/24'] })
    assert.equal((await api.ask('GET', '/v1/credentials', { key, headers: { 'x-forwarded-for': '203.0.113.9' } })).status, 401)
  })

  it('shows metrics and health without names, and stops to be ready when it cannot hand out', async (t) => {
    const metrics = await api.ask('GET', '/metrics', { key: null })
    assert.equal(metrics.status, 200)
    assert.match(metrics.text, /keybearer_http_requests_total\{method="GET",route="\/v1\/credentials",status="200"\}/)
    assert.equal((await api.ask('GET', '/readyz', { key: null })).status, 200)
    assert.match(metrics.text, /^keybearer_outbox_waiting 0$/m)
    const locked = await openApiWorld({ metrics: 'key' })
    t.after(() => locked.close())
    assert.equal((await locked.ask('GET', '/metrics', { key: null })).status, 401)
    await locked.ask('POST', '/v1/senders', { body: { name: 'office', host: '127.0.0.1', tls: 'none', from: 'anna@example.org', is_default: true } })
    assert.equal((await locked.ask('POST', '/v1/mail/messages', { body: { to: ['bob@example.net'], subject: 'Hello', text: 'Hello' } })).status, 202)
    const some = await locked.ask('GET', '/metrics')
    assert.equal(some.status, 200)
    assert.match(some.text, /^keybearer_outbox_waiting 1$/m)
    const off = await openApiWorld({ metrics: 'off' })
    t.after(() => off.close())
    assert.equal((await off.ask('GET', '/metrics')).status, 404)
  })

  it('describes itself at /openapi.json, to everybody', async () => {
    const reply = await api.ask('GET', '/openapi.json', { key: null })
    assert.equal(reply.status, 200)
    assert.match(String(reply.headers['content-type']), /^application\/json/)
    assert.deepEqual(findOpenApiFaults(reply.json), [])
    assert.deepEqual(reply.json, JSON.parse(JSON.stringify(openApi())))
  })

  it('shows a page at / that loads nothing and runs nothing', async () => {
    const reply = await api.ask('GET', '/', { key: null })
    assert.equal(reply.status, 200)
    assert.match(String(reply.headers['content-security-policy']), /^default-src 'none'/)
    assert.doesNotMatch(reply.text, /<script|onload=|http:|https:/)
  })

  it('answers HEAD like GET without a body', async () => {
    const reply = await api.ask('HEAD', '/v1/credentials')
    assert.equal(reply.status, 200)
    assert.equal(reply.text, '')
    assert.ok(Number(reply.headers['content-length']) > 0)
  })

  it('finishes what is under way when it is stopped, and takes nothing new', async () => {
    let release: (() => void) | undefined
    const slow = await openApiWorld({
      replace: () => ({
        registrations: {
          list: () =>
            new Promise((resolve) => {
              release = () => resolve({ items: [], next: null })
            }),
        } as never,
      }),
    })
    const first = slow.ask('GET', '/v1/registrations')
    while (!release) await new Promise((done) => setTimeout(done, 5))
    const closed = slow.server.close()
    await assert.rejects(slow.ask('GET', '/livez'), /ECONNREFUSED/)
    release()
    assert.equal((await first).status, 200)
    await closed
    await slow.close()
  })
})
