import assert from 'node:assert/strict'
import { describe, it, test, type TestContext } from 'node:test'
import { makeJar } from '../../test/consent-jar.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import type { Event } from '../base/events.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { databases, makePlace, openWorld, startFakeProvider, tester, type FakeProvider, type World } from '../../test/world.ts'
import { knownEnds, nextEnd, type WorkingFacts } from './credential-status.ts'
import { planWarnings, warningDays } from './warnings.ts'

const hour = 3_600_000
const day = 24 * hour
const facts: WorkingFacts = {
  kind: 'oauth2',
  grant: 'authorization_code',
  hasSecret: true,
  hasRefreshToken: true,
  tokenExpiresAt: null,
  refreshTokenExpiresAt: null,
  clientSecretExpiresAt: null,
}

test('of several moments that passed at once only the last is warned of, and an end that was moved is a new one', () => {
  const ends = knownEnds({ ...facts, refreshTokenExpiresAt: 100 * day })
  const late = planWarnings(ends, {}, 90 * day)
  assert.deepEqual([late.warnings.map((one) => one.days), late.nextAt], [[14], 93 * day])
  assert.deepEqual(planWarnings(ends, late.warned, 92 * day).warnings, [])
  assert.deepEqual(planWarnings(ends, {}, 0).nextAt, 40 * day)
  assert.deepEqual(planWarnings(ends, {}, 101 * day).nextAt, null)
  const moved = knownEnds({ ...facts, refreshTokenExpiresAt: 104 * day })
  assert.deepEqual(
    planWarnings(moved, late.warned, 92 * day).warnings.map((one) => one.days),
    [14],
  )
  const jitter = knownEnds({ ...facts, refreshTokenExpiresAt: 100 * day + 40_000 })
  assert.deepEqual(planWarnings(jitter, late.warned, 92 * day).warnings, [])
})

test('two ends of one credential are warned of each for itself', () => {
  const ends = knownEnds({ ...facts, refreshTokenExpiresAt: 20 * day, clientSecretExpiresAt: 25 * day })
  const first = planWarnings(ends, {}, 0)
  assert.deepEqual(
    first.warnings.map((one) => [one.end.reason.code, one.days]),
    [
      ['refresh_token_ends', 30],
      ['client_secret_ends', 30],
    ],
  )
  const second = planWarnings(ends, first.warned, 11 * day)
  assert.deepEqual(
    second.warnings.map((one) => [one.end.reason.code, one.days]),
    [
      ['refresh_token_ends', 14],
      ['client_secret_ends', 14],
    ],
  )
})

test('an end that renewals move on is told from one that is counted down to', () => {
  const known = { end: 7 * day, slides: false, obtainedAt: 0 }
  assert.deepEqual(nextEnd(known, 7 * day + 1500, hour), { end: 7 * day, slides: false }, 'rounding')
  assert.deepEqual(nextEnd(known, 7 * day + hour, hour), { end: 7 * day + hour, slides: true })
  assert.deepEqual(nextEnd(known, null, hour), { end: 7 * day, slides: false }, 'the answer says nothing of it')
  assert.deepEqual(nextEnd(known, 2 * day, hour), { end: 2 * day, slides: false })
  assert.deepEqual(nextEnd({ ...known, slides: true }, 7 * day + 5000, 5000), { end: 7 * day + 5000, slides: true })
  assert.deepEqual(nextEnd({ end: null, slides: false, obtainedAt: null }, 7 * day, 0), { end: 7 * day, slides: false })
})

