import { z } from 'zod'
import { auditActions, type AuditAction } from '../access/audit-actions.ts'
import { eventTypes, type EventType } from '../base/events.ts'
import { endpoint } from './endpoint.ts'
import { count, list, page, pageQuery, secret, time, word } from './schemas.ts'

const actions = Object.keys(auditActions) as [AuditAction, ...AuditAction[]]
const types = Object.keys(eventTypes) as [EventType, ...EventType[]]
const outcome = z.enum(['done', 'refused', 'failed'])

const auditRecord = z
  .object({
    seq: z.int(),
    at: time,
    actor: z.object({ id: z.string(), name: z.string() }),
    action: z.enum(actions),
    subject: z.object({ id: z.string(), name: z.string().nullable() }).nullable(),
    outcome,
    reason: z.string().nullable(),
    address: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
    hash: z.string().meta({ description: 'Ties the record to the one before' }),
  })
  .meta({ id: 'AuditRecord' })

const auditPage = page(auditRecord).meta({ id: 'AuditPage' })

export const eventSchema = z
  .object({
    seq: z.int().meta({ description: '0 for an event that is not kept' }),
    at: time,
    type: z.enum(types),
    subject: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event', description: 'Something that happened; never a secret' })

const auditFilter = {
  subject: word(200).optional().meta({ description: 'Id of a credential, registration, access key…' }),
  actor: word(200).optional().meta({ description: 'Id of an access key or person' }),
  action: z.enum(actions).optional(),
  outcome: outcome.optional(),
  from: time.optional(),
  to: time.optional(),
}

export const auditEndpoints = [
  endpoint({
    id: 'listAudit',
    method: 'GET',
    path: '/v1/audit',
    tag: 'Audit',
    summary: 'Lists the audit trail, the newest record first.',
    permission: { administration: 'audit' },
    audit: 'audit.read',
    query: z.strictObject({ ...auditFilter, ...pageQuery }),
    status: 200,
    kind: 'json',
    reply: auditPage,
    noStore: true,
  }),
  endpoint({
    id: 'findTokenInAudit',
    method: 'POST',
    path: '/v1/audit/token',
    tag: 'Audit',
    summary: 'Lists the hand-outs of a token that was found somewhere, the newest first.',
    description: 'The trail knows tokens by keyed hashes only. The token is in the body, so that no log of addresses gets it; it is kept nowhere.',
    permission: { administration: 'audit' },
    audit: 'audit.read',
    body: z.strictObject({
      token: secret('The token, as it was handed out.', 70_000),
      cursor: word(500).optional(),
      limit: z.int().min(1).max(500).optional(),
    }),
    status: 200,
    kind: 'json',
    reply: auditPage,
    noStore: true,
  }),
  endpoint({
    id: 'exportAudit',
    method: 'GET',
    path: '/v1/audit/export',
    tag: 'Audit',
    summary: 'Gives the audit trail, or what fits of it, as one JSON object per line, the oldest record first.',
    permission: { administration: 'audit' },
    audit: 'audit.exported',
    fresh: true,
    query: z.strictObject(auditFilter),
    status: 200,
    kind: 'lines',
    reply: auditRecord,
  }),
  endpoint({
    id: 'verifyAudit',
    method: 'GET',
    path: '/v1/audit/verification',
    tag: 'Audit',
    summary: 'Checks the whole audit trail and names the first record that does not fit.',
    permission: { administration: 'audit' },
    audit: 'audit.verified',
    status: 200,
    kind: 'json',
    reply: z
      .object({ ok: z.boolean(), records: count, head: z.string().nullable(), first_bad: z.int().nullable(), what: z.string().nullable() })
      .meta({ id: 'AuditVerification' }),
  }),
  endpoint({
    id: 'streamEvents',
    method: 'GET',
    path: '/v1/events',
    tag: 'Events',
    summary: 'Streams what happens to the credentials that the key may read.',
    description:
      'Server-sent events. Send Last-Event-ID (or last_event_id) to hear what was missed; an event named "reset" says that too much was missed and everything should be read anew.',
    permission: { anyCredential: 'read' },
    audit: null,
    query: z.strictObject({
      last_event_id: z.coerce.number().int().min(0).optional(),
      type: list(z.enum(types)).optional().meta({ description: 'Only these kinds' }),
    }),
    status: 200,
    kind: 'events',
    reply: eventSchema,
  }),
] as const
