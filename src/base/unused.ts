const day = 86_400_000

/** What is known of something that may rest for a while: when somebody needed it last, and when it was noted that nobody does. */
export type Resting = { createdAt: number; lastUsedAt: number | null; keptFrom: number | null; toldAt: number | null }

export type RestPlan = {
  /** When it was needed last: used, made, or kept by somebody. */
  neededAt: number
  /** When it is stopped unless somebody needs it before. */
  stopsAt: number
  isToTell: boolean
  isToStop: boolean
}

/** People are told so many milliseconds ahead. */
export const toldAhead = (days: number): number => Math.min(14 * day, (days * day) / 2)

/**
 * Decides what becomes of something that may rest for so many days; 0: for ever. Nothing is stopped that was not noted as unused a
 * day before: so neither a clock that jumps ahead nor a service that was off for months stops everything at once.
 */
export function planRest({ createdAt, lastUsedAt, keptFrom, toldAt }: Resting, days: number, now: number): RestPlan {
  const neededAt = Math.max(createdAt, lastUsedAt ?? 0, keptFrom ?? 0)
  if (days === 0) return { neededAt, stopsAt: Number.POSITIVE_INFINITY, isToTell: false, isToStop: false }
  const end = neededAt + days * day
  const told = toldAt !== null && toldAt > neededAt ? toldAt : null
  const stopsAt = told === null ? end : Math.max(end, told + Math.min(day, toldAhead(days)))
  return { neededAt, stopsAt, isToTell: told === null && now >= end - toldAhead(days), isToStop: told !== null && now >= stopsAt }
}

/** Whatever was needed at or after this moment is not looked at yet. */
export const restsSince = (days: number, now: number, ahead = toldAhead(days)): number => now - days * day + ahead
