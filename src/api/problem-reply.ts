import type { Diagnosis } from '../base/diagnosis.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { VaultLocked } from '../base/vault.ts'

/** A reply as it is written: everything but the bytes on the wire. */
export type Written = { status: number; headers: Record<string, string>; body: string | Buffer }

export type ProblemBody = {
  type: string
  title: string
  status: number
  code: string
  detail: string
  next_step: string
  request_id: string
  errors?: { path: string; message: string }[]
  retry_after?: number
  facts?: Record<string, string | number | boolean | null>
  diagnosis?: Diagnosis
}

/** Makes the one body that every error of the service has. @see RFC 9457 */
export function problemBody(problem: Problem, requestId: string): ProblemBody {
  return {
    type: `urn:keybearer:problem:${problem.code}`,
    title: problem.title,
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    next_step: problem.nextStep,
    request_id: requestId,
    ...(problem.errors.length > 0 ? { errors: problem.errors.slice(0, 50) } : {}),
    ...(problem.retryAfter === undefined ? {} : { retry_after: Math.ceil(problem.retryAfter) }),
    ...(Object.keys(problem.facts).length > 0 ? { facts: problem.facts } : {}),
    ...(problem.diagnosis === null ? {} : { diagnosis: problem.diagnosis }),
  }
}

/** Makes the reply for a problem, with the headers that belong to its status. */
export function problemReply(problem: Problem, requestId: string, more: Record<string, string> = {}): Written {
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...more }
  if (problem.retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(problem.retryAfter)))
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer realm="Keybearer"'
  if (problem.code === 'not_allowed') headers['www-authenticate'] = 'Bearer realm="Keybearer", error="insufficient_scope"'
  return { status: problem.status, headers, body: JSON.stringify(problemBody(problem, requestId)) }
}

/** Returns the error itself when it is a problem; anything else becomes `internal_error`, which says nothing of the inside. */
export function toProblem(error: unknown): Problem {
  if (isProblem(error)) return error
  if (error instanceof VaultLocked) return new Problem('locked', 'The service was locked meanwhile.', { cause: error })
  return new Problem('internal_error', 'The service made a mistake. What exactly stands in its log under the request id.', { cause: error })
}
