import { jitter } from '../base/ids.ts'

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute

/** A provider is left alone for at most so long; a longer wait was planned by a wrong clock. */
export const longestRetry = day

/** A refresh token is used at least this often, so that it does not die of disuse. */
export const keepAlive = 7 * day

export type TokenTimes = {
  obtainedAt: number
  /** null: the provider did not say and its data do not either. */
  expiresAt: number | null
  /** Whether a new token can be had without a person. */
  renewable: boolean
  /** Some providers refuse a refresh earlier than this before the end. */
  earliestBeforeEnd?: number | undefined
}

/**
 * Returns when the scheduler should renew a token: after four fifths of its life, at most ten minutes before its end, a
 * random while earlier so that tokens got together are not renewed together, and never later than a week.
 */
export function planRefresh(times: TokenTimes): number | null {
  if (!times.renewable) return null
  const alive = times.obtainedAt + keepAlive - jitter(day, 0, 1)
  if (times.expiresAt === null) return alive
  const life = Math.max(times.expiresAt - times.obtainedAt, 0)
  const margin = Math.min(Math.max(life / 5, second), 10 * minute)
  let due = times.expiresAt - margin - jitter(margin / 2, 0, 1)
  if (times.earliestBeforeEnd !== undefined) due = Math.max(due, times.expiresAt - times.earliestBeforeEnd)
  return Math.round(Math.max(times.obtainedAt, Math.min(due, alive)))
}

/**
 * Returns how long to wait after so many failures in a row: 5 s, 10 s, 20 s … at most 15 minutes, a random half of it less,
 * and never less than the provider asked for (at most a day).
 */
export function backoff(failures: number, retryAfter: number | null): number {
  const wait = Math.min(5 * second * 2 ** Math.min(Math.max(failures - 1, 0), 20), 15 * minute)
  return Math.max(jitter(wait), Math.min(retryAfter ?? 0, longestRetry))
}

/** Returns the least rest life of a token that is handed out without a wish of the caller: a minute, or a quarter of a short life. */
export function leastRestLife(obtainedAt: number | null, expiresAt: number): number {
  if (obtainedAt === null) return minute
  return Math.min(minute, Math.max(expiresAt - obtainedAt, 0) / 4)
}

/** Returns how long a token lives from now on: by the wall clock, but never longer than it lived when it was new. */
export function restOfLife(obtainedAt: number | null, expiresAt: number, now: number): number {
  return Math.min(expiresAt - now, obtainedAt === null ? Number.MAX_SAFE_INTEGER : expiresAt - obtainedAt)
}
