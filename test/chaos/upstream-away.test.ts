import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestClock } from '../../src/base/clock.ts'
import { accepted, hand, logIn, mail, relayBedOf } from '../relay-world.ts'
import { disorderOf } from '../mail-world.ts'
import { databases } from '../world.ts'

/** The whole takes minutes: KEYBEARER_TEST_CHAOS=whole npm test -- test/chaos/upstream-away.test.ts */
const waiting = process.env.KEYBEARER_TEST_CHAOS === 'whole' ? 5000 : 150
const minute = 60_000
const mostConnections = 3

for (const kind of databases) {
  describe(`an upstream that is away for an hour, on ${kind}`, () => {
    const title = `${waiting} messages wait, the server is hardly asked meanwhile, and when it is back all go out at once, the oldest first`
    it(title, { timeout: 30 * minute }, async (t) => {
      const clock = createTestClock()
      const bed = await relayBedOf(t, { kind, clock })
      let isAway = true
      let most = 0
      bed.server.on.greeting = () => {
        most = Math.max(most, [...bed.server.sockets].filter((socket) => !socket.writableEnded).length)
        return isAway ? '421 4.3.2 closing for maintenance' : undefined
      }
      const session = await logIn(bed)
      const ids = new Set<string>()
      for (let i = 0; i < waiting; i++) {
        const letter = mail('From: Anna <anna@example.org>', 'To: bob@example.net', `Subject: number ${i}`)
        ids.add(accepted(await hand(session, ['bob@example.net'], letter)))
        clock.jump(1)
      }
      session.close()
      assert.equal(ids.size, waiting)
      /** Turns the clock, and gives what comes due the time to be done. */
      const pass = async (seconds: number, step = 1) => {
        for (let second = 0; second < seconds; second += step) {
          await clock.advance(step * 1000)
          await sleep(1)
          for (let before = -1, now = done(); before !== now; before = now, now = done()) await sleep(3)
        }
      }
      const done = () => bed.server.connections + bed.server.mails.length + (bed.counts.get('delayed') ?? 0) + (bed.counts.get('sent') ?? 0)

      await pass(3600, 15)
      const asked = bed.server.connections
      assert.equal(bed.server.mails.length, 0)
      const { db } = bed.world.store
      const queued = await db.selectFrom('messages').select('id').where('status', 'in', ['queued', 'sending']).execute()
      assert.equal(queued.length, waiting)
      // However many wait, the server sees a look a minute, and not each of them.
      assert.ok(asked <= 150, `it was asked ${asked} times`)

      isAway = false
      const realStart = performance.now()
      let seconds = 0
      while (bed.server.mails.length < waiting) {
        await pass(1)
        assert.ok(++seconds < 3600, `after an hour ${bed.server.mails.length} have arrived`)
      }
      const real = (performance.now() - realStart) / 1000
      const order = bed.server.mails.map(({ data }) => Number(/^Subject: number (\d+)\r$/m.exec(data)?.[1]))
      assert.deepEqual(new Set(order).size, waiting, 'nothing came twice')
      const disorder = disorderOf(order)
      t.diagnostic(
        `${kind}: ${waiting} waited, ${asked} connections in the hour; back: all were sent after ${seconds} s of the service's clock, ${real.toFixed(1)} s of this machine's; at most ${most} connections at once; ${(disorder * 100).toFixed(1)} % of the pairs the wrong way round; ${Math.round(process.memoryUsage.rss() / 1_048_576)} MiB with the test`,
      )
      assert.ok(most <= mostConnections, `${most} connections at once`)
      // In a second of the test's clock this machine sends a few only; one message after another in its own time would take an hour.
      assert.ok(seconds <= 150 + waiting / 2, `they took ${seconds} s`)
      assert.ok(disorder < 0.2, `${Math.round(disorder * 100)} % of the pairs came the wrong way round`)
      assert.equal((await bed.context.audit.verify()).ok, true)
    })
  })
}
