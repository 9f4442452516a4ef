import { z } from 'zod'
import { actionKinds } from '../actions/action-types.ts'
import { requestMethods } from '../actions/types.ts'
import { schedule, webhook } from './contract-action-triggers.ts'
import { newAction, actionChange, actionTexts } from './contract-action-input.ts'
import { endpoint } from './endpoint.ts'
import { count, named, optionalTime, page, pageQuery, ref, time, word } from './schemas.ts'

const runStatus = z.enum(['queued', 'running', 'waiting', 'done', 'failed', 'interrupted'])
const texts = z.record(z.string(), z.string())
const problem = z
  .object({ code: z.string().meta({ description: 'A code of an error' }), message: z.string(), next_step: z.string() })
  .meta({ id: 'ActionProblem', description: 'What went wrong in a run, and what to do' })

const run = z
  .object({
    id: z.string(),
    action: named,
    kind: z.enum(actionKinds),
    root: z.string().meta({ description: 'The run that the chain began with' }),
    parent: z.string().nullable().meta({ description: 'The run that this one followed from' }),
    aside: z.boolean().meta({ description: 'It ran because of an error, and its outcome does not count for the chain' }),
    trigger: z.enum(['api', 'webhook', 'schedule', 'action']),
    status: runStatus.meta({ description: 'waiting: for its next attempt; interrupted: the service stopped while it ran, and nobody knows how far it came' }),
    ordered_by: z.object({ id: z.string(), name: z.string(), kind: z.enum(['access_key', 'person', 'service', 'nobody']) }),
    input_names: z.array(z.string()).meta({ description: 'Names of the input; the values are not kept' }),
    attempts: count,
    next_attempt_at: optionalTime,
    problem: problem.nullable(),
    tolerated: z.boolean().meta({ description: 'There was a problem that does not count as a failure' }),
    response_status: z.int().nullable().meta({ description: 'The status that the server answered with' }),
    message: z.string().nullable().meta({ description: 'Id of the message in the outbox' }),
    created_at: time,
    started_at: optionalTime,
    finished_at: optionalTime,
    duration_ms: count.nullable(),
  })
  .meta({ id: 'ActionRun', description: 'One run of an action' })

const email = z
  .object({
    sender: named.nullable(),
    credential: named.nullable(),
    from: z.string().nullable(),
    to: z.array(z.string()),
    cc: z.array(z.string()),
    bcc: z.array(z.string()),
    reply_to: z.string().nullable(),
    subject: z.string(),
    text: z.string().nullable(),
    html: z.string().nullable(),
    headers: texts,
    attachments: z.array(z.object({ filename: z.string(), content_type: z.string().nullable(), content: z.string().nullable(), text: z.string().nullable() })),
    until: z.enum(['accepted', 'sent']),
  })
  .meta({ id: 'ActionEmail' })

const request = z
  .object({
    credential: named,
    method: z.enum(requestMethods),
    url: z.string(),
    headers: texts,
    query: texts,
    body: z.union([z.object({ json: z.unknown() }), z.object({ text: z.string() }), z.object({ form: texts })]).nullable(),
    key_header: z.string().nullable(),
    timeout_seconds: z.int(),
    max_bytes: z.int(),
    paging: z
      .object({
        by: z.enum(['next_link', 'link_header', 'cursor']),
        next: z.string().nullable(),
        parameter: z.string().nullable(),
        items: z.string().nullable(),
        max_pages: z.int(),
      })
      .nullable(),
  })
  .meta({ id: 'ActionRequest' })

const action = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(actionKinds),
    description: z.string(),
    inputs: z.array(z.string()).meta({ description: 'Names of the input that its texts ask for' }),
    paused: z.boolean(),
    credential: named.nullable(),
    sender: named.nullable(),
    last_run: run.nullable(),
    schedule: schedule.nullable(),
    webhook: webhook.nullable().meta({ description: 'Shown to whoever manages' }),
    created_at: time,
    updated_at: time,
    revision: z.int(),
    email: email.nullable().optional().meta({ description: 'Shown to whoever manages, of a single action; so is all that follows' }),
    request: request.nullable().optional(),
    failure: z
      .object({ anything: z.boolean(), statuses: z.array(z.string()), codes: z.array(z.string()) })
      .meta({ id: 'ActionFailure' })
      .optional(),
    on_error: z
      .object({
        retries: z.int(),
        retry_delay_seconds: z.int(),
        report: z.object({ to: z.array(z.string()) }).nullable(),
        run: named.nullable(),
        continue_with: named.nullable(),
      })
      .meta({ id: 'ActionOnError' })
      .optional(),
    next: named.nullable().optional(),
  })
  .meta({ id: 'Action', description: 'A saved, named job that picks a credential' })

const result = z
  .object({
    status: z.int().nullable(),
    headers: texts,
    body: z.string().nullable(),
    body_encoding: z.enum(['text', 'base64']).nullable(),
    truncated: z.boolean().meta({ description: 'There was more than the limit of bytes or pages' }),
    json: z.unknown().meta({ description: 'The body as JSON, or the items of all pages; null where it is none' }),
    pages: count,
    message: z.object({ id: z.string(), status: z.string() }).nullable(),
  })
  .meta({ id: 'ActionResult', description: 'What the last action of the chain came to' })

