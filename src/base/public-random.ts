import { randomBytes } from 'node:crypto'

const poolSize = 4096
let pool = Buffer.alloc(0)
let taken = 0

/**
 * Returns random bytes that nobody gets twice, for what is public anyway: identifiers and nonces. They lie beside others in memory,
 * so that keys and tokens are made by `randomBytes` alone; asking for a few bytes at a time costs more than what is done with them.
 */
export function publicRandom(length: number): Uint8Array {
  if (taken + length > pool.length) {
    // A new one each time: what was given out stays as it is.
    pool = randomBytes(Math.max(poolSize, length))
    taken = 0
  }
  taken += length
  return pool.subarray(taken - length, taken)
}
