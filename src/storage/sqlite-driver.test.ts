import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { openSqliteForTest } from '../../test/databases.ts'
import type { Database } from './tables.ts'
import { inTransaction } from './transaction.ts'

const addFact = (db: Database, name: string) => inTransaction(db, (trx) => trx.insertInto('facts').values({ name, value: '' }).execute())
const factsOf = async (db: Database) => (await db.selectFrom('facts').select('name').orderBy('name').execute()).map((row) => row.name)

test('transactions run in the order in which they came, and nobody comes in between', async (t) => {
  const { db } = await openSqliteForTest(t)
  const seen: string[] = []
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      inTransaction(db, async (trx) => {
        seen.push(`${n} begins`)
        await trx
          .insertInto('facts')
          .values({ name: `fact ${n}`, value: '' })
          .execute()
        // Others would come in between here, if they could.
        await sleep(1)
        seen.push(`${n} ends`)
      }),
    ),
  )
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, n) => [`${n} begins`, `${n} ends`]).flat())
})

test('whoever reads sees what is committed, at once, and nothing of a transaction that still runs', async (t) => {
  const { db } = await openSqliteForTest(t)
  await addFact(db, 'before')
  await inTransaction(db, async (trx) => {
    await trx.insertInto('facts').values({ name: 'meanwhile', value: '' }).execute()
    assert.deepEqual(await factsOf(db), ['before'])
    assert.deepEqual((await trx.selectFrom('facts').select('name').orderBy('name').execute()).length, 2)
  })
  assert.deepEqual(await factsOf(db), ['before', 'meanwhile'])
})

test('a transaction that fails is undone alone: those that share its commit stay', async (t) => {
  const { db } = await openSqliteForTest(t)
  const results = await Promise.allSettled([
    addFact(db, 'first'),
    inTransaction(db, async (trx) => {
      await trx.insertInto('facts').values({ name: 'undone', value: '' }).execute()
      throw new Error('on purpose')
    }),
    inTransaction(db, async (trx) => {
      await trx.insertInto('facts').values({ name: 'undone too', value: '' }).execute()
      await trx
        .selectFrom('no_such_table' as 'facts')
        .select('name')
        .execute()
    }),
    addFact(db, 'last'),
    db.insertInto('facts').values({ name: 'first', value: 'taken' }).execute(),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled', 'rejected'],
  )
  assert.deepEqual(await factsOf(db), ['first', 'last'])
})

test('a shared commit that fails is told to everybody who is in it, and the next one works', async (t) => {
  const { db } = await openSqliteForTest(t)
  const results = await Promise.allSettled([
    addFact(db, 'first'),
    // Refused not by the statement but by the commit.
    inTransaction(db, async (trx) => {
      await sql`pragma defer_foreign_keys = on`.execute(trx)
      await trx
        .insertInto('usages')
        .values({ credential_id: 'cred_none', access_key_id: 'key', first_at: 0, last_at: 0, count: 1, last_outcome: 'ok' })
        .execute()
    }),
    addFact(db, 'last'),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  )
  assert.deepEqual(await factsOf(db), [])
  await addFact(db, 'afterwards')
  assert.deepEqual(await factsOf(db), ['afterwards'])
})

test('a full disk is told to everybody whose work is lost by it, and nobody else', async (t) => {
  const { db } = await openSqliteForTest(t)
  await addFact(db, 'before')
  const [{ pages }] = (await inTransaction(db, (trx) => sql<{ pages: number }>`pragma page_count`.execute(trx))).rows.map((row) => ({
    pages: Number(Object.values(row)[0]),
  })) as [{ pages: number }]
  await inTransaction(db, (trx) => sql.raw(`pragma max_page_count = ${pages + 2}`).execute(trx))
  const results = await Promise.allSettled([
    addFact(db, 'small'),
    inTransaction(db, (trx) =>
      trx
        .insertInto('facts')
        .values({ name: 'large', value: 'x'.repeat(100_000) })
        .execute(),
    ),
    addFact(db, 'small too'),
  ])
  const facts = await factsOf(db)
  assert.equal(results[1].status, 'rejected')
  assert.equal((results[1].reason as { code: string }).code, 'storage_full')
  // What was said to be kept is there, and what was said to be lost is not.
  assert.deepEqual(facts, ['before', ...(results[0].status === 'fulfilled' ? ['small'] : []), ...(results[2].status === 'fulfilled' ? ['small too'] : [])])
})
