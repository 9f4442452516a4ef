import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'
import { databases } from '../../test/world.ts'

type Item = Record<string, unknown>

for (const database of databases) {
  describe(`facts about credentials on ${database}`, () => {
    let api: ApiWorld
    before(async () => {
      api = await openApiWorld({ database })
      for (const name of ['one', 'two', 'three']) await made({ name, kind: 'api_key', secret: 'CANARY-secret', tags: ['x'] })
      await made({ name: 'empty', kind: 'basic', username: 'anna' })
    })
    after(() => api.close())

    const made = async (body: object) => {
      const reply = await api.ask('POST', '/v1/credentials', { body })
      assert.equal(reply.status, 201, reply.text)
      return reply.json
    }
    const items = (reply: { json: Item }) => reply.json.items as Item[]

    it('counts by status and kind, for the same filters as the list', async () => {
      const all = await api.ask('GET', '/v1/credentials/counts')
      assert.deepEqual(all.json, {
        by_status: { incomplete: 1, ready: 3, expiring: 0, retrying: 0, needs_consent: 0, misconfigured: 0, paused: 0 },
        by_kind: { oauth2: 0, api_key: 3, basic: 1 },
        total: 4,
      })
      assert.equal((await api.ask('GET', '/v1/credentials/counts?tag=x&search=t')).json.total, 2)
      assert.equal((await api.ask('GET', '/v1/credentials/counts?attention=true')).json.total, 1)
      assert.equal((await api.ask('GET', '/v1/credentials/counts?status=ready')).status, 400)
      const { id } = (await api.ask('GET', '/v1/credentials/one')).json as { id: string }
      const key = await api.makeKey({ permissions: [{ credential: id, rights: ['read'] }] })
      assert.equal((await api.ask('GET', '/v1/credentials/counts', { key })).json.total, 1, 'what a key may not read does not count')
    })

    it('says what needs a person, and who uses what', async () => {
      assert.deepEqual(
        items(await api.ask('GET', '/v1/credentials?attention=true')).map((item) => item.name),
        ['empty'],
      )
      const key = await api.makeKey({ name: 'nightly', permissions: [{ credential: '*', rights: ['token'] }] })
      for (let i = 0; i < 3; i++) await api.ask('POST', '/v1/credentials/two/token', { key })
      await api.world.usage.flush()
      const [first] = items(await api.ask('GET', '/v1/credentials?sort=-last_used&limit=1'))
      assert.equal(first!.name, 'two')
      const used = first!.used_by as { items: Item[]; count: number }
      assert.deepEqual([used.count, used.items.map((one) => one.name)], [1, ['nightly']])
      const days = items(await api.ask('GET', '/v1/credentials/two/usage-days?days=7'))
      assert.equal(days.length, 7)
      assert.deepEqual(days.at(-1), { day: new Date(api.services.clock.now()).toISOString().slice(0, 10), ok: 3, issue: 0 })
      assert.equal((await api.ask('GET', '/v1/credentials/two/usage-days?days=91')).status, 400)
    })

    it('does not take a test for a use, and names a person who used something', async () => {
      const { id } = await made({ name: 'only tested', kind: 'api_key', secret: 'CANARY-secret' })
      assert.equal((await api.ask('POST', '/v1/credentials/only%20tested/test')).json.ok, true)
      await api.world.usage.flush()
      const tested = (await api.ask('GET', '/v1/credentials/only%20tested')).json as { used_by: object; last_used_at: null }
      assert.deepEqual([tested.used_by, tested.last_used_at], [{ items: [], count: 0, actions: [] }, null])
      const person = { id: 'per_1', name: 'anna@example.org' }
      await api.world.context.db
        .insertInto('persons')
        .values({
          ...person,
          name_key: person.name,
          role: 'manager',
          joined_at: 1,
          suspended_at: null,
          password: null,
          created_by: 'key_1',
          created_at: 1,
          last_seen_at: null,
        })
        .execute()
      api.world.usage.add(String(id), { ...person, kind: 'person', address: null }, 'ok')
      await api.world.usage.flush()
      const used = (await api.ask('GET', '/v1/credentials/only%20tested')).json as { used_by: { items: object[] }; last_used_by: object }
      assert.deepEqual([used.used_by.items, used.last_used_by], [[person], person])
      assert.deepEqual(items(await api.ask('GET', '/v1/credentials/only%20tested/usage'))[0]!.access_key, person)
    })

    it('tells the history of one credential, newest first, in pages, to whoever may read it', async () => {
      await api.ask('POST', '/v1/credentials/three/pause')
      await api.ask('PATCH', '/v1/credentials/three', { body: { description: 'new' } })
      const { id } = (await api.ask('GET', '/v1/credentials/three')).json as { id: string }
      const reader = await api.makeKey({ permissions: [{ credential: id, rights: ['read'] }] })
      const reply = await api.ask('GET', `/v1/credentials/${id}/history?limit=2`, { key: reader })
      assert.deepEqual(
        items(reply).map((item) => item.action),
        ['credential.changed', 'credential.paused'],
      )
      const [newest] = items(reply)
      assert.deepEqual([newest!.outcome, newest!.detail], ['done', { fields: ['description'], secret_removed: false }])
      assert.deepEqual(Object.keys(newest!).sort(), ['action', 'actor', 'at', 'detail', 'outcome', 'reason', 'seq'])
      const rest = await api.ask('GET', `/v1/credentials/${id}/history?cursor=${String(reply.json.next)}`, { key: reader })
      assert.deepEqual([items(rest).map((item) => item.action), rest.json.next], [['credential.created'], null])
    })

    it('exports the whole trail as it was when it was asked for, or what fits of it, one object per line', async () => {
      for (let i = 0; i < 1200; i++)
        void api.services.audit.record({ actor: { id: 'key_x', name: 'x', kind: 'access_key', address: null }, action: 'audit.read', outcome: 'done' })
      await api.services.audit.record({ actor: { id: 'key_y', name: 'y', kind: 'access_key', address: null }, action: 'api.refused', outcome: 'refused' })
      const whole = await api.ask('GET', '/v1/audit/export')
      assert.equal(whole.status, 200)
      assert.match(String(whole.headers['content-type']), /^application\/jsonl/)
      const lines = whole.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Item)
      assert.deepEqual(
        lines.map((line) => line.seq),
        Array.from({ length: lines.length }, (_, i) => i + 1),
      )
      assert.ok(lines.length > 1200)
      assert.equal(lines.at(-1)!.action, 'audit.exported', 'whoever exports is himself in the trail')
      const refused = await api.ask('GET', '/v1/audit/export?outcome=refused&actor=key_y')
      assert.deepEqual(
        refused.text
          .trimEnd()
          .split('\n')
          .map((line) => (JSON.parse(line) as Item).action),
        ['api.refused'],
      )
      assert.equal((await api.ask('GET', '/v1/audit/export?action=credential.deleted')).text, '')
      assert.doesNotMatch(whole.text, /CANARY/)
    })

    it('finds rare records by action and outcome as it finds all others', async () => {
      for (const [query, action] of [
        ['action=credential.paused', 'credential.paused'],
        ['outcome=refused', 'api.refused'],
        ['action=token.handed_out&outcome=done&limit=1', 'token.handed_out'],
      ]) {
        const [first] = items(await api.ask('GET', `/v1/audit?${query}`))
        assert.equal(first?.action, action, query)
      }
      const none = await api.ask('GET', `/v1/audit?to=2020-01-01T00:00:00Z`)
      assert.deepEqual(items(none), [])
    })
  })
}
