import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { beforeTheEnd, eachDatabase, testNow } from '../../test/databases.ts'
import { createTestClock } from '../base/clock.ts'
import { EventBus, type Event } from '../base/events.ts'
import { EventTail } from './event-tail.ts'
import { appendEvents, lastEventSeq, pruneEvents, readEvents, type NewEvent } from './events.ts'
import { inTransaction } from './transaction.ts'

const clock = createTestClock(testNow)
const event = (subject: string): NewEvent => ({ type: 'credential.changed', subject, data: { n: 1 } })

eachDatabase((name, open) => {
  test(`events are numbered from 1 without a gap, also when a transaction is undone (${name})`, async (t) => {
    const { db } = await open(t)
    await inTransaction(db, (trx) => appendEvents(trx, clock, [event('a'), event('b')]))
    await assert.rejects(
      inTransaction(db, async (trx) => {
        await appendEvents(trx, clock, [event('undone')])
        throw new Error('undone')
      }),
      /undone/,
    )
    await inTransaction(db, (trx) => appendEvents(trx, clock, []))
    await inTransaction(db, (trx) => appendEvents(trx, clock, [event('c')]))
    assert.deepEqual(
      await readEvents(db, 0, 10),
      ['a', 'b', 'c'].map((subject, i) => ({ seq: i + 1, at: testNow, type: 'credential.changed', subject, data: { n: 1 } })),
    )
    assert.deepEqual(
      (await readEvents(db, 1, 1)).map(({ seq }) => seq),
      [2],
    )
    assert.equal(await lastEventSeq(db), 3)
  })

  test(`a reader that asks for what came after its last number misses none while others write (${name})`, async (t) => {
    const database = await open(t)
    const nodes = [database.db, await database.otherNode()]
    let writing = true
    const writers = Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; i < 10; i++) {
          await inTransaction(nodes[writer % 2]!, async (trx) => {
            await appendEvents(trx, clock, [event(`${writer}.${i}`), event(`${writer}.${i}'`)])
            // Makes others overtake, if they can.
            await sleep(writer % 3)
          })
        }
      }),
    ).finally(() => (writing = false))
    const seen: number[] = []
    for (let last = false; !last;) {
      // The writers need their turn of the event loop: a query of the embedded database takes none.
      await turn()
      last = !writing
      for (const { seq } of await readEvents(nodes[1]!, seen.at(-1) ?? 0, 7)) {
        seen.push(seq)
        last = false
      }
    }
    await writers
    assert.deepEqual(
      seen,
      Array.from({ length: 160 }, (_, i) => i + 1),
    )
  })

  test(`forgets old events and keeps counting (${name})`, async (t) => {
    const { db } = await open(t)
    await inTransaction(db, (trx) =>
      appendEvents(
        trx,
        clock,
        Array.from({ length: 10 }, (_, i) => event(String(i))),
      ),
    )
    await pruneEvents(db, 3)
    assert.deepEqual(
      (await readEvents(db, 0, 100)).map(({ seq }) => seq),
      [8, 9, 10],
    )
    await pruneEvents(db, 0)
    await inTransaction(db, (trx) => appendEvents(trx, clock, [event('next')]))
    assert.equal((await readEvents(db, 0, 100))[0]!.seq, 11)
  })

  test(`every node is told every event once and in order, by itself and without delay when woken (${name})`, async (t) => {
    const database = await open(t)
    const nodes = [database.db, await database.otherNode()]
    const tails: EventTail[] = []
    const told: Event[][] = []
    await inTransaction(database.db, (trx) => appendEvents(trx, clock, [event('before')]))
    for (const db of nodes) {
      const [bus, list]: [EventBus, Event[]] = [new EventBus(), []]
      bus.listen((one) => list.push(one))
      const tail = new EventTail({ db, bus, clock, onError: (error) => assert.fail(String(error)), interval: 20 })
      await tail.start()
      beforeTheEnd(t, () => tail.stop())
      tails.push(tail)
      told.push(list)
    }
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await inTransaction(nodes[i % 2]!, (trx) => appendEvents(trx, clock, [event(String(i))]))
        const before = await lastEventSeq(nodes[i % 2]!)
        await tails[i % 2]!.wake()
        assert.ok(told[i % 2]!.at(-1)!.seq >= before, 'wake has told everything that was committed before it')
      }),
    )
    while (told.some((list) => list.length < 40)) await sleep(5)
    for (const list of told)
      assert.deepEqual(
        list.map(({ seq }) => seq),
        Array.from({ length: 40 }, (_, i) => i + 2),
      )
  })

  test(`what is given when it was committed is told once and in order, whatever other nodes write in between (${name})`, async (t) => {
    const database = await open(t)
    const other = await database.otherNode()
    const told: Event[] = []
    const bus = new EventBus()
    bus.listen((one) => told.push(one))
    const tail = new EventTail({ db: database.db, bus, clock, onError: (error) => assert.fail(String(error)), interval: 60_000 })
    await tail.start()
    beforeTheEnd(t, () => tail.stop())
    const append = (db: typeof other, subjects: string[]) => inTransaction(db, (trx) => appendEvents(trx, clock, subjects.map(event)))
    const first = await append(database.db, ['a', 'b'])
    const given = tail.wake(first)
    assert.deepEqual(told, first, 'told at once, without asking the database')
    await given
    await append(other, ['of another node'])
    const second = await append(database.db, ['c'])
    const third = await append(database.db, ['d'])
    // The later one is told of first, and brings what it did not know.
    await Promise.all([tail.wake(third), tail.wake(second)])
    await tail.wake(first)
    assert.deepEqual(
      told.map(({ seq, subject }) => `${seq} ${subject}`),
      ['1 a', '2 b', '3 of another node', '4 c', '5 d'],
    )
    assert.deepEqual(told, await readEvents(database.db, 0, 10))
  })

  test(`more events than fit into one look are told in order (${name})`, async (t) => {
    const { db } = await open(t)
    const told: number[] = []
    const bus = new EventBus()
    bus.listen(({ seq }) => told.push(seq))
    const tail = new EventTail({ db, bus, clock, onError: (error) => assert.fail(String(error)), interval: 60_000 })
    await tail.start()
    await inTransaction(db, (trx) =>
      appendEvents(
        trx,
        clock,
        Array.from({ length: 1001 }, () => event('x')),
      ),
    )
    await tail.wake()
    await tail.stop()
    assert.deepEqual(
      told,
      Array.from({ length: 1001 }, (_, i) => i + 1),
    )
  })

  test(`says that events were missed, before it tells the next, where they were deleted before it looked (${name})`, async (t) => {
    const database = await open(t)
    const other = await database.otherNode()
    const told: string[] = []
    const bus = new EventBus()
    bus.listen(({ seq, type }) => told.push(`${seq} ${type}`))
    const tail = new EventTail({ db: database.db, bus, clock, onError: (error) => assert.fail(String(error)), interval: 60_000 })
    await tail.start()
    beforeTheEnd(t, () => tail.stop())
    const append = (count: number) =>
      inTransaction(other, (trx) =>
        appendEvents(
          trx,
          clock,
          Array.from({ length: count }, () => event('x')),
        ),
      )
    await append(2)
    await tail.wake()
    await append(5)
    await pruneEvents(other, 2)
    await tail.wake()
    await append(1)
    await tail.wake()
    assert.deepEqual(told, [
      '1 credential.changed',
      '2 credential.changed',
      '0 events.missed',
      '6 credential.changed',
      '7 credential.changed',
      '8 credential.changed',
    ])
  })

  test(`is no longer fresh a second after the last look that succeeded (${name})`, async (t) => {
    const database = await open(t)
    const own = createTestClock(testNow)
    const errors: unknown[] = []
    const tail = new EventTail({ db: database.db, bus: new EventBus(), clock: own, onError: (error) => errors.push(error), interval: 60_000 })
    assert.equal(tail.isFresh, false)
    await tail.start()
    assert.equal(tail.isFresh, true)
    await own.advance(999)
    assert.equal(tail.isFresh, true)
    await own.advance(1)
    assert.equal(tail.isFresh, false)
    await tail.wake()
    assert.equal(tail.isFresh, true)
    await database.close()
    await own.advance(1000)
    await tail.wake()
    assert.equal(errors.length, 1)
    assert.equal(tail.isFresh, false)
    await tail.stop()
  })
})
