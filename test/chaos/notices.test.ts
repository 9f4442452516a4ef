import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simpleParser } from 'mailparser'
import { Secret } from '../../src/base/secret.ts'
import { startChild } from '../children/child.ts'
import { makeMailBed, openMail, somebody, until } from '../mail-world.ts'
import { makeNoticeNode } from '../notice-world.ts'
import { startWebhookReceiver } from '../webhook-receiver.ts'
import { databases, openWorld } from '../world.ts'

for (const kind of databases) {
  describe(`a process killed while it tells, on ${kind}`, () => {
    it('everything is told in one mail and one message, however often a process dies', { timeout: 120_000 }, async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, start: false })
      const receiver = await startWebhookReceiver()
      t.after(() => receiver.close())
      await bed.sender({ credential: await bed.password() })
      await bed.options.set(
        { defaultSender: 'office', fallbacks: [], notify: { to: ['ops@example.org'], events: ['credential.broken'], reminders: false } },
        somebody,
      )
      const { secret } = await bed.webhooks.create({ name: 'pager', url: new Secret(`${receiver.url}/`), events: ['credential.broken'] }, somebody)
      receiver.secrets.push(secret.reveal())
      await makeNoticeNode(bed).notices.look()
      await bed.outbox.stop()
      await bed.world.close()

      const broken: string[] = []
      for (let round = 0; round < 6; round++) {
        const child = startChild('tell-notices.ts', bed.place.folder, bed.place.url ?? '-', String(round * 1000))
        const most = 2 + Math.floor(Math.random() * 12)
        await until('some are broken', () => child.lines.filter((line) => line.startsWith('broke ')).length >= most, 60)
        await child.kill9()
        broken.push(...child.lines.flatMap((line) => /^broke (.+)$/.exec(line)?.[1] ?? []))
      }

      const world = await openWorld(bed.place)
      const mail = openMail(world)
      const node = makeNoticeNode(mail)
      try {
        const { db } = world.context
        // What a lease held by a dead process would take a minute to say.
        await db.updateTable('jobs').set({ lease: null, lease_until: null }).execute()
        await node.notices.look()
        await node.jobs.start()
        mail.outbox.start()
        await until('all mail is sent', async () => (await mail.outbox.waiting()) === 0, 60)
        await until('all messages are delivered', async () => (await db.selectFrom('jobs').select('id').execute()).length === 0, 60)
        const texts = await Promise.all(bed.server.mails.map(async ({ data }) => (await simpleParser(data)).text ?? ''))
        // A message may come twice when the process died before it could write down that it came; its id says so.
        const messages = [...new Map(receiver.seen.map((one) => [one.id, one])).values()]
        const named = (name: string) => [
          texts.filter((text) => text.includes(`- ${name}`)).length,
          messages.filter((one) => one.body.includes(`"${name}"`)).length,
        ]
        assert.ok(broken.length >= 12)
        assert.equal(receiver.wrong.length, 0)
        assert.deepEqual(
          broken.filter((name) => String(named(name)) !== '1,1').map((name) => [name, ...named(name)]),
          [],
        )
        assert.equal((await world.context.audit.verify()).ok, true)
      } finally {
        await node.stop()
        await mail.outbox.stop()
        await world.close()
      }
    })
  })
}
