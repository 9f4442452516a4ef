import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Dialect } from 'kysely'
import { Problem } from '../base/problem.ts'
import { Sealed } from '../base/sealed.ts'
import { removeCopies } from './backup.ts'
import { EmbeddedDriver, type EmbeddedFile } from './sqlite-driver.ts'
import { toStorageProblem } from './storage-problem.ts'
import type { Tables } from './tables.ts'
import { openWalSync, type WalSync } from './wal-sync.ts'

const cachedStatements = 500
/** Only programs that do not know us can hold the file; while we wait for them nothing else is done. */
const lockTimeout = 1000

/** Pages that gather in the log before they are moved into the file, for which everybody waits. */
const checkpointPages = 4000

/** Opens the embedded database of a data folder: WAL, every commit synced before it is told, readable by its owner only. */
export function openSqlite(folder: string): { db: Kysely<Tables>; close: () => Promise<void> } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'keybearer.db')
  const unlock = lockFolder(folder)
  removeCopies(folder)
  const opened: DatabaseSync[] = []
  const open = (readOnly: boolean): DatabaseSync => {
    const native = new DatabaseSync(file, { timeout: lockTimeout, readOnly })
    opened.push(native)
    return native
  }
  let log: WalSync
  try {
    const writer = open(false)
    chmodSync(file, 0o600)
    writer.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma wal_autocheckpoint = ${checkpointPages};
      pragma foreign_keys = on; pragma temp_store = memory`)
    open(true).exec('pragma temp_store = memory')
    // The log is made by the first transaction.
    writer.exec('begin immediate; commit')
    log = openWalSync(file)
  } catch (error) {
    for (const native of opened) native.close()
    unlock()
    const { errcode = 0 } = error as { errcode?: number }
    if (errcode === 26 || (errcode & 0xff) === 11) {
      throw new Problem('storage_unavailable', `${file} is damaged${errcode === 26 ? ': it is not a database' : ''}.`, {
        cause: error,
        nextStep: 'Restore it from a backup.',
      })
    }
    throw toStorageProblem(error) ?? error
  }
  const [writer, reader] = opened.map((native) => adapt(native, log))
  const db = new Kysely<Tables>({ dialect: new EmbeddedDialect(() => new EmbeddedDriver(writer!, reader!)) })
  return {
    db,
    async close() {
      await db.destroy()
      log.close()
      unlock()
    },
  }
}

/**
 * Holds a lock on the data folder as long as the process lives. The kernel gives it back when the process ends, however it
 * ends, so that nothing has to be cleaned up after a crash.
 */
export function lockFolder(folder: string): () => void {
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

/** Runs statements, and keeps them prepared for the next time. */
function adapt(native: DatabaseSync, log: WalSync): EmbeddedFile {
  type Known = { statement: StatementSync; hasRows: boolean }
  const statements = new Map<string, Known>()
  const find = (sql: string): Known => {
    let known = statements.get(sql)
    if (!known) {
      const statement = native.prepare(sql)
      known = { statement, hasRows: statement.columns().length > 0 }
      if (statements.size >= cachedStatements) statements.clear()
      statements.set(sql, known)
    }
    return known
  }
  return {
    execute: (sql, parameters) =>
      telling(() => {
        const { statement, hasRows } = find(sql)
        const values = parameters.map(toParameter)
        if (hasRows) return { rows: statement.all(...values).map(fromRow), changes: 0 }
        return { rows: [], changes: statement.run(...values).changes }
      }),
    get isTransaction() {
      return native.isTransaction
    },
    async sync() {
      try {
        await log.sync()
      } catch (error) {
        throw toStorageProblem(error) ?? notSynced(error)
      }
    },
    close: () => native.close(),
  }
}

const notSynced = (cause: unknown) =>
  new Problem('storage_unavailable', 'The disk of the database reports an error; what was being written may be lost with the next power cut.', {
    cause,
    nextStep: 'Check the disk, then start the service again.',
  })

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
  readonly #makeDriver: () => EmbeddedDriver
  constructor(makeDriver: () => EmbeddedDriver) {
    this.#makeDriver = makeDriver
  }
  createAdapter() {
    return new ConcurrentAdapter()
  }
  createDriver() {
    return this.#makeDriver()
  }
  createIntrospector(db: Kysely<never>) {
    return new SqliteIntrospector(db)
  }
  createQueryCompiler() {
    return new SqliteQueryCompiler()
  }
}

/** Leaves it to our driver who has to wait for whom. */
class ConcurrentAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}
