import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { holdMessages, letter, makeMailBed, somebody, until, untilStatus, type MailBed } from '../../test/mail-world.ts'
import { databases } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { MessageRetention } from './message-retention.ts'

const both = { ...letter, to: ['bob@example.net', 'carl@example.net'] }
const day = 86_400_000

for (const kind of databases) {
  const bedOf = async (t: TestContext, options: Parameters<typeof makeMailBed>[1] = {}): Promise<MailBed> => {
    const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, ...options })
    await bed.sender({ credential: await bed.password() })
    return bed
  }
  const what = (view: { timeline: { what: string; outcome: string | null }[] }) => view.timeline.map((entry) => entry.outcome ?? entry.what)

  describe(`what happened to a message, on ${kind}`, () => {
    it('a dead message goes through another sender to whoever does not have it yet, as one message', async (t) => {
      const bed = await bedOf(t)
      bed.server.on.rcpt = (to) => (to === 'carl@example.net' ? '550 5.7.1 not from you' : undefined)
      const first = await bed.outbox.accept(both, somebody)
      const dead = await untilStatus(bed, first.id, 'failed')
      assert.deepEqual(
        dead.recipients.map(({ address, state, reply, at }) => [address, state, reply?.slice(0, 3), typeof at]),
        [
          ['bob@example.net', 'sent', '250', 'number'],
          ['carl@example.net', 'refused', '550', 'number'],
        ],
      )
      bed.server.on.rcpt = undefined
      const other = await bed.sender({ name: 'other', credential: await bed.password('other-mail'), from: 'other@example.net', fromName: 'Other' })
      const again = await bed.outbox.resend(dead.id, other, somebody)
      assert.deepEqual([again.sender.name, again.from, again.messageId], ['other', 'other@example.net', dead.messageId])
      const sent = await untilStatus(bed, dead.id, 'sent')
      assert.deepEqual(
        bed.server.mails.map((mail) => [mail.from, mail.to]),
        [
          ['anna@example.org', ['bob@example.net']],
          ['other@example.net', ['carl@example.net']],
        ],
      )
      const { data } = bed.server.mails[1]!
      assert.match(data, /^From: Other <other@example\.net>\r$/m)
      assert.match(data, /^Reply-To: anna@example\.org\r$/m)
      assert.ok(data.includes(`Message-ID: ${dead.messageId}\r\n`))
      assert.deepEqual(what(sent), ['accepted', 'sent', 'failed', 'resent', 'sent', 'sent'])
      const resent = sent.timeline.find((entry) => entry.what === 'resent')
      assert.deepEqual([resent?.by, resent?.sender?.name], [somebody.id, 'other'])
      assert.equal(sent.timeline[0]?.by, somebody.id)
      assert.match(sent.timeline[1]?.reply ?? '', /^250/)
      const records = await bed.world.store.db.selectFrom('audit').select(['action', 'outcome']).where('subject', '=', dead.id).orderBy('seq').execute()
      assert.deepEqual(
        records.map((record) => record.action),
        ['message.accepted', 'message.failed', 'message.resent', 'message.sent'],
      )
      await assert.rejects(bed.outbox.resend(dead.id, other, somebody), (error) => isProblem(error, 'message_not_cancellable'))
      await assert.rejects(bed.outbox.resend('msg_none', other, somebody), (error) => isProblem(error, 'not_found'))
    })

    it('a message that is being sent is not sent another way at the same time', async (t) => {
      const bed = await bedOf(t, { mail: { changeWait: 200 } })
      const other = await bed.sender({ name: 'other', credential: await bed.password('other-mail') })
      const { open } = holdMessages(bed)
      const { id } = await bed.outbox.accept(letter, somebody)
      await until('it is under way', async () => (await bed.outbox.get(id)).status === 'sending' && bed.server.lines.some((line) => /^DATA/i.test(line)))
      await assert.rejects(bed.outbox.resend(id, other, somebody), (error) => isProblem(error, 'message_not_cancellable') && /this moment/.test(error.message))
      open()
      await untilStatus(bed, id, 'sent')
      assert.equal(bed.server.mails.length, 1)
    })

    it('a message whose content is damaged says so, and stays as it was', async (t) => {
      const bed = await bedOf(t, { start: false })
      const other = await bed.sender({ name: 'other', credential: await bed.password('other-mail') })
      const [one, two] = [await bed.outbox.accept(letter, somebody), await bed.outbox.accept(letter, somebody)]
      const { db } = bed.world.store
      const { content } = await db.selectFrom('messages').select('content').where('id', '=', two.id).executeTakeFirstOrThrow()
      await db.updateTable('messages').set({ content }).where('id', '=', one.id).execute()
      await assert.rejects(bed.outbox.resend(one.id, other, somebody), (error) => isProblem(error, 'decrypt_failed'))
      const view = await bed.outbox.get(one.id)
      assert.deepEqual([view.sender.name, view.timeline.length], ['office', 1])
    })

    it('tries that come to the same are one entry that says how often and until when', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock })
      bed.server.on.mail = () => '451 4.3.0 later'
      const { id } = await bed.outbox.accept(letter, somebody)
      for (let attempt = 1; attempt <= 3; attempt++) {
        await until(`attempt ${attempt}`, async () => {
          await clock.advance(500)
          const view = await bed.outbox.get(id)
          if (view.status !== 'queued' || view.attempts < attempt) return undefined
          if (attempt < 3) await clock.advance(view.nextAttemptAt! - clock.now())
          return view
        })
      }
      const waits = await bed.outbox.get(id)
      const tried = waits.timeline.filter((entry) => entry.what === 'tried')
      assert.equal(tried.length, 1)
      assert.ok(tried[0]!.times >= 3 && tried[0]!.lastAt! > tried[0]!.at, JSON.stringify(tried))
      assert.match(tried[0]!.reply ?? '', /^451 4\.3\.0/)
      await bed.outbox.retry(id, somebody)
      await bed.outbox.cancel(id, somebody).catch(() => undefined)
      const after = await until('it is cancelled', async () => {
        const view = await bed.outbox.get(id)
        if (view.status === 'cancelled') return view
        await bed.outbox.cancel(id, somebody).catch(() => undefined)
        return undefined
      })
      assert.deepEqual(
        after.timeline.filter((entry) => entry.by !== null).map((entry) => entry.what),
        ['accepted', 'retried', 'cancelled'],
      )
    })

    it('what ended long ago is deleted with its content; what waits, and what was taken up again, stays', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock, start: false, mail: { keepFor: 30 * day } })
      const { db } = bed.world.store
      const retention = new MessageRetention(bed.context)
      const [cancelled, failed, revived, waits] = await Promise.all(Array.from({ length: 4 }, () => bed.outbox.accept(letter, somebody)))
      await bed.outbox.cancel(cancelled!.id, somebody)
      for (const one of [failed!, revived!])
        await db.updateTable('messages').set({ status: 'failed', next_attempt_at: null, ended_at: clock.now() }).where('id', '=', one.id).execute()
      clock.jump(29 * day)
      assert.equal(await retention.clean(), 0)
      clock.jump(2 * day)
      await bed.outbox.retry(revived!.id, somebody)
      assert.equal(await retention.clean(), 2)
      assert.equal(await retention.clean(), 0)
      const left = await db.selectFrom('messages').select('id').execute()
      assert.deepEqual(left.map((row) => row.id).sort(), [revived!.id, waits!.id].sort())
      const keys = await db.selectFrom('data_keys').select('owner').where('owner', 'like', 'msg_%').execute()
      assert.deepEqual(keys.map((row) => row.owner).sort(), [revived!.id, waits!.id].sort())
      await assert.rejects(bed.outbox.get(failed!.id), (error) => isProblem(error, 'not_found'))
      const record = await db.selectFrom('audit').select('detail').where('action', '=', 'message.forgotten').execute()
      assert.equal(record.length, 1)
      assert.match(String(record[0]?.detail), /"messages":2/)
      assert.equal((await bed.world.context.audit.verify()).ok, true)
    })

    it('more than one batch goes at once, and the service does it by itself', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock, start: false, mail: { keepFor: day } })
      const { db } = bed.world.store
      const { id } = await bed.outbox.accept(letter, somebody)
      const row = await db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      const rows = Array.from({ length: 1200 }, (_, i) => ({ ...row, id: `${id}${i}`, status: 'sent', next_attempt_at: null, ended_at: clock.now() }))
      for (let i = 0; i < rows.length; i += 100)
        await db
          .insertInto('messages')
          .values(rows.slice(i, i + 100))
          .execute()
      clock.jump(2 * day)
      bed.server.on.mail = () => '451 later'
      bed.outbox.start()
      await until('all are gone', async () => (await db.selectFrom('messages').select('id').execute()).length === 1)
    })
  })
}
