import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  Kysely,
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type SqliteDatabase,
} from 'kysely'
import { Problem } from '../base/problem.ts'
import { Sealed } from '../base/sealed.ts'
import { toStorageProblem } from './storage-problem.ts'
import type { Tables } from './tables.ts'

const cachedStatements = 500

/** Opens the embedded database of a data folder: WAL, every commit synced, readable by its owner only. */
export function openSqlite(folder: string): { db: Kysely<Tables>; close: () => Promise<void> } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'keybearer.db')
  const unlock = lockFolder(folder)
  let native: DatabaseSync
  try {
    native = new DatabaseSync(file, { timeout: 5000 })
    chmodSync(file, 0o600)
    native.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma temp_store = memory')
  } catch (error) {
    unlock()
    if ((error as { errcode?: number }).errcode === 26) {
      throw new Problem('storage_unavailable', `${file} is damaged: it is not a database.`, { cause: error, nextStep: 'Restore it from a backup.' })
    }
    throw error
  }
  const db = new Kysely<Tables>({ dialect: new EmbeddedDialect(adapt(native)) })
  return {
    db,
    async close() {
      await db.destroy()
      unlock()
    },
  }
}

/**
 * Holds a lock on the data folder as long as the process lives. The kernel gives it back when the process ends, however it
 * ends, so that nothing has to be cleaned up after a crash.
 */
function lockFolder(folder: string): () => void {
  const lock = new DatabaseSync(join(folder, 'keybearer.lock'), { timeout: 0 })
  try {
    lock.exec('pragma locking_mode = exclusive; begin exclusive')
  } catch (error) {
    lock.close()
    throw new Problem('database_in_use', `Another Keybearer runs on ${folder}.`, { cause: error })
  }
  chmodSync(join(folder, 'keybearer.lock'), 0o600)
  return () => lock.close()
}

/** Drives node:sqlite with the interface that Kysely knows, keeping prepared statements for the next time. */
function adapt(native: DatabaseSync): SqliteDatabase {
  type Known = { statement: StatementSync; reader: boolean }
  const statements = new Map<string, Known>()
  const find = (sql: string): Known => {
    let known = statements.get(sql)
    if (!known) {
      const statement = native.prepare(sql)
      known = { statement, reader: statement.columns().length > 0 }
      if (statements.size >= cachedStatements) statements.clear()
      statements.set(sql, known)
    }
    return known
  }
  return {
    close: () => native.close(),
    prepare(sql) {
      const { statement, reader } = telling(() => find(sql))
      return {
        reader,
        all: (parameters) => telling(() => statement.all(...parameters.map(toParameter))).map(fromRow),
        run: (parameters) => telling(() => statement.run(...parameters.map(toParameter))),
        *iterate(parameters) {
          for (const row of statement.iterate(...parameters.map(toParameter))) yield fromRow(row)
        },
      }
    },
  }
}

/** Tells what is wrong with file, disk or lock as a problem. */
function telling<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw toStorageProblem(error) ?? error
  }
}

type Value = string | number | bigint | null | Uint8Array

function toParameter(value: unknown): Value {
  if (value instanceof Sealed) return value.bytes
  if (value === undefined || typeof value === 'boolean' || value instanceof Uint8Array) {
    throw new TypeError('the database takes texts, numbers, null and sealed values only')
  }
  return value as Value
}

// Every binary column is sealed: see tables.ts.
function fromRow(row: Record<string, unknown>): Record<string, unknown> {
  for (const name in row) {
    if (row[name] instanceof Uint8Array) row[name] = new Sealed(row[name])
  }
  return row
}

class EmbeddedDialect implements Dialect {
  readonly #database: SqliteDatabase
  constructor(database: SqliteDatabase) {
    this.#database = database
  }
  createAdapter() {
    return new QueuedAdapter()
  }
  createDriver() {
    return new ImmediateDriver({ database: this.#database })
  }
  createIntrospector(db: Kysely<never>) {
    return new SqliteIntrospector(db)
  }
  createQueryCompiler() {
    return new SqliteQueryCompiler()
  }
}

/** Leaves the queue before the one connection to the driver below: Kysely's own wakes everybody who waits at every turn. */
class QueuedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/**
 * Gives the one connection to one user at a time, in the order in which they came, and takes the write lock at the start of
 * a transaction: one that only finds out later that it must wait cannot go on.
 */
class ImmediateDriver extends SqliteDriver {
  readonly #queue: (() => void)[] = []
  #taken = false

  override async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#taken) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#taken = true
    return await super.acquireConnection()
  }

  override async releaseConnection(): Promise<void> {
    const next = this.#queue.shift()
    // Invariant: the connection stays taken while it goes from one to the next, so that nobody comes in between.
    if (next) next()
    else this.#taken = false
    await Promise.resolve()
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }
}
