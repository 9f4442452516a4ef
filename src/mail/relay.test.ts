import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until, untilStatus } from '../../test/mail-world.ts'
import { accepted, hand, logIn, mail, plain, relayBedOf, report, type RelayBed } from '../../test/relay-world.ts'
import { openRaw } from '../../test/smtp-client.ts'
import { databases, tester } from '../../test/world.ts'

const sent = async (bed: RelayBed) => await until('the mail has arrived', () => bed.server.mails.at(-1))

for (const kind of databases) {
  describe(`the relay on ${kind}`, () => {
    it('says 250 when the message is in the outbox, and the outbox sends it to those of RCPT', async (t) => {
      const bed = await relayBedOf(t, { kind, start: false })
      const client = await logIn(bed)
      const id = accepted(await hand(client, ['bob@example.net', 'hidden@example.net'], report))
      const view = await bed.outbox.get(id)
      assert.equal(view.status, 'queued')
      assert.deepEqual(
        view.recipients.map((one) => one.address),
        ['bob@example.net', 'hidden@example.net'],
      )
      bed.outbox.start()
      await untilStatus(bed, id, 'sent')
      const [arrived] = bed.server.mails
      assert.deepEqual(arrived?.to, ['bob@example.net', 'hidden@example.net'])
      assert.match(arrived?.data ?? '', /^Received: from printer\.example\.org \(\[127\.0\.0\.1\]\)\r\n\tby \S+ \(Keybearer\) with ESMTPA;\r\n\t\w{3}, /)
      const [record] = (await bed.context.audit.list({ action: 'message.accepted' })).items
      assert.deepEqual([record?.actor.name, record?.detail?.by], ['mailer', 'relay'])
      client.close()
    })

    it('gives a message on byte for byte, in whatever encoding it is', async (t) => {
      const bed = await relayBedOf(t, { kind, start: false })
      const client = await logIn(bed)
      const fields =
        'From: anna@example.org\r\nTo: bob@example.net\r\nSubject: caf\xe9\r\nDate: Thu, 26 Nov 2026 01:00:00 +0000\r\nMessage-ID: <m@example.org>\r\n'
      for (const body of ['latin: \xe9\xff\x80\r\n..two dots\r\n. one\r\n\r\n', 'utf-8: ', '\r\n\r\n']) {
        const whole = Buffer.from(`${fields}X-Folded: a\r\n\tb\r\n\r\n${body}\r\n`, 'latin1')
        const id = accepted(await hand(client, ['bob@example.net'], Buffer.from(whole.toString('latin1').replace(/^\./gm, '..'), 'latin1')))
        const row = await bed.world.store.db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
        assert.equal(row.message_id, '<m@example.org>')
        assert.equal((await readBack(bed, id)).subarray(-whole.length).toString('latin1'), whole.toString('latin1'))
      }
      client.close()
    })

    it('Bcc and Return-Path are taken out, and nobody whom only they name gets the mail', async (t) => {
      const bed = await relayBedOf(t, { kind })
      const client = await logIn(bed)
      const message = mail(
        'Return-Path: <x@example.org>',
        'From: anna@example.org',
        'To: bob@example.net, eve@example.net',
        'Bcc: secret@example.net,',
        ' other@example.net',
        'Subject: s',
      )
      await untilStatus(bed, accepted(await hand(client, ['bob@example.net'], message)), 'sent')
      const { to, data } = await sent(bed)
      assert.deepEqual(to, ['bob@example.net'])
      assert.doesNotMatch(data, /secret@|other@|Return-Path|Bcc/i)
      client.close()
    })

    it('sends by the sender whose address From is, else one of its domain, else refuses and says what to do', async (t) => {
      const bed = await relayBedOf(t, { kind, start: false })
      const other = await bed.sender({ name: 'shop', from: 'shop@example.com', credential: 'old-mail' })
      const client = await logIn(bed)
      const through = async (from: string) => {
        const reply = await hand(client, ['bob@example.net'], mail(`From: ${from}`), 'whoever@example.org')
        return reply.startsWith('250') ? (await bed.outbox.get(accepted(reply))).sender.name : reply
      }
      assert.equal(await through('shop@example.com'), 'shop')
      assert.equal(await through('news@example.com'), 'shop')
      assert.equal(await through('ANNA@example.org'), 'office')
      assert.match(await through('eve@elsewhere.example'), /^550 5\.7\.1 From is eve@elsewhere\.example, .*KEYBEARER_RELAY_FROM=rewrite/)
      assert.match(await through('anna@example.org, eve@elsewhere.example'), /^550 5\.7\.1/)
      const only = await bed.keys.create({ name: 'job', permissions: [{ credential: `${other.credential!.id}x`, rights: ['mail'] }] }, tester)
      const stranger = await openRaw(bed.port)
      await stranger.say('EHLO a')
      await stranger.say(plain(only.key.reveal()))
      assert.match(await hand(stranger, ['bob@example.net'], mail('From: shop@example.com')), /^550 5\.7\.1 There is no sender that may be used/)
      const refused = (await bed.context.audit.list({ action: 'api.refused' })).items
      assert.deepEqual(refused[0]?.detail, { endpoint: 'relay' })
      client.close()
      stranger.close()
    })

    it('a login that is wrong is refused, recorded, and ends the connection the third time', async (t) => {
      const bed = await relayBedOf(t, { kind })
      const client = await openRaw(bed.port)
      await client.say('EHLO a')
      assert.match(await client.say('MAIL FROM:<anna@example.org>'), /^530 5\.7\.0 Log in first/)
      const wrong = plain(bed.key.slice(0, -1) + (bed.key.endsWith('0') ? '1' : '0'))
      assert.match(await client.say(wrong), /^535 5\.7\.8 The access key is mistyped/)
      await client.say(wrong)
      assert.match(await client.say(wrong), /^421 4\.7\.0/)
      await client.closed
      const records = (await bed.context.audit.list({ action: 'access_key.refused' })).items
      assert.equal(records.length, 4)
      assert.equal(records[0]?.address, '127.0.0.1')
      const reader = await bed.keys.create({ name: 'reader', permissions: [{ credential: '*', rights: ['read'] }] }, tester)
      const second = await openRaw(bed.port)
      await second.say('EHLO a')
      assert.match(await second.say(plain(reader.key.reveal())), /^535 5\.7\.8 The access key "reader" lacks the right "mail"/)
      second.close()
    })

    it('a key that was revoked sends nothing more, in an open session either', async (t) => {
      const bed = await relayBedOf(t, { kind })
      const client = await logIn(bed)
      accepted(await hand(client, ['bob@example.net'], report))
      await client.say('MAIL FROM:<anna@example.org>')
      await client.say('RCPT TO:<bob@example.net>')
      await client.say('DATA')
      await bed.keys.revoke('mailer', tester)
      client.write(`${report}.\r\n`)
      assert.match(await client.next(), /^535 5\.7\.8 The access key "mailer" was revoked/)
      assert.match(await client.say('MAIL FROM:<anna@example.org>'), /^535 5\.7\.8/)
      client.close()
    })
  })
}

