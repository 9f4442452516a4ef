import type { Sealed } from './sealed.ts'
import type { Secret } from './secret.ts'

/** Says that the service is locked: nothing is opened until somebody unlocks it. What was asked for may be tried again then. */
export class VaultLocked extends Error {
  constructor() {
    super('The service is locked.')
  }
}

/** Where a ciphertext lives. All of it is bound to the ciphertext, so that a moved one does not open. */
export type Place = {
  /** Id of the record that owns the data key, such as `cred_…`. */
  owner: string
  /** `table.column`. */
  column: string
  /** Counts the values this column has had, where an older one must not open again. */
  version?: number
}

/** A data key as it is stored. */
export type WrappedKey = { wrapped: Sealed; masterKeyVersion: number }

/** Reads and writes wrapped data keys; `storage/data-keys.ts` makes one for a database or for an open transaction. */
export type DataKeyStore = {
  read(owner: string): Promise<{ wrapped: Sealed; masterKeyVersion: number } | null>
  /** Keeps the key unless the owner has one already, and returns the one that is kept. */
  insert(owner: string, key: { wrapped: Sealed; masterKeyVersion: number }): Promise<{ wrapped: Sealed; masterKeyVersion: number }>
}

/** Seals what must not lie in the clear, and opens it again; `crypto/vault.ts` is the implementation. */
export type Vault = {
  /** Seals a text, or its bytes in UTF-8, under the owner's data key, making that key first when there is none. */
  seal(keys: DataKeyStore, place: Place, text: string | Uint8Array): Promise<Sealed>
  /** Opens what was sealed for exactly this place. @throws Problem decrypt_failed */
  open(keys: DataKeyStore, place: Place, sealed: Sealed): Promise<Secret>
  /**
   * Derives a key for another purpose than sealing from the owner's data key (HKDF-SHA256, 32 bytes), such as the one of
   * the audit chain. @see RFC 5869
   */
  deriveKey(keys: DataKeyStore, owner: string, purpose: string): Promise<Uint8Array>
  /** Keeps the data key of an owner no longer in memory: it was deleted. */
  forget(owner: string): void
}
