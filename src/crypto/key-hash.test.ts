import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { hashAccessKey, makeAccessKey, parseAccessKey } from './key-hash.ts'

test('K13: an access key carries 238 random bits and is known by its hash only', () => {
  const { key, hash, hint } = makeAccessKey()
  assert.match(key.reveal(), /^kb_[0-9A-Za-z]{46}$/)
  assert.equal(hash, createHash('sha256').update(key.reveal()).digest('hex'))
  assert.ok(key.reveal().startsWith(hint) && hint.length === 7, 'the hint shows 4 of 40 random characters')
  assert.equal(new Set(Array.from({ length: 1000 }, () => makeAccessKey().hash)).size, 1000)
})

test('K13: every character of an access key is drawn evenly', () => {
  const counts = new Map<string, number>()
  for (let i = 0; i < 2000; i++) for (const letter of makeAccessKey().key.reveal().slice(3, 43)) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  assert.equal(counts.size, 62)
  // 80,000 draws: 1290 expected of each, standard deviation 36.
  for (const [letter, count] of counts) assert.ok(Math.abs(count - 80_000 / 62) < 250, `${letter}: ${count}`)
})

test('recognizes an access key without the database', () => {
  const { key, hash } = makeAccessKey()
  assert.deepEqual(parseAccessKey(key.reveal()), { ok: true, hash })
})

test('says what is wrong with a mistyped access key, and never repeats it', () => {
  const text = makeAccessKey().key.reveal()
  const other = (letter: string) => (letter === 'a' ? 'b' : 'a')
  for (let i = 3; i < text.length; i++) {
    const parsed = parseAccessKey(text.slice(0, i) + other(text[i]!) + text.slice(i + 1))
    assert.ok(!parsed.ok && /checksum/.test(parsed.reason), `character ${i}`)
  }
  for (const [wrong, reason] of [
    ['', /kb_/],
    [text.slice(3), /kb_/],
    [text.slice(0, -1), /characters/],
    [`${text}x`, /characters/],
    [`kb_${'ä'.repeat(46)}`, /character/],
    [` ${text}`, /kb_/],
  ] as const) {
    const parsed = parseAccessKey(wrong)
    assert.ok(!parsed.ok && reason.test(parsed.reason), wrong)
    assert.ok(!parsed.reason.includes(text.slice(5, 15)))
  }
})

test('two access keys never share a hash', () => {
  assert.notEqual(hashAccessKey('kb_a'), hashAccessKey('kb_b'))
})
