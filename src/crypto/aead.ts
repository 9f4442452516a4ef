import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { Problem } from '../base/problem.ts'
import { publicRandom } from '../base/public-random.ts'
import { Sealed } from '../base/sealed.ts'

const header = 1
const headerBytes = Buffer.from([header])
const nonceLength = 24
const tagLength = 16

/**
 * Encrypts with XAES-256-GCM: AES-256-GCM under a key derived for each message from a random 192-bit nonce. Random nonces
 * of plain AES-GCM may repeat after some billions of messages under one key; these may be used without counting.
 *
 * @see C2SP XAES-256-GCM https://c2sp.org/XAES-256-GCM
 */
export const xaesSeal = (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array =>
  Buffer.concat(encryptedParts(key, nonce, plaintext, associated))

function encryptedParts(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array[] {
  const cipher = createCipheriv('aes-256-gcm', derive(key, nonce), nonce.subarray(12))
  cipher.setAAD(associated)
  return [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]
}

/** Reverses `xaesSeal`; throws when a single bit differs. */
export function xaesOpen(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, associated: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', derive(key, nonce), nonce.subarray(12), { authTagLength: tagLength })
  decipher.setAAD(associated)
  decipher.setAuthTag(ciphertext.subarray(ciphertext.length - tagLength))
  return Buffer.concat([decipher.update(ciphertext.subarray(0, ciphertext.length - tagLength)), decipher.final()])
}

type Prepared = { encrypt: (input: Buffer) => Buffer; subkey: Buffer }

/** What deriving takes of a key, as long as somebody holds that key: making it takes longer than the rest. */
const prepared = new WeakMap<Uint8Array, Prepared>()

function prepare(key: Uint8Array): Prepared {
  // Keys go in as objects: node:crypto takes many times longer over bytes.
  const block = createCipheriv('aes-256-ecb', createSecretKey(key), null).setAutoPadding(false)
  const encrypt = (input: Buffer) => block.update(input)
  // The CMAC subkey K1: encrypted zeros, doubled in GF(2^128).
  const subkey = encrypt(Buffer.alloc(16))
  let carry = 0
  for (let i = 15; i >= 0; i--) {
    const byte = subkey[i]!
    subkey[i] = ((byte << 1) | carry) & 0xff
    carry = byte >> 7
  }
  subkey[15]! ^= carry * 0x87
  return { encrypt, subkey }
}

/** Overwrites a key, and what was derived of it for further use. */
export function destroyKey(key: Uint8Array): void {
  prepared.get(key)?.subkey.fill(0)
  prepared.delete(key)
  key.fill(0)
}

function derive(key: Uint8Array, nonce: Uint8Array): KeyObject {
  let known = prepared.get(key)
  if (known === undefined) prepared.set(key, (known = prepare(key)))
  const { encrypt, subkey } = known
  // Both blocks at once: each is a counter, a letter and the first half of the nonce.
  const input = Buffer.alloc(32)
  for (const start of [0, 16]) {
    input[start + 1] = start === 0 ? 1 : 2
    input[start + 2] = 0x58
    input.set(nonce.subarray(0, 12), start + 4)
    for (let i = 0; i < 16; i++) input[start + i]! ^= subkey[i]!
  }
  return createSecretKey(encrypt(input))
}

/** Seals bytes: one byte of format, 24 of nonce, the ciphertext with its tag. */
export function seal(key: Uint8Array, plaintext: Uint8Array, associated: string): Sealed {
  const nonce = publicRandom(nonceLength)
  return new Sealed(Buffer.concat([headerBytes, nonce, ...encryptedParts(key, nonce, plaintext, Buffer.from(associated, 'utf8'))]))
}

/** Opens what `seal` made for the same associated text. @throws Problem decrypt_failed */
export function open(key: Uint8Array, sealed: Sealed, associated: string): Uint8Array {
  const { bytes } = sealed
  if (bytes.length < 1 + nonceLength + tagLength || bytes[0] !== header) {
    throw new Problem('decrypt_failed', 'A stored secret has a form that is not known: it was cut, damaged or never sealed.')
  }
  try {
    return xaesOpen(key, bytes.subarray(1, 1 + nonceLength), bytes.subarray(1 + nonceLength), Buffer.from(associated, 'utf8'))
  } catch {
    // The reason is always the same, and the library's error says nothing more.
    throw new Problem('decrypt_failed', 'A stored secret cannot be opened: it was changed, or moved from another place.')
  }
}
