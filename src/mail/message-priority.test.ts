import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { letter, makeMailBed, somebody, until, untilStatus } from '../../test/mail-world.ts'
import { databases } from '../../test/world.ts'
import { AccountGate } from './account-gate.ts'
import { headerFields, priorityOf } from './message-priority.ts'
import type { Delivery } from './types.ts'

const sent: Delivery = { kind: 'sent', reply: '250 2.0.0 ok', refused: [] }
const newsletter = { ...letter, subject: 'Newsletter', headers: { 'List-Unsubscribe': '<https://example.org/u>' } }
const reset = { ...letter, subject: 'Your new password', priority: 'high' } as const

const urgencyOf = (mime: string) => priorityOf(headerFields(Buffer.from(mime)))

describe('how urgent a message is', () => {
  it('stands in its header', () => {
    for (const [field, priority] of [
      ['Subject: a', 'normal'],
      ['List-Unsubscribe: <https://example.org/u>', 'low'],
      ['LIST-ID: news.example.org', 'low'],
      ['Precedence: bulk', 'low'],
      ['Precedence: first-class', 'normal'],
      ['X-Priority: 1 (Highest)', 'high'],
      ['X-Priority: 3', 'normal'],
      ['X-Priority: 5', 'low'],
      ['Importance: High', 'high'],
      ['Priority: non-urgent', 'low'],
      ['Importance: high\r\nPrecedence: list', 'low'],
    ] as const)
      assert.equal(urgencyOf(`${field}\r\nTo: b@x.y\r\n\r\nPrecedence: bulk\r\n`), priority, field)
    assert.equal(urgencyOf('To: b@x.y'), 'normal')
    assert.equal(urgencyOf(''), 'normal')
  })

  it('decides who goes first where several wait for one account', async () => {
    const gate = new AccountGate({ monotonic: () => 0 }, 1)
    const order: string[] = []
    let open = (): void => undefined
    const first = gate.deliver('a', 'low', () => new Promise((done) => (open = () => done(sent))))
    const others = (['low', 'normal', undefined, 'high', 'low', 'high'] as const).map((priority, i) =>
      gate.deliver('a', priority, async () => {
        order.push(`${i} ${priority ?? 'none'}`)
        return sent
      }),
    )
    open()
    await Promise.all([first, ...others])
    assert.deepEqual(order, ['3 high', '5 high', '1 normal', '2 none', '0 low', '4 low'])
  })
})

for (const kind of databases)
  describe(`the priorities of messages on ${kind}`, () => {
    it('a password goes before a newsletter that was there first, whether it has begun or not', { timeout: 120_000 }, async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] }, start: false })
      await bed.sender({ credential: await bed.password() })
      bed.server.on.message = async () => {
        await pause(2)
        return undefined
      }
      const subjects = () => bed.server.mails.map((mail) => /^Subject: (.*)\r$/m.exec(mail.data)?.[1])
      await Promise.all(Array.from({ length: 120 }, () => bed.outbox.accept(newsletter, somebody)))
      const early = await bed.outbox.accept(reset, somebody)
      assert.equal(early.priority, 'high')
      bed.outbox.start()
      await untilStatus(bed, early.id, 'sent')
      // Three connections work at a time, and which of them is the first to be there is open.
      assert.ok(subjects().indexOf(reset.subject) < 8, subjects().join())
      await until('some of the newsletter is out', () => bed.server.mails.length > 20)
      const late = await bed.outbox.accept({ ...reset, subject: 'Another password' }, somebody)
      const before = bed.server.mails.length
      await untilStatus(bed, late.id, 'sent')
      const place = subjects().indexOf('Another password') - before
      assert.ok(place < 25, `behind ${place} others`)
      await until('all of it', () => bed.server.mails.length === 122, 60)
    })

    it('a newsletter to a server that hangs leaves room for other mail', { timeout: 60_000 }, async (t) => {
      const bed = await makeMailBed(t, { kind, server: { mechanisms: ['PLAIN'] } })
      await bed.sender({ credential: await bed.password() })
      const other = await bed.sender({ name: 'other', credential: await bed.password('other-mail'), from: 'other@example.org' })
      let begun = 0
      bed.server.on.mail = async (from) => {
        if (!from.includes('anna@')) return undefined
        begun += 1
        return 'hang'
      }
      await Promise.all(Array.from({ length: 60 }, () => bed.outbox.accept(newsletter, somebody)))
      await until('the newsletter hangs', () => begun > 0)
      const { id } = await bed.outbox.accept({ ...letter, sender: other.id }, somebody)
      await untilStatus(bed, id, 'sent')
      const { db } = bed.world.store
      const underWay = await db.selectFrom('messages').select('id').where('status', '=', 'sending').execute()
      assert.ok(underWay.length <= 20, String(underWay.length))
    })
  })
