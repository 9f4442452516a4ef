import { chownSync, closeSync, copyFileSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { BackupReading, type BackupHead } from '../base/backup-file.ts'
import { Problem } from '../base/problem.ts'
import { restoreFolder } from './backup.ts'
import { openDatabase } from './open.ts'
import { lockFolder } from './sqlite.ts'
import { toStorageProblem } from './storage-problem.ts'
import type { Database } from './tables.ts'

export type Restoring = {
  folder: string
  /** The file, piece by piece. */
  chunks: AsyncIterable<Uint8Array>
  /** Put it in the place of a store that is there; that one is kept beside it. */
  replace: boolean
  now: number
  /** Refuses a backup that nobody could open here. Called before anything of the database is written. */
  accept: (head: BackupHead) => void
  /** Changes the restored store before it takes its place; `before` is the one that it replaces, if that can be read. */
  prepare: (db: Database, head: BackupHead, before: Database | null) => Promise<void>
}

const suffixes = ['', '-wal', '-shm']

/**
 * Makes a store of a backup. Everything is checked and prepared in a folder of its own; only then it takes its place, in one
 * step, so that a restore that fails has changed nothing.
 *
 * @throws Problem store_exists, database_in_use, backup_invalid, database_newer, storage_full, and what `accept` throws
 */
export async function restoreStore(restoring: Restoring): Promise<{ head: BackupHead; kept: string | null }> {
  const { folder, now } = restoring
  const file = join(folder, 'keybearer.db')
  const temporary = restoreFolder(folder)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const unlock = lock(folder)
  try {
    if (existsSync(file) && !restoring.replace) throw new Problem('store_exists', `There is a store in ${folder} already. Nothing was changed.`)
    rmSync(temporary, { recursive: true, force: true })
    mkdirSync(temporary, { mode: 0o700 })
    const head = await unpack(restoring, join(temporary, 'keybearer.db'))
    checkStore(join(temporary, 'keybearer.db'), head)
    const restored = await openDatabase({ folder: temporary, now })
    const before = existsSync(file) ? openBefore(folder, temporary) : null
    try {
      await restoring.prepare(restored.db, head, (await before)?.db ?? null)
    } finally {
      await (await before)?.close()
      await restored.close()
    }
    const kept = existsSync(file) ? keepBefore(file, now) : null
    giveToOwner(folder, [join(temporary, 'keybearer.db'), join(folder, 'keybearer.lock')])
    renameSync(join(temporary, 'keybearer.db'), file)
    sync(folder)
    return { head, kept }
  } catch (error) {
    throw toStorageProblem(error) ?? error
  } finally {
    rmSync(temporary, { recursive: true, force: true })
    unlock()
  }
}

function lock(folder: string): () => void {
  try {
    return lockFolder(folder)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new Problem('database_in_use', `A Keybearer runs on ${folder}. Nothing was changed.`, {
      cause: error,
      nextStep: 'Stop the service, restore, and start it again.',
    })
  }
}

/** Writes the database of a backup to a file, and waits until it is on disk. */
async function unpack({ chunks, accept }: Restoring, file: string): Promise<BackupHead> {
  const reading = new BackupReading()
  let isAccepted = false
  const handle = openSync(file, 'wx', 0o600)
  try {
    for await (const chunk of chunks) {
      const part = reading.take(chunk)
      if (reading.head && !isAccepted) {
        accept(reading.head)
        isAccepted = true
      }
      for (let written = 0; written < part.length;) written += writeSync(handle, part, written)
    }
    const head = reading.end()
    fsyncSync(handle)
    return head
  } finally {
    closeSync(handle)
  }
}

/**
 * Refuses what is whole and is no store: an empty one would be made of it in silence.
 *
 * @throws Problem backup_invalid
 */
function checkStore(file: string, head: BackupHead): void {
  const no = (why: string, cause?: unknown) => new Problem('backup_invalid', `What the backup holds is no store of Keybearer: ${why}.`, { cause })
  let keys: { version: number; fingerprint: string }[]
  try {
    const native = new DatabaseSync(file)
    try {
      const [found] = native.prepare('pragma quick_check(1)').all()
      if (found?.quick_check !== 'ok') throw no(`it is damaged (${String(found?.quick_check).slice(0, 100)})`)
      keys = native.prepare('select version, fingerprint from master_keys order by version').all() as typeof keys
    } finally {
      native.close()
    }
  } catch (error) {
    throw error instanceof Problem ? error : no((error as Error).message, error)
  }
  // The first lines are written after the copy: by then there may be one more.
  const isNamed = (key: (typeof keys)[number]) => head.masterKeys.some((one) => one.version === key.version && one.fingerprint === key.fingerprint)
  if (!keys.some(isNamed)) throw no('it names other master keys than its first lines')
}

/** Opens a copy of the store that is to be replaced, as it is; null when it cannot be read, which may be why it is replaced. */
async function openBefore(folder: string, temporary: string): Promise<{ db: Database; close: () => Promise<void> } | null> {
  const copy = join(temporary, 'before')
  try {
    mkdirSync(copy, { mode: 0o700 })
    for (const suffix of suffixes.filter((one) => existsSync(join(folder, `keybearer.db${one}`)))) {
      // Not a link: to open a database may write to it.
      copyFileSync(join(folder, `keybearer.db${suffix}`), join(copy, `keybearer.db${suffix}`))
    }
    return await openDatabase({ folder: copy, now: 0 })
  } catch {
    return null
  }
}

/** Returns the name, with a number behind it where one of the same second, of a restore that was cut off, stands there. */
function freeName(name: string): string {
  for (let n = 1; ; n++) {
    const free = n === 1 ? name : `${name}-${n}`
    if (!suffixes.some((suffix) => existsSync(free + suffix))) return free
  }
}

/** Gives the store that is replaced another name, whole: what stands in its log is brought into it first. */
function keepBefore(file: string, now: number): string {
  const kept = freeName(`${file}.before-${new Date(now).toISOString().slice(0, 19).replaceAll(':', '-')}`)
  try {
    const native = new DatabaseSync(file)
    native.exec('pragma wal_checkpoint(truncate)')
    native.close()
  } catch {
    // It is damaged: then it is kept as it is, with its log.
  }
  const there = suffixes.filter((suffix) => existsSync(file + suffix))
  for (const suffix of there) linkSync(file + suffix, kept + suffix)
  // Invariant: no log of the old store lies beside the new one, which would be written over by it.
  for (const suffix of there.slice(1)) rmSync(file + suffix)
  return kept
}

/** Whoever restores as root restores for the user that the folder belongs to. */
function giveToOwner(folder: string, files: string[]): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(folder)
  for (const file of files) chownSync(file, uid, gid)
}

function sync(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
