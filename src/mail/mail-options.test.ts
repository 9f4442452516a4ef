import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { simpleParser } from 'mailparser'
import { MailServer } from '../../test/mail-server.ts'
import { letter, makeMailBed, somebody, until, untilDelayed, untilStatus, type MailBed } from '../../test/mail-world.ts'
import { databases } from '../../test/world.ts'
import { createTestClock } from '../base/clock.ts'
import { Secret } from '../base/secret.ts'
import { causeOf } from './delivery-route.ts'
import { fallbackCauses, type FallbackCause } from './mail-options.ts'
import type { Delivery, MessageView, SenderView } from './types.ts'

type Bed = MailBed & { backup: MailServer; main: SenderView; spare: SenderView; spareCredential: string }

for (const kind of databases) {
  /** A default sender, and a second one at another server that stands in for it. */
  const bedOf = async (t: TestContext, when: readonly FallbackCause[] = fallbackCauses, options: Parameters<typeof makeMailBed>[1] = {}): Promise<Bed> => {
    const backup = await new MailServer({ mechanisms: ['PLAIN'] }).listen()
    const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, ...options })
    t.after(() => backup.close())
    const main = await bed.sender({ credential: await bed.password() })
    const spareCredential = await bed.password('spare')
    const spare = await bed.sender({ name: 'spare', port: backup.port, credential: spareCredential, from: 'spare@other.example', fromName: 'Spåre' })
    const notify = { to: [], events: [] }
    await bed.options.set({ defaultSender: 'office', fallbacks: when.length === 0 ? [] : [{ sender: 'spare', when: [...when] }], notify }, somebody)
    return { ...bed, backup, main, spare, spareCredential }
  }
  const way = (message: MessageView) => message.route.map((step) => [step.sender.name, step.outcome])
  const records = async (bed: Bed, id: string) => (await bed.world.context.audit.list({ subject: id, limit: 20 })).items

  describe(`the fallbacks of the default sender on ${kind}`, () => {
    it('are not used while the default sender works, and the message says so', async (t) => {
      const bed = await bedOf(t)
      const sent = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
      assert.deepEqual([sent.sender.name, sent.sentBy?.name, way(sent)], ['office', 'office', [['office', 'sent']]])
      assert.deepEqual([bed.server.mails.length, bed.backup.mails.length], [1, 0])
    })

    it('stand in at once when the server refuses the login, and message, event and trail say which way it went', async (t) => {
      const bed = await bedOf(t)
      bed.server.on.login = () => '535 5.7.8 no'
      const sent = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
      assert.deepEqual(
        [sent.sender.name, sent.sentBy?.name, way(sent), sent.attempts, sent.problem],
        [
          'office',
          'spare',
          [
            ['office', 'refused'],
            ['spare', 'sent'],
          ],
          1,
          null,
        ],
      )
      assert.equal(sent.route[0]!.reason, 'mail_auth_refused')
      const record = (await records(bed, sent.id)).find((item) => item.action === 'message.sent')
      assert.deepEqual(record?.detail.route, ['office: refused (mail_auth_refused)', 'spare: sent'])
      assert.deepEqual([record?.detail.sender, record?.detail.sent_by], [bed.main.id, bed.spare.id])
      const event = await until('the event', () => bed.world.events.find((one) => one.type === 'message.sent'))
      assert.equal(event.data.sent_by, bed.spare.id)
      assert.deepEqual([bed.server.mails.length, bed.backup.mails.length], [0, 1])
    })

    it('send as themselves, and answers still go to whom the message came from', async (t) => {
      const bed = await bedOf(t)
      bed.server.on.login = () => '535 5.7.8 no'
      const { id, messageId } = await bed.outbox.accept({ ...letter, subject: 'Grüße', html: '<p>From: x</p>', cc: ['c@example.net'] }, somebody)
      await untilStatus(bed, id, 'sent')
      const [mail] = bed.backup.mails
      assert.equal(mail!.from, 'spare@other.example')
      const parsed = await simpleParser(mail!.data)
      assert.deepEqual(
        [parsed.from?.value, parsed.replyTo?.text, parsed.subject, parsed.messageId, parsed.text?.trim(), parsed.html],
        [[{ address: 'spare@other.example', name: 'Spåre' }], 'anna@example.org', 'Grüße', messageId, 'All is well.', '<p>From: x</p>'],
      )
      assert.equal(mail!.data.match(/^from:/gim)?.length, 1, 'in the header once')
      const own = await bed.outbox.accept({ ...letter, replyTo: 'answers@example.org' }, somebody)
      await untilStatus(bed, own.id, 'sent')
      assert.equal((await simpleParser(bed.backup.mails[1]!.data)).replyTo?.text, 'answers@example.org', 'a Reply-To of its own stays')
    })

    it('stand in when the server refuses the From address, at whatever moment it says so', async (t) => {
      const bed = await bedOf(t)
      const moments: MailServer['on'][] = [
        { mail: () => '550 5.7.1 not yours' },
        { rcpt: () => '553 5.7.1 <anna@example.org>: Sender address rejected: not owned by user anna' },
        { message: () => '554 5.2.252 SendAsDenied; anna@example.org not allowed to send as' },
      ]
      for (const on of moments) {
        Object.assign(bed.server.on, { mail: undefined, rcpt: undefined, message: undefined }, on)
        const sent = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
        assert.deepEqual(
          [sent.sentBy?.name, way(sent)],
          [
            'spare',
            [
              ['office', 'refused'],
              ['spare', 'sent'],
            ],
          ],
          Object.keys(on).join(),
        )
        assert.ok(sent.recipients.every((one) => one.state === 'sent'))
      }
    })

    it('do not stand in for a bad recipient or message: every server would refuse those', async (t) => {
      const bed = await bedOf(t)
      for (const on of [{ rcpt: () => '550 5.1.1 no such user' }, { rcpt: undefined, message: () => '554 5.6.0 spam' }]) {
        Object.assign(bed.server.on, on)
        const failed = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'failed')
        assert.deepEqual([failed.sentBy, way(failed)], [null, [['office', 'failed']]])
      }
      assert.equal(bed.backup.mails.length, 0)
    })

    it('stand in at once when the credential of the default sender is not ready', async (t) => {
      const bed = await bedOf(t)
      await bed.world.credentials.pause('old-mail', somebody)
      const sent = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
      assert.deepEqual(
        [sent.sentBy?.name, way(sent), sent.route[0]!.reason],
        [
          'spare',
          [
            ['office', 'credential_not_ready'],
            ['spare', 'sent'],
          ],
          'paused',
        ],
      )
    })

    it('that are out of reach themselves let the message wait, and are not asked again and again', async (t) => {
      const bed = await bedOf(t)
      await bed.world.credentials.pause('old-mail', somebody)
      bed.backup.on.greeting = () => '421 4.3.2 closed'
      const { id } = await bed.outbox.accept(letter, somebody)
      await untilDelayed(bed, id)
      await pause(1000)
      const waits = await bed.outbox.get(id)
      assert.ok(waits.attempts <= 2 && bed.backup.connections <= 2, `${waits.attempts} attempts, ${bed.backup.connections} connections`)
      await bed.world.credentials.resume('old-mail', somebody)
      await untilStatus(bed, id, 'sent')
    })

    it('wait for a server that is out of reach as long as was set, and not longer', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, fallbackCauses, { clock, mail: { fallbackAfter: 300_000 } })
      bed.server.on.greeting = () => '421 4.3.2 closed'
      const { id } = await bed.outbox.accept(letter, somebody)
      const began = clock.now()
      const waits = await untilDelayed(bed, id)
      assert.deepEqual([waits.sentBy, way(waits)], [null, [['office', 'unreachable']]])
      const sent = await until('the fallback is used', async () => {
        await clock.advance(1000)
        const view = await bed.outbox.get(id)
        return view.status === 'sent' ? view : undefined
      })
      assert.deepEqual(
        [sent.sentBy?.name, way(sent)],
        [
          'spare',
          [
            ['office', 'unreachable'],
            ['office', 'unreachable'],
            ['spare', 'sent'],
          ],
        ],
      )
      assert.ok(sent.attempts > 2, 'the server was tried meanwhile')
      assert.equal(sent.route[0]!.at, began)
      const waited = sent.route.at(-1)!.at - began
      assert.ok(waited >= 300_000 && waited < 360_000, `it waited ${waited} ms: not missed by a long pause either`)
      // The server is known to be away: what comes now does not wait once more.
      const second = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
      assert.deepEqual([second.sentBy?.name, second.attempts], ['spare', 1])
      bed.server.on.greeting = () => undefined
      await clock.advance(60_000)
      const third = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
      assert.equal(third.sentBy?.name, 'office', 'it is used again within a minute after it answers')
    })

    it('are not missed by a pause that is longer than the time that was set', async (t) => {
      const clock = createTestClock()
      const bed = await bedOf(t, fallbackCauses, { clock, mail: { fallbackAfter: 5000 } })
      bed.server.on.greeting = () => '421 4.3.2 closed'
      const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
      assert.equal(waits.nextAttemptAt, clock.now() + 5000)
    })

    it('are used only for the reasons that were ticked', async (t) => {
      const bed = await bedOf(t, ['unreachable'])
      bed.server.on.login = () => '535 5.7.8 no'
      const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
      assert.deepEqual([way(waits), waits.problem?.code, bed.backup.mails.length], [[['office', 'refused']], 'mail_auth_refused', 0])
    })

    it('do not stand in for another sender that a message names', async (t) => {
      const bed = await bedOf(t)
      const third = await bed.sender({ name: 'third', credential: await bed.password('third') })
      bed.server.on.login = () => '535 5.7.8 no'
      const waits = await untilDelayed(bed, (await bed.outbox.accept({ ...letter, sender: third.id }, somebody)).id)
      assert.deepEqual([way(waits), bed.backup.mails.length], [[['third', 'refused']], 0])
    })

    it('are tried one after the other, and a message waits as long as one way is closed only for now', async (t) => {
      const bed = await bedOf(t)
      const last = await new MailServer({ mechanisms: ['PLAIN'] }).listen()
      t.after(() => last.close())
      await bed.sender({ name: 'last', port: last.port, credential: bed.spareCredential, from: 'last@other.example' })
      const both = ['spare', 'last'].map((sender) => ({ sender, when: [...fallbackCauses] }))
      await bed.options.set({ defaultSender: 'office', fallbacks: both, notify: { to: [], events: [] } }, somebody)
      bed.server.on.mail = () => '550 5.7.1 not yours'
      bed.backup.on.greeting = () => '421 4.3.2 closed'
      const sent = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
      assert.deepEqual(
        [sent.sentBy?.name, way(sent)],
        [
          'last',
          [
            ['office', 'refused'],
            ['spare', 'unreachable'],
            ['last', 'sent'],
          ],
        ],
      )
      last.on.mail = () => '550 5.7.1 not yours either'
      const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
      assert.deepEqual([waits.status, waits.recipients[0]!.state], ['queued', 'waiting'], 'though two have refused for good')
    })

    it('N2: a secret goes through a fallback only to the hosts of its own credential', async (t) => {
      const bed = await bedOf(t)
      bed.server.on.login = () => '535 5.7.8 no'
      await bed.world.credentials.change('spare', { allowedHosts: ['elsewhere.example'], secret: new Secret('x') }, somebody)
      const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
      assert.deepEqual(
        [way(waits), waits.route[1]!.reason],
        [
          [
            ['office', 'refused'],
            ['spare', 'credential_not_ready'],
          ],
          'destination_not_allowed',
        ],
      )
      assert.equal(bed.backup.logins.length, 0)
    })
  })

  describe(`the email options on ${kind}`, () => {
    it('are stored whole, by name or id, and a change is in the trail', async (t) => {
      const bed = await bedOf(t)
      const set = {
        defaultSender: bed.spare.id,
        fallbacks: [{ sender: 'office', when: ['refused' as const] }],
        notify: { to: ['Ops@Example.org', 'ops@müller.example'], events: ['credential.broken' as const] },
      }
      const view = await bed.options.set(set, somebody)
      assert.deepEqual(view, {
        defaultSender: { id: bed.spare.id, name: 'spare' },
        fallbacks: [{ sender: { id: bed.main.id, name: 'office' }, when: ['refused'] }],
        notify: { to: ['Ops@example.org', 'ops@xn--mller-kva.example'], events: ['credential.broken'], daily: null, reminders: true },
      })
      assert.deepEqual(await bed.options.get(), view)
      assert.deepEqual([(await bed.senders.get('spare')).isDefault, (await bed.senders.get('office')).isDefault], [true, false])
      const [record] = (await bed.world.context.audit.list({ action: 'mail_options.changed' })).items
      assert.deepEqual([record?.detail.default_sender, record?.detail.notified], [bed.spare.id, 2])
      const daily = { hour: 7, timeZone: 'Europe/Berlin' }
      const rarely = await bed.options.set({ ...set, notify: { ...set.notify, daily, reminders: false } }, somebody)
      assert.deepEqual([rarely.notify.daily, rarely.notify.reminders], [daily, false])
      await bed.options.set({ defaultSender: null, fallbacks: [], notify: { to: [], events: [] } }, somebody)
      await assert.rejects(bed.outbox.accept(letter, somebody), { code: 'no_sender' })
    })

    it('refuse what could not work, and name each place', async (t) => {
      const bed = await bedOf(t)
      const before = await bed.options.get()
      const none = { to: [], events: [] }
      const when: FallbackCause[] = ['refused']
      for (const [input, paths] of [
        [{ defaultSender: 'nobody', fallbacks: [], notify: none }, ['default_sender']],
        [{ defaultSender: null, fallbacks: [{ sender: 'spare', when }], notify: none }, ['fallbacks']],
        [{ defaultSender: 'office', fallbacks: [{ sender: 'office', when }], notify: none }, ['fallbacks.0.sender']],
        [
          {
            defaultSender: 'office',
            fallbacks: [
              { sender: 'spare', when },
              { sender: bed.spare.id, when },
            ],
            notify: none,
          },
          ['fallbacks.1.sender'],
        ],
        [{ defaultSender: 'office', fallbacks: [{ sender: 'spare', when: [] }], notify: none }, ['fallbacks.0.when']],
        [{ defaultSender: 'office', fallbacks: [], notify: { to: ['no address', 'a@b.example\r\nbcc: x@y'], events: [] } }, ['notify.to.0', 'notify.to.1']],
      ] as const) {
        await assert.rejects(bed.options.set(structuredClone(input) as never, somebody), (error: { code?: string; errors?: { path: string }[] }) => {
          assert.equal(error.code, 'invalid_request')
          assert.deepEqual(
            error.errors?.map((one) => one.path),
            paths,
          )
          return true
        })
      }
      assert.deepEqual(await bed.options.get(), before)
    })

    it('keep a sender from being deleted that stands in for the default one', async (t) => {
      const bed = await bedOf(t)
      await assert.rejects(bed.senders.delete('spare', somebody), { code: 'in_use', message: /stands in/ })
      await bed.options.set({ defaultSender: 'office', fallbacks: [], notify: { to: [], events: [] } }, somebody)
      await bed.senders.delete('spare', somebody)
    })
  })
}

describe('the reason for another way', () => {
  it('is none when the fault is our own or lies in the message', () => {
    const unavailable = (code: string): Delivery => ({ kind: 'unavailable', code, message: '', reply: null })
    for (const code of ['internal_error', 'audit_blocked', 'storage_unavailable', 'storage_full']) assert.equal(causeOf(unavailable(code)), null, code)
    assert.equal(causeOf(unavailable('mail_unavailable')), 'unreachable')
    assert.equal(causeOf(unavailable('needs_consent')), 'credential_not_ready')
    assert.equal(causeOf({ kind: 'refused', code: 'mail_refused', permanent: false, about: 'sender', reply: null, message: '' }), null, 'refused only for now')
  })
})
