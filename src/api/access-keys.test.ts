import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createTestClock } from '../base/clock.ts'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'
import { contract } from './contract.ts'

describe('access keys of automations', () => {
  let api: ApiWorld
  const clock = createTestClock()
  before(async () => {
    api = await openApiWorld({ world: { clock } })
    for (const name of ['a', 'b']) await api.ask('POST', '/v1/credentials', { body: { name, kind: 'api_key', secret: `secret of ${name}` } })
  })
  after(() => api.close())

  const make = async (more: object = {}) => {
    const reply = await api.ask('POST', '/v1/access-keys', {
      body: { name: `job ${Math.random()}`, permissions: [{ credential: 'a', rights: ['token'] }], ...more },
    })
    assert.equal(reply.status, 201, reply.text)
    return { key: String(reply.json.key), id: (reply.json.access_key as { id: string }).id }
  }
  const token = (name: string, key: string) => api.ask('POST', `/v1/credentials/${name}/token`, { key, body: {} })

  it('Z7: a key for the tokens of one credential gets these and nothing else', async () => {
    const { key, id } = await make()
    assert.equal((await token('a', key)).status, 200)
    assert.equal((await token('b', key)).status, 404)
    const { key: alsoReads } = await make({
      permissions: [
        { credential: 'a', rights: ['token'] },
        { credential: 'b', rights: ['read'] },
      ],
    })
    assert.equal((await token('b', alsoReads)).status, 403)
    for (const row of contract) {
      if (row.permission === 'public' || row.permission === 'any' || row.id === 'handOutToken') continue
      const reply = await api.ask(row.method, row.path.replace('{credential}', 'a').replace(/\{\w+\}/g, id), { key })
      assert.equal(reply.status, 403, `${row.id}: ${reply.text.slice(0, 150)}`)
    }
  })

  it('Z7: the text of a key is in the answer to its making and nowhere after', async () => {
    const { key, id } = await make()
    const replies = [
      await api.ask('GET', '/v1/access-keys'),
      await api.ask('GET', `/v1/access-keys/${id}`),
      await api.ask('GET', '/v1/audit'),
      await api.ask('DELETE', `/v1/access-keys/${id}`),
    ]
    for (const reply of replies) assert.ok(reply.status === 200 && !reply.text.includes(key.slice(8)))
    const rows = JSON.stringify(await api.world.context.db.selectFrom('access_keys').selectAll().execute())
    assert.ok(!rows.includes(key.slice(8)), 'only a hash is stored')
  })

  it('Z7: rights cannot grow: there is no way to change a key', async () => {
    const { id } = await make()
    for (const method of ['PATCH', 'PUT', 'POST']) assert.equal((await api.ask(method, `/v1/access-keys/${id}`, { body: { permissions: [] } })).status, 405)
  })

  it('Z7: a revoked key is refused at once, and by an open stream of events too', async () => {
    const { key, id } = await make({ permissions: [{ credential: 'a', rights: ['read'] }] })
    const stream = await fetch(`http://127.0.0.1:${api.port}/v1/events`, { headers: { authorization: `Bearer ${key}` } })
    assert.equal(stream.status, 200)
    await api.ask('DELETE', `/v1/access-keys/${id}`)
    assert.equal((await api.ask('GET', '/v1/credentials', { key })).status, 401)
    const end = await Promise.race([stream.text(), new Promise<string>((resolve) => setTimeout(() => resolve('still open'), 2000))])
    assert.notEqual(end, 'still open')
    assert.doesNotMatch(end, /event: access_key/)
  })

  it('Z7: an expired key is refused', async () => {
    const { key } = await make({ expires_at: new Date(clock.now() + 60_000).toISOString() })
    assert.equal((await token('a', key)).status, 200)
    clock.jump(61_000)
    const reply = await token('a', key)
    assert.equal(reply.status, 401)
    assert.match(String(reply.json.detail), /expired/)
    clock.jump(-61_000)
  })

  it('says what is wrong with a new key', async () => {
    const reply = await api.ask('POST', '/v1/access-keys', { body: { name: 'x', permissions: [{ credential: 'a', rights: ['fly'] }], networks: ['here'] } })
    assert.equal(reply.status, 400)
    assert.equal(
      (await api.ask('POST', '/v1/access-keys', { body: { name: 'x', permissions: [{ credential: 'a', rights: ['read'] }], networks: ['here'] } })).status,
      400,
    )
    assert.equal((await api.ask('POST', '/v1/access-keys', { body: { name: 'x', permissions: [] } })).status, 400)
    assert.equal((await api.ask('POST', '/v1/access-keys', { body: { name: 'x', permissions: [{ credential: 'none', rights: ['read'] }] } })).status, 404)
  })
})
