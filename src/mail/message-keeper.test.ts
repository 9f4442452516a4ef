import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { makeMailBed } from '../../test/mail-world.ts'
import { databases, tester } from '../../test/world.ts'
import { MessageKeeper } from './message-keeper.ts'

for (const kind of databases) {
  describe(`messages that come together, on ${kind}`, () => {
    it('share a commit, and wait a moment for as many as came together before; each is kept once', async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, start: false })
      const sender = await bed.sender({ credential: await bed.password() })
      const counts: number[] = []
      const keeper = new MessageKeeper(bed.context, (events) => counts.push(events.length))
      const keep = (n: number) =>
        keeper.keep(
          {
            sender,
            mime: Buffer.from(`Subject: number ${n}\r\n\r\nx\r\n`),
            messageId: `<${n}@example.org>`,
            subject: `number ${n}`,
            envelopeFrom: 'anna@example.org',
            recipients: ['bob@example.org'],
            by: 'relay',
          },
          tester,
        )
      const ids: string[] = []
      // One comes first, the others two turns of the event loop later: how long those take is up to the machine.
      for (let round = 0; round < 40; round++) {
        const first = keep(round * 5)
        await turn()
        await turn()
        ids.push(...(await Promise.all([first, ...[1, 2, 3, 4].map((n) => keep(round * 5 + n))])))
      }
      assert.equal(new Set(ids).size, 200)
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        200,
      )
      assert.ok(counts.includes(5), `all five never shared a commit: ${counts.join(' ')}`)
      const rows = await bed.world.store.db.selectFrom('messages').select(['id', 'subject']).execute()
      assert.equal(new Set(rows.map((row) => row.subject)).size, 200)
      assert.deepEqual(await bed.context.audit.verify().then(({ ok }) => ok), true)
    })
  })
}
