import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { JobHandler, JobRunner } from '../jobs/job-runner.ts'
import {
  clearRunLeases,
  insertRun,
  listRunRows,
  prolongRunLeases,
  pruneRuns,
  readRun,
  releaseRuns,
  runsOfChain,
  strayRoots,
  type ActionRunRow,
} from '../storage/action-runs.ts'
import type { ActionRow } from '../storage/actions.ts'
import { clearJobLeases } from '../storage/jobs.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Result, RunStatus, RunTrigger, RunView } from './action-types.ts'
import type { Actions } from './actions.ts'
import type { ActionContext } from './context.ts'
import { RunChain, statePlace, type ChainEnd } from './run-chain.ts'
import { toRunView } from './run-view.ts'

/** Who waits for an answer waits while this many runs are under way; others wait their turn. */
const mostAwaited = 40
const leaseTime = 60_000
const heartbeat = 15_000
const minute = 60_000
const mostInput = 256 * 1024

export const runJob = 'action_run'

export type RunOrder = { input: Record<string, unknown>; trigger: RunTrigger; wait: boolean }

/** What a run came to: itself, those that followed from it, and the result of the chain for whoever waited. */
export type Ran = { run: RunView; followed: RunView[]; outcome: RunStatus; result: Result | null }

/** Runs actions: at once for whoever waits, in the background for others, and what was ordered is done after a crash. */
export class ActionRuns {
  readonly #context: ActionContext
  readonly #actions: Pick<Actions, 'find'>
  readonly #chain: RunChain
  readonly #lease: string
  #jobs: Pick<JobRunner, 'enqueue' | 'wake'> | undefined
  #awaited = 0
  #beat: NodeJS.Timeout | undefined
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(context: ActionContext, actions: Pick<Actions, 'find'>) {
    this.#context = context
    this.#actions = actions
    this.#lease = newId('lease', context.clock.now())
    this.#chain = new RunChain(context, { lease: this.#lease, leaseTime })
  }

  /** What the jobs of runs do; `start` is told who carries them out. */
  get handlers(): Record<string, JobHandler> {
    return {
      [runJob]: {
        run: async (job) => {
          const { next } = await this.#chain.carryOut(job.subject, { patience: 0, signal: job.signal })
          return next === null ? { outcome: 'done' } : { outcome: 'retry', reason: 'a run of an action waits for its next attempt', after: next }
        },
      },
      action_runs_swept: { run: async () => await this.#sweep(), every: minute },
    }
  }

  async start(jobs: Pick<JobRunner, 'enqueue' | 'wake'>): Promise<void> {
    this.#jobs = jobs
    // Only one process uses the embedded store: what is held is held by nobody any more.
    if (this.#context.dialect === 'sqlite') {
      await clearRunLeases(this.#context.db)
      await clearJobLeases(this.#context.db, Object.keys(this.handlers))
    }
    await this.#sweep()
    this.#beat = setInterval(() => {
      prolongRunLeases(this.#context.db, this.#lease, this.#context.clock.now() + leaseTime, this.#chain.roots).catch((error: unknown) => {
        this.#context.log.warn('actions.leases_not_prolonged', { error })
      })
    }, heartbeat).unref()
  }

  /** Waits for the runs that somebody waits for. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    clearInterval(this.#beat)
    await releaseRuns(this.#context.db, this.#lease)
  }

  /**
   * Runs an action and returns what came of it, or, when nobody waits, that it is ordered: then it is on disk, and is done after
   * a crash as well. `beside` is written together with the order.
   *
   * @throws Problem not_found, action_paused, rate_limited, payload_too_large
   */
  async run(ref: string, order: RunOrder, actor: Actor, beside?: (trx: Transaction<Tables>, runId: string) => Promise<void>): Promise<Ran> {
    const action = await this.#actions.find(ref)
    if (action.paused === 1) throw new Problem('action_paused', `The action "${action.name}" is paused.`)
    const state = JSON.stringify({ input: order.input, previous: null })
    if (state.length > mostInput) throw new Problem('payload_too_large', `The input of a run may have ${mostInput / 1024} KiB.`)
    if (order.wait && this.#awaited >= mostAwaited) {
      throw new Problem('rate_limited', `${mostAwaited} runs are under way already.`, {
        retryAfter: 5,
        nextStep: 'Wait a little, or order the run without waiting for it.',
      })
    }
    const row = await this.#order(action, order, state, actor, beside)
    const ordered: Ran = { run: toRunView(row), followed: [], outcome: 'queued', result: null }
    try {
      await this.#context.wake()
      if (order.wait) return await this.#await(row.id)
      this.#jobs?.wake()
      return ordered
    } catch (error) {
      // It is on disk and goes on by itself: whoever heard that it failed would order it a second time.
      if (!isProblem(error, 'storage_unavailable')) throw error
      this.#context.log.warn('action.not_followed', { run: row.id, error })
      return ordered
    }
  }

