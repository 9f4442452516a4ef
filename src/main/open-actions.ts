import { ActionRuns } from '../actions/action-runs.ts'
import { Actions } from '../actions/actions.ts'
import type { ActionContext } from '../actions/context.ts'
import { Schedules } from '../actions/schedules.ts'
import { ActionHooks } from '../actions/action-hooks.ts'
import { Refusals } from '../access/refusals.ts'
import type { EventBus } from '../base/events.ts'
import type { Settings } from '../config.ts'
import { createJobRunner } from '../jobs/job-runner.ts'

const day = 86_400_000

/** Puts together what saved actions are made of, and the jobs that run them. */
export function openActions(
  settings: Pick<Settings, 'KEYBEARER_ACTION_ENVIRONMENT' | 'KEYBEARER_ACTION_RUNS_DAYS'>,
  environment: Record<string, string | undefined>,
  parts: Omit<ActionContext, 'environment' | 'keepRuns' | 'mailPatience'> & { bus: EventBus },
): { actions: Actions; runs: ActionRuns; schedules: Schedules; hooks: ActionHooks; start(): Promise<void>; stop(): Promise<void> } {
  const context: ActionContext = {
    ...parts,
    environment: Object.fromEntries(
      settings.KEYBEARER_ACTION_ENVIRONMENT.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
    ),
    mailPatience: 90_000,
    keepRuns: settings.KEYBEARER_ACTION_RUNS_DAYS * day,
  }
  const actions = new Actions(context)
  const runs = new ActionRuns(context, actions)
  const { db, dialect, clock, log } = context
  const schedules = new Schedules(context, { bus: parts.bus, actions, runs })
  const hooks = new ActionHooks(context, { actions, runs, refusals: new Refusals(context) })
  const jobs = createJobRunner({ db, dialect, clock, log, handlers: runs.handlers })
  return {
    actions,
    runs,
    schedules,
    hooks,
    async start() {
      await runs.start(jobs)
      await jobs.start()
      schedules.start()
    },
    async stop() {
      await schedules.stop()
      await jobs.stop()
      await runs.stop()
    },
  }
}
