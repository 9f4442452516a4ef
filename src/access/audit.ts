import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { Transaction } from 'kysely'
import { service, type Actor } from '../base/actor.ts'
import type { Clock } from '../base/clock.ts'
import { Company } from '../base/company.ts'
import type { EventBus } from '../base/events.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { redactText } from '../base/redact.ts'
import type { Secret } from '../base/secret.ts'
import { advanceAuditHead, findAudit, insertAudit, readAudit, readAuditHead, type AuditFilter } from '../storage/audit.ts'
import type { Database, NewRow, Row, Tables } from '../storage/tables.ts'
import { atOneMoment, inTransaction } from '../storage/transaction.ts'
import type { AuditAction } from './audit-actions.ts'

export type AuditEntry = {
  actor: Actor
  action: AuditAction
  subject?: string | null
  subjectName?: string | null
  outcome: 'done' | 'refused' | 'failed'
  /** Why it was refused or failed: a code or a short sentence. */
  reason?: string
  /** Counts, modes, names of changed fields; never a value that could be secret. */
  detail?: Record<string, string | number | boolean | null | string[]>
}

export type AuditView = {
  seq: number
  at: number
  actor: { id: string; name: string }
  action: AuditAction
  subject: { id: string; name: string | null } | null
  outcome: 'done' | 'refused' | 'failed'
  reason: string | null
  address: string | null
  detail: Record<string, unknown>
  hash: string
}

export type Verification = { ok: true; records: number; head: string } | { ok: false; records: number; firstBad: number; what: string }

/** An entry that waits for its commit, and how often it came since it first did. */
type Waiting = { entry: AuditEntry; at: number; count: number; done: Promise<void>; resolve: () => void; reject: (error: unknown) => void }

const batchSize = 500
const pageSize = 1000

/**
 * Keeps the audit trail: numbered records, each carrying a keyed hash over itself and the hash before it, so that a
 * changed, removed, inserted or reordered record is found. The key is derived from the master key: whoever can only
 * write to the database cannot make a chain that fits.
 *
 * Invariant: `record` resolves after the commit; whoever hands something out waits for it first.
 */
export class AuditTrail {
  readonly #db: Database
  readonly #clock: Clock
  readonly #key: KeyObject
  readonly #markKey: KeyObject
  readonly #bus: EventBus | undefined
  readonly #onCommit: ((records: number) => void) | undefined
  #waiting = new Map<AuditEntry, Waiting>()
  /** How many entries wait, each as often as it came. */
  #came = 0
  readonly #company: Company
  #isFlushing = false
  #blocked = false

  constructor(options: { db: Database; clock: Clock; key: Uint8Array; bus?: EventBus; onCommit?: (records: number) => void }) {
    this.#db = options.db
    this.#clock = options.clock
    this.#company = new Company(options.clock)
    // Made once: making it anew for every record would take longer than the hash.
    this.#key = createSecretKey(options.key)
    this.#markKey = createSecretKey(createHmac('sha256', this.#key).update('marks of secrets').digest())
    this.#bus = options.bus
    this.#onCommit = options.onCommit
  }

  /**
   * Returns the mark by which a secret is found again in the trail: a keyed hash. Whoever has the secret can ask what was done
   * with it; whoever has only the trail can neither recognise one nor try any out.
   */
  mark(secret: Secret): string {
    return createHmac('sha256', this.#markKey).update(secret.reveal()).digest('base64url').slice(0, 22)
  }

  /** Appends records inside the caller's transaction, so that a change and its record commit together or not at all. */
  async append(trx: Transaction<Tables>, entries: AuditEntry[]): Promise<void> {
    if (entries.length === 0) return
    const now = this.#clock.now()
    await this.#append(
      trx,
      entries.map((entry) => ({ entry, at: now, count: 1 })),
    )
  }

