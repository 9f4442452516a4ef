import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachDatabase } from '../../test/databases.ts'
import { writeFact } from './facts.ts'
import { insertOf, prepared } from './prepared.ts'
import { inTransaction } from './transaction.ts'

eachDatabase((name, open) => {
  test(`a prepared query is built once and gives what its values ask for, inside a transaction too (${name})`, async (t) => {
    const { db } = await open(t)
    let built = 0
    const find = prepared((reader, slots: { first: string; second: string }) => {
      built++
      return reader.selectFrom('facts').select(['name', 'value']).where('name', '>=', slots.first).where('name', '<', slots.second).orderBy('name')
    })
    for (const fact of ['a', 'b', 'c']) await writeFact(db, fact, fact.toUpperCase())
    assert.deepEqual(
      (await find(db, { first: 'a', second: 'c' })).map((row) => row.value),
      ['A', 'B'],
    )
    assert.deepEqual(
      (await inTransaction(db, (trx) => find(trx, { first: 'b', second: 'd' }))).map((row) => row.value),
      ['B', 'C'],
    )
    assert.equal(built, 1)
  })

  test(`any number of rows is inserted, each once (${name})`, async (t) => {
    const { db } = await open(t)
    const insert = insertOf('facts', ['name', 'value'], 32)
    for (const count of [0, 1, 7, 8, 16, 53]) {
      await db.deleteFrom('facts').execute()
      const rows = Array.from({ length: count }, (_, i) => ({ name: `fact ${String(i).padStart(2, '0')}`, value: `of ${count}` }))
      await inTransaction(db, (trx) => insert(trx, rows))
      assert.deepEqual(
        (await db.selectFrom('facts').select(['name', 'value']).orderBy('name').execute()).map((row) => ({ ...row })),
        rows,
      )
    }
  })

  test(`a prepared query is built anew for another database (${name})`, async (t) => {
    const count = prepared((reader, slots: { name: string }) => reader.selectFrom('facts').select('value').where('name', '=', slots.name))
    for (const value of ['one', 'other']) {
      const { db } = await open(t)
      await writeFact(db, 'which', value)
      assert.deepEqual(
        (await count(db, { name: 'which' })).map((row) => row.value),
        [value],
      )
    }
  })
})
