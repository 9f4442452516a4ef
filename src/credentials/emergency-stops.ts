import type { Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Job, JobHandler, JobOutcome, JobRunner } from '../jobs/job-runner.ts'
import { matchingIds } from '../storage/credential-list.ts'
import { updateCredentialIf, withRegistration, type CredentialWithRegistration } from '../storage/credentials.ts'
import {
  countStopped,
  findEmergencyStop,
  insertEmergencyStop,
  insertStopped,
  isUndone,
  knownToStop,
  listEmergencyStops,
  listStopped,
  markUndone,
  takeWaiting,
  type EmergencyStopRow,
  type StoppedRow,
} from '../storage/emergency-stops.ts'
import { appendEvents } from '../storage/events.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import { toMatch } from './credential-list.ts'
import { isThreeLegged, pausedColumns } from './credential-status.ts'
import type { Credentials } from './credentials.ts'
import type { RevocationOrder } from './revoke.ts'
import type { CredentialMatch, Page } from './types.ts'

export const stoppedStates = ['stopped', 'waiting', 'revoking', 'revoked', 'not_revoked'] as const
/**
 * What has become of a credential that was stopped. `stopped`: nothing more was asked for. `waiting`, `revoking`: its tokens are about
 * to be taken back, or the provider is asked again until it answers. `not_revoked`: a person has to do it; the message says where.
 */
export type StoppedState = (typeof stoppedStates)[number]

export type StoppedCredential = { credential: { id: string; name: string }; state: StoppedState; message: string | null; updatedAt: number }

export type EmergencyStop = {
  id: string
  match: CredentialMatch
  revoke: boolean
  reason: string
  by: { id: string; name: string }
  createdAt: number
  /** When what it had switched off was switched on again. */
  undoneAt: number | null
  total: number
  counts: Record<StoppedState, number>
  /** Nothing is under way any more; what is `not_revoked` is left for a person. */
  isDone: boolean
}

export type StopOrder = { match: CredentialMatch; revoke: boolean; reason: string }

const emergencyStopJob = 'emergency_stop'

const batch = 500
/** Providers that are asked at the same time. */
const atOnce = 10
/** If the process dies before all are stopped, another one goes on after this many milliseconds. */
const takeOver = 30_000
const listed = 100

/**
 * Stops many credentials in one action: first no token of them leaves any more, then their tokens are taken back at the
 * providers, as long as that takes and over restarts, and what is left for a person is said for each.
 *
 * Invariant: whatever is stopped has a row that says what became of it, written in the transaction that stops it.
 */
export class EmergencyStops {
  readonly #context: CredentialContext
  readonly #credentials: Pick<Credentials, 'revoke' | 'resume'>
  #jobs: Pick<JobRunner, 'enqueue' | 'wake'> | null = null

  constructor(context: CredentialContext, credentials: Pick<Credentials, 'revoke' | 'resume'>) {
    this.#context = context
    this.#credentials = credentials
  }

