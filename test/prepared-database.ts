// Databases that have every table already: to make those takes longer than most tests do. That an empty database becomes one is
// proven by the tests of the storage, by those of upgrades, and by every test that starts the service.
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { openDatabase } from '../src/storage/open.ts'

const root = join(import.meta.dirname, '..')
const kept = join(root, 'node_modules', '.cache', 'keybearer-databases')

/** Changes with whatever makes the tables. */
const version = once(() => {
  const storage = join(root, 'src', 'storage')
  const hash = createHash('sha256')
  for (const name of readdirSync(join(storage, 'migrations')).sort()) hash.update(name).update(readFileSync(join(storage, 'migrations', name)))
  return hash
    .update(readFileSync(join(storage, 'migrate.ts')))
    .digest('hex')
    .slice(0, 16)
})

/** Puts an embedded database with every table into a folder. */
export async function fillFolder(folder: string): Promise<void> {
  const prepared = join(kept, `${version()}.db`)
  if (!existsSync(prepared)) await prepareFile(prepared)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  copyFileSync(prepared, join(folder, 'keybearer.db'))
  chmodSync(join(folder, 'keybearer.db'), 0o600)
}

async function prepareFile(prepared: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-prepared-'))
  try {
    const opened = await openDatabase({ folder, now: 0 })
    await opened.close()
    mkdirSync(kept, { recursive: true })
    // Under its name when it is whole: another test file may look for it at this moment.
    const aside = `${prepared}.${randomBytes(4).toString('hex')}`
    copyFileSync(join(folder, 'keybearer.db'), aside)
    renameSync(aside, prepared)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Makes a database with every table on a PostgreSQL server, and returns its name and address. */
export async function makeFilledDatabase(server: string): Promise<{ name: string; url: string }> {
  const prepared = `prepared_${version()}`
  const name = databaseName()
  try {
    await onServer(server, `create database ${name} template ${prepared} strategy file_copy`)
  } catch (error) {
    if ((error as { code?: string }).code !== '3D000') throw error
    await prepareDatabase(server, prepared)
    await onServer(server, `create database ${name} template ${prepared} strategy file_copy`)
  }
  return { name, url: withDatabase(server, name) }
}

/** Makes a database without any table on a PostgreSQL server, and returns its name and address. */
export async function makeBareDatabase(server: string): Promise<{ name: string; url: string }> {
  const name = databaseName()
  await onServer(server, `create database ${name}`)
  return { name, url: withDatabase(server, name) }
}

async function prepareDatabase(server: string, prepared: string): Promise<void> {
  const { name: aside, url } = await makeBareDatabase(server)
  const opened = await openDatabase({ folder: tmpdir(), url, now: 0 })
  await opened.close()
  await unused(server, aside)
  try {
    await onServer(server, `alter database ${aside} rename to ${prepared}`)
  } catch (error) {
    if ((error as { code?: string }).code !== '42P04') throw error
    // Another test file was as quick.
    await onServer(server, `drop database ${aside}`)
  }
}

/** Waits a little: connections end a moment after the client has said goodbye. */
export async function unused(server: string, name: string): Promise<void> {
  const count = async () => {
    const [row] = await onServer(server, `select count(*)::int as count from pg_stat_activity where datname = '${name}'`)
    return (row as { count: number }).count
  }
  for (let tries = 0; (await count()) > 0 && tries < 60; tries++) await sleep(50)
}

const databaseName = () => `test_${randomBytes(8).toString('hex')}`

function withDatabase(server: string, name: string): string {
  const changed = new URL(server)
  changed.pathname = `/${name}`
  return changed.href
}

export async function onServer(server: string, statement: string): Promise<unknown[]> {
  let pool = pools.get(server)
  if (pool === undefined) {
    pool = new pg.Pool({ connectionString: server, max: 2, allowExitOnIdle: true })
    // A server that a test stops.
    pool.on('error', () => undefined)
    pools.set(server, pool)
  }
  return (await pool.query(statement)).rows as unknown[]
}

/** Kept from one test to the next: a login takes longer than what is asked. */
const pools = new Map<string, pg.Pool>()

function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined
  return () => (made ??= { value: make() }).value
}
