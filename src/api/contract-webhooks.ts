import { z } from 'zod'
import { noticeEvents } from '../base/notice-events.ts'
import { credential } from './contract-credentials.ts'
import { endpoint } from './endpoint.ts'
import { count, optionalTime, page, ref, secret, time, word } from './schemas.ts'

const events = z.array(z.enum(noticeEvents)).min(1).max(noticeEvents.length).meta({ description: 'What it is told of' })
const url = secret('Where the messages go, https://…; it may hold a secret itself.', 2000)

const webhook = z
  .object({
    id: z.string(),
    name: z.string(),
    origin: z.string().meta({ description: 'Scheme and host of its address; the rest may be a secret' }),
    events,
    enabled: z.boolean(),
    disabled_reason: z.string().nullable().meta({ description: 'Why the service switched it off; null: it did not' }),
    failing_since: optionalTime,
    failures: count.meta({ description: 'In a row' }),
    last_success_at: optionalTime,
    last_failure_at: optionalTime,
    last_error: z.string().nullable(),
    created_at: time,
    updated_at: time,
    revision: z.int(),
  })
  .meta({ id: 'Webhook', description: 'An address that is told what needs a person, by messages signed as Standard Webhooks says' })

const made = z
  .object({ webhook, secret: z.string().meta({ description: 'What its messages are signed with, whsec_…: only here, never again' }) })
  .meta({ id: 'MadeWebhook' })

const params = z.strictObject({ webhook: ref('webhook') })
const manage = { administration: 'manage' } as const

export const webhookEndpoints = [
  endpoint({
    id: 'listWebhooks',
    method: 'GET',
    path: '/v1/webhooks',
    tag: 'Notifications',
    summary: 'Lists the webhooks.',
    permission: manage,
    audit: null,
    status: 200,
    kind: 'json',
    reply: page(webhook).meta({ id: 'WebhookPage' }),
  }),
  endpoint({
    id: 'createWebhook',
    method: 'POST',
    path: '/v1/webhooks',
    tag: 'Notifications',
    summary: 'Makes a webhook and shows the secret that its messages are signed with, this once.',
    permission: manage,
    fresh: true,
    audit: 'webhook.created',
    body: z.strictObject({ name: word(200), url, events }).meta({ id: 'NewWebhook' }),
    takesIdempotencyKey: true,
    status: 201,
    kind: 'json',
    reply: made,
    hasEtag: true,
    noStore: true,
    problems: ['name_taken', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'getWebhook',
    method: 'GET',
    path: '/v1/webhooks/{webhook}',
    tag: 'Notifications',
    summary: 'Shows a webhook.',
    permission: manage,
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: webhook,
    hasEtag: true,
  }),
  endpoint({
    id: 'changeWebhook',
    method: 'PATCH',
    path: '/v1/webhooks/{webhook}',
    tag: 'Notifications',
    summary: 'Changes a webhook, or switches it off and on.',
    permission: manage,
    fresh: true,
    audit: 'webhook.changed',
    params,
    body: z
      .strictObject({ name: word(200).optional(), url: url.optional(), events: events.optional(), enabled: z.boolean().optional() })
      .meta({ id: 'WebhookChange', description: 'A field left out stays as it is' }),
    status: 200,
    kind: 'json',
    reply: webhook,
    hasEtag: true,
    takesIfMatch: true,
    problems: ['name_taken', 'changed_meanwhile'],
  }),
  endpoint({
    id: 'deleteWebhook',
    method: 'DELETE',
    path: '/v1/webhooks/{webhook}',
    tag: 'Notifications',
    summary: 'Deletes a webhook; what it has not got yet is not sent any more.',
    permission: manage,
    audit: 'webhook.deleted',
    params,
    status: 204,
    kind: 'nothing',
  }),
  endpoint({
    id: 'testWebhook',
    method: 'POST',
    path: '/v1/webhooks/{webhook}/test',
    tag: 'Notifications',
    summary: 'Sends a test message to a webhook now and says what came of it.',
    permission: manage,
    audit: 'webhook.tested',
    params,
    body: z.strictObject({}),
    bodyOptional: true,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        ok: z.boolean(),
        status: z.int().nullable().meta({ description: 'What the receiver answered; null: nothing' }),
        message: z.string(),
        milliseconds: count,
      })
      .meta({ id: 'WebhookTest' }),
  }),
  endpoint({
    id: 'renewWebhookSecret',
    method: 'POST',
    path: '/v1/webhooks/{webhook}/secret',
    tag: 'Notifications',
    summary: 'Gives a webhook a new secret and shows it, this once.',
    description: 'For 24 hours messages carry the signature of the old one, too, so that the receiver can be changed in peace.',
    permission: manage,
    fresh: true,
    audit: 'webhook.secret_renewed',
    params,
    body: z.strictObject({}),
    bodyOptional: true,
    status: 200,
    kind: 'json',
    reply: made,
    noStore: true,
    problems: ['changed_meanwhile'],
  }),
  endpoint({
    id: 'snoozeCredential',
    method: 'POST',
    path: '/v1/credentials/{credential}/snooze',
    tag: 'Notifications',
    summary: 'Has nobody told of a credential until a day, or told again.',
    description: 'It ends by itself when the credential works again. If it still needs a person when the day has come, that is told then.',
    permission: manage,
    audit: 'credential.snoozed',
    params: z.strictObject({ credential: ref('credential') }),
    body: z.strictObject({ until: optionalTime.meta({ description: 'In the future, at most a year ahead; null: tell again' }) }).meta({ id: 'Snooze' }),
    status: 200,
    kind: 'json',
    reply: credential,
    hasEtag: true,
  }),
] as const
