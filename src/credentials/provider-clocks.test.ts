import assert from 'node:assert/strict'
import { describe, it, test, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import { makeCertificate } from '../../test/certificates.ts'
import { databases, makePlace, openWorld, startFakeProvider, tester, type Answer, type FakeProvider, type SeenRequest, type World } from '../../test/world.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import type { OutgoingHttp } from '../base/http-types.ts'
import { createLog } from '../base/log.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { ProviderClocks } from './provider-clocks.ts'

const second = 1000
const minute = 60 * second

/** Clocks over a server of one's own that answers with these headers. */
function clocksOver(headersOf: (clock: TestClock) => Record<string, string> | Promise<Record<string, string>>) {
  const clock = createTestClock(Date.UTC(2026, 10, 24, 12, 0, 0, 400))
  const log: string[] = []
  const http: OutgoingHttp = async () => ({ status: 200, headers: await headersOf(clock), body: new Uint8Array() })
  const clocks = new ProviderClocks({ http, clock, log: createLog({ level: 'debug', output: { write: (line) => log.push(line) } }) })
  return { clock, log, clocks, ask: (host = 'login.example.org') => clocks.http({ method: 'GET', url: `https://${host}/token` }) }
}
const dateOf = (time: number) => new Date(time).toUTCString()

describe('the clock of a provider', () => {
  for (const off of [-10, -2, 2, 10]) {
    it(`P7: ${Math.abs(off)} minutes ${off > 0 ? 'behind ours' : 'ahead of ours'} is measured, to the second`, async () => {
      const { clocks, ask } = clocksOver((clock) => ({ date: dateOf(clock.now() - off * minute) }))
      await ask()
      assert.ok(Math.abs(clocks.aheadOf('login.example.org') - off * minute) <= second)
    })
  }

  it('P7: a slow answer is no error, whether it tells the time of its beginning or of its end', async () => {
    for (const writtenAfter of [0, 400 * second]) {
      const { clocks, ask } = clocksOver(async (clock) => {
        await clock.advance(writtenAfter)
        const date = dateOf(clock.now())
        await clock.advance(400 * second - writtenAfter)
        return { date }
      })
      await ask()
      assert.equal(clocks.aheadOf('login.example.org'), 0)
    }
  })

  it('P7: an answer that was slow still shows an error that is greater than its time', async () => {
    const { clocks, ask } = clocksOver(async (clock) => {
      const date = dateOf(clock.now() - 10 * minute)
      await clock.advance(3 * minute)
      return { date }
    })
    await ask()
    assert.ok(Math.abs(clocks.aheadOf('login.example.org') - 10 * minute) <= 1400)
  })

  it('an answer out of a cache, or without a time that can be read, says nothing', async () => {
    for (const headers of [{ date: dateOf(0), age: '86400' }, {}, { date: 'yesterday' }] as Record<string, string>[]) {
      const { clocks, ask } = clocksOver(() => headers)
      await ask()
      assert.deepEqual(clocks.list(), [])
    }
  })

  it('P7: is compared host by host, and one that is wrong is named with the others that agree', async () => {
    let wrong = true
    const { clock, clocks, ask } = clocksOver((one) => ({ date: dateOf(one.now() - (wrong ? 10 * minute : 0)) }))
    await ask('wrong.example.org')
    wrong = false
    await ask('right.example.org')
    await assert.rejects(clocks.checkBeforeSigning('https://wrong.example.org/token'), (error) => {
      assert.ok(isProblem(error, 'clock_skew'))
      assert.match(error.message, /10 min ahead of that of wrong\.example\.org.*Another server agrees with this machine/)
      return true
    })
    await clocks.checkBeforeSigning('https://right.example.org/token')
    assert.deepEqual(
      clocks.list().map(({ host, measuredAt }) => [host, measuredAt]),
      [
        ['wrong.example.org', clock.now()],
        ['right.example.org', clock.now()],
      ],
    )
  })

  it('P7: the log says once that it differs by more than a minute, and once that it agrees again', async () => {
    let off = 2 * minute
    const { log, ask } = clocksOver((clock) => ({ date: dateOf(clock.now() - off) }))
    await ask()
    await ask()
    assert.equal(log.filter((line) => line.includes('clock.differs')).length, 1)
    off = 0
    await ask()
    await ask()
    assert.equal(log.filter((line) => line.includes('clock.agrees')).length, 1)
    assert.equal(log.length, 2)
  })

  it('P7: what was measured moves with the wall clock when that is set', async () => {
    const { clock, clocks, ask } = clocksOver((one) => ({ date: dateOf(one.now() - 10 * minute) }))
    await ask()
    clock.jump(-10 * minute)
    assert.equal(clocks.aheadOf('login.example.org'), 0)
    clock.jump(-10 * minute)
    assert.ok(clocks.aheadOf('login.example.org') < -9 * minute)
  })

  it('is forgotten after a day', async () => {
    const { clock, clocks, ask } = clocksOver((one) => ({ date: dateOf(one.now() - 10 * minute) }))
    await ask()
    await clock.advance(24 * 60 * minute + 1)
    assert.deepEqual([clocks.list(), clocks.aheadOf('login.example.org')], [[], 0])
  })
})

test('many that wait to sign ask for the time once', async () => {
  let asked = 0
  const { clock, clocks, ask } = clocksOver((one) => {
    asked++
    return { date: dateOf(one.now() - 10 * minute) }
  })
  await ask()
  await clock.advance(minute)
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => clocks.checkBeforeSigning('https://login.example.org/token')))
  assert.ok(outcomes.every(({ status }) => status === 'rejected'))
  assert.equal(asked, 2)
})