  async #order(
    action: ActionRow,
    order: RunOrder,
    state: string,
    actor: Actor,
    beside?: (trx: Transaction<Tables>, runId: string) => Promise<void>,
  ): Promise<ActionRunRow> {
    const { db, clock, vault, audit } = this.#context
    const now = clock.now()
    const id = newId('run', now)
    return await inTransaction(db, async (trx) => {
      await beside?.(trx, id)
      const row: ActionRunRow = {
        id,
        action_id: action.id,
        action_name: action.name,
        kind: action.kind,
        root_id: id,
        parent_id: null,
        depth: 0,
        aside: 0,
        trigger: order.trigger,
        status: 'queued',
        ordered_by: JSON.stringify(actor),
        input_names: JSON.stringify(namesOf(order.input)),
        state: await vault.seal(dataKeysOf(trx), statePlace(id), state),
        is_awaited: order.wait ? 1 : 0,
        attempts: 0,
        next_attempt_at: null,
        lease: order.wait ? this.#lease : null,
        lease_until: order.wait ? now + leaseTime : null,
        problem: null,
        is_tolerated: 0,
        response_status: null,
        message_id: null,
        created_at: now,
        started_at: null,
        finished_at: null,
      }
      await insertRun(trx, row)
      if (order.wait) return row
      await this.#jobsOf().enqueue(trx, { kind: runJob, subject: id })
      await audit.append(trx, [
        {
          actor,
          action: 'action.accepted',
          subject: action.id,
          subjectName: action.name,
          outcome: 'done',
          detail: { run: id, trigger: order.trigger, input: namesOf(order.input) },
        },
      ])
      return row
    })
  }

  async #await(id: string): Promise<Ran> {
    this.#awaited++
    const work = this.#chain.carryOut(id, { patience: 10_000 })
    this.#underWay.add(work)
    try {
      const end = await work
      if (end.next !== null) await this.#handOver(id, end.next)
      return await this.#ran(id, end)
    } finally {
      this.#underWay.delete(work)
      this.#awaited--
    }
  }

  /** Gives a chain that waits too long for its next attempt to the jobs. */
  async #handOver(rootId: string, after: number): Promise<void> {
    const { db, clock } = this.#context
    await inTransaction(db, (trx) => this.#jobsOf().enqueue(trx, { kind: runJob, subject: rootId, dueAt: clock.now() + after }))
  }

  async #ran(rootId: string, end: ChainEnd): Promise<Ran> {
    const rows = await runsOfChain(this.#context.db, rootId)
    const [run, ...followed] = rows.map(toRunView)
    const line = rows.filter((row) => row.aside === 0)
    const outcome = (line.find((row) => row.finished_at === null) ?? line.at(-1)!).status as RunStatus
    return { run: run!, followed, outcome, result: end.result }
  }

  async list(filter: { actionIds?: string[]; status?: RunStatus; cursor?: string; limit?: number }): Promise<{ items: RunView[]; next: string | null }> {
    const limit = Math.min(filter.limit ?? 100, 500)
    if (filter.actionIds?.length === 0) return { items: [], next: null }
    const rows = await listRunRows(this.#context.db, { actionIds: filter.actionIds, status: filter.status, before: filter.cursor, limit: limit + 1 })
    const items = rows.slice(0, limit)
    return { items: items.map(toRunView), next: rows.length > limit ? items.at(-1)!.id : null }
  }

  /** @throws Problem not_found */
  async get(id: string): Promise<{ run: RunView; followed: RunView[] }> {
    const row = await readRun(this.#context.db, id)
    if (!row) throw new Problem('not_found', `There is no run "${id.slice(0, 100)}".`)
    const chain = await runsOfChain(this.#context.db, row.root_id)
    return { run: toRunView(row), followed: chain.filter((one) => one.id > row.id).map(toRunView) }
  }

  /** Takes up what a node left behind, and forgets what is old. */
  async #sweep(): Promise<{ outcome: 'done' }> {
    const { db, clock, keepRuns } = this.#context
    const stray = await strayRoots(db, clock.now(), runJob, 200)
    for (const rootId of stray) await inTransaction(db, (trx) => this.#jobsOf().enqueue(trx, { kind: runJob, subject: rootId }))
    if (stray.length > 0) this.#jobs?.wake()
    while ((await pruneRuns(db, clock.now() - keepRuns, 500)) === 500);
    return { outcome: 'done' }
  }

  #jobsOf(): Pick<JobRunner, 'enqueue' | 'wake'> {
    if (this.#jobs === undefined) throw new Problem('shutting_down', 'The service is not ready to run actions yet.')
    return this.#jobs
  }
}

/** Names alone say nothing of what was sent; a name that is none is left away. */
const namesOf = (input: Record<string, unknown>): string[] =>
  Object.keys(input)
    .slice(0, 50)
    .map((name) => name.replace(/[^\p{L}\p{N}_. -]/gu, '?').slice(0, 60))
