import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startChild } from '../../test/children/child.ts'
import { beforeTheEnd, eachDatabase, testNow, type TestDatabase } from '../../test/databases.ts'
import { gate } from '../../test/gate.ts'
import { createTestClock, systemClock, type TestClock } from '../base/clock.ts'
import { Sealed } from '../base/sealed.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { openDatabase } from '../storage/open.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { createJobRunner, type Job, type JobHandler, type JobOrder, type JobRunner } from './job-runner.ts'

const second = 1000
const minute = 60 * second

type Logged = { event: string; fields: Record<string, unknown> | undefined }

/** Makes a runner that is stopped when the test ends. */
function runnerOf(
  t: TestContext,
  test: TestDatabase,
  clock: TestClock,
  handlers: Record<string, JobHandler | JobHandler['run']>,
  options: { db?: Database; concurrency?: number } = {},
): JobRunner & { logged: Logged[] } {
  const logged: Logged[] = []
  const write = (event: string, fields?: Record<string, unknown>) => void logged.push({ event, fields })
  const runner = createJobRunner({
    db: test.db,
    dialect: test.dialect,
    clock,
    log: { warn: write, error: write },
    handlers: Object.fromEntries(Object.entries(handlers).map(([kind, handler]) => [kind, typeof handler === 'function' ? { run: handler } : handler])),
    ...options,
  })
  beforeTheEnd(t, () => runner.stop(0))
  return { ...runner, logged }
}

const order = (test: TestDatabase, runner: JobRunner, ...orders: JobOrder[]) =>
  inTransaction(test.db, async (trx) => {
    for (const one of orders) await runner.enqueue(trx, one)
  })

