import { z } from 'zod'
import { grantNames, providerSchema } from '../providers/provider-schema.ts'
import { endpoint } from './endpoint.ts'
import { flag, named, page, pageQuery, word } from './schemas.ts'

const description = providerSchema.meta({ id: 'Provider', description: 'The whole description of a provider, defaults filled in' })
const newDescription = providerSchema.meta({ id: 'NewProvider', description: 'A description of a provider; what has a default may be left out' })

const provider = z
  .object({
    id: z.string(),
    name: z.string(),
    own: z.boolean().meta({ description: 'Made by a person here, not from the catalogue' }),
    category: z.string().nullable(),
    docs_url: z.string().nullable(),
    grants: z.array(z.string()),
    client_auths: z.array(z.string()),
    placeholders: z.array(z.string()),
    version: z.int().meta({ description: 'Grows with every change of its facts' }),
    domains: z.array(z.string()).meta({ description: 'Of mail addresses that belong to it' }),
    sends_mail: z.boolean().meta({ description: 'Whether mail is sent with its tokens by SMTP' }),
    sources: z.int().nullable().meta({ description: 'How many independent public programs name the same addresses' }),
  })
  .meta({ id: 'ProviderSummary' })

const providerDetails = z
  .object({ id: z.string(), name: z.string(), own: z.boolean(), revision: z.int().nullable().meta({ description: 'Of an own provider' }), description })
  .meta({ id: 'ProviderDetails' })

const params = z.strictObject({ provider: word(100).meta({ description: 'Id of the provider' }) })

const popular = z
  .object({
    id: z.string(),
    app: z.string().meta({ description: 'Whose identity the consent page shows' }),
    variant: z.string().nullable(),
    repository: z.string(),
    source: z.string().meta({ description: 'Where its publisher keeps it: repository and file' }),
    seen: z.string().meta({ description: 'The day on which somebody last looked there' }),
    provider: named,
    placeholders: z.record(z.string(), z.string()),
    purposes: z.array(z.string()),
    client_id: z.string(),
    redirect_uri: z.string().nullable(),
    redirect: z.enum(['loopback', 'provider_page', 'none']),
    ways: z.array(z.enum(['paste', 'device'])).meta({ description: 'How it can be connected from here' }),
    needs_secret: z.boolean().meta({ description: 'Whether a client secret belongs to it, which you would look up at its source' }),
    scopes: z.array(z.string()),
    statement: z.string().meta({ description: 'What its publisher says about use by others' }),
  })
  .meta({ id: 'PopularConfiguration' })

export const providerEndpoints = [
  endpoint({
    id: 'listPopularConfigurations',
    method: 'GET',
    path: '/v1/popular-configurations',
    tag: 'Providers',
    summary: 'Lists client registrations that well-known applications publish in their sources.',
    description: 'They are theirs, not yours, and may stop working any day: register one of your own first. Off unless the settings say otherwise.',
    permission: { administration: 'manage' },
    audit: null,
    status: 200,
    kind: 'json',
    reply: z.object({ enabled: z.boolean(), items: z.array(popular) }).meta({ id: 'PopularConfigurations' }),
  }),
  endpoint({
    id: 'listProviders',
    method: 'GET',
    path: '/v1/providers',
    tag: 'Providers',
    summary: 'Lists the providers, your own and those of the catalogue, by name.',
    permission: 'any',
    audit: null,
    query: z.strictObject({
      search: word(200).optional().meta({ description: 'Words that are all in the id, the name, the category or a mail domain' }),
      category: word(50).optional(),
      grant: z.enum(grantNames).optional(),
      ...pageQuery,
    }),
    status: 200,
    kind: 'json',
    reply: page(provider).meta({ id: 'ProviderPage' }),
  }),
  endpoint({
    id: 'detectProvider',
    method: 'GET',
    path: '/v1/mail-domains/{domain}/providers',
    tag: 'Providers',
    summary: 'Proposes the provider of a mail domain.',
    description: 'By its name. Only when asked for, the name servers are asked who takes its mail.',
    permission: 'any',
    audit: null,
    params: z.strictObject({ domain: word(253).meta({ description: 'What stands behind the at sign of a mail address' }) }),
    query: z.strictObject({ look_up: flag.optional().meta({ description: 'Whether name servers may be asked' }) }),
    status: 200,
    kind: 'json',
    reply: z
      .object({
        domain: z.string(),
        items: z.array(z.object({ provider, by: z.enum(['domain', 'mail_exchanger']) })),
        mail_exchangers: z.array(z.string()).nullable().meta({ description: 'null when nobody was asked' }),
        password_mail: z
          .object({
            name: z.string(),
            host: z.string(),
            port: z.int(),
            tls: z.enum(['implicit', 'starttls']),
            login: z.enum(['address', 'local_part']).meta({ description: 'The user name: the whole address, or what stands before the at sign' }),
            password: z
              .enum(['app', 'account'])
              .meta({ description: 'app: only an app password opens it; account: that of the account, unless a second factor is on' }),
          })
          .nullable()
          .meta({ description: 'The mail server of a service that takes a user name and a password and knows no OAuth 2.0' }),
      })
      .meta({ id: 'DetectedProviders' }),
  }),
  endpoint({
    id: 'createProvider',
    method: 'POST',
    path: '/v1/providers',
    tag: 'Providers',
    summary: 'Makes a provider of your own.',
    permission: { administration: 'manage' },
    audit: 'provider.created',
    body: newDescription,
    takesIdempotencyKey: true,
    status: 201,
    kind: 'json',
    reply: providerDetails,
    problems: ['provider_invalid', 'name_taken', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'getProvider',
    method: 'GET',
    path: '/v1/providers/{provider}',
    tag: 'Providers',
    summary: 'Shows a provider with its endpoints, grants and placeholders.',
    permission: 'any',
    audit: null,
    params,
    status: 200,
    kind: 'json',
    reply: providerDetails,
  }),
  endpoint({
    id: 'replaceProvider',
    method: 'PUT',
    path: '/v1/providers/{provider}',
    tag: 'Providers',
    summary: 'Changes a provider of your own.',
    description: 'Registrations keep the description that they were made with.',
    permission: { administration: 'manage' },
    audit: 'provider.changed',
    params,
    body: newDescription,
    status: 200,
    kind: 'json',
    reply: providerDetails,
    problems: ['provider_invalid'],
  }),
  endpoint({
    id: 'deleteProvider',
    method: 'DELETE',
    path: '/v1/providers/{provider}',
    tag: 'Providers',
    summary: 'Deletes a provider of your own.',
    permission: { administration: 'manage' },
    audit: 'provider.deleted',
    params,
    status: 204,
    kind: 'nothing',
    problems: ['in_use'],
  }),
  endpoint({
    id: 'discoverProvider',
    method: 'POST',
    path: '/v1/providers/discover',
    tag: 'Providers',
    summary: 'Fetches the metadata of an issuer and makes a description of it; nothing is stored.',
    permission: { administration: 'manage' },
    audit: 'provider.discovered',
    body: z
      .strictObject({
        issuer: word(2000).meta({ description: 'Exactly as the provider names itself, such as https://accounts.example.org' }),
        id: word(100).optional().meta({ description: 'Id for the description; made from the host unless told' }),
        name: word(100).optional(),
      })
      .meta({ id: 'Discovery' }),
    status: 200,
    kind: 'json',
    reply: z.object({ description, warnings: z.array(z.string()) }).meta({ id: 'DiscoveredProvider' }),
    problems: ['discovery_failed', 'address_not_allowed', 'outgoing_failed'],
  }),
] as const
