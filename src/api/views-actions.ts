import type { ActionPreview } from '../actions/action-preview.ts'
import type { ActionView, Definition, EmailDefinition, RequestDefinition, Result, RunView, WholeAction } from '../actions/action-types.ts'
import type { ScheduleView } from '../actions/schedules.ts'
import type { HookView } from '../actions/action-hooks.ts'
import { usualBytes, usualTimeout } from '../actions/request-check.ts'
import type { EndpointOf } from './contract.ts'
import type { Body } from './endpoint.ts'
import { iso, isoOrNull, type Reply } from './views.ts'

type NewActionBody = Body<EndpointOf<'createAction'>>

export function runBody(view: RunView): Reply<'getActionRun'>['run'] {
  return {
    id: view.id,
    action: view.action,
    kind: view.kind,
    root: view.root,
    parent: view.parent,
    aside: view.aside,
    trigger: view.trigger,
    status: view.status,
    ordered_by: view.orderedBy,
    input_names: view.inputNames,
    attempts: view.attempts,
    next_attempt_at: isoOrNull(view.nextAttemptAt),
    problem: view.problem && { code: view.problem.code, message: view.problem.message, next_step: view.problem.nextStep },
    tolerated: view.tolerated,
    response_status: view.responseStatus,
    message: view.messageId,
    created_at: iso(view.createdAt),
    started_at: isoOrNull(view.startedAt),
    finished_at: isoOrNull(view.finishedAt),
    duration_ms: view.finishedAt === null || view.startedAt === null ? null : Math.max(0, view.finishedAt - view.startedAt),
  }
}

/** What runs an action by itself, as the caller may see it. */
export type Triggers = { schedule: ScheduleView | undefined; hook: HookView | undefined; manages: boolean; publicUrl: string }

export function scheduleBody(view: ScheduleView, manages: boolean): Reply<'setActionSchedule'> {
  return {
    cron: view.cron,
    time_zone: view.timeZone,
    missed: view.missed,
    input: manages ? view.input : null,
    enabled: view.enabled,
    next_due_at: isoOrNull(view.nextDueAt),
    last_due_at: isoOrNull(view.lastDueAt),
  }
}

export const hookBody = (view: HookView, publicUrl: string): Reply<'makeActionWebhook'>['webhook'] => ({
  id: view.id,
  url: `${publicUrl}/hooks/${view.id}`,
  created_at: iso(view.createdAt),
})

export function actionBody(view: ActionView, { schedule, hook, manages, publicUrl }: Triggers): Reply<'getAction'> {
  return {
    id: view.id,
    name: view.name,
    kind: view.kind,
    description: view.description,
    inputs: view.inputs,
    paused: view.paused,
    credential: view.credential,
    sender: view.sender,
    last_run: view.lastRun && runBody(view.lastRun),
    schedule: schedule ? scheduleBody(schedule, manages) : null,
    webhook: hook && manages ? hookBody(hook, publicUrl) : null,
    created_at: iso(view.createdAt),
    updated_at: iso(view.updatedAt),
    revision: view.revision,
  }
}

export function wholeActionBody(view: WholeAction, triggers: Triggers): Reply<'getAction'> {
  const { email, request, failure, onError, next } = view.definition
  const named = (id: string | null) => (id === null ? null : { id, name: view.names.get(id) ?? '(deleted)' })
  return {
    ...actionBody(view, triggers),
    email: email && {
      sender: named(email.sender),
      credential: named(email.credential),
      from: email.from,
      to: email.to,
      cc: email.cc,
      bcc: email.bcc,
      reply_to: email.replyTo,
      subject: email.subject,
      text: email.text,
      html: email.html,
      headers: email.headers,
      attachments: email.attachments.map((file) => ({ filename: file.filename, content_type: file.contentType, content: file.content, text: file.text })),
      until: email.until,
    },
    request: request && {
      credential: named(request.credential)!,
      method: request.method,
      url: request.url,
      headers: request.headers,
      query: request.query,
      body: bodyOf(request),
      key_header: request.keyHeader,
      timeout_seconds: request.timeoutSeconds,
      max_bytes: request.maxBytes,
      paging: request.paging && {
        by: request.paging.by,
        next: request.paging.path,
        parameter: request.paging.parameter,
        items: request.paging.items,
        max_pages: request.paging.mostPages,
      },
    },
    failure,
    on_error: {
      retries: onError.retries,
      retry_delay_seconds: onError.retryDelaySeconds,
      report: onError.report,
      run: named(onError.run),
      continue_with: named(onError.continueWith),
    },
    next: named(next),
  }
}

