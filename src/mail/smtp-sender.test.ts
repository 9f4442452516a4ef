import assert from 'node:assert/strict'
import { test } from 'node:test'
import { letter, makeMailBed, somebody, untilStatus } from '../../test/mail-world.ts'

test('sends a message with a token and shows what became of it', async (t) => {
  const bed = await makeMailBed(t)
  const sender = await bed.sender({ credential: await bed.token() })
  const accepted = await bed.outbox.accept({ ...letter, cc: ['Carl <carl@example.net>'], bcc: ['dora@example.net'] }, somebody)
  const sent = await untilStatus(bed, accepted.id, 'sent')
  assert.deepEqual(
    sent.recipients.map((one) => [one.address, one.state]),
    [
      ['bob@example.net', 'sent'],
      ['carl@example.net', 'sent'],
      ['dora@example.net', 'sent'],
    ],
  )
  assert.equal(sent.sender.id, sender.id)
  const [mail] = bed.server.mails
  assert.deepEqual(mail?.to, ['bob@example.net', 'carl@example.net', 'dora@example.net'])
  assert.equal(mail?.from, 'anna@example.org')
  assert.doesNotMatch(mail.data, /dora/)
  assert.match(mail.data, new RegExp(`^Message-ID: ${sent.messageId}\r$`, 'm'))
  assert.equal(bed.server.logins[0]?.mechanism, 'XOAUTH2')
  assert.deepEqual(bed.server.complaints, [])
})
