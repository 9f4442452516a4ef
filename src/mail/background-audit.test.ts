import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { letter, makeMailBed, somebody, until, untilStatus } from '../../test/mail-world.ts'
import { databases } from '../../test/world.ts'

for (const kind of databases)
  describe(`what the service does by itself, on ${kind}`, () => {
    it('A7: is in the audit trail: a renewal that was planned, one that was refused, and the token of each mail', async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['XOAUTH2'] } })
      const { world, fake } = bed
      const { db } = world.store
      const records = async (action: string, subject: string) =>
        (
          await db
            .selectFrom('audit')
            .select(['outcome', 'reason', 'actor', 'detail'])
            .where('action', '=', action)
            .where('subject', '=', subject)
            .orderBy('seq')
            .execute()
        ).map((row) => ({ ...row, detail: JSON.parse(String(row.detail)) as Record<string, unknown> }))
      const planned = await bed.token('planned')
      world.schedule.start()
      await until('it is renewed', async () => {
        await db.updateTable('credentials').set({ refresh_due_at: 1 }).where('id', '=', planned).where('refresh_due_at', 'is not', null).execute()
        return fake.seen.length > 0 && (await records('credential.refreshed', planned)).length > 0
      })
      const [renewed] = await records('credential.refreshed', planned)
      assert.deepEqual([renewed?.outcome, renewed?.actor], ['done', 'service'])

      fake.answer = () => ({ status: 400, body: { error: 'invalid_grant' } })
      const refused = await bed.token('refused')
      await db.updateTable('credentials').set({ refresh_due_at: 1 }).where('id', '=', refused).execute()
      await until('the refusal is recorded', async () => (await records('credential.refreshed', refused)).length > 0)
      const [no] = await records('credential.refreshed', refused)
      assert.deepEqual([no?.outcome, no?.actor, no?.reason], ['refused', 'service', 'refused_by_provider'])

      fake.answer = () => ({ body: { access_token: 'at-mail', token_type: 'Bearer', expires_in: 3600 } })
      const mail = await bed.token('mail')
      const sender = await bed.sender({ credential: mail })
      const { id } = await bed.outbox.accept({ ...letter, sender: sender.id }, somebody)
      await untilStatus(bed, id, 'sent')
      assert.equal(bed.server.logins.length, 1)
      const handed = await records('token.handed_out', mail)
      assert.deepEqual(
        handed.map((row) => [row.outcome, row.actor, row.detail.purpose]),
        [['done', somebody.id, 'mail']],
        'one for the one login, in the name of whoever gave the message',
      )
      assert.equal((await records('message.sent', id)).length, 1)
      assert.equal((await world.context.audit.verify()).ok, true)
    })
  })
