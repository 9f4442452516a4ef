import assert from 'node:assert/strict'
import { test } from 'node:test'
import { letter, makeMailBed, somebody, untilDelayed, untilStatus } from '../../test/mail-world.ts'

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

test('a server that ends an idle connection costs no delay: the message goes over a new one at once', async (t) => {
  const bed = await makeMailBed(t)
  await bed.sender({ credential: await bed.password() })
  for (const ending of ['drop', '421 4.4.2 idle too long'] as const) {
    const before = bed.server.connections
    await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
    const used = bed.server.connections
    bed.server.on.mail = (_from, connection) => (connection === used ? ending : undefined)
    const second = await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
    assert.equal(second.attempts, 1)
    assert.equal(bed.server.connections, used + 1)
    assert.ok(bed.server.connections > before)
    bed.server.on.mail = undefined
  }
  assert.equal(bed.server.mails.length, 4)
})

test('a connection that is cut after the message was sent is not taken for an idle one: nobody knows who has it', async (t) => {
  const bed = await makeMailBed(t)
  await bed.sender({ credential: await bed.password() })
  await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
  bed.server.on.message = () => 'drop'
  const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
  assert.equal(waits.problem?.code, 'mail_unavailable')
  assert.equal(bed.server.mails.length, 2)
  bed.server.on.message = undefined
  await bed.outbox.retry(waits.id, somebody)
  await untilStatus(bed, waits.id, 'sent')
  const ids = bed.server.mails.slice(1).map((mail) => /^Message-ID: (.*)\r$/m.exec(mail.data)?.[1])
  assert.deepEqual(ids, [waits.messageId, waits.messageId], 'the second copy can be told by its Message-ID')
})

test('a server that says goodbye in the middle of a login holds nothing up', async (t) => {
  const bed = await makeMailBed(t)
  await bed.sender({ credential: await bed.password(), mechanism: 'PLAIN' })
  let hellos = 0
  bed.server.on.hello = () => ((hellos += 1) === 2 ? '421 4.3.2 shutting down' : undefined)
  const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
  assert.equal(waits.problem?.code, 'mail_unavailable')
  assert.match(waits.problem?.nextStep ?? '', /takes mail again/)
})

test('a message that is larger than the server takes fails at once and says so', async (t) => {
  const bed = await makeMailBed(t, { server: { mechanisms: ['PLAIN'], extensions: ['SIZE 2000'] } })
  await bed.sender({ credential: await bed.password() })
  const failed = await untilStatus(bed, (await bed.outbox.accept({ ...letter, text: 'x\n'.repeat(3000) }, somebody)).id, 'failed')
  assert.deepEqual([failed.problem?.code, failed.recipients[0]?.state], ['mail_refused', 'refused'])
  assert.match(failed.problem?.message ?? '', /larger than 127.0.0.1 takes/)
})

test('what the server says for now is tried again, what it says for good is not, and each recipient has its own words', async (t) => {
  const bed = await makeMailBed(t)
  await bed.sender({ credential: await bed.password() })
  bed.server.on.rcpt = (to) => (to === 'busy@example.net' ? '451 4.7.1 greylisted' : to === 'gone@example.net' ? '550 5.1.1 no such user' : undefined)
  const to = ['bob@example.net', 'busy@example.net', 'gone@example.net']
  const waits = await untilDelayed(bed, (await bed.outbox.accept({ ...letter, to }, somebody)).id)
  assert.deepEqual(
    waits.recipients.map(({ state, reply }) => [state, reply?.slice(0, 3)]),
    [
      ['sent', '250'],
      ['waiting', '451'],
      ['refused', '550'],
    ],
  )
  bed.server.on.rcpt = undefined
  await bed.outbox.retry(waits.id, somebody)
  await untilStatus(bed, waits.id, 'sent')
  assert.deepEqual(
    bed.server.mails.map((mail) => mail.to),
    [['bob@example.net'], ['busy@example.net', 'gone@example.net']],
    'who has it does not get it again',
  )

  for (const [hook, reply, code, status] of [
    ['mail', '452 4.3.1 full', 'mail_refused', 'queued'],
    ['mail', '553 5.7.1 not yours', 'mail_refused', 'failed'],
    ['data', '451 4.3.0 later', 'mail_refused', 'queued'],
    ['message', '554 5.6.0 spam', 'mail_refused', 'failed'],
    ['greeting', '554 5.7.1 go away', 'mail_unavailable', 'queued'],
  ] as const) {
    for (const socket of bed.server.sockets) socket.destroy()
    bed.server.on[hook] = () => reply
    const { id } = await bed.outbox.accept(letter, somebody)
    const view = status === 'failed' ? await untilStatus(bed, id, 'failed') : await untilDelayed(bed, id)
    assert.deepEqual([view.problem?.code, view.problem?.reply?.slice(0, 3)], [code, reply.slice(0, 3)], `${hook} ${reply}`)
    assert.ok(view.problem?.nextStep)
    bed.server.on[hook] = undefined
  }
})

