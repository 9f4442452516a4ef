import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { until } from '../../test/mail-world.ts'
import { databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type Answer } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'

const hour = 3_600_000
const day = 24 * hour
/** Refresh tokens that nobody uses for so long are dead. */
const idleLimit = 8.5 * day

for (const database of databases) {
  describe(`months without a hand-out, on ${database}`, () => {
    const bedOf = async (t: TestContext) => {
      const clock = createTestClock()
      const fake = await startFakeProvider()
      const place = await makePlace(database)
      const world = await openWorld(place, { clock })
      t.after(async () => {
        await world.close()
        await fake.close()
        await place.remove()
      })
      const lastUse = new Map<string, number>()
      const uses = new Map<string, number>()
      const longest = new Map<string, number>()
      const lives: Record<string, object> = {
        hourly: { expires_in: 3600 },
        yearly: { expires_in: 365 * 86_400 },
        endless: {},
        rotating: { expires_in: 86_400 },
      }
      let rotation = 0
      const valid = new Map<string, string>()
      fake.answer = ({ parameters }): Answer => {
        const token = parameters.get('refresh_token') ?? ''
        const name = token.split('-')[0]!
        const now = clock.now()
        const idle = now - (lastUse.get(name) ?? now)
        longest.set(name, Math.max(longest.get(name) ?? 0, idle))
        if (idle > idleLimit || (valid.get(name) ?? token) !== token) return { status: 400, body: { error: 'invalid_grant' } }
        lastUse.set(name, now)
        uses.set(name, (uses.get(name) ?? 0) + 1)
        const next = name === 'rotating' ? { refresh_token: `rotating-${(rotation += 1)}` } : {}
        if (next.refresh_token !== undefined) valid.set(name, next.refresh_token)
        return { body: { access_token: `at-${name}`, ...lives[name.replace(/\d+$/, '')], ...next } }
      }
      /** Lets the plan catch up with the clock: nothing is due, and nothing is under way. */
      const settled = async () => {
        const { db } = world.store
        await clock.advance(5000)
        await until('nothing is due', async () => {
          await clock.advance(100)
          const due = await db.selectFrom('credentials').select('id').where('refresh_due_at', '<=', clock.now()).execute()
          const open = await db.selectFrom('refresh_attempts').select('credential_id').execute()
          return due.length === 0 && open.length === 0
        })
      }
      return { clock, fake, world, uses, longest, settled }
    }

    const month = 30 * day

    it('O20: over seven months every refresh token is used at least every week, whatever the token lives, and none dies', { timeout: 300_000 }, async (t) => {
      const { clock, fake, world, uses, longest, settled } = await bedOf(t)
      const ids: string[] = []
      for (const name of ['hourly', 'yearly', 'endless', 'rotating']) ids.push(await makeRefreshable(world, fake, name, `${name}-0`))
      for (const id of ids) await world.credentials.refresh(id, tester)
      world.schedule.start()
      const end = clock.now() + 7 * month
      while (clock.now() < end) {
        clock.jump(12 * hour)
        await settled()
      }
      for (const [name, idle] of longest) assert.ok(idle <= 7.6 * day, `${name} was idle for ${idle / day} days`)
      assert.ok(uses.get('yearly')! >= 30 && uses.get('yearly')! < 45, `not more often than needed: ${uses.get('yearly')}`)
      for (const id of ids) {
        const view = await world.credentials.get(id)
        assert.equal(view.status, 'ready', view.name)
        const { accessToken } = await world.credentials.handOut(id, { purpose: 'token', actor: tester })
        assert.equal(accessToken.reveal(), `at-${view.name}`)
      }
    })

    it('O20: a machine that slept for a week catches up, each once, and no more at a time than it may', { timeout: 120_000 }, async (t) => {
      const { clock, fake, world, uses, settled } = await bedOf(t)
      const names = Array.from({ length: 120 }, (_, i) => `hourly${i}`)
      for (const name of names) await world.credentials.refresh(await makeRefreshable(world, fake, name, `${name}-0`), tester)
      let now = 0
      let most = 0
      const { answer } = fake
      fake.answer = async (request, count) => {
        most = Math.max(most, (now += 1))
        await new Promise((done) => setTimeout(done, 5))
        now -= 1
        return await answer(request, count)
      }
      world.schedule.start()
      clock.jump(7 * day)
      await settled()
      for (const name of names) assert.equal(uses.get(name), 2, name)
      assert.ok(most <= 50, `${most} at a time`)
    })
  })
}
