import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startChild } from '../children/child.ts'
import { letter, makeMailBed, somebody, until, untilStatus, type MailBed } from '../mail-world.ts'
import { databases, openWorld } from '../world.ts'
import { openMail } from '../mail-world.ts'

/** Every step of a send at which the sending process can die; `taken` is the window in which the server has it and nobody knows. */
const steps = ['greeting', 'login', 'mail', 'rcpt', 'data', 'taken', 'answered'] as const

for (const kind of databases) {
  const bedOf = async (t: TestContext): Promise<MailBed> => {
    const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, start: false })
    await bed.sender({ credential: await bed.password() })
    return bed
  }
  /** Closes this process's view, so that another may open the place, and opens it again afterwards. */
  const elsewhere = async (bed: MailBed, work: (folder: string, url: string) => Promise<void>) => {
    await bed.outbox.stop()
    await bed.world.close()
    await work(bed.place.folder, bed.place.url ?? '-')
    const world = await openWorld(bed.place)
    // What a start does on the embedded database; on PostgreSQL the lease of the dead runs out by itself.
    await world.store.db.updateTable('messages').set({ lease: null, lease_until: null }).execute()
    return openMail(world)
  }

  describe(`a process killed while it sends, on ${kind}`, () => {
    for (const step of steps) {
      it(`${step}: the message is not lost, and comes twice only if the server had taken it`, { timeout: 60_000 }, async (t) => {
        const bed = await bedOf(t)
        const { id, messageId } = await bed.outbox.accept(letter, somebody)
        const again = await elsewhere(bed, async (folder, url) => {
          const child = startChild('send-mail.ts', folder, url)
          await new Promise<void>((killed) => {
            const kill = (then: undefined | 'hang') => async () => {
              if (then === undefined) setTimeout(() => void child.kill9().then(killed), 3)
              else await child.kill9().then(killed)
              return then
            }
            if (step === 'taken') bed.server.on.message = kill('hang')
            else if (step === 'answered') bed.server.on.message = kill(undefined)
            else bed.server.on[step] = kill('hang') as never
          })
          bed.server.on = {}
        })
        try {
          const taken = step === 'taken' ? 1 : bed.server.mails.length
          again.outbox.start()
          await untilStatus(again, id, 'sent')
          const copies = bed.server.mails.map((mail) => /^Message-ID: (.*)\r$/m.exec(mail.data)?.[1])
          assert.ok(copies.length >= 1 && copies.length <= 1 + taken, copies.join())
          assert.ok(copies.every((copy) => copy === messageId))
          assert.equal((await again.world.context.audit.verify()).ok, true)
        } finally {
          await again.outbox.stop()
          await again.world.close()
        }
      })
    }

    it('whatever was accepted before the kill is sent after it', { timeout: 60_000 }, async (t) => {
      const bed = await bedOf(t)
      const accepted: string[] = []
      const again = await elsewhere(bed, async (folder, url) => {
        for (let round = 0; round < 3; round++) {
          const child = startChild('send-mail.ts', folder, url, 'accept')
          const most = 3 + Math.floor(Math.random() * 20)
          await until('messages accepted', () => child.lines.filter((line) => line.startsWith('accepted')).length >= most, 30)
          await child.kill9()
          accepted.push(...child.lines.flatMap((line) => /^accepted (<.+>)$/.exec(line)?.[1] ?? []))
        }
      })
      try {
        again.outbox.start()
        const arrived = () => new Set(bed.server.mails.map((mail) => /^Message-ID: (.*)\r$/m.exec(mail.data)?.[1]))
        await until('all of them', () => accepted.every((messageId) => arrived().has(messageId)), 30)
        assert.equal(arrived().size, bed.server.mails.length, 'nothing came twice')
      } finally {
        await again.outbox.stop()
        await again.world.close()
      }
    })
  })
}
