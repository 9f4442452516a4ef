import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { graphError, startGraph, type MailApi, type SeenCall } from '../../test/mail-api.ts'
import { letter, makeMailBed, somebody, until, untilDelayed, untilStatus, type MailBed } from '../../test/mail-world.ts'
import { databases } from '../../test/world.ts'
import type { NewSender } from './types.ts'

type Options = { kind?: 'sqlite' | 'postgres'; sender?: Partial<NewSender>; maxBytes?: number }

async function bedOf(t: TestContext, options: Options = {}): Promise<MailBed & { graph: MailApi }> {
  const graph = await startGraph()
  t.after(() => graph.close())
  const bed = await makeMailBed(t, { kind: options.kind ?? 'sqlite', mail: { maxBytes: options.maxBytes ?? 40_000_000 } })
  await bed.sender({ kind: 'graph', port: graph.port, credential: await bed.token(), ...options.sender })
  return { ...bed, graph }
}

const addresses = (list: unknown) => (list as { emailAddress: { address: string } }[]).map((one) => one.emailAddress.address)
const file = (filename: string, size: number) => ({ filename, contentType: 'application/pdf', content: randomBytes(size).toString('base64') })
/** Fetches the token, and lets it be as old as one is that a server no longer takes: a brand-new one is not renewed again. */
async function age(bed: MailBed): Promise<void> {
  const { id } = (await bed.senders.list())[0]!.credential!
  await bed.world.credentials.handOut(id, { purpose: 'mail', actor: somebody })
  await bed.world.store.db
    .updateTable('credentials')
    .set({ token_obtained_at: Date.now() - 60_000 })
    .execute()
  await bed.world.credentials.pause(id, somebody)
  await bed.world.credentials.resume(id, somebody)
}

const isSend = (call: SeenCall) => call.path.endsWith('/sendMail') || call.path.endsWith('/send')

for (const kind of databases) {
  describe(`a sender over Graph on ${kind}`, () => {
    it('is kept with its kind, and sends a message in its own form, to the envelope and nobody else', async (t) => {
      const bed = await bedOf(t, { kind })
      const [sender] = await bed.senders.list()
      assert.deepEqual([sender?.kind, sender?.mechanism], ['graph', 'auto'])
      const changed = await bed.senders.change(sender!.id, { fromName: 'Anna' }, somebody)
      assert.equal(changed.kind, 'graph')
      const order = { ...letter, cc: ['Carl Müller <carl@example.net>'], bcc: ['dora@example.net'] }
      const sent = await untilStatus(bed, (await bed.outbox.accept(order, somebody)).id, 'sent')
      const [mail] = bed.graph.sent
      assert.equal(mail?.user, 'me')
      assert.match(mail.mime ?? '', /^Bcc: dora@example\.net\r$/m)
      assert.match(mail.mime ?? '', /^To: bob@example\.net\r$/m)
      assert.match(mail.mime ?? '', /^Cc: =\?UTF-8\?\S+ <carl@example\.net>\r$/im)
      assert.match(mail.mime ?? '', new RegExp(`^Message-ID: ${sent.messageId}\r$`, 'm'))
      assert.match(bed.graph.calls[0]?.headers.authorization ?? '', /^Bearer at-/)
      assert.equal(bed.graph.calls[0]?.headers['content-type'], 'text/plain')
      assert.ok(sent.recipients.every((one) => one.state === 'sent'))
    })
  })
}

