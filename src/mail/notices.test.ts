import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { simpleParser } from 'mailparser'
import { makeMailBed, somebody, until, type MailBed } from '../../test/mail-world.ts'
import { makeNoticeNode, noticeUrl as publicUrl } from '../../test/notice-world.ts'
import { databases } from '../../test/world.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { updateCredential } from '../storage/credentials.ts'
import type { NoticeEvent } from '../base/notice-events.ts'
import type { Notices } from './notices.ts'

const day = 86_400_000
const everything: NoticeEvent[] = ['credential.expiring', 'credential.broken', 'credential.recovered']

type Bed = MailBed & { clock: TestClock; notices: Notices; mails: () => Promise<{ subject: string; to: string; text: string }[]> }

for (const kind of databases) {
  const bedOf = async (t: TestContext, events: NoticeEvent[] = everything): Promise<Bed> => {
    const clock = createTestClock()
    const bed = await makeMailBed(t, { kind, clock, server: { mechanisms: ['PLAIN', 'XOAUTH2'] } })
    await bed.sender({ credential: await bed.password() })
    const notices = makeNoticeNode(bed).notices
    await bed.options.set({ defaultSender: 'office', fallbacks: [], notify: { to: ['ops@example.org', 'anna@example.org'], events } }, somebody)
    await notices.look()
    return {
      ...bed,
      clock,
      notices,
      /** What the server has got once everything that was accepted is sent. */
      async mails() {
        await until('the outbox is empty', async () => (await bed.outbox.waiting()) === 0)
        return await Promise.all(
          bed.server.mails.map(async (mail) => {
            const { subject, to, text } = await simpleParser(mail.data)
            return {
              subject: subject ?? '',
              to: [to ?? []]
                .flat()
                .map((one) => one.text)
                .join(),
              text: text ?? '',
            }
          }),
        )
      },
    }
  }
  const granted = { body: { access_token: 'at', token_type: 'Bearer', expires_in: 3600, refresh_token: 'CANARY-refresh' } }
  /** Makes a credential, and has the provider refuse it. */
  const breakOne = async (bed: Bed, name: string, description = 'revoked') => {
    bed.fake.answer = () => granted
    const id = await bed.token(name)
    await bed.world.credentials.refresh(id, somebody)
    bed.fake.answer = () => ({ status: 400, body: { error: 'invalid_grant', error_description: description } })
    await assert.rejects(bed.world.credentials.refresh(id, somebody))
    assert.equal((await bed.world.credentials.get(id)).status, 'needs_consent')
    return id
  }
  const repair = async (bed: Bed, id: string) => {
    bed.fake.answer = () => granted
    await updateCredential(bed.context.db, id, { status: 'retrying', status_reason: null })
    await bed.world.credentials.refresh(id, somebody)
  }

  describe(`notices by mail on ${kind}`, () => {
    it('say once what stopped working and what to do, again once a day, and when it works again', async (t) => {
      const bed = await bedOf(t)
      const id = await breakOne(bed, 'work-mail')
      await bed.notices.look()
      await bed.notices.look()
      const [first, ...more] = await bed.mails()
      assert.deepEqual([first!.subject, first!.to, more.length], ['Keybearer: "work-mail" needs a person', 'ops@example.org, anna@example.org', 0])
      assert.match(
        first!.text,
        /- work-mail \(anna@example\.org\), needs consent since 2026-11-24 12:00 UTC\n {2}.*no longer accepts the refresh token.*\n {2}Reconnect/,
      )
      bed.clock.jump(day - 1000)
      await bed.notices.look()
      assert.equal((await bed.mails()).length, 1, 'not before a day has passed')
      bed.clock.jump(2000)
      await bed.notices.look()
      await bed.notices.look()
      const reminded = await bed.mails()
      assert.equal(reminded.length, 2)
      assert.match(reminded[1]!.text, /Still not working:\n\n- work-mail/)
      await repair(bed, id)
      await bed.notices.look()
      bed.clock.jump(2 * day)
      await bed.notices.look()
      const all = await bed.mails()
      assert.deepEqual([all.length, all[2]!.subject], [3, 'Keybearer: "work-mail" works again'])
    })

    it('P9: hold no secret, and no address that does anything by itself', async (t) => {
      const bed = await bedOf(t)
      const id = await breakOne(bed, 'work-mail', 'the token CANARY-refresh was revoked, see https://evil.example/act?code=CANARY-code or myapp://x?y=CANARY')
      await bed.notices.look()
      await bed.mails()
      const [mail] = bed.server.mails
      const text = (await simpleParser(mail!.data)).text!
      assert.doesNotMatch(mail!.data, /CANARY|evil\.example|myapp/)
      assert.deepEqual(text.match(/\w+:\/\/\S+/g), [`${publicUrl}/credentials/${id}`, `${publicUrl}/`], 'only pages that ask everybody to sign in')
      assert.match(text, /address left out/)
      assert.match(mail!.data, /^Auto-Submitted: auto-generated/im)
    })

    it('go through a sender whose own credential works, never through the one that has just died', async (t) => {
      const bed = await bedOf(t)
      const id = await breakOne(bed, 'dead')
      const dead = await bed.sender({ name: 'dead', credential: id, mechanism: 'XOAUTH2', from: 'dead@example.org' })
      const notify = { to: ['ops@example.org'], events: everything }
      await bed.options.set({ defaultSender: dead.id, fallbacks: [], notify }, somebody)
      await bed.notices.look()
      assert.equal(bed.server.mails.length, 0)
      assert.ok(
        bed.world.log.some((line) => line.includes('notices.no_sender')),
        'that nobody could be told is in the log',
      )
      await bed.options.set({ defaultSender: dead.id, fallbacks: [{ sender: 'office', when: ['refused'] }], notify }, somebody)
      await bed.notices.look()
      assert.equal((await bed.mails()).length, 1, 'what could not be told is told later')
      assert.equal(bed.server.mails[0]!.from, 'anna@example.org')
      assert.ok(bed.server.logins.every((login) => login.mechanism === 'PLAIN'))
    })

    it('are written once, however many nodes look at the same time', async (t) => {
      const bed = await bedOf(t)
      await breakOne(bed, 'work-mail')
      const nodes = Array.from({ length: 5 }, () => makeNoticeNode(bed).notices)
      await Promise.all([bed.notices, ...nodes].map((one) => one.look()))
      assert.equal((await bed.mails()).length, 1)
    })

    it('tell of many in one mail', async (t) => {
      const bed = await bedOf(t)
      for (let n = 0; n < 4; n++) await breakOne(bed, `mail ${n}`)
      await bed.notices.look()
      const [mail, ...more] = await bed.mails()
      assert.deepEqual([mail!.subject, more.length], ['Keybearer: 4 credentials need a person', 0])
      for (let n = 0; n < 4; n++) assert.match(mail!.text, new RegExp(`- mail ${n} `))
    })

    it('do not tell of a provider that is away for a moment, but of one that stays away for an hour', async (t) => {
      const bed = await bedOf(t)
      bed.fake.answer = () => granted
      const id = await bed.token('work-mail')
      await bed.world.credentials.refresh(id, somebody)
      bed.fake.answer = () => ({ status: 503, body: 'away' })
      await assert.rejects(bed.world.credentials.refresh(id, somebody))
      await bed.notices.look()
      bed.clock.jump(3_500_000)
      await bed.notices.look()
      assert.equal((await bed.mails()).length, 0)
      bed.clock.jump(200_000)
      await bed.notices.look()
      bed.clock.jump(200_000)
      await bed.notices.look()
      const [mail, ...more] = await bed.mails()
      assert.match(mail!.text, /work-mail .*retrying since/)
      assert.equal(more.length, 0)
    })

    it('warn of an end in time, with the day', async (t) => {
      const bed = await bedOf(t)
      bed.fake.answer = () => ({ body: { ...granted.body, refresh_token_expires_in: (6 * day) / 1000 } })
      const id = await bed.token('work-mail')
      await bed.world.credentials.refresh(id, somebody)
      const { warnOfEnds } = await import('../credentials/warnings.ts')
      await warnOfEnds(bed.world.context)
      await bed.notices.look()
      const [mail] = await bed.mails()
      assert.equal(mail?.subject, 'Keybearer: "work-mail" will stop working')
      assert.match(mail.text, /The refresh token ends on 2026-11-30/)
    })

    it('are about what somebody wants to hear, and begin when he asks for them', async (t) => {
      const bed = await bedOf(t, ['credential.recovered'])
      const short = await bed.token('short')
      bed.fake.answer = () => ({ status: 503, body: 'away' })
      await assert.rejects(bed.world.credentials.refresh(short, somebody))
      bed.fake.answer = () => granted
      await bed.world.credentials.refresh(short, somebody)
      await bed.notices.look()
      assert.equal((await bed.mails()).length, 0, 'what nobody was told of has not recovered')
      const id = await breakOne(bed, 'work-mail')
      await bed.notices.look()
      assert.equal((await bed.mails()).length, 0)
      await repair(bed, id)
      await bed.notices.look()
      assert.equal((await bed.mails()).length, 1)
      await bed.options.set({ defaultSender: 'office', fallbacks: [], notify: { to: [], events: [] } }, somebody)
      await breakOne(bed, 'other')
      await bed.notices.look()
      await bed.options.set({ defaultSender: 'office', fallbacks: [], notify: { to: ['ops@example.org'], events: everything } }, somebody)
      await bed.notices.look()
      assert.equal((await bed.mails()).length, 1, 'what was before is not told afterwards')
    })

    it('come by themselves soon after it happened', async (t) => {
      const bed = await bedOf(t)
      bed.notices.start()
      t.after(() => bed.notices.stop())
      await breakOne(bed, 'work-mail')
      await until('the mail comes', async () => {
        await bed.clock.advance(1000)
        return bed.server.mails.length > 0
      })
    })
  })
}
