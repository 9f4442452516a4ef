import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestClock } from '../../src/base/clock.ts'
import { accepted, hand, logIn, relayBedOf, report } from '../relay-world.ts'
import { databases } from '../world.ts'

/** The whole takes minutes: KEYBEARER_TEST_CHAOS=whole npm test -- test/chaos/upstream-away.test.ts */
const waiting = process.env.KEYBEARER_TEST_CHAOS === 'whole' ? 5000 : 100
const minute = 60_000

for (const kind of databases) {
  describe(`an upstream that is away for an hour, on ${kind}`, () => {
    it(`${waiting} messages wait, and go out when it is back, over no more connections than the sender may have`, { timeout: 30 * minute }, async (t) => {
      const clock = createTestClock()
      const bed = await relayBedOf(t, { kind, clock })
      let isAway = true
      let most = 0
      bed.server.on.greeting = () => {
        most = Math.max(most, bed.server.sockets.size)
        return isAway ? '421 4.3.2 closing for maintenance' : undefined
      }
      const sessions = await Promise.all(Array.from({ length: 20 }, () => logIn(bed)))
      const ids = new Set<string>()
      await Promise.all(
        sessions.map(async (session) => {
          for (let i = 0; i < waiting / sessions.length; i++) ids.add(accepted(await hand(session, ['bob@example.net'], report)))
          session.close()
        }),
      )
      assert.equal(ids.size, waiting)
      const { db } = bed.world.store
      const countOf = async (status: string, attempts: number) => {
        const rows = await db.selectFrom('messages').select('id').where('status', '=', status).where('attempts', '>=', attempts).execute()
        return rows.length
      }
      const until = async (what: string, isSo: () => Promise<boolean>, step: number) => {
        for (let idle = 0, before = ''; !(await isSo());) {
          await clock.advance(step)
          await sleep(5)
          const now = `${bed.server.connections} ${bed.server.mails.length}`
          idle = now === before ? idle + 1 : 0
          before = now
          assert.ok(idle < 2000, `in vain: ${what}`)
        }
      }
      await until('each was tried', async () => (await countOf('queued', 1)) === waiting, 1000)
      assert.equal(bed.server.mails.length, 0)
      clock.jump(60 * minute)
      await until('each was tried again', async () => (await countOf('queued', 2)) === waiting, 1000)
      isAway = false
      clock.jump(60 * minute)
      await until('all are sent', async () => (await countOf('sent', 1)) === waiting, 1000)
      assert.equal(bed.server.mails.length, waiting)
      assert.equal(new Set(bed.server.mails.map((mail) => /^Message-ID: (.*)\r$/m.exec(mail.data)?.[1])).size, waiting)
      assert.ok(most <= 3, `${most} connections at once`)
      assert.equal((await bed.context.audit.verify()).ok, true)
    })
  })
}
