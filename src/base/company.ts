import type { Clock } from './clock.ts'

/** For company that keeps coming in, whoever is there waits at most so many turns of the event loop. */
const mostTurns = 20
/** For company that came before, he waits at most so many turns in which nobody comes: some tenths of a millisecond. */
const mostIdleTurns = 50
/** Milliseconds: on a busy machine a single turn can take longer than all of that. */
const longestWait = 2

/**
 * Lets those who come at the same time find together before something is done for all of them at once: it waits as long as each
 * turn of the event loop brings more, and a moment for as many as came together lately. Whoever comes alone waits for one turn.
 */
export class Company {
  readonly #clock: Pick<Clock, 'monotonic'>
  /** How many came together lately. */
  #usual = 0

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** Resolves when nobody else is to be waited for. `count` tells how many are there; `most` of them need no more company. */
  async gather(count: () => number, most = Number.POSITIVE_INFINITY): Promise<void> {
    const until = this.#clock.monotonic() + longestWait
    for (let turns = 0, idle = 0; turns < mostTurns && idle < mostIdleTurns && this.#clock.monotonic() < until;) {
      const before = count()
      await new Promise<void>((resolve) => setImmediate(resolve))
      const now = count()
      if (now >= most) break
      if (now > before) turns += 1
      else if (now >= this.#usual) break
      else idle += 1
    }
    this.#usual = Math.max(count(), Math.floor(this.#usual * 0.8))
  }
}