  /**
   * Records one entry and resolves when it is on disk. Entries that arrive while a commit runs share the next one. The same object
   * that comes again before that commit is one record, which says how often it came: a burst of equal hand-outs is one line.
   *
   * @throws Problem audit_blocked
   */
  record(entry: AuditEntry): Promise<void> {
    this.#came += 1
    const same = this.#waiting.get(entry)
    if (same !== undefined) {
      same.count += 1
      return same.done
    }
    const waiting = { entry, at: this.#clock.now(), count: 1 } as Waiting
    waiting.done = new Promise((resolve, reject) => Object.assign(waiting, { resolve, reject }))
    this.#waiting.set(entry, waiting)
    if (!this.#isFlushing) {
      this.#isFlushing = true
      void this.#flush()
    }
    return waiting.done
  }

  async #flush(): Promise<void> {
    await this.#company.gather(() => this.#came)
    while (this.#waiting.size > 0) {
      const batch = this.#takeBatch()
      try {
        await inTransaction(this.#db, (trx) => this.#append(trx, batch))
        this.#onCommit?.(batch.length)
        this.#tell('audit.unblocked')
        for (const waiting of batch) waiting.resolve()
      } catch (error) {
        this.#tell('audit.blocked')
        const problem = blockedBy(error)
        for (const waiting of batch) waiting.reject(problem)
      }
      if (this.#waiting.size > 0) await this.#company.gather(() => this.#came)
    }
    this.#isFlushing = false
  }

  /** Takes the entries that have waited longest. What comes from now on belongs to another record, also when it is the same. */
  #takeBatch(): Waiting[] {
    const batch: Waiting[] = []
    for (const waiting of this.#waiting.values()) {
      if (batch.length === batchSize) break
      batch.push(waiting)
    }
    if (batch.length === this.#waiting.size) this.#waiting = new Map()
    else for (const { entry } of batch) this.#waiting.delete(entry)
    this.#came = this.#waiting.size
    return batch
  }

  #tell(type: 'audit.blocked' | 'audit.unblocked'): void {
    const blocked = type === 'audit.blocked'
    if (blocked === this.#blocked) return
    this.#blocked = blocked
    this.#bus?.publish({ seq: 0, at: this.#clock.now(), type, subject: null, data: {} })
  }

  /**
   * Tries whether the trail can be written again, with a record that says so: whoever waits until tokens can be handed out
   * must not have to ask for one.
   *
   * @throws Problem audit_blocked
   */
  async resume(): Promise<void> {
    await this.record({ actor: service, action: 'audit.resumed', outcome: 'done' })
  }

  /** Returns whether the last attempt to write failed. */
  get blocked(): boolean {
    return this.#blocked
  }

  async #append(trx: Transaction<Tables>, items: Pick<Waiting, 'entry' | 'at' | 'count'>[]): Promise<void> {
    const head = await advanceAuditHead(trx, items.length)
    let { seq, hash } = head
    const rows = items.map((item) => {
      seq += 1
      const row = toRow(item, seq)
      hash = chainHash(this.#key, hash, row)
      return { ...row, hash }
    })
    await insertAudit(trx, rows, hash)
  }

  /** Yields every record that fits, oldest first, up to where the trail ended when it was asked. */
  async *all(filter: Omit<AuditFilter, 'before' | 'after' | 'limit'>): AsyncGenerator<AuditView> {
    const { seq } = await readAuditHead(this.#db)
    for (let after = 0; ;) {
      const rows = await findAudit(this.#db, { ...filter, after, before: seq + 1, limit: pageSize }, 'asc')
      for (const row of rows) yield toView(row)
      if (rows.length < pageSize) return
      after = rows.at(-1)!.seq
    }
  }

  /** Lists records, newest first. */
  async list(
    filter: Omit<AuditFilter, 'before' | 'after' | 'limit'> & { cursor?: string; limit?: number },
  ): Promise<{ items: AuditView[]; next: string | null }> {
    const limit = Math.min(filter.limit ?? 100, 1000)
    const { cursor, ...rest } = filter
    const before = cursor === undefined ? undefined : Number(cursor)
    if (before !== undefined && !Number.isSafeInteger(before)) throw new Problem('invalid_request', 'The cursor is not one of ours.')
    const rows = await findAudit(this.#db, { ...rest, ...(before === undefined ? {} : { before }), limit: limit + 1 })
    const items = rows.slice(0, limit).map(toView)
    return { items, next: rows.length > limit ? String(items.at(-1)!.seq) : null }
  }

  /** Reads the whole trail and returns the first record that does not fit, if there is one. */
  async verify(): Promise<Verification> {
    const goal = await readAuditHead(this.#db)
    let last = { seq: 0, hash: '' }
    while (last.seq < goal.seq) {
      const rows = await readAudit(this.#db, last.seq, Math.min(pageSize, goal.seq - last.seq))
      if (rows.length === 0) return { ok: false, records: last.seq, firstBad: last.seq + 1, what: `record ${last.seq + 1} is missing` }
      const checked = this.#check(last, rows)
      if (!checked.ok) return checked
      last = checked.last
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    if (last.hash !== goal.hash) return { ok: false, records: last.seq, firstBad: last.seq, what: 'the end of the trail does not fit its head' }
    // What came meanwhile, and whether anything stands behind the head that the service did not write.
    return await atOneMoment(this.#db, async (trx): Promise<Verification> => {
      const head = await readAuditHead(trx)
      const checked = this.#check(last, await readAudit(trx, last.seq, 1_000_000))
      if (!checked.ok) return checked
      if (checked.last.seq > head.seq) {
        return { ok: false, records: head.seq, firstBad: head.seq + 1, what: `record ${head.seq + 1} stands behind the end of the trail` }
      }
      if (checked.last.seq < head.seq) {
        return { ok: false, records: checked.last.seq, firstBad: checked.last.seq + 1, what: `record ${checked.last.seq + 1} is missing` }
      }
      if (checked.last.hash !== head.hash) return { ok: false, records: head.seq, firstBad: head.seq, what: 'the end of the trail does not fit its head' }
      return { ok: true, records: head.seq, head: head.hash }
    })
  }

  #check(last: { seq: number; hash: string }, rows: Row<'audit'>[]): { ok: true; last: { seq: number; hash: string } } | (Verification & { ok: false }) {
    for (const row of rows) {
      if (row.seq !== last.seq + 1) return { ok: false, records: last.seq, firstBad: last.seq + 1, what: `record ${last.seq + 1} is missing` }
      const hash = chainHash(this.#key, last.hash, row)
      if (hash !== row.hash) return { ok: false, records: last.seq, firstBad: row.seq, what: `record ${row.seq} was changed or moved` }
      last = { seq: row.seq, hash }
    }
    return { ok: true, last }
  }
}

function blockedBy(error: unknown): Problem {
  const why = isProblem(error) ? ` ${error.title}.` : ''
  return new Problem('audit_blocked', `The audit record could not be written, so nothing was done.${why}`, { cause: error, retryAfter: 5 })
}

function toRow({ entry, at, count }: Pick<Waiting, 'entry' | 'at' | 'count'>, seq: number): Omit<NewRow<'audit'>, 'hash'> {
  const detail = count === 1 ? entry.detail : { ...entry.detail, count }
  return {
    seq,
    at,
    actor: entry.actor.id,
    actor_name: entry.actor.name,
    action: entry.action,
    subject: entry.subject ?? null,
    subject_name: entry.subjectName ?? null,
    outcome: entry.outcome,
    reason: entry.reason === undefined ? null : redactText(entry.reason, 500),
    address: entry.actor.address,
    detail: detail === undefined ? '{}' : JSON.stringify(detail),
  }
}

function chainHash(key: KeyObject, before: string, row: Omit<NewRow<'audit'>, 'hash'>): string {
  const record = [
    before,
    row.seq,
    row.at,
    row.actor,
    row.actor_name,
    row.action,
    row.subject,
    row.subject_name,
    row.outcome,
    row.reason,
    row.address,
    row.detail,
  ]
  return createHmac('sha256', key).update(JSON.stringify(record)).digest('base64url')
}

function toView(row: Row<'audit'>): AuditView {
  return {
    seq: row.seq,
    at: row.at,
    actor: { id: row.actor, name: row.actor_name },
    action: row.action as AuditAction,
    subject: row.subject === null ? null : { id: row.subject, name: row.subject_name },
    outcome: row.outcome as AuditView['outcome'],
    reason: row.reason,
    address: row.address,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
    hash: row.hash,
  }
}
