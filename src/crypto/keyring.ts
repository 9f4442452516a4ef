import { createHmac } from 'node:crypto'
import { Problem } from '../base/problem.ts'
import { destroyKey } from './aead.ts'

/** The master keys this process knows, by version; the newest one wraps. */
export class Keyring {
  readonly #keys = new Map<number, Uint8Array>()
  #reload: (() => Promise<Map<number, Uint8Array>>) | undefined

  constructor(keys: Iterable<[number, Uint8Array]>) {
    for (const [version, key] of keys) this.add(version, key)
  }

  get newest(): number {
    return Math.max(...this.#keys.keys())
  }

  get versions(): number[] {
    return [...this.#keys.keys()].sort((a, b) => a - b)
  }

  add(version: number, key: Uint8Array): void {
    this.#keys.set(version, key)
  }

  remove(version: number): void {
    this.#keys.delete(version)
  }

  /** Overwrites every key and forgets it. */
  destroy(): void {
    for (const key of this.#keys.values()) destroyKey(key)
    this.#keys.clear()
    this.#reload = undefined
  }

  /** Sets where keys that another node added can be found. */
  onUnknown(reload: () => Promise<Map<number, Uint8Array>>): void {
    this.#reload = reload
  }

  key(version: number): Uint8Array {
    const key = this.#keys.get(version)
    if (!key) throw new Problem('master_key_missing', `A secret is wrapped by master key version ${version}, which is not provided.`)
    return key
  }

  /** Returns the key, looking once more at its source for a version that came later. */
  async find(version: number): Promise<Uint8Array> {
    if (!this.#keys.has(version) && this.#reload) {
      for (const [number, key] of await this.#reload()) this.add(number, key)
    }
    return this.key(version)
  }
}

/** Returns 16 hex digits that tell a master key from another without helping to find it. */
export function fingerprint(key: Uint8Array): string {
  return createHmac('sha256', key).update('keybearer master key').digest('hex').slice(0, 16)
}