describe('a sender over Graph', () => {
  it('sends as a shared mailbox in the words of Graph, because Graph does not read From in MIME', async (t) => {
    const bed = await bedOf(t, { sender: { from: 'info@example.org' } })
    const order = { ...letter, html: '<p>All is well.</p>', bcc: ['dora@example.net'], replyTo: 'office@example.org', attachments: [file('list.pdf', 1000)] }
    const { messageId } = await untilStatus(bed, (await bed.outbox.accept(order, somebody)).id, 'sent')
    const [mail] = bed.graph.sent
    assert.equal(mail?.user, 'me')
    assert.deepEqual(mail.message?.from, { emailAddress: { address: 'info@example.org' } })
    assert.deepEqual(addresses(mail.message.toRecipients), ['bob@example.net'])
    assert.deepEqual(addresses(mail.message.bccRecipients), ['dora@example.net'])
    assert.deepEqual(addresses(mail.message.replyTo), ['office@example.org'])
    assert.equal(mail.message.internetMessageId, messageId)
    assert.deepEqual(mail.message.body, { contentType: 'html', content: '<p>All is well.</p>' })
    assert.equal(mail.attachments[0]?.content.toString('base64'), order.attachments[0]?.content)
  })

  it('names the mailbox to log in as in the address, apart from the one to send as', async (t) => {
    const bed = await bedOf(t, { sender: { login: 'info@example.org', from: 'info@example.org' } })
    await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
    assert.equal(bed.graph.sent[0]?.user, 'users/info@example.org')
    assert.ok(bed.graph.sent[0]?.mime)
  })

  it('sends a large message by way of a draft, with the parts that the server still expects, and gives the token to no upload', async (t) => {
    const bed = await bedOf(t)
    const order = { ...letter, attachments: [file('large.pdf', 8_000_000), file('small.pdf', 5_000)] }
    await untilStatus(bed, (await bed.outbox.accept(order, somebody)).id, 'sent')
    const [mail] = bed.graph.sent
    assert.deepEqual(
      mail?.attachments.map((one) => [one.name, one.content.toString('base64')]),
      order.attachments.map((one) => [one.filename, one.content]),
    )
    const parts = bed.graph.calls.filter((call) => call.method === 'PUT')
    assert.equal(parts.length, 3)
    assert.ok(parts.every((call) => call.headers.authorization === undefined && call.body.length < 4_000_000))
    assert.equal(bed.graph.drafts.size, 0)
  })

  it('takes the draft away when it cannot be finished', async (t) => {
    const bed = await bedOf(t)
    bed.graph.say = (call) => (call.method === 'PUT' ? graphError(503, 'ServiceNotAvailable', 'later', { 'retry-after': '600' }) : undefined)
    await untilDelayed(bed, (await bed.outbox.accept({ ...letter, attachments: [file('large.pdf', 4_000_000)] }, somebody)).id)
    assert.equal(bed.graph.drafts.size, 0)
    assert.deepEqual(bed.graph.sent, [])
  })

  it('sends no part of a message where the credential may not go', async (t) => {
    const bed = await bedOf(t)
    bed.graph.say = (call) =>
      call.path.endsWith('/createUploadSession') ? { status: 201, body: { uploadUrl: 'http://localhost:9/elsewhere', nextExpectedRanges: ['0-'] } } : undefined
    const waits = await untilDelayed(bed, (await bed.outbox.accept({ ...letter, attachments: [file('large.pdf', 4_000_000)] }, somebody)).id)
    assert.equal(waits.problem?.code, 'destination_not_allowed')
  })

  it('asks what became of a draft when the answer to the order to send is lost, and does not send it twice', async (t) => {
    const bed = await bedOf(t)
    bed.graph.say = (call) => (call.path.endsWith('/send') ? 'cut' : undefined)
    const sent = await untilStatus(bed, (await bed.outbox.accept({ ...letter, attachments: [file('large.pdf', 4_000_000)] }, somebody)).id, 'sent')
    assert.equal(sent.attempts, 1)
    assert.equal(bed.graph.sent.length, 1)
  })

  it('leaves a mailbox alone for a while when the API cannot be reached', async (t) => {
    const bed = await bedOf(t)
    await bed.graph.close()
    const first = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
    assert.deepEqual([first.problem?.code, first.attempts], ['mail_unavailable', 1])
    const second = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id, 0)
    assert.deepEqual([second.problem?.code, second.attempts], ['mail_unavailable', 0], 'nobody was asked for it')
    await pause(1500)
    const told = bed.world.events.filter(({ type }) => type === 'message.delayed').length
    assert.ok(told <= 5, `it was told ${told} times in two seconds that it does not work`)
  })

  it('says that nobody knows when the connection is cut after the message was given, and keeps that in the way of the message', async (t) => {
    const bed = await bedOf(t)
    bed.graph.say = (call) => (isSend(call) ? 'cut' : undefined)
    const { id } = await bed.outbox.accept(letter, somebody)
    const waits = await untilDelayed(bed, id)
    assert.equal(waits.problem?.code, 'mail_outcome_unknown')
    assert.match(waits.problem?.nextStep ?? '', /twice/)
    await until('it is counted', () => bed.counts.get('outcome_unknown') === 1)
    bed.graph.say = () => undefined
    await bed.outbox.retry(id, somebody)
    const sent = await untilStatus(bed, id, 'sent')
    assert.deepEqual(
      sent.route.map((step) => [step.outcome, step.reason]),
      [
        ['failed', 'mail_outcome_unknown'],
        ['sent', null],
      ],
    )
    const ids = bed.graph.sent.map((mail) => /^Message-ID: (.*)\r$/m.exec(mail.mime ?? '')?.[1])
    assert.deepEqual(ids, [sent.messageId, sent.messageId])
  })

  it('renews a token that is refused once, and then lets the message wait', async (t) => {
    const bed = await bedOf(t)
    const tokens = ['at-old', 'at-new', 'at-third']
    bed.fake.answer = () => ({ body: { access_token: tokens.shift(), token_type: 'Bearer', expires_in: 3600 } })
    bed.graph.refusedTokens.add('at-old')
    await age(bed)
    await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
    assert.deepEqual(
      bed.graph.calls.map((call) => call.headers.authorization),
      ['Bearer at-old', 'Bearer at-new'],
    )
    bed.graph.refusedTokens.add('at-new').add('at-third')
    await age(bed)
    const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
    assert.equal(waits.problem?.code, 'mail_auth_refused')
    assert.equal(bed.graph.calls.length, 4)
  })

  it('obeys Retry-After in seconds and as a date, and asks for no other message meanwhile', async (t) => {
    for (const after of ['900', new Date(Date.now() + 900_000).toUTCString()]) {
      const bed = await bedOf(t)
      bed.graph.say = () => graphError(429, 'ApplicationThrottled', 'Application is over its MailboxConcurrency limit.', { 'retry-after': after })
      const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
      assert.ok((waits.nextAttemptAt ?? 0) > Date.now() + 800_000)
      assert.equal(waits.problem?.diagnosis?.id, 'graph_throttled')
      const other = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id, 0)
      assert.equal(other.problem?.diagnosis?.id, 'graph_throttled')
      assert.ok((other.nextAttemptAt ?? 0) > Date.now() + 800_000)
      assert.equal(bed.graph.calls.length, 1)
    }
  })

  it('has at most four calls at a time for one mailbox', async (t) => {
    const bed = await bedOf(t)
    bed.graph.say = async () => {
      await new Promise((done) => setTimeout(done, 20))
      return undefined
    }
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await bed.outbox.accept(letter, somebody)).id))
    for (const id of ids) await untilStatus(bed, id, 'sent')
    assert.equal(bed.graph.mostAtOnce, 4)
  })

  const refusals: [string, ReturnType<typeof graphError>, 'failed' | 'queued', string, string][] = [
    [
      'the right to send as is missing',
      graphError(403, 'ErrorSendAsDenied', 'The user account has no right to send as.'),
      'failed',
      'mail_refused',
      'graph_send_as_denied',
    ],
    [
      'a permission is missing',
      graphError(403, 'ErrorAccessDenied', 'Access is denied. Check credentials.'),
      'queued',
      'mail_auth_refused',
      'graph_access_denied',
    ],
    ['a recipient is none', graphError(400, 'ErrorInvalidRecipients', 'At least one recipient is not valid.'), 'failed', 'mail_refused', 'graph_bad_recipient'],
    ['the mailbox is full', graphError(507, 'ErrorQuotaExceeded', 'The mailbox is full.'), 'failed', 'mail_refused', 'graph_quota_full'],
    ['enough was sent today', graphError(429, 'ErrorExceededMessageLimit', 'Too many messages.'), 'queued', 'mail_unavailable', 'graph_message_limit'],
    ['the message is too large', graphError(413, 'RequestEntityTooLarge', 'Too large.'), 'failed', 'mail_refused', 'graph_too_large'],
    ['the service is away', graphError(503, 'ServiceNotAvailable', 'Later.'), 'queued', 'mail_unavailable', 'graph_transient'],
  ]
  for (const [what, said, status, code, diagnosis] of refusals)
    it(`says what to do when ${what}`, async (t) => {
      const bed = await bedOf(t)
      bed.graph.say = () => said
      const { id } = await bed.outbox.accept(letter, somebody)
      const view = status === 'failed' ? await untilStatus(bed, id, 'failed') : await untilDelayed(bed, id)
      assert.equal(view.problem?.code, code)
      assert.equal(view.problem?.diagnosis?.id, diagnosis)
      assert.ok((view.problem?.nextStep ?? '').length > 10)
      assert.equal(bed.graph.calls.length, 1)
    })

  it('does not believe an answer that is no acceptance', async (t) => {
    const bed = await bedOf(t)
    bed.graph.say = () => ({ status: 200 })
    const failed = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'failed')
    assert.match(failed.problem?.message ?? '', /did not say that it sends/)
  })

  it('is no sender without a token, or with what only mail servers have', async (t) => {
    const bed = await bedOf(t)
    const errorsOf = async (input: Partial<NewSender>) => {
      const error = await bed.sender({ name: 'other', kind: 'graph', port: bed.graph.port, ...input }).catch((caught: unknown) => caught)
      return (error as { errors?: { path: string }[] }).errors?.map((one) => one.path)
    }
    assert.deepEqual(await errorsOf({}), ['credential'])
    assert.deepEqual(await errorsOf({ credential: await bed.password() }), ['credential'])
    assert.deepEqual(await errorsOf({ credential: 'work-mail', tls: 'starttls', mechanism: 'PLAIN' }), ['tls', 'mechanism'])
  })

  it('shows its token when it is examined, and sends nothing', async (t) => {
    const bed = await bedOf(t)
    const { id } = (await bed.senders.list())[0]!.credential!
    assert.deepEqual(
      (await bed.senders.examine(id, somebody)).map((step) => step.outcome),
      ['ok'],
    )
    bed.graph.say = () => graphError(404, 'ErrorInvalidUser', 'The requested user is invalid.')
    assert.deepEqual(
      (await bed.senders.examine(id, somebody)).map((step) => step.outcome),
      ['failed'],
    )
    assert.deepEqual(bed.graph.sent, [])
  })
})
