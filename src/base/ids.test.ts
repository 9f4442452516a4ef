import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isId, jitter, newId, randomToken } from './ids.ts'

const now = Date.UTC(2026, 10, 24, 12)

test('an identifier names its kind, and only its kind knows it', () => {
  const id = newId('cred', now)
  assert.match(id, /^cred_[0-9a-hjkmnp-tv-z]{26}$/)
  assert.ok(isId('cred', id))
  for (const other of [id.replace('cred', 'key'), id.slice(0, -1), `${id}0`, id.toUpperCase(), `${id.slice(0, -1)}u`, `${id.slice(0, -1)}\n`, '', 'cred_']) {
    assert.ok(!isId('cred', other), other)
  }
  assert.ok(!isId('key', id))
})

test('newer identifiers sort later', () => {
  fc.assert(fc.property(fc.nat(2 ** 45), fc.integer({ min: 1, max: 2 ** 40 }), (time, later) => newId('msg', time) < newId('msg', time + later)))
})

test('identifiers of one moment differ', () => {
  assert.equal(new Set(Array.from({ length: 10_000 }, () => newId('job', now))).size, 10_000)
})

test('a random token has the strength asked for, 256 bits unless told, and only base64url characters', () => {
  assert.equal(Buffer.from(randomToken(), 'base64url').length, 32)
  assert.equal(Buffer.from(randomToken(16), 'base64url').length, 16)
  assert.match(randomToken(), /^[\w-]{43}$/)
  assert.equal(new Set(Array.from({ length: 10_000 }, () => randomToken())).size, 10_000)
})

test('jitter stays between its two fractions and spreads over them', () => {
  const values = Array.from({ length: 2000 }, () => jitter(1000))
  assert.ok(values.every((value) => value >= 500 && value <= 1000))
  assert.ok(Math.min(...values) < 550 && Math.max(...values) > 950)
  assert.equal(jitter(1000, 0.8, 0.8), 800)
  assert.equal(jitter(0), 0)
})
