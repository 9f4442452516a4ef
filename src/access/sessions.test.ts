import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isProblem } from '../base/problem.ts'
import { inTransaction } from '../storage/transaction.ts'
import { databases, openWorldFor } from '../../test/world.ts'
import { Sessions } from './sessions.ts'

for (const database of databases) {
  describe(`sessions on ${database}`, () => {
    it('are read anew when events were missed, so that nobody who was suspended meanwhile goes on', async (t) => {
      const { world } = await openWorldFor(t, database)
      const { db, clock, audit, bus } = world.context
      const sessions = new Sessions({ db, clock, audit, bus, isFresh: () => true, wake: async () => undefined, idle: 3_600_000, longest: 3_600_000 })
      const person = { id: 'per_1', name: 'anna', name_key: 'anna', role: 'viewer', joined_at: 1, created_by: 'x', created_at: 1 }
      await db
        .insertInto('persons')
        .values({ ...person, suspended_at: null, password: null, subject: null, last_seen_at: null })
        .execute()
      const from = { address: null, userAgent: null, replaces: null }
      const { token } = await inTransaction(db, (trx) => sessions.start(trx, person.id, 'password', from, null))
      const ask = () => sessions.authenticate(token.reveal(), null)
      assert.equal((await ask()).person?.name, 'anna')
      await db.updateTable('persons').set({ suspended_at: 1 }).execute()
      assert.equal((await ask()).person?.name, 'anna', 'remembered, because nothing was heard')
      bus.publish({ seq: 0, at: 0, type: 'events.missed', subject: null, data: {} })
      await assert.rejects(ask(), (error) => isProblem(error, 'not_signed_in'))
    })
  })
}