const preview = z
  .object({
    email: z
      .object({
        sender: named,
        from: z.string(),
        to: z.array(z.string()),
        cc: z.array(z.string()),
        bcc: z.array(z.string()),
        reply_to: z.string().nullable(),
        recipients: z.array(z.string()).meta({ description: 'Everybody who would get it, each once' }),
        subject: z.string(),
        text: z.string().nullable(),
        html: z.string().nullable(),
        headers: texts,
        attachments: z.array(z.object({ filename: z.string(), content_type: z.string().nullable(), size: count })),
        size: count.meta({ description: 'Bytes of the whole message' }),
      })
      .nullable(),
    request: z.object({ method: z.enum(requestMethods), url: z.string(), headers: texts, body: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'ActionPreview', description: 'What a run would send; the token of a request, and what the environment holds, are not shown' })

const params = z.strictObject({ action: ref('action') })

export const actionEndpoints = [
  endpoint({
    id: 'listActions',
    method: 'GET',
    path: '/v1/actions',
    tag: 'Actions',
    summary: 'Lists the actions that the key may run; all of them for a key that may manage.',
    permission: { anyAction: 'run' },
    audit: null,
    query: z.strictObject(pageQuery),
    status: 200,
    kind: 'json',
    reply: page(action).meta({ id: 'ActionPage' }),
  }),
  endpoint({
    id: 'createAction',
    method: 'POST',
    path: '/v1/actions',
    tag: 'Actions',
    summary: 'Makes an action.',
    description:
      'Texts may have variables in Liquid: `input.…` (what comes with a run), `previous.…` (what the action before came to), `env.…` (allowed by KEYBEARER_ACTION_ENVIRONMENT), `now`, `run.id`, `action.name`. They are checked here. Who makes an action needs the right that it uses himself: `request` on the credential, `mail` on the one of the sender, and to run the actions that it leads to.',
    permission: { administration: 'manage' },
    audit: 'action.created',
    body: newAction,
    takesIdempotencyKey: true,
    status: 201,
    kind: 'json',
    reply: action,
    hasEtag: true,
    problems: ['name_taken', 'not_found', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'getAction',
    method: 'GET',
    path: '/v1/actions/{action}',
    tag: 'Actions',
    summary: 'Shows an action; what exactly it does only to a key that may manage.',
    permission: { anyAction: 'run' },
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: action,
    hasEtag: true,
  }),
  endpoint({
    id: 'changeAction',
    method: 'PATCH',
    path: '/v1/actions/{action}',
    tag: 'Actions',
    summary: 'Changes an action.',
    permission: { administration: 'manage' },
    audit: 'action.changed',
    params,
    takesIfMatch: true,
    body: actionChange,
    status: 200,
    kind: 'json',
    reply: action,
    hasEtag: true,
    problems: ['name_taken', 'changed_meanwhile'],
  }),
  endpoint({
    id: 'deleteAction',
    method: 'DELETE',
    path: '/v1/actions/{action}',
    tag: 'Actions',
    summary: 'Deletes an action; its runs stay in the list.',
    permission: { administration: 'manage' },
    audit: 'action.deleted',
    params,
    status: 204,
    kind: 'nothing',
    problems: ['in_use'],
  }),
  endpoint({
    id: 'runAction',
    method: 'POST',
    path: '/v1/actions/{action}/run',
    tag: 'Actions',
    summary: 'Runs an action with what it leads to, and returns what came of it.',
    description:
      'A run that failed is a reply with status 200 as well: `outcome` says how the chain ended. With `wait: false` the run is on disk when the reply (202) comes, and is done after a crash as well. Where a retry waits longer than 10 seconds, the reply comes before it.',
    permission: { anyAction: 'run' },
    audit: 'action.run',
    params,
    body: z
      .strictObject({
        input: z.record(word(100), z.unknown()).optional().meta({ description: 'What texts name as input.…' }),
        wait: z.boolean().optional().meta({ description: 'false: do not wait for the outcome' }),
      })
      .meta({ id: 'NewActionRun' }),
    bodyOptional: true,
    takesIdempotencyKey: true,
    noStore: true,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        outcome: runStatus.meta({ description: 'How the chain ended, or how it stands' }),
        run,
        followed: z.array(run).meta({ description: 'The runs that followed from it' }),
        result: result.nullable(),
      })
      .meta({ id: 'RanAction' }),
    problems: ['action_paused', 'payload_too_large', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'previewAction',
    method: 'POST',
    path: '/v1/action-previews',
    tag: 'Actions',
    summary: 'Shows what an action, saved or not, would send with some input; nothing is sent or kept.',
    description:
      'The texts are written and checked as in a run, and a mistake in them is the same problem. Variables of the environment are shown by their names.',
    permission: { administration: 'manage' },
    audit: null,
    body: actionTexts,
    noStore: true,
    status: 200,
    kind: 'json',
    reply: preview,
    problems: ['not_found', 'mail_invalid', 'template_failed', 'no_sender'],
  }),
  endpoint({
    id: 'listActionRuns',
    method: 'GET',
    path: '/v1/action-runs',
    tag: 'Actions',
    summary: 'Lists runs of actions that the key may run, the newest first.',
    permission: { anyAction: 'run' },
    audit: null,
    query: z.strictObject({ action: ref('action').optional(), status: runStatus.optional(), ...pageQuery }),
    status: 200,
    kind: 'json',
    reply: page(run).meta({ id: 'ActionRunPage' }),
  }),
  endpoint({
    id: 'getActionRun',
    method: 'GET',
    path: '/v1/action-runs/{run}',
    tag: 'Actions',
    summary: 'Shows a run of an action, and those that followed from it.',
    permission: { anyAction: 'run' },
    audit: null,
    params: z.strictObject({ run: word(100).meta({ description: 'Id of the run' }) }),
    status: 200,
    kind: 'json',
    reply: z.object({ run, followed: z.array(run) }).meta({ id: 'ActionRunChain' }),
  }),
] as const
