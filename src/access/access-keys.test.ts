import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { databases, makePlace, openWorld, tester, type World } from '../../test/world.ts'
import { Caller, isNetwork, networkTest } from './caller.ts'

async function withWorld(database: 'sqlite' | 'postgres', work: (world: World, clock: ReturnType<typeof createTestClock>) => Promise<void>): Promise<void> {
  const place = await makePlace(database)
  const clock = createTestClock()
  const world = await openWorld(place, { clock })
  try {
    await work(world, clock)
  } finally {
    await world.close()
    await place.remove()
  }
}

const refused = (pattern: RegExp) => (error: unknown) => isProblem(error, 'not_signed_in') && pattern.test(error.message)

for (const database of databases) {
  describe(`access keys on ${database}`, () => {
    it('Z7: a key is stored as a hash, shown once, and allows what it names and nothing else', async () => {
      await withWorld(database, async (world) => {
        const made = await world.accessKeys.create({ name: 'backup', permissions: [{ credential: 'cred_a', rights: ['token'] }] }, tester)
        const text = made.key.reveal()
        const rows = await world.store.db.selectFrom('access_keys').selectAll().execute()
        assert.ok(!JSON.stringify(rows).includes(text))
        const caller = await world.accessKeys.authenticate(`Bearer ${text}`, '127.0.0.1')
        assert.equal(caller.can('token', 'cred_a'), true)
        assert.equal(caller.can('token', 'cred_b'), false)
        assert.equal(caller.can('read', 'cred_a'), false)
        assert.equal(caller.administers('manage'), false)
        assert.deepEqual(caller.visible(), [])
      })
    })

    it('Z7: a key that is wrong, mistyped, expired, revoked or used from elsewhere is refused, and told why', async () => {
      await withWorld(database, async (world, clock) => {
        const keys = world.accessKeys
        const made = await keys.create(
          { name: 'short', permissions: [{ credential: '*', rights: ['token'] }], expiresAt: clock.now() + 60_000, networks: ['192.0.2.0/24'] },
          tester,
        )
        const header = `Bearer ${made.key.reveal()}`
        await keys.authenticate(header, '192.0.2.7')
        await assert.rejects(keys.authenticate(undefined, null), refused(/no access key/))
        await assert.rejects(keys.authenticate('Basic abc', null), refused(/form/))
        await assert.rejects(keys.authenticate('Bearer hello', null), refused(/kb_/))
        const text = made.key.reveal()
        await assert.rejects(keys.authenticate(`Bearer ${text.slice(0, -1)}${text.endsWith('x') ? 'y' : 'x'}`, null), refused(/checksum/))
        await assert.rejects(keys.authenticate(header, '198.51.100.1'), refused(/may not be used from/))
        clock.jump(61_000)
        await assert.rejects(keys.authenticate(header, '192.0.2.7'), refused(/expired/))
        const other = await keys.create({ name: 'other', permissions: [{ credential: '*', rights: ['token'] }] }, tester)
        await keys.authenticate(`Bearer ${other.key.reveal()}`, null)
        await keys.revoke('other', tester)
        await assert.rejects(keys.authenticate(`Bearer ${other.key.reveal()}`, null), refused(/revoked/))
      })
    })

    it('Z7: a key that comes again over its connection is judged again; another key, or another connection, is read anew', async () => {
      await withWorld(database, async (world, clock) => {
        const keys = world.accessKeys
        const make = async (name: string, more: { expiresAt?: number; networks?: string[] } = {}) => {
          const made = await keys.create({ name, permissions: [{ credential: '*', rights: ['token'] }], ...more }, tester)
          return `Bearer ${made.key.reveal()}`
        }
        const first = await make('first', { expiresAt: clock.now() + 60_000, networks: ['192.0.2.0/24'] })
        const second = await make('second')
        const connection = {}
        const again = (authorization: string | undefined, address: string, over: object | null = connection) =>
          keys.authenticateAgain({ authorization, address, ...(over === null ? {} : { connection: over }) })
        assert.equal(again(first, '192.0.2.7'), null, 'nobody came over it yet')
        const caller = await keys.authenticate(first, '192.0.2.7', connection)
        assert.equal(again(first, '192.0.2.7'), caller)
        for (const other of [second, undefined, `${first} `, first.toLowerCase()]) assert.equal(again(other, '192.0.2.7'), null)
        assert.equal(again(first, '192.0.2.7', {}), null)
        assert.equal(again(first, '192.0.2.7', null), null)
        assert.throws(() => again(first, '198.51.100.1'), refused(/may not be used from/))
        await assert.rejects(keys.authenticate(`${second}x`, '192.0.2.7', connection), refused(/mistyped/))
        assert.equal((await keys.authenticate(second, '192.0.2.7', connection)).actor.name, 'second')
        assert.equal(again(first, '192.0.2.7'), null, 'the connection now speaks for another')
        await keys.authenticate(first, '192.0.2.7', connection)
        clock.jump(61_000)
        assert.throws(() => again(first, '192.0.2.7'), refused(/expired/))
        await keys.authenticate(second, '192.0.2.7', connection)
        await keys.revoke('second', tester)
        // Either it is known to be revoked, or the database has to be asked.
        await assert.rejects(async () => again(second, '192.0.2.7') ?? (await keys.authenticate(second, '192.0.2.7', connection)), refused(/revoked/))
      })
    })

    it('Z7: a key that is revoked while it is read is not remembered as it was, nor is one when changes were missed', async () => {
      await withWorld(database, async (world) => {
        const { accessKeys: keys, context, store } = world
        const say = (type: 'access_key.changed' | 'events.missed') => context.bus.publish({ seq: 0, at: 0, type, subject: null, data: {} })
        for (const type of ['access_key.changed', 'events.missed'] as const) {
          const made = await keys.create({ name: type, permissions: [{ credential: '*', rights: ['token'] }] }, tester)
          const header = `Bearer ${made.key.reveal()}`
          if (type === 'events.missed') await keys.authenticate(header, null)
          const reading = keys.authenticate(header, null)
          // Another node has revoked it after it was read here, and that was heard of before the answer came.
          say(type)
          await reading
          await store.db.updateTable('access_keys').set({ revoked_at: 1 }).where('id', '=', made.view.id).execute()
          await assert.rejects(keys.authenticate(header, null), refused(/revoked/))
        }
      })
    })

    it('records who made and revoked it, and refuses a second key of the same name', async () => {
      await withWorld(database, async (world) => {
        await world.accessKeys.create({ name: 'one', permissions: [{ credential: '*', rights: ['read'] }] }, tester)
        await assert.rejects(world.accessKeys.create({ name: 'one', permissions: [{ credential: '*', rights: ['read'] }] }, tester), (error) =>
          isProblem(error, 'name_taken'),
        )
        await world.accessKeys.revoke('one', tester)
        await world.accessKeys.create({ name: 'one', permissions: [{ credential: '*', rights: ['read'] }] }, tester)
        const { items } = await world.context.audit.list({})
        assert.deepEqual(
          items.map((item) => item.action),
          ['access_key.created', 'access_key.revoked', 'access_key.created'],
        )
      })
    })

    it('refuses a key without any right, and nonsense in networks and names', async () => {
      await withWorld(database, async (world) => {
        const create = (input: object) => world.accessKeys.create({ name: 'x', permissions: [], ...input }, tester)
        for (const input of [
          {},
          { permissions: [{ credential: '*', rights: [] }] },
          { name: 'a\nb', administration: ['audit'] },
          { administration: ['audit'], networks: ['10.0.0.0/99'] },
        ]) {
          await assert.rejects(create(input), (error) => isProblem(error, 'invalid_request') && error.errors.length > 0)
        }
      })
    })
  })
}

