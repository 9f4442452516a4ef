import type { Transaction } from 'kysely'
import { service, type Actor } from '../base/actor.ts'
import type { EventBus } from '../base/events.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { deleteSchedule, liveSchedules, moveSchedule, putSchedule, readSchedules, type ScheduleRow } from '../storage/action-triggers.ts'
import { hasOpenRuns } from '../storage/action-runs.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Named } from './action-types.ts'
import type { ActionRuns } from './action-runs.ts'
import type { Actions } from './actions.ts'
import type { ActionContext } from './context.ts'
import { cronErrors, nextTime, nextTimes } from './cron-times.ts'

/** The wall clock may be set meanwhile, so nobody sleeps longer. */
const longestSleep = 15_000
/** Up to so late a time counts as kept: a start of the service takes a moment. */
const tolerance = 120_000
const day = 86_400_000
const mostInput = 64 * 1024
const mostAtOnce = 100

export type ScheduleView = {
  cron: string
  timeZone: string
  /** What is done about times at which no node ran. */
  missed: 'skip' | 'run_once'
  input: Record<string, unknown>
  enabled: boolean
  nextDueAt: number | null
  lastDueAt: number | null
}

export type NewSchedule = Pick<ScheduleView, 'cron' | 'timeZone' | 'missed' | 'input' | 'enabled'>

/** Why a time of a schedule passed without a run. */
export type SkipReason = 'missed' | 'paused' | 'still_running'

const inputPlace = (actionId: string) => ({ owner: actionId, column: 'action_schedules.input' })

/**
 * Runs actions at their times.
 *
 * Invariant: whoever moves the row of a schedule on writes the run in the same commit, so that each time is run once, over
 * all nodes and through every crash.
 */
export class Schedules {
  readonly #context: ActionContext
  readonly #actions: Pick<Actions, 'find'>
  readonly #runs: Pick<ActionRuns, 'run'>
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined
  #early = new AbortController()

  constructor(context: ActionContext, parts: { bus: EventBus; actions: Pick<Actions, 'find'>; runs: Pick<ActionRuns, 'run'> }) {
    this.#context = context
    this.#actions = parts.actions
    this.#runs = parts.runs
    parts.bus.listen((event) => {
      if (event.type === 'action.changed' || event.type === 'events.missed') this.#early.abort()
    })
  }

  /** Returns the next times that a schedule would have. @throws Problem invalid_request */
  preview(cron: string, timeZone: string, count: number): number[] {
    const now = this.#context.clock.now()
    const errors = cronErrors(cron, timeZone, now)
    if (errors.length > 0) throw new Problem('invalid_request', 'The schedule cannot be like this.', { errors })
    return nextTimes(cron, timeZone, now, count)
  }

