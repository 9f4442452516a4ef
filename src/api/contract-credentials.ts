import { z } from 'zod'
import { credentialKinds, credentialSorts, credentialStatuses, grantTypes } from '../credentials/types.ts'
import { endpoint } from './endpoint.ts'
import { credentialMatch, statusFilter } from './contract-credential-facts.ts'
import { newRegistration } from './contract-registrations.ts'
import { count, flag, named, optionalTime, page, pageQuery, placeholders, ref, secret, text, time, word, diagnosisSchema } from './schemas.ts'

const scope = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope without spaces')
const parameters = z.record(word(100), word(2000))

export const credentialOptions = z
  .strictObject({
    variant: z.enum(['standard', 'microsoft_compatible', 'google_compatible']).optional(),
    audience: word(1000).optional(),
    resource: z.array(word(1000)).max(20).optional(),
    act_for: word(320).optional().meta({ description: 'Whom a jwt_bearer credential acts for, such as a mailbox' }),
    placeholders: placeholders.optional(),
    authorize_parameters: parameters.optional(),
    token_parameters: parameters.optional(),
    login_hint: word(320).optional(),
    consent_lifetime: z
      .int()
      .min(3600)
      .max(315_360_000)
      .optional()
      .meta({ description: 'Seconds after which each consent ends, renewed or not, where the provider does not say: 604800 for a Google app in testing' }),
    assumed_lifetime: z.int().min(1).max(3_155_760_000).optional().meta({ description: 'Seconds an access token lives where the provider does not say' }),
  })
  .meta({ id: 'CredentialOptions' })

const nextStep = z
  .object({ action: z.enum(['finish', 'connect', 'reconnect', 'renew_secret', 'retry', 'fix', 'resume']), text: z.string() })
  .meta({ id: 'NextStep', description: 'What a person should do, as a word for a button and as a sentence' })

export const credential = z
  .object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(credentialKinds),
    grant: z.enum(grantTypes).nullable(),
    registration: named.nullable(),
    provider: named.nullable(),
    description: z.string(),
    username: z.string().nullable(),
    subject: z.string().nullable().meta({ description: "The provider's own stable name of the account" }),
    scopes: z.array(z.string()),
    granted_scopes: z.array(z.string()).nullable(),
    missing_scopes: z.array(z.string()),
    options: credentialOptions,
    allowed_hosts: z.array(z.string()),
    tags: z.array(z.string()),
    status: z.enum(credentialStatuses),
    reason: z.object({ code: z.string(), message: z.string() }).nullable(),
    next_step: nextStep.nullable(),
    diagnosis: diagnosisSchema.nullable().meta({ description: 'What the reason means and what to do' }),
    since: time,
    until: optionalTime.meta({ description: 'When it stops working unless a person acts; null: no end is known' }),
    snoozed_until: optionalTime.meta({ description: 'Nobody is told of it until then; null, or past: told as usual' }),
    token_expires_at: optionalTime,
    token_obtained_at: optionalTime,
    refresh_token_expires_at: optionalTime,
    refresh_due_at: optionalTime,
    has_secret: z.boolean(),
    has_refresh_token: z.boolean(),
    last_used_at: optionalTime,
    last_used_by: named.nullable(),
    used_by: z
      .object({ items: z.array(named), count, actions: z.array(named) })
      .meta({ description: 'The three that used it last, how many ever did, and the saved actions that name it' }),
    last_use_outcome: z.enum(['ok', 'issue']).nullable(),
    last_success_at: optionalTime,
    created_at: time,
    updated_at: time,
    revision: z.int(),
  })
  .meta({ id: 'Credential', description: 'What may be known about a credential; never a secret' })

const newCredential = z
  .strictObject({
    name: word(200),
    kind: z.enum(credentialKinds).optional().meta({ description: 'oauth2 unless told' }),
    grant: z.enum(grantTypes).optional(),
    registration: z
      .union([ref('registration'), newRegistration])
      .optional()
      .meta({ description: 'Id or name of a registration, or a new one' }),
    description: text(2000).optional(),
    username: word(320).optional(),
    scopes: z.array(scope).max(200).optional(),
    options: credentialOptions.optional(),
    allowed_hosts: z.array(word(300)).max(200).optional().meta({ description: 'Those of the provider unless told' }),
    tags: z.array(word(60)).max(50).optional(),
    secret: secret('The API key, or the password of a basic credential.').optional(),
    refresh_token: secret('A refresh token that another program got for the same registration.', 16_000).optional(),
    google_json: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({
        description: 'The content of a JSON file of Google: client_secret*.json, a service-account key, or an authorized_user file. Never in a reply.',
        writeOnly: true,
      }),
  })
  .meta({ id: 'NewCredential' })

