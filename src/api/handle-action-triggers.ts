import type { Caller } from '../access/caller.ts'
import { Problem } from '../base/problem.ts'
import type { HandlersOf } from './call.ts'
import type { Services } from './services.ts'
import { parseJson } from './request-body.ts'
import { iso } from './views.ts'
import { hookBody, scheduleBody } from './views-actions.ts'

type Ids = 'setActionSchedule' | 'removeActionSchedule' | 'previewSchedule' | 'makeActionWebhook' | 'removeActionWebhook' | 'receiveWebhook'
type Parts = Pick<Services, 'actions' | 'schedules' | 'actionHooks' | 'facts'>

export function actionTriggerHandlers({ actions, schedules, actionHooks, facts }: Parts): HandlersOf<Ids> {
  return {
    async setActionSchedule({ params, body, actor, caller }) {
      const id = await ownAction(actions, caller, params.action)
      const input = {
        cron: body.cron,
        timeZone: body.time_zone,
        missed: body.missed ?? 'skip',
        input: body.input ?? {},
        enabled: body.enabled ?? true,
      } as const
      return { body: scheduleBody(await schedules.set(id, input, actor), true) }
    },
    async removeActionSchedule({ params, actor }) {
      await schedules.remove(params.action, actor)
      return {}
    },
    async previewSchedule({ query }) {
      return { body: { times: schedules.preview(query.cron, query.time_zone, 3).map(iso) } }
    },
    async makeActionWebhook({ params, actor, caller }) {
      const id = await ownAction(actions, caller, params.action)
      const { hook, secret } = await actionHooks.make(id, actor)
      return { body: { webhook: hookBody(hook, facts.publicUrl), secret: secret.reveal() } }
    },
    async removeActionWebhook({ params, actor }) {
      await actionHooks.remove(params.action, actor)
      return {}
    },
    async receiveWebhook({ params, rawBody, webhook, address }) {
      const { runId, isRepeated } = await actionHooks.receive(params.hook, { ...webhook, body: rawBody }, { address, parse: parseJson })
      return { body: { run: runId, repeated: isRepeated } }
    },
  }
}

/** Whoever lets something run an action must be one who may run it himself. */
async function ownAction(actions: Services['actions'], caller: Caller, ref: string): Promise<string> {
  const { id } = await actions.get(ref)
  if (caller.mayRun(id)) return id
  throw new Problem('not_allowed', `${caller.title} may not run the action "${ref.slice(0, 100)}".`)
}
