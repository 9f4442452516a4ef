import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, metricTable } from './metrics.ts'

test('counts and sets what the table names, under the prefix keybearer_', async () => {
  const metrics = createMetrics()
  metrics.count('hand_outs_total', { outcome: 'ok' })
  metrics.count('hand_outs_total', { outcome: 'ok' }, 4)
  metrics.count('hand_outs_total', { outcome: 'paused' })
  metrics.set('credentials', 3, { status: 'ready' })
  metrics.set('outbox_waiting', 0)
  const lines = (await metrics.text()).split('\n')
  for (const line of [
    'keybearer_hand_outs_total{outcome="ok"} 5',
    'keybearer_hand_outs_total{outcome="paused"} 1',
    'keybearer_credentials{status="ready"} 3',
    'keybearer_outbox_waiting 0',
    '# TYPE keybearer_hand_outs_total counter',
    '# TYPE keybearer_credentials gauge',
  ])
    assert.ok(lines.includes(line), line)
})

test('every metric of the table is shown with its help from the start, and so are those of the process', async () => {
  const text = await createMetrics().text()
  for (const [name, { help }] of Object.entries(metricTable)) assert.ok(text.includes(`# HELP keybearer_${name} ${help}\n`), name)
  assert.match(text, /^keybearer_process_resident_memory_bytes \d/m)
  for (const line of text.split('\n')) assert.match(line, /^$|^# |^keybearer_/)
})

test('two services in one process count for themselves', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.count('audit_commits_total')
  assert.match(await one.text(), /^keybearer_audit_commits_total 1$/m)
  assert.match(await other.text(), /^keybearer_audit_commits_total 0$/m)
})

test('a label that the table does not name is refused, so that no name of a credential becomes a label', () => {
  assert.throws(() => createMetrics().count('hand_outs_total', { credential: 'work-mail' }), /label/i)
})

test('counters end in _total, names are snake_case, help is a sentence', () => {
  for (const [name, { type, help }] of Object.entries(metricTable)) {
    assert.match(name, /^[a-z]+(?:_[a-z]+)*$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
    assert.match(help, /^[A-Z].*\.$/, name)
  }
})
