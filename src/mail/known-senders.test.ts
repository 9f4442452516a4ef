import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeMailBed } from '../../test/mail-world.ts'
import { databases, tester } from '../../test/world.ts'
import { KnownSenders } from './known-senders.ts'

for (const kind of databases) {
  describe(`the senders that are remembered, on ${kind}`, () => {
    it('are read once, and anew when one of them or its credential was changed', async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, start: false })
      await bed.sender({ credential: await bed.password() })
      const known = new KnownSenders(bed.context)
      const names = async () => (await known.list()).map((sender) => `${sender.name} ${sender.credential?.name} ${sender.isDefault}`)
      assert.deepEqual(await names(), ['office old-mail true'])
      assert.equal(await known.list(), await known.list())
      await bed.senders.change('office', { name: 'front desk' }, tester)
      assert.deepEqual(await names(), ['front desk old-mail true'])
      await bed.world.credentials.change('old-mail', { name: 'mailbox' }, tester)
      assert.deepEqual(await names(), ['front desk mailbox true'])
      await bed.sender({ name: 'second', credential: 'mailbox' })
      await bed.options.set({ defaultSender: 'second', fallbacks: [], notify: { to: [], events: [] } }, tester)
      assert.deepEqual(await names(), ['front desk mailbox false', 'second mailbox true'])
      await bed.senders.delete('second', tester)
      assert.deepEqual((await known.list()).length, 1)
    })

    it('are read anew as long as it is not known what other nodes changed, and when one changes while they are read', async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, start: false })
      await bed.sender({ credential: await bed.password() })
      let isFresh = false
      const known = new KnownSenders({ ...bed.context, isFresh: () => isFresh })
      await known.list()
      // As another node does it, of which nothing was heard yet.
      await bed.world.store.db.updateTable('senders').set({ from_name: 'Anna' }).execute()
      assert.equal((await known.list())[0]?.fromName, 'Anna')
      isFresh = true
      const change = () => bed.context.bus.publish({ seq: 0, at: 0, type: 'sender.changed', subject: null, data: {} })
      change()
      const reading = known.list()
      change()
      const read = await reading
      assert.notEqual(await known.list(), read)
      await bed.world.store.db.updateTable('senders').set({ from_name: 'Berta' }).execute()
      bed.context.bus.publish({ seq: 0, at: 0, type: 'events.missed', subject: null, data: {} })
      assert.equal((await known.list())[0]?.fromName, 'Berta')
    })
  })
}
