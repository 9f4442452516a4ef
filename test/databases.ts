import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { openDatabase, type OpenedDatabase } from '../src/storage/open.ts'
import type { Database } from '../src/storage/tables.ts'

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
  after(() => dropTemplate(server))
  register(
    'PostgreSQL',
    (t) => openPostgresForTest(t, server),
    (t) => postgresPlace(t, server, null),
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
  return await follow(t, 'sqlite', sqlitePlace(t))
}

async function openPostgresForTest(t: TestContext, url: string): Promise<TestDatabase> {
  return await follow(t, 'postgres', await postgresPlace(t, url, await templateOn(url)))
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

async function postgresPlace(t: TestContext, url: string, from: string | null): Promise<TestDatabase['place']> {
  const name = databaseName()
  await onServer(url, `create database ${name}${from === null ? '' : ` template ${from}`}`)
  beforeTheEnd(t, async () => {
    await unused(url, name)
    // Fails when a connection is still open.
    await onServer(url, `drop database ${name}`)
  })
  return { folder: join(tmpdir(), name), url: withDatabase(url, name) }
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

let template: Promise<string> | undefined

/** Migrates once per test file; every test's database is a copy of that one. */
function templateOn(url: string): Promise<string> {
  template ??= (async () => {
    const name = databaseName()
    await onServer(url, `create database ${name}`)
    const opened = await openDatabase({ folder: tmpdir(), url: withDatabase(url, name), now: testNow })
    await opened.close()
    await unused(url, name)
    return name
  })()
  return template
}

async function dropTemplate(url: string): Promise<void> {
  const name = await template
  template = undefined
  if (name !== undefined) await onServer(url, `drop database ${name}`)
}

/** Waits a little: connections end a moment after the client has said goodbye. */
async function unused(url: string, name: string): Promise<void> {
  for (let tries = 0; (await connectionsTo(url, name)) > 0 && tries < 60; tries++) await sleep(50)
}

const databaseName = () => `test_${randomBytes(8).toString('hex')}`

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

async function connectionsTo(url: string, name: string): Promise<number> {
  const rows = await onServer(url, `select count(*)::int as count from pg_stat_activity where datname = '${name}'`)
  return (rows[0] as { count: number }).count
}

async function onServer(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement)).rows as unknown[]
  } finally {
    await client.end()
  }
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
