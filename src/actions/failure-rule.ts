import { Problem } from '../base/problem.ts'
import { readRetryAfter } from '../base/retry-after.ts'
import type { FailureRule, Result } from './action-types.ts'

/** What one attempt of a run came to. */
export type Attempt = { problem: Problem | null; result: Result | null }

/** Returns the answer of a server as an attempt: anything but success is a problem. */
export function attemptOf(result: Result, host: string, now: number): Attempt {
  const { status, headers } = result
  if (status === null || (status >= 200 && status < 300) || status === 304) return { problem: null, result }
  const nextStep = status >= 300 && status < 400 ? 'Redirects are not followed: name the address that the answer leads to.' : undefined
  const wait = readRetryAfter({ retryAfter: headers['retry-after'] ?? '', date: headers.date ?? '' }, now)
  const problem = new Problem('response_status', `${host} answered with status ${status}.`, {
    facts: { status },
    ...(wait === null ? {} : { retryAfter: Math.ceil(wait / 1000) }),
    ...(nextStep === undefined ? {} : { nextStep }),
  })
  return { problem, result }
}

/** Says whether a problem makes the run fail. */
export function isFailure({ code, facts }: Problem, rule: FailureRule): boolean {
  if (rule.anything || rule.codes.includes(code)) return true
  if (code !== 'response_status') return false
  const status = String(facts.status)
  return rule.statuses.includes(status) || rule.statuses.includes(`${status[0]}xx`)
}
