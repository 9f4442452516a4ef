import type { Transaction } from 'kysely'
import { toStorageProblem } from './storage-problem.ts'
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

/** Runs work that only reads, and sees everything as it was at one moment. */
export async function atOneMoment<Result>(db: Database, work: (trx: Transaction<Tables>) => Promise<Result>): Promise<Result> {
  try {
    // The embedded database has one writer, so that nothing changes while a transaction is open.
    return await db.transaction().setIsolationLevel('repeatable read').execute(work)
  } catch (error) {
    throw toStorageProblem(error) ?? error
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
