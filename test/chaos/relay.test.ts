import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../src/storage/open.ts'
import { startChild, type Child } from '../children/child.ts'
import type { Said } from '../mail-server.ts'
import { makeMailBed, until, type MailBed } from '../mail-world.ts'
import { plain } from '../relay-world.ts'
import { freePort } from '../rig/ports.ts'
import { openRaw, type RawClient } from '../smtp-client.ts'
import { databases, openWorld, tester } from '../world.ts'

/** The whole takes minutes: KEYBEARER_TEST_CHAOS=whole npm test -- test/chaos/relay.test.ts */
const isWhole = process.env.KEYBEARER_TEST_CHAOS === 'whole'
const size = isWhole ? { messages: 2000, kills: 30, minutes: 30 } : { messages: 150, kills: 5, minutes: 3 }
const programs = 8

type Bed = MailBed & { port: number; key: string; start: () => Promise<Child> }

async function bedOf(t: TestContext, kind: (typeof databases)[number]): Promise<Bed> {
  const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, start: false })
  await bed.sender({ credential: await bed.password(), isDefault: true })
  const made = await bed.world.accessKeys.create({ name: 'mailer', permissions: [{ credential: '*', rights: ['mail'] }] }, tester)
  // From here on the place belongs to the process that is killed.
  await bed.outbox.stop()
  await bed.world.close()
  const port = await freePort()
  const running = new Set<Child>()
  const start = () =>
    patiently(async () => {
      const child = startChild('run-relay.ts', bed.place.folder, bed.place.url ?? '-', String(port))
      running.add(child)
      await child.says('ready')
      return child
    })
  t.after(async () => {
    for (const child of running) await child.kill9()
  })
  return { ...bed, port, key: made.key.reveal(), start }
}

/** A machine that stands still for a while has a database that answers late; what the service makes of that is tested elsewhere. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === 5 || !/database does not answer/.test(String(error))) throw error
      await sleep(1000)
    }
  }
}

/** Hands messages in one after another until it is told to stop, comes again when the connection is lost, and keeps book of the replies. */
async function runProgram(bed: Bed, name: string, book: { accepted: Set<string>; unknown: Set<string>; isOver: boolean }): Promise<void> {
  for (let n = 0; !book.isOver;) {
    if (!(await isOpen(bed.port))) {
      await sleep(20)
      continue
    }
    const client = await Promise.race([openRaw(bed.port), sleep(500).then(() => null)])
    if (client === null) continue
    await client.say('EHLO program')
    let isIn = (await client.say(plain(bed.key))).startsWith('235')
    while (isIn && !book.isOver) {
      n += 1
      const id = `<${name}-${n}@example.org>`
      const reply = await handIn(client, id)
      if (reply.startsWith('250')) book.accepted.add(id)
      // Whoever gets no reply does not know: a program would send it again. Here it is counted.
      else if (reply === '(closed)') book.unknown.add(id)
      isIn = /^\d/.test(reply)
    }
    client.close()
  }
}

async function handIn(client: RawClient, id: string): Promise<string> {
  for (const line of ['MAIL FROM:<anna@example.org>', 'RCPT TO:<bob@example.net>', 'DATA']) {
    const reply = await client.say(line)
    if (!/^[23]/.test(reply)) return reply === '(closed)' ? 'closed before it was handed in' : reply
  }
  client.write(`From: anna@example.org\r\nTo: bob@example.net\r\nSubject: x\r\nMessage-ID: ${id}\r\n\r\n${'All is well.\r\n'.repeat(20)}.\r\n`)
  return await client.next()
}

const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** Looks into the database of a process that was killed. */
const look = (bed: Bed) =>
  patiently(async () => {
    const store = await openDatabase({ folder: bed.place.folder, url: bed.place.url, now: Date.now() })
    try {
      return await store.db.selectFrom('messages').select(['message_id', 'status']).execute()
    } finally {
      await store.close()
    }
  })

const messageIdOf = (data: string) => /^Message-ID: (.*)\r$/m.exec(data)?.[1] ?? assert.fail('a mail without Message-ID')

