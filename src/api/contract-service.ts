import { z } from 'zod'
import { credentialStatuses } from '../credentials/types.ts'
import { endpoint } from './endpoint.ts'
import { count, optionalTime, time, word } from './schemas.ts'

const rotation = z
  .object({
    state: z.enum(['idle', 'running', 'failed']),
    newest_version: z.int(),
    versions: z.array(z.object({ version: z.int(), fingerprint: z.string(), data_keys: count, created_at: time, retired_at: optionalTime })),
    rewrapped: count,
    remaining: count,
    started_at: optionalTime,
    finished_at: optionalTime,
    problem: z.object({ code: z.string(), detail: z.string(), next_step: z.string() }).nullable(),
  })
  .meta({ id: 'Rotation', description: 'How far the change of the master key is' })

const health = z.object({ status: z.enum(['ok', 'unavailable']) }).meta({ id: 'Health' })

const lockState = z.object({ locked: z.boolean() }).meta({ id: 'LockState' })

/** What unlocking takes. */
export const unlockBody = z
  .strictObject({ passphrase: z.string().min(1).max(1000).optional().meta({ description: 'Only where the master key is made of one' }) })
  .meta({ id: 'Unlock' })

export const serviceEndpoints = [
  endpoint({
    id: 'getStatus',
    method: 'GET',
    path: '/v1/status',
    tag: 'Service',
    summary: 'Shows version, credentials per status and the state of the store.',
    permission: { anyCredential: 'read' },
    audit: null,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        version: z.string(),
        uptime_seconds: count,
        database: z.enum(['sqlite', 'postgres']),
        credentials: z.object(
          Object.fromEntries(credentialStatuses.map((status) => [status, count])) as Record<(typeof credentialStatuses)[number], typeof count>,
        ),
        audit: z.object({ records: count, head: z.string(), blocked: z.boolean() }),
        master_key_version: z.int(),
        public_url: z.string(),
        now: time,
        backup: z
          .object({
            supported: z.boolean().meta({ description: 'false: the database is backed up by its own tools' }),
            last_at: optionalTime,
            last_size: count.nullable().meta({ description: 'In bytes' }),
            is_old: z.boolean().meta({ description: 'The last one is older than a week, or there is none though the service is' }),
            restored: z
              .object({
                at: time,
                made_at: time.meta({ description: 'As of when the backup was' }),
                returned: z
                  .object({ access_keys: z.array(z.string()), persons: z.array(z.string()) })
                  .nullable()
                  .meta({ description: 'Names of those that were revoked or removed after the backup and are back; null: it is not known' }),
              })
              .nullable(),
          })
          .nullable()
          .meta({ id: 'BackupState', description: 'null for those who do not manage the service' }),
        clock_errors: z
          .array(
            z.object({
              host: z.string(),
              ahead_seconds: z.int().meta({ description: "By how much this machine's clock is ahead of the provider's; negative when it is behind" }),
              blocks_signing: z.boolean().meta({ description: 'More than 5 minutes: nothing is signed for this provider' }),
              measured_at: time,
            }),
          )
          .nullable()
          .meta({
            id: 'ClockErrors',
            description: 'Providers whose time differs by more than a minute, as the node that answers sees it; null for those who do not manage the service',
          }),
      })
      .meta({ id: 'Status' }),
  }),
  endpoint({
    id: 'makeBackup',
    method: 'POST',
    path: '/v1/backup',
    tag: 'Service',
    summary: 'Gives a consistent copy of the embedded database as one file, while the service runs.',
    description:
      'The secrets in it stay sealed, and the master key is not in it. One is made at a time. The file begins with two lines that name its size, its checksum and the fingerprints of the master keys; "keybearer restore" reads it.',
    permission: { administration: 'manage' },
    audit: 'backup.made',
    fresh: true,
    status: 200,
    kind: 'file',
    problems: ['backup_unsupported', 'backup_running'],
  }),
  endpoint({
    id: 'getSettings',
    method: 'GET',
    path: '/v1/settings',
    tag: 'Service',
    summary: 'Lists the effective settings and where each comes from; secrets are hidden.',
    permission: { administration: 'manage' },
    audit: null,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        items: z.array(
          z.object({ name: z.string(), value: z.string().nullable(), source: z.string(), secret: z.boolean(), summary: z.string() }).meta({ id: 'Setting' }),
        ),
        next: z.null(),
      })
      .meta({ id: 'Settings' }),
  }),
  endpoint({
    id: 'runDoctor',
    method: 'GET',
    path: '/v1/doctor',
    tag: 'Service',
    summary: 'Checks the service itself: key, clock, database, audit trail, credentials.',
    permission: { administration: 'manage' },
    audit: null,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        ok: z.boolean(),
        checks: z.array(
          z
            .object({ name: z.string(), outcome: z.enum(['ok', 'warning', 'failed']), message: z.string(), next_step: z.string().nullable() })
            .meta({ id: 'Check' }),
        ),
      })
      .meta({ id: 'DoctorReport' }),
  }),
  endpoint({
    id: 'startRotation',
    method: 'POST',
    path: '/v1/master-key/rotation',
    tag: 'Service',
    summary: 'Makes a new master key and wraps everything by it while the service runs.',
    permission: { administration: 'manage' },
    audit: 'master_key.rotated',
    status: 202,
    kind: 'json',
    reply: rotation,
    problems: ['rotation_running', 'master_key_fixed', 'master_key_missing'],
  }),
  endpoint({
    id: 'getRotation',
    method: 'GET',
    path: '/v1/master-key/rotation',
    tag: 'Service',
    summary: 'Shows how far the change of the master key is.',
    permission: { administration: 'manage' },
    audit: null,
    status: 200,
    kind: 'json',
    reply: rotation,
  }),
  endpoint({
    id: 'lockService',
    method: 'POST',
    path: '/v1/lock',
    tag: 'Service',
    summary: 'Locks the service, on every node: until it is unlocked nothing is opened and no job runs.',
    description:
      'What providers have just answered is still kept; then the keys leave the memory. From then on only /livez, /readyz (503, locked) and /v1/unlock answer, also after a restart.',
    permission: { administration: 'manage' },
    audit: 'service.locked',
    status: 202,
    kind: 'json',
    reply: lockState,
  }),
  endpoint({
    id: 'unlockService',
    method: 'POST',
    path: '/v1/unlock',
    tag: 'Service',
    summary: 'Unlocks the service, on every node that finds its key again.',
    description:
      'The master key is read again from where it comes from; one that is made of a passphrase needs the passphrase. Of a service that is not locked nothing is changed.',
    permission: { administration: 'manage' },
    audit: 'service.unlocked',
    body: unlockBody,
    bodyOptional: true,
    status: 202,
    kind: 'json',
    reply: lockState,
    problems: ['master_key_missing', 'master_key_wrong', 'master_key_invalid'],
  }),
  endpoint({
    id: 'getLiveness',
    method: 'GET',
    path: '/livez',
    tag: 'Service',
    summary: 'Answers as long as the process lives.',
    permission: 'public',
    audit: null,
    status: 200,
    kind: 'json',
    reply: health,
    noStore: true,
  }),
  endpoint({
    id: 'getReadiness',
    method: 'GET',
    path: '/readyz',
    tag: 'Service',
    summary: 'Answers 200 when the service can hand out tokens, 503 when it cannot.',
    permission: 'public',
    audit: null,
    status: 200,
    kind: 'json',
    reply: health,
    noStore: true,
    problems: ['storage_unavailable', 'audit_blocked', 'shutting_down', 'locked'],
  }),
  endpoint({
    id: 'getMetrics',
    method: 'GET',
    path: '/metrics',
    tag: 'Service',
    summary: 'Shows the metrics in the text format of Prometheus.',
    permission: 'public',
    audit: null,
    status: 200,
    kind: 'text',
    description: 'Counts and times only: nothing that names a credential, an account or a key. KEYBEARER_METRICS decides whether a key is needed.',
    problems: ['not_signed_in', 'not_found'],
  }),
  endpoint({
    id: 'getOpenApi',
    method: 'GET',
    path: '/openapi.json',
    tag: 'Service',
    summary: 'Shows this API in OpenAPI 3.1.',
    permission: 'public',
    audit: null,
    status: 200,
    kind: 'json',
    reply: z.record(z.string(), z.unknown()),
  }),
  endpoint({
    id: 'getHome',
    method: 'GET',
    path: '/',
    tag: 'Service',
    summary: 'Shows a page that says what this is and where the API is.',
    permission: 'public',
    audit: null,
    status: 200,
    kind: 'html',
  }),
  endpoint({
    id: 'finishConsent',
    method: 'GET',
    path: '/oauth/callback/{registration}',
    tag: 'Consents',
    summary: "Takes a person's browser that comes back from a provider.",
    description: 'Answers 303 to a page without the code in its address.',
    permission: 'public',
    audit: 'credential.connected',
    params: z.strictObject({ registration: word(100).meta({ description: 'Id of the registration' }) }),
    status: 303,
    kind: 'html',
    noStore: true,
  }),
  endpoint({
    id: 'showConsentResult',
    method: 'GET',
    path: '/oauth/result/{result}',
    tag: 'Consents',
    summary: 'Shows the person how the consent ended.',
    permission: 'public',
    audit: null,
    params: z.strictObject({ result: word(8000) }),
    status: 200,
    kind: 'html',
    noStore: true,
  }),
] as const
