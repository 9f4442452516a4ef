import type { CalendarEnd } from '../credentials/calendar.ts'
import { warningDays } from '../credentials/warnings.ts'
import type { Finding } from './notice-judge.ts'
import { endNotice } from './notice.ts'

const hour = 3_600_000
const day = 24 * hour

/** Of each end: the moment that was warned of, and how many days ahead. */
export type WarnedEnds = Record<string, { end: number; days: number }>

/**
 * Decides which ends are to be told of that no event tells of: access keys, passwords that a provider will no longer take,
 * tokens that die of disuse. Of several moments that have passed only the last counts, and none that had passed when the
 * end became known, so that a key made for a day is not warned of at once.
 */
export function judgeEnds(ends: CalendarEnd[], before: WarnedEnds, now: number): { findings: Finding[]; warned: WarnedEnds } {
  const findings: Finding[] = []
  const warned: WarnedEnds = {}
  for (const end of ends) {
    if (end.at <= now) continue
    const key = `${end.kind} ${end.subject.id}`
    const old = before[key]
    const last = old !== undefined && Math.abs(old.end - end.at) <= hour ? old.days : Number.POSITIVE_INFINITY
    const passed = warningDays.filter((days) => end.at - now <= days * day && (end.since === null || days * day < end.at - end.since))
    const days = Math.min(...passed, last)
    if (days === Number.POSITIVE_INFINITY) continue
    warned[key] = { end: end.at, days }
    if (days < last) {
      const notice = endNotice(end)
      findings.push({ event: notice.event, id: end.subject.id, notice, said: null, byMail: true, isFixed: true })
    }
  }
  return { findings, warned }
}
