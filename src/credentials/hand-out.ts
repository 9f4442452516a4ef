import type { AuditEntry } from '../access/audit.ts'
import type { Actor } from '../base/actor.ts'
import { Problem, withDiagnosis } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { shellWord } from '../base/shell-word.ts'
import { findCredential, readCredential, readToHandOut, type CredentialToHandOut, type CredentialWithRegistration } from '../storage/credentials.ts'
import { keyRead } from '../storage/data-keys.ts'
import type { Row } from '../storage/tables.ts'
import type { CredentialContext } from './context.ts'
import { checkDestination, hostsNotFor, type Destination, type ScopedHost } from './destination.ts'
import { diagnosisOfReason } from './diagnosis.ts'
import { readReason } from './credential-status.ts'
import { providerOf } from './provider-of.ts'
import { leastRestLife, restOfLife } from './refresh-plan.ts'
import type { Renewer } from './refresh.ts'
import type { TokenCache, CachedToken } from './token-cache.ts'
import { credentialPlace, readStoredSecret } from './token-set.ts'
import type { CredentialStatus, HandedOut, Purpose } from './types.ts'
import type { UsageRecorder } from './usage.ts'

/** A token that a server refused is renewed at most so often: a server that refuses everything must not cause a storm. */
const refusedInterval = 10_000
/** How long a caller waits for a token that has to be fetched first. */
const longestWait = 40_000
/** Nodes and restarts may differ by this much without a token being taken for one from the future. */
const tolerableSkew = 30_000

export type HandOutOrder = {
  purpose: Purpose
  /** Where Keybearer itself sends the token. Left out only where the caller takes it away. */
  destination?: Destination
  minTtlSeconds?: number
  /** The generation of a token that a server refused: a newer one is fetched. */
  refusedGeneration?: number
  actor: Actor
}

/** Hands tokens out: at once from memory where it can, after a refresh where it must, and never unrecorded. */
export class HandOuts {
  readonly #context: CredentialContext
  readonly #cache: TokenCache
  readonly #renewer: Renewer
  readonly #usage: UsageRecorder

  constructor(context: CredentialContext, cache: TokenCache, renewer: Renewer, usage: UsageRecorder) {
    this.#context = context
    this.#cache = cache
    this.#renewer = renewer
    this.#usage = usage
  }

