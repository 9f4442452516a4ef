/** Returns the middle value; of an even number the mean of the two in the middle. @throws RangeError without values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Returns the smallest value that at least this share of all values does not exceed (nearest rank). @throws RangeError without values */
export function quantile(values: ArrayLike<number>, share: number): number {
  if (values.length === 0) throw new RangeError('a quantile of nothing')
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

/** What two things measured in turns came to. */
export type Compared = { figure: number; yardstick: number; ratio: number }

/**
 * Returns the medians of both sides and the median of the rounds' ratios: each round is a figure and its yardstick measured
 * right after one another, so that what slows a machine down for a while slows down both.
 */
export function compare(rounds: readonly { figure: number; yardstick: number }[]): Compared {
  return {
    figure: median(rounds.map((round) => round.figure)),
    yardstick: median(rounds.map((round) => round.yardstick)),
    ratio: median(rounds.map((round) => round.figure / round.yardstick)),
  }
}

/**
 * Measures two things in turns and returns one round per turn. Who goes first changes with every round, so that neither
 * always has the warmer caches.
 */
export async function inTurns(
  rounds: number,
  figure: () => Promise<number>,
  yardstick: () => Promise<number>,
): Promise<{ figure: number; yardstick: number }[]> {
  const measured: { figure: number; yardstick: number }[] = []
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const first = await yardstick()
      measured.push({ figure: await figure(), yardstick: first })
    } else {
      const first = await figure()
      measured.push({ figure: first, yardstick: await yardstick() })
    }
  }
  return measured
}
