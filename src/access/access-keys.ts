import { service, type Actor } from '../base/actor.ts'
import type { Clock } from '../base/clock.ts'
import type { EventBus } from '../base/events.ts'
import { newId, randomToken } from '../base/ids.ts'
import { Problem, type FieldError } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { shellWord } from '../base/shell-word.ts'
import { makeAccessKey, parseAccessKey } from '../crypto/key-hash.ts'
import {
  countAccessKeys,
  findAccessKey,
  findAccessKeyByHash,
  insertAccessKey,
  listAccessKeys,
  markAccessKeyKept,
  markAccessKeyRevoked,
  markAccessKeyUsed,
} from '../storage/access-keys.ts'
import { appendEvents } from '../storage/events.ts'
import { insertDelivery, listDeliveries, readDelivery } from '../storage/key-deliveries.ts'
import type { Database, Row } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { AuditTrail } from './audit.ts'
import { Caller, isNetwork, networkTest } from './caller.ts'
import type { KeyWatch } from './key-watch.ts'
import { deliveryLife, hashLink } from './key-deliveries.ts'
import { administrations, rights, type AccessKeyView, type MadeAccessKey, type MailLimits, type NewAccessKey, type Permission } from './types.ts'

const day = 86_400_000
/** Revoked keys stay in the list for so long. */
const revokedVisible = 90 * day
/** The last use is written at most so often. */
const useInterval = 30_000
const cacheSize = 10_000

/** Who calls with a key from an address, and the programs that have done so. */
type Seen = { caller: Caller; programs: Set<string> }
type Known = { row: Row<'access_keys'>; view: AccessKeyView; seen: Map<string | null, Seen>; from: (address: string | null) => boolean; usedAt: number }

/**
 * Makes, finds and revokes access keys. A key is stored as a hash only: it is random and long, so that one fast hash
 * suffices and no derivation is paid per request.
 */
export class AccessKeys {
  readonly #db: Database
  readonly #clock: Clock
  readonly #audit: Pick<AuditTrail, 'append'>
  readonly #isFresh: () => boolean
  readonly #watch: Pick<KeyWatch, 'see'> | undefined
  readonly #known = new Map<string, Known>()
  /** How often the keys that are known were forgotten. */
  #changes = 0
  /** The last header of each connection, and the hash of the key in it; it goes with the connection. */
  readonly #lastOf = new WeakMap<object, { authorization: string; hash: string }>()

  /**
   * `isFresh` tells whether this node has seen all changes of the other nodes within the last second; otherwise the
   * database is asked for every request.
   */
  constructor(options: {
    db: Database
    clock: Clock
    audit: Pick<AuditTrail, 'append'>
    bus: EventBus
    isFresh: () => boolean
    watch?: Pick<KeyWatch, 'see'>
  }) {
    this.#db = options.db
    this.#clock = options.clock
    this.#audit = options.audit
    this.#isFresh = options.isFresh
    this.#watch = options.watch
    options.bus.listen((event) => {
      if (event.type === 'access_key.changed' || event.type === 'events.missed') this.#forget()
    })
  }

  /**
   * Returns who calls, from the Authorization header. A key that comes again over the same connection is not hashed again.
   * `program`: what calls itself so, such as a User-Agent.
   *
   * @throws Problem not_signed_in for a key that is missing, mistyped, unknown, expired, revoked, or used from elsewhere
   */
  async authenticate(authorization: string | undefined, address: string | null, connection?: object, program?: string): Promise<Caller> {
    const hash = this.#read(authorization)
    if (connection !== undefined) this.#lastOf.set(connection, { authorization: authorization!, hash })
    return await this.#identify(hash, address, program)
  }

  /**
   * Reads a key once for a session that is asked about again and again; whoever calls is found out anew each time.
   *
   * @throws Problem not_signed_in for a key that is missing or mistyped
   */
  reader(authorization: string): (address: string | null) => Promise<Caller> {
    const hash = this.#read(authorization)
    return async (address) => await this.#identify(hash, address, 'smtp')
  }

