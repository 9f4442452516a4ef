import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readRetryAfter } from './retry-after.ts'

const now = Date.UTC(2026, 10, 24, 12)

describe('Retry-After', () => {
  const rows: [value: string, expected: number | null, date?: string][] = [
    ['120', 120_000],
    ['0', 0],
    [' 7 ', 7000],
    ['999999999', 86_400_000],
    [new Date(now + 60_000).toUTCString(), 60_000],
    [new Date(now + 90 * 86_400_000).toUTCString(), 86_400_000],
    [new Date(now - 60_000).toUTCString(), null],
    ['-5', null],
    ['', null],
    ['soon', null],
    ['1e9', null],
    // Their clock is ten minutes ahead of ours; they mean one minute.
    [new Date(now + 660_000).toUTCString(), 60_000, new Date(now + 600_000).toUTCString()],
  ]
  for (const [value, expected, date = ''] of rows) {
    test(`of ${JSON.stringify(value)} means ${expected}`, () => assert.equal(readRetryAfter({ date, retryAfter: value }, now), expected))
  }
})
