import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import type { Identity, Recipient, Stanza } from 'age-encryption'
import { Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'

/** What `age -p` uses: about a second and 256 MB for whoever tries a passphrase. */
const defaultWork = 18
/** A file must not make the service use more memory than this costs (1 GB). */
const mostWork = 20
const label = Buffer.from('age-encryption.org/v1/scrypt')
const header = '-----BEGIN AGE ENCRYPTED FILE-----'

type Derive = (passphrase: string, salt: Uint8Array, length: number, options: { N: number; r: number; p: number; maxmem: number }) => Promise<Buffer>
const derive = promisify(scrypt) as Derive

/** Loaded when it is needed: most services never need it. */
const loadAge = () => import('age-encryption')

/** Returns whether a text is a file of age, as far as its first line says. */
export const isAgeFile = (text: string): boolean => text.trimStart().startsWith(header)

/**
 * Encrypts a text with a passphrase, as an armored file of age that `age -d` opens.
 *
 * @see https://age-encryption.org/v1
 */
export async function encryptWithPassphrase(text: string, passphrase: Secret, work: number = defaultWork): Promise<string> {
  const { armor, Encrypter, Stanza } = await loadAge()
  const encrypter = new Encrypter()
  encrypter.addRecipient(passphraseRecipient(passphrase, work, Stanza))
  return armor.encode(await encrypter.encrypt(text))
}

/**
 * Opens an armored file of age.
 *
 * @throws Problem import_passphrase when the passphrase is wrong, import_invalid when the file was damaged or changed, or is
 *   encrypted for keys and not with a passphrase
 */
export async function decryptWithPassphrase(file: string, passphrase: Secret): Promise<string> {
  const { armor, Decrypter } = await loadAge()
  const identity = passphraseIdentity(passphrase)
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  let bytes: Uint8Array
  try {
    bytes = await decrypter.decrypt(armor.decode(file))
  } catch (error) {
    if (error instanceof Problem) throw error
    // Only whoever knows the passphrase could have changed the file without being noticed.
    if (identity.isWrong()) throw new Problem('import_passphrase', 'The passphrase does not open the file.')
    throw new Problem('import_invalid', 'The encrypted file is damaged, or was changed after it was written.', { cause: error })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Problem('import_invalid', 'What the encrypted file holds is not text.')
  }
}

// The library would derive the key on the main thread and keep every other call waiting meanwhile. The steps are those of the
// format, and tests hold them against the library's own.

function passphraseRecipient(passphrase: Secret, work: number, StanzaClass: typeof Stanza): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const salt = randomBytes(16)
      const cipher = createCipheriv('chacha20-poly1305', await wrapKey(passphrase, salt, work), Buffer.alloc(12), { authTagLength: 16 })
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
      return [new StanzaClass(['scrypt', salt.toString('base64').replace(/=+$/, ''), String(work)], body)]
    },
  }
}

function passphraseIdentity(passphrase: Secret): Identity & { isWrong(): boolean } {
  let wrong = false
  return {
    isWrong: () => wrong,
    async unwrapFileKey(stanzas) {
      const [stanza] = stanzas
      if (stanzas.length !== 1 || stanza?.args[0] !== 'scrypt') {
        throw new Problem('import_invalid', 'The file is encrypted for a key of age, not with a passphrase.', {
          nextStep: 'Decrypt it with age, and encrypt it again with a passphrase: age -d -i KEY FILE | age -p -a > NEW',
        })
      }
      const [, salt = '', work = ''] = stanza.args
      const bytes = Buffer.from(salt, 'base64')
      if (stanza.args.length !== 3 || bytes.length !== 16 || !/^[1-9]\d?$/.test(work) || stanza.body.length !== 32) throw new Error('invalid scrypt stanza')
      if (Number(work) > mostWork) {
        throw new Problem('import_invalid', `Opening the file takes more memory than is allowed here (work factor ${work}; at most ${mostWork}).`)
      }
      const decipher = createDecipheriv('chacha20-poly1305', await wrapKey(passphrase, bytes, Number(work)), Buffer.alloc(12), { authTagLength: 16 })
      decipher.setAuthTag(stanza.body.subarray(16))
      try {
        return Buffer.concat([decipher.update(stanza.body.subarray(0, 16)), decipher.final()])
      } catch {
        wrong = true
        return null
      }
    },
  }
}

async function wrapKey(passphrase: Secret, salt: Uint8Array, work: number): Promise<Buffer> {
  const N = 2 ** work
  return await derive(passphrase.reveal(), Buffer.concat([label, salt]), 32, { N, r: 8, p: 1, maxmem: 128 * N * 8 + 4 * 1024 * 1024 })
}
