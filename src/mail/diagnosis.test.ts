import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { letter, makeMailBed, somebody, until, untilDelayed, untilStatus } from '../../test/mail-world.ts'
import { makeNoticeNode } from '../../test/notice-world.ts'
import { databases } from '../../test/world.ts'
import { Problem } from '../base/problem.ts'

for (const kind of databases) {
  describe(`what a failure of mail means, on ${kind}`, () => {
    it("stands with a message: what the server's words say, with the values of the credential", async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['XOAUTH2'] } })
      await bed.sender({ credential: await bed.token() })
      bed.server.on.login = () => '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.'
      const { id } = await bed.outbox.accept(letter, somebody)
      const { problem } = await untilDelayed(bed, id)
      assert.equal(problem?.code, 'mail_auth_refused')
      assert.equal(problem.diagnosis?.id, 'exo_smtp_auth_mailbox')
      assert.match(problem.diagnosis.fix.join('\n'), /Set-CASMailbox -Identity anna@example\.org /)
    })

    it('P12: the first digit of a reply decides, whatever its words are', async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] } })
      await bed.sender({ credential: await bed.password() })
      // Words of a passing failure behind a final code, and the other way round.
      bed.server.on.message = () => '554 5.7.0 Too many login attempts, please try again later. 454 4.7.0'
      const final = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'failed')
      assert.notEqual(final.problem?.diagnosis?.action, 'retry')
      bed.server.on.message = () => '451 4.3.0 SendAsDenied; mailbox is gone for ever'
      const passing = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
      assert.equal(passing.status, 'queued')
      assert.equal(passing.problem?.diagnosis?.action, 'retry')
    })

    it('is not known when the database is away, and whoever has the mail does not get it a second time', async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, start: false })
      await bed.sender({ credential: await bed.password() })
      const { credentials } = bed.context
      let asked = 0
      bed.context.credentials = {
        handOut: (...given) => credentials.handOut(...given),
        generationFor: (...given) => credentials.generationFor(...given),
        get: (...given) => credentials.get(...given),
        recordUse: (...given) => credentials.recordUse(...given),
        diagnose: (...given) => credentials.diagnose(...given),
        async diagnoseReply() {
          asked += 1
          throw new Problem('storage_unavailable', 'The database does not answer.')
        },
      }
      bed.server.on.rcpt = (line) => (line.includes('carl') ? '550 5.1.1 unknown' : undefined)
      bed.outbox.start()
      const { id } = await bed.outbox.accept({ ...letter, to: ['bob@example.net', 'carl@example.net'] }, somebody)
      const { recipients } = await until('it is settled', async () => {
        const view = await bed.outbox.get(id)
        return view.recipients.some((one) => one.state !== 'waiting') || view.problem !== null ? view : undefined
      })
      assert.deepEqual([recipients.map((one) => one.state), asked, bed.server.mails.length], [['sent', 'refused'], 1, 1])
    })

    it('stands in the notice by mail, without an address', async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN', 'XOAUTH2'] } })
      await bed.sender({ credential: await bed.password() })
      const notices = makeNoticeNode(bed).notices
      await bed.options.set({ defaultSender: 'office', fallbacks: [], notify: { to: ['ops@example.org'], events: ['credential.broken'] } }, somebody)
      await notices.look()
      bed.fake.answer = () => ({ status: 400, body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' } })
      await assert.rejects(bed.world.credentials.refresh(await bed.token('office-token'), somebody))
      await notices.look()
      await until('the mail is there', () => bed.server.mails.length > 0)
      const text = bed.server.mails[0]!.data.replaceAll('=\r\n', '')
      assert.match(text, /The client secret is wrong\./)
      assert.match(text, /What to do:/)
      assert.match(text, /1\. Entra admin center > App registrations > client/)
      assert.match((text.match(/https?:\/\/\S+/g) ?? []).join(' '), /^https:\/\/keys\.example\.org\/credentials\/cred_\w+ https:\/\/keys\.example\.org\/$/)
    })
  })
}
