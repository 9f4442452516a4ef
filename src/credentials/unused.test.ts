import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { stopUnusedKeys } from '../access/unused-keys.ts'
import { service } from '../base/actor.ts'
import { createTestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeTransaction, databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester } from '../../test/world.ts'
import { accessKeyEnds } from './calendar.ts'
import { stopUnusedCredentials } from './unused.ts'

const day = 86_400_000

for (const kind of databases) {
  const bedOf = async (t: TestContext) => {
    const place = await makePlace(kind)
    const clock = createTestClock()
    const world = await openWorld(place, { clock, unusedDays: 90 })
    const fake = await startFakeProvider()
    t.after(async () => {
      await fake.close()
      await world.close()
      await place.remove()
    })
    const { context, credentials, accessKeys } = world
    const keep = async (name: string) => (await credentials.create({ name, kind: 'api_key', secret: new Secret('k'), allowedHosts: ['127.0.0.1'] }, tester)).id
    const makeKey = async (name: string, actor = tester) => {
      const { view, key } = await accessKeys.create({ name, permissions: [{ credential: '*', rights: ['token'] }] }, actor)
      const use = async () => await accessKeys.authenticate(`Bearer ${key.reveal()}`, '127.0.0.1')
      return {
        id: view.id,
        use,
        /** Uses it, and waits until that is written down. */
        async useAndNote() {
          await use()
          for (let i = 0; i < 400 && (await accessKeys.get(view.id)).lastUsedAt !== clock.now(); i++) await sleep(5)
        },
        /** Waits until this node has heard that it is stopped. */
        async isStopped() {
          for (let i = 0; i < 400; i++) {
            try {
              await use()
            } catch (error) {
              return isProblem(error, 'not_signed_in') && /was stopped, because nobody had used it/.test(error.message)
            }
            await sleep(5)
          }
          return false
        },
      }
    }
    const pass = async (days: number) => {
      await clock.advance(days * day)
      await look()
    }
    const look = async () => {
      await stopUnusedCredentials(context)
      await stopUnusedKeys(context, 90)
    }
    const statusOf = async (id: string) => (await credentials.get(id)).status
    const use = async (id: string) => {
      await credentials.handOut(id, { purpose: 'token', actor: tester })
      await world.usage.flush()
    }
    return { world, clock, fake, keep, makeKey, pass, look, statusOf, use }
  }

  describe(`what nobody uses, on ${kind}`, () => {
    it('P3: a credential is warned of, then switched off, and its owner resumes it; one that is used goes on', async (t) => {
      const { world, keep, pass, statusOf, use } = await bedOf(t)
      const { credentials } = world
      const [idle, used] = [await keep('idle'), await keep('used')]
      await pass(40)
      assert.deepEqual(await credentials.ends(undefined), [], 'nothing is said so long before')
      await use(used)
      await pass(36)
      const [end, ...others] = await credentials.ends(undefined)
      assert.deepEqual([end?.kind, end?.subject.name, others.length], ['unused', 'idle', 0])
      assert.match(end!.nextStep, /To keep it, use it, or run: keybearer resume idle/)
      await pass(13)
      assert.equal(await statusOf(idle), 'ready')
      await pass(1.1)
      const view = await credentials.get(idle)
      assert.deepEqual([view.status, view.reason?.message], ['paused', 'Nobody used it for 90 days, so it was switched off.'])
      assert.equal(await statusOf(used), 'ready')
      await assert.rejects(credentials.handOut(idle, { purpose: 'token', actor: tester }), (error) => isProblem(error, 'paused'))
      const [record] = await world.store.db.selectFrom('audit').selectAll().where('action', '=', 'credential.paused').execute()
      assert.deepEqual([record?.actor, record?.reason, record?.subject], [service.id, 'unused', idle])
      assert.equal((await credentials.resume(idle, tester)).status, 'ready')
      await pass(60)
      await pass(1.1)
      assert.equal(await statusOf(idle), 'ready', 'it is kept for as long again')
      assert.equal(await statusOf(used), 'paused')
    })

    it('P3: renewing a token is no use; what a sender or an action names is one', async (t) => {
      const { world, fake, keep, pass, statusOf, clock } = await bedOf(t)
      const { credentials, store } = world
      const [sends, acts] = [await keep('sends'), await keep('acts')]
      const now = clock.now()
      const sender = { id: 'snd_1', name: 'office', name_key: 'office', credential_id: sends, created_at: now, updated_at: now }
      const columns = { kind: 'smtp', host: '127.0.0.1', port: 25, tls: 'none', mechanism: 'auto', from_address: 'a@example.org', is_default: 0, revision: 1 }
      await store.db
        .insertInto('senders')
        .values({ ...sender, ...columns })
        .execute()
      await store.db
        .insertInto('actions')
        .values({
          id: 'act_1',
          name: 'report',
          name_key: 'report',
          kind: 'http_request',
          description: '',
          definition: (await store.db.selectFrom('credentials').select('secret').where('id', '=', acts).executeTakeFirstOrThrow()).secret!,
          inputs: '[]',
          credential_id: acts,
          sender_id: null,
          leads_to: '[]',
          paused: 0,
          created_at: now,
          updated_at: now,
          revision: 1,
        })
        .execute()
      fake.answer = () => ({ body: { access_token: 'at', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt' } })
      const renewed = await makeRefreshable(world, fake, 'renewed')
      for (const days of [70, 10, 11]) {
        await credentials.refresh(renewed, service)
        await pass(days)
      }
      assert.deepEqual([await statusOf(sends), await statusOf(acts), await statusOf(renewed)], ['ready', 'ready', 'paused'])
    })

    it('P3: an access key is warned of, then stopped, and counts again when somebody resumes it', async (t) => {
      const { world, makeKey, pass, clock } = await bedOf(t)
      const { accessKeys, store } = world
      const [idle, used, own] = [await makeKey('idle'), await makeKey('used'), await makeKey('local command line', service)]
      await pass(76.1)
      await used.useAndNote()
      const ends = accessKeyEnds(await accessKeys.list(), clock.now(), 90)
      assert.deepEqual(
        ends.map((end) => [end.kind, end.subject.name, Math.round((end.at - clock.now()) / day)]),
        [['unused', 'idle', 14]],
      )
      assert.match(ends[0]!.nextStep, /keybearer key resume idle/)
      assert.deepEqual(accessKeyEnds(await accessKeys.list(), clock.now(), 0), [])
      await pass(14)
      assert.ok(await idle.isStopped())
      await used.use()
      await own.use()
      assert.notEqual((await accessKeys.get('idle')).stoppedAt, null)
      assert.deepEqual(accessKeyEnds(await accessKeys.list(), clock.now(), 90), [], 'what is stopped does not end any more')
      const [record] = await store.db.selectFrom('audit').selectAll().where('action', '=', 'access_key.stopped').execute()
      assert.deepEqual([record?.actor, record?.subject], [service.id, idle.id])
      await accessKeys.resume('idle', tester)
      await idle.use()
      await accessKeys.revoke('idle', tester)
      await assert.rejects(accessKeys.resume(idle.id, tester), (error) => isProblem(error, 'invalid_request'))
    })

    it('P3: a clock that jumps a year ahead stops nothing before a day has passed, and a use meanwhile keeps it', async (t) => {
      const { keep, makeKey, pass, look, statusOf, use, clock } = await bedOf(t)
      const [first, second] = [await keep('first'), await keep('second')]
      const key = await makeKey('job')
      clock.jump(400 * day)
      await look()
      assert.deepEqual([await statusOf(first), await statusOf(second)], ['ready', 'ready'])
      await key.useAndNote()
      await use(second)
      await pass(1.1)
      assert.deepEqual([await statusOf(first), await statusOf(second)], ['paused', 'ready'])
      await key.use()
    })

    it('P3: what is used, kept or revoked at the moment when it is to be stopped stays as it is', async (t) => {
      const { world, keep, makeKey, pass, look, statusOf, use, clock } = await bedOf(t)
      const { accessKeys, context } = world
      const used = await keep('used')
      const [usedKey, kept, revoked] = [await makeKey('used'), await makeKey('kept'), await makeKey('revoked')]
      await pass(80)
      await clock.advance(10.1 * day)
      beforeTransaction(world, 1, () => use(used))
      await stopUnusedCredentials(context)
      assert.equal(await statusOf(used), 'ready')
      beforeTransaction(world, 1, async () => {
        await usedKey.useAndNote()
        await accessKeys.resume('kept', tester)
        await accessKeys.revoke('revoked', tester)
      })
      await look()
      for (const key of [usedKey, kept, revoked]) assert.equal((await accessKeys.get(key.id)).stoppedAt, null)
      await kept.use()
      const records = await world.store.db.selectFrom('audit').select('subject').where('action', '=', 'access_key.stopped').execute()
      assert.deepEqual(records, [])
    })

    it('P3: a credential is kept by resuming it though it is not switched off', async (t) => {
      const { world, keep, pass, statusOf } = await bedOf(t)
      const id = await keep('yearly')
      await pass(80)
      assert.equal((await world.credentials.resume(id, tester)).status, 'ready')
      assert.deepEqual(await world.credentials.ends(undefined), [])
      await pass(30)
      assert.equal(await statusOf(id), 'ready')
    })
  })
}
