import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { makeMailBed, openMail, somebody, until } from '../../test/mail-world.ts'
import { makeNoticeNode } from '../../test/notice-world.ts'
import { startWebhookReceiver } from '../../test/webhook-receiver.ts'
import { databases } from '../../test/world.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { Secret } from '../base/secret.ts'
import { AuditAlarm } from './audit-alarm.ts'

for (const kind of databases) {
  const bedOf = async (t: TestContext) => {
    const clock = createTestClock()
    const bed = await makeMailBed(t, { kind, clock, start: false })
    const receiver = await startWebhookReceiver()
    t.after(() => receiver.close())
    await bed.sender({ mechanism: 'none' })
    await bed.options.set({ defaultSender: 'office', fallbacks: [], notify: { to: ['ops@example.org'], events: ['audit.blocked'] } }, somebody)
    const { secret } = await bed.webhooks.create({ name: 'pager', url: new Secret(`${receiver.url}/`), events: ['audit.blocked'] }, somebody)
    receiver.secrets.push(secret.reveal())
    const node = makeNoticeNode(bed)
    await node.notices.look()
    const alarmOf = async () => {
      const alarm = new AuditAlarm(bed.context, { deliveries: bed.deliveries, command: null, publicUrl: 'https://keys.example.org' })
      await alarm.learn()
      t.after(() => alarm.stop())
      return alarm
    }
    const say = (type: 'audit.blocked' | 'audit.unblocked' | 'events.missed') =>
      bed.context.bus.publish({ seq: 0, at: clock.now(), type, subject: null, data: {} })
    return { ...bed, clock, receiver, node, alarmOf, say }
  }
  const passing = async (clock: TestClock, what: string, look: () => boolean | Promise<boolean>) =>
    await until(what, async () => {
      if (await look()) return true
      await clock.advance(1000)
      return undefined
    })

  describe(`an audit trail that cannot be written, on ${kind}`, () => {
    it('is told to programs while it is so, with one id from every node, and by mail when it is over', async (t) => {
      const bed = await bedOf(t)
      const nodes = [await bed.alarmOf(), await bed.alarmOf()]
      bed.receiver.answer = (_hook, count) => ({ status: count <= 2 ? 500 : 200 })
      bed.say('audit.blocked')
      await passing(bed.clock, 'both nodes have told', () => bed.receiver.seen.length >= 4)
      assert.equal(new Set(bed.receiver.seen.map((one) => one.id)).size, 1, 'a receiver can see that it is one matter')
      assert.match(bed.receiver.seen[0]!.json.data.notices[0]!.message!, /cannot be written since 2026-11-24 12:00 UTC/)
      await bed.node.notices.look()
      assert.equal((await bed.outbox.list({})).items.length, 0)
      await bed.clock.advance(60_000)
      assert.equal(bed.receiver.seen.length, 4, 'who knows it is not told again')
      bed.say('audit.unblocked')
      const remembered = async () => (await bed.context.db.selectFrom('events').select('seq').where('type', '=', 'audit.unblocked').execute()).length
      await passing(bed.clock, 'it is remembered', async () => (await remembered()) > 0)
      for (const alarm of nodes) await alarm.stop()
      assert.equal(await remembered(), 1, 'by whichever node')
      await bed.node.notices.look()
      await bed.node.notices.look()
      const { items } = await bed.outbox.list({})
      assert.deepEqual(
        items.map((item) => item.subject),
        ['Keybearer: the audit trail could not be written'],
      )
    })

    it("for a moment only is nobody's business", async (t) => {
      const bed = await bedOf(t)
      const alarm = await bed.alarmOf()
      bed.say('audit.blocked')
      await bed.clock.advance(5000)
      bed.say('audit.unblocked')
      await bed.clock.advance(60_000)
      await alarm.stop()
      assert.equal(bed.receiver.seen.length, 0)
      assert.equal((await bed.context.db.selectFrom('events').select('seq').where('type', '=', 'audit.unblocked').execute()).length, 0)
    })

    it('is told to nobody who wants no more of it, also when nothing was heard of that', async (t) => {
      const bed = await bedOf(t)
      await bed.alarmOf()
      // As another node does it, while this one hears of nothing.
      await bed.context.db.updateTable('webhooks').set({ enabled: 0 }).execute()
      bed.say('events.missed')
      await pause(200)
      bed.say('audit.blocked')
      for (let i = 0; i < 20; i++) await bed.clock.advance(1000)
      assert.equal(bed.receiver.seen.length, 0)
    })

    it('is told although the database does not answer any more', async (t) => {
      const bed = await bedOf(t)
      const broken = openMail({ ...bed.world, context: { ...bed.world.context } })
      const deaf = new Proxy(bed.context.db, {
        get() {
          throw new Error('the database is away')
        },
      })
      const alarm = new AuditAlarm(bed.context, { deliveries: bed.deliveries, command: null, publicUrl: 'https://keys.example.org' })
      await alarm.learn()
      bed.context.db = deaf
      t.after(async () => {
        await alarm.stop()
        await broken.close()
      })
      bed.say('audit.blocked')
      await passing(bed.clock, 'it is told', () => bed.receiver.seen.length === 1)
    })
  })
}
