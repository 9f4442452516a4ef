import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openDatabase, type OpenedDatabase } from '../src/storage/open.ts'
import type { Database } from '../src/storage/tables.ts'
import { fillFolder, makeBareDatabase, makeFilledDatabase, onServer, unused } from './prepared-database.ts'

/** A database of its own for one test. It is closed, proven closed and removed when the test ends. */
export type TestDatabase = {
  db: Database
  dialect: 'sqlite' | 'postgres'
  /** What `openDatabase` was told, for a test that opens it from another process. */
  place: { folder: string; url?: string }
  /** Closes the database and opens it again, as a restart does. */
  reopen(): Promise<Database>
  /** A second node's view: further connections on PostgreSQL, the same one on SQLite, which knows one process only. */
  otherNode(): Promise<Database>
  close(): Promise<void>
}

/** Makes the database for the test that is running. */
export type OpenTestDatabase = (t: TestContext) => Promise<TestDatabase>

/** Makes a place where nothing is yet, for tests of what happens at the very first start. */
export type MakePlace = (t: TestContext) => Promise<TestDatabase['place']>

/** Where a PostgreSQL server for tests can be found; without it only SQLite is tested. */
const server = process.env['KEYBEARER_TEST_POSTGRES']

/** Registers tests once per database. `name` belongs into the titles. */
export function eachDatabase(register: (name: 'SQLite' | 'PostgreSQL', open: OpenTestDatabase, makePlace: MakePlace) => void): void {
  register('SQLite', openSqliteForTest, async (t) => sqlitePlace(t))
  if (server === undefined || server === '') return
  register(
    'PostgreSQL',
    (t) => openPostgresForTest(t, server),
    async (t) => await emptyPlace(t, server),
  )
}

/** A moment that the tests of the storage agree on. */
export const testNow = Date.UTC(2026, 10, 24, 12)

/** Makes a folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function openSqliteForTest(t: TestContext): Promise<TestDatabase> {
  const place = sqlitePlace(t)
  await fillFolder(place.folder)
  return await follow(t, 'sqlite', place)
}

async function openPostgresForTest(t: TestContext, server: string): Promise<TestDatabase> {
  const { name, url } = await makeFilledDatabase(server)
  removeAtTheEnd(t, server, name)
  return await follow(t, 'postgres', { folder: join(tmpdir(), name), url })
}

// What a test registered first runs last, so that everything is closed before its place is removed.
function sqlitePlace(t: TestContext): TestDatabase['place'] {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-test-'))
  beforeTheEnd(t, () => {
    assert.deepEqual(openFilesBelow(folder), [], 'the database was closed')
    rmSync(folder, { recursive: true })
  })
  return { folder: join(folder, 'data') }
}

async function emptyPlace(t: TestContext, server: string): Promise<TestDatabase['place']> {
  const { name, url } = await makeBareDatabase(server)
  removeAtTheEnd(t, server, name)
  return { folder: join(tmpdir(), name), url }
}

function removeAtTheEnd(t: TestContext, server: string, name: string): void {
  beforeTheEnd(t, async () => {
    await unused(server, name)
    // Fails when a connection is still open.
    await onServer(server, `drop database ${name}`)
  })
}

const endings = new WeakMap<TestContext, (() => unknown)[]>()

/** Registers an ending of the test; the last one registered runs first. */
export function beforeTheEnd(t: TestContext, ending: () => unknown): void {
  const known = endings.get(t)
  if (known) {
    known.push(ending)
    return
  }
  const list = [ending]
  endings.set(t, list)
  t.after(async () => {
    for (let next = list.pop(); next; next = list.pop()) await next()
  })
}

async function follow(t: TestContext, dialect: TestDatabase['dialect'], place: TestDatabase['place']): Promise<TestDatabase> {
  const open = () => openDatabase({ ...place, now: testNow })
  let opened: OpenedDatabase | undefined = await open()
  const others: OpenedDatabase[] = []
  const close = async () => {
    await opened?.close()
    opened = undefined
    for (const other of others.splice(0)) await other.close()
  }
  beforeTheEnd(t, close)
  const test: TestDatabase = {
    db: opened.db,
    dialect,
    place,
    close,
    async reopen() {
      await close()
      opened = await open()
      test.db = opened.db
      return opened.db
    },
    async otherNode() {
      if (dialect === 'sqlite') return test.db
      const other = await open()
      others.push(other)
      return other.db
    },
  }
  return test
}

function openFilesBelow(folder: string): string[] {
  const targets = readdirSync('/proc/self/fd').flatMap((handle) => {
    try {
      return [readlinkSync(`/proc/self/fd/${handle}`)]
    } catch (error) {
      // The handle with which the folder was listed is gone by now.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })
  return targets.filter((target) => target.startsWith(folder))
}
