import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Actor } from '../base/actor.ts'
import { writeBackupHead } from '../base/backup-file.ts'
import type { Clock } from '../base/clock.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { copyDatabase, masterKeysInUse } from '../storage/backup.ts'
import { lastBackup, noteBackup, readRestored, returnedSince, type Restored, type Returned } from '../storage/backup-facts.ts'
import type { Database } from '../storage/tables.ts'
import type { AuditTrail } from './audit.ts'

const day = 86_400_000
/** A backup older than this is one to speak of. */
export const oldBackup = 7 * day

export type BackupView = {
  /** Whether this database is backed up by Keybearer itself. */
  supported: boolean
  lastAt: number | null
  lastSize: number | null
  /** No backup, or an old one, though the service has been in use for a while. */
  isOld: boolean
  restored: (Omit<Restored, 'tried' | 'revoked'> & { returned: Returned | null }) | null
}

export type BackupFile = { name: string; size: number; chunks: AsyncIterable<Uint8Array> }

/** Makes backups of the embedded database while the service runs, one at a time, and knows how old the last one is. */
export class Backups {
  readonly #db: Database
  readonly #clock: Clock
  readonly #audit: Pick<AuditTrail, 'record'>
  readonly #dataFolder: string
  readonly #dialect: 'sqlite' | 'postgres'
  readonly #version: string
  #isRunning = false

  constructor(options: { db: Database; clock: Clock; audit: Pick<AuditTrail, 'record'>; dataFolder: string; dialect: 'sqlite' | 'postgres'; version: string }) {
    this.#db = options.db
    this.#clock = options.clock
    this.#audit = options.audit
    this.#dataFolder = options.dataFolder
    this.#dialect = options.dialect
    this.#version = options.version
  }

  /**
   * Returns a backup as it is now. It counts as made once the last piece was taken; the copy on the disk goes in any case.
   *
   * Invariant: the audit record of a backup is on disk before its first byte leaves.
   *
   * @throws Problem backup_unsupported, backup_running, storage_full, storage_unavailable, audit_blocked
   */
  async make(actor: Actor): Promise<BackupFile> {
    if (this.#dialect === 'postgres') {
      throw new Problem('backup_unsupported', 'The store is in PostgreSQL, which makes consistent copies of its own.', {
        nextStep: 'Run: pg_dump --format=custom --file=keybearer.dump "$(cat FILE_OF_KEYBEARER_DATABASE_URL)"',
      })
    }
    if (this.#isRunning) throw new Problem('backup_running', 'Another backup is being made.', { retryAfter: 10 })
    this.#isRunning = true
    const end = () => {
      this.#isRunning = false
    }
    const madeAt = this.#clock.now()
    try {
      const copy = await copyDatabase(this.#dataFolder)
      try {
        const head = writeBackupHead({
          madeAt,
          madeBy: this.#version,
          size: copy.size,
          sha256: await hashOf(copy.file),
          masterKeys: await masterKeysInUse(this.#db),
        })
        const size = head.length + copy.size
        await this.#audit.record({ actor, action: 'backup.made', outcome: 'done', detail: { size } })
        const remove = () => {
          copy.remove()
          end()
        }
        return { name: fileName(madeAt), size, chunks: this.#give(head, copy.file, { actor, madeAt, size, remove }) }
      } catch (error) {
        copy.remove()
        throw error
      }
    } catch (error) {
      end()
      if (isProblem(error)) await this.#audit.record({ actor, action: 'backup.made', outcome: 'failed', reason: error.code }).catch(() => undefined)
      throw error
    }
  }

  async *#give(
    head: Uint8Array,
    file: string,
    { actor, madeAt, size, remove }: { actor: Actor; madeAt: number; size: number; remove: () => void },
  ): AsyncGenerator<Uint8Array> {
    let isWhole = false
    try {
      yield head
      for await (const chunk of createReadStream(file)) yield chunk as Uint8Array
      isWhole = true
    } finally {
      remove()
      if (isWhole) await noteBackup(this.#db, { at: madeAt, size })
      else await this.#audit.record({ actor, action: 'backup.made', outcome: 'failed', reason: 'cut_off' })
    }
  }

  /** Returns how old the last backup is, and what a restored one brought back. */
  async get(): Promise<BackupView> {
    const now = this.#clock.now()
    const last = await lastBackup(this.#db)
    const restored = await readRestored(this.#db)
    const supported = this.#dialect === 'sqlite'
    const since = last?.at ?? (await this.#firstUse()) ?? now
    return {
      supported,
      lastAt: last?.at ?? null,
      lastSize: last?.size ?? null,
      isOld: supported && now - since > oldBackup,
      restored: restored && { at: restored.at, madeAt: restored.madeAt, returned: restored.revoked && (await returnedSince(this.#db, restored.revoked)) },
    }
  }

  async #firstUse(): Promise<number | null> {
    const row = await this.#db
      .selectFrom('master_keys')
      .select((eb) => eb.fn.min('created_at').as('at'))
      .executeTakeFirst()
    return row?.at == null ? null : Number(row.at)
  }
}

const fileName = (at: number): string => `keybearer-${new Date(at).toISOString().slice(0, 19).replaceAll(':', '-')}.backup`

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
