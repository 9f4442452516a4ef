import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'

describe('rules of mail, by the API', () => {
  let api: ApiWorld
  before(async () => {
    api = await openApiWorld()
    await api.ask('POST', '/v1/credentials', { body: { name: 'a', kind: 'basic', username: 'anna', secret: 'open sesame', allowed_hosts: ['127.0.0.1'] } })
    const office = { name: 'office', host: '127.0.0.1', port: 2525, tls: 'none', credential: 'a', from: 'anna@example.org' }
    const made = await api.ask('POST', '/v1/senders', { body: { ...office, takes_from: ['News@example.com', '@shop.example'], foreign_from: 'rewrite' } })
    assert.equal(made.status, 201, made.text)
  })
  after(() => api.close())

  const letter = { to: ['bob@example.net'], subject: 'Report', text: 'All is well.\n' }
  const rawOf = (from: string, body = 'All is well.') =>
    Buffer.from(`From: ${from}\r\nTo: bob@example.net, eve@example.net\r\n\r\n${body}\r\n`).toString('base64')
  const keyWith = async (mail_limits: object) => {
    const body = { name: `job ${Math.random()}`, permissions: [{ credential: 'a', rights: ['mail'] }], mail_limits }
    const made = await api.ask('POST', '/v1/access-keys', { body })
    assert.equal(made.status, 201, made.text)
    return { key: String(made.json.key), view: made.json.access_key as { id: string; mail_limits: unknown } }
  }

  it('a sender tells which From it takes, and a change that leaves that out changes nothing of it', async () => {
    const { json } = await api.ask('PATCH', '/v1/senders/office', { body: { from_name: 'Anna' } })
    assert.deepEqual([json.takes_from, json.foreign_from], [['news@example.com', '@shop.example'], 'rewrite'])
    const wrong = await api.ask('PATCH', '/v1/senders/office', { body: { takes_from: ['nobody'] } })
    assert.equal(wrong.status, 400)
    assert.match(wrong.text, /takes_from\.0/)
  })

  it('a From that the sender does not take is refused for messages that are composed here too', async () => {
    const send = async (from: string) => await api.ask('POST', '/v1/mail/messages', { body: { ...letter, from } })
    for (const from of ['anna@example.org', 'Newsletter <news@example.com>', 'x@shop.example']) assert.equal((await send(from)).status, 202, from)
    for (const from of ['boss@example.org', 'x@elsewhere.example']) {
      const reply = await send(from)
      assert.deepEqual([reply.status, reply.json.code], [403, 'not_allowed'], from)
    }
    // Finished messages: its own rule counts, not that of the service.
    const raw = await api.ask('POST', '/v1/mail/messages/raw', { body: { mime: rawOf('x@elsewhere.example') } })
    assert.deepEqual([raw.status, raw.json.from], [202, 'anna@example.org'])
    assert.equal((await api.ask('PATCH', '/v1/senders/office', { body: { takes_from: null, foreign_from: null } })).status, 200)
    assert.equal((await send('boss@example.org')).status, 202)
    assert.equal((await api.ask('POST', '/v1/mail/messages/raw', { body: { mime: rawOf('x@elsewhere.example') } })).json.code, 'not_allowed')
  })

  it('a key sends no more than its limits allow, whether messages are composed here or come finished', async () => {
    const few = await keyWith({ recipients_per_message: 1, bytes_per_message: 1000 })
    assert.deepEqual(few.view.mail_limits, { messages_per_hour: null, recipients_per_message: 1, bytes_per_message: 1000 })
    const codes = async (key: string, path: string, body: object) => {
      const reply = await api.ask('POST', path, { key, body })
      return [reply.status, reply.json.code]
    }
    const composed = (more: object = {}) => codes(few.key, '/v1/mail/messages', { ...letter, sender: 'office', ...more })
    assert.deepEqual(await composed(), [202, undefined])
    assert.deepEqual(await composed({ cc: ['eve@example.net'] }), [400, 'mail_invalid'])
    assert.deepEqual(await composed({ text: 'x'.repeat(1000) }), [413, 'payload_too_large'])
    const raw = (more: object) => codes(few.key, '/v1/mail/messages/raw', more)
    assert.deepEqual(await raw({ mime: rawOf('anna@example.org'), to: ['bob@example.net'] }), [202, undefined])
    assert.deepEqual(await raw({ mime: rawOf('anna@example.org') }), [400, 'mail_invalid'])
    assert.deepEqual(await raw({ mime: rawOf('anna@example.org', 'x'.repeat(1000)), to: ['bob@example.net'] }), [413, 'payload_too_large'])

    const slow = await keyWith({ messages_per_hour: 2 })
    const send = async () => await api.ask('POST', '/v1/mail/messages', { key: slow.key, body: { ...letter, sender: 'office' } })
    for (let i = 0; i < 2; i++) assert.equal((await send()).status, 202)
    const refused = await send()
    assert.deepEqual([refused.status, refused.json.code], [429, 'rate_limited'])
    assert.ok(Number(refused.headers['retry-after']) > 3500)
    assert.deepEqual(await codes(slow.key, '/v1/mail/messages/raw', { mime: rawOf('anna@example.org') }), [429, 'rate_limited'])
    const [record] = (await api.world.context.audit.list({ action: 'access_key.created', limit: 1 })).items
    assert.equal(record?.detail.mail_limits, '{"messages_per_hour":2,"recipients_per_message":null,"bytes_per_message":null}')
  })

  it('limits that say nothing are none, and such that make no sense are refused', async () => {
    assert.equal((await keyWith({})).view.mail_limits, null)
    for (const wrong of [{ messages_per_hour: 0 }, { recipients_per_message: 501 }, { bytes_per_message: 1.5 }, { per_day: 1 }]) {
      const body = { name: 'x', permissions: [{ credential: 'a', rights: ['mail'] }], mail_limits: wrong }
      assert.equal((await api.ask('POST', '/v1/access-keys', { body })).status, 400, JSON.stringify(wrong))
    }
  })
})
