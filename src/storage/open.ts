import { migrate } from './migrate.ts'
import { openSqlite } from './sqlite.ts'
import type { Database } from './tables.ts'
import { toStorageProblem } from './storage-problem.ts'

export type OpenedDatabase = { db: Database; dialect: 'sqlite' | 'postgres'; close: () => Promise<void> }

/**
 * Opens the store and brings it to the newest version: PostgreSQL when there is a URL, otherwise the data folder.
 *
 * @throws Problem database_newer, database_in_use, storage_unavailable
 */
export async function openDatabase(options: {
  folder: string
  url?: string | undefined
  now: number
  onError?: (error: unknown) => void
}): Promise<OpenedDatabase> {
  const opened =
    options.url === undefined
      ? { ...openSqlite(options.folder), dialect: 'sqlite' as const }
      : { ...(await import('./postgres.ts')).openPostgres(options.url, options.onError ?? (() => undefined)), dialect: 'postgres' as const }
  try {
    await migrate(opened.db, opened.dialect, options.now)
    return opened
  } catch (error) {
    await opened.close()
    throw toStorageProblem(error) ?? error
  }
}
