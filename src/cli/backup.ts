import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Command } from 'commander'
import { createClient } from '../../client/src/client.ts'
import { BackupReading } from '../base/backup-file.ts'
import { exitCodes } from '../base/problem-codes.ts'
import { CommandError, findConnection } from './connection.ts'
import { say } from './output.ts'
import { fetchPieces } from './transport.ts'

export function backupCommand(): Command {
  return new Command('backup')
    .description('write a consistent copy of the store to a new file while the service runs; secrets stay sealed, and the master key is not in it')
    .argument('<file>', 'a new file, for you alone; - for stdout')
    .action(async (file: string) => {
      const reading = new BackupReading()
      const target = file === '-' ? toStdout() : toNewFile(file)
      try {
        await download(async (pieces) => {
          for await (const piece of pieces) {
            reading.take(piece)
            await target.write(piece)
          }
        })
        const head = reading.end()
        target.finish()
        const key = head.masterKeys.filter((one) => one.dataKeys > 0).at(-1) ?? head.masterKeys.at(-1)
        say(`Backup of ${new Date(head.madeAt).toISOString()}, ${head.size} bytes of database, checked.`)
        say(`It opens with the master key ${key?.fingerprint ?? 'of this store'} only: keep that somewhere else.`)
      } finally {
        target.drop()
      }
    })
}

async function download(take: (pieces: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void> {
  const { url, accessKey } = findConnection()
  const client = createClient({ url, accessKey, transport: fetchPieces(take) })
  await client.makeBackup()
}

/** The name is on disk too. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

type Target = { write(piece: Uint8Array): Promise<void>; finish(): void; drop(): void }

function toStdout(): Target {
  if (process.stdout.isTTY) throw new CommandError('A backup is not for a terminal.', { exit: exitCodes.usage, nextStep: 'Name a file, or pipe it on.' })
  return {
    write: (piece) => new Promise((done, fail) => process.stdout.write(piece, (error) => (error ? fail(error) : done()))),
    finish: () => undefined,
    drop: () => undefined,
  }
}

/** Writes beside the file, which is there only once it is whole. */
function toNewFile(file: string): Target {
  const temporary = `${file}.unfinished-${process.pid}`
  const cannot = (error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return new CommandError(`${file} exists already.`, { exit: exitCodes.failed })
    const why = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : (code ?? 'error')
    return new CommandError(`${file} cannot be written: ${why}. Nothing was left behind.`, { exit: exitCodes.failed })
  }
  const orCannot = <Result>(work: () => Result): Result => {
    try {
      return work()
    } catch (error) {
      throw cannot(error)
    }
  }
  const handle = orCannot(() => openSync(temporary, 'wx', 0o600))
  let isOpen = true
  return {
    async write(piece) {
      orCannot(() => {
        for (let written = 0; written < piece.length;) written += writeSync(handle, piece, written)
      })
    },
    finish() {
      orCannot(() => {
        fsyncSync(handle)
        // A link fails where a file is there; a rename would write over it.
        linkSync(temporary, file)
        syncFolder(dirname(resolve(file)))
      })
    },
    drop() {
      if (!isOpen) return
      isOpen = false
      closeSync(handle)
      rmSync(temporary, { force: true })
    },
  }
}
