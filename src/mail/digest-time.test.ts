import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dayOf, isTimeZone, type Daily } from './digest-time.ts'

/** At which moments, looking every ten minutes, a new day begins. */
function strikes(daily: Daily, from: string, to: string): string[] {
  const found: string[] = []
  let before = dayOf(Date.parse(from), daily)
  for (let at = Date.parse(from); at <= Date.parse(to); at += 600_000) {
    const day = dayOf(at, daily)
    if (day > before) found.push(new Date(at).toISOString().slice(0, 16))
    before = Math.max(before, day)
  }
  return found
}

test('the day begins once in 24 hours at the hour of the zone, summer and winter', () => {
  assert.deepEqual(strikes({ hour: 7, timeZone: 'Europe/Berlin' }, '2026-07-01T00:00Z', '2026-07-03T00:00Z'), ['2026-07-01T05:00', '2026-07-02T05:00'])
  assert.deepEqual(strikes({ hour: 7, timeZone: 'Europe/Berlin' }, '2026-12-01T00:00Z', '2026-12-03T00:00Z'), ['2026-12-01T06:00', '2026-12-02T06:00'])
  assert.deepEqual(strikes({ hour: 0, timeZone: 'Asia/Kathmandu' }, '2026-12-01T00:00Z', '2026-12-02T00:00Z'), ['2026-12-01T18:20'])
})

test('an hour that the clocks leave out strikes when they go on, and one that they repeat strikes once', () => {
  // 29 March 2026, 02:00 becomes 03:00 in Berlin; 25 October, 03:00 becomes 02:00.
  assert.deepEqual(strikes({ hour: 2, timeZone: 'Europe/Berlin' }, '2026-03-28T12:00Z', '2026-03-30T12:00Z'), ['2026-03-29T01:00', '2026-03-30T00:00'])
  assert.deepEqual(strikes({ hour: 2, timeZone: 'Europe/Berlin' }, '2026-10-24T12:00Z', '2026-10-26T12:00Z'), ['2026-10-25T00:00', '2026-10-26T01:00'])
  assert.deepEqual(strikes({ hour: 3, timeZone: 'Europe/Berlin' }, '2026-10-24T12:00Z', '2026-10-26T12:00Z'), ['2026-10-25T02:00', '2026-10-26T02:00'])
})

test('knows the time zones of the world, and no others', () => {
  assert.deepEqual(
    ['Europe/Berlin', 'UTC', 'America/New_York', 'Mars/Olympus', '', '../etc'].map((name) => isTimeZone(name)),
    [true, true, true, false, false, false],
  )
})
