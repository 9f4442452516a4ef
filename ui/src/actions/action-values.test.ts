import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Action } from '@keybearer/client'
import { changeOf, isUnchanged, takeNewer } from './action-changes.ts'
import { requestOf, valuesOf } from './action-values.ts'

const named = (id: string) => ({ id, name: `${id} by name` })
const request = {
  credential: named('cred_1'),
  method: 'POST' as const,
  url: 'https://api.example.org/{{ input.x }}',
  headers: { 'x-a': '1' },
  query: { q: '{{ input.q }}' },
  body: { json: { title: '{{ input.title }}', n: 1 } },
  key_header: null,
  timeout_seconds: 30,
  max_bytes: 1000,
  paging: null,
}
const action = {
  name: 'open-ticket',
  kind: 'http_request',
  description: 'd',
  email: null,
  request,
  failure: { anything: false, statuses: ['4xx'], codes: [] },
  on_error: { retries: 2, retry_delay_seconds: 5, report: { to: ['a@b.c'] }, run: named('act_2'), continue_with: null },
  next: named('act_3'),
} as unknown as Action

describe('the form of an action', () => {
  it('asks for exactly what is saved when nobody has changed anything', () => {
    const { kind: _, email: __, ...saved } = action as unknown as Record<string, unknown>
    assert.deepEqual(requestOf(valuesOf(action)), {
      ...saved,
      kind: 'http_request',
      request: { ...request, credential: 'cred_1' },
      on_error: { retries: 2, retry_delay_seconds: 5, report: { to: ['a@b.c'] }, run: 'act_2', continue_with: null },
      next: 'act_3',
    })
    assert.deepEqual(changeOf(action, valuesOf(action)), {})
    assert.ok(isUnchanged(valuesOf(action), valuesOf(action)))
  })

  it('sends only the parts that were changed', () => {
    const values = valuesOf(action)
    const changed = { ...values, description: 'other', on_error: { ...values.on_error, report: 'no' as const } }
    assert.deepEqual(Object.keys(changeOf(action, changed)), ['description', 'on_error'])
    assert.ok(!isUnchanged(values, changed))
  })

  it('takes what somebody else changed, and keeps what was changed here', () => {
    const before = valuesOf(action)
    const mine = { ...before, request: { ...before.request, url: 'https://api.example.org/mine' } }
    const now = valuesOf({ ...action, name: 'theirs', request: { ...request, url: 'https://api.example.org/theirs', query: { q: 'theirs' } } })
    const merged = takeNewer(mine, before, now)
    assert.deepEqual([merged.name, merged.request.url, merged.request.query.map(({ value }) => value)], ['theirs', 'https://api.example.org/mine', ['theirs']])
  })
})
