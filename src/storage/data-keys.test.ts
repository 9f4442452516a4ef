import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachDatabase } from '../../test/databases.ts'
import { Sealed } from '../base/sealed.ts'
import { countDataKeys, dataKeysOf, dataKeysToRewrap, deleteDataKey, readOnce, rewrapDataKey } from './data-keys.ts'
import { insertMasterKey, readMasterKeys, retireMasterKeys } from './facts.ts'
import { inTransaction } from './transaction.ts'

const wrapped = (byte: number, masterKeyVersion = 1) => ({ wrapped: new Sealed(Buffer.alloc(61, byte)), masterKeyVersion })
const bytesOf = (key: { wrapped: Sealed } | null) => key && [...key.wrapped.bytes.subarray(0, 2)]

eachDatabase((name, open) => {
  test(`keeps the first data key of an owner, whoever comes second (${name})`, async (t) => {
    const database = await open(t)
    const nodes = [database.db, await database.otherNode()]
    assert.equal(await dataKeysOf(database.db).read('cred_1'), null)
    const kept = await Promise.all(Array.from({ length: 10 }, (_, i) => dataKeysOf(nodes[i % 2]!).insert('cred_1', wrapped(i + 1))))
    const stored = await dataKeysOf(database.db).read('cred_1')
    assert.equal(stored?.wrapped.bytes.length, 61)
    for (const key of kept) assert.deepEqual(bytesOf(key), bytesOf(stored))
  })

  test(`a data key made in a transaction goes when the transaction does (${name})`, async (t) => {
    const { db } = await open(t)
    await assert.rejects(
      inTransaction(db, async (trx) => {
        await dataKeysOf(trx).insert('cred_1', wrapped(1))
        assert.notEqual(await dataKeysOf(trx).read('cred_1'), null)
        throw new Error('undone')
      }),
      /undone/,
    )
    assert.equal(await dataKeysOf(db).read('cred_1'), null)
  })

  test(`a deleted data key is gone (${name})`, async (t) => {
    const { db } = await open(t)
    await dataKeysOf(db).insert('a', wrapped(1))
    await dataKeysOf(db).insert('b', wrapped(2))
    await deleteDataKey(db, 'a')
    assert.equal(await dataKeysOf(db).read('a'), null)
    assert.deepEqual(bytesOf(await dataKeysOf(db).read('b')), [2, 2])
  })

  test(`counts and lists what another master key wraps, and replaces it unless somebody was quicker (${name})`, async (t) => {
    const { db } = await open(t)
    for (const [i, owner] of ['c', 'a', 'b'].entries()) await dataKeysOf(db).insert(owner, wrapped(i + 1))
    await dataKeysOf(db).insert('d', wrapped(9, 2))
    assert.equal(await countDataKeys(db, 2), 3)
    assert.deepEqual(
      (await dataKeysToRewrap(db, 2, 2)).map((key) => [key.owner, key.masterKeyVersion]),
      [
        ['a', 1],
        ['b', 1],
      ],
    )
    await rewrapDataKey(db, 'a', 1, wrapped(7, 2))
    await rewrapDataKey(db, 'a', 1, wrapped(8, 2))
    assert.deepEqual(bytesOf(await dataKeysOf(db).read('a')), [7, 7])
    assert.equal(await countDataKeys(db, 2), 2)
  })

  test(`knows its master keys and which are retired (${name})`, async (t) => {
    const { db } = await open(t)
    assert.equal(await insertMasterKey(db, { version: 1, fingerprint: 'f1', derivation: null, created_at: 10 }), true)
    await insertMasterKey(db, { version: 2, fingerprint: 'f2', derivation: '{}', created_at: 20 })
    assert.equal(await insertMasterKey(db, { version: 2, fingerprint: 'other', derivation: null, created_at: 30 }), false)
    await retireMasterKeys(db, 2, 40)
    await retireMasterKeys(db, 2, 50)
    assert.deepEqual(
      (await readMasterKeys(db)).map((row) => ({ ...row })),
      [
        { version: 1, fingerprint: 'f1', derivation: null, created_at: 10, retired_at: 40 },
        { version: 2, fingerprint: 'f2', derivation: '{}', created_at: 20, retired_at: null },
      ],
    )
  })
})

test('reads a key once for work that asks for it several times, and asks again for one that is not there yet', async () => {
  const stored = new Map<string, { wrapped: Sealed; masterKeyVersion: number }>([['a', wrapped(1)]])
  let asked = 0
  const keys = readOnce({
    read: (owner) => {
      asked++
      return Promise.resolve(stored.get(owner) ?? null)
    },
    insert: (owner, key) => {
      stored.set(owner, key)
      return Promise.resolve(key)
    },
  })
  assert.deepEqual([bytesOf(await keys.read('a')), bytesOf(await keys.read('a')), asked], [[1, 1], [1, 1], 1])
  assert.equal(await keys.read('b'), null)
  await keys.insert('b', wrapped(2))
  assert.deepEqual(bytesOf(await keys.read('b')), [2, 2])
})
