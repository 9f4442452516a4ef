import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { makeActionBed, openActionsOver, type ActionBed, type ActionWorld } from '../../test/action-world.ts'
import { until } from '../../test/mail-world.ts'
import { databases, tester } from '../../test/world.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { Problem } from '../base/problem.ts'
import { prolongRunLeases, strayRoots } from '../storage/action-runs.ts'
import type { Database } from '../storage/tables.ts'

const away = () => new Problem('storage_unavailable', 'The database does not answer.')

/** How many of these are answered by nothing but an error. */
type Faults = { transactions: number; actions: number; messages: number }

/** What ends before the bed ends is given to `before`. */
async function bedOf(
  t: TestContext,
  kind: 'sqlite' | 'postgres',
  clock?: TestClock,
): Promise<{ bed: ActionBed; before: (close: () => Promise<void>) => void }> {
  const closers: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const close of closers) await close()
  })
  const bed = await makeActionBed({ after: (close) => void closers.push(close) }, { kind, ...(clock && { clock }) })
  return { bed, before: (close) => void closers.unshift(close) }
}

/** A node whose database, or outbox, is away for a moment when it is told to be. */
async function openFaulty({ bed, before }: Awaited<ReturnType<typeof bedOf>>): Promise<ActionWorld & { faults: Faults }> {
  const faults: Faults = { transactions: 0, actions: 0, messages: 0 }
  const replaced = <Part extends object>(part: Part, replace: (name: PropertyKey, args: unknown[]) => unknown): Part =>
    new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => replace(name, args) ?? (value as (...all: unknown[]) => unknown).apply(target, args)
      },
    })
  const db: Database = replaced(bed.context.db, (name, [table]) => {
    if (name === 'transaction' && faults.transactions > 0) {
      faults.transactions--
      return { execute: () => Promise.reject(away()) }
    }
    if (name === 'selectFrom' && table === 'actions' && faults.actions > 0) {
      faults.actions--
      throw away()
    }
    return undefined
  })
  const outbox = replaced(bed.mail.outbox, (name) => {
    if (name !== 'get' || faults.messages === 0) return undefined
    faults.messages--
    return Promise.reject(away())
  })
  const world = await openActionsOver({ ...bed.context, bus: bed.mail.context.bus, db, outbox })
  before(() => world.stop())
  return { ...world, faults }
}

const onError = { retries: 1, retryDelaySeconds: 1, report: null, run: null, continueWith: null }

for (const database of databases) {
  describe(`runs of actions while the database is away for a moment, on ${database}`, () => {
    it('write down how they ended when it is back, and do nothing twice', async (t) => {
      const made = await bedOf(t, database)
      const { bed } = made
      const node = await openFaulty(made)
      bed.on.answer = (_, response) => {
        node.faults.transactions = 3
        response.end('{}')
      }
      await bed.make('order', bed.request({ method: 'POST' }))
      const ran = await node.runs.run('order', { input: {}, trigger: 'api', wait: true }, tester)
      assert.deepEqual([ran.outcome, bed.seen.length, node.faults.transactions], ['done', 1, 0])
    })

    it('follow the mail that was taken, and send no second one, when nothing could be read of it', async (t) => {
      const made = await bedOf(t, database)
      const { bed } = made
      await bed.mail.sender({ credential: await bed.mail.password() })
      const node = await openFaulty(made)
      await bed.make('letter', bed.email({ until: 'sent' }, { onError }))
      node.faults.messages = 1
      const ran = await node.runs.run('letter', { input: {}, trigger: 'api', wait: true }, tester)
      assert.deepEqual([ran.outcome, ran.run.attempts, (await bed.mail.outbox.list({})).items.length], ['done', 2, 1])
    })

    it('begin a little later when it cannot be read what they are', async (t) => {
      const clock = createTestClock()
      const made = await bedOf(t, database, clock)
      const { bed } = made
      const node = await openFaulty(made)
      await bed.make('order', bed.request({ method: 'POST' }))
      const stop = bed.mail.context.bus.listen(({ type }) => {
        if (type === 'action.run_started') node.faults.actions = 1
      })
      let outcome: string | undefined
      const running = node.runs.run('order', { input: {}, trigger: 'api', wait: true }, tester).then((ran) => (outcome = ran.outcome))
      await until('it ended', async () => {
        await clock.advance(500)
        return outcome !== undefined
      })
      await running
      stop()
      assert.deepEqual([outcome, bed.seen.length, node.faults.actions], ['done', 1, 0])
    })

    it('are made once though their job is taken up a second time while they are under way', async (t) => {
      const { bed } = await bedOf(t, database)
      let answer = (): void => undefined
      bed.on.answer = (_, response) => (answer = () => void response.end('{}'))
      await bed.make('order', bed.request({ method: 'POST' }))
      const running = bed.run('order')
      await until('it is asked', () => bed.seen.length === 1)
      const { id } = (await bed.runs.list({ limit: 1 })).items[0]!
      const job = { id: 'job_x', kind: 'action_run', subject: id, payload: null, secret: null, attempt: 1, createdAt: 0, signal: AbortSignal.timeout(10_000) }
      const second = await bed.runs.handlers.action_run!.run(job)
      assert.equal(second.outcome, 'retry')
      answer()
      assert.deepEqual([(await running).outcome, bed.seen.length], ['done', 1])
    })

    it('are written down by whoever has taken them over, and by nobody else', async (t) => {
      const { bed } = await bedOf(t, database)
      let answer = (): void => undefined
      bed.on.answer = (_, response) => (answer = () => void response.end('{}'))
      const next = await bed.make('after', bed.request({ url: `http://127.0.0.1:${bed.api.port}/after` }))
      await bed.make('order', bed.request({ method: 'POST' }, { next: next.id }))
      const running = bed.run('order')
      await until('it is asked', () => bed.seen.length === 1)
      const { id } = (await bed.runs.list({ limit: 1 })).items[0]!
      // As another node leaves it that found the lease at its end.
      await bed.context.db.updateTable('action_runs').set({ status: 'interrupted', attempts: 2, finished_at: 1, lease: null, lease_until: null }).execute()
      answer()
      await running
      const { run, followed } = await bed.runs.get(id)
      assert.deepEqual([run.status, followed.length, bed.seen.length], ['interrupted', 0, 1])
    })

    it('are held as long as somebody works on them, and those that were dropped are taken up again', async (t) => {
      const { bed } = await bedOf(t, database)
      await bed.make('order', bed.request())
      const [held, dropped] = [(await bed.run('order')).run.id, (await bed.run('order')).run.id]
      const { db } = bed.context
      await db.updateTable('action_runs').set({ status: 'queued', lease: 'of this node', lease_until: 1000 }).execute()
      await prolongRunLeases(db, 'of this node', 2000, [held])
      await prolongRunLeases(db, 'of this node', 3000, [])
      assert.deepEqual(await strayRoots(db, 1500, 'action_run', 10), [dropped])
    })
  })
}
