import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import type { Connection } from './connection.ts'
import { handIn } from './sendmail-hand-in.ts'
import { checkFolder, forgetSpooled, listSpool, readSpooled, removeAbandoned, setAside } from './sendmail-spool.ts'

const fs = process.getBuiltinModule('node:fs')

/** What became of the messages that waited. */
export type Flushed = { handedIn: number; refused: { name: string; message: string }[]; left: number; why: string | null }

/** After so many that fail one after the other the service is left alone. */
const mostFailures = 3
/** No flush works for so long at one message. */
const staleAfter = 600_000

/**
 * Hands the messages that wait to the service, the oldest first.
 *
 * Two at a time would do no harm, because each message has its key; one at a time spares the service the second time.
 */
export async function flushSpool(
  connection: Connection,
  folder: string,
  options: { most: number; milliseconds: number; withRefused: boolean },
): Promise<Flushed> {
  const flushed: Flushed = { handedIn: 0, refused: [], left: 0, why: null }
  const names = listSpool(folder, options.withRefused)
  if (names.length === 0) return flushed
  checkFolder(folder)
  const unlock = lock(folder)
  if (unlock === null) return { ...flushed, left: names.length, why: 'Another call hands them in at this moment.' }
  try {
    removeAbandoned(folder)
    const end = systemClock.monotonic() + options.milliseconds
    let failures = 0
    for (const name of names.slice(0, options.most)) {
      if (systemClock.monotonic() >= end || failures >= mostFailures) break
      const message = readSpooled(folder, name)
      if (message === null) continue
      if (message === 'damaged') {
        flushed.refused.push({ name, message: 'The file is damaged.' })
        continue
      }
      const outcome = await handIn(connection, message.request, message.idempotency_key)
      if (outcome.kind === 'taken') {
        forgetSpooled(folder, name)
        flushed.handedIn += 1
        failures = 0
      } else if (outcome.kind === 'away') {
        flushed.why = outcome.why
        failures = outcome.isSilent ? mostFailures : failures + 1
      } else if (outcome.code === 'not_signed_in') {
        // Nothing is wrong with the messages.
        flushed.why = `${outcome.message} ${outcome.nextStep ?? ''}`.trim()
        break
      } else {
        setAside(folder, name, message, outcome)
        flushed.refused.push({ name, message: outcome.message })
      }
    }
  } finally {
    unlock()
  }
  return { ...flushed, left: listSpool(folder, false).length }
}

/** Returns what lets others in again; null when somebody else is in. Whoever was killed in there holds nobody up. */
function lock(folder: string): (() => void) | null {
  const file = join(folder, '.flush')
  const own = join(folder, `.new-${process.pid}-lock`)
  // Linked when it is whole: nobody finds a lock without the number of whoever holds it.
  fs.writeFileSync(own, String(process.pid), { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        fs.linkSync(own, file)
        return () => fs.rmSync(file, { force: true })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        if (!isStale(file)) return null
        fs.rmSync(file, { force: true })
      }
    }
    return null
  } finally {
    fs.rmSync(own, { force: true })
  }
}

function isStale(file: string): boolean {
  const facts = fs.statSync(file, { throwIfNoEntry: false })
  if (facts === undefined || systemClock.now() - facts.mtimeMs > staleAfter) return true
  try {
    process.kill(Number(fs.readFileSync(file, 'utf8')), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
