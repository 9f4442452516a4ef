import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { simpleParser } from 'mailparser'
import { letter, makeMailBed, somebody, until, untilStatus, type MailBed } from '../../test/mail-world.ts'
import { makeNoticeNode, noticeUrl, type FakeBackups, type NoticeNode } from '../../test/notice-world.ts'
import { databases } from '../../test/world.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { updateCredential } from '../storage/credentials.ts'
import { appendEvents } from '../storage/events.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Notify } from './mail-options.ts'
import { noticeEvents } from '../base/notice-events.ts'

const hour = 3_600_000
const day = 24 * hour

type Mail = { subject: string; text: string }
type Bed = MailBed & {
  clock: TestClock
  node: NoticeNode
  backups: FakeBackups
  notify: (part: Partial<Notify>) => Promise<void>
  mails: () => Promise<Mail[]>
}

for (const kind of databases) {
  const bedOf = async (t: TestContext): Promise<Bed> => {
    // 12:00 UTC, 13:00 in Berlin.
    const clock = createTestClock()
    const bed = await makeMailBed(t, { kind, clock, server: { mechanisms: ['PLAIN', 'XOAUTH2'] } })
    await bed.sender({ credential: await bed.password() })
    const backups: FakeBackups = { isOld: false, lastAt: null }
    const node = makeNoticeNode(bed, { backups })
    const notify = async (part: Partial<Notify>) => {
      const all = { to: ['ops@example.org'], events: [...noticeEvents], ...part }
      await bed.options.set({ defaultSender: 'office', fallbacks: [], notify: all }, somebody)
    }
    await notify({})
    await node.notices.look()
    return {
      ...bed,
      clock,
      node,
      backups,
      notify,
      async mails() {
        await until('the outbox is empty', async () => (await bed.outbox.waiting()) === 0)
        const parsed = await Promise.all(bed.server.mails.map(async (mail) => await simpleParser(mail.data)))
        return parsed.filter((mail) => mail.subject?.startsWith('Keybearer:')).map(({ subject, text }) => ({ subject: subject!, text: text ?? '' }))
      },
    }
  }
  const granted = { body: { access_token: 'at', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt' } }
  const breakOne = async (bed: Bed, name: string) => {
    bed.fake.answer = () => granted
    const id = await bed.token(name)
    await bed.world.credentials.refresh(id, somebody)
    bed.fake.answer = () => ({ status: 400, body: { error: 'invalid_grant' } })
    await assert.rejects(bed.world.credentials.refresh(id, somebody))
    return id
  }
  const repair = async (bed: Bed, id: string) => {
    bed.fake.answer = () => granted
    await updateCredential(bed.context.db, id, { status: 'retrying', status_reason: null })
    await bed.world.credentials.refresh(id, somebody)
  }
  const refuseEverybody = (bed: Bed) => {
    bed.server.on.rcpt = () => '550 5.1.1 Nobody of this name, see https://evil.example/x'
  }

  describe(`what notices tell, on ${kind}`, () => {
    it('a message that failed for good, once, without a word of what its author wrote', async (t) => {
      const bed = await bedOf(t)
      refuseEverybody(bed)
      const { id } = await bed.outbox.accept({ ...letter, subject: 'CANARY-subject', text: 'CANARY-text' }, somebody)
      await untilStatus(bed, id, 'failed')
      bed.server.on = {}
      await bed.node.notices.look()
      await bed.node.notices.look()
      const [mail, ...more] = await bed.mails()
      assert.deepEqual([mail?.subject, more.length], ['Keybearer: a message could not be sent', 0])
      assert.match(mail!.text, new RegExp(`Could not be sent.*:\n\n- ${id}, through "office", to 1 of 1 recipients`))
      assert.ok(mail!.text.includes(`${noticeUrl}/outbox?message=${id}`))
      assert.doesNotMatch(mail!.text, /CANARY|bob@|evil/)
    })

    it('a message that was sent after all by then is not told', async (t) => {
      const bed = await bedOf(t)
      refuseEverybody(bed)
      const { id } = await bed.outbox.accept(letter, somebody)
      await untilStatus(bed, id, 'failed')
      bed.server.on = {}
      await bed.outbox.retry(id, somebody)
      await untilStatus(bed, id, 'sent')
      await bed.node.notices.look()
      assert.deepEqual(await bed.mails(), [])
    })

    it('a notice that could not be sent makes no further mail, or there would be no end', async (t) => {
      const bed = await bedOf(t)
      refuseEverybody(bed)
      await breakOne(bed, 'work-mail')
      for (let round = 0; round < 4; round++) {
        await bed.node.notices.look()
        await until('the outbox is empty', async () => (await bed.outbox.waiting()) === 0)
      }
      const { items } = await bed.outbox.list({})
      assert.deepEqual(
        items.map((item) => [item.status, item.createdBy]),
        [['failed', 'notices']],
      )
    })

    it('an old backup, once, and again once a day until there is a new one', async (t) => {
      const bed = await bedOf(t)
      bed.backups.isOld = true
      bed.backups.lastAt = bed.clock.now() - 8 * day
      await bed.node.notices.look()
      await bed.node.notices.look()
      assert.deepEqual(
        (await bed.mails()).map((mail) => mail.subject),
        ['Keybearer: the last backup is old'],
      )
      bed.clock.jump(day + 1000)
      await bed.node.notices.look()
      await bed.node.notices.look()
      const reminded = await bed.mails()
      assert.equal(reminded.length, 2)
      assert.match(reminded[1]!.text, /The last backup is still old:\n\n- Backup\n {2}The last backup is of 2026-11-16 12:00 UTC\./)
      bed.backups.isOld = false
      bed.clock.jump(2 * day)
      await bed.node.notices.look()
      bed.backups.isOld = true
      await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 3, 'a new matter is told anew')
    })

    it('that the audit trail could not be written, when it can be again', async (t) => {
      const bed = await bedOf(t)
      const since = new Date(bed.clock.now() - hour).toISOString()
      await inTransaction(bed.context.db, (trx) => appendEvents(trx, bed.clock, [{ type: 'audit.unblocked', subject: null, data: { since } }]))
      await bed.node.notices.look()
      const [mail] = await bed.mails()
      assert.equal(mail?.subject, 'Keybearer: the audit trail could not be written')
      assert.match(mail.text, /From 2026-11-24 11:00 UTC to 2026-11-24 12:00 UTC the audit trail could not be written/)
    })

    it('what nobody asked to be reminded of is told once and never again', async (t) => {
      const bed = await bedOf(t)
      await bed.notify({ reminders: false })
      await breakOne(bed, 'work-mail')
      bed.backups.isOld = true
      await bed.node.notices.look()
      for (let n = 0; n < 5; n++) {
        bed.clock.jump(day + 1000)
        await bed.node.notices.look()
      }
      assert.equal((await bed.mails()).length, 1)
    })
  })

  describe(`one mail a day, on ${kind}`, () => {
    const daily = { hour: 7, timeZone: 'Europe/Berlin' }

    it('has everything of the day that is still so, at its hour and not before', async (t) => {
      const bed = await bedOf(t)
      await bed.notify({ daily })
      await breakOne(bed, 'broken')
      const passing = await breakOne(bed, 'passing')
      await bed.node.notices.look()
      await repair(bed, passing)
      bed.backups.isOld = true
      await bed.node.notices.look()
      // 06:59 in Berlin.
      bed.clock.jump(18 * hour - 60_000)
      await bed.node.notices.look()
      assert.deepEqual(await bed.mails(), [])
      bed.clock.jump(60_000 + 1000)
      await bed.node.notices.look()
      await bed.node.notices.look()
      const [mail, ...more] = await bed.mails()
      assert.equal(more.length, 0)
      assert.equal(mail?.subject, 'Keybearer: 2 things need a person')
      assert.match(mail.text, /- broken /)
      assert.match(mail.text, /- Backup/)
      assert.doesNotMatch(mail.text, /passing/, 'it broke and was put right meanwhile: nobody need know')
      bed.clock.jump(day)
      await bed.node.notices.look()
      await bed.node.notices.look()
      const all = await bed.mails()
      assert.equal(all.length, 2)
      assert.match(all[1]!.text, /Still not working:\n\n- broken/)
    })

    it('comes after a stop over its hour, once', async (t) => {
      const bed = await bedOf(t)
      await bed.notify({ daily })
      await breakOne(bed, 'broken')
      await bed.node.notices.look()
      bed.clock.jump(30 * hour)
      await bed.node.notices.look()
      await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 1)
    })

    it('and a clock that jumps, there and back, makes no flood and loses nothing', async (t) => {
      const bed = await bedOf(t)
      await bed.notify({ daily })
      await breakOne(bed, 'broken')
      await bed.node.notices.look()
      bed.clock.jump(400 * day)
      for (let n = 0; n < 3; n++) await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 1)
      bed.clock.jump(-400 * day)
      for (let n = 0; n < 3; n++) await bed.node.notices.look()
      await breakOne(bed, 'another')
      for (let n = 0; n < 3; n++) await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 1)
      bed.clock.jump(day)
      for (let n = 0; n < 3; n++) await bed.node.notices.look()
      const all = await bed.mails()
      assert.equal(all.length, 2)
      assert.match(all[1]!.text, /- another/)
    })

    it('and mails at once bear a jump of the clock, too', async (t) => {
      const bed = await bedOf(t)
      await breakOne(bed, 'broken')
      await bed.node.notices.look()
      bed.clock.jump(400 * day)
      for (let n = 0; n < 3; n++) await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 2, 'one reminder, not four hundred')
      bed.clock.jump(-400 * day)
      for (let n = 0; n < 3; n++) await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 2)
      bed.clock.jump(day + 1000)
      for (let n = 0; n < 3; n++) await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 3, 'the next day is reminded of')
    })
  })

  describe(`a credential that nobody wants to hear of until a day, on ${kind}`, () => {
    it('is left out of notices and reminders, and told of once the day has come if it is still so', async (t) => {
      const bed = await bedOf(t)
      const id = await breakOne(bed, 'work-mail')
      await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 1)
      const view = await bed.world.credentials.snooze('work-mail', bed.clock.now() + 3 * day, somebody)
      assert.equal(view.snoozedUntil, bed.clock.now() + 3 * day)
      const [record] = (await bed.context.audit.list({ action: 'credential.snoozed' })).items
      assert.deepEqual([record?.subject?.id, record?.detail.until, record?.actor.name], [id, '2026-11-27T12:00:00.000Z', 'tester'])
      for (let n = 0; n < 2; n++) {
        bed.clock.jump(day + 1000)
        await bed.node.notices.look()
      }
      assert.equal((await bed.mails()).length, 1)
      bed.clock.jump(day)
      for (let n = 0; n < 3; n++) await bed.node.notices.look()
      const all = await bed.mails()
      assert.deepEqual([all.length, all[1]?.subject], [2, 'Keybearer: "work-mail" needs a person'])
      assert.equal((await bed.world.credentials.get(id)).snoozedUntil, null)
    })

    it('stays left out when somebody wants that after it was put right, before that is noticed', async (t) => {
      const bed = await bedOf(t)
      const id = await breakOne(bed, 'work-mail')
      await bed.node.notices.look()
      await repair(bed, id)
      const { snoozedUntil } = await bed.world.credentials.snooze(id, bed.clock.now() + 30 * day, somebody)
      await bed.node.notices.look()
      assert.equal((await bed.world.credentials.get(id)).snoozedUntil, snoozedUntil)
      const before = (await bed.mails()).length
      bed.fake.answer = () => ({ status: 400, body: { error: 'invalid_grant' } })
      await assert.rejects(bed.world.credentials.refresh(id, somebody))
      await bed.node.notices.look()
      assert.equal((await bed.mails()).length, before)
    })

    it('is told of at once when it works again, and when it breaks after that', async (t) => {
      const bed = await bedOf(t)
      const id = await breakOne(bed, 'work-mail')
      await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 1)
      await bed.world.credentials.snooze(id, bed.clock.now() + 30 * day, somebody)
      await repair(bed, id)
      await bed.node.notices.look()
      assert.equal((await bed.mails()).length, 2)
      assert.equal((await bed.world.credentials.get(id)).snoozedUntil, null)
      bed.fake.answer = () => ({ status: 400, body: { error: 'invalid_grant' } })
      await assert.rejects(bed.world.credentials.refresh(id, somebody))
      await bed.node.notices.look()
      assert.deepEqual(
        (await bed.mails()).map((mail) => mail.subject),
        ['Keybearer: "work-mail" needs a person', 'Keybearer: "work-mail" works again', 'Keybearer: "work-mail" needs a person'],
      )
    })

    it('can be told of again before, and only a day within a year is a day', async (t) => {
      const bed = await bedOf(t)
      const id = await breakOne(bed, 'work-mail')
      await bed.world.credentials.snooze(id, bed.clock.now() + day, somebody)
      assert.equal((await bed.world.credentials.snooze(id, null, somebody)).snoozedUntil, null)
      for (const until of [bed.clock.now(), bed.clock.now() - 1, bed.clock.now() + 400 * day]) {
        await assert.rejects(
          bed.world.credentials.snooze(id, until, somebody),
          (error) => isProblem(error, 'invalid_request') && error.errors?.[0]?.path === 'until',
        )
      }
    })
  })

  describe(`the notice of an access key, on ${kind}`, () => {
    it('P4: says what was unusual and what to do, and holds no link that somebody else wrote', async (t) => {
      const bed = await bedOf(t)
      for (const [what, value] of [
        ['address', '198.51.100.7'],
        ['program', 'https://evil.example/x'],
      ])
        await inTransaction(bed.world.store.db, (trx) =>
          appendEvents(trx, bed.clock, [{ type: 'access_key.unusual', subject: `key_${what}`, data: { name: 'nightly', what, value } }]),
        )
      await bed.node.notices.look()
      const [mail] = await bed.mails()
      assert.match(mail!.text, /Access keys that are used as they never were:/)
      assert.match(mail!.text, /It was used from 198\.51\.100\.7, where it was never used before\.\n {2}Nothing, if you know why\. If not, revoke it/)
      assert.match(mail!.text, /It was used by \(address left out\)/)
      assert.doesNotMatch(mail!.text, /evil\.example/)
    })
  })

  describe(`the way of a notice, on ${kind}`, () => {
    it('is said when another sender than the default one is taken, because its credential does not work', async (t) => {
      const bed = await bedOf(t)
      const id = await breakOne(bed, 'dead')
      await bed.sender({ name: 'main', credential: id, mechanism: 'XOAUTH2', from: 'main@example.org' })
      await bed.options.set(
        { defaultSender: 'main', fallbacks: [{ sender: 'office', when: ['unreachable'] }], notify: { to: ['ops@example.org'], events: ['credential.broken'] } },
        somebody,
      )
      await bed.node.notices.look()
      const [mail] = await bed.mails()
      assert.match(mail!.text, /This mail went out through "office", because it could not go through "main" \(its credential "dead" needs a consent\)\./)
    })

    it('is said when the default one fails at the sending, whatever the conditions of its stand-ins are', async (t) => {
      const bed = await bedOf(t)
      bed.fake.answer = () => granted
      const alive = await bed.token('Große Post')
      await bed.world.credentials.refresh(alive, somebody)
      await bed.sender({ name: 'main', credential: alive, mechanism: 'XOAUTH2', from: 'main@example.org' })
      await bed.options.set(
        { defaultSender: 'main', fallbacks: [{ sender: 'office', when: ['unreachable'] }], notify: { to: ['ops@example.org'], events: [...noticeEvents] } },
        somebody,
      )
      // The provider has taken the consent back, and nobody here knows it yet.
      bed.server.on.login = ({ mechanism }) => (mechanism === 'XOAUTH2' ? '535 5.7.8 no' : undefined)
      bed.fake.answer = () => ({ status: 400, body: { error: 'invalid_grant' } })
      bed.backups.isOld = true
      await bed.node.notices.look()
      const [mail] = await bed.mails()
      assert.equal(mail!.subject, 'Keybearer: the last backup is old')
      assert.match(
        mail!.text,
        /This mail went out through "office" in place of "main", because its (?:credential needs a person|server refused the login or the address)\.\n?$/,
      )
      assert.equal(bed.server.mails.at(-1)!.from, 'anna@example.org')
      const { items } = await bed.outbox.list({})
      assert.equal(items[0]?.sentBy?.name, 'office')
      await assert.rejects(bed.world.credentials.refresh(alive, somebody))
      await bed.node.notices.look()
      const last = (await bed.mails()).at(-1)!
      assert.match(last.text, /- Große Post/)
      assert.match(last.text, /went out through "office", because it could not go through "main"/)
      const before = (await bed.outbox.accept(letter, somebody)).id
      assert.equal((await bed.outbox.get(before)).sentBy, null, 'mail of others keeps to the conditions')
    })
  })
}
