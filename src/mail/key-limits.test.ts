import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { MailLimits } from '../access/types.ts'
import { createTestClock } from '../base/clock.ts'
import { accepted, hand, mail, plain, relayBedOf, report, type RelayBed } from '../../test/relay-world.ts'
import { openRaw, type RawClient } from '../../test/smtp-client.ts'
import { databases, tester } from '../../test/world.ts'
import { KeyLimits } from './key-limits.ts'

const none: MailLimits = { messagesPerHour: null, recipientsPerMessage: null, bytesPerMessage: null }

async function limited(bed: RelayBed, limits: Partial<MailLimits>): Promise<{ open: () => Promise<RawClient>; key: string }> {
  const made = await bed.keys.create({ name: 'shop', permissions: [{ credential: '*', rights: ['mail'] }], mailLimits: { ...none, ...limits } }, tester)
  const key = made.key.reveal()
  const open = async () => {
    const client = await openRaw(bed.port)
    await client.say('EHLO shop')
    assert.match(await client.say(plain(key)), /^235/)
    return client
  }
  return { open, key }
}

for (const kind of databases) {
  describe(`what an access key may send at most, on ${kind}`, () => {
    const clock = createTestClock()
    const bedOf = (t: TestContext) => relayBedOf(t, { kind, clock, start: false })

    it('messages an hour: the next one is told when to come, and taken then; other keys go on', async (t) => {
      const bed = await bedOf(t)
      const { open } = await limited(bed, { messagesPerHour: 3 })
      const client = await open()
      for (let i = 0; i < 3; i++) {
        accepted(await hand(client, ['bob@example.net'], report))
        clock.jump(600_000)
      }
      const refused = await client.say('MAIL FROM:<anna@example.org>')
      assert.match(refused, /^450 4\.7\.28 The access key "shop" may send 3 messages an hour, and has\. The next one may come in 30 min\./)
      const other = await openRaw(bed.port)
      await other.say('EHLO a')
      await other.say(plain(bed.key))
      accepted(await hand(other, ['bob@example.net'], report))
      clock.jump(1_801_000)
      accepted(await hand(client, ['bob@example.net'], report))
      assert.match(await client.say('MAIL FROM:<anna@example.org>'), /^450 4\.7\.28/)
      client.close()
      other.close()
    })

    it('sessions that hand in at the same time get no more through, and a restart forgets nothing', async (t) => {
      const bed = await bedOf(t)
      const { open, key } = await limited(bed, { messagesPerHour: 5 })
      const clients = await Promise.all(Array.from({ length: 12 }, open))
      for (const client of clients) {
        for (const line of ['MAIL FROM:<anna@example.org>', 'RCPT TO:<bob@example.net>']) assert.match(await client.say(line), /^250/)
        assert.match(await client.say('DATA'), /^354/)
      }
      for (const client of clients) client.write(`${report}.\r\n`)
      const replies = await Promise.all(clients.map((client) => client.next()))
      const took = replies.filter((reply) => reply.startsWith('250')).length
      assert.ok(took >= 1 && took <= 5, `${took} were taken`)
      assert.equal(replies.filter((reply) => reply.startsWith('450 4.7.28')).length, 12 - took)
      // Whoever was turned away comes again one after another.
      for (let i = took; i < 5; i++) accepted(await hand(clients[0]!, ['bob@example.net'], report))
      assert.match(await clients[0]!.say('MAIL FROM:<anna@example.org>'), /^450/)
      for (const client of clients) client.close()
      const caller = await bed.keys.authenticate(`Bearer ${key}`, '127.0.0.1')
      await assert.rejects(new KeyLimits(bed.context).checkRate(caller), { code: 'rate_limited', retryAfter: 3600 })
    })

    it('recipients: those beyond are put off, so that the client sends to them in a second message', async (t) => {
      const bed = await bedOf(t)
      const { open } = await limited(bed, { recipientsPerMessage: 2 })
      const client = await open()
      await client.say('MAIL FROM:<anna@example.org>')
      for (const one of ['a', 'b']) assert.match(await client.say(`RCPT TO:<${one}@example.net>`), /^250/)
      assert.match(await client.say('RCPT TO:<c@example.net>'), /^452 4\.5\.3 The access key "shop" may send to 2 at once/)
      await client.say('DATA')
      client.write(`${report}.\r\n`)
      const view = await bed.outbox.get(accepted(await client.next()))
      assert.deepEqual(
        view.recipients.map((one) => one.address),
        ['a@example.net', 'b@example.net'],
      )
      accepted(await hand(client, ['c@example.net'], report))
      client.close()
    })

    it('bytes: a message that is announced as too large is refused before it comes, another one after', async (t) => {
      const bed = await bedOf(t)
      const { open } = await limited(bed, { bytesPerMessage: 1000 })
      const client = await open()
      assert.match(await client.say('MAIL FROM:<anna@example.org> SIZE=1001'), /^552 5\.3\.4 The message has 1001 bytes; The access key "shop" may send 1000/i)
      assert.match(await client.say('MAIL FROM:<anna@example.org> SIZE=1000'), /^250/)
      await client.say('RSET')
      const long = mail('From: anna@example.org', `X-Filler: ${'x'.repeat(900)}`, `X-Filler: ${'x'.repeat(200)}`)
      assert.match(await hand(client, ['bob@example.net'], long), /^552 5\.3\.4/)
      accepted(await hand(client, ['bob@example.net'], report))
      assert.equal((await bed.outbox.list({})).items.length, 1)
      client.close()
    })

    it('a message that was not kept counts for nothing', async (t) => {
      const bed = await bedOf(t)
      const { key } = await limited(bed, { messagesPerHour: 1 })
      const caller = await bed.keys.authenticate(`Bearer ${key}`, '127.0.0.1')
      const limiter = new KeyLimits(bed.context).limiterOf(caller)
      for (let i = 0; i < 3; i++) {
        const work = limiter({ bytes: 1, recipients: 1 }, () => Promise.reject(new Error('the disk is full')))
        await assert.rejects(work, /the disk is full/)
      }
      assert.equal(await limiter({ bytes: 1, recipients: 1 }, async () => 'kept'), 'kept')
    })
  })
}
