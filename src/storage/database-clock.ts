import { sql } from 'kysely'
import type { Clock } from '../base/clock.ts'
import type { Database } from './tables.ts'

const interval = 15_000
/** An answer that took longer says too little about when it was given. */
const slowestAnswer = 2_000

/**
 * Makes a clock that tells the time of the PostgreSQL server, so that all nodes mean the same moment by the end of a lease
 * or of a token, however wrong their own clocks are.
 *
 * Between two looks it goes on by the machine's monotonic clock: setting the machine's wall clock changes nothing.
 *
 * @throws Problem storage_unavailable when the server does not tell its time at the start
 */
export async function openDatabaseClock(options: {
  db: Database
  machine: Clock
  onError: (error: unknown) => void
}): Promise<{ clock: Clock; stop: () => void }> {
  const { db, machine, onError } = options
  const look = async (): Promise<{ offset: number; took: number }> => {
    const before = machine.monotonic()
    const { rows } = await sql<{ now: string }>`select extract(epoch from clock_timestamp()) * 1000 as now`.execute(db)
    const after = machine.monotonic()
    return { offset: Number(rows[0]!.now) - (before + after) / 2, took: after - before }
  }
  let { offset } = await look()
  const again = async () => {
    const found = await look()
    if (found.took <= slowestAnswer) offset = found.offset
  }
  const timer = setInterval(() => void again().catch(onError), interval)
  timer.unref()
  return {
    clock: {
      now: () => Math.round(offset + machine.monotonic()),
      monotonic: () => machine.monotonic(),
      sleep: (milliseconds, signal) => machine.sleep(milliseconds, signal),
    },
    stop: () => clearInterval(timer),
  }
}
