import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { until } from '../../test/mail-world.ts'
import { databases, makeRefreshable, openWorldWithProvider, tester, type FakeProvider, type World } from '../../test/world.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { Renewer } from './refresh.ts'
import { Schedule } from './schedule.ts'
import { consentPlace } from './token-set.ts'

type Bed = { world: World; fake: FakeProvider; db: World['store']['db'] }

for (const kind of databases) {
  const bedOf = async (t: TestContext): Promise<Bed> => {
    const { world, fake } = await openWorldWithProvider(t, kind)
    return { world, fake, db: world.store.db }
  }
  const token = async ({ world }: Bed, id: string) => (await world.credentials.handOut(id, { purpose: 'token', actor: tester })).accessToken.reveal()
  const attempts = ({ db }: Bed) => db.selectFrom('refresh_attempts').selectAll().orderBy('credential_id').execute()
  /** Makes the commit after the answer fail, as it does when the process dies there: the answer stays kept. */
  const dieAfterAnswer = async (bed: Bed, id: string) => {
    await bed.db.schema.alterTable('events').renameTo('events_away').execute()
    await assert.rejects(bed.world.renewer.renew(id, { generation: 9, actor: tester, asked: 'by_person' }))
    await bed.db.schema.alterTable('events_away').renameTo('events').execute()
  }
  const startDevice = async (bed: Bed, name: string, path: string): Promise<string> => {
    const { id } = await bed.world.credentials.create(
      {
        name,
        kind: 'oauth2',
        grant: 'device_code',
        registration: {
          name,
          provider: 'generic',
          clientId: name,
          clientAuth: 'none',
          placeholders: {
            token_endpoint: `${bed.fake.url}/${path}`,
            authorization_endpoint: `${bed.fake.url}/authorize`,
            device_authorization_endpoint: `${bed.fake.url}/device`,
          },
        },
      },
      tester,
    )
    return (await bed.world.consents.start(id, { mode: 'device' }, tester)).id
  }
  const deviceAnswer = { device_code: 'dc', user_code: 'AB-CD', verification_uri: 'https://example.org/device', expires_in: 600, interval: 1 }

  describe(`what runs by itself, on ${kind}`, () => {
    it('a provider that hangs at a revocation or at a poll keeps no other token from being renewed', async (t) => {
      const bed = await bedOf(t)
      const { world, fake, db } = bed
      fake.answer = ({ path }) =>
        path === '/device' ? { body: deviceAnswer } : path === '/revoke' ? { status: 503, body: '' } : { body: { access_token: 'at-1', expires_in: 3600 } }
      const revoked = await makeRefreshable(world, fake, 'revoked')
      await world.credentials.revoke(revoked, tester)
      await db.updateTable('jobs').set({ due_at: 1 }).execute()
      await startDevice(bed, 'screen', 'hanging')
      await db.updateTable('consents').set({ next_poll_at: 1 }).execute()
      const due = await makeRefreshable(world, fake, 'due')
      await db.updateTable('credentials').set({ refresh_due_at: null }).execute()
      const hung = new Set<string>()
      fake.answer = async ({ path }) => {
        if (path === '/token') return { body: { access_token: 'at-2', expires_in: 3600 } }
        hung.add(path)
        return await new Promise(() => undefined)
      }
      world.schedule.start()
      await until('both hang', () => hung.has('/revoke') && hung.has('/hanging'))
      await db.updateTable('credentials').set({ refresh_due_at: 1 }).where('id', '=', due).execute()
      await until('the other is renewed', async () => (await world.credentials.get(due)).status === 'ready')
    })

    it('a renewal that is not possible now, because the plan was changed meanwhile, stays planned', async (t) => {
      const bed = await bedOf(t)
      const { world, fake, db } = bed
      const id = await makeRefreshable(world, fake)
      const later = Date.now() + 60_000
      /** Another node fails, and plans anew, between the look at the plan and the request. */
      class Overtaken extends Renewer {
        override async renew(...order: Parameters<Renewer['renew']>): ReturnType<Renewer['renew']> {
          await db.updateTable('credentials').set({ status: 'retrying', refresh_due_at: later }).where('id', '=', id).execute()
          return await super.renew(...order)
        }
      }
      await db.updateTable('credentials').set({ refresh_due_at: 1 }).where('id', '=', id).execute()
      const schedule = new Schedule(world.context, { renewer: new Overtaken(world.context), revoker: world.revoker, concurrency: 5 })
      const dueOf = async () => (await db.selectFrom('credentials').select('refresh_due_at').executeTakeFirstOrThrow()).refresh_due_at
      schedule.start()
      await until('it was planned anew', async () => (await dueOf()) === later)
      await schedule.stop()
      assert.equal(await dueOf(), later)
      assert.equal(fake.seen.length, 0)
    })

    it('what was found due is looked at again before it is renewed: paused, deleted or renewed meanwhile it is left alone', async (t) => {
      const bed = await bedOf(t)
      const { world, fake, db } = bed
      const asked: string[] = []
      fake.answer = ({ parameters }) => {
        const sent = parameters.get('refresh_token')!
        asked.push(sent)
        return {
          body: { access_token: `at-${sent}`, token_type: 'Bearer', expires_in: 3600, refresh_token: `${sent}-again` },
          ...(sent === 'held' ? { wait: 800 } : {}),
        }
      }
      const names = ['held', 'paused', 'deleted', 'renewed', 'last']
      const ids: string[] = []
      for (const [n, name] of names.entries()) {
        const id = await makeRefreshable(world, fake, name, name)
        ids.push(id)
        await db
          .updateTable('credentials')
          .set({ refresh_due_at: 1000 + n })
          .where('id', '=', id)
          .execute()
      }
      const schedule = new Schedule(world.context, { renewer: world.renewer, revoker: world.revoker, concurrency: 1 })
      schedule.start()
      t.after(() => schedule.stop())
      await until('the first one is asked for', () => asked.includes('held'))
      await world.credentials.pause(ids[1]!, tester)
      await world.credentials.delete(ids[2]!, { revoke: false }, tester)
      await world.credentials.refresh(ids[3]!, tester)
      await until('the last one is asked for', () => asked.includes('last'))
      await until('nothing is under way', async () => (await attempts(bed)).length === 0)
      assert.deepEqual(asked, ['held', 'renewed', 'last'])
    })

    it('a kept answer that was damaged keeps no other from being finished, and counts as lost', async (t) => {
      const bed = await bedOf(t)
      const { world, fake, db } = bed
      fake.answer = ({ parameters }) => ({ body: { access_token: `of ${parameters.get('refresh_token')}`.replace(' ', '-'), expires_in: 3600 } })
      const first = await makeRefreshable(world, fake, 'first', 'rt-first')
      const second = await makeRefreshable(world, fake, 'second', 'rt-second')
      for (const id of [first, second]) await dieAfterAnswer(bed, id)
      assert.deepEqual(
        (await attempts(bed)).map((attempt) => attempt.state),
        ['answered', 'answered'],
      )
      const [, other] = await attempts(bed)
      await db.updateTable('refresh_attempts').set({ answer: other!.answer }).where('credential_id', '=', first).execute()
      const seen = fake.seen.length
      await world.schedule.recover()
      world.schedule.start()
      await until('both work', async () => (await attempts(bed)).length === 0)
      assert.equal(await token(bed, first), 'of-rt-first')
      assert.equal(await token(bed, second), 'of-rt-second')
      assert.equal(fake.seen.length, seen + 1, 'only the damaged one was asked for again')
      assert.ok(world.log.some((line) => line.includes('answer.damaged')))
    })

    it('a kept answer to a code that was damaged ends the consent and says so; the others are taken up', async (t) => {
      const bed = await bedOf(t)
      const { world, fake, db } = bed
      fake.answer = ({ path }) => (path === '/device' ? { body: deviceAnswer } : { body: { access_token: 'at-1', expires_in: 3600, refresh_token: 'rt-1' } })
      const consents = [await startDevice(bed, 'one', 'token'), await startDevice(bed, 'two', 'token')]
      const rows = await db.selectFrom('consents').selectAll().execute()
      for (const row of rows) {
        await db.updateTable('consents').set({ status: 'exchanging' }).where('id', '=', row.id).execute()
        const sealed = await world.context.vault.seal(
          dataKeysOf(db),
          { owner: row.credential_id, column: 'refresh_attempts.answer', version: 0 },
          JSON.stringify({
            status: 200,
            headers: { contentType: 'application/json', date: '', retryAfter: '' },
            body: '{"access_token":"at-kept","expires_in":3600,"refresh_token":"rt-kept"}',
          }),
        )
        await db
          .insertInto('refresh_attempts')
          .values({
            credential_id: row.credential_id,
            attempt: `att_${row.id}`,
            generation: 0,
            grant_type: 'device_code',
            state: 'answered',
            started_at: Date.now(),
            repeated: 0,
            answer: sealed,
          })
          .execute()
      }
      const good = rows.find((row) => row.id === consents[1])!
      const bad = rows.find((row) => row.id === consents[0])!
      const kept = await db.selectFrom('refresh_attempts').select('answer').where('credential_id', '=', good.credential_id).executeTakeFirstOrThrow()
      await db.updateTable('refresh_attempts').set({ answer: kept.answer }).where('credential_id', '=', bad.credential_id).execute()
      await world.schedule.recover()
      assert.equal((await world.consents.get(good.id)).status, 'done')
      assert.equal(await token(bed, good.credential_id), 'at-kept')
      const ended = await world.consents.get(bad.id)
      assert.deepEqual([ended.status, ended.problem?.code], ['failed', 'consent_failed'])
      assert.match(ended.problem?.nextStep ?? '', /\S/)
    })

    it('a stored secret that was damaged says so, and a new consent or a new token makes it good', async (t) => {
      const bed = await bedOf(t)
      const { world, fake, db } = bed
      fake.answer = ({ parameters }) => ({ body: { access_token: `at-${parameters.get('grant_type')}`, expires_in: 3600 } })
      const refreshed = await makeRefreshable(world, fake, 'person')
      const { id: robot } = await world.credentials.create(
        {
          name: 'robot',
          kind: 'oauth2',
          grant: 'client_credentials',
          registration: {
            name: 'robot',
            provider: 'generic',
            clientId: 'robot',
            clientSecret: new Secret('s'),
            placeholders: { token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize` },
          },
        },
        tester,
      )
      for (const id of [refreshed, robot]) await token(bed, id)
      const rows = await db.selectFrom('credentials').select(['id', 'secret']).execute()
      // Swapped: each holds the ciphertext of the other, and the memory of both is gone.
      for (const [i, row] of rows.entries()) {
        await world.credentials.pause(row.id, tester)
        await world.credentials.resume(row.id, tester)
        await db
          .updateTable('credentials')
          .set({ secret: rows[1 - i]!.secret })
          .where('id', '=', row.id)
          .execute()
      }
      for (const id of [refreshed, robot])
        await assert.rejects(token(bed, id), (error) => isProblem(error, 'decrypt_failed') && /Restore a backup|enter the secret again/.test(error.nextStep))
      await world.credentials.refresh(robot, tester)
      assert.equal(await token(bed, robot), 'at-client_credentials')
      await assert.rejects(world.credentials.refresh(refreshed, tester), (error) => isProblem(error, 'misconfigured'))
      assert.equal((await world.credentials.get(refreshed)).reason?.code, 'decrypt_failed')

      const { id: consent, authorizationUrl } = await world.consents.start(refreshed, { mode: 'paste' }, tester)
      const query = new URL(authorizationUrl!).searchParams
      const answer = new URL(query.get('redirect_uri')!)
      answer.search = new URLSearchParams({ state: query.get('state')!, code: 'c-1' }).toString()
      await world.consents.respond(consent, answer.href, tester)
      assert.equal(await token(bed, refreshed), 'at-authorization_code')
    })

    it('a device consent whose secret was damaged ends and says so; a poll that fails is repeated later', async (t) => {
      const bed = await bedOf(t)
      const { world, fake, db } = bed
      fake.answer = ({ path }) => (path === '/device' ? { body: deviceAnswer } : { status: 503, body: '' })
      const [damaged, other] = [await startDevice(bed, 'one', 'token'), await startDevice(bed, 'two', 'token')]
      const row = await db.selectFrom('consents').selectAll().where('id', '=', damaged).executeTakeFirstOrThrow()
      const secret = await world.context.vault.seal(dataKeysOf(db), consentPlace(row.credential_id, 'another'), '{}')
      await db.updateTable('consents').set({ secret }).where('id', '=', damaged).execute()
      world.schedule.start()
      await until('it has ended', async () => (await world.consents.get(damaged)).status === 'failed')
      assert.equal((await world.consents.get(damaged)).problem?.code, 'decrypt_failed')
      await until('the other was polled', () => fake.seen.some((request) => request.parameters.get('client_id') === 'two' && request.path === '/token'))
      fake.answer = () => ({ body: { access_token: 'at-1', expires_in: 3600 } })
      await until('the other is done', async () => (await world.consents.get(other)).status === 'done')
    })

    it('a consent whose process died before it asked the provider ends when its time is over', async (t) => {
      const bed = await bedOf(t)
      const { world, fake, db } = bed
      const id = await makeRefreshable(world, fake)
      const { id: consent } = await world.consents.start(id, { mode: 'browser' }, tester)
      await db
        .updateTable('consents')
        .set({ status: 'exchanging', expires_at: Date.now() - 120_000 })
        .execute()
      await world.schedule.housekeep()
      const ended = await world.consents.get(consent)
      assert.deepEqual([ended.status, ended.problem?.code], ['failed', 'interrupted'])
    })

    it('an order to revoke that was damaged is given up, and the next one is carried out', async (t) => {
      const bed = await bedOf(t)
      const { world, fake, db } = bed
      fake.answer = ({ path }) => (path === '/revoke' ? { status: 503, body: '' } : { body: { access_token: 'at-1', expires_in: 3600 } })
      for (const name of ['one', 'two']) await world.credentials.revoke(await makeRefreshable(world, fake, name), tester)
      const [first, second] = await db.selectFrom('jobs').selectAll().orderBy('id').execute()
      await db.updateTable('jobs').set({ due_at: 1 }).execute()
      await db.updateTable('jobs').set({ secret: second!.secret }).where('id', '=', first!.id).execute()
      const revoked: string[] = []
      fake.answer = ({ path, parameters }) => {
        if (path === '/revoke') revoked.push(parameters.get('token') ?? '')
        return { body: {} }
      }
      await world.schedule.housekeep()
      assert.equal(revoked.length, 1)
      assert.equal((await db.selectFrom('jobs').selectAll().execute()).length, 0)
      assert.ok(world.log.some((line) => line.includes('revocation.given_up')))
    })
  })
}
