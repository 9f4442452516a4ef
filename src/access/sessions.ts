import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import type { Clock } from '../base/clock.ts'
import type { EventBus } from '../base/events.ts'
import { newId, randomToken } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { appendEvents } from '../storage/events.ts'
import {
  confirmSession,
  deleteSession,
  deleteSessions,
  findSessionByToken,
  insertSession,
  listSessions,
  markSessionSeen,
  pruneSessions,
  type SessionWithPerson,
} from '../storage/sessions.ts'
import type { Database, Row, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { AuditTrail } from './audit.ts'
import { Caller } from './caller.ts'
import { isRole, rightsOf } from './roles.ts'

/** For so long a person counts as having proven himself just now. */
export const freshFor = 5 * 60_000
/** The last request is written at most so often. */
const seenInterval = 60_000
const cacheSize = 10_000

export type Way = 'password' | 'invitation' | 'passkey' | 'oidc'

/** Where a sign-in comes from. */
export type From = {
  address: string | null
  userAgent: string | null
  /** What the cookie held before: that session ends, so that none that somebody prepared goes on. */
  replaces: string | null
}

export type SessionView = { id: string; current: boolean; createdAt: number; lastSeenAt: number; address: string | null; userAgent: string | null }

type Known = { row: SessionWithPerson; seenAt: number; callers: Map<string | null, Caller> }

/**
 * The sessions of signed-in persons. The cookie holds 256 random bits, the database their hash; everything else is looked up,
 * so that a change of role, a suspension or a sign-out works at the next request, on every node.
 */
export class Sessions {
  readonly #db: Database
  readonly #clock: Clock
  readonly #audit: Pick<AuditTrail, 'append'>
  readonly #isFresh: () => boolean
  readonly #wake: () => Promise<void>
  readonly #idle: number
  readonly #longest: number
  readonly #known = new Map<string, Known>()
  #changes = 0

  /** `isFresh`: see `AccessKeys`. `idle` and `longest`: milliseconds until a session ends without requests, and in any case. */
  constructor(options: {
    db: Database
    clock: Clock
    audit: Pick<AuditTrail, 'append'>
    bus: EventBus
    isFresh: () => boolean
    wake: () => Promise<void>
    idle: number
    longest: number
  }) {
    this.#db = options.db
    this.#clock = options.clock
    this.#audit = options.audit
    this.#isFresh = options.isFresh
    this.#wake = options.wake
    this.#idle = options.idle
    this.#longest = options.longest
    options.bus.listen((event) => {
      if (event.type === 'person.changed' || event.type === 'events.missed') this.#forget()
    })
  }

  /** Counts what may have changed somebody's rights: while it stays the same, so do they. */
  get changes(): number {
    return this.#changes
  }

  /**
   * Returns who calls, from what the session cookie holds. `quiet`: it is not the person who asks, but his open page.
   *
   * @throws Problem not_signed_in for a session that is unknown or has ended
   */
  async authenticate(token: string, address: string | null, options: { quiet?: boolean } = {}): Promise<Caller> {
    const refuse = (why: string) => new Problem('not_signed_in', `The session ${why}.`, { nextStep: 'Sign in again.' })
    if (!/^[\w-]{43}$/.test(token)) throw refuse('is none of ours')
    const hash = hashToken(token)
    let known = this.#known.get(hash)
    if (!known || !this.#isFresh()) known = await this.#read(hash, known)
    const now = this.#clock.now()
    // Another node may have seen him later than this one.
    if (known && now - known.seenAt >= this.#idle) known = await this.#read(hash, undefined)
    if (!known || known.row.person_suspended_at !== null || !isRole(known.row.person_role)) throw refuse('has ended, or is none of ours')
    if (now >= known.row.expires_at || now - known.seenAt >= this.#idle) {
      this.#known.delete(hash)
      await deleteSession(this.#db, known.row.person_id, known.row.id)
      throw refuse('has ended by itself')
    }
    if (options.quiet !== true) this.#see(known, now)
    return callerOf(known, address)
  }

  async #read(hash: string, known: Known | undefined): Promise<Known | undefined> {
    const before = this.#changes
    const row = await findSessionByToken(this.#db, hash)
    if (!row) {
      this.#known.delete(hash)
      return undefined
    }
    const same = known && known.row.person_role === row.person_role && known.row.confirmed_at === row.confirmed_at && known.row.person_name === row.person_name
    const next: Known = same
      ? { ...known, row: { ...row }, seenAt: Math.max(known.seenAt, row.last_seen_at) }
      : { row, seenAt: row.last_seen_at, callers: new Map() }
    // What was read before a change must not be remembered after it.
    if (before === this.#changes) {
      if (this.#known.size >= cacheSize) this.#known.clear()
      this.#known.set(hash, next)
    }
    return next
  }

  #see(known: Known, now: number): void {
    known.seenAt = now
    if (now - known.row.last_seen_at < Math.min(seenInterval, this.#idle / 4)) return
    known.row.last_seen_at = now
    markSessionSeen(this.#db, known.row.id, known.row.person_id, now).catch(() => {
      known.row.last_seen_at = 0
    })
  }

  /** Returns when a session ends if nothing more is heard of it. */
  endOf(person: { expiresAt: number }): number {
    return Math.min(person.expiresAt, this.#clock.now() + this.#idle)
  }

  /** Makes a session inside the transaction that decided on the sign-in. What the cookie shall hold is in the answer only. */
  async start(trx: Transaction<Tables>, personId: string, way: Way, from: From, confirmedAt: number | null): Promise<{ token: Secret; id: string }> {
    const now = this.#clock.now()
    const token = randomToken(32)
    await pruneSessions(trx, now, now - this.#idle)
    if (from.replaces !== null) {
      const old = await findSessionByToken(trx, hashToken(from.replaces))
      if (old) await deleteSession(trx, old.person_id, old.id)
    }
    const id = newId('ses', now)
    await insertSession(trx, {
      id,
      person_id: personId,
      token_hash: hashToken(token),
      way,
      address: from.address,
      user_agent: from.userAgent?.slice(0, 300) ?? null,
      created_at: now,
      last_seen_at: now,
      confirmed_at: confirmedAt,
      expires_at: now + this.#longest,
    })
    return { token: new Secret(token), id }
  }

  /** Notes inside a transaction that the person of a session has just proven himself. @throws Problem not_signed_in */
  async confirm(trx: Transaction<Tables>, id: string): Promise<void> {
    if (!(await confirmSession(trx, id, this.#clock.now()))) throw new Problem('not_signed_in', 'The session has ended.')
  }

  /** Ends the sessions of a person inside the transaction of whatever is the reason. Call `spread` after it. */
  async endAll(trx: Transaction<Tables>, personId: string, except: string | null): Promise<number> {
    return await deleteSessions(trx, personId, except)
  }

  /** Tells what changed to this node at once and to the others by the event that the transaction wrote. */
  async spread(): Promise<void> {
    this.#forget()
    await this.#wake()
  }

  /** Ends one session of a person: his own, with which he asks, or another one. @throws Problem not_found */
  async end(person: { id: string; name: string; sessionId: string }, id: string, actor: Actor): Promise<void> {
    await inTransaction(this.#db, async (trx) => {
      if (!(await deleteSession(trx, person.id, id))) throw new Problem('not_found', 'There is no such session.')
      const action = id === person.sessionId ? 'person.signed_out' : 'person.session_ended'
      await this.#audit.append(trx, [{ actor, action, subject: person.id, subjectName: person.name, outcome: 'done', detail: { session: id } }])
      await appendEvents(trx, this.#clock, [{ type: 'person.changed', subject: person.id, data: { name: person.name, change: 'signed_out' } }])
    })
    await this.spread()
  }

  async list(person: { id: string; sessionId: string }): Promise<SessionView[]> {
    const now = this.#clock.now()
    const rows = await listSessions(this.#db, person.id)
    return rows.filter((row) => row.id === person.sessionId || this.#isOpen(row, now)).map((row) => toView(row, person.sessionId))
  }

  #isOpen(row: Row<'sessions'>, now: number): boolean {
    return now < row.expires_at && now - row.last_seen_at < this.#idle
  }

  #forget(): void {
    this.#changes++
    this.#known.clear()
  }
}

const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')

function callerOf(known: Known, address: string | null): Caller {
  const made = known.callers.get(address)
  if (made) return made
  const { row } = known
  const person = {
    id: row.person_id,
    name: row.person_name,
    role: row.person_role as 'viewer',
    sessionId: row.id,
    freshUntil: row.confirmed_at === null ? null : row.confirmed_at + freshFor,
    expiresAt: row.expires_at,
  }
  const caller = new Caller(rightsOf(row.person_role), { id: person.id, name: person.name, kind: 'person', address }, person)
  if (known.callers.size > 100) known.callers.clear()
  known.callers.set(address, caller)
  return caller
}

const toView = (row: Row<'sessions'>, current: string): SessionView => ({
  id: row.id,
  current: row.id === current,
  createdAt: row.created_at,
  lastSeenAt: row.last_seen_at,
  address: row.address,
  userAgent: row.user_agent,
})
