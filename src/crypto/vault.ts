import { hkdfSync, randomBytes } from 'node:crypto'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import type { Sealed } from '../base/sealed.ts'
import type { DataKeyStore, Place, Vault } from '../base/vault.ts'
import { open, seal } from './aead.ts'
import type { Keyring } from './keyring.ts'

const cacheSize = 10_000

/**
 * Makes the vault: every owner has a data key of its own, wrapped by the newest master key. Deleting the data key destroys
 * everything its owner ever had sealed.
 */
export function createVault(keyring: Keyring): Vault & { forget: (owner: string) => void } {
  const cache = new Map<string, { key: Uint8Array; wrapped: Uint8Array }>()

  const unwrap = async (owner: string, stored: { wrapped: Sealed; masterKeyVersion: number }): Promise<Uint8Array> => {
    const known = cache.get(owner)
    if (known && Buffer.compare(known.wrapped, stored.wrapped.bytes) === 0) return known.key
    const master = await keyring.find(stored.masterKeyVersion)
    const key = open(master, stored.wrapped, wrapping(owner, stored.masterKeyVersion))
    remember(owner, key, stored.wrapped.bytes)
    return key
  }

  const remember = (owner: string, key: Uint8Array, wrapped: Uint8Array) => {
    if (cache.size >= cacheSize) cache.delete(cache.keys().next().value as string)
    cache.set(owner, { key, wrapped })
  }

  const keyOf = async (keys: DataKeyStore, owner: string, how: 'make' | 'read'): Promise<Uint8Array> => {
    const stored = await keys.read(owner)
    if (stored) return await unwrap(owner, stored)
    if (how === 'read') throw new Problem('decrypt_failed', 'The key of a stored secret is gone: its owner was deleted.')
    const key = randomBytes(32)
    const made = wrapDataKey(keyring, owner, key)
    const kept = await keys.insert(owner, made)
    return await unwrap(owner, kept)
  }

  return {
    async seal(keys, place, text) {
      return seal(await keyOf(keys, place.owner, 'make'), Buffer.from(text, 'utf8'), binding(place))
    },
    async open(keys, place, sealed) {
      const bytes = open(await keyOf(keys, place.owner, 'read'), sealed, binding(place))
      return new Secret(Buffer.from(bytes).toString('utf8'))
    },
    async deriveKey(keys, owner, purpose) {
      return new Uint8Array(hkdfSync('sha256', await keyOf(keys, owner, 'make'), new Uint8Array(), `keybearer ${purpose}`, 32))
    },
    forget(owner) {
      cache.delete(owner)
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
