import type { Event } from '../base/events.ts'
import type { Secret } from '../base/secret.ts'
import type { CredentialToHandOut } from '../storage/credentials.ts'
import type { ScopedHost } from './destination.ts'
import { oldestOf } from '../base/oldest.ts'

/** What a hand-out needs of a credential, opened. */
export type CachedToken = {
  id: string
  name: string
  username: string | null
  kind: string
  status: string
  generation: number
  revision: number
  tokenType: string
  accessToken: Secret
  /** What the provider said beside the token. */
  facts: Record<string, string>
  /** By which the audit trail knows it. */
  mark: string
  scope: string[] | null
  allowedHosts: string[]
  /** Servers of its provider that it was not issued for. */
  notFor: ScopedHost[]
  obtainedAt: number | null
  expiresAt: number | null
  /** The end on the clock that only grows: a wall clock that was set back makes no token live longer. */
  monotonicEnd: number | null
}

const size = 10_000
const mostReads = 100

/**
 * Keeps opened tokens in memory, a bounded number, and drops those of which an event says that they changed.
 *
 * Invariant: what was read before such an event is not kept after it, however long the reading took.
 */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>()
  readonly #oldest = oldestOf(this.#tokens)
  readonly #ids = new Map<string, string>()
  readonly #reads = new Map<string, CredentialToHandOut>()
  /** How often each was forgotten since the map was last emptied. */
  readonly #changes = new Map<string, number>()
  #emptied = 0
  #allChanges = 0

  /** Forgets what the event makes stale. */
  heed(event: Event): void {
    if (event.type === 'service.locked') this.#empty()
    if (event.type === 'events.missed') {
      this.#empty()
      this.#ids.clear()
    }
    if (event.subject === null || event.type === 'token.handed_out') return
    if (event.type.startsWith('credential.')) {
      this.forget(event.subject)
      if (event.type === 'credential.created' || event.type === 'credential.changed' || event.type === 'credential.deleted') this.#ids.clear()
    }
  }

  #empty(): void {
    this.#tokens.clear()
    this.#reads.clear()
    this.#allChanges++
    this.#emptied++
  }

  get(id: string): CachedToken | undefined {
    return this.#tokens.get(id)
  }

  /** Returns what `put` wants to know: which changes had been heard of when the reading began. */
  changesOf(id: string): string {
    return `${this.#emptied} ${this.#changes.get(id) ?? 0}`
  }

  /** The same of all credentials, for whoever reads by a name and does not know the id yet. */
  get changes(): number {
    return this.#allChanges
  }

  put(token: CachedToken, changes: string): void {
    if (changes !== this.changesOf(token.id)) return
    if (this.#tokens.size >= size) {
      const oldest = this.#oldest()
      if (oldest !== undefined) this.#tokens.delete(oldest)
    }
    this.#tokens.delete(token.id)
    this.#tokens.set(token.id, token)
  }

  forget(id: string): void {
    this.#tokens.delete(id)
    this.#reads.delete(id)
    this.#allChanges++
    if (this.#changes.size >= size) {
      this.#changes.clear()
      this.#emptied++
    }
    this.#changes.set(id, (this.#changes.get(id) ?? 0) + 1)
  }

  /** Keeps what was read to find the id, for whoever loads the token next. */
  keepRead(row: CredentialToHandOut, changes: number): void {
    if (changes !== this.#allChanges) return
    if (this.#reads.size >= mostReads) this.#reads.clear()
    this.#reads.set(row.id, row)
  }

  takeRead(id: string): CredentialToHandOut | undefined {
    const row = this.#reads.get(id)
    if (row) this.#reads.delete(id)
    return row
  }

  idOf(ref: string): string | undefined {
    return this.#ids.get(ref)
  }

  /** Remembers what an id or a name, as somebody spelled it, stands for. */
  rememberId(ref: string, id: string, changes: number): void {
    if (changes !== this.#allChanges) return
    if (this.#ids.size >= size) this.#ids.clear()
    this.#ids.set(ref, id)
  }
}
