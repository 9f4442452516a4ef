import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type World } from '../../test/world.ts'

for (const kind of databases) {
  const bedOf = async (t: TestContext) => {
    const place = await makePlace(kind)
    const world = await openWorld(place)
    const fake = await startFakeProvider()
    let open = world
    t.after(async () => {
      await fake.close()
      await open.close()
      await place.remove()
    })
    const id = await makeRefreshable(world, fake, 'work-mail')
    const { accessToken } = await world.credentials.handOut(id, { purpose: 'token', actor: tester })
    const taken = () => fake.seen.filter(({ path }) => path === '/revoke').map(({ parameters }) => parameters.get('token'))
    /** What a new process finds, whose time has come. */
    const restart = async (): Promise<World> => {
      await open.close()
      open = await openWorld(place)
      await open.store.db.updateTable('jobs').set({ due_at: 1, lease: null, lease_until: null }).execute()
      return open
    }
    const records = async (of: World) =>
      await of.store.db
        .selectFrom('audit')
        .select(['outcome', 'reason', 'actor', 'subject'])
        .where('action', '=', 'credential.revoked')
        .orderBy('seq')
        .execute()
    return { world, fake, id, accessToken, taken, restart, records }
  }
  const rests = async (world: World) => ({
    jobs: (await world.store.db.selectFrom('jobs').select('id').where('kind', '=', 'revoke').execute()).length,
    keys: (await world.store.db.selectFrom('data_keys').select('owner').where('owner', 'like', 'job_%').execute()).length,
  })

  describe(`taking tokens back, on ${kind}`, () => {
    it('O22: a provider that is away is asked again until it is back, and the audit trail says when that was', async (t) => {
      const { world, fake, id, accessToken, taken, restart, records } = await bedOf(t)
      fake.answer = () => ({ status: 503, body: '' })
      const { revocation } = await world.credentials.revoke(id, tester)
      assert.equal(revocation.outcome, 'will_retry')
      assert.match(revocation.message, /tried again by itself/)
      // A secret that nobody may read waits with it.
      const job = await world.store.db.selectFrom('jobs').selectAll().where('kind', '=', 'revoke').executeTakeFirstOrThrow()
      assert.ok(!JSON.stringify([job.payload, job.last_error]).includes('rt-0') && !Buffer.from(job.secret!.bytes).includes('rt-0'))
      const again = await restart()
      await again.revoker.carryOutDue()
      assert.deepEqual(await rests(again), { jobs: 1, keys: 1 })
      assert.equal((await records(again)).length, 1, 'nothing has come of it yet')
      fake.seen.length = 0
      fake.answer = () => ({ body: '' })
      await (await restart()).revoker.carryOutDue()
      assert.deepEqual(taken(), ['rt-0', accessToken.reveal()])
    })

    it('A7: what became of it in the background is in the audit trail, done or given up', async (t) => {
      const { world, fake, id, restart, records } = await bedOf(t)
      fake.answer = () => ({ status: 503, body: '' })
      await world.credentials.revoke(id, tester)
      fake.answer = () => ({ body: '' })
      const again = await restart()
      await again.revoker.carryOutDue()
      assert.deepEqual(
        (await records(again)).map((row) => [row.outcome, row.actor, row.subject]),
        [
          ['done', tester.id, id],
          ['done', 'service', id],
        ],
      )
      assert.deepEqual(await rests(again), { jobs: 0, keys: 0 })
      const other = await makeRefreshable(again, fake, 'other', 'rt-other')
      fake.answer = () => ({ status: 503, body: '' })
      await again.credentials.revoke(other, tester)
      fake.answer = () => ({ status: 400, body: { error: 'unsupported_token_type' } })
      const last = await restart()
      await last.revoker.carryOutDue()
      const [, , , given] = await records(last)
      assert.deepEqual([given?.outcome, given?.reason, given?.actor, given?.subject], ['failed', 'refused', 'service', other])
      assert.deepEqual(await rests(last), { jobs: 0, keys: 0 })
    })

    it('O22: a process that died before it asked has left the order: the next one asks', async (t) => {
      const { world, fake, id, accessToken, taken, restart } = await bedOf(t)
      let asked = (): void => undefined
      const begun = new Promise<void>((done) => (asked = done))
      fake.answer = async ({ path }) => {
        if (path === '/revoke') asked()
        return await new Promise(() => undefined)
      }
      // It hangs while it asks, and never learns the answer.
      void world.credentials.revoke(id, tester).catch(() => undefined)
      await begun
      assert.equal((await world.credentials.get(id)).status, 'needs_consent')
      fake.seen.length = 0
      fake.answer = () => ({ body: '' })
      const again = await restart()
      await again.revoker.carryOutDue()
      assert.deepEqual(taken(), ['rt-0', accessToken.reveal()])
      assert.deepEqual(await rests(again), { jobs: 0, keys: 0 })
    })
  })
}
