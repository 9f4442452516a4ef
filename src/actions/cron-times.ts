import { Cron } from 'croner'
import type { FieldError } from '../base/problem.ts'

/**
 * Returns the first time of a schedule after a moment; null: there is none.
 *
 * A time that a change of the clocks leaves out comes at the first moment after it; one that comes twice counts once, unless the
 * schedule names every hour or parts of one.
 */
export function nextTime(cron: string, timeZone: string, after: number): number | null {
  return readCron(cron, timeZone).nextRun(new Date(after))?.getTime() ?? null
}

/** Returns the next times of a schedule after a moment: fewer than asked for when it has no more. */
export function nextTimes(cron: string, timeZone: string, after: number, count: number): number[] {
  const times: number[] = []
  for (let next = nextTime(cron, timeZone, after); next !== null && times.length < count; next = nextTime(cron, timeZone, next)) times.push(next)
  return times
}

/** Without a function, nothing is started: it only reckons. */
const readCron = (cron: string, timezone: string): Cron => new Cron(cron, { timezone, mode: '5-part', paused: true })

/** Returns what is wrong with a schedule. */
export function cronErrors(cron: string, timeZone: string, now: number): FieldError[] {
  if (!isTimeZone(timeZone)) return [{ path: 'time_zone', message: 'must be a time zone such as Europe/Berlin' }]
  try {
    if (/^@|[^\x20-\x7e]/.test(cron.trim())) throw new Error('unreadable')
    if (nextTime(cron, timeZone, now) !== null) return []
    return [{ path: 'cron', message: 'names a time that never comes' }]
  } catch {
    return [{ path: 'cron', message: 'must be minute, hour, day, month and weekday, such as "0 7 * * 1-5"' }]
  }
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '' && !/^[+-]/.test(text)
  } catch {
    return false
  }
}