test('a token that the server refuses is renewed once, and a server that refuses everything causes no storm', async (t) => {
  const bed = await makeMailBed(t)
  const credential = await bed.token()
  await bed.sender({ credential })
  const first = await bed.world.credentials.handOut(credential, { purpose: 'mail', actor: somebody })
  await bed.world.store.db
    .updateTable('credentials')
    .set({ token_obtained_at: Date.now() - 60_000 })
    .execute()
  await bed.world.credentials.pause(credential, somebody)
  await bed.world.credentials.resume(credential, somebody)
  const asked = bed.fake.seen.length
  bed.server.on.login = ({ secret }) => (secret === first.accessToken.reveal() ? 'challenge {"status":"401"} 535 5.7.8 expired' : undefined)
  await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
  assert.equal(bed.server.logins.length, 2)
  assert.equal(bed.fake.seen.length, asked + 1)

  for (const socket of bed.server.sockets) socket.destroy()
  bed.server.on.login = () => 'challenge {"status":"401"} 535 5.7.8 no'
  const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
  assert.deepEqual([waits.problem?.code, waits.status], ['mail_auth_refused', 'queued'])
  assert.match(waits.problem?.reply ?? '', /535/)
  assert.equal(bed.server.logins.length, 3)
  assert.equal(bed.fake.seen.length, asked + 1, 'the token is new: another one would fare no better')
  assert.deepEqual(bed.server.complaints, [])
})

test('while neither the mail server nor the provider can say whether a token is good, the message waits', async (t) => {
  const bed = await makeMailBed(t)
  const credential = await bed.token()
  await bed.sender({ credential })
  await bed.world.credentials.handOut(credential, { purpose: 'mail', actor: somebody })
  await bed.world.store.db
    .updateTable('credentials')
    .set({ token_obtained_at: Date.now() - 60_000 })
    .execute()
  await bed.world.credentials.pause(credential, somebody)
  await bed.world.credentials.resume(credential, somebody)
  bed.fake.answer = () => ({ status: 503, body: 'away' })
  bed.server.on.login = () => '454 4.7.0 Temporary authentication failure'
  const waits = await untilDelayed(bed, (await bed.outbox.accept(letter, somebody)).id)
  assert.equal(waits.problem?.code, 'mail_unavailable')
  assert.match(waits.problem?.reply ?? '', /454/)
  bed.fake.answer = () => ({ body: { access_token: 'at-back', token_type: 'Bearer', expires_in: 3600 } })
  bed.server.on.login = undefined
  await bed.world.credentials.refresh(credential, somebody)
  await untilStatus(bed, waits.id, 'sent')
})

test('passwords are used where a credential has one, by PLAIN and by LOGIN', async (t) => {
  for (const mechanism of ['PLAIN', 'LOGIN'] as const) {
    const bed = await makeMailBed(t, { server: { mechanisms: [mechanism] } })
    await bed.sender({ credential: await bed.password() })
    await untilStatus(bed, (await bed.outbox.accept(letter, somebody)).id, 'sent')
    assert.deepEqual(
      bed.server.logins.map(({ user, secret }) => [user, secret]),
      [['anna', 'open sesame']],
    )
  }
})

for (const { how, hooks, tls } of [
  { how: 'does not offer STARTTLS', hooks: {}, tls: 'none' },
  { how: 'offers STARTTLS and then refuses it', hooks: { starttls: () => '454 4.7.0 TLS not available' }, tls: 'starttls' },
] as const) {
  test(`N1: a server that ${how}, as when somebody on the way takes it out, gets neither a login nor a message`, async (t) => {
    const bed = await makeMailBed(t, { server: { mechanisms: ['XOAUTH2', 'PLAIN', 'LOGIN'], tls }, mail: { mayConnect: () => true } })
    Object.assign(bed.server.on, hooks)
    for (const credential of [await bed.token(), await bed.password()]) {
      const sender = await bed.sender({ name: `office of ${credential}`, credential, tls: 'starttls' })
      const { id } = await bed.outbox.accept({ ...letter, sender: sender.id }, somebody)
      const waits = await untilDelayed(bed, id)
      assert.ok(waits.problem, 'it says why it waits')
    }
    assert.deepEqual(bed.server.logins, [])
    assert.deepEqual(bed.server.mails, [])
    assert.ok(bed.server.connections >= 2)
  })
}
