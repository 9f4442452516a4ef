import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publicRandom } from './public-random.ts'

test('no byte is given twice, none is changed later, and each length comes whole', () => {
  const given = Array.from({ length: 2000 }, (_, n) => publicRandom(16 + (n % 9)))
  const copies = given.map((bytes) => Buffer.from(bytes).toString('hex'))
  assert.equal(new Set(copies.map((text) => text.slice(0, 32))).size, 2000)
  assert.deepEqual(
    given.map((bytes) => bytes.length),
    Array.from({ length: 2000 }, (_, n) => 16 + (n % 9)),
  )
  publicRandom(5000)
  assert.equal(publicRandom(5000).length, 5000)
  assert.deepEqual(
    given.map((bytes) => Buffer.from(bytes).toString('hex')),
    copies,
  )
  const ranges = given.map((bytes) => ({ pool: bytes.buffer, from: bytes.byteOffset, to: bytes.byteOffset + bytes.length }))
  for (let i = 1; i < ranges.length; i++) assert.ok(ranges[i]!.pool !== ranges[i - 1]!.pool || ranges[i]!.from >= ranges[i - 1]!.to)
})
