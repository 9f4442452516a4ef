import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { optionalTime, ref, text, time, word } from './schemas.ts'

const missed = z
  .enum(['skip', 'run_once'])
  .meta({ description: 'What is done about times at which the service did not run: nothing, or one run for all of them' })
const input = z.record(word(100), z.unknown())

export const schedule = z
  .object({
    cron: z.string(),
    time_zone: z.string(),
    missed,
    input: input.nullable().meta({ description: 'Shown to whoever manages' }),
    enabled: z.boolean(),
    next_due_at: optionalTime,
    last_due_at: optionalTime,
  })
  .meta({ id: 'ActionSchedule', description: 'When an action is run by itself' })

export const webhook = z
  .object({ id: z.string(), url: z.string(), created_at: time })
  .meta({ id: 'ActionWebhook', description: 'The address at which others run an action by a signed call' })

const params = z.strictObject({ action: ref('action') })
const cron = text(200).meta({ description: 'Minute, hour, day, month, weekday, such as "0 7 * * 1-5"' })
const timeZone = word(60).meta({ description: 'Such as Europe/Berlin' })

export const actionTriggerEndpoints = [
  endpoint({
    id: 'setActionSchedule',
    method: 'PUT',
    path: '/v1/actions/{action}/schedule',
    tag: 'Actions',
    summary: 'Lets an action be run by itself at certain times.',
    description:
      'Every time is run once, however many nodes there are. A time that a change of the clocks leaves out comes at the first moment after it; one that comes twice counts once, unless the schedule names every hour. A time is skipped while the last run has not ended.',
    permission: { administration: 'manage' },
    audit: 'action.schedule_set',
    params,
    body: z
      .strictObject({
        cron,
        time_zone: timeZone,
        missed: missed.optional().meta({ description: 'skip unless told' }),
        input: input.optional(),
        enabled: z.boolean().optional().meta({ description: 'true unless told' }),
      })
      .meta({ id: 'NewActionSchedule' }),
    status: 200,
    kind: 'json',
    reply: schedule,
    problems: ['not_found'],
  }),
  endpoint({
    id: 'removeActionSchedule',
    method: 'DELETE',
    path: '/v1/actions/{action}/schedule',
    tag: 'Actions',
    summary: 'Removes the schedule of an action.',
    permission: { administration: 'manage' },
    audit: 'action.schedule_removed',
    params,
    status: 204,
    kind: 'nothing',
    problems: ['not_found'],
  }),
  endpoint({
    id: 'previewSchedule',
    method: 'GET',
    path: '/v1/action-schedules/preview',
    tag: 'Actions',
    summary: 'Tells the next times that a schedule would have; nothing is kept.',
    permission: { administration: 'manage' },
    audit: null,
    query: z.strictObject({ cron, time_zone: timeZone }),
    status: 200,
    kind: 'json',
    reply: z.object({ times: z.array(time).meta({ description: 'Three at most, the nearest first' }) }).meta({ id: 'SchedulePreview' }),
  }),
  endpoint({
    id: 'makeActionWebhook',
    method: 'POST',
    path: '/v1/actions/{action}/webhook',
    tag: 'Actions',
    summary: 'Makes an address at which others run an action, and shows its secret, this once; an older one ends.',
    permission: { administration: 'manage' },
    audit: 'action.webhook_made',
    params,
    status: 201,
    kind: 'json',
    reply: z
      .object({ webhook, secret: z.string().meta({ description: 'What calls are signed with: only here, never again' }) })
      .meta({ id: 'MadeActionWebhook' }),
    noStore: true,
    problems: ['not_found'],
  }),
  endpoint({
    id: 'removeActionWebhook',
    method: 'DELETE',
    path: '/v1/actions/{action}/webhook',
    tag: 'Actions',
    summary: 'Ends the address at which others run an action.',
    permission: { administration: 'manage' },
    audit: 'action.webhook_removed',
    params,
    status: 204,
    kind: 'nothing',
    problems: ['not_found'],
  }),
  endpoint({
    id: 'receiveWebhook',
    method: 'POST',
    path: '/hooks/{hook}',
    tag: 'Actions',
    summary: 'Runs an action for a call that is signed as Standard Webhooks say; the body, a JSON object, is the input.',
    description:
      'Needs the headers webhook-id, webhook-timestamp and webhook-signature (`v1,` and the HMAC-SHA256 over id, time and body, with points between). The time may lie 5 minutes away. A call with an id that came before is not run again, and gets the run of the first.',
    permission: 'public',
    audit: 'action.accepted',
    params: z.strictObject({ hook: word(100) }),
    rawBody: true,
    status: 202,
    kind: 'json',
    reply: z.object({ run: z.string().meta({ description: 'Id of the run' }), repeated: z.boolean() }).meta({ id: 'WebhookTaken' }),
    problems: ['webhook_refused', 'action_paused', 'payload_too_large'],
  }),
] as const