describe('two nodes', { skip: databases.includes('postgres') ? false : 'needs PostgreSQL' }, () => {
  it('Z7: a key revoked on one node is refused on the other within a second', async () => {
    const place = await makePlace('postgres')
    const a = await openWorld(place, { tailInterval: 200 })
    const b = await openWorld(place, { tailInterval: 200 })
    try {
      const made = await a.accessKeys.create({ name: 'gone', permissions: [{ credential: '*', rights: ['token'] }] }, tester)
      const header = `Bearer ${made.key.reveal()}`
      await b.accessKeys.authenticate(header, null)
      await a.accessKeys.revoke('gone', tester)
      await new Promise((done) => setTimeout(done, 900))
      await assert.rejects(b.accessKeys.authenticate(header, null), refused(/revoked/))
    } finally {
      await a.close()
      await b.close()
      await place.remove()
    }
  })
})

describe('a caller', () => {
  const view = (
    permissions: { credential: string; rights: ('read' | 'token' | 'mail' | 'request')[] }[],
    administration: ('manage' | 'keys' | 'audit')[] = [],
  ) => ({
    id: 'key_1',
    name: 'k',
    hint: 'kb_abcd',
    permissions,
    administration,
    networks: [],
    expiresAt: null,
    revokedAt: null,
    createdAt: 0,
    createdBy: 'service',
    lastUsedAt: null,
    lastUsedFrom: null,
  })

  it('may manage without getting tokens', () => {
    const caller = new Caller(view([], ['manage']), tester)
    assert.equal(caller.can('token', 'cred_a'), false)
    assert.equal(caller.visible(), undefined)
  })

  it('sees only credentials it may read', () => {
    const caller = new Caller(
      view([
        { credential: 'cred_a', rights: ['read'] },
        { credential: 'cred_b', rights: ['token'] },
      ]),
      tester,
    )
    assert.deepEqual(caller.visible(), ['cred_a'])
    assert.equal(caller.knows('cred_b'), true)
    assert.equal(caller.knows('cred_c'), false)
  })

  it('compares addresses as numbers', () => {
    const test = networkTest(['10.0.0.0/8', '2001:db8::/32'])
    assert.deepEqual(['10.1.2.3', '::ffff:10.1.2.3', '11.0.0.1', '2001:db8::5', '2001:db9::5', null, 'x'].map(test), [
      true,
      true,
      false,
      true,
      false,
      false,
      false,
    ])
    assert.deepEqual(['10.0.0.0/8', '10.0.0.1', '::/0', '10.0.0.0/33', 'host', '10.0.0.0/8/8'].map(isNetwork), [true, true, true, false, false, false])
  })
})
