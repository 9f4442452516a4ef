import type { Transaction } from 'kysely'
import { isProblem, Problem } from '../base/problem.ts'
import type { Database, Tables } from './tables.ts'

const tries = 5

/**
 * Runs work in a transaction that sees its own writes and commits as a whole. It is repeated when PostgreSQL says that two
 * transactions got in each other's way, so that the work must not do anything but read and write the database.
 *
 * Invariant: never the network inside.
 *
 * @throws Problem storage_full, storage_unavailable, or what the work throws
 */
export async function inTransaction<Result>(db: Database, work: (trx: Transaction<Tables>) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction().execute(work)
    } catch (error) {
      if (attempt < tries && isConflict(error)) continue
      throw toStorageProblem(error) ?? error
    }
  }
}

type DriverError = { code?: string; errcode?: number; message?: string }

const isConflict = (error: unknown): boolean => {
  const code = (error as DriverError)?.code
  return code === '40001' || code === '40P01'
}

/** Returns whether a statement failed because a value that must be unique is there already. */
export function isUniqueViolation(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as DriverError
  return code === '23505' || errcode === 2067 || errcode === 1555
}

/** Makes a problem of an error of the database's own making; null for any other error. */
export function toStorageProblem(error: unknown): Problem | null {
  if (isProblem(error)) return null
  const { code = '', errcode = 0, message = '' } = (error ?? {}) as DriverError
  const primary = errcode & 0xff
  if (primary === 13 || code === '53100' || code === 'ENOSPC') {
    return new Problem('storage_full', 'The disk of the database is full; nothing was written.', { cause: error, retryAfter: 30 })
  }
  if (code === 'ERR_SQLITE_ERROR') {
    switch (primary) {
      case 5:
      case 6:
        return new Problem('storage_unavailable', 'The database is locked by another process.', { cause: error, retryAfter: 5 })
      case 8:
        return new Problem('storage_unavailable', 'The database is read-only: check the rights of the data folder.', { cause: error, retryAfter: 30 })
      case 10:
        return new Problem('storage_unavailable', 'The database could not be written: the disk reports an error.', { cause: error, retryAfter: 30 })
      case 11:
      case 26:
        return new Problem('storage_unavailable', 'The database file is damaged.', { cause: error, nextStep: 'Restore it from a backup.' })
    }
  }
  const lost =
    /^(08|57P0|53[0-3]|55P03|57014)/.test(code) ||
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)/.test(code) ||
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(message)
  if (lost) return new Problem('storage_unavailable', 'The database does not answer.', { cause: error, retryAfter: 5 })
  return null
}
