import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isProblem } from '../../src/base/problem.ts'
import { databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type FakeProvider } from '../world.ts'

const child = join(import.meta.dirname, 'refresh-child.ts')

/** A provider that rotates, takes each refresh token once, and ends the family when one comes twice. */
function strict(fake: FakeProvider): { reuses: number; alive: () => boolean; refreshes: number } {
  const state = { reuses: 0, refreshes: 0, current: 'rt-0', dead: false, alive: () => !state.dead }
  let n = 0
  fake.answer = ({ parameters }) => {
    const given = parameters.get('refresh_token')
    if (state.dead || given !== state.current) {
      if (!state.dead) state.reuses += 1
      state.dead = true
      return { status: 400, body: { error: 'invalid_grant', error_description: 'reuse detected' } }
    }
    n += 1
    state.refreshes += 1
    state.current = `rt-${n}-${Math.random().toString(36).slice(2)}`
    return { body: { access_token: `at-${n}`, token_type: 'Bearer', expires_in: 3600, refresh_token: state.current }, wait: 5 + Math.random() * 25 }
  }
  return state
}

for (const database of databases) {
  describe(`a process killed in the middle of a refresh, on ${database}`, () => {
    it('O17: 20 kills at random moments leave a credential that works or says why not', { timeout: 240_000 }, async () => {
      let worked = 0
      let told = 0
      for (let round = 0; round < 20; round++) {
        const place = await makePlace(database)
        const fake = await startFakeProvider()
        const provider = strict(fake)
        const first = await openWorld(place)
        const id = await makeRefreshable(first, fake)
        await first.credentials.refresh(id, tester)
        await first.close()

        await killAtRandom(place.folder, place.url ?? '-', id)
        const second = await openWorld(place)
        try {
          await second.context.db.updateTable('credentials').set({ lease: null, lease_until: null }).execute()
          await second.schedule.recover()
          second.schedule.start()
          await waitUntil(async () => {
            const attempts = await second.store.db.selectFrom('refresh_attempts').selectAll().execute()
            return attempts.every((attempt) => attempt.state !== 'sent' && attempt.state !== 'answered')
          })
          try {
            const before = await second.credentials.get(id)
            const after = before.status === 'ready' ? await second.credentials.refresh(id, tester) : before
            if (after.status !== 'ready') throw new Error(after.status)
            worked += 1
          } catch (error) {
            const view = await second.credentials.get(id)
            assert.equal(view.status, 'needs_consent', `${String(error)} ${JSON.stringify(view.reason)}`)
            assert.ok(['rotation_lost', 'refused_by_provider'].includes(view.reason?.code ?? ''))
            assert.ok(view.nextStep)
            told += 1
          }
          assert.ok(provider.reuses <= 1, 'at most the one allowed repetition')
          assert.equal((await second.context.audit.verify()).ok, true)
        } finally {
          await second.close()
          await fake.close()
          await place.remove()
        }
      }
      assert.equal(worked + told, 20)
      // How many depends on how fast the machine is; none at all would mean that nothing is ever tried again.
      assert.ok(worked >= 2, `only ${worked} of 20 worked`)
    })

    it('O17: an answer that was kept before the crash is finished after it, without asking the provider again', async () => {
      const place = await makePlace(database)
      const fake = await startFakeProvider()
      const world = await openWorld(place)
      try {
        const id = await makeRefreshable(world, fake)
        fake.answer = () => ({ body: { access_token: 'at-kept', expires_in: 3600, refresh_token: 'rt-kept' } })
        // The commit after the answer was kept fails for good, as it does when the process dies there.
        const { db } = world.store
        await db.schema.alterTable('events').renameTo('events_away').execute()
        await assert.rejects(world.renewer.renew(id, { generation: 1, actor: tester, asked: 'by_person' }))
        await db.schema.alterTable('events_away').renameTo('events').execute()
        const attempt = await db.selectFrom('refresh_attempts').selectAll().executeTakeFirstOrThrow()
        assert.equal(attempt.state, 'answered')
        const seen = fake.seen.length
        await world.schedule.recover()
        const token = await world.credentials.handOut(id, { purpose: 'token', actor: tester })
        assert.equal(token.accessToken.reveal(), 'at-kept')
        assert.equal(fake.seen.length, seen)
      } finally {
        await world.close()
        await fake.close()
        await place.remove()
      }
    })

    it('an answer that cannot be understood is kept, and the credential says so', async () => {
      const place = await makePlace(database)
      const fake = await startFakeProvider()
      const world = await openWorld(place)
      try {
        const id = await makeRefreshable(world, fake)
        fake.answer = () => ({ body: '{"access_token": 17, "refresh_token": "rt-odd"}' })
        await assert.rejects(world.credentials.refresh(id, tester), (error) => isProblem(error, 'provider_unavailable'))
        const view = await world.credentials.get(id)
        assert.deepEqual([view.status, view.reason?.code], ['retrying', 'answer_unusable'])
        const attempt = await world.store.db.selectFrom('refresh_attempts').selectAll().executeTakeFirstOrThrow()
        assert.equal(attempt.state, 'unusable')
        assert.ok(attempt.answer)
      } finally {
        await world.close()
        await fake.close()
        await place.remove()
      }
    })
  })
}

describe('two nodes', { skip: databases.includes('postgres') ? false : 'needs PostgreSQL' }, () => {
  it('O16: 2 × 50 callers at the moment of expiry cause exactly one request, with a provider that detects reuse', async () => {
    const place = await makePlace('postgres')
    const fake = await startFakeProvider()
    const provider = strict(fake)
    const a = await openWorld(place)
    const b = await openWorld(place)
    try {
      const id = await makeRefreshable(a, fake)
      const callers = [a, b].flatMap((world) => Array.from({ length: 50 }, () => world.credentials.handOut(id, { purpose: 'token', actor: tester })))
      const tokens = await Promise.all(callers)
      assert.equal(provider.refreshes, 1)
      assert.equal(new Set(tokens.map((token) => token.accessToken.reveal())).size, 1)
      assert.ok(provider.alive())
    } finally {
      await a.close()
      await b.close()
      await fake.close()
      await place.remove()
    }
  })

  it('a node that dies holding the lease is replaced when the lease ends', async () => {
    const place = await makePlace('postgres')
    const fake = await startFakeProvider()
    const provider = strict(fake)
    const a = await openWorld(place)
    try {
      const id = await makeRefreshable(a, fake)
      await a.store.db
        .updateTable('credentials')
        .set({ lease: 'lease_of_the_dead', lease_until: Date.now() + 1500 })
        .where('id', '=', id)
        .execute()
      const started = Date.now()
      await a.credentials.handOut(id, { purpose: 'token', actor: tester })
      assert.ok(Date.now() - started >= 1400)
      assert.equal(provider.refreshes, 1)
    } finally {
      await a.close()
      await fake.close()
      await place.remove()
    }
  })
})

function killAtRandom(folder: string, url: string, id: string): Promise<void> {
  return new Promise((done, fail) => {
    const running = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, folder, url, id], { stdio: ['ignore', 'pipe', 'inherit'] })
    running.stdout.once('data', () => setTimeout(() => running.kill('SIGKILL'), Math.random() * 150))
    running.once('exit', () => done())
    running.once('error', fail)
  })
}

async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await condition()) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error('it did not come to be')
}