const credentialChange = z
  .strictObject({
    name: word(200).optional(),
    description: text(2000).optional(),
    username: word(320).nullable().optional(),
    scopes: z.array(scope).max(200).optional(),
    options: credentialOptions.optional(),
    allowed_hosts: z.array(word(300)).max(200).optional(),
    tags: z.array(word(60)).max(50).optional(),
    secret: secret('The API key, or the password of a basic credential.').optional(),
    registration: ref('registration').optional(),
  })
  .meta({ id: 'CredentialChange', description: 'A field left out stays as it is' })

const revocation = z
  .object({ outcome: z.enum(['revoked', 'not_supported', 'will_retry', 'nothing_to_revoke', 'failed']), message: z.string() })
  .meta({ id: 'Revocation', description: 'What became of the tokens at the provider' })

const token = z
  .object({
    access_token: z.string(),
    token_type: z.string().meta({ description: 'Bearer; ApiKey for an API key; Basic for a user name and password, then the token is base64 of both' }),
    expires_at: optionalTime,
    expires_in: z.int().nullable().meta({ description: 'Seconds' }),
    scope: z.string().nullable(),
    credential: z.object({ id: z.string(), name: z.string(), username: z.string().nullable() }),
    facts: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'What the provider said beside the token, such as the host of the account; left out when that is nothing' }),
  })
  .meta({ id: 'Token' })

const params = z.strictObject({ credential: ref('credential') })
const unusable = ['incomplete', 'needs_consent', 'misconfigured', 'paused', 'provider_unavailable', 'clock_skew', 'audit_blocked', 'decrypt_failed'] as const

