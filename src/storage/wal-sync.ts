import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

/** Brings the write-ahead log of one database to the disk, beside the thread that runs the service. */
export type WalSync = {
  /** Resolves when everything that was written to the log before the call is on disk. Rejects with the error of the system. */
  sync(): Promise<void>
  close(): void
}

/**
 * Opens the log of a database file in WAL mode, which lies beside it as long as the database is open.
 *
 * The database itself is told not to wait for the disk at each commit (`synchronous = normal`): it syncs the log before it moves
 * pages out of it, and its head before it begins anew, so that the file is whole after any crash. That a commit is on disk
 * before anybody hears of it is then up to whoever awaits `sync`.
 *
 * @see https://www.sqlite.org/pragma.html#pragma_synchronous
 */
export function openWalSync(file: string): WalSync {
  const handle = openSync(`${file}-wal`, 'r+')
  try {
    syncFolder(dirname(file))
  } catch (error) {
    closeSync(handle)
    throw error
  }
  return {
    sync: () => new Promise((resolve, reject) => fdatasync(handle, (error) => (error === null ? resolve() : reject(error)))),
    close: () => closeSync(handle),
  }
}

/** Makes sure that the log is found under its name after a power cut. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