for (const database of databases) {
  describe(`known ends on ${database}`, () => {
    it('O21: each end is shown with its date and warned of 60, 30, 14, 7 and 1 days ahead, once each, restarts or not', async (t) => {
      const bed = await makeBed(t, database)
      const { clock } = bed
      bed.fake.answer = () => ({ body: { access_token: 'at', expires_in: 3600, refresh_token: 'rt', refresh_token_expires_in: 100 * 86_400 } })
      const secretEnd = clock.now() + 70 * day
      const view = await bed.make('ends', secretEnd)
      await bed.world().credentials.refresh(view.id, tester)
      const tokenEnd = clock.now() + 100 * day
      assert.equal((await bed.world().credentials.get(view.id)).until, secretEnd)
      const told: [string, number, number][] = []
      for (let passed = 0; passed < 105; passed += 0.5) {
        for (const event of await bed.housekeep()) {
          if (event.type !== 'credential.expiring') continue
          const end = Date.parse(String(event.data.until))
          assert.equal(end, event.data.reason === 'client_secret_ends' ? secretEnd : tokenEnd)
          told.push([String(event.data.reason), Number(event.data.days), Math.ceil((end - clock.now()) / day)])
        }
        clock.jump(day / 2)
        if (passed % 3 === 0) await bed.restart()
      }
      for (const reason of ['client_secret_ends', 'refresh_token_ends']) {
        assert.deepEqual(
          told.filter((one) => one[0] === reason),
          warningDays.map((days) => [reason, days, days]),
        )
      }
    })

    it('O21: the status says it 30 days before a client secret and 7 before a refresh token ends, and no longer once it was renewed', async (t) => {
      const bed = await makeBed(t, database)
      const { id, registration } = await bed.make('secret', bed.clock.now() + 31 * day)
      await bed.world().credentials.refresh(id, tester)
      await bed.housekeep()
      assert.equal((await bed.world().credentials.get(id)).status, 'ready')
      bed.clock.jump(2 * day)
      await bed.housekeep()
      const warned = await bed.world().credentials.get(id)
      assert.deepEqual([warned.status, warned.reason?.code, warned.nextStep?.action], ['expiring', 'client_secret_ends', 'renew_secret'])
      const order = { clientSecret: new Secret('new'), secretExpiresAt: bed.clock.now() + 700 * day }
      await bed.world().registrations.change(registration!.id, order, tester)
      await bed.world().credentials.refresh(id, tester)
      await bed.housekeep()
      assert.equal((await bed.world().credentials.get(id)).status, 'ready')
      // A date that somebody enters is warned of without anything else happening.
      await bed.world().registrations.change(registration!.id, { secretExpiresAt: bed.clock.now() + 5 * day }, tester)
      const entered = (await bed.housekeep()).filter((event) => event.type === 'credential.expiring')
      assert.deepEqual(
        entered.map((event) => event.data.days),
        [7],
      )
      assert.equal((await bed.world().credentials.get(id)).status, 'expiring')
      await bed.world().registrations.change(registration!.id, { secretExpiresAt: bed.clock.now() + 500 * day }, tester)
      await bed.housekeep()
      assert.notEqual((await bed.world().credentials.get(id)).status, 'expiring')
    })

    it('an end that every renewal moves on is none, until renewals fail or it is paused', async (t) => {
      const bed = await makeBed(t, database)
      const { clock, fake } = bed
      const good = { body: { access_token: 'at', expires_in: 3600, refresh_token: 'rt', refresh_token_expires_in: 7 * 86_400 } }
      fake.answer = () => good
      const { id } = await bed.make('slides')
      await bed.world().credentials.refresh(id, tester)
      const types: string[] = []
      for (let i = 0; i < 40; i++) {
        clock.jump(12 * hour)
        await bed.world().credentials.refresh(id, tester)
        types.push(...(await bed.housekeep()).map((event) => event.type))
      }
      assert.deepEqual(new Set(types.filter((type) => type !== 'credential.refreshed' && type !== 'credential.changed')).size <= 1, true, types.join())
      const view = await bed.world().credentials.get(id)
      assert.deepEqual([view.status, view.until], ['ready', null])
      fake.answer = () => ({ status: 503, body: '' })
      await assert.rejects(bed.world().credentials.refresh(id, tester))
      assert.equal((await bed.world().credentials.get(id)).until, clock.now() + 7 * day)
      const warned = (await bed.housekeep()).filter((event) => event.type === 'credential.expiring')
      assert.deepEqual(
        warned.map((event) => event.data.days),
        [7],
      )
      fake.answer = () => good
      clock.jump(hour)
      await bed.world().credentials.refresh(id, tester)
      await bed.world().credentials.pause(id, tester)
      assert.equal((await bed.world().credentials.get(id)).until, clock.now() + 7 * day)
    })

    it('O21: an end that is counted down to stays one end, however often it is renewed', async (t) => {
      const bed = await makeBed(t, database)
      const { clock, fake } = bed
      const end = clock.now() + 7 * day
      let rounding = 0
      fake.answer = () => {
        const left = Math.round((end - clock.now()) / 1000 + rounding)
        rounding = Math.random() * 4 - 2
        return { body: { access_token: 'at', expires_in: 3600, refresh_token_expires_in: left } }
      }
      const { id } = await bed.make('testing')
      const days: unknown[] = []
      for (let i = 0; i < 13; i++) {
        await bed.world().credentials.refresh(id, tester)
        days.push(...(await bed.housekeep()).filter((event) => event.type === 'credential.expiring').map((event) => event.data.days))
        assert.ok(Math.abs((await bed.world().credentials.get(id)).until! - end) < 10_000)
        clock.jump(12 * hour)
      }
      assert.deepEqual(days, [7, 1])
    })

    it('O15: without a refresh token it says until when it works, never that all is well, and when it is over', async (t) => {
      const bed = await makeBed(t, database)
      const { clock, fake } = bed
      const connect = async (name: string, answer: object) => {
        fake.answer = () => ({ body: answer })
        const made = await bed.make(name, undefined, null)
        const consent = await bed.world().consents.start(made.id, { mode: 'browser' }, tester)
        const jar = makeJar()
        const state = (await jar.open(bed.world(), consent)).searchParams.get('state')!
        await bed.world().consents.callback(made.registration!.id, new URLSearchParams({ code: 'c', state }), jar)
        return await bed.world().credentials.get(made.id)
      }
      const view = await connect('short', { access_token: 'at', expires_in: 3600 })
      assert.deepEqual([view.status, view.reason?.code, view.until, view.nextStep?.action], ['expiring', 'no_refresh_token', clock.now() + hour, 'reconnect'])
      assert.match(view.reason!.message, /works until \d{4}-\d\d-\d\d \d\d:\d\d UTC/)
      const endless = await connect('endless', { access_token: 'at' })
      assert.deepEqual([endless.reason?.code, endless.until], ['no_end_known', null])
      await bed.housekeep()
      clock.jump(hour + 61_000)
      const over = await bed.housekeep()
      assert.deepEqual(
        over.map((event) => [event.type, event.subject, event.data.reason]),
        [['credential.broken', view.id, 'token_ran_out']],
      )
      const after = await bed.world().credentials.get(view.id)
      assert.deepEqual([after.status, after.nextStep?.action], ['needs_consent', 'reconnect'])
      await assert.rejects(bed.world().credentials.handOut(view.id, { purpose: 'token', actor: tester }), (error) => isProblem(error, 'needs_consent'))
      const { items } = await bed.world().context.audit.list({ subject: view.id, action: 'credential.ended' })
      assert.equal(items.length, 1)
    })
  })
}

