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

const newAccessKey = z
  .strictObject({
    name: word(100),
    permissions: z.array(permission).max(1000),
    administration: z.array(z.enum(administrations)).max(administrations.length).optional(),
    networks: z.array(word(60)).max(100).optional().meta({ description: 'Networks the key may be used from, such as 192.0.2.0/24; none: from anywhere' }),
    expires_at: time.optional(),
  })
  .meta({ id: 'NewAccessKey' })

const accessKey = z
  .object({
    id: z.string(),
    name: z.string(),
    hint: z.string().meta({ description: 'The first characters of the key' }),
    permissions: z.array(z.object({ credential: z.string(), rights: z.array(z.enum(rights)) })),
    administration: z.array(z.enum(administrations)),
    networks: z.array(z.string()),
    expires_at: optionalTime,
    revoked_at: optionalTime,
    created_at: time,
    created_by: z.string(),
    last_used_at: optionalTime,
    last_used_from: z.string().nullable(),
  })
  .meta({ id: 'AccessKey', description: 'What an automation calls Keybearer with; never the key itself' })

const params = z.strictObject({ access_key: ref('access key') })

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
    reply: z.object({ access_key: accessKey, key: z.string().meta({ description: 'The key itself: only here, never again' }) }).meta({ id: 'MadeAccessKey' }),
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
] as const
