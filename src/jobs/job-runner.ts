import type { Transaction } from 'kysely'
import type { Clock } from '../base/clock.ts'
import { jitter, newId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { isProblem } from '../base/problem.ts'
import { redactText } from '../base/redact.ts'
import type { Sealed } from '../base/sealed.ts'
import { claimJobs, ensureJob, keepJob, nextJobDue, postponeJob, putJob, removeJob, type JobRow } from '../storage/jobs.ts'
import type { Database, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'

/** A job as its handler sees it. */
export type Job = {
  id: string
  kind: string
  subject: string
  payload: unknown
  /** Sealed by whoever ordered the job, with the job's id as owner. */
  secret: Sealed | null
  /** 1 at the first try. */
  attempt: number
  createdAt: number
  /** Aborted when the service stops for good or another node has taken the job over. */
  signal: AbortSignal
}

export type JobOutcome =
  | { outcome: 'done' }
  /** Tried again after this many milliseconds, or after a time that grows with every try. */
  | { outcome: 'retry'; reason: string; after?: number }
  /** Never tried again. A recurring job waits for its next time. */
  | { outcome: 'given_up'; reason: string }

export type JobHandler = {
  /** Does the work. It may run again after a crash, so it must bear that. Throwing is the same as `retry`. */
  run: (job: Job) => Promise<JobOutcome>
  /** Milliseconds from the end of one run to the next. Such a job orders itself and runs on one node at a time. */
  every?: number
}

export type JobOrder = {
  /** When something was sealed for the job, the id it was sealed under. */
  id?: string
  kind: string
  /** What it is about. There is one job of a kind and subject: a newer order takes the place of the older. */
  subject: string
  payload?: unknown
  secret?: Sealed | null
  dueAt?: number
}

export type JobRunner = {
  /** Writes an order down in the caller's transaction. It begins soon after the commit; `wake` makes it at once. Returns its id. */
  enqueue(trx: Transaction<Tables>, order: JobOrder): Promise<string>
  /** Looks for due jobs now. */
  wake(): void
  start(): Promise<void>
  /** Begins nothing more, waits for what runs, and after the grace aborts it; what did not end runs again later. */
  stop(grace?: number): Promise<void>
}

const lease = 60_000
const heartbeat = 15_000
const longestSleep = 1_000
const firstRetry = 5_000
const longestRetry = 3_600_000

/**
 * Makes what runs the jobs of the table `jobs`. One runs on every node; a job is done by one of them at a time, which holds
 * it by a lease that ends by itself when the node dies.
 *
 * Invariant: a job is gone from the table only after its handler said that it is done or hopeless.
 */
export function createJobRunner(options: {
  db: Database
  dialect: 'sqlite' | 'postgres'
  clock: Clock
  log: Pick<Log, 'warn' | 'error'>
  handlers: Record<string, JobHandler>
  concurrency?: number
}): JobRunner {
  const { db, dialect, clock, log, handlers, concurrency = 10 } = options
  const kinds = Object.keys(handlers)
  const stopping = new AbortController()
  const cutting = new AbortController()
  const running = new Set<Promise<void>>()
  /** Ids of the jobs that are carried out here. */
  const underWay = new Set<string>()
  let loop: Promise<void> | undefined
  let early = new AbortController()

  const enqueue: JobRunner['enqueue'] = async (trx, order) => {
    const now = clock.now()
    const id = order.id ?? newId('job', now)
    await putJob(trx, {
      id,
      kind: order.kind,
      subject: order.subject,
      payload: JSON.stringify(order.payload ?? null),
      secret: order.secret ?? null,
      due_at: order.dueAt ?? now,
      created_at: now,
    })
    return id
  }

  const wake = () => early.abort()

  const ensureRecurring = async () => {
    const now = clock.now()
    await inTransaction(db, async (trx) => {
      for (const [kind, { every }] of Object.entries(handlers)) {
        if (every === undefined) continue
        // The latest moment bounds what an older version with longer pauses, or a wrong clock, has written.
        await ensureJob(trx, { id: newId('job', now), kind, subject: '', payload: 'null', secret: null, due_at: now + every, created_at: now })
      }
    })
  }

  /** Starts what is due and returns how long to sleep. */
  const step = async (): Promise<number> => {
    const free = concurrency - running.size
    if (free <= 0) return longestSleep
    const now = clock.now()
    const due = await nextJobDue(db, kinds, now, 2 * lease)
    if (due === null) return longestSleep
    if (due > now) return Math.min(due - now, longestSleep)
    const claimed = await inTransaction(db, (trx) => claimJobs(trx, dialect, { kinds, now, lease, limit: free, except: [...underWay] }))
    for (const row of claimed) {
      underWay.add(row.id)
      const work: Promise<void> = carryOut(row).finally(() => {
        running.delete(work)
        underWay.delete(row.id)
        wake()
      })
      running.add(work)
    }
    // Another node may have been quicker.
    return claimed.length > 0 ? 0 : longestSleep / 10
  }

  const carryOut = async (row: JobRow & { lease: string }): Promise<void> => {
    const handler = handlers[row.kind]
    if (!handler) return
    const ended = new AbortController()
    const lost = new AbortController()
    const beating = beat(row.lease, ended.signal, lost)
    const outcome = await judge(handler, row, AbortSignal.any([lost.signal, cutting.signal]))
    ended.abort()
    await beating
    try {
      await settle(row, handler, outcome)
    } catch (error) {
      // The lease ends by itself, and the job runs again: that is why handlers bear it.
      log.error('job.not_settled', { kind: row.kind, subject: row.subject, error })
    }
  }

  const judge = async (handler: JobHandler, row: JobRow, signal: AbortSignal): Promise<JobOutcome> => {
    try {
      return await handler.run({
        id: row.id,
        kind: row.kind,
        subject: row.subject,
        payload: JSON.parse(row.payload) as unknown,
        secret: row.secret,
        attempt: row.attempts + 1,
        createdAt: row.created_at,
        signal,
      })
    } catch (error) {
      log.error('job.failed', { kind: row.kind, subject: row.subject, error })
      return { outcome: 'retry', reason: isProblem(error) ? error.message : String(error) }
    }
  }

  const settle = async (row: JobRow & { lease: string }, { every }: JobHandler, outcome: JobOutcome): Promise<void> => {
    const now = clock.now()
    if (outcome.outcome === 'given_up') log.warn('job.given_up', { kind: row.kind, subject: row.subject, reason: outcome.reason })
    await inTransaction(db, async (trx) => {
      if (outcome.outcome === 'retry') {
        const wait = outcome.after ?? jitter(Math.min(firstRetry * 2 ** Math.min(row.attempts, 20), every ?? longestRetry, longestRetry))
        await postponeJob(trx, row, { due_at: now + wait, attempts: row.attempts + 1, last_error: redactText(outcome.reason, 300) })
      } else if (every !== undefined) {
        const reason = outcome.outcome === 'given_up' ? redactText(outcome.reason, 300) : null
        await postponeJob(trx, row, { due_at: now + every, attempts: 0, last_error: reason })
      } else {
        await removeJob(trx, row)
      }
    })
  }

  /** Holds the lease while the handler works, however long that takes. */
  const beat = async (held: string, ended: AbortSignal, lost: AbortController): Promise<void> => {
    while (await sleep(heartbeat, ended)) {
      try {
        if (await keepJob(db, held, clock.now() + lease)) continue
        log.warn('job.lease_lost', { lease: held })
        lost.abort()
        return
      } catch (error) {
        // A database that is away for a moment does not end the lease yet: the next beat tries again.
        log.warn('job.heartbeat_failed', { error })
      }
    }
  }

  /** Returns whether the whole time went by. */
  const sleep = async (milliseconds: number, ...signals: AbortSignal[]): Promise<boolean> => {
    const signal = AbortSignal.any(signals)
    try {
      await clock.sleep(milliseconds, signal)
      return !signal.aborted
    } catch (error) {
      if (signal.aborted) return false
      throw error
    }
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let wait: number
      early = new AbortController()
      try {
        wait = await step()
      } catch (error) {
        log.error('jobs.failed', { error })
        wait = longestSleep
      }
      if (wait > 0) await sleep(wait, early.signal, stopping.signal)
    }
  }

  return {
    enqueue,
    wake,
    async start() {
      if (loop || kinds.length === 0) return
      await ensureRecurring()
      loop = run()
    },
    async stop(grace = 10_000) {
      stopping.abort()
      await loop
      const over = new AbortController()
      const cut = sleep(grace, over.signal).then((passed) => {
        if (passed) cutting.abort()
      })
      await Promise.all(running)
      over.abort()
      await cut
    },
  }
}
