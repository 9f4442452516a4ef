import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { armor, Decrypter, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption'
import fc from 'fast-check'
import { Secret } from '../base/secret.ts'
import { decryptWithPassphrase, encryptWithPassphrase, isAgeFile } from './passphrase-file.ts'

const passphrase = new Secret('four words or more')
const work = 4

describe('a file that is encrypted with a passphrase', () => {
  it('opens to what was put in, whatever that and the passphrase are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), async (text, words) => {
        const file = await encryptWithPassphrase(text, new Secret(words), work)
        assert.ok(isAgeFile(file))
        assert.equal(await decryptWithPassphrase(file, new Secret(words)), text)
      }),
      { numRuns: 50 },
    )
  })

  it('opens with the library of age, and opens what that wrote', async () => {
    const decrypter = new Decrypter()
    decrypter.addPassphrase(passphrase.reveal())
    assert.equal(await decrypter.decrypt(armor.decode(await encryptWithPassphrase('ours', passphrase, work)), 'text'), 'ours')
    const encrypter = new Encrypter()
    encrypter.setPassphrase(passphrase.reveal())
    encrypter.setScryptWorkFactor(6)
    assert.equal(await decryptWithPassphrase(armor.encode(await encrypter.encrypt('theirs')), passphrase), 'theirs')
  })

  it('costs what "age -p" costs', async () => {
    const head = Buffer.from(armor.decode(await encryptWithPassphrase('x', passphrase))).toString('latin1')
    assert.match(head, /^age-encryption\.org\/v1\n-> scrypt \S{22} 18\n/)
  })

  it('P10: a file of which any byte was changed, cut off or added is refused, and says so', async () => {
    const bytes = armor.decode(await encryptWithPassphrase('x'.repeat(100), passphrase, work))
    const refused = async (changed: Uint8Array, what: string) => {
      const error: unknown = await decryptWithPassphrase(armor.encode(changed), passphrase).then(
        () => assert.fail(`${what} was accepted`),
        (reason: unknown) => reason,
      )
      assert.ok(['import_invalid', 'import_passphrase'].includes((error as { code: string }).code), what)
    }
    for (let i = 0; i < bytes.length; i++) {
      const changed = Uint8Array.from(bytes)
      changed[i]! ^= 1
      await refused(changed, `byte ${i}`)
    }
    await refused(bytes.subarray(0, -1), 'a cut')
    await refused(Uint8Array.from([...bytes, 0]), 'an addition')
  })

  it('says that the passphrase is wrong, and nothing of the content', async () => {
    const file = await encryptWithPassphrase('CANARY', passphrase, work)
    await assert.rejects(decryptWithPassphrase(file, new Secret('another')), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'import_passphrase')
      assert.doesNotMatch(error.message, /CANARY|another/)
      return true
    })
  })

  it('refuses what would take too much memory, and what is encrypted for a key', async () => {
    const bytes = Buffer.from(armor.decode(await encryptWithPassphrase('x', passphrase, work))).toString('latin1')
    const costly = Buffer.from(bytes.replace(/( \S{22}) 4\n/, '$1 30\n'), 'latin1')
    await assert.rejects(decryptWithPassphrase(armor.encode(costly), passphrase), { code: 'import_invalid', message: /memory/ })
    const encrypter = new Encrypter()
    encrypter.addRecipient(await identityToRecipient(await generateIdentity()))
    await assert.rejects(decryptWithPassphrase(armor.encode(await encrypter.encrypt('x')), passphrase), { code: 'import_invalid', message: /key of age/ })
  })
})