/** Waits for the database, whose answers no test clock can hurry. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await what()); tries++) {
    assert.ok(tries < 2000, `waited in vain: ${what.toString()}`)
    await pause(2)
  }
}

const rows = (test: TestDatabase) => test.db.selectFrom('jobs').selectAll().orderBy('subject').execute()
const noRows = (test: TestDatabase) => async () => (await rows(test)).length === 0

eachDatabase((name, openDb) => {
  test(`does a job with what it was ordered with, once, and forgets it (${name})`, async (t) => {
    const database = await openDb(t)
    const done: Job[] = []
    const runner = runnerOf(t, database, createTestClock(testNow), { greet: async (job) => (done.push(job), { outcome: 'done' }) })
    await runner.start()
    await order(database, runner, { kind: 'greet', subject: 'anna', payload: { words: ['hello'] } })
    runner.wake()
    await until(noRows(database))
    assert.deepEqual(
      done.map(({ kind, subject, payload, secret, attempt, createdAt }) => ({ kind, subject, payload, secret, attempt, createdAt })),
      [{ kind: 'greet', subject: 'anna', payload: { words: ['hello'] }, secret: null, attempt: 1, createdAt: testNow }],
    )
    assert.deepEqual(runner.logged, [])
  })

  test(`an order in a transaction that is undone is never carried out (${name})`, async (t) => {
    const database = await openDb(t)
    const runner = runnerOf(t, database, createTestClock(testNow), { greet: async () => assert.fail() })
    await assert.rejects(
      inTransaction(database.db, async (trx) => {
        await runner.enqueue(trx, { kind: 'greet', subject: 'a' })
        throw new Error('undone')
      }),
      /undone/,
    )
    assert.deepEqual(await rows(database), [])
  })

  test(`waits until a job is due, and leaves kinds alone that it has no handler for (${name})`, async (t) => {
    const database = await openDb(t)
    const clock = createTestClock(testNow)
    const done: string[] = []
    const runner = runnerOf(t, database, clock, { greet: async ({ subject }) => (done.push(subject), { outcome: 'done' }) })
    await order(
      database,
      runner,
      { kind: 'greet', subject: 'later', dueAt: testNow + 10 * second },
      { kind: 'greet', subject: 'now' },
      { kind: 'unknown', subject: 'x' },
    )
    await runner.start()
    await until(() => done.length === 1)
    await until(() => clock.sleepers === 1)
    await clock.advance(5 * second)
    await pause(30)
    assert.deepEqual(done, ['now'])
    for (let i = 0; i < 6; i++) {
      await until(() => clock.sleepers > 0)
      await clock.advance(second)
    }
    await until(() => done.length === 2)
    await until(async () => (await rows(database)).length === 1)
    assert.equal((await rows(database))[0]!.kind, 'unknown')
  })

  test(`a failed job is tried again, later and later, and says why it failed (${name})`, async (t) => {
    const database = await openDb(t)
    const clock = createTestClock(testNow)
    let tries = 0
    const runner = runnerOf(t, database, clock, {
      async greet({ attempt }) {
        assert.equal(attempt, ++tries)
        if (attempt === 1) return { outcome: 'retry', reason: 'nobody at home' }
        if (attempt === 2) throw new Error('fell over Bearer abcdefghijklmnopqrstuvwxyz0123456789')
        if (attempt === 3) return { outcome: 'retry', reason: 'busy', after: 7 * second }
        return { outcome: 'done' }
      },
    })
    await order(database, runner, { kind: 'greet', subject: 'a' })
    await runner.start()
    const next = async (attempts: number) => {
      await until(async () => (await rows(database))[0]?.attempts === attempts && (await rows(database))[0]?.lease === null)
      const row = (await rows(database))[0]!
      await until(() => clock.sleepers > 0)
      while (clock.now() < row.due_at) {
        await until(() => clock.sleepers > 0)
        await clock.advance(Math.min(second, row.due_at - clock.now()))
      }
      return { wait: row.due_at, error: row.last_error }
    }
    let before = clock.now()
    const first = await next(1)
    assert.equal(first.error, 'nobody at home')
    assert.ok(first.wait - before >= 2.5 * second && first.wait - before <= 5 * second)
    before = clock.now()
    const secondTry = await next(2)
    assert.match(secondTry.error!, /fell over/)
    assert.doesNotMatch(`${secondTry.error} `, /abcdefghijkl/)
    assert.ok(secondTry.wait - before >= 5 * second && secondTry.wait - before <= 10 * second + second)
    await next(3)
    await until(noRows(database))
    assert.equal(tries, 4)
    assert.deepEqual(
      runner.logged.map(({ event }) => event),
      ['job.failed'],
    )
  })

  test(`a hopeless job is dropped, and the log says so (${name})`, async (t) => {
    const database = await openDb(t)
    const runner = runnerOf(t, database, createTestClock(testNow), { greet: async () => ({ outcome: 'given_up', reason: 'moved away' }) })
    await order(database, runner, { kind: 'greet', subject: 'a' })
    await runner.start()
    await until(noRows(database))
    assert.deepEqual(runner.logged, [{ event: 'job.given_up', fields: { kind: 'greet', subject: 'a', reason: 'moved away' } }])
  })

  test(`there is one job of a kind and subject, and the newest order counts (${name})`, async (t) => {
    const database = await openDb(t)
    const done: unknown[] = []
    const runner = runnerOf(t, database, createTestClock(testNow), { greet: async ({ payload }) => (done.push(payload), { outcome: 'done' }) })
    await order(database, runner, { kind: 'greet', subject: 'a', payload: 1, dueAt: testNow + minute }, { kind: 'greet', subject: 'a', payload: 2 })
    await runner.start()
    await until(noRows(database))
    assert.deepEqual(done, [2])
  })

  test(`a job ordered anew while it runs runs again afterwards, and not beside itself (${name})`, async (t) => {
    const database = await openDb(t)
    const held = gate()
    const began: unknown[] = []
    let beside = 0
    const runner = runnerOf(t, database, createTestClock(testNow), {
      async greet({ payload }) {
        assert.equal(++beside, 1)
        began.push(payload)
        if (payload === 1) await held.opened
        beside--
        return { outcome: 'done' }
      },
    })
    await runner.start()
    await order(database, runner, { kind: 'greet', subject: 'a', payload: 1 })
    runner.wake()
    await until(() => began.length === 1)
    await order(database, runner, { kind: 'greet', subject: 'a', payload: 2 })
    runner.wake()
    await pause(30)
    assert.deepEqual(began, [1])
    held.open()
    await until(noRows(database))
    assert.deepEqual(began, [1, 2])
  })

  test(`what was sealed for a job goes with it, and with the order that a newer one replaced (${name})`, async (t) => {
    const database = await openDb(t)
    const runner = runnerOf(t, database, createTestClock(testNow), { greet: async ({ secret }) => (assert.ok(secret instanceof Sealed), { outcome: 'done' }) })
    const sealedFor = async (id: string): Promise<JobOrder> => {
      await dataKeysOf(database.db).insert(id, { wrapped: new Sealed(Buffer.alloc(61)), masterKeyVersion: 1 })
      return { id, kind: 'greet', subject: 'a', secret: new Sealed(Buffer.alloc(60)) }
    }
    await order(database, runner, await sealedFor('job_1'))
    await order(database, runner, await sealedFor('job_2'))
    assert.equal(await dataKeysOf(database.db).read('job_1'), null)
    assert.notEqual(await dataKeysOf(database.db).read('job_2'), null)
    await runner.start()
    await until(noRows(database))
    assert.equal(await dataKeysOf(database.db).read('job_2'), null)
    assert.deepEqual(runner.logged, [])
  })

  test(`runs no more jobs at once than it may (${name})`, async (t) => {
    const database = await openDb(t)
    let [now, most, done] = [0, 0, 0]
    const runner = runnerOf(
      t,
      database,
      createTestClock(testNow),
      {
        async greet() {
          most = Math.max(most, ++now)
          await pause(5)
          now--
          done++
          return { outcome: 'done' }
        },
      },
      { concurrency: 3 },
    )
    await order(database, runner, ...Array.from({ length: 20 }, (_, i) => ({ kind: 'greet', subject: String(i) })))
    await runner.start()
    await until(() => done === 20)
    assert.equal(most, 3)
  })

  test(`of several nodes one does each job (${name})`, async (t) => {
    const database = await openDb(t)
    const clock = createTestClock(testNow)
    const done: string[] = []
    const doneBy = [0, 0, 0]
    const runners = await Promise.all(
      [0, 1, 2].map(async (node) =>
        runnerOf(
          t,
          database,
          clock,
          {
            async greet({ subject }) {
              done.push(subject)
              doneBy[node]!++
              await pause(1)
              return { outcome: 'done' }
            },
          },
          { db: await database.otherNode(), concurrency: 4 },
        ),
      ),
    )
    await order(database, runners[0]!, ...Array.from({ length: 100 }, (_, i) => ({ kind: 'greet', subject: String(i) })))
    await Promise.all(runners.map((runner) => runner.start()))
    await until(async () => {
      await clock.advance(100)
      return await noRows(database)()
    })
    assert.deepEqual(
      done.map(Number).sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, i) => i),
    )
    assert.ok(doneBy.filter((count) => count > 0).length > 1, 'more than one node worked')
  })

  test(`a recurring job runs on one node at a time, again and again, and waits from the end of its run (${name})`, async (t) => {
    const database = await openDb(t)
    const clock = createTestClock(testNow)
    const ran: number[] = []
    let fails = false
    const handlers = {
      clean: {
        every: 10 * minute,
        run: async () => (ran.push(clock.now() - testNow), fails ? ({ outcome: 'retry', reason: 'not now' } as const) : ({ outcome: 'done' } as const)),
      },
    }
    const runners = [runnerOf(t, database, clock, handlers), runnerOf(t, database, clock, handlers, { db: await database.otherNode() })]
    for (const runner of runners) await runner.start()
    const jobOf = async () => (await rows(database))[0]!
    const goTo = async (time: number) => {
      clock.jump(time - (clock.now() - testNow))
      for (const runner of runners) runner.wake()
    }
    assert.equal((await rows(database)).length, 1)
    await goTo(9 * minute)
    await pause(30)
    assert.deepEqual(ran, [])
    await goTo(10 * minute)
    await until(async () => ran.length === 1 && (await jobOf()).due_at === testNow + 20 * minute)
    fails = true
    await goTo(20 * minute)
    await until(async () => ran.length === 2 && (await jobOf()).attempts === 1)
    assert.ok((await jobOf()).due_at < testNow + 21 * minute, 'a failed run is repeated before its next time')
    fails = false
    await goTo(21 * minute)
    await until(async () => ran.length === 3 && (await jobOf()).attempts === 0)
    assert.equal((await jobOf()).due_at, testNow + 31 * minute)
  })

  test(`a recurring job that waits too long, by an older setting or a wrong clock, is called back at the start (${name})`, async (t) => {
    const database = await openDb(t)
    const clock = createTestClock(testNow)
    const clean = (every: number) => ({ clean: { every, run: async () => ({ outcome: 'done' }) as const } })
    await runnerOf(t, database, clock, clean(1000 * minute)).start()
    const runner = runnerOf(t, database, clock, clean(10 * minute))
    await runner.start()
    assert.equal((await rows(database))[0]!.due_at, testNow + 10 * minute)
  })

  test(`holds a long job, and another node takes it over only when its holder is silent (${name})`, async (t) => {
    const database = await openDb(t)
    const clock = createTestClock(testNow)
    const held = gate()
    const began: string[] = []
    const signals: AbortSignal[] = []
    const handler = (node: string) => ({
      greet: async ({ signal }: Job) => (began.push(node), signals.push(signal), await held.opened, { outcome: 'done' } as const),
    })
    const first = runnerOf(t, database, clock, handler('first'))
    const other = runnerOf(t, database, clock, handler('other'), { db: await database.otherNode() })
    await order(database, first, { kind: 'greet', subject: 'a' })
    await first.start()
    await until(() => began.length === 1)
    await other.start()
    const leaseUntil = async () => (await rows(database))[0]!.lease_until!
    for (let i = 0; i < 10; i++) {
      const before = await leaseUntil()
      // Both loops sleep, and so does the heartbeat: the last one is acknowledged, which comes after it can be read.
      await until(() => clock.sleepers === 3)
      await clock.advance(15 * second)
      await until(async () => (await leaseUntil()) > before)
    }
    assert.deepEqual(began, ['first'])
    await until(() => clock.sleepers === 3)
    // The wall clock alone leaps: the holder's heartbeat, which sleeps, comes too late.
    clock.jump(61 * second)
    other.wake()
    await until(() => began.length === 2)
    await clock.advance(15 * second)
    await until(() => signals[0]!.aborted)
    assert.equal(signals[1]!.aborted, false)
    held.open()
    await until(noRows(database))
    assert.ok([...first.logged, ...other.logged].some(({ event }) => event === 'job.lease_lost'))
  })

  test(`what runs here is not begun a second time when the clock goes ahead of its lease (${name})`, async (t) => {
    const database = await openDb(t)
    const clock = createTestClock(testNow)
    const held = gate()
    const begun: string[] = []
    const runner = runnerOf(t, database, clock, { greet: async ({ id }) => (begun.push(id), await held.opened, { outcome: 'done' }) })
    await order(database, runner, { kind: 'greet', subject: 'a' })
    await runner.start()
    await until(() => begun.length === 1)
    clock.jump(10 * minute)
    for (let i = 0; i < 20; i++) await clock.advance(100).then(() => (runner.wake(), pause(5)))
    assert.equal(begun.length, 1)
    held.open()
    await until(noRows(database))
  })

  test(`a lease from a clock that went far ahead does not hold a job for ever (${name})`, async (t) => {
    const database = await openDb(t)
    let done = 0
    const runner = runnerOf(t, database, createTestClock(testNow), { greet: async () => (done++, { outcome: 'done' }) })
    await order(database, runner, { kind: 'greet', subject: 'a' })
    await database.db
      .updateTable('jobs')
      .set({ lease: 'somebody', lease_until: testNow + 1000 * minute })
      .execute()
    await runner.start()
    await until(() => done === 1)
  })

  test(`stop waits for what runs, begins nothing more, and aborts what takes too long (${name})`, async (t) => {
    const database = await openDb(t)
    const clock = createTestClock(testNow)
    const held = gate()
    const ended: string[] = []
    const runner = runnerOf(
      t,
      database,
      clock,
      {
        quick: async () => (await held.opened, ended.push('quick'), { outcome: 'done' }),
        slow: ({ signal }) =>
          new Promise((resolve) =>
            signal.addEventListener('abort', () => {
              ended.push('slow')
              resolve({ outcome: 'retry', reason: 'stopped', after: 0 })
            }),
          ),
      },
      { concurrency: 2 },
    )
    await order(database, runner, { kind: 'quick', subject: '' }, { kind: 'slow', subject: '' })
    await runner.start()
    await until(async () => (await rows(database)).every((row) => row.lease !== null))
    await order(database, runner, { kind: 'quick', subject: 'too late' })
    let stopped = false
    const stop = runner.stop(5 * second).then(() => (stopped = true))
    await pause(20)
    held.open()
    await until(() => ended.includes('quick'))
    await pause(20)
    assert.equal(stopped, false)
    await clock.advance(5 * second)
    await stop
    assert.deepEqual(ended, ['quick', 'slow'])
    assert.deepEqual(
      (await rows(database)).map((row) => [row.kind, row.subject, row.lease, row.attempts]),
      [
        ['slow', '', null, 1],
        ['quick', 'too late', null, 0],
      ],
    )
  })

  test(`goes on after the database was away (${name})`, async (t) => {
    const database = await openDb(t)
    let away = true
    let done = 0
    const db = new Proxy(database.db, {
      get(target, property) {
        if (away && property === 'selectFrom') throw new Error('the database is away')
        const value = Reflect.get(target, property, target) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const clock = createTestClock(testNow)
    const runner = runnerOf(t, database, clock, { greet: async () => (done++, { outcome: 'done' }) }, { db })
    await order(database, runner, { kind: 'greet', subject: 'a' })
    await runner.start()
    await until(() => runner.logged.some(({ event }) => event === 'jobs.failed') && clock.sleepers === 1)
    away = false
    await clock.advance(second)
    await until(() => done === 1)
  })
})

eachDatabase((name, _open, makePlace) => {
  test(`no job is lost by kill -9, whenever it comes (${name})`, async (t) => {
    const place = await makePlace(t)
    const ordered = new Set<string>()
    const done = new Set<string>()
    let from = 0
    for (let round = 0; round < 4; round++) {
      const child = startChild('run-jobs.ts', place.folder, String(from), ...(place.url === undefined ? [] : [place.url]))
      await child.says(`ordered ${from}`)
      await pause(40 + Math.random() * 120)
      await child.kill9()
      for (const line of child.lines) {
        const [what, subject = ''] = line.split(' ')
        if (what === 'ordered') ordered.add(subject)
        if (what === 'done') done.add(subject)
        assert.ok(['ordered', 'began', 'done'].includes(what ?? ''), line)
      }
      from += 1000
    }
    assert.ok(ordered.size > 8)
    const { db, dialect, close } = await openDatabase({ ...place, now: systemClock.now() })
    beforeTheEnd(t, close)
    const clock = createTestClock(systemClock.now() + 10 * minute)
    const runner = createJobRunner({
      db,
      dialect,
      clock,
      log: { warn: () => undefined, error: (event) => assert.fail(event) },
      handlers: { count: { run: async ({ subject }) => (done.add(subject), { outcome: 'done' }) } },
    })
    await runner.start()
    await until(async () => (await db.selectFrom('jobs').select('id').execute()).length === 0)
    await runner.stop()
    assert.deepEqual(
      [...ordered].filter((subject) => !done.has(subject)),
      [],
    )
  })
})
