import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const live = new Set<WeakRef<Secret>>()
const collected = new FinalizationRegistry<WeakRef<Secret>>((ref) => live.delete(ref))

/**
 * Holds a value that must not be shown. It prints `[secret]` in logs, JSON, errors, templates and `inspect`; only
 * `reveal()` gives the text.
 *
 * Invariant: only what crosses a wire on purpose calls `reveal()`.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
    const ref = new WeakRef(this)
    live.add(ref)
    collected.register(this, ref)
  }

  /** Returns the text itself, for the one place that sends or seals it. */
  reveal(): string {
    return this.#value
  }

  get length(): number {
    return this.#value.length
  }

  /** Compares in constant time, whatever the lengths. */
  equals(other: Secret): boolean {
    return isSameText(this.#value, other.#value)
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

/** Yields the text of every secret still in memory, for the log's scrubber and for nothing else. */
export function* liveSecrets(): Iterable<string> {
  for (const ref of live) {
    const secret = ref.deref()
    if (secret) yield secret.reveal()
  }
}

/** Compares two texts, one of which may be secret, in a time that tells nothing of how they differ. */
export function isSameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
