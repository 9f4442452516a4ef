import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { gmailError, startGmail, type MailApi } from '../../test/mail-api.ts'
import { letter, makeMailBed, somebody, untilDelayed, untilStatus, type MailBed } from '../../test/mail-world.ts'
import { databases } from '../../test/world.ts'
import type { NewSender } from './types.ts'

async function bedOf(t: TestContext, kind: 'sqlite' | 'postgres' = 'sqlite', sender: Partial<NewSender> = {}): Promise<MailBed & { gmail: MailApi }> {
  const gmail = await startGmail()
  t.after(() => gmail.close())
  const bed = await makeMailBed(t, { kind, mail: { maxBytes: 40_000_000 } })
  await bed.sender({ kind: 'gmail', port: gmail.port, credential: await bed.token(), ...sender })
  return { ...bed, gmail }
}

const large = () => ({ ...letter, attachments: [{ filename: 'large.bin', content: randomBytes(7_000_000).toString('base64') }] })

for (const kind of databases) {
  describe(`a sender over the Gmail API on ${kind}`, () => {
    it('is kept with its kind, and sends the whole message, to the envelope and nobody else', async (t) => {
      const bed = await bedOf(t, kind)
      assert.equal((await bed.senders.list())[0]?.kind, 'gmail')
      const sent = await untilStatus(bed, (await bed.outbox.accept({ ...letter, bcc: ['dora@example.net'] }, somebody)).id, 'sent')
      const [mail] = bed.gmail.sent
      assert.equal(mail?.user, 'me')
      assert.match(mail.mime ?? '', /^To: bob@example\.net\r$/m)
      assert.match(mail.mime ?? '', /^Bcc: dora@example\.net\r$/m)
      assert.equal(bed.gmail.calls[0]?.headers['content-type'], 'message/rfc822')
      assert.equal(bed.gmail.calls[0]?.query.get('uploadType'), 'media')
      assert.match(sent.recipients[0]?.reply ?? '', /gm-1/)
    })
  })
}

describe('a sender over the Gmail API', () => {
  it('sends a large message in parts, and goes on where the server stands when the connection breaks', async (t) => {
    const bed = await bedOf(t, 'sqlite', { login: 'info@example.org' })
    let parts = 0
    bed.gmail.say = (call) => (call.body.length > 1000 && ++parts === 2 ? 'cut_before' : undefined)
    const sent = await untilStatus(bed, (await bed.outbox.accept(large(), somebody)).id, 'sent')
    assert.equal(sent.attempts, 1)
    assert.equal(bed.gmail.sent.length, 1)
    assert.equal(bed.gmail.sent[0]?.user, 'info@example.org')
    assert.equal(bed.gmail.sent[0]?.mime?.length, sent.size)
    assert.equal(parts, 4)
  })

  it('does not send a large message twice when the last answer is lost', async (t) => {
    const bed = await bedOf(t)
    let cut = false
    bed.gmail.say = (call) => {
      const [, to, size] = /-(\d+)\/(\d+)$/.exec(call.headers['content-range'] ?? '') ?? []
      if (cut || to === undefined || Number(to) + 1 !== Number(size)) return undefined
      cut = true
      return 'cut'
    }
    const sent = await untilStatus(bed, (await bed.outbox.accept(large(), somebody)).id, 'sent')
    assert.equal(cut, true)
    assert.equal(sent.attempts, 1)
    assert.equal(bed.gmail.sent.length, 1)
  })

  it('says that nobody knows when the answer to a small message is lost', async (t) => {
    const bed = await bedOf(t)
    bed.gmail.say = () => 'cut'
    const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
    assert.equal(waits.problem?.code, 'mail_outcome_unknown')
    assert.equal(bed.gmail.sent.length, 1)
  })

  const refusals: [string, ReturnType<typeof gmailError>, 'failed' | 'queued', string, string][] = [
    [
      'the scope does not suffice',
      gmailError(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.'),
      'queued',
      'mail_auth_refused',
      'gapi_scope',
    ],
    [
      'the API is switched off',
      gmailError(403, 'accessNotConfigured', 'Gmail API has not been used in project 1 before or it is disabled.'),
      'queued',
      'mail_auth_refused',
      'gapi_not_enabled',
    ],
    ['a recipient is none', gmailError(400, 'invalidArgument', 'Invalid To header'), 'failed', 'mail_refused', 'gapi_bad_recipient'],
    [
      'it is too much at once',
      gmailError(403, 'userRateLimitExceeded', 'User-rate limit exceeded.', { 'retry-after': '600' }),
      'queued',
      'mail_unavailable',
      'gapi_rate',
    ],
    ['the service is away', gmailError(503, 'backendError', 'Backend Error'), 'queued', 'mail_unavailable', 'gapi_backend'],
  ]
  for (const [what, said, status, code, diagnosis] of refusals)
    it(`says what to do when ${what}`, async (t) => {
      const bed = await bedOf(t)
      bed.gmail.say = () => said
      const { id } = await bed.outbox.accept(letter, somebody)
      const view = status === 'failed' ? await untilStatus(bed, id, 'failed') : await untilDelayed(bed, id)
      assert.equal(view.problem?.code, code)
      assert.equal(view.problem?.diagnosis?.id, diagnosis)
      assert.equal(bed.gmail.calls.length, 1)
    })

  it('shows its token when it is examined, also where it may only send', async (t) => {
    const bed = await bedOf(t)
    const { id } = (await bed.senders.list())[0]!.credential!
    bed.gmail.say = () => gmailError(403, 'insufficientPermissions', 'Insufficient Permission')
    assert.deepEqual(
      (await bed.senders.examine(id, somebody)).map((step) => step.outcome),
      ['ok'],
    )
    bed.gmail.say = () => gmailError(403, 'accessNotConfigured', 'Access Not Configured.')
    assert.deepEqual(
      (await bed.senders.examine(id, somebody)).map((step) => step.outcome),
      ['failed'],
    )
  })
})
