import { chmodSync, closeSync, mkdirSync, openSync, rmSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import type { BackupMasterKey } from '../base/backup-file.ts'
import { Problem } from '../base/problem.ts'
import type { Database } from './tables.ts'
import { toStorageProblem } from './storage-problem.ts'

/** Pages that are copied at a time; the copy works beside the process, which goes on meanwhile. */
const pagesAtATime = 1000

/** Where a copy is made: in the data folder, so that it is on the same disk and as closed to others. */
const folderOf = (dataFolder: string): string => join(dataFolder, 'backup.tmp')

/**
 * Copies the embedded database as it is at one moment, while others go on reading and writing.
 *
 * A connection of its own holds one read transaction over the whole copy: what is written meanwhile is not in it, and does not
 * make the copy begin anew. Whoever has taken the file removes it.
 *
 * @throws Problem storage_full, storage_unavailable
 */
export async function copyDatabase(dataFolder: string): Promise<{ file: string; size: number; remove: () => void }> {
  const folder = folderOf(dataFolder)
  const file = join(folder, 'keybearer.db')
  removeCopies(dataFolder)
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    mkdirSync(folder, { mode: 0o700 })
    chmodSync(folder, 0o700)
    // Made here, so that it is nobody else's from its first byte on.
    closeSync(openSync(file, 'wx', 0o600))
    const source = new DatabaseSync(join(dataFolder, 'keybearer.db'), { readOnly: true })
    try {
      source.exec('begin')
      checkRoom(dataFolder, Number(source.prepare('select page_count * page_size as size from pragma_page_count, pragma_page_size').get()?.size))
      source.prepare('select count(*) from sqlite_schema').get()
      await backup(source, file, { rate: pagesAtATime })
    } finally {
      source.close()
    }
    return { file, size: statSync(file).size, remove }
  } catch (error) {
    remove()
    throw toStorageProblem(error) ?? error
  }
}

/** What stays free beside a copy: the service goes on writing on the same disk meanwhile. */
const margin = 4_000_000

/** A copy that fills the disk would stop the service that it is to save. @throws Problem storage_full */
function checkRoom(dataFolder: string, size: number): void {
  const { bavail, bsize } = statfsSync(dataFolder)
  const free = bavail * bsize
  if (free >= size + margin) return
  const inMegabytes = (bytes: number) => `${Math.ceil(bytes / 1_000_000)} MB`
  throw new Problem('storage_full', `The copy needs ${inMegabytes(size + margin)} in ${dataFolder}, and ${inMegabytes(free)} are free. Nothing was written.`, {
    retryAfter: 3600,
  })
}

/** Removes what a process left behind that died over a copy or over a restore. */
export function removeCopies(dataFolder: string): void {
  rmSync(folderOf(dataFolder), { recursive: true, force: true })
  rmSync(restoreFolder(dataFolder), { recursive: true, force: true })
}

/** Where a store is made anew before it takes its place. */
export const restoreFolder = (dataFolder: string): string => join(dataFolder, 'restore.tmp')

/** Returns the master keys of a database, and how much each of them seals. */
export async function masterKeysInUse(db: Database): Promise<BackupMasterKey[]> {
  const keys = await db.selectFrom('master_keys').select(['version', 'fingerprint', 'derivation']).orderBy('version').execute()
  const counts = await db
    .selectFrom('data_keys')
    .select((eb) => ['master_key_version', eb.fn.countAll<number>().as('count')])
    .groupBy('master_key_version')
    .execute()
  const count = new Map(counts.map((row) => [row.master_key_version, Number(row.count)]))
  return keys.map((key) => ({ ...key, dataKeys: count.get(key.version) ?? 0 }))
}
