import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isProblem } from '../base/problem.ts'
import { Sealed } from '../base/sealed.ts'
import { VaultLocked, type DataKeyStore } from '../base/vault.ts'
import { destroyKey, open, seal } from './aead.ts'
import { Keyring } from './keyring.ts'
import { createVault, rewrap } from './vault.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

type Stored = { wrapped: Sealed; masterKeyVersion: number }

function memoryStore() {
  const rows = new Map<string, Stored>()
  const keys: DataKeyStore = {
    read: async (owner) => rows.get(owner) ?? null,
    async insert(owner, key) {
      if (!rows.has(owner)) rows.set(owner, key)
      return rows.get(owner)!
    },
  }
  return { rows, keys }
}

const refusal = (error: unknown) => isProblem(error, 'decrypt_failed')
const newVault = (keyring = new Keyring([[1, randomBytes(32)]])) => ({ keyring, vault: createVault(keyring), ...memoryStore() })

test('opens what it sealed, whatever the letters', async () => {
  const { vault, keys } = newVault()
  const place = { owner: 'cred_1', column: 'credentials.secret' }
  for (const text of ['', 'abc', 'ü€𝄞\u0000\n', 'x'.repeat(100_000)]) {
    assert.equal((await vault.open(keys, place, await vault.seal(keys, place, text))).reveal(), text)
  }
})

test('K2: a ciphertext moved to another column, another version or another owner does not open', async () => {
  const { vault, keys } = newVault()
  const place = { owner: 'cred_1', column: 'credentials.secret', version: 3 }
  const sealed = await vault.seal(keys, place, 'token')
  await vault.seal(keys, { owner: 'cred_2', column: 'credentials.secret' }, 'another')
  for (const other of [
    { ...place, owner: 'cred_2' },
    { ...place, owner: 'cred_3' },
    { ...place, column: 'credentials.other' },
    { ...place, version: 2 },
    { ...place, version: 4 },
    { owner: 'cred_1', column: 'credentials.secret' },
  ])
    await assert.rejects(vault.open(keys, other, sealed), refusal, JSON.stringify(other))
  assert.equal((await vault.open(keys, place, sealed)).reveal(), 'token')
})

test('K2: parts of a place cannot be shifted into one another', async () => {
  const { vault, keys } = newVault()
  const sealed = await vault.seal(keys, { owner: 'a', column: 'b","c' }, 'token')
  await assert.rejects(vault.open(keys, { owner: 'a', column: 'b' }, sealed), refusal)
})

test('K2: a wrapped data key moved to another owner, or given another version, does not open', async () => {
  const keyring = new Keyring([[1, randomBytes(32)]])
  const { vault, keys, rows } = newVault(keyring)
  const place = { owner: 'cred_1', column: 'c' }
  const sealed = await vault.seal(keys, place, 'token')
  rows.set('cred_2', rows.get('cred_1')!)
  await assert.rejects(createVault(keyring).open(keys, { ...place, owner: 'cred_2' }, sealed), refusal)
  await assert.rejects(createVault(keyring).seal(keys, { ...place, owner: 'cred_2' }, 'for the key of another'), refusal)
  // The same key under another number: the number is bound, too.
  keyring.add(2, keyring.key(1))
  rows.set('cred_1', { ...rows.get('cred_1')!, masterKeyVersion: 2 })
  await assert.rejects(createVault(keyring).open(keys, place, sealed), refusal)
})

test('K3: a damaged data key keeps its secrets shut and is not replaced', async () => {
  const keyring = new Keyring([[1, randomBytes(32)]])
  const { vault, keys, rows } = newVault(keyring)
  const place = { owner: 'cred_1', column: 'c' }
  const sealed = await vault.seal(keys, place, 'token')
  const stored = rows.get('cred_1')!
  const damaged = Uint8Array.from(stored.wrapped.bytes)
  damaged[40]! ^= 1
  const row = { ...stored, wrapped: new Sealed(damaged) }
  rows.set('cred_1', row)
  // Also for the vault that has the key in memory: what is stored counts.
  for (const one of [vault, createVault(keyring)]) {
    await assert.rejects(one.open(keys, place, sealed), refusal)
    await assert.rejects(one.seal(keys, place, 'new token'), refusal)
  }
  assert.equal(rows.get('cred_1'), row)
})