  /**
   * Returns a token that lives at least as long as asked, after its audit record is on disk.
   *
   * @throws Problem not_found, incomplete, needs_consent, misconfigured, paused, provider_unavailable, ttl_too_long,
   *   destination_not_allowed, audit_blocked, decrypt_failed
   */
  async handOut(id: string, order: HandOutOrder): Promise<HandedOut> {
    return await this.#recordingRefusals(id, order, async (told) => {
      const token = this.#inMemory(id, order) ?? (await this.#choose(id, order))
      await this.#context.audit.record(recordOf(token, order, told))
      this.#countUse(token.id, order, 'ok')
      this.#context.count('hand_outs', 'ok')
      return handedOut(token)
    })
  }

  /**
   * Returns the generation of the token that a hand-out would give now, renewed where that is needed. The token stays here:
   * it is for a part of Keybearer that is still logged in with that token and need not send it again.
   *
   * @throws Problem as `handOut`
   */
  async generationFor(id: string, order: HandOutOrder): Promise<number> {
    return await this.#recordingRefusals(id, order, async () => {
      const { generation } = await this.#choose(id, order)
      this.#countUse(id, order, 'ok')
      return generation
    })
  }

  /** Returns a token that nothing has to be asked or awaited for. */
  #inMemory(id: string, order: HandOutOrder): CachedToken | null {
    const cached = this.#cache.get(id)
    return cached !== undefined && !order.destination && this.#context.isFresh() && this.#isGood(cached, order) ? cached : null
  }

  async #choose(id: string, order: HandOutOrder): Promise<CachedToken> {
    if (order.destination) await this.#checkBefore(id, order.destination)
    const token = await this.#fresh(id, order)
    if (order.destination) checkDestination(token, order.destination)
    return token
  }

  /** A test is no use: whoever deletes a credential wants to know which automations depend on it. The trail holds both. */
  #countUse(id: string, order: HandOutOrder, outcome: 'ok' | 'issue'): void {
    if (order.purpose !== 'test') this.#usage.add(id, order.actor, outcome)
  }

  async #recordingRefusals<Result>(
    id: string,
    order: HandOutOrder,
    work: (told: { purpose: Purpose; destination?: string }) => Promise<Result>,
  ): Promise<Result> {
    const told = { purpose: order.purpose, ...(order.destination ? { destination: written(order.destination) } : {}) }
    try {
      return await work(told)
    } catch (error) {
      this.#context.count('hand_outs', error instanceof Problem ? error.code : 'error')
      if (error instanceof Problem && error.code !== 'audit_blocked' && error.code !== 'not_found' && error.code !== 'storage_unavailable') {
        this.#countUse(id, order, 'issue')
        const subjectName = await this.nameOf(id)
        await this.#context.audit.record({
          actor: order.actor,
          action: 'token.handed_out',
          subject: id,
          subjectName,
          outcome: 'refused',
          reason: error.code,
          detail: told,
        })
      }
      throw error
    }
  }

  /** Returns the id behind an id or a name if it is in memory, spelled as it was when it was found. */
  knownId(ref: string): string | undefined {
    return this.#context.isFresh() ? this.#cache.idOf(ref) : undefined
  }

  /** Returns the name of a credential, for the trail of what is refused; null when there is none, or when it cannot be read just now. */
  async nameOf(id: string): Promise<string | null> {
    const cached = this.#context.isFresh() ? this.#cache.get(id) : undefined
    if (cached !== undefined) return cached.name
    const row = await readCredential(this.#context.db, id).catch(() => undefined)
    return row?.name ?? null
  }

  /** Finds the id behind an id or a name; what `mayBeKnown` denies is not taken from memory, which would be quicker than finding nothing. */
  async idOf(ref: string, mayBeKnown: (id: string) => boolean = () => true): Promise<string | null> {
    const known = this.knownId(ref)
    if (known !== undefined && mayBeKnown(known)) return known
    const { changes } = this.#cache
    const row = await readToHandOut(this.#context.db, ref)
    if (row === undefined) return null
    this.#cache.rememberId(ref, row.id, changes)
    // Whoever has the id in hand asks by it next, and often for the token.
    this.#cache.rememberId(row.id, row.id, changes)
    this.#cache.keepRead(row, changes)
    return row.id
  }

  /** Refuses a wrong destination before the provider is asked for anything. */
  async #checkBefore(id: string, destination: Destination): Promise<void> {
    const cached = this.#cache.get(id)
    if (cached !== undefined && this.#context.isFresh()) return checkDestination(cached, destination)
    const row = await readToHandOut(this.#context.db, id)
    if (row) checkDestination({ name: row.name, allowedHosts: readHosts(row), notFor: this.#hostsNotFor(row) }, destination)
  }

  #hostsNotFor(row: CredentialToHandOut): ScopedHost[] {
    const { registration_id: id, registration_name: name, provider_snapshot: snapshot, registration_placeholders: placeholders } = row
    if (id === null || name === null || snapshot === null || placeholders === null) return []
    const provider = providerOf(this.#context, { id, name, provider_snapshot: snapshot, placeholders, client_id: row.registration_client_id ?? '' }, row)
    return hostsNotFor(provider, JSON.parse(row.granted_scopes ?? row.scopes) as string[])
  }

  async #fresh(id: string, order: HandOutOrder): Promise<CachedToken> {
    const token = await this.#load(id)
    if (token !== null) {
      const good = this.#isGood(token, order)
      if (good) return token
      if (token.kind !== 'oauth2') return token
      if (
        order.minTtlSeconds !== undefined &&
        token.expiresAt !== null &&
        token.obtainedAt !== null &&
        token.expiresAt - token.obtainedAt < order.minTtlSeconds * 1000 &&
        this.#restLife(token) > 0 &&
        order.refusedGeneration === undefined
      ) {
        throw tooLong(token, order.minTtlSeconds)
      }
      if (order.refusedGeneration === token.generation && token.obtainedAt !== null && this.#context.clock.now() - token.obtainedAt < refusedInterval) {
        // The token is new and was refused all the same: another one would fare no better.
        return token
      }
    }
    const generation = token?.generation ?? (await readCredential(this.#context.db, id))?.generation ?? 0
    const outcome = await this.#within(this.#renewer.renew(id, { generation, actor: order.actor, asked: 'by_use' }))
    const next = await this.#load(id)
    const rest = next === null ? -1 : this.#restLife(next)
    if (next !== null && next.generation > generation && rest > 0) {
      if (order.minTtlSeconds !== undefined && rest < order.minTtlSeconds * 1000 - 1000) throw tooLong(next, order.minTtlSeconds)
      return next
    }
    // The renewal failed. A token that still lives is better than none, unless the caller asked for more, it was refused,
    // or the provider took the grant back.
    const usable =
      next !== null &&
      rest > 0 &&
      order.refusedGeneration === undefined &&
      next.status !== 'needs_consent' &&
      (order.minTtlSeconds === undefined || rest >= order.minTtlSeconds * 1000)
    if (usable) return next
    throw await this.#why(id, outcome.kind === 'busy' ? 'Another node has been fetching a token for a minute.' : null)
  }

  async #within<Result>(work: Promise<Result>): Promise<Result | { kind: 'busy' }> {
    const late = new AbortController()
    const wait = this.#context.clock.sleep(longestWait, late.signal).then(
      () => ({ kind: 'busy' as const }),
      () => ({ kind: 'busy' as const }),
    )
    try {
      return await Promise.race([work, wait])
    } finally {
      late.abort()
    }
  }

  /** Invariant: no token lives longer than the provider said, whatever was done to the wall clock meanwhile. */
  #restLife(token: CachedToken): number {
    if (token.expiresAt === null) return Number.MAX_SAFE_INTEGER
    const byWall = restOfLife(token.obtainedAt, token.expiresAt, this.#context.clock.now())
    return token.monotonicEnd === null ? byWall : Math.min(byWall, token.monotonicEnd - this.#context.clock.monotonic())
  }

  #isGood(token: CachedToken, order: HandOutOrder): boolean {
    if (token.status === 'needs_consent') return false
    if (order.refusedGeneration !== undefined && order.refusedGeneration >= token.generation) return false
    if (token.expiresAt === null) return true
    // Fetched in the future: the clock was set back since, and nobody knows how old it really is.
    if (token.obtainedAt !== null && token.obtainedAt - this.#context.clock.now() > tolerableSkew) return false
    const least = order.minTtlSeconds === undefined ? leastRestLife(token.obtainedAt, token.expiresAt) : order.minTtlSeconds * 1000
    return this.#restLife(token) >= least
  }

  /** Loads and opens the token; null when the credential has none. @throws Problem when it cannot be used now */
  async #load(id: string): Promise<CachedToken | null> {
    const { db, vault, clock } = this.#context
    const cached = this.#cache.get(id)
    const isFresh = this.#context.isFresh()
    if (cached !== undefined && isFresh) return cached
    const changes = this.#cache.changesOf(id)
    const read = this.#cache.takeRead(id)
    const row = (isFresh ? read : undefined) ?? (await readToHandOut(db, id))
    // Whoever sees it before the event that says so must not leave the token to those who look only into memory.
    if (cached !== undefined && row?.paused !== 0) this.#cache.forget(id)
    if (!row) throw new Problem('not_found', 'There is no such credential.')
    if (row.paused === 1) throw new Problem('paused', `"${row.name}" is paused.`)
    if (cached !== undefined && cached.generation === row.generation && cached.revision === row.revision && cached.status === row.status) return cached
    if (row.secret === null) {
      if (row.kind !== 'oauth2')
        throw new Problem('incomplete', `"${row.name}" has no secret yet.`, { nextStep: `Enter it: keybearer edit ${shellWord(row.name)}` })
      return null
    }
    const stored = readStoredSecret(await vault.open(keyRead(row), credentialPlace(row.id, row.generation), row.secret))
    const found = toCached(row, stored, this.#hostsNotFor(row), clock.now(), clock.monotonic())
    if (found === null) return null
    const token: CachedToken = { ...found, mark: this.#context.audit.mark(found.accessToken) }
    this.#cache.put(token, changes)
    return token
  }

  async #why(id: string, busy: string | null): Promise<Problem> {
    const row = await findCredential(this.#context.db, id)
    if (!row) return new Problem('not_found', 'There is no such credential.')
    return withDiagnosis(problemOfStatus(row, busy, this.#context.clock.now()), diagnosisOfReason(this.#context, row))
  }
}

/** What is recorded of hand-outs, made once for each token and caller. */
const records = new WeakMap<CachedToken, WeakMap<Actor, AuditEntry>>()

/** Returns the same object for the same token, caller and purpose, where many come at once: of those the trail makes one record. */
function recordOf(token: CachedToken, order: HandOutOrder, told: { purpose: Purpose; destination?: string }): AuditEntry {
  const make = (): AuditEntry => ({
    actor: order.actor,
    action: 'token.handed_out',
    subject: token.id,
    subjectName: token.name,
    outcome: 'done',
    detail: { ...told, generation: token.generation, token: token.mark },
  })
  if (order.purpose !== 'token' || order.destination) return make()
  let ofToken = records.get(token)
  if (ofToken === undefined) records.set(token, (ofToken = new WeakMap()))
  let entry = ofToken.get(order.actor)
  if (entry === undefined) ofToken.set(order.actor, (entry = make()))
  return entry
}

/** What is given to a caller, made once for each token: the same object as long as the token is the same. */
const given = new WeakMap<CachedToken, HandedOut>()

function handedOut(token: CachedToken): HandedOut {
  let handed = given.get(token)
  if (handed === undefined) {
    handed = {
      credential: { id: token.id, name: token.name, username: token.username },
      tokenType: token.tokenType,
      accessToken: token.accessToken,
      expiresAt: token.expiresAt,
      scope: token.scope,
      facts: token.facts,
      generation: token.generation,
    }
    given.set(token, handed)
  }
  return handed
}

/** Says why a credential cannot be used now, and what to do. */
export function problemOfStatus(row: CredentialWithRegistration, busy: string | null, now: number): Problem {
  const reason = readReason(row.status_reason)
  const facts = { credential: row.name, credential_id: row.id, status: row.status, ...(reason ? { reason: reason.code } : {}) }
  const message = reason?.message ?? 'The reason is not known.'
  switch (row.status as CredentialStatus) {
    case 'paused':
      return new Problem('paused', `"${row.name}" is paused.`, { facts, nextStep: `Resume it: keybearer resume ${shellWord(row.name)}` })
    case 'needs_consent':
      return new Problem('needs_consent', `"${row.name}": ${message}`, { facts, nextStep: `Reconnect it: keybearer connect ${shellWord(row.name)}` })
    case 'incomplete':
      return new Problem('incomplete', `"${row.name}": ${message}`, { facts, nextStep: `Connect it: keybearer connect ${shellWord(row.name)}` })
    case 'misconfigured':
      return new Problem('misconfigured', `"${row.name}": ${message}`, { facts, ...(reason?.nextStep ? { nextStep: reason.nextStep.text } : {}) })
    case 'expiring':
    case 'ready':
    case 'retrying': {
      const wait = row.refresh_due_at === null ? 30 : Math.max(1, Math.ceil((row.refresh_due_at - now) / 1000))
      if (row.status === 'expiring' && row.has_refresh_token === 0 && row.token_expires_at !== null && row.token_expires_at <= now) {
        return new Problem('needs_consent', `"${row.name}": its token has run out and the provider gave no refresh token.`, {
          facts,
          nextStep: `Reconnect it: keybearer connect ${shellWord(row.name)}`,
        })
      }
      const code = busy === null && reason?.code === 'clock_skew' ? reason.code : 'provider_unavailable'
      return new Problem(code, `"${row.name}": ${busy ?? message}`, { facts, retryAfter: Math.min(wait, 3600) })
    }
  }
}

function tooLong(token: CachedToken, asked: number): Problem {
  const life = token.expiresAt === null || token.obtainedAt === null ? 0 : Math.round((token.expiresAt - token.obtainedAt) / 1000)
  return new Problem('ttl_too_long', `The provider's tokens for "${token.name}" live ${life} s; ${asked} s were asked for.`, {
    facts: { credential: token.name, lifetime: life },
  })
}

const readHosts = (row: Row<'credentials'>): string[] => JSON.parse(row.allowed_hosts) as string[]
const written = ({ host, port }: Destination): string => (port === undefined ? host : `${host}:${port}`)

function toCached(
  row: Row<'credentials'>,
  stored: ReturnType<typeof readStoredSecret>,
  notFor: ScopedHost[],
  now: number,
  monotonic: number,
): Omit<CachedToken, 'mark'> | null {
  const common = {
    id: row.id,
    name: row.name,
    username: row.username,
    kind: row.kind,
    status: row.status,
    generation: row.generation,
    revision: row.revision,
    scope: row.granted_scopes === null ? null : (JSON.parse(row.granted_scopes) as string[]),
    allowedHosts: readHosts(row),
    notFor,
    obtainedAt: row.token_obtained_at,
  }
  switch (stored.kind) {
    case 'oauth2':
      if (stored.accessToken === null) return null
      return {
        ...common,
        tokenType: stored.tokenType,
        accessToken: stored.accessToken,
        facts: stored.extra,
        expiresAt: row.token_expires_at,
        monotonicEnd: row.token_expires_at === null ? null : monotonic + restOfLife(row.token_obtained_at, row.token_expires_at, now),
      }
    case 'api_key':
      return { ...common, tokenType: 'ApiKey', accessToken: stored.apiKey, facts: {}, expiresAt: null, monotonicEnd: null }
    case 'basic': {
      const pair = `${row.username ?? ''}:${stored.password.reveal()}`
      return {
        ...common,
        tokenType: 'Basic',
        accessToken: new Secret(Buffer.from(pair, 'utf8').toString('base64')),
        facts: {},
        expiresAt: null,
        monotonicEnd: null,
      }
    }
  }
}
