import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { coresOf } from './cores.ts'
import { judge } from './row.ts'
import { groups, measureGroups, tiny } from './rows.ts'
import { compare, inTurns, median, quantile } from './statistics.ts'
import { exitCodeOf, showTable } from './table.ts'

test('the median is the middle, or the mean of the two in the middle, whatever the order', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([10, 9, 100]), 10)
  assert.throws(() => median([]), RangeError)
})

test('a quantile is a value that was measured', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i)
  assert.equal(quantile(values, 0.99), 99)
  assert.equal(quantile(values, 0.5), 50)
  assert.equal(quantile([7], 0.99), 7)
})

test('a ratio is the median of the rounds, so that one bad moment does not decide', () => {
  const rounds = [
    { figure: 50, yardstick: 100 },
    { figure: 5, yardstick: 10 },
    { figure: 1, yardstick: 100 },
  ]
  assert.deepEqual(compare(rounds), { figure: 5, yardstick: 100, ratio: 0.5 })
})

test('figure and yardstick take turns in going first', async () => {
  const order: string[] = []
  await inTurns(
    3,
    async () => order.push('figure'),
    async () => order.push('yardstick'),
  )
  assert.deepEqual(order, ['yardstick', 'figure', 'figure', 'yardstick', 'yardstick', 'figure'])
})

test('a goal that is missed, a figure that is none, or a flaw is reported as not met', () => {
  const question = { name: 'x', unit: '/s', goals: [{ of: 'ratio', is: 'at_least', value: 0.5 }] } as const
  assert.equal(judge(question, { figure: 50, yardstick: 100, ratio: 0.5 }).met, true)
  assert.equal(judge(question, { figure: 49, yardstick: 100, ratio: 0.49 }).met, false)
  assert.equal(judge(question, { figure: Number.NaN, yardstick: 100, ratio: Number.NaN }).met, false)
  assert.equal(judge(question, { figure: 50, yardstick: null, ratio: null }).met, false)
  const flawed = judge(question, { figure: 90, yardstick: 100, ratio: 0.9, flaw: 'one was refreshed 2 times' })
  assert.equal(flawed.met, false)
  assert.match(flawed.goal, /refreshed 2 times/)
  const most = {
    name: 'y',
    unit: 'ms',
    goals: [
      { of: 'figure', is: 'at_most', value: 1000 },
      { of: 'ratio', is: 'at_most', value: 1.5 },
    ],
  } as const
  assert.equal(judge(most, { figure: 900, yardstick: 700, ratio: 1.29 }).met, true)
  assert.equal(judge(most, { figure: 1100, yardstick: 1000, ratio: 1.1 }).met, false)
  assert.equal(exitCodeOf([flawed]), 1)
  assert.equal(exitCodeOf([]), 0)
  assert.match(showTable([flawed]), /NOT MET/)
})

test('the cores that may be used are read as the kernel writes them', () => {
  assert.deepEqual(coresOf('Name:\tnode\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed_list:\t0\n'), [0, 1])
  assert.deepEqual(coresOf('Cpus_allowed_list:\t2,4-6,9\n'), [2, 4, 5, 6, 9])
  assert.deepEqual(coresOf('Cpus_allowed_list:\t3\n'), [3])
})

test('every group measures something, on a scale so small that it says nothing of speed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-bench-test-'))
  try {
    const cores = coresOf(readFileSync('/proc/self/status', 'utf8'))
    const told: string[] = []
    const rows = await measureGroups([], tiny, folder, (row) => told.push(row.name))
    assert.equal(rows.length, 17)
    assert.deepEqual(
      told,
      rows.map((row) => row.name),
    )
    for (const row of rows) {
      assert.ok(Number.isFinite(row.figure) && row.figure > 0, `${row.name}: ${row.figure}`)
      assert.ok(!row.goal.includes('('), `${row.name}: ${row.goal}`)
    }
    // Only one group keeps its server apart, and gives this process its cores back.
    assert.deepEqual(coresOf(readFileSync('/proc/self/status', 'utf8')), cores)
    await assert.rejects(
      measureGroups(['speed'], tiny, folder, () => undefined),
      /There is no group speed.*hand-outs/,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  assert.equal(new Set(groups.map((group) => group.name)).size, groups.length)
})
