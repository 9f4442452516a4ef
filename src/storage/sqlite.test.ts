import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSqliteForTest } from '../../test/databases.ts'
import { inTransaction } from './transaction.ts'

test('the one connection goes to whoever came first, and to nobody else before a transaction ends', async (t) => {
  const { db } = await openSqliteForTest(t)
  const seen: string[] = []
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      n % 3 === 0
        ? db
            .selectFrom('facts')
            .select('name')
            .execute()
            .then(() => seen.push(`${n} read`))
        : inTransaction(db, async (trx) => {
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
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, n) => (n % 3 === 0 ? [`${n} read`] : [`${n} begins`, `${n} ends`])).flat())
})

test('a transaction that fails gives the connection to the next one', async (t) => {
  const { db } = await openSqliteForTest(t)
  const results = await Promise.allSettled([
    inTransaction(db, () => Promise.reject(new Error('on purpose'))),
    inTransaction(db, (trx) =>
      trx
        .selectFrom('no_such_table' as 'facts')
        .select('name')
        .execute(),
    ),
    inTransaction(db, (trx) => trx.insertInto('facts').values({ name: 'fact', value: 'kept' }).execute()),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(
    await db.selectFrom('facts').select('value').execute(),
    [{ value: 'kept' }].map((row) => Object.assign(Object.create(null), row)),
  )
})
