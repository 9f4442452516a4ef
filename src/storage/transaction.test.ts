import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { eachDatabase } from '../../test/databases.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { readFact, writeFact } from './facts.ts'
import { inTransaction, isUniqueViolation, toStorageProblem } from './transaction.ts'

eachDatabase((name, open) => {
  test(`a transaction that throws leaves nothing, and its own error comes out (${name})`, async (t) => {
    const { db } = await open(t)
    const own = new Problem('not_found', 'none')
    await assert.rejects(inTransaction(db, async (trx) => {
      await writeFact(trx, 'a', '1')
      throw own
    }), (error) => error === own)
    assert.equal(await readFact(db, 'a'), null)
  })

  test(`a value that must be unique is recognized, in a key and in an index (${name})`, async (t) => {
    const { db } = await open(t)
    const job = { kind: 'k', subject: 's', payload: '', secret: null, due_at: 1, attempts: 0, lease: null, lease_until: null, last_error: null, created_at: 1 }
    await db.insertInto('jobs').values({ ...job, id: 'a' }).execute()
    await assert.rejects(db.insertInto('jobs').values({ ...job, id: 'a', kind: 'other' }).execute(), isUniqueViolation)
    await assert.rejects(db.insertInto('jobs').values({ ...job, id: 'b' }).execute(), isUniqueViolation)
    await assert.rejects(db.insertInto('jobs').values({ ...job, id: 'c', kind: null as never }).execute(), (error) => !isUniqueViolation(error) && toStorageProblem(error) === null)
    assert.equal(isUniqueViolation(undefined), false)
  })

  test(`big numbers come back as numbers (${name})`, async (t) => {
    const { db } = await open(t)
    await db.updateTable('heads').set({ seq: 1_795_521_600_123 }).where('name', '=', 'events').execute()
    assert.equal((await db.selectFrom('heads').select('seq').where('name', '=', 'events').executeTakeFirstOrThrow()).seq, 1_795_521_600_123)
  })

  if (name === 'SQLite') return

  test('a transaction that another got in the way of is repeated until it fits (PostgreSQL)', async (t) => {
    const database = await open(t)
    const nodes = [database.db, await database.otherNode()]
    await writeFact(database.db, 'count', '0')
    let runs = 0
    await Promise.all(Array.from({ length: 4 }, (_, i) => inTransaction(nodes[i % 2]!, async (trx) => {
      runs++
      await sql`set transaction isolation level serializable`.execute(trx)
      const count = Number(await readFact(trx, 'count'))
      await sql`select pg_sleep(0.05)`.execute(trx)
      await writeFact(trx, 'count', String(count + 1))
    })))
    assert.equal(await readFact(database.db, 'count'), '4')
    assert.ok(runs > 4, 'none got in the way of another: this proves nothing')
  })

  test('two transactions that wait for each other both get through (PostgreSQL)', async (t) => {
    const { db } = await open(t)
    await writeFact(db, 'a', '')
    await writeFact(db, 'b', '')
    const both = (first: string, second: string) => inTransaction(db, async (trx) => {
      await writeFact(trx, first, first)
      await sql`select pg_sleep(0.1)`.execute(trx)
      await writeFact(trx, second, first)
    })
    await Promise.all([both('a', 'b'), both('b', 'a')])
    assert.equal(await readFact(db, 'a'), await readFact(db, 'b'))
  })

  test('a statement that takes too long, and a connection that is cut, are storage problems (PostgreSQL)', async (t) => {
    const { db } = await open(t)
    await assert.rejects(inTransaction(db, async (trx) => {
      await sql`set local statement_timeout = 50`.execute(trx)
      await sql`select pg_sleep(5)`.execute(trx)
    }), (error) => isProblem(error, 'storage_unavailable'))
    await assert.rejects(inTransaction(db, async (trx) => {
      await sql`select pg_terminate_backend(pg_backend_pid())`.execute(trx)
    }), (error) => isProblem(error, 'storage_unavailable'))
    await writeFact(db, 'after', 'it works again')
    assert.equal(await readFact(db, 'after'), 'it works again')
  })
})

test('errors that are not of the database are left alone', () => {
  for (const error of [new Error('x'), new TypeError('y'), null, undefined, 'text', new Problem('storage_full', 'x'), Object.assign(new Error(), { code: '23503' })]) {
    assert.equal(toStorageProblem(error), null)
  }
})

const causes: [object, string][] = [
  [{ code: 'ERR_SQLITE_ERROR', errcode: 13 }, 'storage_full'], [{ code: '53100' }, 'storage_full'], [{ code: 'ENOSPC' }, 'storage_full'],
  [{ code: 'ERR_SQLITE_ERROR', errcode: 5 }, 'storage_unavailable'], [{ code: 'ERR_SQLITE_ERROR', errcode: 517 }, 'storage_unavailable'],
  [{ code: 'ERR_SQLITE_ERROR', errcode: 778 }, 'storage_unavailable'], [{ code: 'ERR_SQLITE_ERROR', errcode: 11 }, 'storage_unavailable'],
  [{ code: '57P01' }, 'storage_unavailable'], [{ code: '57P03' }, 'storage_unavailable'], [{ code: '53300' }, 'storage_unavailable'], [{ code: '08006' }, 'storage_unavailable'],
  [{ code: '55P03' }, 'storage_unavailable'], [{ code: 'ECONNREFUSED' }, 'storage_unavailable'], [{ code: 'ECONNRESET' }, 'storage_unavailable'],
  [{ message: 'Connection terminated unexpectedly' }, 'storage_unavailable'], [{ message: 'timeout exceeded when trying to connect' }, 'storage_unavailable'],
  [{ code: 'ERR_SQLITE_ERROR', errcode: 14 }, 'storage_unavailable'], [{ code: '25006' }, 'storage_unavailable'], [{ code: '25P03' }, 'storage_unavailable'],
]
for (const [cause, code] of causes) {
  test(`an error like ${JSON.stringify(cause)} is the problem ${code}, to be tried again or repaired`, () => {
    const problem = toStorageProblem(cause)
    assert.equal(problem?.code, code)
    assert.equal(problem?.cause, cause)
    assert.ok(problem.retryAfter !== undefined || /backup/.test(problem.nextStep))
  })
}
