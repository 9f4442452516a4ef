import { z } from 'zod'
import { administrations, rights } from '../access/types.ts'
import { endpoint } from './endpoint.ts'
import { optionalTime, page, ref, time, word } from './schemas.ts'

const permission = z
  .strictObject({
    credential: ref('credential').meta({ description: 'Id or name of a credential, or * for all' }),
    rights: z.array(z.enum(rights)).min(1).max(rights.length),
  })
  .meta({ id: 'Permission' })

const mailLimits = z
  .strictObject({
    messages_per_hour: z.int().min(1).max(100_000).nullable().optional(),
    recipients_per_message: z.int().min(1).max(500).nullable().optional(),
    bytes_per_message: z.int().min(1).max(150_000_000).nullable().optional(),
  })
  .meta({ id: 'NewMailLimits', description: 'What the key may send at most, beside the limits of the service' })

const newAccessKey = z
  .strictObject({
    name: word(100),
    permissions: z.array(permission).max(1000),
    administration: z.array(z.enum(administrations)).max(administrations.length).optional(),
    actions: z.array(ref('action')).max(1000).optional().meta({ description: 'Ids or names of actions that it may run, or * for all' }),
    networks: z.array(word(60)).max(100).optional().meta({ description: 'Networks the key may be used from, such as 192.0.2.0/24; none: from anywhere' }),
    mail_limits: mailLimits.nullable().optional(),
    expires_at: time.optional(),
    delivery_link: z.boolean().optional().meta({ description: 'Hand the key over by a link that opens once, within the hour, instead of showing it here' }),
  })
  .meta({ id: 'NewAccessKey' })

const accessKey = z
  .object({
    id: z.string(),
    name: z.string(),
    hint: z.string().meta({ description: 'The first characters of the key' }),
    permissions: z.array(z.object({ credential: z.string(), rights: z.array(z.enum(rights)) })),
    administration: z.array(z.enum(administrations)),
    actions: z.array(z.string()).meta({ description: 'Ids of the actions that it may run, or * for all' }),
    networks: z.array(z.string()),
    mail_limits: z
      .object({ messages_per_hour: z.int().nullable(), recipients_per_message: z.int().nullable(), bytes_per_message: z.int().nullable() })
      .nullable()
      .meta({ description: 'What the key may send at most; null: no limits of its own' }),
    expires_at: optionalTime,
    revoked_at: optionalTime,
    created_at: time,
    created_by: z.string(),
    last_used_at: optionalTime,
    last_used_from: z.string().nullable(),
    stopped_at: optionalTime.meta({ description: 'When it was stopped because nobody had used it for long; null: it counts' }),
    delivery: z
      .object({
        status: z.enum(['waiting', 'opened', 'expired']),
        expires_at: time,
        opened_at: optionalTime,
        opened_from: z.string().nullable(),
        repeats: z.int().meta({ description: 'How often somebody came with the used link: more than 0 is an alarm' }),
      })
      .nullable()
      .meta({ description: 'How the key reaches its machine, where that is by a link' }),
  })
  .meta({ id: 'AccessKey', description: 'What an automation calls Keybearer with; never the key itself' })

const params = z.strictObject({ access_key: ref('access key') })

const deliveryParams = z.strictObject({ delivery: word(100) })

export const accessKeyEndpoints = [
  endpoint({
    id: 'listAccessKeys',
    method: 'GET',
    path: '/v1/access-keys',
    tag: 'Access keys',
    summary: 'Lists the access keys; revoked ones stay visible for 90 days.',
    permission: { administration: 'keys' },
    audit: null,
    status: 200,
    kind: 'json',
    reply: page(accessKey).meta({ id: 'AccessKeyPage' }),
  }),
  endpoint({
    id: 'createAccessKey',
    method: 'POST',
    path: '/v1/access-keys',
    tag: 'Access keys',
    summary: 'Makes an access key and shows it, this once.',
    description: 'Nobody can give more than he has: the rights of the new key must be among those of the calling one.',
    permission: { administration: 'keys' },
    audit: 'access_key.created',
    fresh: true,
    body: newAccessKey,
    takesIdempotencyKey: true,
    status: 201,
    kind: 'json',
    reply: z
      .object({
        access_key: accessKey,
        key: z.string().nullable().meta({ description: 'The key itself: only here, never again; null where a link hands it over' }),
        delivery: z
          .object({ link: z.string(), command: z.string().meta({ description: 'A line that fetches the key on the machine that needs it' }), expires_at: time })
          .nullable()
          .meta({ description: 'Only here, never again' }),
      })
      .meta({ id: 'MadeAccessKey' }),
    noStore: true,
    problems: ['name_taken', 'not_found', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'getAccessKey',
    method: 'GET',
    path: '/v1/access-keys/{access_key}',
    tag: 'Access keys',
    summary: 'Shows an access key.',
    permission: { administration: 'keys' },
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: accessKey,
  }),
  endpoint({
    id: 'revokeAccessKey',
    method: 'DELETE',
    path: '/v1/access-keys/{access_key}',
    tag: 'Access keys',
    summary: 'Ends an access key at once.',
    permission: { administration: 'keys' },
    audit: 'access_key.revoked',
    fresh: true,
    params,
    status: 200,
    kind: 'json',
    reply: accessKey,
  }),
  endpoint({
    id: 'resumeAccessKey',
    method: 'POST',
    path: '/v1/access-keys/{access_key}/resume',
    tag: 'Access keys',
    summary: 'Keeps an access key that nobody uses, and lets it count again if it was stopped for that.',
    permission: { administration: 'keys' },
    audit: 'access_key.resumed',
    fresh: true,
    params,
    body: z.strictObject({}),
    bodyOptional: true,
    status: 200,
    kind: 'json',
    reply: accessKey,
  }),
  endpoint({
    id: 'showDelivery',
    method: 'GET',
    path: '/deliver/{delivery}',
    tag: 'Access keys',
    summary: 'Shows what a link hands over, without opening it.',
    permission: 'public',
    audit: null,
    params: deliveryParams,
    status: 200,
    kind: 'html',
    noStore: true,
  }),
  endpoint({
    id: 'openDelivery',
    method: 'POST',
    path: '/deliver/{delivery}',
    tag: 'Access keys',
    summary: 'Hands an access key over to whoever opens its link first.',
    description: 'The answer is the key and a line break, or a page with it. Every opening after the first is refused, recorded, and told by an event.',
    permission: 'public',
    audit: 'access_key.delivered',
    params: deliveryParams,
    query: z.strictObject({ as: z.enum(['text', 'page']).optional() }),
    status: 200,
    kind: 'text',
    noStore: true,
    problems: ['delivery_unknown', 'delivery_expired', 'delivery_used'],
  }),
] as const
