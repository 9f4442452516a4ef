import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { beforeTransaction, databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type World } from '../../test/world.ts'
import { isProblem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { createJobRunner, type Job } from '../jobs/job-runner.ts'
import type { EmergencyStop, StoppedState } from './emergency-stops.ts'

for (const kind of databases) {
  const bedOf = async (t: TestContext) => {
    const place = await makePlace(kind)
    const fake = await startFakeProvider()
    const nodes: { world: World; end: () => Promise<void> }[] = []
    /** Opens a node that does what is ordered; `isDead`: it never gets to the background work. */
    const open = async (isDead = false) => {
      const world = await openWorld(place)
      const { db, dialect } = world.store
      const jobs = createJobRunner({ db, dialect, clock: world.context.clock, log: world.context.log, handlers: world.emergencyStops.handlers })
      world.emergencyStops.use(isDead ? { enqueue: (trx, order) => jobs.enqueue(trx, order), wake: () => undefined } : jobs)
      if (!isDead) await jobs.start()
      const node = {
        world,
        async end() {
          await jobs.stop(100)
          await world.close()
        },
      }
      nodes.push(node)
      return node
    }
    t.after(async () => {
      await fake.close()
      for (const node of nodes) await node.end()
      await place.remove()
    })
    return { place, fake, open }
  }

  /** Makes many credentials that share one registration. */
  const makeMany = async (world: World, url: string, count: number): Promise<string[]> => {
    const first = await makeRefreshable(world, { url }, 'many-0', 'rt-many-0')
    const ids = [first]
    for (let i = 1; i < count; i++) {
      const view = await world.credentials.create(
        {
          name: `many-${i}`,
          kind: 'oauth2',
          grant: 'authorization_code',
          registration: 'many-0 registration',
          refreshToken: new Secret(`rt-many-${i}`),
          scopes: ['mail.send'],
        },
        tester,
      )
      ids.push(view.id)
    }
    return ids
  }
  const until = async (look: () => Promise<EmergencyStop>, wanted: (stop: EmergencyStop) => boolean, patience = 60_000): Promise<EmergencyStop> => {
    const end = Date.now() + patience
    for (;;) {
      const stop = await look()
      if (wanted(stop) || Date.now() > end) return stop
      await new Promise((done) => setTimeout(done, 20))
    }
  }
  const whatOf = async (world: World, id: string) =>
    Object.fromEntries((await world.emergencyStops.stopped(id, { limit: 500 })).items.map((one) => [one.credential.name, [one.state, one.message]]))

  describe(`an emergency stop, on ${kind}`, () => {
    it('P1: a thousand are stopped at once, their tokens taken back over a restart from a provider that is slow and fails in part, and what is left is told', async (t) => {
      const { fake, open } = await bedOf(t)
      const first = await open()
      const ids = await makeMany(first.world, fake.url, 1000)
      const other = await makeRefreshable(first.world, fake, 'elsewhere', 'rt-elsewhere')
      for (const id of [ids[0]!, ids[999]!, other]) await first.world.credentials.handOut(id, { purpose: 'token', actor: tester })
      // Every tenth is refused; none comes at once.
      const taken = new Set<string>()
      fake.answer = async ({ path, parameters }) => {
        if (path !== '/revoke') return { status: 500, body: '' }
        await new Promise((done) => setTimeout(done, 30))
        const token = parameters.get('token') ?? ''
        if (/^rt-many-\d*0$/.test(token)) return { status: 400, body: { error: 'unsupported_token_type' } }
        taken.add(token)
        return { body: '' }
      }
      const startedAt = performance.now()
      const begun = await first.world.emergencyStops.begin(
        { match: { registration: 'many-0 registration' }, revoke: true, reason: 'a laptop was stolen' },
        tester,
      )
      const took = performance.now() - startedAt
      assert.equal(begun.total, 1000)
      for (const id of [ids[0]!, ids[999]!]) {
        await assert.rejects(first.world.credentials.handOut(id, { purpose: 'token', actor: tester }), (error) => isProblem(error, 'paused'))
      }
      // A yardstick of the same run: how long as many single writes take one after another.
      const before = performance.now()
      for (let i = 0; i < 100; i++) await first.world.credentials.snooze(other, Date.now() + 3_600_000 + i, tester)
      const tenth = performance.now() - before
      assert.ok(took < Math.max(1000, tenth * 10), `${took} ms until none of 1,000 was handed out any more; 100 writes took ${tenth} ms`)

      await until(
        () => first.world.emergencyStops.get(begun.id),
        (stop) => stop.counts.revoked > 50,
      )
      await first.end()
      const { world } = await open()
      const half = await world.emergencyStops.get(begun.id)
      assert.ok(!half.isDone && half.counts.waiting > 0, JSON.stringify(half.counts))
      await world.store.db.updateTable('jobs').set({ due_at: 1, lease: null, lease_until: null }).execute()
      const settle = async () => {
        await world.revoker.carryOutDue()
        return await world.emergencyStops.get(begun.id)
      }
      const done = await until(settle, (stop) => stop.isDone)
      assert.deepEqual(done.counts, { stopped: 0, waiting: 0, revoking: 0, revoked: 900, not_revoked: 100 })
      assert.equal([...taken].filter((token) => token.startsWith('rt-many-')).length, 900)
      const left = await world.emergencyStops.stopped(begun.id, { states: ['not_revoked'], limit: 500 })
      assert.deepEqual(new Set(left.items.map((one) => one.credential.name)), new Set(ids.flatMap((_, i) => (i % 10 === 0 ? [`many-${i}`] : []))))
      assert.match(left.items[0]!.message!, /did not revoke the tokens.*Remove the access in the settings of the account/)
      // Nothing else was touched, and what was stopped stays so.
      assert.ok(!taken.has('rt-elsewhere'))
      fake.answer = () => ({ body: { access_token: 'at', token_type: 'Bearer', expires_in: 3600 } })
      assert.equal((await world.credentials.handOut(other, { purpose: 'token', actor: tester })).tokenType, 'Bearer')
      assert.equal((await world.credentials.counts({ registration: 'many-0 registration' })).byStatus.paused, 1000)
    })

    it('P1: a process that died while it stopped is taken over: none is forgotten, and none is stopped twice', async (t) => {
      const { fake, open } = await bedOf(t)
      const dead = await open(true)
      const ids = await makeMany(dead.world, fake.url, 12)
      // It has stopped some of them when it dies.
      const { audit } = dead.world.context
      const original = audit.append.bind(audit)
      audit.append = async (trx, entries) => {
        if (entries.some((entry) => entry.action === 'credential.paused')) throw new Error('power cut')
        await original(trx, entries)
      }
      await assert.rejects(dead.world.emergencyStops.begin({ match: { search: 'many-' }, revoke: false, reason: '' }, tester), /power cut/)
      await dead.end()
      const { world } = await open()
      const [begun] = await world.emergencyStops.list()
      assert.equal(begun!.total, 0)
      await world.store.db.updateTable('jobs').set({ due_at: 1 }).execute()
      const done = await until(
        () => world.emergencyStops.get(begun!.id),
        (stop) => stop.total === ids.length,
      )
      assert.equal(done.counts.stopped, ids.length)
      const records = await world.store.db.selectFrom('audit').select('subject').where('action', '=', 'credential.paused').execute()
      assert.equal(records.length, ids.length)
      assert.deepEqual(new Set(records.map((row) => row.subject)), new Set(ids))
    })

    it('P1: says honestly what nobody but a person can take back, and what a provider that is away has not answered', async (t) => {
      const { fake, open } = await bedOf(t)
      const { world } = await open()
      const { credentials } = world
      await credentials.create({ name: 'key', kind: 'api_key', secret: new Secret('k'), tags: ['it'] }, tester)
      await credentials.create({ name: 'password', kind: 'basic', username: 'a', secret: new Secret('p'), tags: ['it'] }, tester)
      const anna = await makeRefreshable(world, fake, 'anna')
      const robot = await credentials.create(
        { name: 'robot', kind: 'oauth2', grant: 'client_credentials', registration: 'anna registration', scopes: ['read'], tags: ['it'] },
        tester,
      )
      await credentials.change(anna, { tags: ['it'] }, tester)
      await credentials.handOut(robot.id, { purpose: 'token', actor: tester })
      fake.answer = ({ path, parameters }) => (path === '/revoke' && parameters.get('token') === 'rt-0' ? { status: 503, body: '' } : { body: '' })
      const begun = await world.emergencyStops.begin({ match: { tag: 'it' }, revoke: true, reason: '' }, tester)
      const stop = await until(
        () => world.emergencyStops.get(begun.id),
        ({ counts }) => counts.waiting === 0 && counts.revoked > 0,
      )
      assert.ok(!stop.isDone)
      const states = await whatOf(world, begun.id)
      assert.deepEqual(states.anna, ['revoking', null])
      assert.match(states.key![1]!, /API key stays valid at its server/)
      assert.match(states.password![1]!, /change it there/)
      assert.equal(states.robot![0], 'revoked')
      assert.match(states.robot![1]!, /Whoever has the secret of the registration "anna registration" gets new tokens/)
      fake.answer = () => ({ body: '' })
      await world.store.db.updateTable('jobs').set({ due_at: 1, lease: null, lease_until: null }).execute()
      const done = await until(
        async () => (await world.revoker.carryOutDue(), await world.emergencyStops.get(begun.id)),
        ({ isDone }) => isDone,
      )
      assert.deepEqual(done.counts, { stopped: 0, waiting: 0, revoking: 0, revoked: 2, not_revoked: 2 } satisfies Record<StoppedState, number>)
    })

    it('P1: a process that goes on late stops nothing that was made since, and nothing of a stop that was undone', async (t) => {
      const { fake, open } = await bedOf(t)
      const dead = await open(true)
      const [id] = await makeMany(dead.world, fake.url, 1)
      const stop = await dead.world.emergencyStops.begin({ match: { search: 'many-' }, revoke: true, reason: '' }, tester)
      const undone = await dead.world.emergencyStops.begin({ match: { search: 'many-' }, revoke: true, reason: '' }, tester)
      assert.deepEqual([stop.counts.waiting, undone.counts.waiting], [1, 1])
      await dead.world.emergencyStops.undo(undone.id, tester)
      await new Promise((done) => setTimeout(done, 10))
      const late = await makeRefreshable(dead.world, fake, 'many-late', 'rt-late')
      await dead.end()
      fake.answer = () => ({ body: '' })
      const { world } = await open()
      const done = await until(
        () => world.emergencyStops.get(stop.id),
        ({ isDone }) => isDone,
      )
      assert.deepEqual([done.total, done.counts.revoked], [1, 1])
      assert.notEqual((await world.credentials.get(late)).status, 'paused')
      assert.equal((await world.credentials.get(id!)).status, 'paused')
      const left = await world.emergencyStops.get(undone.id)
      assert.deepEqual([left.isDone, left.counts.stopped, left.counts.waiting], [true, 1, 0])
    })

    it('P1: one that is undone while it still stops goes no further, and nothing of it is stopped any more', async (t) => {
      const { fake, open } = await bedOf(t)
      const { world } = await open(true)
      const [id] = await makeMany(world, fake.url, 1)
      const undo = async () => assert.equal(await world.emergencyStops.undo((await world.emergencyStops.list())[0]!.id, tester), 0)
      // The first transaction writes the stop down, the second one stops what fits.
      beforeTransaction(world, 2, undo)
      const stop = await world.emergencyStops.begin({ match: { search: 'many-' }, revoke: true, reason: '' }, tester)
      assert.notEqual(stop.undoneAt, null)
      assert.equal(stop.total, 0)
      assert.notEqual((await world.credentials.get(id!)).status, 'paused')
    })

    it('P1: one that is undone while another process takes it over stops nothing and takes no token back', async (t) => {
      const { fake, open } = await bedOf(t)
      const { world } = await open(true)
      const [id] = await makeMany(world, fake.url, 1)
      beforeTransaction(world, 2, () => Promise.reject(new Error('power cut')))
      await assert.rejects(world.emergencyStops.begin({ match: { search: 'many-' }, revoke: true, reason: '' }, tester), /power cut/)
      const [stop] = await world.emergencyStops.list()
      beforeTransaction(world, 1, () => world.emergencyStops.undo(stop!.id, tester))
      const job = { id: 'job_1', kind: 'emergency_stop', subject: stop!.id, payload: '{}', attempts: 0, signal: new AbortController().signal }
      const outcome = await world.emergencyStops.handlers.emergency_stop!.run(job as unknown as Job)
      assert.deepEqual(outcome, { outcome: 'done' })
      assert.equal((await world.emergencyStops.get(stop!.id)).total, 0)
      assert.notEqual((await world.credentials.get(id!)).status, 'paused')
      assert.deepEqual(
        fake.seen.filter(({ path }) => path === '/revoke'),
        [],
      )
    })

    it('P1: finds by provider, account, age and use, and a mistake can be undone', async (t) => {
      const { fake, open } = await bedOf(t)
      const { world } = await open()
      const { credentials, store } = world
      const anna = await makeRefreshable(world, fake, 'anna')
      const fresh = await credentials.create({ name: 'fresh', kind: 'api_key', secret: new Secret('k') }, tester)
      const old = await credentials.create(
        { name: 'old', kind: 'basic', username: 'Bob@Example.org', secret: new Secret('p'), allowedHosts: ['127.0.0.1'] },
        tester,
      )
      const off = await credentials.create({ name: 'off', kind: 'api_key', secret: new Secret('k') }, tester)
      await credentials.pause(off.id, tester)
      const now = Date.now()
      await store.db
        .updateTable('credentials')
        .set({ created_at: now - 9e9 })
        .where('id', 'in', [old.id, off.id])
        .execute()
      await credentials.handOut(fresh.id, { purpose: 'token', actor: tester })
      await world.usage.flush()
      const found = async (match: Parameters<typeof credentials.list>[0]) => (await credentials.list(match)).items.map((one) => one.name)
      assert.deepEqual(await found({ provider: 'generic' }), ['anna'])
      assert.deepEqual(await found({ account: 'bob@example.org' }), ['old'])
      assert.deepEqual(await found({ usedBy: tester.id }), ['fresh'])
      assert.deepEqual(await found({ createdBefore: now - 1e9 }), ['off', 'old'])
      assert.deepEqual(await found({ unusedSince: now - 1e9, kind: 'basic' }), ['old'])
      const stop = await world.emergencyStops.begin({ match: { createdBefore: now - 1e9 }, revoke: false, reason: '' }, tester)
      assert.equal(stop.total, 2)
      assert.equal((await credentials.get(old.id)).status, 'paused')
      assert.notEqual((await credentials.get(anna)).status, 'paused')
      assert.equal(await world.emergencyStops.undo(stop.id, tester), 1)
      assert.notEqual((await world.emergencyStops.get(stop.id)).undoneAt, null)
      assert.equal((await credentials.get(old.id)).status, 'ready')
      assert.equal((await credentials.get(off.id)).status, 'paused', 'it was off before')
    })
  })
}
