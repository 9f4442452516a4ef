import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { until } from '../../test/mail-world.ts'
import { databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type FakeProvider, type World } from '../../test/world.ts'
import { createTestClock, systemClock, type Clock, type TestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** A machine whose wall clock is wrong by so much. */
const wrongBy = (milliseconds: number): Clock => ({ ...systemClock, now: () => systemClock.now() + milliseconds })

type Bed = { world: World; fake: FakeProvider; clock: TestClock; id: string; ask: (minTtlSeconds?: number) => Promise<string>; forget: () => Promise<void> }

for (const kind of databases) {
  /** A credential over a provider that counts its tokens: at-1, at-2 … */
  const bedOf = async (t: TestContext, life = 3600): Promise<Bed> => {
    const clock = createTestClock()
    const place = await makePlace(kind)
    const world = await openWorld(place, { clock })
    const fake = await startFakeProvider()
    t.after(async () => {
      await world.close()
      await fake.close()
      await place.remove()
    })
    let n = 0
    fake.answer = () => ({ body: { access_token: `at-${(n += 1)}`, expires_in: life, refresh_token: `rt-${n}` } })
    const id = await makeRefreshable(world, fake)
    return {
      world,
      fake,
      clock,
      id,
      ask: async (minTtlSeconds) => {
        const order = { purpose: 'token' as const, actor: tester, ...(minTtlSeconds === undefined ? {} : { minTtlSeconds }) }
        return (await world.credentials.handOut(id, order)).accessToken.reveal()
      },
      // What a restart forgets: everything that lies in memory only.
      forget: async () => {
        await world.credentials.pause(id, tester)
        await world.credentials.resume(id, tester)
      },
    }
  }

  describe(`a wall clock that is set while the service runs, on ${kind}`, () => {
    it('set back by a day, a token ends when it would have ended', async (t) => {
      const { clock, ask } = await bedOf(t)
      assert.equal(await ask(), 'at-1')
      clock.jump(-day)
      await clock.advance(hour - 1000)
      assert.equal(await ask(), 'at-2')
    })

    it('set back by a day, a token whose age nobody knows any more is renewed, and the new one counts', async (t) => {
      const { clock, ask, forget, fake } = await bedOf(t)
      await ask()
      clock.jump(-day)
      await forget()
      assert.equal(await ask(), 'at-2')
      assert.equal(await ask(), 'at-2')
      assert.equal(fake.seen.length, 2)
    })

    it('set back by a day while the provider is away, the token is served for its life and no longer', async (t) => {
      const { clock, ask, forget, fake } = await bedOf(t)
      await ask()
      clock.jump(-day)
      await forget()
      fake.answer = () => ({ status: 503, body: '' })
      assert.equal(await ask(), 'at-1')
      await clock.advance(hour)
      await assert.rejects(ask(), (error) => isProblem(error, 'provider_unavailable'))
    })

    it('set forward and back again, a token is renewed a bounded number of times', async (t) => {
      const { clock, ask, forget, fake } = await bedOf(t, 300)
      await ask()
      for (let i = 0; i < 3; i++) {
        clock.jump(10 * minute)
        await forget()
        await ask()
        await ask()
        clock.jump(-10 * minute)
        await forget()
        await ask()
        await ask()
      }
      assert.ok(fake.seen.length <= 7, `${fake.seen.length} requests`)
    })

    it('set back, what was planned follows: a failed renewal is tried again when it would have been', async (t) => {
      const { clock, ask, fake, world, id } = await bedOf(t)
      const works = fake.answer
      fake.answer = () => ({ status: 503, body: '' })
      await assert.rejects(ask())
      const due = async () =>
        (await world.store.db.selectFrom('credentials').select('refresh_due_at').where('id', '=', id).executeTakeFirstOrThrow()).refresh_due_at!
      const pause = (await due()) - clock.now()
      world.schedule.start()
      await until('the schedule sleeps', () => clock.sleepers > 0)
      clock.jump(-hour)
      fake.answer = works
      const seen = fake.seen.length
      await until('it is tried again', async () => {
        await clock.advance(500)
        return fake.seen.length > seen
      })
      assert.ok(clock.monotonic() <= pause + 10_000, `after ${clock.monotonic()} ms`)
      assert.ok(world.log.some((line) => line.includes('clock.set_back')))
    })

    it('set back while the service was stopped, a pause of a year is no pause, and a token of the future is renewed', async (t) => {
      const { clock, ask, forget, world, id, fake } = await bedOf(t)
      await ask()
      const { db } = world.store
      const year = 365 * day
      for (const change of [
        { token_obtained_at: clock.now() + year, token_expires_at: clock.now() + year + hour, refresh_due_at: clock.now() + year },
        { status: 'retrying', token_obtained_at: clock.now() - day, token_expires_at: clock.now() - hour, refresh_due_at: clock.now() + year },
      ]) {
        await db.updateTable('credentials').set(change).where('id', '=', id).execute()
        await world.schedule.housekeep()
        const row = await db.selectFrom('credentials').select('refresh_due_at').executeTakeFirstOrThrow()
        assert.ok(row.refresh_due_at! <= clock.now())
      }
      const seen = fake.seen.length
      await forget()
      await db
        .updateTable('credentials')
        .set({ status: 'retrying', refresh_due_at: clock.now() + year })
        .execute()
      assert.equal(await ask(120), 'at-2', 'a caller does not wait for a year either')
      assert.equal(fake.seen.length, seen + 1)
    })
  })

  describe(`a clock that is ten minutes off, on ${kind}`, () => {
    for (const off of [10 * minute, -10 * minute]) {
      const words = off > 0 ? 'ahead of' : 'behind'

      it(`${words} the provider's: a refusal says so`, async (t) => {
        const { world, fake, id, clock } = await bedOf(t)
        fake.answer = () => ({
          status: 401,
          headers: { date: new Date(clock.now() - off).toUTCString() },
          body: { error: 'invalid_client', error_description: 'no' },
        })
        await assert.rejects(
          world.credentials.refresh(id, tester),
          (error) => isProblem(error, 'misconfigured') && error.message.includes(`10 min ${words} that of 127.0.0.1`),
        )
      })
    }
  })
}

describe('two nodes whose clocks are twenty minutes apart', { skip: databases.includes('postgres') ? false : 'needs PostgreSQL' }, () => {
  it('agree on leases and on when a token ends: 2 × 50 callers cause one request, and no node renews what is good', async (t) => {
    const place = await makePlace('postgres')
    const fake = await startFakeProvider()
    const a = await openWorld(place, { machine: wrongBy(10 * minute) })
    const b = await openWorld(place, { machine: wrongBy(-10 * minute) })
    t.after(async () => {
      await a.close()
      await b.close()
      await fake.close()
      await place.remove()
    })
    let underWay = 0
    fake.answer = async () => {
      assert.equal((underWay += 1), 1, 'one request at a time')
      await new Promise((done) => setTimeout(done, 300))
      underWay -= 1
      return { body: { access_token: 'at-1', expires_in: 300, refresh_token: 'rt-1' } }
    }
    const id = await makeRefreshable(b, fake)
    const callers = [a, b].flatMap((world) => Array.from({ length: 50 }, () => world.credentials.handOut(id, { purpose: 'token', actor: tester })))
    const tokens = await Promise.all(callers)
    assert.equal(fake.seen.length, 1)
    assert.equal(new Set(tokens.map((token) => token.expiresAt)).size, 1)
    for (const world of [a, b, a, b]) await world.credentials.handOut(id, { purpose: 'token', actor: tester, minTtlSeconds: 240 })
    assert.equal(fake.seen.length, 1)
    assert.ok(Math.abs(a.context.clock.now() - b.context.clock.now()) < 1000)
  })
})
