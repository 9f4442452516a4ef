import { z } from 'zod'
import { auditActions, type AuditAction } from '../access/audit-actions.ts'
import { credentialKinds, credentialStatuses } from '../credentials/types.ts'
import { endpoint } from './endpoint.ts'
import { count, flag, list, named, page, pageQuery, ref, time, word } from './schemas.ts'

/** What the list and its counts are filtered by, beside the status. */
export const credentialMatch = {
  search: word(200).optional().meta({ description: 'Part of the name, description or user' }),
  kind: z.enum(credentialKinds).optional(),
  provider: word(100).optional(),
  registration: ref('registration').optional(),
  tag: word(60).optional(),
  account: word(320).optional().meta({ description: 'The user, mostly a mail address' }),
  used_by: ref('access key').optional().meta({ description: 'Id or name of an access key that has used it' }),
  created_before: time.optional(),
  unused_since: time.optional().meta({ description: 'Not used since then, and older than that' }),
  attention: flag.optional().meta({ description: 'true: only those that a person should look at; false: only the others' }),
}

export const statusFilter = list(z.enum(credentialStatuses)).optional()

const counted = <Word extends string>(words: readonly Word[]) => z.object(Object.fromEntries(words.map((one) => [one, count])) as Record<Word, typeof count>)

const params = z.strictObject({ credential: ref('credential') })
const actions = Object.keys(auditActions) as [AuditAction, ...AuditAction[]]

export const credentialFactEndpoints = [
  endpoint({
    id: 'countCredentials',
    method: 'GET',
    path: '/v1/credentials/counts',
    tag: 'Credentials',
    summary: 'Counts the credentials that the key may read, by status and kind.',
    permission: { anyCredential: 'read' },
    audit: null,
    query: z.strictObject(credentialMatch),
    status: 200,
    kind: 'json',
    reply: z.object({ by_status: counted(credentialStatuses), by_kind: counted(credentialKinds), total: count }).meta({ id: 'CredentialCounts' }),
  }),
  endpoint({
    id: 'listCredentialHistory',
    method: 'GET',
    path: '/v1/credentials/{credential}/history',
    tag: 'Credentials',
    summary: 'Lists what happened to a credential, the newest first.',
    permission: { credential: 'read' },
    audit: null,
    params,
    query: z.strictObject(pageQuery),
    status: 200,
    kind: 'json',
    reply: page(
      z
        .object({
          seq: z.int().meta({ description: 'The number of the record in the audit trail' }),
          at: time,
          action: z.enum(actions),
          outcome: z.enum(['done', 'refused', 'failed']),
          reason: z.string().nullable(),
          actor: named,
          detail: z.record(z.string(), z.unknown()),
        })
        .meta({ id: 'HistoryRecord' }),
    ).meta({ id: 'HistoryPage' }),
  }),
  endpoint({
    id: 'listCredentialUsageDays',
    method: 'GET',
    path: '/v1/credentials/{credential}/usage-days',
    tag: 'Credentials',
    summary: 'Counts how often a credential was used on each of the last days, today last.',
    permission: { credential: 'read' },
    audit: null,
    params,
    query: z.strictObject({ days: z.coerce.number().int().min(1).max(90).optional().meta({ description: '30 unless told' }) }),
    status: 200,
    kind: 'json',
    reply: page(z.object({ day: z.iso.date().meta({ description: 'A day in UTC' }), ok: count, issue: count }).meta({ id: 'UsageDay' })).meta({
      id: 'UsageDayPage',
    }),
  }),
] as const
