import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLog } from './log.ts'
import { redact } from './redact.ts'
import { Secret } from './secret.ts'

// Some short and strange, as people choose them, some random, as servers make them. They are held, so they are in memory.
const texts = [
  'hunter2!',
  'correct horse battery',
  'a"quote\\slash',
  'per%cent&=+',
  'größe-и-日本',
  '\u0001con\ntrol\u001b[0m',
  ...Array.from({ length: 14 }, (_, i) => randomBytes(12 + i * 3).toString(i % 2 ? 'base64url' : 'hex')),
]
const canaries = texts.map((text) => new Secret(text))
const jsonForm = (text: string) => JSON.stringify(text).slice(1, -1)

const words: ((text: string) => string)[] = [
  (text) => text,
  (text) => `Bearer ${text}`,
  (text) => `https://a.test/cb?access_token=${encodeURIComponent(text)}&x=1`,
  (text) => `grant=1&x=${encodeURIComponent(text)}`,
  (text) => JSON.stringify({ deep: { any: text } }),
  (text) => `${'padding '.repeat(50)}${text}${' padding'.repeat(50)}`,
  (text) => `${text}\r\n${text}`,
  (text) => Buffer.from(`user=somebody@mail.test\u0001auth=Bearer ${text}\u0001\u0001`).toString('base64'),
  (text) => `ERR 535 5.7.8 <${text}> refused`,
]

const string = fc.tuple(fc.constantFrom(...texts), fc.constantFrom(...words)).map(([text, wrap]) => wrap(text))
const key = fc.oneof(fc.constantFrom('note', 'error', 'headers', 'access_token', 'x', '__proto__', 'constructor', 'toJSON'), string)
const errorOf = (message: string, cause: unknown) => Object.assign(new Error(message, { cause }), { response: { body: message }, extra: message })

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    string,
    fc.constantFrom(...canaries),
    string.map((text) => Buffer.from(text)),
    string.map((text) => new TextEncoder().encode(text)),
    string.map((text) => new Uint16Array(Buffer.from(text))),
    string.map((text) => new URLSearchParams({ any: text })),
    string.map((text) => new Headers({ 'x-any': encodeURIComponent(text) })),
    string.map(
      (text) =>
        new URL(
          `https://${encodeURIComponent('u')}:${encodeURIComponent(text)}@a.test/${encodeURIComponent(text)}?q=${encodeURIComponent(text)}#${encodeURIComponent(text)}`,
        ),
    ),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new Set(items)),
    fc.tuple(string, tie('value')).map(([message, cause]) => errorOf(message, cause)),
    fc.tuple(string, fc.array(tie('value'), { maxLength: 3 })).map(([message, errors]) => new AggregateError(errors, message)),
  ),
}))

const needles = texts.flatMap((text) => [
  text,
  encodeURIComponent(text),
  jsonForm(text),
  jsonForm(jsonForm(text)),
  // The middle of the text in base64, at each of its three alignments.
  ...[0, 1, 2]
    .map((shift) =>
      Buffer.from(`${'x'.repeat(shift)}${text}`)
        .toString('base64')
        .replace(/=+$/, '')
        .slice(4, -4),
    )
    .filter((part) => part.length >= 8),
])

function findCanary(line: string): string | undefined {
  return needles.find((needle) => line.includes(needle))
}

test('A5: no secret survives redaction, whatever it is wrapped in: 10,000 random values', () => {
  fc.assert(
    fc.property(value, (any) => {
      const clean = redact(any)
      assert.equal(findCanary(JSON.stringify(clean) ?? ''), undefined)
    }),
    { numRuns: 10_000 },
  )
})

test('A5: no secret reaches a line of the log, as JSON or for a terminal, and no line is broken: 1,000 random values', () => {
  for (const isTTY of [false, true]) {
    const lines: string[] = []
    const log = createLog({ level: 'debug', output: { isTTY, write: (line) => lines.push(line) } })
    fc.assert(
      fc.property(value, (any) => {
        lines.length = 0
        log.error('it failed', { any, error: any })
        assert.equal(lines.length, 1)
        assert.equal(findCanary(lines[0]!), undefined)
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(lines[0]!, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]|\n./)
      }),
      { numRuns: 500 },
    )
  }
})

function wordInBase64(word: (text: string) => string): boolean {
  return !word('?'.repeat(20)).includes('?') && !word('?'.repeat(20)).includes('%3F')
}

test('the property can fail: an unredacted value is noticed', () => {
  for (const text of texts) {
    // In base64 only the middle of a long text can be recognized.
    for (const wrap of words.filter((word) => text.length >= 16 || !wordInBase64(word))) assert.ok(findCanary(JSON.stringify(wrap(text))), `${wrap}: ${text}`)
  }
})
