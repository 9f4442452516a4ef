import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeJar } from '../../test/consent-jar.ts'
import { databases, makePlace, openWorld, startFakeProvider, tester } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { listEnds } from './calendar.ts'

const day = 86_400_000
const answer = { access_token: 'at', expires_in: 3600, refresh_token: 'rt' }

for (const database of databases) {
  describe(`the life of a consent that only a person knows of, on ${database}`, () => {
    it('O21: counts from the consent, is moved by no renewal, is warned of and stands in the calendar; a new consent begins anew', async (t) => {
      const clock = createTestClock()
      const fake = await startFakeProvider()
      const place = await makePlace(database)
      const world = await openWorld(place, { clock })
      t.after(async () => {
        await world.close()
        await fake.close()
        await place.remove()
      })
      fake.answer = () => ({ body: answer })
      const made = await world.credentials.create(
        {
          name: 'testing',
          kind: 'oauth2',
          grant: 'authorization_code',
          options: { consentLifetime: 7 * 86_400 },
          registration: {
            name: 'app',
            provider: 'generic',
            clientId: 'c',
            clientSecret: new Secret('s'),
            placeholders: { token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize` },
          },
        },
        tester,
      )
      const connect = async () => {
        const consent = await world.consents.start(made.id, { mode: 'browser' }, tester)
        const jar = makeJar()
        const state = (await jar.open(world, consent)).searchParams.get('state')!
        await world.consents.callback(made.registration!.id, new URLSearchParams({ code: 'c', state }), jar)
      }
      const view = () => world.credentials.get(made.id)
      await connect()
      const end = clock.now() + 7 * day
      assert.equal((await view()).until, end)
      assert.equal((await listEnds(world.context, undefined))[0]?.at, end)
      const days: unknown[] = []
      for (let i = 0; i < 13; i++) {
        clock.jump(day / 2)
        // Also a refresh token that is replaced ends with its consent.
        fake.answer = () => ({ body: { ...answer, refresh_token: `rt-${i}` } })
        await world.credentials.refresh(made.id, tester)
        const from = world.events.length
        await world.schedule.housekeep()
        days.push(...world.events.slice(from).flatMap((event) => (event.type === 'credential.expiring' ? [event.data.days] : [])))
        assert.equal((await view()).until, end)
      }
      assert.deepEqual(days, [7, 1])
      await connect()
      assert.equal((await view()).until, clock.now() + 7 * day)

      // What the provider says itself counts more.
      fake.answer = () => ({ body: { ...answer, refresh_token_expires_in: 3 * 86_400 } })
      await connect()
      assert.equal((await view()).until, clock.now() + 3 * day)

      // Published: the next consent lasts.
      fake.answer = () => ({ body: answer })
      await world.credentials.change(made.id, { options: {} }, tester)
      await connect()
      assert.equal((await view()).until, null)
      await assert.rejects(world.credentials.change(made.id, { options: { consentLifetime: 60 } }, tester), (error) => isProblem(error, 'invalid_request'))
    })
  })
}
