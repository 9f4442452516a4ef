import { z } from 'zod'
import {
  apiUse,
  besideStep,
  callback,
  callParameters,
  exchangeRequest,
  fields,
  leftOut,
  lookup,
  mailApi,
  mailServer,
  placeholder,
  refreshRequest,
  renamed,
  revocationRequest,
  seconds,
  template,
  testRequest,
  text,
  tokenAnswer,
  tokenRequest,
} from './provider-parts.ts'

export const clientAuthMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const
export const grantNames = ['authorization_code', 'device_code', 'client_credentials', 'jwt_bearer'] as const

const scopeName = text(500)
/** `*.` in front stands for every domain below. */
const mailDomain = z.string().regex(/^(?:\*\.)?(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}$/, 'must be a domain in lower case')
const domain = z.string().regex(/^(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}$/, 'must be a domain in lower case')
/** There is no password grant and no implicit grant, under whatever name. */
const grantType = text(200).refine((value) => !/^(?:password|implicit|token)$/i.test(value), 'is a grant that Keybearer does not use')

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
  /** How many independent public programs name the same addresses. */
  sources: z.number().int().positive().optional(),
  /** Domains of mail addresses that belong to this provider. */
  domains: z.array(mailDomain).default([]),
  /** Ends of the names of mail exchangers that belong to it. */
  mail_exchangers: z.array(domain).default([]),
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
  /** RFC 7636. `hex`: the challenge is written in hexadecimal; `refused`: the provider takes no request with it. */
  pkce: z.enum(['S256', 'hex', 'refused']).default('S256'),
  client_auth: z.array(z.enum(clientAuthMethods)).min(1),
  /** Id and secret are put into the Basic header as they are, without the encoding of RFC 6749 section 2.3.1. */
  basic_raw: z.boolean().default(false),
  /** What stands before and after the colon of the Basic header, where it is not id and secret. */
  basic_pair: z.enum(['id_and_secret', 'secret_only']).default('id_and_secret'),
  /** A client without a secret names itself in a Basic header with an empty password. */
  public_basic: z.boolean().default(false),
  /** What a client assertion names as its audience. */
  assertion_audience: z.enum(['token_endpoint', 'issuer']).default('token_endpoint'),
  /** How assertions are signed with an RSA key. */
  assertion_algorithm: z.enum(['RS256', 'PS256']).default('RS256'),
  /** Further claims of the statement of a service account. */
  assertion_claims: z.record(text(100), z.string().max(500)).default({}),
  scope_separator: z.string().min(1).max(3).default(' '),
  /** The separator stands in the address as it is, not encoded. */
  scope_separator_raw: z.boolean().default(false),
  default_scopes: z.array(scopeName).default([]),
  /** What single scopes allow, in plain words. */
  scopes: z.array(z.strictObject({ scope: scopeName, meaning: text(500) })).default([]),
  scope_sets: z
    .array(z.strictObject({ title: text(), meaning: text(1000), scopes: z.array(scopeName), grants: z.array(z.enum(grantNames)).optional() }))
    .default([]),
  /** What is sent as redirect_uri, where the provider wants a name of its own in place of the address. */
  redirect_value: text(500).optional(),
  parameters: callParameters,
  rename: renamed,
  leave_out: leftOut,
  /** The order that the provider wants the parameters of the authorization request in. */
  authorize_order: z.array(text(100)).default([]),
  /** The provider's own names of the grants. */
  grant_types: z
    .strictObject({
      authorization_code: grantType.optional(),
      refresh_token: grantType.optional(),
      device_code: grantType.optional(),
      client_credentials: grantType.optional(),
    })
    .default({}),
  token_request: tokenRequest,
  /** Where a renewal is sent in another way than a code. */
  refresh_request: refreshRequest.optional(),
  /** What a renewal must say once more: `redirect_uri`, `scope`. */
  repeat_on_refresh: z.array(z.enum(['redirect_uri', 'scope'])).default([]),
  revocation_request: revocationRequest,
  exchange: exchangeRequest.optional(),
  lookups: z.array(lookup).default([]),
  callback,
  token_answer: tokenAnswer,
  api: apiUse,
  lifetimes: z
    .strictObject({
      access_token: seconds.optional(),
      refresh_token: seconds.optional(),
      refresh_token_idle: seconds.optional(),
      /** How long a consent lives while the application is in testing at the provider. */
      testing_consent: seconds.optional(),
      /** How long a client secret lives at most. */
      client_secret: seconds.optional(),
      /** Seconds before its end at which a token may be renewed, where the provider refuses to earlier. */
      earliest_refresh: seconds.optional(),
      remarks: z.array(text(500)).default([]),
    })
    .default({ remarks: [] }),
  /** What becomes of the refresh token with a renewal: it is replaced, it stays, either, or there is none. */
  refresh_token: z.enum(['rotates', 'stays', 'may_rotate', 'none', 'unknown']).default('unknown'),
  /** How a program gets a refresh token here, in one sentence. */
  offline_hint: text(500).optional(),
  /** Whose account it is. `openid`: ID token or user info; `userinfo`: user info in any case; `token_answer`, `callback`: said there. */
  account: z
    .strictObject({
      claims: z.array(text(100)).default(['email', 'preferred_username', 'upn', 'name']),
      subject: text(100).default('sub'),
      source: z.enum(['openid', 'userinfo', 'token_answer', 'callback']).default('openid'),
    })
    .prefault({}),
  /** Hosts that tokens may be sent to; `*.` in front stands for every name below. */
  hosts: z.array(text()).default([]),
  mail: z.strictObject({ smtp: z.array(mailServer).default([]), imap: z.array(mailServer).default([]), pop: z.array(mailServer).default([]) }).optional(),
  mail_apis: z.array(mailApi).default([]),
  test_request: testRequest.optional(),
  redirect_rules: z.array(text(500)).default([]),
  revocation_hint: text(1000).optional(),
  fields: fields.default({}),
  /** Which pages of docs/guide stand beside which steps of the wizard. */
  guides: z.array(besideStep).default([]),
})

/** A provider's description, checked, with every default filled in. */
export type Provider = z.output<typeof providerSchema>
export type ProviderInput = z.input<typeof providerSchema>
