import { hkdfSync, randomBytes } from 'node:crypto'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { Sealed } from '../base/sealed.ts'
import { VaultLocked, type DataKeyStore, type Place, type Vault } from '../base/vault.ts'
import { oldestOf } from '../base/oldest.ts'
import { destroyKey, open, seal } from './aead.ts'
import type { Keyring } from './keyring.ts'

const cacheSize = 10_000

export type LockableVault = Vault & {
  /** Opens nothing and derives nothing from now on. What is under way can still be sealed: a token that a provider has just replaced. */
  refuseOpening: () => void
  /** Overwrites every key. Nothing is sealed any more either. */
  destroy: () => void
}

/**
 * Makes the vault: every owner has a data key of its own, wrapped by the newest master key. Deleting the data key destroys
 * everything its owner ever had sealed.
 */
export function createVault(keyring: Keyring): LockableVault {
  let state: 'open' | 'closing' | 'destroyed' = 'open'
  const cache = new Map<string, { key: Uint8Array; wrapped: Uint8Array }>()
  const oldest = oldestOf(cache)

  const unwrap = async (owner: string, stored: { wrapped: Sealed; masterKeyVersion: number }): Promise<Uint8Array> => {
    const known = cache.get(owner)
    if (known && Buffer.compare(known.wrapped, stored.wrapped.bytes) === 0) return known.key
    const master = await keyring.find(stored.masterKeyVersion)
    if (state === 'destroyed') throw new VaultLocked()
    return remember(owner, open(master, stored.wrapped, wrapping(owner, stored.masterKeyVersion)), stored.wrapped.bytes)
  }

  /**
   * Keeps a key and returns what is kept, in memory of its own: small buffers share blocks of some kilobytes, and a whole block
   * would stay for each key. The one that was given is overwritten.
   */
  const remember = (owner: string, given: Uint8Array, wrapped: Uint8Array): Uint8Array => {
    if (cache.size >= cacheSize) cache.delete(oldest()!)
    const key = new Uint8Array(given)
    given.fill(0)
    cache.set(owner, { key, wrapped: new Uint8Array(wrapped) })
    return key
  }

  const keyOf = async (keys: DataKeyStore, owner: string, how: 'make' | 'read'): Promise<Uint8Array> => {
    const stored = await keys.read(owner)
    if (stored) return await unwrap(owner, stored)
    if (how === 'read') throw new Problem('decrypt_failed', 'The key of a stored secret is gone: its owner was deleted.')
    const key = randomBytes(32)
    const made = wrapDataKey(keyring, owner, key)
    const kept = await keys.insert(owner, made)
    if (kept !== made) return await unwrap(owner, kept)
    if (state === 'destroyed') throw new VaultLocked()
    return remember(owner, key, made.wrapped.bytes)
  }

  return {
    async seal(keys, place, content) {
      if (state === 'destroyed') throw new VaultLocked()
      const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
      return seal(await keyOf(keys, place.owner, 'make'), bytes, binding(place))
    },
    async open(keys, place, sealed) {
      if (state !== 'open') throw new VaultLocked()
      const key = await keyOf(keys, place.owner, 'read')
      // It may have been locked while the key was read.
      if (state !== 'open') throw new VaultLocked()
      const bytes = open(key, sealed, binding(place))
      return new Secret(Buffer.from(bytes).toString('utf8'))
    },
    async deriveKey(keys, owner, purpose) {
      if (state !== 'open') throw new VaultLocked()
      return new Uint8Array(hkdfSync('sha256', await keyOf(keys, owner, 'make'), new Uint8Array(), `keybearer ${purpose}`, 32))
    },
    forget(owner) {
      cache.delete(owner)
    },
    refuseOpening() {
      if (state === 'open') state = 'closing'
    },
    destroy() {
      state = 'destroyed'
      for (const { key } of cache.values()) destroyKey(key)
      cache.clear()
      keyring.destroy()
    },
  }
}

/** Wraps a data key by the newest master key. */
export function wrapDataKey(keyring: Keyring, owner: string, key: Uint8Array): { wrapped: Sealed; masterKeyVersion: number } {
  const version = keyring.newest
  return { wrapped: seal(keyring.key(version), key, wrapping(owner, version)), masterKeyVersion: version }
}

/** Wraps a stored data key anew by the newest master key. */
export async function rewrap(
  keyring: Keyring,
  stored: { owner: string; wrapped: Sealed; masterKeyVersion: number },
): Promise<{ wrapped: Sealed; masterKeyVersion: number }> {
  const key = open(await keyring.find(stored.masterKeyVersion), stored.wrapped, wrapping(stored.owner, stored.masterKeyVersion))
  return wrapDataKey(keyring, stored.owner, key)
}

// JSON keeps the parts apart: no two places have the same text.
const binding = (place: Place) => JSON.stringify(['secret', place.owner, place.column, place.version ?? 0])
const wrapping = (owner: string, version: number) => JSON.stringify(['data key', owner, version])
