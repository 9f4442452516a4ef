import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sql } from 'kysely'
import { inTransaction } from '../storage/transaction.ts'
import { databases, makePlace, openWorld, tester, type World } from '../../test/world.ts'

async function withTrail(database: 'sqlite' | 'postgres', work: (world: World) => Promise<void>): Promise<void> {
  const place = await makePlace(database)
  const world = await openWorld(place)
  try {
    await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        world.context.audit.record({ actor: tester, action: 'token.handed_out', subject: `cred_${i}`, outcome: 'done', detail: { purpose: 'token', n: i } }),
      ),
    )
    assert.deepEqual((await world.context.audit.verify()).ok, true)
    await work(world)
  } finally {
    await world.close()
    await place.remove()
  }
}

const broken = async (world: World, firstBad: number, what: RegExp) => {
  const result = await world.context.audit.verify()
  assert.equal(result.ok, false)
  if (result.ok) return
  assert.equal(result.firstBad, firstBad)
  assert.match(result.what, what)
}

for (const database of databases) {
  describe(`the audit trail on ${database}`, () => {
    it('shares commits among records that arrive together, in the order they came', async () => {
      await withTrail(database, async (world) => {
        const { items } = await world.context.audit.list({ limit: 100 })
        assert.deepEqual(
          items.map((item) => item.seq),
          Array.from({ length: 30 }, (_, i) => 30 - i),
        )
        assert.equal(items[0]?.subject?.id, 'cred_29')
      })
    })

    it('A1: the same object many times at once is one record that says how often; it is counted anew after its commit', async () => {
      await withTrail(database, async (world) => {
        const { audit } = world.context
        const entryOf = (n: number) => ({ actor: tester, action: 'token.handed_out' as const, subject: 'cred_same', outcome: 'done' as const, detail: { n } })
        const [one, two] = [entryOf(1), entryOf(2)]
        await Promise.all([one, two, one, one, entryOf(1)].map((entry) => audit.record(entry)))
        await audit.record(one)
        await Promise.all([two, two].map((entry) => audit.record(entry)))
        const { items } = await audit.list({ subject: 'cred_same', limit: 100 })
        assert.deepEqual(items.map((item) => item.detail).toReversed(), [{ n: 1, count: 3 }, { n: 2 }, { n: 1 }, { n: 1 }, { n: 2, count: 2 }])
        assert.deepEqual([one.detail, (await audit.verify()).ok], [{ n: 1 }, true])
      })
    })

    it('A1: more than fit into one commit are all recorded, and each caller waits for the commit of what it asked for', async () => {
      await withTrail(database, async (world) => {
        const { audit } = world.context
        const entries = Array.from({ length: 1200 }, (_, n) => ({
          actor: tester,
          action: 'token.handed_out' as const,
          subject: `cred_${n}`,
          outcome: 'done' as const,
          detail: { burst: n },
        }))
        const isOnDisk = async (n: number) =>
          (await world.store.db.selectFrom('audit').select('seq').where('detail', 'like', `%"burst":${n}%`).execute()).length > 0
        const [first, last] = await Promise.all(
          [0, 1199].map(async (n) => {
            await audit.record(entries[n]!)
            return await isOnDisk(n)
          }),
        )
        await Promise.all(entries.slice(1, -1).map((entry) => audit.record(entry)))
        assert.deepEqual([first, last], [true, true])
        assert.deepEqual(await audit.verify().then((found) => [found.ok, found.records]), [true, 1230])
      })
    })

    it('waits a moment for as many as came together before', async () => {
      await withTrail(database, async (world) => {
        const { audit } = world.context
        const entry = { actor: tester, action: 'token.handed_out' as const, subject: 'cred_rounds', outcome: 'done' as const }
        const turn = () => new Promise<void>((done) => setImmediate(done))
        const seen = async () => (await audit.list({ subject: 'cred_rounds', limit: 500 })).items.map((item) => Number(item.detail.count ?? 1))
        // One comes first, the others two turns of the event loop later: how long those take is up to the machine.
        for (let round = 0; round < 50; round++) {
          const first = audit.record(entry)
          await turn()
          await turn()
          await Promise.all([first, ...Array.from({ length: 9 }, () => audit.record(entry))])
        }
        const counts = await seen()
        assert.equal(
          counts.reduce((sum, one) => sum + one, 0),
          500,
        )
        assert.ok(counts.includes(10), `the whole company never shared a record: ${counts.join(' ')}`)
      })
    })

    it('A3: a changed record is found', async () => {
      await withTrail(database, async (world) => {
        await world.store.db.updateTable('audit').set({ actor_name: 'somebody else' }).where('seq', '=', 7).execute()
        await broken(world, 7, /changed/)
      })
    })

    it('A3: a removed record is found', async () => {
      await withTrail(database, async (world) => {
        await world.store.db.deleteFrom('audit').where('seq', '=', 9).execute()
        await broken(world, 9, /missing/)
      })
    })

    it('A3: two swapped records are found', async () => {
      await withTrail(database, async (world) => {
        const { db } = world.store
        await sql`update audit set seq = case seq when 4 then -5 when 5 then -4 end where seq in (4, 5)`.execute(db)
        await sql`update audit set seq = -seq where seq < 0`.execute(db)
        await broken(world, 4, /changed or moved/)
      })
    })

    it('A3: a record that was appended by hand is found', async () => {
      await withTrail(database, async (world) => {
        const { db } = world.store
        const last = await db.selectFrom('audit').selectAll().where('seq', '=', 30).executeTakeFirstOrThrow()
        await db
          .insertInto('audit')
          .values({ ...last, seq: 31 })
          .execute()
        await broken(world, 31, /changed or moved|behind the end/)
        await db.updateTable('heads').set({ seq: 31 }).where('name', '=', 'audit').execute()
        await broken(world, 31, /changed or moved/)
      })
    })

    it('A3: a trail whose end was cut off is found, also when its head was set back', async () => {
      await withTrail(database, async (world) => {
        const { db } = world.store
        await db.deleteFrom('audit').where('seq', '>', 25).execute()
        await broken(world, 26, /missing/)
        await db.updateTable('heads').set({ seq: 25 }).where('name', '=', 'audit').execute()
        await broken(world, 25, /does not fit its head/)
      })
    })

    it('A3: whoever can write the database but has no master key cannot make a chain that fits', async () => {
      await withTrail(database, async (world) => {
        const { createHmac } = await import('node:crypto')
        const { db } = world.store
        const row = await db.selectFrom('audit').selectAll().where('seq', '=', 30).executeTakeFirstOrThrow()
        const before = await db.selectFrom('audit').select('hash').where('seq', '=', 29).executeTakeFirstOrThrow()
        const forged = { ...row, actor_name: 'nobody' }
        const text = JSON.stringify([
          before.hash,
          forged.seq,
          forged.at,
          forged.actor,
          forged.actor_name,
          forged.action,
          forged.subject,
          forged.subject_name,
          forged.outcome,
          forged.reason,
          forged.address,
          forged.detail,
        ])
        const hash = createHmac('sha256', Buffer.alloc(32)).update(text).digest('base64url')
        await db.updateTable('audit').set({ actor_name: 'nobody', hash }).where('seq', '=', 30).execute()
        await db.updateTable('heads').set({ hash }).where('name', '=', 'audit').execute()
        await broken(world, 30, /changed/)
      })
    })

    it('goes on recording while it is verified', async () => {
      await withTrail(database, async (world) => {
        const [result] = await Promise.all([
          world.context.audit.verify(),
          ...Array.from({ length: 50 }, () => world.context.audit.record({ actor: tester, action: 'audit.read', outcome: 'done' })),
        ])
        assert.equal(result.ok, true)
        assert.equal((await world.context.audit.verify()).ok, true)
      })
    })

    it('raises no alarm while other transactions write records all the time', async () => {
      await withTrail(database, async (world) => {
        const { audit, db } = world.context
        let isOver = false
        const writers = Array.from({ length: 4 }, async () => {
          while (!isOver) await inTransaction(db, (trx) => audit.append(trx, [{ actor: tester, action: 'audit.read', outcome: 'done' }]))
        })
        const found = []
        for (let round = 0; round < 60; round++) found.push(await audit.verify())
        isOver = true
        await Promise.all(writers)
        assert.deepEqual(
          found.filter(({ ok }) => !ok),
          [],
        )
        assert.ok(found.at(-1)!.records > found[0]!.records)
      })
    })
  })
}
