import type { Transaction } from 'kysely'
import { service, type Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { insertRun, nextRunOf, releaseRuns, takeRun, updateTakenRun, type ActionRunRow } from '../storage/action-runs.ts'
import { findAction, type ActionRow } from '../storage/actions.ts'
import { dataKeysOf, deleteDataKey } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Definition, Result, RunProblem, RunStatus } from './action-types.ts'
import { longestChain, openDefinition } from './actions.ts'
import type { ActionContext } from './context.ts'
import { writeReport } from './error-report.ts'
import { isFailure, type Attempt } from './failure-rule.ts'
import { followEmail, sendEmail, writeEmail } from './perform-email.ts'
import { repeatableMethods, sendRequest, writeRequest } from './perform-request.ts'
import { Renderer } from './template.ts'

/** What the next action gets of an answer. */
const mostPassedOn = 256 * 1024
const longestPause = 3_600_000
/** So soon a run is tried again that the database kept from beginning. */
const awayPause = 5_000
/** For so long it is tried to write down how a run ended, in doubled pauses. */
const longestSettling = 12_800

type State = { input: Record<string, unknown>; previous: Record<string, unknown> | null }

/** Somebody else has taken the run over, or its end is written down already: what was done here is not written a second time. */
class TakenOver extends Error {}

/** How a chain of runs stands. `next`: milliseconds until its next attempt; null: it has ended, or somebody else works on it. */
export type ChainEnd = { next: number | null; result: Result | null }

type Judged = { status: 'done' | 'failed' | 'interrupted'; problem: Problem | null; tolerated: boolean; result: Result | null }

export const statePlace = (runId: string) => ({ owner: runId, column: 'action_runs.state' })

/** Carries out runs, and the runs that follow from them, one after another. Where it stands is in the database after each step. */
export class RunChain {
  readonly #context: ActionContext
  readonly #lease: { lease: string; leaseTime: number }
  readonly #roots = new Set<string>()

  constructor(context: ActionContext, lease: { lease: string; leaseTime: number }) {
    this.#context = context
    this.#lease = lease
  }

