import { setTimeout as sleepFor } from 'node:timers/promises'

/** Tells the time and waits. Times are milliseconds since 1970-01-01T00:00:00Z, durations are milliseconds. */
export type Clock = {
  now(): number
  /** Milliseconds that only grow, for measuring how long something took. */
  monotonic(): number
  /** Resolves after the time, or rejects with the signal's reason when it is aborted before. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

const longestTimer = 2 ** 31 - 1

/**
 * Reads the machine's clock.
 *
 * Invariant: no other file calls `Date.now`, `new Date()` without an argument or `performance.now`
 * (`test/architecture.test.ts` looks).
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      // The machine's timers hold 31 bits; a longer one would end at once.
      for (let rest = milliseconds; ; rest -= longestTimer) {
        await sleepFor(Math.min(rest, longestTimer), undefined, { ref: true, ...(signal ? { signal } : {}) })
        if (rest <= longestTimer) return
      }
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error
    }
  },
}

/**
 * Makes a function that returns by how many milliseconds the wall clock was set back since it was asked last; 0 when it was
 * not. Slow corrections, as time services make them, do not count.
 */
export function watchSetBack(clock: Clock): () => number {
  const offset = () => clock.now() - clock.monotonic()
  let before = offset()
  return () => {
    const back = before - offset()
    before = offset()
    return back > 1000 ? Math.round(back) : 0
  }
}

export type TestClock = Clock & {
  /** Moves time on and lets every sleeper whose moment has come continue, the earliest first. */
  advance(milliseconds: number): Promise<void>
  /** Sets the wall clock alone, as an administrator or NTP would: sleepers do not notice. */
  jump(milliseconds: number): void
  readonly sleepers: number
}

/** Makes a clock that stands still until a test turns it. */
export function createTestClock(start = Date.UTC(2026, 10, 24, 12)): TestClock {
  let offset = 0
  let elapsed = 0
  type Sleeper = { at: number; wake: () => void }
  const sleepers = new Set<Sleeper>()
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    now: () => start + offset + elapsed,
    monotonic: () => elapsed,
    get sleepers() {
      return sleepers.size
    },
    jump(milliseconds) {
      offset += milliseconds
    },
    sleep(milliseconds, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error)
        const sleeper: Sleeper = { at: elapsed + milliseconds, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener(
          'abort',
          () => {
            if (sleepers.delete(sleeper)) reject(signal.reason as Error)
          },
          { once: true },
        )
      })
    },
    async advance(milliseconds) {
      const target = elapsed + milliseconds
      await settle()
      for (;;) {
        const due = [...sleepers].filter((sleeper) => sleeper.at <= target).sort((a, b) => a.at - b.at)[0]
        if (!due) break
        elapsed = Math.max(elapsed, due.at)
        sleepers.delete(due)
        due.wake()
        await settle()
      }
      elapsed = target
      await settle()
    },
  }
}
