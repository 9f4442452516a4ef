import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestClock, systemClock } from './clock.ts'

test("the machine's clock tells milliseconds since 1970 and only grows in its monotonic part", async () => {
  assert.ok(systemClock.now() > Date.UTC(2020, 0, 1))
  const before = systemClock.monotonic()
  await systemClock.sleep(15)
  assert.ok(systemClock.monotonic() - before >= 14)
})

test("the machine's clock stops a sleep whose signal is aborted, before or meanwhile", async () => {
  const stop = new AbortController()
  const sleeping = systemClock.sleep(60_000, stop.signal)
  stop.abort(new Error('enough'))
  await assert.rejects(sleeping)
  await assert.rejects(systemClock.sleep(60_000, stop.signal))
})

test('a sleep ends with the reason of its signal, on both clocks', async () => {
  const reason = new Error('enough')
  for (const clock of [systemClock, createTestClock()]) {
    const stop = new AbortController()
    const sleeping = clock.sleep(60_000, stop.signal)
    stop.abort(reason)
    await assert.rejects(sleeping, (error) => error === reason)
    await assert.rejects(clock.sleep(60_000, stop.signal), (error) => error === reason)
  }
})

test("a sleep longer than the machine's timers can hold does not end at once", async () => {
  const stop = new AbortController()
  let over = false
  const sleeping = systemClock.sleep(40 * 86_400_000, stop.signal).then(() => {
    over = true
  })
  await systemClock.sleep(30)
  assert.equal(over, false)
  stop.abort(new Error('enough'))
  await assert.rejects(sleeping)
})

test('a test clock stands still until it is turned', async () => {
  const clock = createTestClock(1000)
  assert.equal(clock.now(), 1000)
  await clock.advance(500)
  assert.equal(clock.now(), 1500)
  assert.equal(clock.monotonic(), 500)
})

test('a test clock wakes sleepers in the order of their moments, each at its own', async () => {
  const clock = createTestClock(0)
  const woken: [string, number][] = []
  const sleepFor = async (name: string, ...pauses: number[]) => {
    for (const pause of pauses) {
      await clock.sleep(pause)
      woken.push([name, clock.now()])
    }
  }
  const all = Promise.all([sleepFor('slow', 300), sleepFor('quick', 100, 100, 100), sleepFor('late', 301)])
  await clock.advance(300)
  assert.deepEqual(woken, [
    ['quick', 100],
    ['quick', 200],
    ['slow', 300],
    ['quick', 300],
  ])
  assert.equal(clock.sleepers, 1)
  await clock.advance(1)
  await all
  assert.equal(clock.sleepers, 0)
})

test('a jump of the wall clock moves no sleeper and no monotonic time', async () => {
  const clock = createTestClock(0)
  let woken = false
  const sleeping = clock.sleep(100).then(() => {
    woken = true
  })
  clock.jump(-3_600_000)
  await clock.advance(99)
  assert.deepEqual([clock.now(), clock.monotonic(), woken], [-3_599_901, 99, false])
  await clock.advance(1)
  await sleeping
})

test('a test clock forgets a sleeper whose signal is aborted', async () => {
  const clock = createTestClock()
  const stop = new AbortController()
  const reason = new Error('enough')
  const sleeping = clock.sleep(100, stop.signal)
  stop.abort(reason)
  await assert.rejects(sleeping, (error) => error === reason)
  assert.equal(clock.sleepers, 0)
  await assert.rejects(clock.sleep(100, stop.signal), (error) => error === reason)
})
