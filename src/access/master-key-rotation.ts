import { randomBytes } from 'node:crypto'
import type { Actor } from '../base/actor.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { fingerprint, type Keyring } from '../crypto/keyring.ts'
import { writeKeyFile, type MasterKeys } from '../crypto/master-key.ts'
import { rewrap } from '../crypto/vault.ts'
import { countDataKeys, dataKeysToRewrap, rewrapDataKey } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import { insertMasterKey, readMasterKeys, retireMasterKeys } from '../storage/facts.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { AuditTrail } from './audit.ts'

const batch = 200

export type RotationView = {
  state: 'idle' | 'running' | 'failed'
  newestVersion: number
  versions: { version: number; fingerprint: string; dataKeys: number; createdAt: number; retiredAt: number | null }[]
  rewrapped: number
  remaining: number
  startedAt: number | null
  finishedAt: number | null
  problem: { code: string; detail: string; nextStep: string } | null
}

/**
 * Replaces the master key while the service runs: a new version is written to the key file, wraps everything new from then
 * on, and the data keys are wrapped anew in the background. A process that dies in between goes on at its next start; the
 * old version leaves the key file only when nothing is wrapped by it any more.
 */
export class MasterKeyRotation {
  readonly #db: Database
  readonly #clock: Clock
  readonly #log: Log
  readonly #audit: AuditTrail
  readonly #keyring: Keyring
  readonly #source: MasterKeys['source']
  readonly #file: string
  readonly #alone: boolean
  #running: Promise<void> | undefined
  #starting = false
  #stopped = false
  #progress = { rewrapped: 0, startedAt: null as number | null, finishedAt: null as number | null, problem: null as RotationView['problem'] }

  constructor(options: {
    db: Database
    clock: Clock
    log: Log
    audit: AuditTrail
    keyring: Keyring
    source: MasterKeys['source']
    file: string
    alone: boolean
  }) {
    this.#db = options.db
    this.#clock = options.clock
    this.#log = options.log
    this.#audit = options.audit
    this.#keyring = options.keyring
    this.#source = options.source
    this.#file = options.file
    this.#alone = options.alone
  }