  /** The chains that are being carried out here. */
  get roots(): string[] {
    return [...this.#roots]
  }

  /**
   * Does what is open of a chain, unless that is under way here. `patience`: the longest pause before another attempt that is waited
   * for here.
   */
  async carryOut(rootId: string, options: { patience: number; signal?: AbortSignal }): Promise<ChainEnd> {
    if (this.#roots.has(rootId)) return { next: this.#lease.leaseTime, result: null }
    this.#roots.add(rootId)
    try {
      return await this.#carryOut(rootId, options)
    } finally {
      this.#roots.delete(rootId)
    }
  }

  async #carryOut(rootId: string, { patience, signal }: { patience: number; signal?: AbortSignal }): Promise<ChainEnd> {
    const { db, clock } = this.#context
    let result: Result | null = null
    for (;;) {
      const row = await nextRunOf(db, rootId)
      if (!row) return { next: null, result }
      const wait = row.next_attempt_at === null ? 0 : row.next_attempt_at - clock.now()
      // A wait that is longer than any may be was planned by a clock that went wrong.
      if (wait > 0 && wait <= longestPause) {
        if (wait > patience) {
          // Whoever is first when its time has come makes the next attempt.
          await releaseRuns(db, this.#lease.lease, rootId)
          return { next: wait, result }
        }
        await clock.sleep(wait, signal)
      }
      if (signal?.aborted === true) return { next: 1000, result }
      const ended = await this.#step(row)
      if (ended === 'not ours') return { next: this.#lease.leaseTime, result }
      if (ended !== 'again' && row.aside === 0) ({ result } = ended)
    }
  }

  /** Makes one attempt of a run. */
  async #step(seen: ActionRunRow): Promise<Judged | 'again' | 'not ours'> {
    const { db, clock, log } = this.#context
    const { lease, leaseTime } = this.#lease
    const now = clock.now()
    const before = await inTransaction(db, async (trx) => {
      const taken = await takeRun(trx, seen.id, { lease, now, until: now + leaseTime })
      if (taken?.status === 'queued') await appendEvents(trx, clock, [startedEvent(taken)])
      return taken
    })
    if (!before) return 'not ours'
    await this.#context.wake()
    let definition: Definition | null = null
    let action: ActionRow | undefined
    let attempt: Attempt
    let isCutOff = false
    let state: State = { input: {}, previous: null }
    try {
      action = await findAction(db, before.action_id)
      if (!action) throw new Problem('not_found', `The action "${before.action_name}" was deleted.`)
      definition = await openDefinition(this.#context, action)
      state = await this.#openState(before)
      if (action.paused === 1) throw new Problem('action_paused', `The action "${action.name}" is paused.`)
      isCutOff = before.status === 'running' && !mayRepeat(before, definition)
      attempt = isCutOff ? { problem: cutOff(before), result: null } : await this.#perform(before, state, action, definition)
    } catch (error) {
      if (!isProblem(error)) log.error('action.failed', { run: before.id, error })
      attempt = {
        problem: isProblem(error) ? error : new Problem('internal_error', 'The service made a mistake; what exactly stands in its log.'),
        result: null,
      }
    }
    const { problem, result } = attempt
    // Nothing was done yet: what the action is, the database could not say.
    if (definition === null && problem?.code === 'storage_unavailable') {
      // One that was cut off before stays one.
      await updateTakenRun(db, before, { status: before.status === 'running' ? 'running' : 'waiting', next_attempt_at: clock.now() + awayPause })
      return 'again'
    }
    const fails = problem !== null && (definition === null || isCutOff || isFailure(problem, definition.failure))
    if (problem !== null && fails && !isCutOff && definition !== null && before.attempts < definition.onError.retries && isWorthRepeating(problem)) {
      await this.#postpone(before, attempt, problem, definition)
      return 'again'
    }
    const status = isCutOff ? 'interrupted' : fails ? 'failed' : 'done'
    const judged: Judged = { status, problem, tolerated: problem !== null && !fails, result }
    await this.#settle(before, state, action, definition, judged)
    return judged
  }

  async #openState(run: ActionRunRow): Promise<State> {
    const { db, vault } = this.#context
    if (run.state === null) throw new Problem('decrypt_failed', 'The input of the run is gone.')
    return JSON.parse((await vault.open(dataKeysOf(db), statePlace(run.id), run.state)).reveal()) as State
  }

  async #perform(run: ActionRunRow, { input, previous }: State, action: ActionRow, { email, request }: Definition): Promise<Attempt> {
    const { clock, environment } = this.#context
    const actor = JSON.parse(run.ordered_by) as Actor
    // It was taken into the outbox, and only what became of it is not known here yet.
    if (email !== null && run.message_id !== null) return await followEmail(this.#context, email, run.message_id)
    const renderer = new Renderer({
      input,
      previous,
      env: environment,
      now: new Date(clock.now()).toISOString(),
      run: { id: run.id, trigger: run.trigger },
      action: { name: action.name },
    })
    if (email !== null) {
      const message = await writeEmail(this.#context, email, renderer)
      return await sendEmail(this.#context, email, message, actor, async (trx, messageId) => {
        if (!(await updateTakenRun(trx, run, { message_id: messageId }))) throw new TakenOver('the run is carried out by somebody else')
      })
    }
    if (request === null) throw new Problem('internal_error', 'The action does nothing.')
    return await sendRequest(this.#context, request, writeRequest(request, renderer), actor)
  }

  async #postpone(run: ActionRunRow, { result }: Attempt, problem: Problem, { onError }: Definition): Promise<void> {
    const { db, clock } = this.#context
    const asked = (problem.retryAfter ?? 0) * 1000
    const pause = Math.min(Math.max(onError.retryDelaySeconds * 1000, asked), longestPause)
    // A message that failed is not the one to try again; one that still waits in the outbox, or of which nothing could be read, is the
    // one to follow.
    const isOver = result?.message != null && result.message.status !== 'queued' && result.message.status !== 'sending'
    await updateTakenRun(db, run, {
      status: 'waiting',
      next_attempt_at: clock.now() + pause,
      problem: JSON.stringify(told(problem)),
      ...(isOver ? { message_id: null } : {}),
      response_status: statusOf(problem),
    })
    await this.#context.wake()
  }

  /** Writes down how a run ended, together with what follows from it. */
  async #settle(run: ActionRunRow, state: State, action: ActionRow | undefined, definition: Definition | null, judged: Judged): Promise<void> {
    const { log } = this.#context
    const write = async (trx: Transaction<Tables>) => {
      await this.#write(trx, run, judged)
      if (definition !== null && action) await this.#follow(trx, run, state, action, definition, judged)
    }
    const report = judged.status === 'done' ? null : (definition?.onError.report ?? null)
    try {
      if (report === null || !(await this.#reported(report, run, judged, write))) await this.#settleStubbornly(write)
    } catch (error) {
      if (!(error instanceof TakenOver)) throw error
      log.warn('action.settled_before', { run: run.id })
    }
    this.#context.count(judged.status)
    await this.#context.wake()
  }

  /** Has the report taken into the outbox together with what `write` writes, and returns whether it was. */
  async #reported(order: { to: string[] }, run: ActionRunRow, { problem }: Judged, write: (trx: Transaction<Tables>) => Promise<void>): Promise<boolean> {
    try {
      const report = await writeReport(this.#context, run, order, problem)
      if (report === null) return false
      await this.#context.outbox.accept(report, service, write)
      return true
    } catch (error) {
      if (error instanceof TakenOver) throw error
      this.#context.log.error('action.not_reported', { run: run.id, error })
      return false
    }
  }

  /**
   * Writes down how a run ended, and does not give up at once when the database is away: what was done is done a second time, or is
   * said to have been cut off, when nobody remembers it.
   */
  async #settleStubbornly(write: (trx: Transaction<Tables>) => Promise<void>): Promise<void> {
    for (let pause = 100; ; pause *= 2) {
      try {
        return await inTransaction(this.#context.db, write)
      } catch (error) {
        if (!isProblem(error, 'storage_unavailable') || pause > longestSettling) throw error
        await this.#context.clock.sleep(pause)
      }
    }
  }

  /** @throws TakenOver */
  async #write(trx: Transaction<Tables>, run: ActionRunRow, { status, problem, tolerated, result }: Judged): Promise<void> {
    const { clock, audit } = this.#context
    const now = clock.now()
    const isOurs = await updateTakenRun(trx, run, {
      status,
      problem: problem === null ? null : JSON.stringify(told(problem)),
      is_tolerated: tolerated ? 1 : 0,
      response_status: result?.status ?? (problem === null ? null : statusOf(problem)),
      state: null,
      lease: null,
      lease_until: null,
      next_attempt_at: null,
      finished_at: now,
    })
    if (!isOurs) throw new TakenOver('the run has ended')
    await deleteDataKey(trx, run.id)
    const attempts = run.attempts + 1
    const facts = { run: run.id, trigger: run.trigger, attempts, ...(result?.status == null ? {} : { status: result.status }) }
    await audit.append(trx, [
      {
        actor: JSON.parse(run.ordered_by) as Actor,
        action: 'action.run',
        subject: run.action_id,
        subjectName: run.action_name,
        outcome: status === 'done' ? 'done' : 'failed',
        ...(problem === null ? {} : { reason: problem.code }),
        detail: { ...facts, kind: run.kind, input: JSON.parse(run.input_names) as string[] },
      },
    ])
    await appendEvents(trx, clock, [
      {
        type: 'action.run_finished',
        subject: run.action_id,
        data: { ...facts, name: run.action_name, outcome: status, ...(problem === null ? {} : { reason: problem.code, message: problem.message }) },
      },
    ])
  }

  /** Orders the runs that follow from this one. */
  async #follow(
    trx: Transaction<Tables>,
    run: ActionRunRow,
    { input }: State,
    action: ActionRow,
    { next, onError }: Definition,
    judged: Judged,
  ): Promise<void> {
    const followers =
      judged.status === 'done'
        ? [{ id: next, aside: 0 }]
        : [
            { id: onError.run, aside: 1 },
            { id: onError.continueWith, aside: 0 },
          ]
    const { clock, vault } = this.#context
    let order = 1
    for (const { id, aside } of followers) {
      if (id === null) continue
      const follower = await findAction(trx, id)
      if (!follower) continue
      const now = clock.now()
      const runId = newId('run', now + order++)
      const state: State = { input, previous: passOn(action, judged) }
      const isTooLong = run.depth + 1 >= longestChain
      await insertRun(trx, {
        id: runId,
        action_id: follower.id,
        action_name: follower.name,
        kind: follower.kind,
        root_id: run.root_id,
        parent_id: run.id,
        depth: run.depth + 1,
        aside: Math.max(aside, run.aside),
        trigger: 'action',
        status: isTooLong ? 'failed' : 'queued',
        ordered_by: run.ordered_by,
        input_names: run.input_names,
        state: isTooLong ? null : await vault.seal(dataKeysOf(trx), statePlace(runId), JSON.stringify(state)),
        is_awaited: run.is_awaited,
        attempts: 0,
        next_attempt_at: null,
        lease: isTooLong ? null : this.#lease.lease,
        lease_until: isTooLong ? null : now + this.#lease.leaseTime,
        problem: isTooLong ? JSON.stringify(told(new Problem('action_chain_too_long', `More than ${longestChain} actions led to one another.`))) : null,
        is_tolerated: 0,
        response_status: null,
        message_id: null,
        created_at: now,
        started_at: null,
        finished_at: isTooLong ? now : null,
      })
    }
  }
}

const startedEvent = (run: ActionRunRow) => ({
  type: 'action.run_started' as const,
  subject: run.action_id,
  data: { run: run.id, name: run.action_name, trigger: run.trigger },
})

/** Says whether a run that was cut off may be made again: nobody waits for it, and doing it twice does no harm. */
function mayRepeat(run: ActionRunRow, { request }: Definition): boolean {
  if (run.is_awaited === 1) return false
  // That a mail was taken into the outbox and that its run says so is one commit.
  return request === null || repeatableMethods.has(request.method)
}

const cutOff = (run: ActionRunRow) => new Problem('action_interrupted', `The service stopped while the action "${run.action_name}" was running.`)

/** What is wrong with the action itself is wrong the next time as well. */
const isWorthRepeating = ({ code }: Problem): boolean =>
  code !== 'template_failed' && code !== 'action_paused' && code !== 'not_found' && code !== 'mail_invalid'

const told = ({ code, message, nextStep }: Problem): RunProblem => ({ code, message, nextStep })

const statusOf = ({ facts }: Problem): number | null => (typeof facts.status === 'number' ? facts.status : null)

/** Returns what the next action knows of this one. */
function passOn(action: ActionRow, { status, problem, result }: Judged): Record<string, unknown> {
  const outcome: RunStatus = status
  const isLarge = (result?.body?.length ?? 0) > mostPassedOn || JSON.stringify(result?.json ?? null).length > mostPassedOn
  return {
    action: action.name,
    outcome,
    problem: problem === null ? null : told(problem),
    status: result?.status ?? null,
    headers: result?.headers ?? {},
    body: isLarge ? null : (result?.body ?? null),
    json: isLarge ? null : (result?.json ?? null),
    message: result?.message?.id ?? null,
  }
}
