import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestClock } from '../base/clock.ts'
import { databases, makePlace, makeRefreshable, openWorld, tester } from '../../test/world.ts'

for (const database of databases) {
  describe(`counting of uses on ${database}`, () => {
    it('counts each caller, each credential and each day apart, and loses nothing when it cannot be written at first', async () => {
      const place = await makePlace(database)
      const clock = createTestClock()
      const world = await openWorld(place, { clock })
      const { db } = world.store
      try {
        const other = { ...tester, id: 'key_other' }
        const one = await makeRefreshable(world, { url: 'http://127.0.0.1:9' }, 'one')
        const two = await makeRefreshable(world, { url: 'http://127.0.0.1:9' }, 'two')
        const days = async () =>
          (await db.selectFrom('usage_days').selectAll().execute())
            .map((row) => [row.credential_id === one ? 'one' : 'two', row.day, row.ok, row.issue])
            .toSorted((a, b) => String(a).localeCompare(String(b)))
        const uses = async () =>
          (await db.selectFrom('usages').selectAll().execute())
            .map((row) => [row.credential_id === one ? 'one' : 'two', row.access_key_id, row.count, row.last_outcome])
            .toSorted((a, b) => String(a).localeCompare(String(b)))
        const today = Math.floor(clock.now() / 86_400_000)
        world.usage.add(one, tester, 'ok')
        world.usage.add(one, tester, 'ok')
        world.usage.add(one, other, 'issue')
        world.usage.add(two, tester, 'ok')
        world.usage.add(one, tester, 'issue')
        await db.schema.alterTable('usages').renameTo('usages_away').execute()
        await world.usage.flush()
        world.usage.add(one, tester, 'ok')
        await db.schema.alterTable('usages_away').renameTo('usages').execute()
        await world.usage.flush()
        assert.deepEqual(await uses(), [
          ['one', 'key_other', 1, 'issue'],
          ['one', tester.id, 4, 'ok'],
          ['two', tester.id, 1, 'ok'],
        ])
        world.usage.add(one, tester, 'ok')
        clock.jump(86_400_000)
        world.usage.add(one, tester, 'ok')
        await world.usage.flush()
        assert.deepEqual((await uses())[1], ['one', tester.id, 6, 'ok'])
        assert.deepEqual(
          await days(),
          [
            ['one', today + 1, 1, 0],
            ['one', today, 4, 2],
            ['two', today, 1, 0],
          ].toSorted((a, b) => String(a).localeCompare(String(b))),
        )
      } finally {
        await world.close()
        await place.remove()
      }
    })
  })
}