  /** What the job runner calls. */
  get handlers(): Record<string, JobHandler> {
    return { [emergencyStopJob]: { run: (job) => this.#run(job) } }
  }

  /** Says by which runner the jobs of the handlers are run. */
  use(jobs: Pick<JobRunner, 'enqueue' | 'wake'>): void {
    this.#jobs = jobs
  }

  /** Stops all that fit, and returns when none of them is handed out any more; their tokens are taken back afterwards. */
  async begin(order: StopOrder, actor: Actor): Promise<EmergencyStop> {
    const { db, clock, audit } = this.#context
    const now = clock.now()
    const id = newId('stop', now)
    const row: EmergencyStopRow = {
      id,
      criteria: JSON.stringify(order.match),
      revokes: order.revoke ? 1 : 0,
      reason: order.reason,
      ordered_by: JSON.stringify(actor),
      created_at: now,
      undone_at: null,
    }
    await inTransaction(db, async (trx) => {
      await insertEmergencyStop(trx, row)
      await this.#jobs?.enqueue(trx, { kind: emergencyStopJob, subject: id, dueAt: now + takeOver })
      const { visible: _, ...match } = order.match
      await audit.append(trx, [
        { actor, action: 'emergency_stop.begun', subject: id, outcome: 'done', detail: { match: JSON.stringify(match), revoke: order.revoke } },
      ])
    })
    await this.#stopAll(row)
    await inTransaction(db, async (trx) => {
      await this.#jobs?.enqueue(trx, { kind: emergencyStopJob, subject: id })
    })
    this.#jobs?.wake()
    return await this.get(id)
  }

  /** @throws Problem not_found */
  async get(id: string): Promise<EmergencyStop> {
    return (await this.#views([await this.#find(id)]))[0]!
  }

  /** Lists the latest, the newest first. */
  async list(): Promise<EmergencyStop[]> {
    return await this.#views(await listEmergencyStops(this.#context.db, listed))
  }

  /** Lists what has become of the credentials of one. @throws Problem not_found */
  async stopped(id: string, filter: { states?: StoppedState[]; cursor?: string; limit?: number }): Promise<Page<StoppedCredential>> {
    await this.#find(id)
    const limit = Math.min(filter.limit ?? 100, 500)
    const rows = await listStopped(this.#context.db, id, { states: filter.states, after: filter.cursor, limit: limit + 1 })
    const items = rows
      .slice(0, limit)
      .map((row) => ({
        credential: { id: row.credential_id, name: row.name },
        state: row.state as StoppedState,
        message: row.message,
        updatedAt: row.updated_at,
      }))
    return { items, next: rows.length > limit ? items.at(-1)!.credential.id : null }
  }

  /**
   * Switches on again what this one has switched off, and returns how many that were. Tokens that are taken back stay so; those that
   * wait for it are left alone.
   */
  async undo(id: string, actor: Actor): Promise<number> {
    await this.#find(id)
    const { db, clock, audit } = this.#context
    await inTransaction(db, (trx) => markUndone(trx, id, clock.now()))
    let resumed = 0
    let after = ''
    for (;;) {
      const rows = await listStopped(db, id, { after, limit: batch })
      if (rows.length === 0) break
      after = rows.at(-1)!.credential_id
      const ids = rows.filter((row) => row.was_paused === 0).map((row) => row.credential_id)
      if (ids.length === 0) continue
      const paused = await db.selectFrom('credentials').select('id').where('id', 'in', ids).where('paused', '=', 1).execute()
      for (const one of paused) {
        await this.#credentials.resume(one.id, actor)
        resumed += 1
      }
    }
    await audit.record({ actor, action: 'emergency_stop.undone', subject: id, outcome: 'done', detail: { resumed } })
    return resumed
  }

  /** Stops what fits and is not stopped yet, some hundred in each transaction, until somebody undoes it. */
  async #stopAll(stop: EmergencyStopRow): Promise<void> {
    const { db } = this.#context
    const meant = JSON.parse(stop.criteria) as CredentialMatch
    // What was made since was not meant, however late another process goes on with it.
    const match = toMatch({ ...meant, createdBefore: Math.min(meant.createdBefore ?? Number.MAX_SAFE_INTEGER, stop.created_at + 1) })
    let after = ''
    for (;;) {
      const ids = await matchingIds(db, match, after, batch)
      if (ids.length === 0) return
      after = ids.at(-1)!
      const known = await knownToStop(db, stop.id, ids)
      let left = ids.filter((id) => !known.has(id))
      // What somebody else changes at this moment is read anew.
      while (left.length > 0) {
        const changed = await this.#stopThese(stop, left)
        if (changed === 'undone') return
        left = changed
      }
      await this.#context.wake()
    }
  }

  /** Returns which of them were changed meanwhile, and are to be stopped anew. */
  async #stopThese(stop: EmergencyStopRow, ids: string[]): Promise<string[] | 'undone'> {
    const { db, dialect, clock, audit } = this.#context
    const actor = actorOf(stop)
    return await inTransaction(db, async (trx) => {
      // Invariant: whoever undoes a stop finds all that it will ever have stopped.
      if (await isUndone(trx, stop.id, dialect)) return 'undone'
      const now = clock.now()
      const rows = await withRegistration(trx).where('credentials.id', 'in', ids).execute()
      const stopped: CredentialWithRegistration[] = []
      const changed: string[] = []
      for (const row of rows) {
        if (row.paused === 1 || (await updateCredentialIf(trx, row.id, { revision: row.revision }, pausedColumns(row, now)))) stopped.push(row)
        else changed.push(row.id)
      }
      await insertStopped(
        trx,
        stopped.map((row) => ({
          stop_id: stop.id,
          credential_id: row.id,
          name: row.name,
          was_paused: row.paused,
          ...(stop.revokes === 1 ? whatToRevoke(row) : { state: 'stopped', message: null }),
          job_id: null,
          updated_at: now,
        })),
      )
      const switched = stopped.filter((row) => row.paused === 0)
      await audit.append(
        trx,
        switched.map((row) => ({
          actor,
          action: 'credential.paused' as const,
          subject: row.id,
          subjectName: row.name,
          outcome: 'done' as const,
          detail: { emergency_stop: stop.id },
        })),
      )
      await appendEvents(
        trx,
        clock,
        switched.map((row) => ({ type: 'credential.paused' as const, subject: row.id, data: { name: row.name, status: 'paused' } })),
      )
      return changed
    })
  }

  /** Goes on with a stop until nothing of it waits. It may have been begun by a process that died. */
  async #run(job: Job): Promise<JobOutcome> {
    const stop = await findEmergencyStop(this.#context.db, job.subject)
    if (!stop) return { outcome: 'given_up', reason: 'There is no such stop any more.' }
    if (stop.undone_at !== null) return { outcome: 'done' }
    await this.#stopAll(stop)
    let after = ''
    let failed = 0
    for (;;) {
      const rows = await listStopped(this.#context.db, stop.id, { states: ['waiting'], after, limit: batch })
      if (rows.length === 0) break
      after = rows.at(-1)!.credential_id
      const queue = [...rows]
      const work = async (): Promise<void> => {
        for (let row = queue.shift(); row !== undefined && !job.signal.aborted; row = queue.shift()) if (!(await this.#revoke(stop, row))) failed += 1
      }
      await Promise.all(Array.from({ length: atOnce }, work))
      if (job.signal.aborted) return { outcome: 'retry', reason: 'The service stops.', after: 0 }
    }
    return failed === 0 ? { outcome: 'done' } : { outcome: 'retry', reason: `The tokens of ${failed} credentials were not read or not written.` }
  }

  /** Takes the tokens of one back; false: it is tried again later. */
  async #revoke(stop: EmergencyStopRow, row: StoppedRow): Promise<boolean> {
    const { db, clock, log } = this.#context
    const leave = (message: string) => takeWaiting(db, stop.id, row.credential_id, { state: 'not_revoked', message, job_id: null, updated_at: clock.now() })
    try {
      await this.#credentials.revoke(row.credential_id, actorOf(stop), async (trx, order) => {
        // Another run of the job may have been quicker; then the tokens are gone already, and that is not what this one would find.
        // Nor does anything wait of a stop that was undone.
        const isTaken = await takeWaiting(trx, stop.id, row.credential_id, { ...stateOf(order, row.message), updated_at: clock.now() })
        if (!isTaken) throw new TakenByAnother()
      })
      return true
    } catch (error) {
      if (error instanceof TakenByAnother) return true
      if (isProblem(error, 'not_found')) await leave('It was deleted meanwhile.')
      else if (isProblem(error, 'decrypt_failed')) await leave('Its tokens cannot be read. Remove the access in the settings of the account.')
      else {
        log.warn('emergency_stop.not_revoked', { credential: row.credential_id, error })
        return false
      }
      return true
    }
  }

  async #find(id: string): Promise<EmergencyStopRow> {
    const row = await findEmergencyStop(this.#context.db, id)
    if (!row) throw new Problem('not_found', `There is no emergency stop "${id.slice(0, 100)}".`)
    return row
  }

  async #views(rows: EmergencyStopRow[]): Promise<EmergencyStop[]> {
    const counted = await countStopped(
      this.#context.db,
      rows.map((row) => row.id),
    )
    return rows.map((row) => {
      const own = counted.filter((one) => one.stop_id === row.id)
      const found = new Map(own.map((one) => [one.state, one.count]))
      const counts = Object.fromEntries(stoppedStates.map((state) => [state, found.get(state) ?? 0])) as EmergencyStop['counts']
      const { id, name } = actorOf(row)
      return {
        id: row.id,
        match: JSON.parse(row.criteria) as CredentialMatch,
        revoke: row.revokes === 1,
        reason: row.reason,
        by: { id, name },
        createdAt: row.created_at,
        undoneAt: row.undone_at,
        total: own.reduce((sum, one) => sum + one.count, 0),
        counts,
        isDone: counts.waiting + counts.revoking === 0,
      }
    })
  }
}

class TakenByAnother extends Error {}

const actorOf = (row: EmergencyStopRow): Actor => JSON.parse(row.ordered_by) as Actor

/** What is to be done for a credential that was stopped, and what a person has to do beside that. */
function whatToRevoke(row: CredentialWithRegistration): { state: StoppedState; message: string | null } {
  if (row.kind === 'api_key') return { state: 'not_revoked', message: 'An API key stays valid at its server: make a new one there, and remove this one.' }
  if (row.kind === 'basic') return { state: 'not_revoked', message: 'A password stays valid at its server: change it there.' }
  if (isThreeLegged(row.grant_type)) return { state: 'waiting', message: null }
  const registration = row.registration_name === null ? 'its registration' : `the registration "${row.registration_name}"`
  return { state: 'waiting', message: `Whoever has the secret of ${registration} gets new tokens: renew it at the provider.` }
}

function stateOf(order: RevocationOrder, message: string | null): Pick<StoppedRow, 'state' | 'message' | 'job_id'> {
  if (order.kind === 'tokens') return { state: 'revoking', message, job_id: order.jobId }
  const isNothing = order.result.outcome === 'nothing_to_revoke'
  // A client that can get new tokens is left to a person even when it had none at that moment.
  if (isNothing && message === null) return { state: 'revoked', message: order.result.message, job_id: null }
  return { state: 'not_revoked', message: [isNothing ? null : order.result.message, message].filter((one) => one !== null).join(' '), job_id: null }
}