test('K5: what was never sealed is refused, not returned', async () => {
  const { vault, keys } = newVault()
  const place = { owner: 'cred_1', column: 'c' }
  await vault.seal(keys, place, 'token')
  for (const text of ['', 'a plain refresh token', '\u0001a plain refresh token that is longer than header, nonce and tag']) {
    await assert.rejects(vault.open(keys, place, new Sealed(Buffer.from(text))), refusal, text)
  }
})

test('opening makes no data key', async () => {
  const { vault, keys, rows } = newVault()
  await assert.rejects(vault.open(keys, { owner: 'cred_9', column: 'c' }, new Sealed(randomBytes(60))), refusal)
  assert.equal(rows.size, 0)
})

test('a deleted data key destroys what its owner had sealed', async () => {
  const { vault, keys, rows } = newVault()
  const place = { owner: 'cred_1', column: 'c' }
  const sealed = await vault.seal(keys, place, 'token')
  rows.delete('cred_1')
  await assert.rejects(vault.open(keys, place, sealed), refusal)
  vault.forget('cred_1')
  await vault.seal(keys, place, 'made anew')
  await assert.rejects(vault.open(keys, place, sealed), refusal)
})

test('two that seal for a new owner at once end up with one data key', async () => {
  const { vault, keys, rows } = newVault()
  const place = { owner: 'cred_1', column: 'c' }
  const sealed = await Promise.all(Array.from({ length: 20 }, (_, i) => vault.seal(keys, place, `token ${i}`)))
  assert.equal(rows.size, 1)
  for (const [i, one] of sealed.entries()) assert.equal((await vault.open(keys, place, one)).reveal(), `token ${i}`)
})

test('K2: the same text sealed twice looks different', async () => {
  const { vault, keys } = newVault()
  const place = { owner: 'cred_1', column: 'c' }
  const [first, second] = [await vault.seal(keys, place, 'token'), await vault.seal(keys, place, 'token')]
  assert.notDeepEqual(first.bytes, second.bytes)
})

test('derives the same key for the same purpose after a restart and after a rotation, and another for any other', async () => {
  const keyring = new Keyring([[1, randomBytes(32)]])
  const { vault, keys, rows } = newVault(keyring)
  const derive = (one: typeof vault, owner: string, purpose: string) => one.deriveKey(keys, owner, purpose).then((key) => Buffer.from(key).toString('hex'))
  const key = await derive(vault, 'audit', 'chain')
  assert.equal(key.length, 64)
  assert.equal(await derive(createVault(keyring), 'audit', 'chain'), key)
  keyring.add(2, randomBytes(32))
  rows.set('audit', await rewrap(keyring, { owner: 'audit', ...rows.get('audit')! }))
  assert.equal(rows.get('audit')!.masterKeyVersion, 2)
  assert.equal(await derive(createVault(keyring), 'audit', 'chain'), key)
  assert.notEqual(await derive(vault, 'audit', 'other'), key)
  assert.notEqual(await derive(vault, 'other', 'chain'), key)
})

test('K8: what is new is wrapped by the newest master key at once', async () => {
  const keyring = new Keyring([[1, randomBytes(32)]])
  const { vault, keys, rows } = newVault(keyring)
  await vault.seal(keys, { owner: 'old', column: 'c' }, 'token')
  keyring.add(2, randomBytes(32))
  await vault.seal(keys, { owner: 'new', column: 'c' }, 'token')
  assert.deepEqual([rows.get('old')!.masterKeyVersion, rows.get('new')!.masterKeyVersion], [1, 2])
})

