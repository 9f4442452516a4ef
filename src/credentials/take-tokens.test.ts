import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it, type TestContext } from 'node:test'
import { isProblem } from '../base/problem.ts'
import { beforeTransaction, databases, makeRefreshable, openWorldWithProvider, tester } from '../../test/world.ts'

for (const kind of databases) {
  const bedOf = async (t: TestContext) => {
    const { world, fake } = await openWorldWithProvider(t, kind)
    const id = await makeRefreshable(world, fake)
    let isHeld = false
    let release = (): void => undefined
    const held = new Promise<void>((done) => (release = done))
    let count = 0
    fake.answer = async ({ path }) => {
      if (path === '/revoke') return { body: '' }
      count += 1
      const tokens = { access_token: `at-${count}`, refresh_token: `rt-${count}` }
      if (isHeld) await held
      return { body: { ...tokens, token_type: 'Bearer', expires_in: 3600 } }
    }
    const sent = (path: string) => fake.seen.filter((seen) => seen.path === path)
    const taken = () => sent('/revoke').map(({ parameters }) => parameters.get('token'))
    /** Begins a refresh whose answer is kept back. */
    const holdRefresh = async () => {
      isHeld = true
      const refreshed = world.credentials.refresh(id, tester).catch((error: unknown) => error)
      while (sent('/token').length === 0) await sleep(5)
      return { refreshed, release }
    }
    const rowOf = async () => await world.store.db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirst()
    const sentTokens = () => sent('/token').map(({ parameters }) => parameters.get('refresh_token'))
    return { world, id, taken, sentTokens, holdRefresh, rowOf }
  }

  it(`deleting without taking tokens back keeps what a refresh under way brings, on ${kind}`, async (t) => {
    const { world, id, taken, sentTokens, holdRefresh } = await bedOf(t)
    const { refreshed, release } = await holdRefresh()
    const done = world.credentials.delete(id, { revoke: false }, tester)
    await sleep(250)
    release()
    await refreshed
    await done
    assert.deepEqual(taken(), [])
    await world.deletedCredentials.restore(id, {}, tester)
    await world.credentials.refresh(id, tester)
    assert.deepEqual(sentTokens(), ['rt-0', 'rt-1'])
  })

  for (const way of ['revoke', 'delete'] as const) {
    describe(`the tokens that ${way} takes back, on ${kind}`, () => {
      it('O22: are those of a refresh that ends at the same moment', async (t) => {
        const { world, id, taken, rowOf } = await bedOf(t)
        beforeTransaction(world, 1, () => world.credentials.refresh(id, tester))
        if (way === 'revoke') await world.credentials.revoke(id, tester)
        else await world.credentials.delete(id, { revoke: true }, tester)
        assert.deepEqual(taken(), ['rt-1', 'at-1'])
        assert.equal((await rowOf())?.secret ?? null, null)
      })

      it('O22: are those that a refresh under way brings', async (t) => {
        const { world, id, taken, holdRefresh, rowOf } = await bedOf(t)
        const { refreshed, release } = await holdRefresh()
        const done = way === 'revoke' ? world.credentials.revoke(id, tester) : world.credentials.delete(id, { revoke: true }, tester)
        await sleep(250)
        release()
        await refreshed
        assert.equal((await done).revocation.outcome, 'revoked')
        assert.deepEqual(taken(), ['rt-1', 'at-1'])
        assert.equal((await rowOf())?.secret ?? null, null)
      })

      it('O22: are those that a refresh brings which began after the look', async (t) => {
        const { world, id, taken, holdRefresh } = await bedOf(t)
        beforeTransaction(world, 1, async () => {
          const { refreshed, release } = await holdRefresh()
          setTimeout(release, 250)
          void refreshed
        })
        if (way === 'revoke') await world.credentials.revoke(id, tester)
        else await world.credentials.delete(id, { revoke: true }, tester)
        assert.deepEqual(taken(), ['rt-1', 'at-1'])
      })

      it('O22: do not wait longer than the lease of a process that died', async (t) => {
        const { world, id, taken, rowOf } = await bedOf(t)
        const until = world.context.clock.now() + 300
        await world.store.db.updateTable('credentials').set({ lease: 'of the dead', lease_until: until }).execute()
        if (way === 'revoke') await world.credentials.revoke(id, tester)
        else await world.credentials.delete(id, { revoke: true }, tester)
        assert.deepEqual(taken(), ['rt-0'])
        const late = world.context.clock.now() - until
        assert.ok(late >= 0 && late < 5000, `${late} ms after its end`)
        assert.equal((await rowOf())?.secret ?? null, null)
      })
    })
  }

  describe(`a credential that is deleted, on ${kind}`, () => {
    it('O22: waits for no refresh when nothing is to be taken back', async (t) => {
      const { world, id, taken, holdRefresh, rowOf } = await bedOf(t)
      const { refreshed, release } = await holdRefresh()
      await world.credentials.delete(id, { revoke: false }, tester)
      assert.equal(await rowOf(), undefined)
      release()
      await refreshed
      assert.deepEqual(taken(), [])
    })

    it('O22: is deleted once', async (t) => {
      const { world, id } = await bedOf(t)
      beforeTransaction(world, 1, () => world.credentials.delete(id, { revoke: false }, tester))
      await assert.rejects(world.credentials.delete(id, { revoke: false }, tester), (error) => isProblem(error, 'not_found'))
    })
  })
}
