import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachDatabase } from '../../test/databases.ts'
import { readFact, writeFact } from './facts.ts'

eachDatabase((name, open) => {
  test(`keeps what was written over a restart (${name})`, async (t) => {
    const database = await open(t)
    await writeFact(database.db, 'installation', 'one')
    await writeFact(database.db, 'installation', 'two')
    assert.equal(await readFact(await database.reopen(), 'installation'), 'two')
    assert.equal(await readFact(database.db, 'unknown'), null)
  })
})
