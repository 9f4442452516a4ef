import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { disorderOf, letter, makeMailBed, openMail, somebody, until, untilDelayed, type MailBed } from '../../test/mail-world.ts'
import { databases } from '../../test/world.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { HeldMessages } from './held-messages.ts'

for (const kind of databases) {
  const bedOf = async (t: TestContext, options: Parameters<typeof makeMailBed>[1] = {}): Promise<MailBed> => {
    const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, ...options })
    await bed.sender({ credential: await bed.password() })
    return bed
  }
  const acceptMany = async (bed: MailBed, count: number, clock?: TestClock): Promise<string[]> => {
    const ids: string[] = []
    for (let i = 0; i < count; i++) {
      ids.push((await bed.outbox.accept({ ...letter, subject: `number ${i}` }, somebody)).id)
      clock?.jump(1)
    }
    return ids
  }
  const arrived = (bed: MailBed) => bed.server.mails.map(({ data }) => Number(/^Subject: number (\d+)\r$/m.exec(data)?.[1]))

  describe(`messages for a server that is away, on ${kind}`, () => {
    it('are not tried one by one: one finds it out, and the others say why they wait', async (t) => {
      // No time goes by: a machine that takes long for thirty messages does not let the server be asked more often.
      const bed = await bedOf(t, { clock: createTestClock() })
      bed.server.on.greeting = () => '421 4.3.2 closing'
      const [first = ''] = await acceptMany(bed, 1)
      await untilDelayed(bed, first)
      const asked = bed.server.connections
      const ids = await acceptMany(bed, 30)
      const waiting = await Promise.all(ids.map((id) => untilDelayed(bed, id, 0)))
      assert.ok(bed.server.connections <= asked + 2, `${bed.server.connections} connections`)
      const untried = waiting.filter((view) => view.attempts === 0)
      assert.ok(untried.length >= 25, `${untried.length} were not tried`)
      for (const view of untried) {
        assert.equal(view.problem?.code, 'mail_unavailable')
        assert.match(view.problem?.nextStep ?? '', /as soon as the server takes mail again/)
        assert.deepEqual([view.route, view.recipients[0]?.reply], [[], null])
      }
    })

    it('go out in their order soon after it is back, without anybody doing anything', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock })
      bed.server.on.greeting = () => '421 4.3.2 closing'
      const ids = await acceptMany(bed, 160, clock)
      for (const id of ids) await untilDelayed(bed, id, 0)
      // Not as long as it takes until they come due by themselves.
      for (let minutes = 0; minutes < 10; minutes++) await clock.advance(60_000)
      assert.equal(bed.server.mails.length, 0)
      bed.server.on.greeting = () => undefined
      const back = clock.now()
      await until('all of them', async () => {
        await clock.advance(500)
        return bed.server.mails.length === ids.length
      })
      // A look a minute finds out that it is back.
      assert.ok(clock.now() - back < 10 * 60_000, `it took ${(clock.now() - back) / 1000} s`)
      assert.equal(new Set(arrived(bed)).size, ids.length)
      const disorder = disorderOf(arrived(bed))
      assert.ok(disorder < 0.2, `${Math.round(disorder * 100)} % of the pairs came the wrong way round`)
    })

    it('are called by a service that starts anew', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock })
      bed.server.on.greeting = () => '421 4.3.2 closing'
      const ids = await acceptMany(bed, 5)
      for (const id of ids) await untilDelayed(bed, id, 0)
      await bed.outbox.stop()
      bed.server.on.greeting = () => undefined
      const again = openMail(bed.world)
      t.after(() => again.outbox.stop())
      again.outbox.start()
      await until('all of them', () => bed.server.mails.length === ids.length)
    })

    it('go out at once when a person tries one again, tests the sender, or changes it', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock })
      for (const act of [
        async (id: string) => void (await bed.outbox.retry(id, somebody)),
        async () => void (await bed.senders.test('office', { to: 'anna@example.org' }, somebody)),
        async () => void (await bed.senders.change('office', { fromName: 'Anna' }, somebody)),
      ]) {
        bed.server.mails.length = 0
        bed.server.on.greeting = () => '421 4.3.2 closing'
        // Connections that are open from before would still take mail.
        for (const socket of bed.server.sockets) socket.destroy()
        await pause(50)
        const ids = await acceptMany(bed, 6)
        for (const id of ids) await untilDelayed(bed, id, 0)
        bed.server.on.greeting = () => undefined
        await act(ids[3]!)
        const began = clock.now()
        await until('all of them', async () => {
          // One that was under way at that moment may have closed the way once more.
          await clock.advance(100)
          return ids.every((_, number) => arrived(bed).includes(number))
        })
        assert.ok(clock.now() - began < 20_000, `it took ${clock.now() - began} ms`)
      }
    })

    it('are called although the first of them was taken by the hand of a person at that moment', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock, start: false })
      const [first = '', second = ''] = (await acceptMany(bed, 3, clock)).toSorted()
      const { db } = bed.world.store
      const { id: sender } = await bed.senders.get('office')
      await db.updateTable('messages').set({ held: 1 }).execute()
      const held = new HeldMessages(bed.context, () => undefined)
      held.note(sender, { kind: 'unavailable', code: 'mail_unavailable', about: 'account', message: 'closed', reply: null, closedFor: 0 })
      let calling: Promise<number> | undefined
      await db.transaction().execute(async (trx) => {
        await trx.updateTable('messages').set({ held: 0 }).where('id', '=', first).execute()
        calling = held.call()
        // It waits for what this transaction does with the first.
        await pause(50)
      })
      await calling
      await clock.advance(1000)
      await held.call()
      const rows = await db.selectFrom('messages').select(['id', 'held']).orderBy('id').execute()
      assert.equal(rows.find((row) => row.id === second)?.held, 2, JSON.stringify(rows))
    })

    it('fail when they have waited too long, and one that is cancelled is not called', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock, mail: { maxAge: 20 * 60_000 } })
      bed.server.on.greeting = () => '421 4.3.2 closing'
      const ids = await acceptMany(bed, 4)
      for (const id of ids) await untilDelayed(bed, id, 0)
      assert.equal((await bed.outbox.cancel(ids[3]!, somebody)).status, 'cancelled')
      const failed = await until('the others have failed', async () => {
        await clock.advance(10_000)
        const views = await Promise.all(ids.slice(0, 3).map((id) => bed.outbox.get(id)))
        return views.every((view) => view.status === 'failed') ? views : undefined
      })
      assert.ok(failed.every((view) => view.problem?.code === 'mail_unavailable'))
      bed.server.on.greeting = () => undefined
      for (let i = 0; i < 20; i++) await clock.advance(60_000)
      assert.equal(bed.server.mails.length, 0)
    })
  })

  describe(`a login that is refused, on ${kind}`, () => {
    it('is not tried with every message that waits, and all go out when the password is right', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, { clock })
      bed.server.on.login = () => '535 5.7.8 wrong'
      const ids = await acceptMany(bed, 25)
      for (const id of ids) {
        const view = await untilDelayed(bed, id, 0)
        assert.equal(view.problem?.code, 'mail_auth_refused')
      }
      for (let minutes = 0; minutes < 30; minutes++) await clock.advance(60_000)
      assert.ok(bed.server.logins.length <= 40, `${bed.server.logins.length} logins in half an hour`)
      bed.server.on.login = () => undefined
      await bed.world.credentials.change('old-mail', { description: 'corrected' }, somebody)
      await until('all of them', () => bed.server.mails.length === ids.length)
    })
  })
}