  /** @throws Problem invalid_request, not_found */
  async set(ref: string, input: NewSchedule, actor: Actor): Promise<ScheduleView> {
    const { db, clock, vault } = this.#context
    const action = await this.#actions.find(ref)
    const now = clock.now()
    const errors = cronErrors(input.cron, input.timeZone, now)
    const text = JSON.stringify(input.input)
    if (text.length > mostInput) errors.push({ path: 'input', message: `must have at most ${mostInput / 1024} KiB` })
    if (errors.length > 0) throw new Problem('invalid_request', 'The schedule cannot be like this.', { errors })
    const next = nextTime(input.cron, input.timeZone, now)
    await inTransaction(db, async (trx) => {
      const [before] = await readSchedules(trx, [action.id])
      await putSchedule(trx, {
        action_id: action.id,
        cron: input.cron.trim(),
        time_zone: input.timeZone,
        missed: input.missed,
        input: await vault.seal(dataKeysOf(trx), inputPlace(action.id), text),
        enabled: input.enabled ? 1 : 0,
        next_due_at: input.enabled ? next : null,
        last_due_at: before?.last_due_at ?? null,
        // Grows in any case: whoever reckoned with the schedule before cannot move the new one.
        updated_at: Math.max(now, (before?.updated_at ?? 0) + 1),
      })
      await this.#tell(trx, actor, action, 'action.schedule_set', {
        cron: input.cron.trim(),
        time_zone: input.timeZone,
        missed: input.missed,
        enabled: input.enabled,
      })
    })
    await this.#context.wake()
    return (await this.of([action.id])).get(action.id)!
  }

  /** @throws Problem not_found */
  async remove(ref: string, actor: Actor): Promise<void> {
    const action = await this.#actions.find(ref)
    await inTransaction(this.#context.db, async (trx) => {
      if (!(await deleteSchedule(trx, action.id))) throw new Problem('not_found', `The action "${action.name}" has no schedule.`)
      await this.#tell(trx, actor, action, 'action.schedule_removed', {})
    })
    await this.#context.wake()
  }

  /** Returns the schedules of actions, by their ids. */
  async of(actionIds: string[]): Promise<Map<string, ScheduleView>> {
    const rows = await readSchedules(this.#context.db, actionIds)
    return new Map(await Promise.all(rows.map(async (row) => [row.action_id, await this.#toView(row)] as const)))
  }

  async #toView(row: ScheduleRow): Promise<ScheduleView> {
    return {
      cron: row.cron,
      timeZone: row.time_zone,
      missed: row.missed as ScheduleView['missed'],
      input: await this.#inputOf(row),
      enabled: row.enabled === 1,
      nextDueAt: row.next_due_at,
      lastDueAt: row.last_due_at,
    }
  }

  async #inputOf(row: ScheduleRow): Promise<Record<string, unknown>> {
    const { db, vault } = this.#context
    return JSON.parse((await vault.open(dataKeysOf(db), inputPlace(row.action_id), row.input)).reveal()) as Record<string, unknown>
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#context
    while (!this.#stop.signal.aborted) {
      this.#early = new AbortController()
      let wait = longestSleep
      try {
        wait = await this.look()
      } catch (error) {
        log.error('schedules.failed', { error })
      }
      await clock.sleep(wait, AbortSignal.any([this.#early.signal, this.#stop.signal])).catch(() => undefined)
    }
  }

  /** Runs what is due, and returns how long nothing will be. */
  async look(): Promise<number> {
    const { db, clock, log } = this.#context
    let earliest = longestSleep
    for (const row of await liveSchedules(db, mostAtOnce)) {
      try {
        const due = await this.#judge(row)
        if (due !== null) earliest = Math.min(earliest, due - clock.now())
      } catch (error) {
        log.error('schedule.failed', { action: row.action_id, error })
      }
    }
    return Math.max(10, earliest)
  }

  /** Runs a schedule if its time has come, and returns its next one. */
  async #judge(row: ScheduleRow & { name: string; paused: number }): Promise<number | null> {
    const { db, clock } = this.#context
    const now = clock.now()
    const due = row.next_due_at!
    // The last time counts, unless it was written by a clock that went far ahead.
    const last = row.last_due_at !== null && row.last_due_at <= now + day ? row.last_due_at : null
    const next = nextTime(row.cron, row.time_zone, Math.max(now, last ?? 0))
    if (due > now) {
      // The clock was set back: what was reckoned by the wrong one lies too far ahead.
      if (next !== null && next < due) await moveSchedule(db, row, { next_due_at: next, last_due_at: last })
      return next === null ? due : Math.min(due, next)
    }
    const after = { next_due_at: next, last_due_at: due }
    const reason = await this.#reasonToSkip(row, now - due)
    if (reason !== null) {
      await inTransaction(db, async (trx) => {
        // A clock that goes wrong for a moment must not use up a time at which nothing was run.
        if (await moveSchedule(trx, row, reason === 'missed' ? { ...after, last_due_at: last } : after)) await this.#tellSkipped(trx, row, due, reason)
      })
      await this.#context.wake()
      return next
    }
    const actor: Actor = { ...service, name: `schedule of "${row.name}"` }
    try {
      await this.#runs.run(row.action_id, { input: await this.#inputOf(row), trigger: 'schedule', wait: false }, actor, async (trx) => {
        if (!(await moveSchedule(trx, row, after))) throw new Problem('changed_meanwhile', 'Another node was quicker.')
      })
    } catch (error) {
      if (!isProblem(error, 'changed_meanwhile')) throw error
    }
    return next
  }

  async #reasonToSkip(row: ScheduleRow & { paused: number }, late: number): Promise<SkipReason | null> {
    if (row.paused === 1) return 'paused'
    if (late > tolerance && row.missed === 'skip') return 'missed'
    return (await hasOpenRuns(this.#context.db, row.action_id, 'schedule')) ? 'still_running' : null
  }

  async #tellSkipped(trx: Transaction<Tables>, row: { action_id: string; name: string }, due: number, reason: SkipReason): Promise<void> {
    const data = { name: row.name, due_at: new Date(due).toISOString(), reason }
    await this.#context.audit.append(trx, [
      { actor: service, action: 'action.skipped', subject: row.action_id, subjectName: row.name, outcome: 'failed', reason, detail: { due_at: data.due_at } },
    ])
    await appendEvents(trx, this.#context.clock, [{ type: 'action.skipped', subject: row.action_id, data }])
  }

  async #tell(
    trx: Transaction<Tables>,
    actor: Actor,
    subject: Named,
    action: 'action.schedule_set' | 'action.schedule_removed',
    detail: Record<string, string | boolean>,
  ): Promise<void> {
    await this.#context.audit.append(trx, [{ actor, action, subject: subject.id, subjectName: subject.name, outcome: 'done', detail }])
    await appendEvents(trx, this.#context.clock, [{ type: 'action.changed', subject: subject.id, data: { name: subject.name, change: 'schedule' } }])
  }
}