  /** @throws Problem not_signed_in */
  #read(authorization: string | undefined): string {
    if (authorization === undefined || authorization === '') {
      throw new Problem('not_signed_in', 'The request carries no access key.')
    }
    const text = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    if (text === undefined) throw new Problem('not_signed_in', 'The Authorization header is not of the form "Bearer kb_…".')
    const parsed = parseAccessKey(text)
    if (!parsed.ok) throw new Problem('not_signed_in', `The access key is mistyped: ${parsed.reason}.`)
    return parsed.hash
  }

  /**
   * Returns who calls over a connection over which the same key came last, if nothing has to be asked for it; null: call `authenticate`.
   *
   * @throws Problem not_signed_in
   */
  authenticateAgain({
    authorization,
    address,
    connection,
    program,
  }: {
    authorization: string | undefined
    address: string | null
    connection?: object
    program?: string | undefined
  }): Caller | null {
    const last = connection === undefined ? undefined : this.#lastOf.get(connection)
    const known = last !== undefined && last.authorization === authorization && this.#isFresh() ? this.#known.get(last.hash) : undefined
    return known === undefined ? null : this.#judge(known, address, program ?? '')
  }

  async #identify(hash: string, address: string | null, program?: string): Promise<Caller> {
    let known = this.#known.get(hash)
    if (!known || !this.#isFresh()) {
      const before = this.#changes
      const row = await findAccessKeyByHash(this.#db, hash)
      if (!row) {
        this.#known.delete(hash)
        throw new Problem('not_signed_in', 'The access key is unknown: it belongs to another installation, or was removed.')
      }
      if (!known || known.row.revoked_at !== row.revoked_at || known.row.stopped_at !== row.stopped_at) {
        known = { row, view: toView(row), seen: new Map(), from: networkTest(JSON.parse(row.networks) as string[]), usedAt: row.last_used_at ?? 0 }
        // What was read before a change, such as a revocation, must not be remembered after it.
        if (before === this.#changes) {
          if (this.#known.size >= cacheSize) this.#known.clear()
          this.#known.set(hash, known)
        }
      }
    }
    return this.#judge(known, address, program)
  }

  #forget(): void {
    this.#changes++
    this.#known.clear()
  }

  /** Returns the caller behind a key that exists, if the key is good now and from here. @throws Problem not_signed_in */
  #judge(known: Known, address: string | null, program: string | undefined): Caller {
    const { row } = known
    const now = this.#clock.now()
    if (row.revoked_at !== null) throw new Problem('not_signed_in', `The access key "${row.name}" was revoked.`)
    if (row.stopped_at !== null)
      throw new Problem('not_signed_in', `The access key "${row.name}" was stopped, because nobody had used it for long.`, {
        nextStep: `Somebody who administers keys can let it count again: keybearer key resume ${shellWord(row.name)}`,
      })
    if (row.expires_at !== null && row.expires_at <= now) {
      throw new Problem('not_signed_in', `The access key "${row.name}" expired on ${new Date(row.expires_at).toISOString()}.`)
    }
    if (!known.from(address)) throw new Problem('not_signed_in', `The access key "${row.name}" may not be used from ${address ?? 'this address'}.`)

    if (now - known.usedAt >= useInterval || now < known.usedAt) {
      const used = known
      used.usedAt = now
      // Only a convenience for people: the audit trail is the proof. If it cannot be written now, the next use tries again.
      markAccessKeyUsed(this.#db, row.id, now, address).catch(() => {
        used.usedAt = 0
      })
    }
    let seen = known.seen.get(address)
    if (seen === undefined) {
      seen = { caller: new Caller(known.view, { id: row.id, name: row.name, kind: 'access_key', address }), programs: new Set() }
      if (known.seen.size > 100) known.seen.clear()
      known.seen.set(address, seen)
    }
    if (program !== undefined && !seen.programs.has(program)) this.#see(row, address, program, seen.programs)
    return seen.caller
  }

  /** Tells the watch of a use that is new to this node; what it could not write down is new again. */
  #see(row: Row<'access_keys'>, address: string | null, program: string, programs: Set<string>): void {
    if (programs.size > 100) programs.clear()
    programs.add(program)
    this.#watch?.see(row, address, program, () => programs.delete(program))
  }

  /** Makes a key. Its text is in the answer and nowhere else, ever. */
  async create(input: NewAccessKey, actor: Actor): Promise<MadeAccessKey> {
    const made = makeAccessKey()
    return { view: toView(await this.#insert(input, made, null, actor)), key: made.key }
  }

  /** Makes what a key may do, and a link by which one machine gets the key itself, once. What the link ends with is in this answer only. */
  async createForDelivery(input: NewAccessKey, actor: Actor): Promise<{ view: AccessKeyView; link: Secret; expiresAt: number }> {
    const link = randomToken(32)
    const delivery = {
      link_hash: hashLink(link),
      created_by_name: actor.name,
      expires_at: this.#clock.now() + deliveryLife,
      opened_at: null,
      opened_from: null,
      repeats: 0,
    }
    // Not the hash of any text: nobody can sign in with it.
    const none = { hash: `to be delivered ${randomToken(16)}`, hint: 'kb_' }
    const row = await this.#insert(input, none, delivery, actor)
    return { view: toView(row, this.#deliveryView({ ...delivery, access_key_id: row.id })), link: new Secret(link), expiresAt: delivery.expires_at }
  }

  async #insert(
    input: NewAccessKey,
    proof: { hash: string; hint: string },
    delivery: Omit<Row<'key_deliveries'>, 'access_key_id'> | null,
    actor: Actor,
  ): Promise<Row<'access_keys'>> {
    checkNewKey(input, this.#clock.now())
    const now = this.#clock.now()
    const row = {
      id: newId('key', now),
      name: input.name.normalize('NFC').trim(),
      hash: proof.hash,
      hint: proof.hint,
      permissions: JSON.stringify(input.permissions),
      administration: JSON.stringify(input.administration ?? []),
      actions: JSON.stringify(input.actions ?? []),
      networks: JSON.stringify(input.networks ?? []),
      mail_limits: limitsText(input.mailLimits ?? null),
      expires_at: input.expiresAt ?? null,
      revoked_at: null,
      created_by: actor.id,
      created_at: now,
      last_used_at: null,
      last_used_from: null,
      kept_from: null,
      unused_told_at: null,
      stopped_at: null,
    }
    await inTransaction(this.#db, async (trx) => {
      const taken = await findAccessKey(trx, row.name)
      if (taken) throw new Problem('name_taken', `There is already an access key "${row.name}".`)
      await insertAccessKey(trx, row)
      if (delivery !== null) await insertDelivery(trx, { ...delivery, access_key_id: row.id })
      await this.#audit.append(trx, [
        {
          actor,
          action: 'access_key.created',
          subject: row.id,
          subjectName: row.name,
          outcome: 'done',
          detail: {
            permissions: describe(input.permissions),
            administration: input.administration ?? [],
            ...(input.actions?.length ? { actions: input.actions } : {}),
            ...(row.mail_limits === null ? {} : { mail_limits: row.mail_limits }),
            ...(delivery === null ? {} : { delivery: 'link' }),
          },
        },
      ])
      await appendEvents(trx, this.#clock, [{ type: 'access_key.changed', subject: row.id, data: { name: row.name, change: 'created' } }])
    })
    this.#forget()
    return row
  }

  async list(): Promise<AccessKeyView[]> {
    const deliveries = new Map((await listDeliveries(this.#db)).map((one) => [one.access_key_id, one]))
    return (await listAccessKeys(this.#db, this.#clock.now() - revokedVisible)).map((row) => toView(row, this.#deliveryView(deliveries.get(row.id))))
  }

  #deliveryView(row: Row<'key_deliveries'> | undefined): AccessKeyView['delivery'] {
    if (!row) return null
    const status = row.opened_at !== null ? 'opened' : row.expires_at <= this.#clock.now() ? 'expired' : 'waiting'
    return { status, expiresAt: row.expires_at, openedAt: row.opened_at, openedFrom: row.opened_from, repeats: row.repeats }
  }

  /** @throws Problem not_found */
  async get(ref: string): Promise<AccessKeyView> {
    const row = await findAccessKey(this.#db, ref)
    if (!row) throw new Problem('not_found', `There is no access key "${ref.slice(0, 100)}".`)
    return toView(row, this.#deliveryView(await readDelivery(this.#db, row.id)))
  }

  /** Ends a key at once, on this node with the answer and on the others within a second. */
  async revoke(ref: string, actor: Actor): Promise<AccessKeyView> {
    const now = this.#clock.now()
    const row = await inTransaction(this.#db, async (trx) => {
      const found = await findAccessKey(trx, ref)
      if (!found) throw new Problem('not_found', `There is no access key "${ref.slice(0, 100)}".`)
      if (found.revoked_at !== null) return found
      await markAccessKeyRevoked(trx, found.id, now)
      await this.#audit.append(trx, [{ actor, action: 'access_key.revoked', subject: found.id, subjectName: found.name, outcome: 'done' }])
      await appendEvents(trx, this.#clock, [{ type: 'access_key.changed', subject: found.id, data: { name: found.name, change: 'revoked' } }])
      return { ...found, revoked_at: now }
    })
    this.#forget()
    return toView(row, this.#deliveryView(await readDelivery(this.#db, row.id)))
  }

  /** Keeps a key that nobody uses, and lets it count again if it was stopped for that. @throws Problem not_found, invalid_request */
  async resume(ref: string, actor: Actor): Promise<AccessKeyView> {
    const now = this.#clock.now()
    const row = await inTransaction(this.#db, async (trx) => {
      const found = await findAccessKey(trx, ref)
      if (!found) throw new Problem('not_found', `There is no access key "${ref.slice(0, 100)}".`)
      if (found.revoked_at !== null) throw new Problem('invalid_request', `The access key "${found.name}" was revoked: that is for ever. Make a new one.`)
      await markAccessKeyKept(trx, found.id, now)
      await this.#audit.append(trx, [{ actor, action: 'access_key.resumed', subject: found.id, subjectName: found.name, outcome: 'done' }])
      await appendEvents(trx, this.#clock, [{ type: 'access_key.changed', subject: found.id, data: { name: found.name, change: 'resumed' } }])
      return { ...found, stopped_at: null, kept_from: now }
    })
    this.#forget()
    return toView(row, this.#deliveryView(await readDelivery(this.#db, row.id)))
  }

  /** Returns whether any key was ever made: the first one is made by the service itself at its first start. */
  async exist(): Promise<boolean> {
    return (await countAccessKeys(this.#db)) > 0
  }
}

function checkNewKey(input: NewAccessKey, now: number): void {
  const errors: FieldError[] = []
  const name = input.name.normalize('NFC').trim()
  if (name.length < 1 || name.length > 100 || /\p{Cc}/u.test(name)) {
    errors.push({ path: 'name', message: 'must have 1 to 100 characters and no control characters' })
  }
  if (input.permissions.length === 0 && (input.administration ?? []).length === 0 && (input.actions ?? []).length === 0) {
    errors.push({ path: 'permissions', message: 'must name at least one credential with a right, unless the key administers something or runs actions' })
  }
  input.permissions.forEach((permission, i) => {
    if (permission.rights.length === 0) errors.push({ path: `permissions[${i}].rights`, message: `must name at least one of ${rights.join(', ')}` })
  })
  for (const what of input.administration ?? []) {
    if (!administrations.includes(what)) errors.push({ path: 'administration', message: `must be of ${administrations.join(', ')}` })
  }
  for (const network of input.networks ?? []) {
    if (!isNetwork(network)) errors.push({ path: 'networks', message: `"${network.slice(0, 60)}" is not an address or a network such as 192.0.2.0/24` })
  }
  for (const [path, most] of [
    ['messages_per_hour', 100_000],
    ['recipients_per_message', 500],
    ['bytes_per_message', 150_000_000],
  ] as const) {
    const value = limitsOf(input.mailLimits ?? null)?.[path] ?? null
    if (value !== null && !(Number.isInteger(value) && value >= 1 && value <= most))
      errors.push({ path: `mail_limits.${path}`, message: `must be a whole number from 1 to ${most}` })
  }
  if (input.expiresAt !== undefined && input.expiresAt <= now) errors.push({ path: 'expires_at', message: 'must lie in the future' })
  if (errors.length > 0) throw new Problem('invalid_request', 'The access key cannot be made like this.', { errors })
}

type StoredLimits = { messages_per_hour: number | null; recipients_per_message: number | null; bytes_per_message: number | null }

const limitsOf = (limits: MailLimits | null): StoredLimits | null =>
  limits && { messages_per_hour: limits.messagesPerHour, recipients_per_message: limits.recipientsPerMessage, bytes_per_message: limits.bytesPerMessage }

/** Limits of which none is set are no limits. */
function limitsText(limits: MailLimits | null): string | null {
  const stored = limitsOf(limits)
  return stored === null || Object.values(stored).every((value) => value === null) ? null : JSON.stringify(stored)
}

function readLimits(text: string | null): MailLimits | null {
  if (text === null) return null
  const stored = JSON.parse(text) as StoredLimits
  return { messagesPerHour: stored.messages_per_hour, recipientsPerMessage: stored.recipients_per_message, bytesPerMessage: stored.bytes_per_message }
}

const describe = (permissions: Permission[]) => permissions.map((p) => `${p.credential}:${p.rights.join('+')}`)

function toView(row: Row<'access_keys'>, delivery: AccessKeyView['delivery'] = null): AccessKeyView {
  return {
    id: row.id,
    name: row.name,
    hint: row.hint,
    permissions: JSON.parse(row.permissions) as Permission[],
    administration: JSON.parse(row.administration) as AccessKeyView['administration'],
    actions: JSON.parse(row.actions) as string[],
    networks: JSON.parse(row.networks) as string[],
    mailLimits: readLimits(row.mail_limits),
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    createdAt: row.created_at,
    createdBy: row.created_by,
    lastUsedAt: row.last_used_at,
    lastUsedFrom: row.last_used_from,
    keptFrom: row.kept_from,
    toldAt: row.unused_told_at,
    stoppedAt: row.stopped_at,
    mayBeStopped: row.created_by !== service.id,
    delivery,
  }
}
