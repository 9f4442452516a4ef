import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { isProblem } from '../base/problem.ts'
import { Sealed } from '../base/sealed.ts'
import { open, seal, xaesOpen, xaesSeal } from './aead.ts'

const bytes = (text: string) => Buffer.from(text, 'utf8')
const refusal = (error: unknown) => isProblem(error, 'decrypt_failed')

// From https://c2sp.org/XAES-256-GCM, section "Test vectors".
const vectors = [
  { key: 1, associated: '', expected: 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271' },
  { key: 3, associated: 'c2sp.org/XAES-256-GCM', expected: '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d' },
]

for (const { key, associated, expected } of vectors) {
  test(`encrypts as the specification of XAES-256-GCM does, associated data "${associated}"`, () => {
    const sealed = xaesSeal(Buffer.alloc(32, key), bytes('ABCDEFGHIJKLMNOPQRSTUVWX'), bytes('XAES-256-GCM'), bytes(associated))
    assert.equal(Buffer.from(sealed).toString('hex'), expected)
    assert.equal(Buffer.from(xaesOpen(Buffer.alloc(32, key), bytes('ABCDEFGHIJKLMNOPQRSTUVWX'), sealed, bytes(associated))).toString(), 'XAES-256-GCM')
  })
}

test('encrypts 10,000 random inputs as the specification does', () => {
  // The stream of SHAKE128 over nothing gives key, nonce, length, plaintext, length and associated data, again and again.
  const stream = createHash('shake128', { outputLength: 10_000 * 570 }).digest()
  const sum = createHash('shake128', { outputLength: 32 })
  let at = 0
  const take = (length: number) => stream.subarray(at, (at += length))
  for (let i = 0; i < 10_000; i++) {
    const key = take(32)
    const nonce = take(24)
    const plaintext = take(take(1)[0]!)
    const associated = take(take(1)[0]!)
    const sealed = xaesSeal(key, nonce, plaintext, associated)
    sum.update(sealed)
    if (i % 50 === 0) assert.deepEqual(Buffer.from(xaesOpen(key, nonce, sealed, associated)), plaintext)
  }
  assert.equal(sum.digest('hex'), 'e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939')
})

test('opens what it sealed, from nothing to a mebibyte', () => {
  const key = randomBytes(32)
  for (const length of [0, 1, 15, 16, 17, 1000, 1_048_576]) {
    const text = randomBytes(length)
    assert.deepEqual(Buffer.from(open(key, seal(key, text, 'here'), 'here')), text)
  }
})

test('K3: a changed byte anywhere keeps a ciphertext shut', () => {
  const key = randomBytes(32)
  const sealed = seal(key, bytes('the refresh token'), 'here')
  for (let i = 0; i < sealed.bytes.length; i++) {
    for (const bit of [0x01, 0x80, 0xff]) {
      const changed = Uint8Array.from(sealed.bytes)
      changed[i]! ^= bit
      assert.throws(() => open(key, new Sealed(changed), 'here'), refusal, `byte ${i}`)
    }
  }
})

test('K3: a ciphertext cut at any length, or lengthened, does not open', () => {
  const key = randomBytes(32)
  const sealed = seal(key, bytes('the refresh token'), 'here')
  for (let length = 0; length < sealed.bytes.length; length++) {
    assert.throws(() => open(key, new Sealed(sealed.bytes.subarray(0, length)), 'here'), refusal, `length ${length}`)
    assert.throws(() => open(key, new Sealed(sealed.bytes.subarray(length + 1)), 'here'), refusal, `from ${length + 1}`)
  }
  assert.throws(() => open(key, new Sealed(Buffer.concat([sealed.bytes, Buffer.from([0])])), 'here'), refusal)
})

test('K3: the refusal says nothing of the content', () => {
  const key = randomBytes(32)
  const sealed = seal(key, bytes('the refresh token'), 'here')
  try {
    open(key, sealed, 'there')
    assert.fail('it opened')
  } catch (error) {
    assert.ok(isProblem(error, 'decrypt_failed'))
    assert.equal(error.cause, undefined)
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error.facts)}`, /refresh token/)
  }
})

test('K4: 200,000 seals of the same text in two processes repeat no nonce and no ciphertext', async () => {
  const count = 100_000
  const script = `
    const { seal } = await import(${JSON.stringify(new URL('./aead.ts', import.meta.url).href)})
    const key = Buffer.alloc(32, 7)
    for (let i = 0; i < ${count}; i += 1000) {
      const nonces = []
      for (let j = 0; j < 1000; j++) nonces.push(Buffer.from(seal(key, Buffer.from('same'), 'same').bytes.subarray(1, 25)))
      process.stdout.write(Buffer.concat(nonces))
    }`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { encoding: 'buffer', maxBuffer: count * 25 })
  const seen = new Set<string>()
  for (const { stdout } of await Promise.all([run(), run()])) {
    assert.equal(stdout.length, count * 24)
    for (let at = 0; at < stdout.length; at += 24) seen.add(stdout.toString('latin1', at, at + 24))
  }
  assert.equal(seen.size, 2 * count)
})
