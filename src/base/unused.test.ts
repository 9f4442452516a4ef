import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planRest } from './unused.ts'

const day = 86_400_000
const rest = { createdAt: 0, lastUsedAt: null, keptFrom: null, toldAt: null }
const does = (plan: ReturnType<typeof planRest>) => (plan.isToStop ? 'stop' : plan.isToTell ? 'tell' : 'wait')

test('what nobody needs is told of two weeks before it is stopped, and stopped at its time', () => {
  assert.equal(does(planRest(rest, 90, 75 * day)), 'wait')
  assert.equal(does(planRest(rest, 90, 76 * day)), 'tell')
  const told = { ...rest, toldAt: 76 * day }
  assert.equal(does(planRest(told, 90, 90 * day - 1)), 'wait')
  assert.equal(does(planRest(told, 90, 90 * day)), 'stop')
  assert.equal(does(planRest(told, 0, 900 * day)), 'wait', '0 days: never')
})

test('a use, or somebody who keeps it, begins the time anew', () => {
  for (const needed of [{ lastUsedAt: 80 * day }, { keptFrom: 80 * day }, { createdAt: 80 * day }]) {
    const plan = { ...rest, toldAt: 76 * day, ...needed }
    assert.equal(does(planRest(plan, 90, 100 * day)), 'wait')
    assert.equal(planRest(plan, 90, 100 * day).stopsAt, 170 * day)
    assert.equal(does(planRest(plan, 90, 160 * day)), 'tell', 'what was noted before does not count any more')
  }
})

test('a clock that jumps a year ahead, or a service that was off so long, stops nothing before a day has passed', () => {
  assert.equal(does(planRest(rest, 90, 400 * day)), 'tell')
  const told = { ...rest, toldAt: 400 * day }
  assert.equal(does(planRest(told, 90, 400.9 * day)), 'wait')
  assert.equal(does(planRest(told, 90, 401 * day)), 'stop')
  assert.equal(does(planRest({ ...rest, toldAt: 0.5 * day }, 1, 0.6 * day)), 'wait')
})
