import type { Event } from '../base/events.ts'
import type { Secret } from '../base/secret.ts'
import type { ScopedHost } from './destination.ts'

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

/** Keeps opened tokens in memory, a bounded number, and drops those of which an event says that they changed. */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>()
  readonly #ids = new Map<string, string>()

  /** Forgets what the event makes stale. */
  heed(event: Event): void {
    if (event.subject === null || event.type === 'token.handed_out') return
    if (event.type.startsWith('credential.')) {
      this.forget(event.subject)
      if (event.type === 'credential.created' || event.type === 'credential.changed' || event.type === 'credential.deleted') this.#ids.clear()
    }
  }

  get(id: string): CachedToken | undefined {
    return this.#tokens.get(id)
  }

  put(token: CachedToken): void {
    if (this.#tokens.size >= size) {
      const oldest = this.#tokens.keys().next()
      if (!oldest.done) this.#tokens.delete(oldest.value)
    }
    this.#tokens.delete(token.id)
    this.#tokens.set(token.id, token)
  }

  forget(id: string): void {
    this.#tokens.delete(id)
  }

  idOf(nameKey: string): string | undefined {
    return this.#ids.get(nameKey)
  }

  rememberId(nameKey: string, id: string): void {
    if (this.#ids.size >= size) this.#ids.clear()
    this.#ids.set(nameKey, id)
  }
}