const keys = makeCertificate({ subject: 'robot', from: Date.UTC(2026, 0, 1), until: Date.UTC(2030, 0, 1) })

type Way = { grant: 'client_credentials' | 'jwt_bearer'; registration: object; options?: object; assertion: string }
const ways: Record<string, Way> = {
  'a private key': {
    grant: 'client_credentials',
    registration: { clientAuth: 'private_key_jwt', privateKey: new Secret(keys.key) },
    assertion: 'client_assertion',
  },
  'a certificate': {
    grant: 'client_credentials',
    registration: { clientAuth: 'private_key_jwt', privateKey: new Secret(keys.key), certificate: keys.cert },
    assertion: 'client_assertion',
  },
  'a statement of a service account': {
    grant: 'jwt_bearer',
    registration: { clientAuth: 'none', privateKey: new Secret(keys.key) },
    options: { variant: 'google_compatible' },
    assertion: 'assertion',
  },
}

for (const kind of databases) {
  /** A world whose clock the test turns, and providers that have their own time and believe what is signed within a minute of it. */
  const bedOf = async (t: TestContext) => {
    const clock = createTestClock()
    const place = await makePlace(kind)
    const world = await openWorld(place, { clock })
    const fakes: FakeProvider[] = []
    t.after(async () => {
      await world.close()
      for (const fake of fakes) await fake.close()
      await place.remove()
    })
    const provider = async (assertion: string) => {
      const fake = await startFakeProvider()
      fakes.push(fake)
      const it = { fake, behind: 0, signed: () => fake.seen.filter(({ parameters }) => parameters.has(assertion)).length }
      fake.answer = (request) => timely(request, assertion, clock.now() - it.behind)
      return it
    }
    return { clock, world, provider }
  }

  const makeRobot = async (world: World, fake: FakeProvider, way: Way, name = 'robot') => {
    const { id } = await world.credentials.create(
      {
        name,
        kind: 'oauth2',
        grant: way.grant,
        ...(way.options === undefined ? {} : { options: way.options }),
        registration: {
          name,
          provider: 'generic',
          clientId: 'robot',
          placeholders: { token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize` },
          ...way.registration,
        },
      },
      tester,
    )
    return id
  }
  const order = { purpose: 'token' as const, actor: tester }

  for (const [title, way] of Object.entries(ways)) {
    describe(`signing with ${title}, on ${kind}`, () => {
      for (const off of [-2, 2]) {
        it(`P7: ${off} minutes are warned of, and what was refused is signed again with the provider's time`, async (t) => {
          const { clock, world, provider } = await bedOf(t)
          const it = await provider(way.assertion)
          it.behind = off * minute
          const id = await makeRobot(world, it.fake, way)
          const token = await world.credentials.handOut(id, order)
          assert.equal(token.accessToken.reveal(), 'at')
          assert.equal(token.expiresAt, clock.now() + 300 * second, 'a life counts by our own clock')
          assert.equal(it.signed(), 2)
          const { items } = await world.context.audit.list({ subject: id, action: 'credential.refreshed' })
          assert.match(String(items[0]?.detail.warning), off > 0 ? /2 min ahead of that of/ : /2 min behind that of/)
          assert.ok(world.log.some((line) => line.includes('clock.differs')))
        })
      }

      for (const off of [-10, 10]) {
        it(`P7: ${off} minutes are the reason, nothing more is signed, and it goes on by itself once the clock is set`, async (t) => {
          const { clock, world, provider } = await bedOf(t)
          const it = await provider(way.assertion)
          it.behind = off * minute
          const id = await makeRobot(world, it.fake, way)
          const refused = async () =>
            await assert.rejects(world.credentials.handOut(id, order), (error) => {
              assert.ok(isProblem(error, 'clock_skew'), String(error))
              assert.match(error.message, off > 0 ? /10 min ahead of that of 127\.0\.0\.1/ : /10 min behind that of 127\.0\.0\.1/)
              assert.match(error.nextStep, /timedatectl set-ntp true/)
              assert.equal(error.diagnosis?.id, 'local_clock_skew')
              return true
            })
          await refused()
          assert.equal(it.signed(), 1, 'the answer to the first told the time')
          for (let i = 0; i < 3; i++) {
            await clock.advance(20 * minute)
            await refused()
          }
          assert.equal(it.signed(), 1)
          assert.ok(
            it.fake.seen.slice(1).every(({ method, body }) => method === 'HEAD' && body === ''),
            'only the time is asked for',
          )
          const view = await world.credentials.get(id)
          assert.deepEqual([view.status, view.reason?.code], ['retrying', 'clock_skew'])
          assert.match(view.nextStep?.text ?? '', /timedatectl/)

          clock.jump(-off * minute)
          it.behind = 0
          assert.equal((await world.credentials.handOut(id, order)).accessToken.reveal(), 'at')
          assert.equal((await world.credentials.get(id)).status, 'ready')
        })
      }
    })
  }

  describe(`a clock that is far off, on ${kind}`, () => {
    const way = ways['a private key']!

    it('P7: is noticed before anything is signed when it is set while the service runs', async (t) => {
      const { clock, world, provider } = await bedOf(t)
      const it = await provider(way.assertion)
      const id = await makeRobot(world, it.fake, way)
      await world.credentials.handOut(id, order)
      clock.jump(10 * minute)
      it.behind = 10 * minute
      await assert.rejects(world.credentials.refresh(id, tester), (error) => isProblem(error, 'clock_skew'))
      assert.equal(it.signed(), 1)
    })

    it('P7: that was corrected slowly, or at the provider, is noticed by the schedule within a minute, without anything else being sent', async (t) => {
      const { clock, world, provider } = await bedOf(t)
      const it = await provider(way.assertion)
      it.behind = 10 * minute
      const id = await makeRobot(world, it.fake, way)
      await assert.rejects(world.credentials.handOut(id, order))
      it.behind = 0
      await clock.advance(minute)
      const row = await world.store.db.selectFrom('credentials').select(['refresh_due_at', 'generation']).executeTakeFirstOrThrow()
      assert.ok(row.refresh_due_at! <= clock.now())
      const outcome = await world.renewer.renew(id, { generation: row.generation, actor: tester, asked: 'by_schedule' })
      assert.equal(outcome.kind === 'settled' && outcome.settlement.kind, 'granted')
      assert.deepEqual(
        it.fake.seen.map(({ method }) => method),
        ['POST', 'HEAD', 'POST'],
      )
    })

    it('P7: stops nobody but those who sign for that provider', async (t) => {
      const { world, provider } = await bedOf(t)
      const wrong = await provider(way.assertion)
      wrong.behind = 10 * minute
      const right = await provider(way.assertion)
      const [first, second_] = [await makeRobot(world, wrong.fake, way), await makeRobot(world, right.fake, way, 'other')]
      await assert.rejects(world.credentials.handOut(first, order), (error) => isProblem(error, 'clock_skew'))
      assert.equal((await world.credentials.handOut(second_, order)).accessToken.reveal(), 'at')
      assert.equal(right.signed(), 1)
    })

    it('P7: signs no assertion for a revocation or a device code either, and revokes later', async (t) => {
      const { clock, world, provider } = await bedOf(t)
      const it = await provider(way.assertion)
      const { fake } = it
      const { id } = await world.credentials.create(
        {
          name: 'anna',
          kind: 'oauth2',
          grant: 'device_code',
          refreshToken: new Secret('rt'),
          registration: {
            name: 'anna',
            provider: 'generic',
            clientId: 'robot',
            clientAuth: 'private_key_jwt',
            privateKey: new Secret(keys.key),
            placeholders: Object.fromEntries(
              ['token', 'authorization', 'revocation', 'device_authorization'].map((name) => [`${name}_endpoint`, `${fake.url}/${name}`]),
            ),
          },
        },
        tester,
      )
      await world.credentials.handOut(id, order)
      clock.jump(10 * minute)
      it.behind = 10 * minute
      await assert.rejects(world.consents.start(id, { mode: 'device' }, tester), (error) => isProblem(error, 'clock_skew'))
      assert.equal((await world.credentials.revoke(id, tester)).revocation.outcome, 'will_retry')
      assert.equal(it.signed(), 1)
      clock.jump(-10 * minute)
      it.behind = 0
      await clock.advance(12 * minute)
      await world.schedule.housekeep()
      assert.deepEqual(
        fake.seen.filter(({ method }) => method === 'POST').map(({ path }) => path),
        ['/token', '/revocation', '/revocation'],
        'both tokens',
      )
    })

    it('P7: is not the reason where the server cannot be asked for its time: that is', async (t) => {
      const { clock, world, provider } = await bedOf(t)
      const it = await provider(way.assertion)
      const id = await makeRobot(world, it.fake, way)
      await world.credentials.handOut(id, order)
      // As after a sleep of the machine: the wall clock moved, and the network is not there yet.
      clock.jump(8 * 60 * minute)
      await it.fake.close()
      await assert.rejects(world.credentials.refresh(id, tester), (error) => isProblem(error, 'provider_unavailable'))
    })
  })
}

function timely({ method, parameters }: SeenRequest, assertion: string, now: number): Answer {
  const headers = { date: dateOf(now) }
  if (method === 'HEAD') return { headers, status: 405, body: '' }
  const { iat = 0 } = decodeJwt(parameters.get(assertion) ?? '')
  const isTimely = Math.abs(iat * second - now) <= minute
  return isTimely
    ? { headers, body: { access_token: 'at', expires_in: 300 } }
    : {
        headers,
        status: 400,
        body: { error: assertion === 'assertion' ? 'invalid_grant' : 'invalid_client', error_description: 'the assertion is not timely' },
      }
}
