import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodes, problemCodes, type ProblemCode } from './problem-codes.ts'
import { isProblem, Problem } from './problem.ts'

test('a problem takes status, title, exit code and next step from the table of codes', () => {
  const problem = new Problem('needs_consent', 'work-mail: the provider refused the refresh token.')
  assert.deepEqual(
    [problem.code, problem.status, problem.exit, problem.title, problem.message, problem.nextStep],
    ['needs_consent', 409, 5, 'A person must consent again', 'work-mail: the provider refused the refresh token.', 'Reconnect the credential.'],
  )
  assert.deepEqual([problem.errors, problem.facts, problem.retryAfter, problem.cause, 'cause' in problem], [[], {}, undefined, undefined, false])
})

test('the place that finds a problem may know a better next step, the fields, and the cause', () => {
  const cause = new Error('deeper')
  const errors = [{ path: 'name', message: 'is too long' }]
  const problem = new Problem('invalid_request', 'Wrong.', { nextStep: 'Shorten it.', errors, retryAfter: 7, facts: { limit: 64 }, cause })
  assert.deepEqual([problem.nextStep, problem.errors, problem.retryAfter, problem.facts, problem.cause], ['Shorten it.', errors, 7, { limit: 64 }, cause])
})

test('isProblem tells problems from other errors, and one code from another', () => {
  const problem = new Problem('not_found', 'No.')
  assert.ok(problem instanceof Error)
  assert.ok(isProblem(problem) && isProblem(problem, 'not_found') && !isProblem(problem, 'in_use'))
  for (const other of [new Error('No.'), { code: 'not_found' }, null, undefined, 'not_found']) assert.ok(!isProblem(other))
})

test('every code is snake_case with an HTTP error status, a known exit code, a title and a sentence for the next step', () => {
  const exits = Object.values(exitCodes).filter((code) => code !== exitCodes.done)
  for (const [code, row] of Object.entries(problemCodes)) {
    assert.match(code, /^[a-z]+(?:_[a-z]+)*$/)
    assert.ok(row.status >= 400 && row.status < 600, code)
    assert.ok((exits as number[]).includes(row.exit), code)
    assert.match(row.title, /^[A-Z].*[^.]$/, code)
    assert.match(row.nextStep, /^[A-Z].*\.$/, code)
  }
})

test('what may be tried again later exits with 75, and no refusal of the caller does', () => {
  const exit = (code: ProblemCode) => problemCodes[code].exit
  for (const code of ['rate_limited', 'provider_unavailable', 'audit_blocked', 'storage_unavailable', 'shutting_down', 'service_unreachable'] as const)
    assert.equal(exit(code), 75, code)
  for (const code of ['not_signed_in', 'not_allowed', 'invalid_request', 'needs_consent'] as const) assert.notEqual(exit(code), 75, code)
})
