import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Company } from './company.ts'

/** A clock that stands still leaves the turns of the event loop to count. */
const still = { monotonic: () => 0 }

/** Lets some come, one a turn, and returns how many were there when it was done. */
async function gather(company: Company, coming: boolean[], most?: number): Promise<number> {
  let count = 1
  const done = company.gather(() => count, most)
  let result = 0
  void done.then(() => (result = count))
  for (const comes of coming) {
    if (comes) count += 1
    await turn()
  }
  await done
  return result
}

const times = (count: number, comes: boolean) => Array.from({ length: count }, () => comes)

test('whoever comes alone waits for one turn; while others come they are waited for, within bounds', async () => {
  assert.equal(await gather(new Company(still), [false, false, true]), 1)
  assert.equal(await gather(new Company(still), times(5, true)), 6)
  assert.ok((await gather(new Company(still), times(60, true))) < 30)
  assert.ok((await gather(new Company(still), times(60, true), 7)) <= 8)
})

test('as many as came together lately are waited for, a while, and less so when they stay away', async () => {
  const company = new Company(still)
  await gather(company, times(9, true))
  assert.equal(await gather(company, [...times(20, false), ...times(9, true)]), 10)
  assert.equal(await gather(company, [...times(70, false), true]), 1)
  for (let alone = 0; alone < 20; alone++) await gather(company, [false])
  assert.equal(await gather(company, [...times(5, false), true]), 1)
})

test('nobody is waited for longer than a moment', async () => {
  let now = 0
  const company = new Company({ monotonic: () => (now += 5) })
  assert.ok((await gather(company, times(10, true))) <= 2)
})