const readBack = async (bed: RelayBed, id: string): Promise<Buffer> => {
  bed.outbox.start()
  await untilStatus(bed, id, 'sent')
  return Buffer.from(bed.server.mails.at(-1)!.data, 'latin1')
}

describe('the relay', () => {
  it('rewrites a foreign From where it is set to, and answers still go to whom it came from', async (t) => {
    const bed = await relayBedOf(t, { foreignFrom: 'rewrite' })
    const client = await logIn(bed)
    accepted(await hand(client, ['bob@example.net'], mail('From: "Shop, The" <eve@elsewhere.example>', 'To: bob@example.net')))
    const { from, data } = await sent(bed)
    assert.equal(from, 'anna@example.org')
    assert.match(data, /^From: anna@example\.org\r\nReply-To: "Shop, The" <eve@elsewhere\.example>\r$/m)
    client.close()
  })

  it('takes mail without a login from a listed network only, with the From of its sender whatever it says', async (t) => {
    const bed = await relayBedOf(t, { open: { networks: ['127.0.0.2/32'], sender: 'office' } })
    const device = await openRaw(bed.port, { from: '127.0.0.2' })
    await device.say('EHLO scanner')
    accepted(await hand(device, ['bob@example.net'], mail('From: boss@example.org', 'Subject: scan'), 'boss@example.org'))
    const { data } = await sent(bed)
    assert.match(data, /^From: anna@example\.org\r$/m)
    assert.match(data, /^Reply-To: boss@example\.org\r$/m)
    const other = await openRaw(bed.port)
    await other.say('EHLO scanner')
    assert.match(await other.say('MAIL FROM:<boss@example.org>'), /^530/)
    device.close()
    other.close()
  })

  it('a bare line feed begins no second message, neither here nor at the next server', async (t) => {
    const bed = await relayBedOf(t)
    const client = await logIn(bed)
    const smuggled = `${report}\n.\r\nMAIL FROM:<anna@example.org>\r\nRCPT TO:<eve@example.net>\r\nDATA\r\nFrom: anna@example.org\r\n\r\nforged\r\n`
    await untilStatus(bed, accepted(await hand(client, ['bob@example.net'], smuggled)), 'sent')
    assert.equal(bed.server.mails.length, 1)
    assert.deepEqual(bed.server.complaints, [])
    assert.match(bed.server.mails[0]!.data, /forged/)
    client.close()
  })

  it('refuses what is too large, has too many recipients, or goes round in a circle', async (t) => {
    const bed = await relayBedOf(t, { mail: { maxBytes: 5000 } })
    const client = await logIn(bed)
    assert.match(await client.say('MAIL FROM:<anna@example.org> SIZE=5001'), /^552 5\.3\.4/)
    assert.match(await hand(client, ['bob@example.net'], `${report}${'x'.repeat(70)}\r\n`.repeat(80)), /^552 5\.3\.4 The message is larger than 5000 bytes/)
    const circle = mail(...Array.from({ length: 50 }, (_, i) => `Received: from a${i} by b`), 'From: anna@example.org')
    assert.match(await hand(client, ['bob@example.net'], circle), /^554 5\.4\.6 The message has passed 50 servers/)
    await client.say('MAIL FROM:<anna@example.org>')
    for (let i = 0; i < 500; i++) await client.say(`RCPT TO:<b${i}@example.net>`)
    assert.match(await client.say('RCPT TO:<one-too-many@example.net>'), /^452 4\.5\.3/)
    assert.equal((await bed.outbox.list({})).items.length, 0)
    client.close()
  })

  it('a connection that breaks off in a message leaves nothing behind', async (t) => {
    const bed = await relayBedOf(t)
    const client = await logIn(bed)
    await client.say('MAIL FROM:<anna@example.org>')
    await client.say('RCPT TO:<bob@example.net>')
    await client.say('DATA')
    client.write(report)
    client.close()
    const next = await logIn(bed)
    accepted(await hand(next, ['bob@example.net'], report))
    assert.equal((await bed.outbox.list({})).items.length, 1)
    next.close()
  })

  it('greets at once', async (t) => {
    const bed = await relayBedOf(t)
    const times: number[] = []
    for (let i = 0; i < 5; i++) {
      const begun = performance.now()
      ;(await openRaw(bed.port)).close()
      times.push(performance.now() - begun)
    }
    assert.ok(Math.min(...times) < 80, `the fastest greeting took ${Math.min(...times)} ms`)
  })
})
