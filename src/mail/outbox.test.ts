import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { gate } from '../../test/gate.ts'
import { holdMessages, letter, makeMailBed, openMail, somebody, until, untilDelayed, untilStatus, type MailBed } from '../../test/mail-world.ts'
import { databases } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'

for (const kind of databases) {
  const bedOf = async (t: TestContext, options: Parameters<typeof makeMailBed>[1] = {}): Promise<MailBed> => {
    const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, ...options })
    await bed.sender({ credential: await bed.password() })
    return bed
  }

  describe(`the outbox on ${kind}`, () => {
    it('a result that cannot be written down at once is written later, and the message is not sent a second time', async (t) => {
      const bed = await bedOf(t)
      const { db } = bed.world.store
      const accepted = gate()
      const taken = gate()
      bed.server.on.message = async () => {
        // It may be sent before whoever handed it in has read what became of it.
        await accepted.opened
        await db.schema.alterTable('messages').renameTo('messages_away').execute()
        taken.open()
        return undefined
      }
      const { id } = await bed.outbox.accept(letter, somebody)
      accepted.open()
      await taken.opened
      await until('the failure is in the log', () => bed.world.log.some((line) => line.includes('message.not_settled')))
      await db.schema.alterTable('messages_away').renameTo('messages').execute()
      assert.equal((await untilStatus(bed, id, 'sent')).attempts, 1)
      assert.equal(bed.server.mails.length, 1)
    })

    it('a request with an Idempotency-Key makes one message, however often it comes, at one time or days later', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock, start: false })
      const { db } = bed.world.store
      const submission = { id: 'digest of the key', request: 'digest of the request' }
      const second = openMail(bed.world)
      t.after(() => second.outbox.stop())
      const all = await Promise.all([bed, second, bed, second].map((mail) => mail.outbox.accept({ ...letter, submission }, somebody)))
      assert.equal(new Set(all.map((view) => view.id)).size, 1)
      clock.jump(3 * 86_400_000)
      assert.equal((await bed.outbox.accept({ ...letter, submission }, somebody)).id, all[0]!.id)
      assert.equal((await bed.outbox.submitted(submission))?.id, all[0]!.id)
      assert.equal((await db.selectFrom('messages').select('id').execute()).length, 1)
      assert.equal((await db.selectFrom('audit').select('seq').where('action', '=', 'message.accepted').execute()).length, 1)
      assert.equal((await db.selectFrom('data_keys').select('owner').where('owner', 'like', 'msg_%').execute()).length, 1)
      await assert.rejects(bed.outbox.accept({ ...letter, submission: { ...submission, request: 'another' } }, somebody), (error) =>
        isProblem(error, 'idempotency_conflict'),
      )
      assert.equal(await bed.outbox.submitted({ ...submission, id: 'of another caller' }), null)
    })

    it('a message whose content is damaged fails for good, says so, and holds up nothing else', async (t) => {
      const bed = await bedOf(t, { start: false })
      const { db } = bed.world.store
      const damaged = await bed.outbox.accept(letter, somebody)
      const other = await bed.outbox.accept(letter, somebody)
      const { content } = await db.selectFrom('messages').select('content').where('id', '=', other.id).executeTakeFirstOrThrow()
      await db.updateTable('messages').set({ content }).where('id', '=', damaged.id).execute()
      bed.outbox.start()
      await untilStatus(bed, other.id, 'sent')
      const failed = await untilStatus(bed, damaged.id, 'failed')
      assert.equal(failed.problem?.code, 'decrypt_failed')
      assert.match(failed.problem?.nextStep ?? '', /Send it again/)
      assert.equal(bed.server.mails.length, 1)
    })

    it('a message that another node has taken over forgets nobody who has it already', async (t) => {
      const bed = await bedOf(t)
      const { db } = bed.world.store
      const { begun, open } = holdMessages(bed)
      const { id } = await bed.outbox.accept({ ...letter, to: ['bob@example.net', 'carl@example.net'] }, somebody)
      await begun
      await db
        .updateTable('messages')
        .set({ lease: 'lease_of_another', lease_until: Date.now() + 60_000 })
        .execute()
      open()
      await until('the recipients are remembered', async () => (await bed.outbox.get(id)).recipients.every((one) => one.state === 'sent'))
      assert.equal((await bed.outbox.get(id)).status, 'sending', 'the other node decides what becomes of it')
    })

    it('a lease that ran out while the message is still being sent here does not send it twice', async (t) => {
      const bed = await bedOf(t)
      const { db } = bed.world.store
      const { begun, open } = holdMessages(bed)
      const { id } = await bed.outbox.accept(letter, somebody)
      await begun
      await db.updateTable('messages').set({ lease_until: 1 }).execute()
      await until('it was claimed again', async () => {
        const row = await db.selectFrom('messages').select('lease_until').executeTakeFirstOrThrow()
        return (row.lease_until ?? 0) > 1
      })
      await pause(150)
      assert.equal(bed.server.logins.length, 1)
      open()
      await untilStatus(bed, id, 'sent')
      assert.equal(bed.server.mails.length, 1)
    })

    it('a retry reads and changes in one step, so that whoever has the message does not get it again', async (t) => {
      const bed = await bedOf(t, { mail: { changeWait: 200 } })
      bed.server.on.rcpt = (to) => (to === 'carl@example.net' ? '550 5.1.1 no such user' : undefined)
      const { id } = await bed.outbox.accept({ ...letter, to: ['bob@example.net', 'carl@example.net'] }, somebody)
      await untilStatus(bed, id, 'failed')
      bed.server.on.rcpt = undefined
      const { begun, open } = holdMessages(bed)
      const answers = await Promise.allSettled([bed.outbox.retry(id, somebody), bed.outbox.retry(id, somebody)])
      assert.ok(answers.some((answer) => answer.status === 'fulfilled'))
      await begun
      for (const change of ['retry', 'cancel'] as const) {
        await assert.rejects(bed.outbox[change](id, somebody), (error) => isProblem(error, 'message_not_cancellable') && /this moment/.test(error.message))
      }
      open()
      await untilStatus(bed, id, 'sent')
      assert.deepEqual(
        bed.server.mails.map((mail) => mail.to),
        [['bob@example.net'], ['carl@example.net']],
      )
      await assert.rejects(bed.outbox.retry(id, somebody), (error) => isProblem(error, 'message_not_cancellable'))
    })

    it('a message that is being tried is cancelled as soon as it is known that it was not taken', async (t) => {
      const bed = await bedOf(t, { mail: { changeWait: 10_000 } })
      const { begun, open } = holdMessages(bed, '451 4.3.0 not now')
      const { id } = await bed.outbox.accept(letter, somebody)
      await begun
      const cancelled = bed.outbox.cancel(id, somebody)
      assert.equal(await Promise.race([cancelled.then(() => 'cancelled'), pause(300).then(() => 'waiting')]), 'waiting')
      open()
      assert.equal((await cancelled).status, 'cancelled')
      await bed.outbox.stop()
      assert.equal((await bed.outbox.get(id)).status, 'cancelled')
    })

    it('a message that is taken while somebody cancels it says that it was sent', async (t) => {
      const bed = await bedOf(t, { mail: { changeWait: 10_000 } })
      const { begun, open } = holdMessages(bed)
      const { id } = await bed.outbox.accept(letter, somebody)
      await begun
      const cancelled = assert.rejects(
        bed.outbox.cancel(id, somebody),
        (error) => isProblem(error, 'message_not_cancellable') && /sent already/.test(error.message),
      )
      open()
      await cancelled
    })

    it('a message that is cancelled is never sent, and its content is gone', async (t) => {
      const bed = await bedOf(t, { start: false })
      const { db } = bed.world.store
      const { id } = await bed.outbox.accept(letter, somebody)
      assert.equal((await bed.outbox.cancel(id, somebody)).status, 'cancelled')
      assert.equal((await db.selectFrom('data_keys').select('owner').where('owner', '=', id).execute()).length, 0)
      bed.outbox.start()
      const { id: next } = await bed.outbox.accept(letter, somebody)
      await untilStatus(bed, next, 'sent')
      assert.equal(bed.server.mails.length, 1)
    })

    it('a message that could not be sent for too long fails and stays visible, with the last reason', async (t) => {
      const bed = await bedOf(t, { mail: { maxAge: 1 } })
      bed.server.on.mail = () => '451 4.3.0 later'
      const failed = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'failed')
      assert.equal(failed.problem?.code, 'mail_refused')
      assert.match(failed.problem?.reply ?? '', /451/)
      assert.equal(failed.recipients[0]?.state, 'waiting')
    })

    it('a message that waits for its credential goes out when the credential works again', async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['XOAUTH2'] } })
      const credential = await bed.token()
      await bed.sender({ credential })
      bed.fake.answer = () => ({ status: 503, headers: { 'retry-after': '600' }, body: '' })
      const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
      assert.equal(waits.problem?.code, 'provider_unavailable')
      assert.ok((waits.nextAttemptAt ?? 0) > Date.now() + 300_000, 'not before the provider wants to be asked')
      bed.fake.answer = () => ({ body: { access_token: 'at-1', token_type: 'Bearer', expires_in: 3600 } })
      await bed.world.credentials.refresh(credential, somebody)
      await untilStatus(bed, waits.id, 'sent')
    })

    it('a message waits while a person must act, and says where', async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['XOAUTH2'] } })
      const credential = await bed.token()
      await bed.sender({ credential })
      bed.fake.answer = () => ({ status: 400, body: { error: 'invalid_grant' } })
      const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
      assert.equal(waits.problem?.code, 'needs_consent')
      assert.match(waits.problem?.nextStep ?? '', /keybearer connect work-mail/)
    })

    it('the pause between tries grows, whatever the wall clock says', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock })
      bed.server.on.mail = () => '451 4.3.0 later'
      const { id } = await bed.outbox.accept(letter, somebody)
      const pauses: number[] = []
      for (let attempt = 1; attempt <= 4; attempt++) {
        const view = await until(`attempt ${attempt}`, async () => {
          await clock.advance(500)
          const now = await bed.outbox.get(id)
          return now.status === 'queued' && now.attempts === attempt ? now : undefined
        })
        pauses.push(view.nextAttemptAt! - clock.now())
        await clock.advance(pauses.at(-1)! - 400)
      }
      for (const [i, most] of [30_000, 60_000, 120_000, 240_000].entries()) assert.ok(pauses[i]! > most / 2 - 2_000 && pauses[i]! <= most, pauses.join())
    })

    // The embedded database lets one process in.
    const isShared = kind === 'postgres'
    if (isShared)
      it('two nodes share the work, and every message goes out once', async (t) => {
        const bed = await bedOf(t)
        const second = openMail(bed.world)
        second.outbox.start()
        t.after(() => second.outbox.stop())
        const ids = await Promise.all(Array.from({ length: 30 }, async () => (await bed.outbox.accept(letter, somebody)).id))
        for (const id of ids) await untilStatus(bed, id, 'sent', 30)
        assert.equal(bed.server.mails.length, 30)
      })
  })
}