for (const kind of databases) {
  describe(`the relay under kill -9, on ${kind}`, () => {
    it('a message for which it has said 250 is in the database when it is killed in the same moment', { timeout: 120_000 }, async (t) => {
      const bed = await bedOf(t, kind)
      bed.server.on.greeting = () => '421 4.3.2 away'
      const promised = new Set<string>()
      for (let round = 0; round < 3; round++) {
        const child = await bed.start()
        const clients = await Promise.all(
          Array.from({ length: 6 }, async () => {
            const client = await openRaw(bed.port)
            await client.say('EHLO program')
            assert.match(await client.say(plain(bed.key)), /^235/)
            return client
          }),
        )
        let killed: Promise<void> | undefined
        await Promise.all(
          clients.map(async (client, i) => {
            for (let n = 0; ; n++) {
              const id = `<${round}-${i}-${n}@example.org>`
              const reply = await handIn(client, id)
              if (!reply.startsWith('250')) return
              promised.add(id)
              // The moment comes with a promise, not between two.
              if (promised.size % 7 === 6) killed ??= child.kill9()
            }
          }),
        )
        await killed
        const kept = new Set((await look(bed)).map((row) => row.message_id))
        assert.deepEqual(
          [...promised].filter((id) => !kept.has(id)),
          [],
        )
      }
      assert.ok(promised.size >= 6)
    })

    const title = `${size.messages} messages, ${size.kills} kills and an upstream that flaps: each arrives, and twice only what was cut between DATA and its answer`
    it(title, { timeout: size.minutes * 60_000 }, async (t) => {
      const bed = await bedOf(t, kind)
      /** Taken by the server while nobody heard it: the answer was cut, or whoever should write it down was killed. */
      const cut = new Set<string>()
      let flap = 0
      const flaps = (said: Said[]) => (): Said => (flap++ % 23 < said.length ? said[flap % said.length] : undefined)
      bed.server.on = {
        greeting: flaps(['drop', '421 4.3.2 closing']),
        login: flaps(['454 4.7.0 later']),
        mail: flaps(['451 4.3.0 later', 'drop']),
        rcpt: flaps(['450 4.2.1 greylisted']),
        message: (mail) => {
          const said = flaps(['451 4.3.0 later', 'drop'])()
          if (said === 'drop') cut.add(messageIdOf(mail.data))
          return said
        },
      }
      const book = { accepted: new Set<string>(), unknown: new Set<string>(), isOver: false }
      t.after(() => (book.isOver = true))
      let child = await bed.start()
      const running = Array.from({ length: programs }, (_, i) => runProgram(bed, String(i), book))
      for (let kill = 1; kill <= size.kills; kill++) {
        const goal = Math.floor((kill * size.messages) / (size.kills + 1))
        await until(`${goal} accepted`, () => book.accepted.size >= goal, 300)
        await sleep(Math.random() * 300)
        await child.kill9()
        const taken = new Set(bed.server.mails.map((mail) => messageIdOf(mail.data)))
        for (const row of await look(bed)) if (row.status === 'sending' && taken.has(row.message_id)) cut.add(row.message_id)
        child = await bed.start()
      }
      await until('all accepted', () => book.accepted.size >= size.messages, 300)
      book.isOver = true
      await Promise.all(running)

      const copies = () => {
        const counts = new Map<string, number>()
        for (const { data } of bed.server.mails) counts.set(messageIdOf(data), (counts.get(messageIdOf(data)) ?? 0) + 1)
        return counts
      }
      bed.server.on = {}
      // As long as some arrive, the others are waited for.
      for (;;) {
        const arrived = copies()
        const missing = [...book.accepted].filter((id) => !arrived.has(id)).length
        if (missing === 0) break
        await until('more have arrived', () => [...book.accepted].filter((id) => !copies().has(id)).length < missing, 60)
      }
      // Until everything is settled: what was taken and not written down comes once more.
      await sleep(1000)
      await child.kill9()
      const world = await openWorld(bed.place)
      const rows = await world.store.db.selectFrom('messages').select(['message_id', 'status']).execute()
      assert.equal((await world.context.audit.verify()).ok, true)
      await world.close()
      const counts = copies()
      const twice = [...counts].filter(([, count]) => count > 1)
      t.diagnostic(
        `${kind}: ${book.accepted.size} accepted, ${size.kills} kills, ${book.unknown.size} without a reply, ${counts.size} arrived, ${cut.size} cut between DATA and its answer, ${twice.length} of them came twice`,
      )
      assert.deepEqual(
        twice.filter(([id]) => !cut.has(id)),
        [],
      )
      assert.equal(rows.filter((row) => row.status === 'failed').length, 0)
      // Nothing comes that nobody has handed in, and what had no reply is there whole or not at all.
      assert.ok([...counts.keys()].every((id) => book.accepted.has(id) || book.unknown.has(id)))
      assert.equal(new Set(rows.map((row) => row.message_id)).size, rows.length)
      assert.deepEqual(bed.server.complaints, [])
    })
  })
}
