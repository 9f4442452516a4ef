import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until, untilStatus } from '../../test/mail-world.ts'
import { accepted, hand, logIn, mail, plain, relayBedOf, report } from '../../test/relay-world.ts'
import { openRaw } from '../../test/smtp-client.ts'
import { databases } from '../../test/world.ts'

for (const kind of databases) {
  describe(`the relay and bad luck, on ${kind}`, () => {
    it('1,000 sessions at once hand in a message each, and one more is put off', { timeout: 120_000 }, async (t) => {
      const bed = await relayBedOf(t, { kind, start: false })
      const clients = await Promise.all(Array.from({ length: 1000 }, () => logIn(bed)))
      const late = await openRaw(bed.port)
      assert.match(late.replies[0] ?? '', /^421 /)
      await late.closed
      const ids = await Promise.all(
        clients.map(async (client, i) => accepted(await hand(client, [`bob${i}@example.net`], mail('From: anna@example.org', `Subject: ${i}`)))),
      )
      assert.equal(new Set(ids).size, 1000)
      const { rows } = { rows: await bed.world.store.db.selectFrom('messages').select(['id', 'recipients', 'subject']).execute() }
      assert.equal(rows.length, 1000)
      for (const { recipients, subject } of rows) assert.match(recipients, new RegExp(`"bob${subject}@example\\.net"`))
      assert.equal((await bed.context.audit.verify()).ok, true)
      for (const client of clients) client.close()
      // The places are free again.
      const next = await until('a place is free', async () => {
        const client = await openRaw(bed.port)
        return client.replies[0]?.startsWith('220') ? client : undefined
      })
      next.close()
    })
  })
}

