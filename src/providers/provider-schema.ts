import { z } from 'zod'

const text = (max = 300) => z.string().min(1).max(max)
const template = z
  .string()
  .min(1)
  .max(1000)
  .regex(
    /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])[:/]|\{[a-z_]+\}$)/,
    'must begin with https:// (http:// only for loopback), or be one placeholder',
  )
const parameters = z.record(z.string().min(1).max(100), z.string().max(1000))
/** What a description may not say: whose request it is and where it goes, Keybearer says itself. */
const reservedHeader = /^(?:host|authorization|proxy-.*|cookie|content-.*|transfer-encoding|connection|upgrade|te|trailer|expect|forwarded|x-forwarded-.*)$/i
const headers = z.record(
  z
    .string()
    .regex(/^[A-Za-z0-9-]{1,100}$/, 'must be the name of a header')
    .refine((name) => !reservedHeader.test(name), 'is set by Keybearer itself'),
  z
    .string()
    .max(1000)
    .regex(/^[\x20-\x7e]*$/, 'must be one line of printable ASCII'),
)
const seconds = z.number().int().positive()

const placeholder = z.strictObject({
  title: text(),
  meaning: text(1000),
  example: text(),
  /** `part`: one segment of an address; `url`: a whole address. */
  kind: z.enum(['part', 'url']).default('part'),
  /** What the value must look like, as a whole. */
  pattern: text().optional(),
  default: text().optional(),
  where: text(1000).optional(),
})

const mailServer = z.strictObject({
  host: text(),
  port: z.number().int().min(1).max(65_535),
  tls: z.enum(['implicit', 'starttls']),
  mechanisms: z.array(z.enum(['XOAUTH2', 'OAUTHBEARER', 'PLAIN', 'LOGIN'])),
  /** A token is taken here if it has one of these. */
  scopes: z.array(text()).optional(),
})

export const clientAuthMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const
export const grantNames = ['authorization_code', 'device_code', 'client_credentials', 'jwt_bearer'] as const

/**
 * A provider, as its file in `providers/` describes it. Facts only: what differs from the RFCs is said here and read by one
 * engine, so that no provider needs code of its own.
 */
export const providerSchema = z.strictObject({
  $schema: z.string().optional(),
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,60}$/, 'must be lower-case letters, digits and hyphens'),
  /** Grows with every change of the facts; a registration keeps the version it was made with. */
  version: z.number().int().positive(),
  name: text(100),
  category: text(50).optional(),
  docs_url: z.url().optional(),
  console_url: z.url().optional(),
  notes: text(2000).optional(),
  issuer: text(500).optional(),
  discovery_url: template.optional(),
  /** RFC 9207: whether answers carry `iss`. Required also means that an answer without it is refused. */
  iss_parameter: z.enum(['required', 'optional', 'absent']).default('optional'),
  authorization_endpoint: template.optional(),
  /** RFC 9126: where the parameters of an authorization request are sent ahead. */
  pushed_authorization_request_endpoint: template.optional(),
  /** Whether the provider takes no authorization request that was not sent ahead. */
  require_pushed_authorization_requests: z.boolean().default(false),
  token_endpoint: template,
  refresh_endpoint: template.optional(),
  revocation_endpoint: template.optional(),
  device_authorization_endpoint: template.optional(),
  userinfo_endpoint: template.optional(),
  jwks_uri: template.optional(),
  placeholders: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/), placeholder).default({}),
  grants: z.array(z.enum(grantNames)).min(1),
  variants: z.array(z.enum(['standard', 'microsoft_compatible', 'google_compatible'])).default(['standard']),
  client_auth: z.array(z.enum(clientAuthMethods)).min(1),
  /** Id and secret are put into the Basic header as they are, without the encoding of RFC 6749 section 2.3.1. */
  basic_raw: z.boolean().default(false),
  /** What a client assertion names as its audience. */
  assertion_audience: z.enum(['token_endpoint', 'issuer']).default('token_endpoint'),
  scope_separator: z.string().min(1).max(3).default(' '),
  default_scopes: z.array(text(500)).default([]),
  scope_sets: z
    .array(z.strictObject({ title: text(), meaning: text(1000), scopes: z.array(text(500)), grants: z.array(z.enum(grantNames)).optional() }))
    .default([]),
  parameters: z
    .strictObject({ authorize: parameters.default({}), token: parameters.default({}), refresh: parameters.default({}), device: parameters.default({}) })
    .default({ authorize: {}, token: {}, refresh: {}, device: {} }),
  token_request: z.strictObject({ format: z.enum(['form', 'json']).default('form'), headers: headers.default({}) }).default({ format: 'form', headers: {} }),
  /** Where the members of a token answer are found, when not where the RFC puts them: paths such as `data.access_token`. */
  token_answer: z
    .strictObject({
      access_token: z.array(text()).default([]),
      refresh_token: z.array(text()).default([]),
      expires_in: z.array(text()).default([]),
      scope: z.array(text()).default([]),
      expires_in_unit: z.enum(['s', 'ms']).default('s'),
      /** Members to keep for later calls, such as an API host. */
      keep: z.array(text()).default([]),
    })
    .default({ access_token: [], refresh_token: [], expires_in: [], scope: [], expires_in_unit: 's', keep: [] }),
  lifetimes: z
    .strictObject({
      access_token: seconds.optional(),
      refresh_token: seconds.optional(),
      refresh_token_idle: seconds.optional(),
      /** Seconds before its end at which a token may be renewed, where the provider refuses to earlier. */
      earliest_refresh: seconds.optional(),
      remarks: z.array(text(500)).default([]),
    })
    .default({ remarks: [] }),
  /** How a program gets a refresh token here, in one sentence. */
  offline_hint: text(500).optional(),
  account: z
    .strictObject({ claims: z.array(text(100)), subject: text(100).default('sub') })
    .default({ claims: ['email', 'preferred_username', 'upn', 'name'], subject: 'sub' }),
  /** Hosts that tokens may be sent to; `*.` in front stands for every name below. */
  hosts: z.array(text()).default([]),
  mail: z.strictObject({ smtp: z.array(mailServer).default([]), imap: z.array(mailServer).default([]), pop: z.array(mailServer).default([]) }).optional(),
  test_request: z
    .strictObject({ method: z.enum(['GET', 'POST']).default('GET'), url: template, headers: headers.default({}), scopes: z.array(text()).optional() })
    .optional(),
  redirect_rules: z.array(text(500)).default([]),
  revocation_hint: text(1000).optional(),
})

/** A provider's description, checked, with every default filled in. */
export type Provider = z.output<typeof providerSchema>
export type ProviderInput = z.input<typeof providerSchema>