export const credentialEndpoints = [
  endpoint({
    id: 'listCredentials',
    method: 'GET',
    path: '/v1/credentials',
    tag: 'Credentials',
    summary: 'Lists the credentials that the key may read.',
    permission: { anyCredential: 'read' },
    audit: null,
    query: z.strictObject({
      ...credentialMatch,
      status: statusFilter,
      sort: z.enum(credentialSorts).optional().meta({ description: 'name unless told; a hyphen turns it round; status begins with what needs a person first' }),
      ...pageQuery,
    }),
    status: 200,
    kind: 'json',
    reply: page(credential).meta({ id: 'CredentialPage' }),
  }),
  endpoint({
    id: 'createCredential',
    method: 'POST',
    path: '/v1/credentials',
    tag: 'Credentials',
    summary: 'Makes a credential, and its registration if that is new.',
    permission: { administration: 'manage' },
    audit: 'credential.created',
    body: newCredential,
    takesIdempotencyKey: true,
    status: 201,
    kind: 'json',
    reply: credential,
    hasEtag: true,
    problems: ['name_taken', 'not_found', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'getCredential',
    method: 'GET',
    path: '/v1/credentials/{credential}',
    tag: 'Credentials',
    summary: 'Shows a credential.',
    permission: { credential: 'read' },
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: credential,
    hasEtag: true,
  }),
  endpoint({
    id: 'changeCredential',
    method: 'PATCH',
    path: '/v1/credentials/{credential}',
    tag: 'Credentials',
    summary: 'Changes fields of a credential.',
    description:
      'A change that would let a stored secret go somewhere else than it was entered for (user name, hosts, tenant, registration) removes the secret, unless it is given again.',
    permission: { administration: 'manage' },
    audit: 'credential.changed',
    params,
    body: credentialChange,
    takesIfMatch: true,
    status: 200,
    kind: 'json',
    reply: credential,
    hasEtag: true,
    problems: ['name_taken', 'changed_meanwhile'],
  }),
  endpoint({
    id: 'deleteCredential',
    method: 'DELETE',
    path: '/v1/credentials/{credential}',
    tag: 'Credentials',
    summary: 'Deletes a credential.',
    description: 'It can be used no more when the call answers. Until `restorable_until` it can be restored; then it is destroyed with the key of its secret.',
    permission: { administration: 'manage' },
    audit: 'credential.deleted',
    params,
    query: z.strictObject({ revoke: flag.optional().meta({ description: 'Also takes the tokens back at the provider; true unless told' }) }),
    status: 200,
    kind: 'json',
    reply: z
      .object({ revocation, restorable_until: optionalTime.meta({ description: 'Until when it can be restored; null: it is gone for good' }) })
      .meta({ id: 'DeletedCredential' }),
    problems: ['in_use'],
  }),
  endpoint({
    id: 'handOutToken',
    method: 'POST',
    path: '/v1/credentials/{credential}/token',
    tag: 'Credentials',
    summary: 'Hands out an access token that lives at least as long as asked.',
    description: 'The token is fetched first where that is needed. The audit record is on disk before the token leaves.',
    permission: { credential: 'token' },
    audit: 'token.handed_out',
    params,
    body: z
      .strictObject({ min_ttl_seconds: z.int().min(0).max(86_400).optional().meta({ description: 'The token must live at least so long' }) })
      .meta({ id: 'TokenOrder' }),
    bodyOptional: true,
    status: 200,
    kind: 'json',
    reply: token,
    noStore: true,
    problems: [...unusable, 'ttl_too_long'],
  }),
  endpoint({
    id: 'testCredential',
    method: 'POST',
    path: '/v1/credentials/{credential}/test',
    tag: 'Credentials',
    summary: 'Tries a credential for real and says step by step what worked.',
    permission: { administration: 'manage' },
    audit: 'credential.tested',
    params,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        ok: z.boolean(),
        credential: named,
        steps: z.array(
          z.object({ name: z.string(), ok: z.boolean(), message: z.string(), next_step: z.string().nullable(), diagnosis: diagnosisSchema.nullable() }),
        ),
      })
      .meta({ id: 'TestReport' }),
  }),
  endpoint({
    id: 'examineCredential',
    method: 'POST',
    path: '/v1/credentials/{credential}/examination',
    tag: 'Credentials',
    summary: 'Goes through a credential from the outside in and says what works, what does not, and what to do.',
    description:
      'The way to the provider, its clock and metadata, client, grant, what the token is for, the API, and the login at the mail servers. A new token is fetched for it.',
    permission: { administration: 'manage' },
    audit: 'credential.examined',
    params,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        ok: z.boolean(),
        credential: named,
        steps: z.array(
          z.object({
            name: z.string(),
            outcome: z.enum(['ok', 'warning', 'failed', 'skipped']),
            message: z.string(),
            next_step: z.string().nullable(),
            diagnosis: diagnosisSchema.nullable(),
          }),
        ),
      })
      .meta({ id: 'Examination' }),
  }),
  endpoint({
    id: 'refreshCredential',
    method: 'POST',
    path: '/v1/credentials/{credential}/refresh',
    tag: 'Credentials',
    summary: 'Fetches a new token now.',
    permission: { administration: 'manage' },
    audit: 'credential.refreshed',
    params,
    status: 200,
    kind: 'json',
    reply: credential,
    hasEtag: true,
    problems: [...unusable, 'wrong_kind'],
  }),
  endpoint({
    id: 'revokeCredential',
    method: 'POST',
    path: '/v1/credentials/{credential}/revoke',
    tag: 'Credentials',
    summary: 'Takes the tokens back at the provider and removes them here.',
    permission: { administration: 'manage' },
    audit: 'credential.revoked',
    params,
    status: 200,
    kind: 'json',
    reply: z.object({ revocation, credential }).meta({ id: 'RevokedCredential' }),
    problems: ['wrong_kind', 'changed_meanwhile'],
  }),
  endpoint({
    id: 'pauseCredential',
    method: 'POST',
    path: '/v1/credentials/{credential}/pause',
    tag: 'Credentials',
    summary: 'Switches a credential off.',
    permission: { administration: 'manage' },
    audit: 'credential.paused',
    params,
    status: 200,
    kind: 'json',
    reply: credential,
    hasEtag: true,
  }),
  endpoint({
    id: 'resumeCredential',
    method: 'POST',
    path: '/v1/credentials/{credential}/resume',
    tag: 'Credentials',
    summary: 'Switches a paused credential on again.',
    permission: { administration: 'manage' },
    audit: 'credential.resumed',
    params,
    status: 200,
    kind: 'json',
    reply: credential,
    hasEtag: true,
  }),
  endpoint({
    id: 'listCredentialUsage',
    method: 'GET',
    path: '/v1/credentials/{credential}/usage',
    tag: 'Credentials',
    summary: 'Lists who used a credential, the latest first.',
    permission: { credential: 'read' },
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: page(z.object({ access_key: named, first_at: time, last_at: time, count, last_outcome: z.enum(['ok', 'issue']) }).meta({ id: 'Usage' })).meta({
      id: 'UsagePage',
    }),
  }),
] as const
