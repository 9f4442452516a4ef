import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Problem } from '../base/problem.ts'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'

describe('changing things through the API', () => {
  let api: ApiWorld
  before(async () => {
    api = await openApiWorld()
  })
  after(() => api.close())

  it('changes only the revision that was read, when If-Match says so', async () => {
    const made = await api.ask('POST', '/v1/credentials', { body: { name: 'etag', kind: 'api_key', secret: 's' } })
    assert.equal(made.status, 201)
    assert.equal(made.headers.location, `/v1/credentials/${String(made.json.id)}`)
    assert.equal(made.headers.etag, '"r1"')
    const first = await api.ask('PATCH', '/v1/credentials/etag', { body: { description: 'one' }, headers: { 'if-match': '"r1"' } })
    assert.equal(first.status, 200, first.text)
    const second = await api.ask('PATCH', '/v1/credentials/etag', { body: { description: 'two' }, headers: { 'if-match': '"r1"' } })
    assert.equal(second.status, 412)
    assert.equal(second.json.code, 'changed_meanwhile')
    assert.equal((await api.ask('PATCH', '/v1/credentials/etag', { body: { description: 'x' }, headers: { 'if-match': 'W/"r2"' } })).status, 412)
    assert.equal((await api.ask('PATCH', '/v1/credentials/etag', { body: { description: 'x' }, headers: { 'if-match': '*' } })).status, 200)
  })

  it('does a request with an Idempotency-Key once, however often it comes', async () => {
    const ask = (name: string, key = 'k-1') =>
      api.ask('POST', '/v1/credentials', { body: { name, kind: 'api_key', secret: 's' }, headers: { 'idempotency-key': key } })
    const all = await Promise.all([ask('once'), ask('once'), ask('once')])
    assert.deepEqual(
      all.map((reply) => reply.status),
      [201, 201, 201],
    )
    assert.equal(new Set(all.map((reply) => reply.json.id)).size, 1)
    assert.equal(all.filter((reply) => reply.headers['idempotent-replayed'] === 'true').length, 2)
    assert.equal(all[2].headers.etag, '"r1"')
    const other = await ask('another')
    assert.equal(other.status, 409)
    assert.equal(other.json.code, 'idempotency_conflict')
    assert.equal((await ask('bad key', 'ü')).status, 400)
  })

  it('gives an Idempotency-Key free again when the request did nothing', async () => {
    const ask = (name: string) => api.ask('POST', '/v1/credentials', { body: { name, kind: 'api_key', secret: 's' }, headers: { 'idempotency-key': 'k-2' } })
    assert.equal((await ask('once')).json.code, 'name_taken')
    assert.equal((await ask('later')).status, 201)
  })

  it('takes a message with an Idempotency-Key once, also when the first request was cut off before its reply', async () => {
    const sender = await api.ask('POST', '/v1/senders', {
      body: { name: 'once', host: '127.0.0.1', port: 9, tls: 'none', mechanism: 'none', from: 'once@example.org' },
    })
    assert.equal(sender.status, 201, sender.text)
    const mime = (text: string) => Buffer.from(`To: bob@example.net\r\nSubject: ${text}\r\n\r\n${text}\r\n`).toString('base64')
    const ask = (text: string, key = 'mail-1', more: object = {}) =>
      api.ask('POST', '/v1/mail/messages/raw', { body: { mime: mime(text), sender: 'once' }, headers: { 'idempotency-key': key }, ...more })
    const first = await ask('hello')
    assert.equal(first.status, 202, first.text)
    // Nothing but the message itself remembers it.
    assert.deepEqual(await api.world.context.db.selectFrom('idempotency').select('key').where('key', '=', 'mail-1').execute(), [])
    const again = await Promise.all([ask('hello'), ask('hello')])
    for (const reply of again) assert.deepEqual([reply.status, reply.json.id, reply.headers['idempotent-replayed']], [202, first.json.id, 'true'])
    assert.equal((await ask('another')).json.code, 'idempotency_conflict')
    assert.equal((await ask('hello', 'ü')).status, 400)
    const stranger = await api.makeKey({ permissions: [{ credential: '*', rights: ['mail'] }], administration: [] })
    assert.notEqual((await ask('hello', 'mail-1', { key: stranger })).json.id, first.json.id)
    await api.ask('POST', `/v1/mail/messages/${String(first.json.id)}/cancel`)
    await api.ask('DELETE', '/v1/senders/once')
    const late = await ask('hello')
    assert.deepEqual([late.status, late.json.id, late.json.status], [202, first.json.id, 'cancelled'])
  })

  it('keeps the replies of one key from another key', async () => {
    const manager = await api.makeKey({ permissions: [], administration: ['manage'] })
    const body = { name: 'of manager', kind: 'api_key', secret: 's' }
    await api.ask('POST', '/v1/credentials', { body, headers: { 'idempotency-key': 'k-3' } })
    const reply = await api.ask('POST', '/v1/credentials', { key: manager, body, headers: { 'idempotency-key': 'k-3' } })
    assert.equal(reply.json.code, 'name_taken')
  })

  it('stores replies sealed', async () => {
    await api.ask('POST', '/v1/credentials', { body: { name: 'sealed-reply-name', kind: 'api_key', secret: 's' }, headers: { 'idempotency-key': 'k-4' } })
    const rows = await api.world.context.db.selectFrom('idempotency').selectAll().where('key', '=', 'k-4').execute()
    assert.ok(rows.length === 1 && !Buffer.from(rows[0]!.reply!.bytes).toString('latin1').includes('sealed-reply-name'))
  })

  it('lists in pages', async () => {
    for (let i = 0; i < 5; i++) await api.ask('POST', '/v1/credentials', { body: { name: `page ${i}`, kind: 'api_key', secret: 's' } })
    const names: string[] = []
    let cursor: string | null = null
    do {
      const reply = await api.ask('GET', `/v1/credentials?search=page&limit=2${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
      names.push(...(reply.json.items as { name: string }[]).map((item) => item.name))
      cursor = reply.json.next as string | null
    } while (cursor !== null)
    assert.deepEqual(names, ['page 0', 'page 1', 'page 2', 'page 3', 'page 4'])
  })

  it('says where to go when a person is needed, and when to come again when a provider is away', async (t) => {
    const made = await api.ask('POST', '/v1/credentials', {
      body: {
        name: 'person',
        grant: 'authorization_code',
        registration: {
          name: 'r',
          provider: 'generic',
          client_id: 'c',
          placeholders: { token_endpoint: 'http://127.0.0.1:9/t', authorization_endpoint: 'http://127.0.0.1:9/a' },
        },
      },
    })
    assert.equal(made.json.status, 'incomplete', made.text)
    const reply = await api.ask('POST', '/v1/credentials/person/token')
    assert.equal(reply.status, 409)
    assert.match(String(reply.json.next_step), /keybearer connect person/)
    assert.equal((reply.json.facts as { credential: string }).credential, 'person')

    const away = await openApiWorld({
      replace: (services) => ({
        credentials: Object.assign(Object.create(services.credentials) as object, {
          idOf: async () => 'cred_1',
          knownId: () => 'cred_1',
          handOut: async () => {
            throw new Problem('provider_unavailable', 'away', { retryAfter: 7.2 })
          },
        }) as never,
      }),
    })
    t.after(() => away.close())
    const later = await away.ask('POST', '/v1/credentials/x/token')
    assert.equal(later.status, 503)
    assert.equal(later.headers['retry-after'], '8')
    assert.equal(later.json.retry_after, 8)
  })
})
