import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { databases, makePlace, openWorld, tester } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { dayNumber } from '../storage/usages.ts'
import { AccessKeys } from './access-keys.ts'
import { KeyWatch } from './key-watch.ts'
import type { NewAccessKey } from './types.ts'

const day = 86_400_000

for (const kind of databases) {
  const bedOf = async (t: TestContext) => {
    const place = await makePlace(kind)
    const clock = createTestClock()
    const world = await openWorld(place, { clock })
    const { db, audit, bus, log } = world.context
    const open = () => {
      const watch = new KeyWatch({ db, clock, audit, bus, log, wake: () => undefined })
      return { watch, keys: new AccessKeys({ db, clock, audit, bus, isFresh: () => true, watch }) }
    }
    const { watch, keys } = open()
    t.after(async () => {
      await watch.settled()
      await world.close()
      await place.remove()
    })
    const make = async (further: Partial<NewAccessKey> = {}) => {
      const { view, key } = await keys.create({ name: 'nightly', permissions: [{ credential: '*', rights: ['token'] }], ...further }, tester)
      return { id: view.id, authorization: `Bearer ${key.reveal()}` }
    }
    const use = async (authorization: string, address: string, program = 'curl/8.5.0', by = { watch, keys }) => {
      await by.keys.authenticate(authorization, address, undefined, program)
      await by.watch.settled()
    }
    /** What people were told of, and what stands in the trail. */
    const told = async () =>
      (await db.selectFrom('events').select('data').where('type', '=', 'access_key.unusual').orderBy('seq').execute()).map(({ data }) => said(data))
    const noted = async () =>
      (await db.selectFrom('audit').select('detail').where('action', '=', 'access_key.unusual').orderBy('seq').execute()).map(({ detail }) => said(detail))
    const said = (text: string) => {
      const { what, value } = JSON.parse(text) as { what: string; value: string }
      return `${what} ${value}`
    }
    return { world, clock, open, watch, make, use, told, noted, keys }
  }

  describe(`unusual use of an access key, on ${kind}`, () => {
    it('P4: a second address is told of once, and not at each call, by whichever node, and not again after a restart', async (t) => {
      const { make, use, told, noted, open } = await bedOf(t)
      const { authorization } = await make()
      for (let i = 0; i < 3; i++) await use(authorization, '192.0.2.1')
      assert.deepEqual(await told(), [], 'the first one is the usual one')
      const [other, third] = [open(), open()]
      await Promise.all([...Array.from({ length: 5 }, () => use(authorization, '198.51.100.7')), use(authorization, '198.51.100.7', 'curl/8.5.0', other)])
      for (let i = 0; i < 5; i++) await use(authorization, i % 2 === 0 ? '198.51.100.7' : '192.0.2.1', 'curl/8.5.0', third)
      assert.deepEqual(await told(), ['address 198.51.100.7'])
      assert.deepEqual(await noted(), ['address 198.51.100.7'])
    })

    it('P4: another program is told of, another version of the same one is not, and neither is the machine itself', async (t) => {
      const { make, use, told, keys, watch } = await bedOf(t)
      const { authorization } = await make()
      await use(authorization, '192.0.2.1', 'python-requests/2.32.3')
      await use(authorization, '192.0.2.1', 'python-requests/2.33.0')
      await use(authorization, '127.0.0.1', 'wget/1.24')
      await use(authorization, '::1', 'wget/1.24')
      assert.deepEqual(await told(), [])
      await use(authorization, '192.0.2.1', 'evil\u0000\ntool/1.0 (x)')
      assert.deepEqual(await told(), ['program evil'])
      const smtp = await bedOf(t)
      const relayed = await smtp.make()
      await smtp.use(relayed.authorization, '192.0.2.1')
      await smtp.keys.reader(relayed.authorization)('192.0.2.1')
      await smtp.watch.settled()
      assert.deepEqual(await smtp.told(), ['program smtp'])
      await keys.authenticate(authorization, '192.0.2.1')
      await watch.settled()
    })

    it('P4: of a key people are told once a day at most; the trail holds all of it', async (t) => {
      const { clock, make, use, told, noted } = await bedOf(t)
      const { authorization } = await make()
      await use(authorization, '192.0.2.1')
      for (let i = 2; i < 6; i++) await use(authorization, `192.0.2.${i}`)
      assert.deepEqual(await told(), ['address 192.0.2.2'])
      assert.equal((await noted()).length, 4)
      await clock.advance(day + 1)
      await use(authorization, '192.0.2.99')
      assert.deepEqual(await told(), ['address 192.0.2.2', 'address 192.0.2.99'])
    })

    it('P4: an IPv6 network counts as one address', async (t) => {
      const { make, use, told } = await bedOf(t)
      const { authorization } = await make()
      await use(authorization, '2001:db8:0:1::a1')
      await use(authorization, '2001:db8::1:0:0:0:b2')
      await use(authorization, '2001:0db8:0000:0001:9999::')
      assert.deepEqual(await told(), [])
      await use(authorization, '2001:db8:0:2::a1')
      assert.deepEqual(await told(), ['address 2001:db8:0:2::/64'])
    })

    it('P4: ten times as many as on the busiest day before are told of once, few never, and nothing while too little is known', async (t) => {
      const { world, clock, make, told, watch } = await bedOf(t)
      const { id } = await make()
      const hand = async (count: number) => {
        world.context.bus.publish({ seq: 0, at: clock.now(), type: 'token.handed_out', subject: 'cred_1', data: { access_key: id, count } })
        await watch.settled()
      }
      for (const count of [20, 90_000]) {
        await hand(count)
        await clock.advance(day)
      }
      assert.deepEqual(await told(), [], 'too few days are known')
      await world.store.db.updateTable('key_days').set({ count: 30 }).execute()
      await hand(40)
      await clock.advance(day)
      await hand(400)
      assert.deepEqual(await told(), [], 'ten times as many as a few are still few')
      await hand(101)
      await hand(5000)
      assert.deepEqual(await told(), [`busy_day ${new Date(clock.now()).toISOString().slice(0, 10)}`])
      await clock.advance(60 * day)
      await hand(1)
      const days = await world.store.db.selectFrom('key_days').select('day').execute()
      assert.deepEqual(
        days.map((row) => row.day),
        [dayNumber(clock.now())],
        'what is long ago is forgotten',
      )
    })

    it('P4: whoever has a key and calls himself something else each time fills neither memory nor database', async (t) => {
      const { world, make, use, keys, watch, told } = await bedOf(t)
      const { authorization } = await make()
      await use(authorization, '192.0.2.1')
      for (let i = 0; i < 3000; i++) await keys.authenticate(authorization, '192.0.2.1', undefined, `agent-${i}/1.0`)
      await watch.settled()
      const { count } = await world.store.db
        .selectFrom('key_sightings')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      assert.equal(Number(count), 201, 'one address, and as many programs as are kept')
      assert.equal((await told()).length, 1)
    })

    it('P4: a key that is bound to its networks is refused from elsewhere, and that is no sighting', async (t) => {
      const { make, use, told, keys, watch, world } = await bedOf(t)
      const { authorization } = await make({ networks: ['192.0.2.0/24'] })
      await use(authorization, '192.0.2.1')
      await assert.rejects(
        keys.authenticate(authorization, '198.51.100.7'),
        (error) => isProblem(error, 'not_signed_in') && /198\.51\.100\.7/.test(error.message),
      )
      await watch.settled()
      assert.deepEqual(await told(), [])
      assert.equal((await world.store.db.selectFrom('key_sightings').selectAll().where('kind', '=', 'address').execute()).length, 1)
    })

    it('P4: what could not be written down is noticed at the next use', async (t) => {
      const { world, make, use, told, watch } = await bedOf(t)
      const { authorization } = await make()
      await use(authorization, '192.0.2.1')
      const { audit } = world.context
      const original = audit.append.bind(audit)
      audit.append = async () => {
        throw new Error('disk full')
      }
      await use(authorization, '198.51.100.7')
      assert.deepEqual(await told(), [])
      audit.append = original
      await use(authorization, '198.51.100.7')
      await watch.settled()
      assert.deepEqual(await told(), ['address 198.51.100.7'])
    })
  })
}