function bodyOf({ body }: RequestDefinition): { json: unknown } | { text: string } | { form: Record<string, string> } | null {
  switch (body?.kind) {
    case undefined:
      return null
    case 'json':
      return { json: body.json }
    case 'text':
      return { text: body.text }
    case 'form':
      return { form: body.form }
  }
}

export function resultBody(result: Result | null): Reply<'runAction'>['result'] {
  if (result === null) return null
  const { status, headers, body, truncated, json, pages, message } = result
  return { status, headers, body, body_encoding: result.bodyEncoding, truncated, json, pages, message }
}

export function previewBody({ email, request }: ActionPreview): Reply<'previewAction'> {
  return {
    email: email && {
      sender: email.sender,
      from: email.from,
      to: email.to,
      cc: email.cc,
      bcc: email.bcc,
      reply_to: email.replyTo,
      recipients: email.recipients,
      subject: email.subject,
      text: email.text,
      html: email.html,
      headers: email.headers,
      attachments: email.attachments.map((file) => ({ filename: file.filename, content_type: file.contentType, size: file.size })),
      size: email.size,
    },
    request,
  }
}

/** Puts what came in over what was there before. What it names is named as it came: by id or name. */
export function toDefinition(body: Omit<NewActionBody, 'name' | 'kind'>, before: Definition | null): Definition {
  return {
    email: body.email === undefined ? (before?.email ?? null) : toEmail(body.email),
    request: body.request === undefined ? (before?.request ?? null) : toRequest(body.request),
    failure:
      body.failure === undefined
        ? (before?.failure ?? { anything: true, statuses: [], codes: [] })
        : { anything: body.failure.anything ?? true, statuses: body.failure.statuses ?? [], codes: body.failure.codes ?? [] },
    onError: toOnError(body.on_error, before),
    next: body.next === undefined ? (before?.next ?? null) : body.next,
  }
}

function toOnError(body: NewActionBody['on_error'], before: Definition | null): Definition['onError'] {
  if (body === undefined && before !== null) return before.onError
  return {
    retries: body?.retries ?? 0,
    retryDelaySeconds: body?.retry_delay_seconds ?? 60,
    report: body?.report == null ? null : { to: body.report.to ?? [] },
    run: body?.run ?? null,
    continueWith: body?.continue_with ?? null,
  }
}

function toEmail(body: NonNullable<NewActionBody['email']>): EmailDefinition {
  return {
    sender: body.sender ?? null,
    credential: body.credential ?? null,
    from: body.from ?? null,
    to: body.to ?? [],
    cc: body.cc ?? [],
    bcc: body.bcc ?? [],
    replyTo: body.reply_to ?? null,
    subject: body.subject,
    text: body.text ?? null,
    html: body.html ?? null,
    headers: body.headers ?? {},
    attachments: (body.attachments ?? []).map((file) => ({
      filename: file.filename,
      contentType: file.content_type ?? null,
      content: file.content ?? null,
      text: file.text ?? null,
    })),
    until: body.until ?? 'accepted',
  }
}

function toRequest(body: NonNullable<NewActionBody['request']>): RequestDefinition {
  const sent = body.body ?? null
  return {
    credential: body.credential,
    method: body.method ?? (sent === null ? 'GET' : 'POST'),
    url: body.url,
    headers: body.headers ?? {},
    query: body.query ?? {},
    body:
      sent === null
        ? null
        : 'json' in sent
          ? { kind: 'json', json: sent.json }
          : 'text' in sent
            ? { kind: 'text', text: sent.text }
            : { kind: 'form', form: sent.form },
    keyHeader: body.key_header ?? null,
    timeoutSeconds: body.timeout_seconds ?? usualTimeout,
    maxBytes: body.max_bytes ?? usualBytes,
    paging:
      body.paging == null
        ? null
        : {
            by: body.paging.by,
            path: body.paging.next ?? null,
            parameter: body.paging.parameter ?? null,
            items: body.paging.items ?? null,
            mostPages: body.paging.max_pages ?? 10,
          },
  }
}
