import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../base/secret.ts'
import { judgeRevocation, revocationParameters } from './revoke.ts'

const raw = (body: unknown, status: number) => ({
  status,
  headers: { contentType: '', date: '', retryAfter: '' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})

test('the request carries the token and what it is', () => {
  assert.deepEqual(revocationParameters(new Secret('rt'), 'refresh_token'), { token: 'rt', token_type_hint: 'refresh_token' })
})

test('any 2xx means revoked, whatever stands in it', () => {
  for (const answer of [raw('', 200), raw('{}', 200), raw('<html>', 204), raw('not json', 201)]) assert.deepEqual(judgeRevocation(answer), { kind: 'revoked' })
})

test('a token that is not known any more is as good as revoked', () => {
  assert.deepEqual(judgeRevocation(raw({ error: 'invalid_token' }, 400)), { kind: 'revoked' })
  assert.deepEqual(judgeRevocation(raw({ error: 'invalid_grant' }, 400)), { kind: 'revoked' })
})

test('a server that is away is asked again, and a refusal is told as one', () => {
  for (const status of [429, 500, 503]) assert.equal(judgeRevocation(raw('', status)).kind, 'unavailable')
  assert.deepEqual(judgeRevocation(raw({ error: 'unsupported_token_type' }, 400)), { kind: 'refused', reason: 'unsupported_token_type' })
  assert.deepEqual(judgeRevocation(raw('<html>', 404)), { kind: 'refused', reason: 'status 404' })
  assert.equal(judgeRevocation(raw('', 302)).kind, 'refused')
  assert.equal(judgeRevocation(raw({ error: 5 }, 400)).kind, 'refused')
})
