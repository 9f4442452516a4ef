import { z } from 'zod'
import { clientAuths } from '../credentials/types.ts'
import { endpoint } from './endpoint.ts'
import { count, named, optionalTime, page, pageQuery, placeholders, ref, secret, text, time, word } from './schemas.ts'

export const newRegistration = z
  .strictObject({
    name: word(200),
    provider: word(100).meta({ description: 'Id of a provider' }),
    placeholders: placeholders.optional(),
    client_id: word(500),
    popular: word(100).optional().meta({ description: 'Id of the popular configuration that the client ID is from; its redirect takes the place of your own' }),
    client_auth: z.enum(clientAuths).optional().meta({ description: "The provider's first method that fits what is given, unless told" }),
    client_secret: secret('The client secret.').optional(),
    private_key: secret('A private key, PKCS #8 in PEM form.', 20_000).optional(),
    private_key_id: word(500).optional(),
    certificate: text(20_000).optional().meta({ description: 'The certificate of the private key, in PEM form' }),
    secret_expires_at: time.optional().meta({ description: 'When the secret expires at the provider, so that somebody is told in time' }),
  })
  .meta({ id: 'NewRegistration' })

const registrationChange = newRegistration
  .omit({ provider: true, popular: true })
  .partial()
  .meta({ id: 'RegistrationChange', description: 'A field left out stays as it is' })

const registration = z
  .object({
    id: z.string(),
    name: z.string(),
    provider: named,
    placeholders: z.record(z.string(), z.string()),
    client_id: z.string(),
    client_auth: z.enum(clientAuths),
    has_client_secret: z.boolean(),
    has_private_key: z.boolean(),
    private_key_id: z.string().nullable(),
    certificate: z.object({ thumbprint: z.string(), expires_at: time }).nullable(),
    secret_expires_at: optionalTime,
    redirect_uri: z.string().meta({ description: 'What to register at the provider, exactly as it stands' }),
    own_redirect: z.boolean().meta({ description: 'Whether browsers come back here by it; otherwise the answer is pasted by hand' }),
    credentials: count,
    created_at: time,
    updated_at: time,
    revision: z.int(),
  })
  .meta({ id: 'Registration', description: 'An OAuth client registration; never its secrets' })

const params = z.strictObject({ registration: ref('registration') })

export const registrationEndpoints = [
  endpoint({
    id: 'listRegistrations',
    method: 'GET',
    path: '/v1/registrations',
    tag: 'Registrations',
    summary: 'Lists the registrations.',
    permission: { administration: 'manage' },
    audit: null,
    query: z.strictObject(pageQuery),
    status: 200,
    kind: 'json',
    reply: page(registration).meta({ id: 'RegistrationPage' }),
  }),
  endpoint({
    id: 'createRegistration',
    method: 'POST',
    path: '/v1/registrations',
    tag: 'Registrations',
    summary: 'Makes a registration.',
    permission: { administration: 'manage' },
    audit: 'registration.created',
    body: newRegistration,
    takesIdempotencyKey: true,
    status: 201,
    kind: 'json',
    reply: registration,
    hasEtag: true,
    problems: ['name_taken', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'getRegistration',
    method: 'GET',
    path: '/v1/registrations/{registration}',
    tag: 'Registrations',
    summary: 'Shows a registration.',
    permission: { administration: 'manage' },
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: registration,
    hasEtag: true,
  }),
  endpoint({
    id: 'changeRegistration',
    method: 'PATCH',
    path: '/v1/registrations/{registration}',
    tag: 'Registrations',
    summary: 'Changes a registration.',
    description:
      'A new secret makes every credential that waits for it try again. Another client ID or placeholder removes the stored secret, unless it is given again.',
    permission: { administration: 'manage' },
    audit: 'registration.changed',
    params,
    body: registrationChange,
    takesIfMatch: true,
    status: 200,
    kind: 'json',
    reply: registration,
    hasEtag: true,
    problems: ['name_taken', 'changed_meanwhile'],
  }),
  endpoint({
    id: 'getProviderUpdate',
    method: 'GET',
    path: '/v1/registrations/{registration}/provider',
    tag: 'Registrations',
    summary: 'Says what is known now of the provider of a registration, beside what it keeps.',
    description: 'A registration keeps the addresses that it was made with, until a person accepts others.',
    permission: { administration: 'manage' },
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: z
      .object({
        kept_version: z.int(),
        version: z.int().nullable().meta({ description: 'null: the provider is not known any more' }),
        digest: z.string().nullable().meta({ description: 'Names this change when it is accepted; null: nothing is different' }),
        differences: z.array(z.object({ field: z.string(), before: z.string().nullable(), after: z.string().nullable() })),
        moves_secrets: z.boolean().meta({ description: 'Whether secrets would go to servers that they were not entered for' }),
      })
      .meta({ id: 'ProviderUpdate' }),
  }),
  endpoint({
    id: 'acceptProviderUpdate',
    method: 'POST',
    path: '/v1/registrations/{registration}/provider',
    tag: 'Registrations',
    summary: 'Accepts what is known now of the provider of a registration.',
    description: 'Where secrets would go to other servers, the stored ones are removed unless they are given again, and accounts have to be connected again.',
    permission: { administration: 'manage' },
    audit: 'registration.changed',
    params,
    body: z
      .strictObject({
        digest: word(100).meta({ description: 'Of the change that was shown' }),
        client_secret: secret('The client secret.').optional(),
        private_key: secret('A private key, PKCS #8 in PEM form.', 20_000).optional(),
      })
      .meta({ id: 'AcceptedUpdate' }),
    status: 200,
    kind: 'json',
    reply: registration,
    hasEtag: true,
    problems: ['changed_meanwhile'],
  }),
  endpoint({
    id: 'deleteRegistration',
    method: 'DELETE',
    path: '/v1/registrations/{registration}',
    tag: 'Registrations',
    summary: 'Deletes a registration that no credential uses.',
    permission: { administration: 'manage' },
    audit: 'registration.deleted',
    params,
    status: 204,
    kind: 'nothing',
    problems: ['in_use'],
  }),
] as const
