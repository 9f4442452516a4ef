import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld, type Ask } from '../../test/api-world.ts'
import { databases } from '../../test/world.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { markDeliveryOpened } from '../storage/key-deliveries.ts'
import { inTransaction } from '../storage/transaction.ts'

const hour = 3_600_000

for (const database of databases) {
  describe(`the delivery of an access key by a link, on ${database}`, () => {
    let api: ApiWorld
    let clock: TestClock
    let n = 0
    before(async () => {
      clock = createTestClock()
      api = await openApiWorld({ database, world: { clock }, trustedProxies: ['127.0.0.1'] })
      await api.ask('POST', '/v1/credentials', { body: { name: 'a', kind: 'api_key', secret: 'secret of a' } })
    })
    after(() => api.close())

    const make = async () => {
      const reply = await api.ask('POST', '/v1/access-keys', {
        body: { name: `job <${++n}>`, permissions: [{ credential: 'a', rights: ['token'] }], delivery_link: true },
      })
      assert.equal(reply.status, 201, reply.text)
      const delivery = reply.json.delivery as { link: string; command: string; expires_at: string }
      return { json: reply.json, id: (reply.json.access_key as { id: string }).id, delivery, path: new URL(delivery.link).pathname }
    }
    /** Comes from an address of its own, as a trusted proxy names it. */
    const from = (address: string, method: string, path: string, more: Ask = {}) =>
      api.ask(method, path, { key: null, ...more, headers: { 'x-forwarded-for': address, ...more.headers } })
    const token = (key: string) => api.ask('POST', '/v1/credentials/a/token', { key, body: {} })
    const refusals = async (id: string) =>
      (await api.services.audit.list({ action: 'access_key.delivery_refused', limit: 500 })).items.filter((item) => item.subject?.id === id)
    const alarms = (id: string) => api.world.events.filter((event) => event.type === 'access_key.delivery_reopened' && event.subject === id)
    const until = async (condition: () => boolean) => {
      for (let i = 0; i < 200 && !condition(); i++) await new Promise((done) => setTimeout(done, 20))
      assert.ok(condition(), 'it came to be')
    }
    const deliveryOf = async (id: string) => (await api.ask('GET', `/v1/access-keys/${id}`)).json.delivery as Record<string, unknown>

    it('Z8: the answer holds a link and no key; whoever opens the link gets a key that works, and only its hash is kept', async () => {
      const made = await make()
      assert.equal(made.json.key, null)
      assert.equal(made.delivery.command, `curl -fsS -X POST ${made.delivery.link}`)
      assert.equal(Date.parse(made.delivery.expires_at), clock.now() + hour)
      assert.equal((await deliveryOf(made.id)).status, 'waiting')
      const opened = await from('192.0.2.1', 'POST', made.path)
      assert.equal(opened.status, 200)
      assert.deepEqual([opened.headers['content-type'], opened.headers['cache-control']], ['text/plain; charset=utf-8', 'no-store'])
      assert.match(opened.text, /^kb_\w{46}\n$/)
      const key = opened.text.trim()
      assert.equal((await token(key)).status, 200)
      assert.deepEqual(await deliveryOf(made.id), {
        status: 'opened',
        expires_at: made.delivery.expires_at,
        opened_at: new Date(clock.now()).toISOString(),
        opened_from: '192.0.2.1',
        repeats: 0,
      })
      const rows = JSON.stringify([
        await api.world.store.db.selectFrom('access_keys').selectAll().execute(),
        await api.world.store.db.selectFrom('key_deliveries').selectAll().execute(),
        await api.world.store.db.selectFrom('audit').selectAll().execute(),
      ])
      assert.ok(!rows.includes(key.slice(8)) && !rows.includes(made.path.split('/').at(-1)!))
      const { items } = await api.services.audit.list({ action: 'access_key.delivered' })
      assert.deepEqual([items[0]!.subject?.id, items[0]!.address], [made.id, '192.0.2.1'])
    })

    it('Z8: as long as nobody opened the link there is no key that could sign in', async () => {
      const made = await make()
      const row = await api.world.store.db.selectFrom('access_keys').selectAll().where('id', '=', made.id).executeTakeFirstOrThrow()
      assert.doesNotMatch(row.hash, /^[0-9a-f]{64}$/, 'no text has this hash')
      for (const guess of [row.hash, row.hint, made.path.split('/').at(-1)!, `kb_${made.path.split('/').at(-1)!}`])
        assert.equal((await token(guess)).status, 401)
    })

    it('Z8: the second opening is refused and raises an alarm in the audit trail and as an event, with both addresses', async () => {
      const made = await make()
      const key = (await from('192.0.2.1', 'POST', made.path)).text.trim()
      for (const [method, path] of [
        ['POST', made.path],
        ['GET', made.path],
        ['POST', `${made.path}?as=page`],
      ] as const) {
        const before = (await refusals(made.id)).length
        const again = await from('198.51.100.9', method, path)
        assert.equal(again.status, 410, again.text)
        assert.ok(!again.text.includes('kb_') && /delivery_used/.test(again.text))
        const records = await refusals(made.id)
        assert.equal(records.length, before + 1)
        assert.deepEqual(
          [records[0]!.outcome, records[0]!.reason, records[0]!.address, records[0]!.detail],
          [
            'refused',
            'delivery_used',
            '198.51.100.9',
            { first_opened_at: new Date(clock.now()).toISOString(), first_opened_from: '192.0.2.1', opened_again_from: '198.51.100.9' },
          ],
        )
        await until(() => alarms(made.id).length === before + 1)
        const told = alarms(made.id).at(-1)!.data
        assert.deepEqual([told.first_opened_from, told.opened_again_from], ['192.0.2.1', '198.51.100.9'])
      }
      assert.equal((await deliveryOf(made.id)).repeats, 3)
      assert.equal((await token(key)).status, 200, 'what becomes of the key is decided by a person')
    })

    it('Z8: of many who open a link at the same time exactly one gets the key', async () => {
      const made = await make()
      const replies = await Promise.all(Array.from({ length: 12 }, (_, i) => from(`192.0.2.${i + 1}`, 'POST', made.path)))
      const keys = replies.filter((reply) => reply.status === 200)
      assert.equal(keys.length, 1)
      assert.ok(replies.every((reply) => reply.status === 200 || (reply.status === 410 && !reply.text.includes('kb_'))))
      assert.equal((await token(keys[0]!.text.trim())).status, 200)
      const records = await refusals(made.id)
      assert.equal(records.length, 11)
      const { opened_from } = await deliveryOf(made.id)
      assert.ok(records.every((record) => record.detail.first_opened_from === opened_from))
    })

    it('Z8: when two nodes open a delivery at the same moment, one of them is first and the other one is not', async () => {
      const { id } = await make()
      const mark = () => inTransaction(api.world.store.db, (trx) => markDeliveryOpened(trx, id, clock.now(), '192.0.2.1'))
      assert.equal((await Promise.all([mark(), mark()])).filter(Boolean).length, 1)
      assert.equal(await mark(), false)
    })

    it('Z8: after its end, with a changed path, and after the key was revoked, a link hands over nothing', async () => {
      const late = await make()
      await clock.advance(hour)
      for (const method of ['GET', 'POST']) {
        const reply = await from('192.0.2.1', method, late.path)
        assert.equal(reply.status, 410)
        assert.match(reply.text, /delivery_expired/)
      }
      assert.equal((await deliveryOf(late.id)).status, 'expired')
      const made = await make()
      const link = made.path.split('/').at(-1)!
      const other = link.startsWith('A') ? `B${link.slice(1)}` : `A${link.slice(1)}`
      for (const path of [
        `/deliver/${other}`,
        `/deliver/${link.slice(0, -1)}`,
        `${made.path}x`,
        `/deliver/${made.id}`,
        `/deliver/${encodeURIComponent(`${link} `)}`,
      ]) {
        assert.equal((await from('192.0.2.1', 'POST', path)).status, 404, path)
      }
      assert.equal((await from('192.0.2.1', 'POST', `${made.path}/`)).status, 404)
      await api.ask('DELETE', `/v1/access-keys/${made.id}`)
      assert.equal((await from('192.0.2.1', 'POST', made.path)).status, 404)
      const { items } = await api.services.audit.list({ action: 'access_key.delivery_refused', limit: 500 })
      for (const reason of ['delivery_expired', 'delivery_unknown'])
        assert.ok(
          items.some((item) => item.reason === reason && item.address === '192.0.2.1'),
          reason,
        )
    })

    it('Z8: programs that only look at a link do not open it: a page with a button does', async () => {
      const made = await make()
      assert.equal((await from('192.0.2.1', 'HEAD', made.path)).status, 200)
      const page = await from('192.0.2.1', 'GET', made.path)
      assert.equal(page.status, 200)
      assert.match(page.text, /job &#60;\d+&#62;/)
      assert.doesNotMatch(page.text, /kb_/)
      assert.equal((await deliveryOf(made.id)).status, 'waiting')
      const foreign = await from('192.0.2.1', 'POST', `${made.path}?as=page`, { headers: { origin: 'https://evil.example' } })
      assert.equal(foreign.json.code, 'origin_not_allowed')
      const shown = await from('192.0.2.1', 'POST', `${made.path}?as=page`)
      assert.equal(shown.status, 200)
      assert.equal((await token(/kb_\w{46}/.exec(shown.text)![0])).status, 200)
    })

    it('Z8: a flood of openings is told in part only', async () => {
      const made = await make()
      for (let i = 0; i < 30; i++) await from('192.0.2.1', 'POST', made.path)
      assert.equal((await refusals(made.id)).length, 20)
    })

    it('O25: the pages of a delivery are static, load nothing, are kept nowhere, framed by nobody, and tell no other site their address', async () => {
      const made = await make()
      const pages = [
        ['waiting', await from('192.0.2.1', 'GET', made.path), "'self'", 'same-origin'],
        ['opened', await from('192.0.2.1', 'POST', `${made.path}?as=page`), "'none'", 'no-referrer'],
        ['used', await from('192.0.2.1', 'GET', made.path), "'none'", 'no-referrer'],
        ['unknown', await from('192.0.2.1', 'GET', '/deliver/x'), "'none'", 'no-referrer'],
      ] as const
      for (const [name, { headers, text }, forms, referrer] of pages) {
        assert.match(
          String(headers['content-security-policy']),
          new RegExp(`^default-src 'none'; style-src 'sha256-[\\w+/=]+'; base-uri 'none'; form-action ${forms}; frame-ancestors 'none'$`),
          name,
        )
        assert.deepEqual(
          [headers['referrer-policy'], headers['cache-control'], headers['x-frame-options'], headers['x-content-type-options'], headers.location],
          [referrer, 'no-store', 'DENY', 'nosniff', undefined],
          name,
        )
        assert.doesNotMatch(text.replace(/<style>.*<\/style>/, ''), /<(?:script|img|link|iframe)|\son\w+=|src=|href=/i, name)
      }
    })
  })
}
