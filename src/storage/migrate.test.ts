import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { startChild } from '../../test/children/child.ts'
import { eachDatabase } from '../../test/databases.ts'
import { isProblem } from '../base/problem.ts'
import { readFact, writeFact } from './facts.ts'
import { migrate, migrations, type Migration } from './migrate.ts'
import { openDatabase } from './open.ts'
import type { Database } from './tables.ts'

const adding = (version: number, table: string): Migration => ({
  version, name: `add ${table}`,
  async up(db, { blob, bigint }) {
    await db.schema.createTable(table).addColumn('at', bigint).addColumn('secret', blob).execute()
  },
})

const versions = async (db: Database) => (await sql<{ version: number }>`select version from schema_versions order by version`.execute(db)).rows.map((row) => row.version)

test('migrations are numbered from 1 without a gap', () => {
  assert.deepEqual(migrations.map(({ version }) => version), migrations.map((_, i) => i + 1))
  assert.equal(new Set(migrations.map(({ name }) => name)).size, migrations.length)
})

eachDatabase((name, open, makePlace) => {
  test(`new steps are taken once, in order, and their number is kept (${name})`, async (t) => {
    const { db, dialect } = await open(t)
    const steps = [...migrations, adding(101, 'first_new'), adding(102, 'second_new')]
    assert.equal(await migrate(db, dialect, 5, steps), 102)
    assert.equal(await migrate(db, dialect, 6, steps), 102)
    assert.deepEqual((await versions(db)).slice(-2), [101, 102])
  })

  test(`a step that fails leaves nothing of itself, and the next start goes on from there (${name})`, async (t) => {
    const database = await open(t)
    const failing: Migration = {
      version: 102, name: 'fail',
      async up(db) {
        await db.schema.createTable('half').addColumn('a', 'integer').execute()
        throw new Error('the power went')
      },
    }
    await assert.rejects(migrate(database.db, database.dialect, 5, [...migrations, adding(101, 'first_new'), failing]), /the power went/)
    const db = await database.reopen().catch((error: unknown) => {
      // The step before has been committed, so that the version without it must not go on.
      assert.ok(isProblem(error, 'database_newer'))
    })
    assert.equal(db, undefined)
  })

  test(`an interrupted migration goes on at the step that is missing (${name})`, async (t) => {
    const { db, dialect } = await open(t)
    const interrupted: Migration = { ...adding(102, 'second_new'), up: async () => Promise.reject(new Error('interrupted')) }
    await assert.rejects(migrate(db, dialect, 5, [...migrations, adding(101, 'first_new'), interrupted]), /interrupted/)
    await migrate(db, dialect, 6, [...migrations, adding(101, 'first_new'), adding(102, 'second_new')])
    assert.deepEqual((await versions(db)).slice(-2), [101, 102])
    await sql`select at, secret from second_new`.execute(db)
  })

  test(`a database of a newer version is refused with a sentence that helps, and left untouched (${name})`, async (t) => {
    const database = await open(t)
    await writeFact(database.db, 'kept', 'yes')
    await sql`insert into schema_versions (version, name, applied_at) values (999, 'of the future', 1)`.execute(database.db)
    await database.close()
    const file = join(database.place.folder, 'keybearer.db')
    const before = database.dialect === 'sqlite' ? readFileSync(file) : null
    await assert.rejects(openDatabase({ ...database.place, now: 1 }), (error) =>
      isProblem(error, 'database_newer') && /999/.test(error.message) && /newer version/.test(error.nextStep))
    if (before) assert.ok(before.equals(readFileSync(file)))
  })

  test(`of two processes that start on an empty database at once, both find it complete (${name})`, async (t) => {
    const place = await makePlace(t)
    const children = Array.from({ length: 3 }, () => startChild('open-database.ts', place.folder, ...(place.url === undefined ? [] : [place.url])))
    await Promise.all(children.map((child) => child.ended))
    const said = children.map((child) => child.lines.join())
    // SQLite knows one process only; which one gets it, the others learn at once.
    const fine = name === 'SQLite' ? ['opened', 'database_in_use'] : ['opened']
    assert.ok(said.every((word) => fine.includes(word)) && said.includes('opened'), said.join())
    const { db, close } = await openDatabase({ ...place, now: 1 })
    assert.deepEqual(await versions(db), migrations.map(({ version }) => version))
    await close()
  })

  test(`two migrations at once take every step once (${name})`, async (t) => {
    const database = await open(t)
    const other = await database.otherNode()
    const steps = [...migrations, adding(101, 'first_new'), adding(102, 'second_new')]
    await Promise.all([database.db, other, other].map((db) => migrate(db, database.dialect, 5, steps)))
    assert.deepEqual((await versions(database.db)).slice(-2), [101, 102])
  })

  if (name === 'SQLite') return

  test('a step may take longer than a statement otherwise may (PostgreSQL)', async (t) => {
    const database = await open(t)
    await sql.raw(`alter database ${new URL(database.place.url!).pathname.slice(1)} set statement_timeout = 100`).execute(database.db)
    const url = new URL(database.place.url!)
    await database.close()
    const { db, close } = await openDatabase({ folder: '', url: url.href, now: 1 })
    const slow: Migration = { version: 101, name: 'slow', up: async (trx) => void (await sql`select pg_sleep(10.3)`.execute(trx)) }
    try {
      await migrate(db, 'postgres', 1, [...migrations, slow])
      assert.equal(await readFact(db, 'nothing'), null)
    } finally {
      await close()
    }
  })
})
