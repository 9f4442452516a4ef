import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sql } from 'kysely'
import { startChild } from '../../test/children/child.ts'
import { eachDatabase, openSqliteForTest, temporaryFolder, testNow } from '../../test/databases.ts'
import { isProblem } from '../base/problem.ts'
import { readFact, writeFact } from './facts.ts'
import { migrate, migrations, type Migration } from './migrate.ts'
import { openDatabase } from './open.ts'

const versions = async (db: Parameters<typeof readFact>[0]) =>
  (await sql<{ version: number }>`select version from schema_versions order by version`.execute(db as never)).rows.map((row) => row.version)

eachDatabase((name, open, makePlace) => {
  test(`keeps what was written over a restart (${name})`, async (t) => {
    const database = await open(t)
    await writeFact(database.db, 'installation', 'one')
    await writeFact(database.db, 'installation', 'two')
    assert.equal(await readFact(await database.reopen(), 'installation'), 'two')
    assert.equal(await readFact(database.db, 'unknown'), null)
  })

  test(`after kill -9 in a transaction, what was committed is there and the rest is not (${name})`, async (t) => {
    const place = await makePlace(t)
    const child = startChild('hold-database.ts', place.folder, ...(place.url === undefined ? [] : [place.url]))
    await child.says('holding')
    await child.kill9()
    const { db, close } = await openDatabase({ ...place, now: testNow })
    try {
      assert.equal(await readFact(db, 'committed'), 'yes')
      assert.equal(await readFact(db, 'uncommitted'), null)
    } finally {
      await close()
    }
  })

  test(`a database of a newer version is refused with a sentence that helps, and not touched (${name})`, async (t) => {
    const database = await open(t)
    const newest = migrations.at(-1)!.version
    await sql`insert into schema_versions (version, name, applied_at) values (${newest + 3}, 'from the future', 0)`.execute(database.db)
    await writeFact(database.db, 'installation', 'one')
    await database.close()
    const before = database.place.url === undefined ? digest(database.place.folder) : ''
    await assert.rejects(
      openDatabase({ ...database.place, now: testNow }),
      (error) =>
        isProblem(error, 'database_newer') &&
        error.message.includes(`version ${newest + 3}`) &&
        error.message.includes(`up to ${newest}`) &&
        /newer version of Keybearer|backup/.test(error.nextStep),
    )
    if (database.place.url === undefined) assert.equal(digest(database.place.folder), before)
  })

  test(`a migration that fails in the middle leaves nothing of its step, and is gone on with (${name})`, async (t) => {
    const database = await open(t)
    const last = migrations.at(-1)!.version
    const make =
      (table: string, fails: boolean): Migration['up'] =>
      async (db) => {
        await db.schema.createTable(table).addColumn('n', 'integer').execute()
        if (fails) throw new Error('power cut')
      }
    const steps = (fails: boolean): Migration[] => [
      ...migrations,
      { version: last + 1, name: 'one', up: make('one', false) },
      { version: last + 2, name: 'two', up: make('two', fails) },
    ]
    await assert.rejects(migrate(database.db, database.dialect, testNow, steps(true)), /power cut/)
    assert.equal((await versions(database.db)).at(-1), last + 1)
    assert.equal(await migrate(database.db, database.dialect, testNow, steps(false)), last + 2)
    assert.deepEqual((await versions(database.db)).slice(-2), [last + 1, last + 2])
    await sql`select n from two`.execute(database.db)
  })

  test(`of processes that start together one migrates, and no step is done twice (${name})`, async (t) => {
    const place = await makePlace(t)
    const children = Array.from({ length: 4 }, () => startChild('open-database.ts', place.folder, ...(place.url === undefined ? [] : [place.url])))
    await Promise.all(children.map((child) => child.ended))
    const said = children.map((child) => child.lines.join())
    // One process at a time has the data folder; on PostgreSQL the others wait.
    const allowed = place.url === undefined ? ['opened', 'database_in_use'] : ['opened']
    assert.ok(said.includes('opened') && said.every((line) => allowed.includes(line)), said.join())
    const { db, close } = await openDatabase({ ...place, now: testNow })
    try {
      assert.deepEqual(
        await versions(db),
        migrations.map((step) => step.version),
      )
    } finally {
      await close()
    }
  })
})

test('a data folder that is in use is refused at once, and the one who has it goes on', async (t) => {
  const database = await openSqliteForTest(t)
  await assert.rejects(
    openDatabase({ ...database.place, now: testNow }),
    (error) => isProblem(error, 'database_in_use') && error.message.includes(database.place.folder),
  )
  await writeFact(database.db, 'installation', 'one')
})

test('a database that another program has locked is said to be locked, can be read, and written again afterwards', async (t) => {
  const database = await openSqliteForTest(t)
  await writeFact(database.db, 'installation', 'one')
  const other = new DatabaseSync(join(database.place.folder, 'keybearer.db'))
  try {
    other.exec('begin immediate')
    await assert.rejects(
      writeFact(database.db, 'installation', 'two'),
      (error) => isProblem(error, 'storage_unavailable') && error.message.includes('locked by another process') && error.retryAfter !== undefined,
    )
    assert.equal(await readFact(database.db, 'installation'), 'one')
    other.exec('rollback')
    await writeFact(database.db, 'installation', 'three')
    assert.equal(await readFact(database.db, 'installation'), 'three')
  } finally {
    other.close()
  }
})

test('a file that is no database, or a damaged one, is said to be so, and left as it is', async (t) => {
  const folder = join(temporaryFolder(t), 'data')
  mkdirSync(folder)
  const file = join(folder, 'keybearer.db')
  writeFileSync(file, 'This is not a database at all. '.repeat(300))
  const before = readFileSync(file)
  await assert.rejects(
    openDatabase({ folder, now: testNow }),
    (error) => isProblem(error, 'storage_unavailable') && error.message.includes('damaged') && error.nextStep.includes('backup'),
  )
  assert.deepEqual(readFileSync(file), before)
  // The lock was given back: a repaired one opens.
  writeFileSync(file, '')
  await (await openDatabase({ folder, now: testNow })).close()
  const content = readFileSync(file)
  assert.ok(content.length > 8192)
  content.fill(0xff, 4096)
  writeFileSync(file, content)
  await assert.rejects(openDatabase({ folder, now: testNow }), (error) => isProblem(error, 'storage_unavailable') && error.nextStep.includes('backup'))
})

function digest(folder: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder).sort()) {
    if (!name.startsWith('keybearer.db') || name.endsWith('-shm') || statSync(join(folder, name)).size === 0) continue
    hash.update(name).update(readFileSync(join(folder, name)))
  }
  return hash.digest('hex')
}