describe('the relay and bad luck', () => {
  it('a client that sends a byte at a time is waited for; one that does not end, and one that does not log in, are not', async (t) => {
    const bed = await relayBedOf(t, { relay: { times: { login: 1500, message: 1500 }, lookEvery: 50 } })
    const slow = await logIn(bed)
    await slow.say('MAIL FROM:<anna@example.org>')
    await slow.say('RCPT TO:<bob@example.net>')
    await slow.say('DATA')
    for (const byte of Buffer.from(`${mail('From: anna@example.org', 'Subject: slow')}.\r\n`)) {
      slow.write(Buffer.of(byte))
      await sleep(2)
    }
    accepted(await slow.next())
    // It is logged in: it may wait as long as it likes.
    const silent = await openRaw(bed.port)
    await silent.closed
    assert.match(silent.replies.at(-1) ?? '', /^421 4\.4\.2 Nobody has logged in/)
    assert.match(await slow.say('NOOP'), /^250/)
    await slow.say('MAIL FROM:<anna@example.org>')
    await slow.say('RCPT TO:<bob@example.net>')
    await slow.say('DATA')
    let isOver = false
    void slow.closed.then(() => (isOver = true))
    while (!isOver) {
      slow.write('x')
      await sleep(20)
    }
    assert.match(slow.replies.at(-1) ?? '', /^421 4\.4\.2 The message takes too long/)
    assert.equal((await bed.outbox.list({})).items.length, 1)
  })

  it('one machine cannot take every place: sessions without a login are few for each address', async (t) => {
    const outside = ownAddress()
    const bed = await relayBedOf(t, { relay: { host: '0.0.0.0' } })
    const open = () => openRaw(bed.port, { host: outside, from: outside })
    const strangers = await Promise.all(Array.from({ length: 100 }, open))
    assert.ok(strangers.every((client) => client.replies[0]?.startsWith('220')))
    const refused = await open()
    assert.match(refused.replies[0] ?? '', /^421 4\.3\.2 Too many sessions from this address/)
    const other = await logIn(bed)
    accepted(await hand(other, ['bob@example.net'], report))
    for (const client of strangers) client.close()
    await until('the address may come again', async () => (await open()).replies[0]?.startsWith('220'))
    other.close()
  })

  it('a line without an end ends the session as a command, and is taken or refused by its size as a message', async (t) => {
    const bed = await relayBedOf(t, { mail: { maxBytes: 500_000 }, start: false })
    const client = await openRaw(bed.port)
    let isOver = false
    void client.closed.then(() => (isOver = true))
    let written = 0
    while (!isOver && written < 50_000_000) {
      client.write('A'.repeat(10_000))
      written += 10_000
      await sleep(0)
    }
    await client.closed
    assert.match(client.replies.at(-1) ?? '', /^421/)
    assert.ok(written < 5_000_000, `${written} bytes were written before it ended`)

    const writer = await logIn(bed)
    const line = 'x'.repeat(400_000)
    accepted(await hand(writer, ['bob@example.net'], mail('From: anna@example.org', `X-Long: ${line}`)))
    assert.match(await hand(writer, ['bob@example.net'], `From: anna@example.org\r\n\r\n${'y'.repeat(600_000)}\r\n`), /^552 5\.3\.4/)
    assert.match(await hand(writer, ['bob@example.net'], `From: ${'a@b.example,'.repeat(30_000)}anna@example.org\r\n\r\n\r\n`), /^550 5\.7\.1/)
    assert.equal((await bed.outbox.list({})).items.length, 1)
    writer.close()
  })

  it('whatever looks like the end of a message to one server and not to the next stays one message', { timeout: 60_000 }, async (t) => {
    const bed = await relayBedOf(t)
    const ends = [
      '\n.\n',
      '\n.\r\n',
      '\r\n.\n',
      '\r.\r\n',
      '\r\n.\r',
      '\r.\r',
      '\n.\r',
      '\r\n\0.\r\n',
      '\r\n.\0\r\n',
      '\r\n .\r\n',
      '\r\n..\n',
      '\r\r\n.\r\r\n',
      '\n\n.\r\n',
    ]
    const forged = 'MAIL FROM:<anna@example.org>\r\nRCPT TO:<eve@example.net>\r\nDATA\r\nFrom: anna@example.org\r\n\r\nforged\r\n'
    let sent = 0
    for (const end of ends) {
      for (const isCut of [false, true]) {
        const client = await logIn(bed)
        const message = `${report}before${end}${forged}`
        const bytes = Buffer.from(message.replace(/^\.\./gm, '...'), 'latin1')
        if (!isCut) await untilStatus(bed, accepted(await hand(client, ['bob@example.net'], bytes)), 'sent')
        else {
          for (const line of ['MAIL FROM:<anna@example.org>', 'RCPT TO:<bob@example.net>', 'DATA']) await client.say(line)
          const middle = bytes.indexOf('before') + 6
          // Each byte of the false end in a packet of its own.
          client.write(bytes.subarray(0, middle))
          for (let i = middle; i < middle + end.length; i++) {
            await sleep(1)
            client.write(bytes.subarray(i, i + 1))
          }
          client.write(bytes.subarray(middle + end.length))
          client.write('.\r\n')
          await untilStatus(bed, accepted(await client.next()), 'sent')
        }
        sent += 1
        assert.equal(bed.server.mails.length, sent, JSON.stringify(end))
        const { to, data } = bed.server.mails.at(-1)!
        assert.deepEqual(to, ['bob@example.net'])
        assert.match(data, /forged/)
        assert.doesNotMatch(data, /\r(?!\n)|(?<!\r)\n/)
        client.close()
      }
    }
    assert.deepEqual(bed.server.complaints, [])
  })

  it('a storm of bad logins is turned away and recorded in part; a good key gets in from the same address', async (t) => {
    const bed = await relayBedOf(t)
    const wrong = plain(bed.key.slice(0, -1) + (bed.key.endsWith('0') ? '1' : '0'))
    const firsts: string[] = []
    for (let i = 0; i < 40; i++) {
      const client = await openRaw(bed.port)
      await client.say('EHLO a')
      firsts.push(await client.say(wrong))
      client.close()
    }
    const turnedAway = firsts.filter((reply) => reply.startsWith('421 4.7.0 Too many logins from this address'))
    assert.ok(
      firsts.slice(0, 20).every((reply) => reply.startsWith('535')),
      firsts.join(''),
    )
    assert.ok(turnedAway.length >= 15, `${turnedAway.length} were turned away`)
    const records = (await bed.context.audit.list({ action: 'access_key.refused', limit: 500 })).items
    assert.ok(records.length >= 20 && records.length < 30, `${records.length} records`)
    const client = await logIn(bed)
    accepted(await hand(client, ['bob@example.net'], report))
    const elsewhere = await openRaw(bed.port, { from: '127.0.0.9' })
    await elsewhere.say('EHLO a')
    assert.match(await elsewhere.say(wrong), /^535/)
    client.close()
    elsewhere.close()
  })

  it('nothing that comes in becomes a header or a recipient of its own', async (t) => {
    const bed = await relayBedOf(t, { foreignFrom: 'rewrite' })
    const client = await openRaw(bed.port)
    await client.say('EHLO evil\rBcc:eve@example.net')
    await client.say('EHLO evil);Bcc:<eve@example.net>')
    await client.say(plain(bed.key))
    for (const line of [
      'RCPT TO:<bob@example.net\r>',
      'RCPT TO:<"bob Bcc: eve"@example.net>',
      'RCPT TO:<bob@example.net, eve@example.net>',
      'RCPT TO:<bob@exa\0mple.net>',
      'RCPT TO:<>',
    ]) {
      await client.say('MAIL FROM:<anna@example.org>')
      client.write(`${line}\r\n`)
      assert.match(await client.next(), /^5\d\d/, line)
      await client.say('RSET')
    }
    client.close()
    const writer = await openRaw(bed.port)
    await writer.say('EHLO evil);Bcc:<eve@example.net>')
    await writer.say(plain(bed.key))
    const tricks = [
      'From: =?utf-8?q?x=0D=0ABcc:_eve=40example.net?= <eve@elsewhere.example>',
      'Subject: =?utf-8?b?eA0KQmNjOiBldmVAZXhhbXBsZS5uZXQ=?=',
      'To: bob@example.net',
      'bCC : eve@example.net',
      'Bcc:',
      ' eve@example.net',
      'Resent-Bcc: eve@example.net',
    ]
    const id = accepted(await hand(writer, ['bob@example.net'], mail(...tricks), 'eve@elsewhere.example'))
    const view = await untilStatus(bed, id, 'sent')
    assert.doesNotMatch(view.subject, /[\r\n]/)
    const [arrived] = bed.server.mails
    assert.deepEqual(arrived?.to, ['bob@example.net'])
    const header = arrived.data.slice(0, arrived.data.indexOf('\r\n\r\n'))
    assert.doesNotMatch(header, /^(?:resent-)?bcc/im)
    assert.match(header, /^Received: from evil__bcc:_eve_example\.net_ \(\[127\.0\.0\.1\]\)\r$/m)
    assert.equal(bed.server.mails.length, 1)
    writer.close()
  })

  it('a From that nobody may use is refused, in whatever dress it comes', async (t) => {
    const bed = await relayBedOf(t, { start: false })
    const client = await logIn(bed)
    for (const from of [
      'From: eve@elsewhere.example',
      'From: anna@example.org <eve@elsewhere.example>',
      'From: "anna@example.org" <eve@elsewhere.example>',
      'From: anna@example.org, eve@elsewhere.example',
      'From: anna@example.org\r\nFrom: eve@elsewhere.example',
      'from : eve@elsewhere.example',
      'FROM:\r\n eve@elsewhere.example',
      'From: friends: eve@elsewhere.example;',
      'From: anna@example.org.elsewhere.example',
      'From: anna@example.org@elsewhere.example',
      'From: <@example.org:eve@elsewhere.example>',
    ]) {
      const reply = await hand(client, ['bob@example.net'], mail(from, 'Subject: s'))
      assert.match(reply, /^550 5\.7\.1 .*(?:From is|no sender)/, `${from}: ${reply}`)
    }
    // The envelope says who it is from where the message does not.
    assert.match(await hand(client, ['bob@example.net'], mail('Subject: s'), 'eve@elsewhere.example'), /^550 5\.7\.1/)
    assert.equal((await bed.outbox.list({})).items.length, 0)
    client.close()
  })
})

/** An address of this machine that is not loopback. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find((one) => one.family === 'IPv4' && !one.internal)
  assert.ok(found, 'this machine has no address but loopback')
  return found.address
}
