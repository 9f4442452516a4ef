import { closeSync, fdatasync, fdatasyncSync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemClock, type Clock } from '../base/clock.ts'

/** Brings the write-ahead log of one database to the disk. */
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
  const wait = new DiskWait(
    {
      beside: () => new Promise((resolve, reject) => fdatasync(handle, (error) => (error === null ? resolve() : reject(error)))),
      here: () => fdatasyncSync(handle),
    },
    systemClock,
  )
  return { sync: () => wait.sync(), close: () => closeSync(handle) }
}

/** Milliseconds that a sync may usually take so that it is waited for here: asking another thread and hearing of it takes about as long. */
const soon = 0.6
/** How much of what is usual the last sync decides: one that is late sends the next twenty or more to another thread. */
const weight = 1 / 16

/**
 * Waits for a disk: beside the thread that runs the service while nothing is known of the disk or it is slow, so that nobody stands
 * still meanwhile, and in this thread while it usually answers so soon that the way to another one and back would be what takes long.
 */
export class DiskWait {
  readonly #ways: { beside: () => Promise<void>; here: () => void }
  readonly #clock: Pick<Clock, 'monotonic'>
  #usual = 2 * soon

  constructor(ways: { beside: () => Promise<void>; here: () => void }, clock: Pick<Clock, 'monotonic'>) {
    this.#ways = ways
    this.#clock = clock
  }

  /** Resolves when the disk has it; rejects with the error of the system, also when it came at once. */
  async sync(): Promise<void> {
    const startedAt = this.#clock.monotonic()
    if (this.#usual < soon) this.#ways.here()
    else await this.#ways.beside()
    this.#usual += (this.#clock.monotonic() - startedAt - this.#usual) * weight
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