type Bed = {
  clock: TestClock
  fake: FakeProvider
  world: () => World
  make: (name: string, secretExpiresAt?: number, refreshToken?: string | null) => ReturnType<World['credentials']['create']>
  /** Does the work that comes round every minute, and returns what was told meanwhile. */
  housekeep: () => Promise<Event[]>
  restart: () => Promise<void>
}

async function makeBed(t: TestContext, database: 'sqlite' | 'postgres'): Promise<Bed> {
  const clock = createTestClock()
  const fake = await startFakeProvider()
  const place = await makePlace(database)
  let world = await openWorld(place, { clock })
  t.after(async () => {
    await world.close()
    await fake.close()
    await place.remove()
  })
  let n = 0
  const placeholders = { token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize` }
  return {
    clock,
    fake,
    world: () => world,
    make: async (name, secretExpiresAt, refreshToken = 'rt-0') =>
      await world.credentials.create(
        {
          name,
          kind: 'oauth2',
          grant: 'authorization_code',
          registration: {
            name: `registration ${(n += 1)}`,
            provider: 'generic',
            clientId: 'c',
            clientSecret: new Secret('s'),
            placeholders,
            ...(secretExpiresAt === undefined ? {} : { secretExpiresAt }),
          },
          ...(refreshToken === null ? {} : { refreshToken: new Secret(refreshToken) }),
        },
        tester,
      ),
    async housekeep() {
      const from = world.events.length
      await world.schedule.housekeep()
      return world.events.slice(from)
    },
    async restart() {
      await world.close()
      world = await openWorld(place, { clock })
    },
  }
}
