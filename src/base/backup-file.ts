import { createHash, type Hash } from 'node:crypto'
import { Problem } from './problem.ts'

/** The version of the file; a file with a later one is refused. */
export const backupFormat = 1
const mark = 'keybearer-backup'
const longestHead = 256 * 1024

/** What stands before the database in the file of a backup. None of it is secret: of the master keys it names the fingerprints. */
export type BackupHead = {
  /** As of when the data is. */
  madeAt: number
  /** The version of Keybearer that made it. */
  madeBy: string
  /** How many bytes of database follow. */
  size: number
  /** Of the database, in hex. */
  sha256: string
  masterKeys: BackupMasterKey[]
}

/** A master key that the backup needs, or needed once: `dataKeys` counts what it seals. */
export type BackupMasterKey = { version: number; fingerprint: string; derivation: string | null; dataKeys: number }

/** Returns the first two lines of a backup. */
export function writeBackupHead(head: BackupHead): Buffer {
  return Buffer.from(`${mark} ${backupFormat}\n${JSON.stringify(head)}\n`, 'utf8')
}

/**
 * Reads a backup piece by piece and checks it on the way: `take` gives what belongs to the database, `end` says whether all
 * of it came, unchanged.
 */
export class BackupReading {
  #head: BackupHead | undefined
  #start = Buffer.alloc(0)
  #bytes = 0
  readonly #hash: Hash = createHash('sha256')

  /** What the file says of itself; not there before enough of it came. */
  get head(): BackupHead | undefined {
    return this.#head
  }

  /** @throws Problem backup_invalid, database_newer */
  take(chunk: Uint8Array): Uint8Array {
    if (this.#head) return this.#count(chunk)
    this.#start = Buffer.concat([this.#start, chunk])
    if (this.#start.length < mark.length) return new Uint8Array()
    if (this.#start.toString('latin1', 0, mark.length) !== mark) throw notOne()
    const first = this.#start.indexOf('\n')
    const second = first === -1 ? -1 : this.#start.indexOf('\n', first + 1)
    if (first !== -1) refuseNewer(this.#start.toString('utf8', 0, first))
    if (second === -1) {
      if (this.#start.length > longestHead) throw notOne()
      return new Uint8Array()
    }
    this.#head = readHead(this.#start.toString('utf8', first + 1, second))
    return this.#count(this.#start.subarray(second + 1))
  }

  /** @throws Problem backup_invalid when it is not whole */
  end(): BackupHead {
    const head = this.#head
    if (!head) throw this.#start.length < mark.length ? notOne() : new Problem('backup_invalid', 'The file ends in its first lines: it was cut off.')
    if (this.#bytes !== head.size) {
      const what = this.#bytes < head.size ? 'The backup was cut off' : 'Something was added to the backup'
      throw new Problem('backup_invalid', `${what}: it has ${this.#bytes} bytes of database instead of ${head.size}.`)
    }
    if (this.#hash.digest('hex') !== head.sha256) throw new Problem('backup_invalid', 'The backup is damaged: its checksum does not fit.')
    return head
  }

  #count(chunk: Uint8Array): Uint8Array {
    this.#bytes += chunk.length
    this.#hash.update(chunk)
    return chunk
  }
}

const notOne = () => new Problem('backup_invalid', 'The file is no backup that "keybearer backup" made.')

function refuseNewer(line: string): void {
  const version = /^keybearer-backup (\d{1,6})$/.exec(line)?.[1]
  if (version === undefined) throw notOne()
  if (Number(version) > backupFormat) {
    throw new Problem('database_newer', `The backup has the format ${version}; this Keybearer knows formats up to ${backupFormat}. Nothing was changed.`, {
      nextStep: 'Install the version of Keybearer that made it, or a newer one, and restore with that.',
    })
  }
}

function readHead(line: string): BackupHead {
  let head: Partial<BackupHead> | null
  try {
    head = JSON.parse(line) as Partial<BackupHead> | null
  } catch {
    head = null
  }
  const { madeAt, madeBy, size, sha256, masterKeys } = head ?? {}
  const isWhole =
    Number.isSafeInteger(madeAt) && typeof madeBy === 'string' && Number.isSafeInteger(size) && typeof sha256 === 'string' && Array.isArray(masterKeys)
  if (!isWhole) throw new Problem('backup_invalid', 'The second line of the backup is damaged.')
  return head as BackupHead
}