test('K8: a master key that another node added is looked up once it is met', async () => {
  const [first, second] = [randomBytes(32), randomBytes(32)]
  const { vault, keys } = newVault(
    new Keyring([
      [1, first],
      [2, second],
    ]),
  )
  const place = { owner: 'cred_1', column: 'c' }
  const sealed = await vault.seal(keys, place, 'token')
  const behind = new Keyring([[1, first]])
  await assert.rejects(createVault(behind).open(keys, place, sealed), (error) => isProblem(error, 'master_key_missing'))
  let looks = 0
  behind.onUnknown(async () => {
    looks++
    return new Map([
      [1, first],
      [2, second],
    ])
  })
  assert.equal((await createVault(behind).open(keys, place, sealed)).reveal(), 'token')
  assert.deepEqual([looks, behind.newest], [1, 2])
})

test('more owners than the cache holds still open', async () => {
  const { vault, keys } = newVault()
  const sealed: Sealed[] = []
  for (let i = 0; i < 10_050; i++) sealed.push(await vault.seal(keys, { owner: `o${i}`, column: 'c' }, `token ${i}`))
  for (const i of [0, 1, 49, 50, 10_049]) assert.equal((await vault.open(keys, { owner: `o${i}`, column: 'c' }, sealed[i]!)).reveal(), `token ${i}`)
})

test('a key that is remembered takes no more memory than it has bytes', async () => {
  const { vault, keys, rows } = newVault()
  /** What is still in use: buffers that nobody needs are given back beside the thread, some time after they were found. */
  const held = async () => {
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < 20; i++) {
      collectGarbage()
      await pause(20)
      least = Math.min(least, process.memoryUsage().arrayBuffers)
    }
    return least
  }
  await vault.seal(keys, { owner: 'first', column: 'c' }, 'x')
  rows.clear()
  const before = await held()
  // As long as a mail: what is sealed between two keys lies between them in memory.
  for (let i = 0; i < 2000; i++) {
    await vault.seal(keys, { owner: `o${i}`, column: 'c' }, 'x'.repeat(3000))
    rows.clear()
  }
  const each = ((await held()) - before) / 2000
  // It is used once more, so that it is still there.
  await vault.seal(keys, { owner: 'last', column: 'c' }, 'x')
  assert.ok(each < 1000, `${Math.round(each)} bytes each`)
  assert.ok(each < 1000, `${Math.round(each)} bytes each`)
})

test('K9: a vault that is being locked opens nothing, still seals what is under way, and then overwrites every key', async () => {
  const master = randomBytes(32)
  const { vault, keys } = newVault(new Keyring([[1, master]]))
  const place = { owner: 'cred_1', column: 'credentials.secret' }
  const sealed = await vault.seal(keys, place, 'token')
  const opening = vault.open(keys, place, sealed)
  vault.refuseOpening()
  await assert.rejects(opening, VaultLocked)
  await assert.rejects(vault.open(keys, place, sealed), VaultLocked)
  await assert.rejects(vault.deriveKey(keys, 'audit', 'audit chain'), VaultLocked)
  const rotated = await vault.seal(keys, place, 'rotated')
  vault.destroy()
  assert.ok(
    master.every((byte) => byte === 0),
    'the master key is overwritten',
  )
  await assert.rejects(vault.seal(keys, place, 'late'), VaultLocked)
  vault.refuseOpening()
  await assert.rejects(vault.open(keys, place, rotated), VaultLocked)
})

test('K9: what was derived of a key goes with it', () => {
  const key = randomBytes(32)
  const before = Buffer.from(key)
  const sealed = seal(key, Buffer.from('text'), 'place')
  destroyKey(key)
  assert.ok(key.every((byte) => byte === 0))
  assert.throws(() => open(key, sealed, 'place'))
  assert.equal(Buffer.from(open(before, sealed, 'place')).toString(), 'text')
})