  /** Makes the next version and begins. @throws Problem rotation_running, master_key_fixed */
  async start(actor: Actor): Promise<RotationView> {
    if (this.#running || this.#starting) throw new Problem('rotation_running', 'A rotation of the master key is running.')
    // From here on, not only once it runs: a second call in between would make another key of the same version.
    this.#starting = true
    try {
      await this.#prepare(actor)
      this.#begin()
    } finally {
      this.#starting = false
    }
    return await this.get()
  }

  async #prepare(actor: Actor): Promise<void> {
    const left = await countDataKeys(this.#db, this.#keyring.newest)
    if (left === 0 || this.#source === 'file') {
      if (this.#source !== 'file') {
        const newest = this.#keyring.newest
        throw new Problem('master_key_fixed', `The master key comes from the ${this.#source}, which Keybearer cannot change.`, {
          nextStep:
            this.#source === 'passphrase'
              ? 'A passphrase cannot be changed yet.'
              : `Provide two lines, kbm1:${newest}:… with the key of now and kbm1:${newest + 1}:… with a new one, and restart the service: it seals everything anew by itself. Once "keybearer doctor" names no older key, remove the first line.`,
        })
      }
      if (left === 0) await this.#addVersion()
    }
    await this.#audit.record({ actor, action: 'master_key.rotated', outcome: 'done', detail: { version: this.#keyring.newest, phase: 'started' } })
  }

  /** Goes on with a rotation that was interrupted. */
  async resume(): Promise<void> {
    if ((await countDataKeys(this.#db, this.#keyring.newest)) > 0) this.#begin()
    else await this.#retire()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    await this.#running
  }

  /** Learns the version that another node made. */
  async reload(): Promise<void> {
    const newest = (await readMasterKeys(this.#db)).at(-1)?.version
    if (newest !== undefined && newest > this.#keyring.newest) await this.#keyring.find(newest)
  }

  async #addVersion(): Promise<void> {
    const version = this.#keyring.newest + 1
    const key = randomBytes(32)
    const keys = new Map(this.#keyring.versions.map((known) => [known, this.#keyring.key(known)] as const))
    await inTransaction(this.#db, async (trx) => {
      const isNew = await insertMasterKey(trx, { version, fingerprint: fingerprint(key), derivation: null, created_at: this.#clock.now() })
      // Its key may be in the same file: that stays as it is.
      if (!isNew) throw new Problem('rotation_running', `Another node has just made version ${version} of the master key.`)
      // Invariant: a key is on disk before anything is wrapped by it. Repeated with the transaction, it writes the same again.
      writeKeyFile(this.#file, new Map([...keys, [version, key]]))
    })
    this.#keyring.add(version, key)
  }

  #begin(): void {
    this.#progress = { rewrapped: 0, startedAt: this.#clock.now(), finishedAt: null, problem: null }
    this.#running = this.#rewrapAll()
      .catch((error: unknown) => {
        this.#log.error('master_key.rotation_failed', { error })
        const problem = isProblem(error) ? error : new Problem('internal_error', 'The rotation was interrupted.')
        this.#progress.problem = { code: problem.code, detail: problem.message, nextStep: 'Nothing is lost. Run rotate-key again to go on.' }
      })
      .finally(() => {
        this.#progress.finishedAt = this.#clock.now()
        this.#running = undefined
      })
  }

  async #rewrapAll(): Promise<void> {
    const version = this.#keyring.newest
    while (!this.#stopped) {
      const keys = await dataKeysToRewrap(this.#db, version, batch)
      if (keys.length === 0) break
      const wrapped = await Promise.all(keys.map(async (key) => ({ key, next: await rewrap(this.#keyring, key) })))
      await inTransaction(this.#db, async (trx) => {
        for (const { key, next } of wrapped) await rewrapDataKey(trx, key.owner, key.masterKeyVersion, next)
      })
      this.#progress.rewrapped += keys.length
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    if (!this.#stopped) await this.#retire()
  }

  async #retire(): Promise<void> {
    const version = this.#keyring.newest
    const now = this.#clock.now()
    const old = this.#keyring.versions.filter((known) => known < version)
    if (old.length === 0 || (await countDataKeys(this.#db, version)) > 0) return
    await inTransaction(this.#db, async (trx) => {
      await retireMasterKeys(trx, version, now)
      await appendEvents(trx, this.#clock, [{ type: 'master_key.rotated', subject: null, data: { version } }])
    })
    // Another node may not have heard of the new version yet and still wrap by the old one: then it stays.
    if (!this.#alone) return
    if (this.#source === 'file') writeKeyFile(this.#file, new Map([[version, this.#keyring.key(version)]]))
    for (const known of old) this.#keyring.remove(known)
  }

  async get(): Promise<RotationView> {
    const known = await readMasterKeys(this.#db)
    const counts = await this.#db
      .selectFrom('data_keys')
      .select((eb) => ['master_key_version', eb.fn.countAll<number>().as('count')])
      .groupBy('master_key_version')
      .execute()
    const count = new Map(counts.map((row) => [row.master_key_version, Number(row.count)]))
    const remaining = counts.filter((row) => row.master_key_version !== this.#keyring.newest).reduce((sum, row) => sum + Number(row.count), 0)
    return {
      state: this.#running ? 'running' : this.#progress.problem ? 'failed' : 'idle',
      newestVersion: this.#keyring.newest,
      versions: known.map((row) => ({
        version: row.version,
        fingerprint: row.fingerprint,
        dataKeys: count.get(row.version) ?? 0,
        createdAt: row.created_at,
        retiredAt: row.retired_at,
      })),
      rewrapped: this.#progress.rewrapped,
      remaining,
      startedAt: this.#progress.startedAt,
      finishedAt: this.#progress.finishedAt,
      problem: this.#progress.problem,
    }
  }
}
