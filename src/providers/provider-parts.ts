import { z } from 'zod'

export const text = (max = 300) => z.string().min(1).max(max)

export const template = z
  .string()
  .min(1)
  .max(1000)
  .regex(
    /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])[:/]|\{[a-z_]+\}$)/,
    'must begin with https:// (http:// only for loopback), or be one placeholder',
  )

export const parameters = z.record(z.string().min(1).max(100), z.string().max(1000))

/** What a description may not say: whose request it is and where it goes, Keybearer says itself. */
const reservedHeader = /^(?:host|authorization|proxy-.*|cookie|content-.*|transfer-encoding|connection|upgrade|te|trailer|expect|forwarded|x-forwarded-.*)$/i
const headerName = z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'must be the name of a header')
const headerText = z
  .string()
  .max(1000)
  .regex(/^[\x20-\x7e]*$/, 'must be one line of printable ASCII')

export const headers = z.record(
  headerName.refine((name) => !reservedHeader.test(name), 'is set by Keybearer itself'),
  headerText,
)

export const seconds = z.number().int().positive()

/** Where a member of an answer is found: names joined by dots, numbers count in lists. */
const path = text()

export const placeholder = z.strictObject({
  title: text(),
  meaning: text(1000),
  example: text(),
  /** `part`: one segment of an address; `host`: a whole host name, with a port where needed; `url`: a whole address. */
  kind: z.enum(['part', 'host', 'url']).default('part'),
  /** What the value must look like, as a whole. */
  pattern: text().optional(),
  /** The only values that count. */
  values: z.array(text()).min(1).optional(),
  default: text().optional(),
  where: text(1000).optional(),
})

export const mailServer = z.strictObject({
  host: text(),
  port: z.number().int().min(1).max(65_535),
  tls: z.enum(['implicit', 'starttls']),
  mechanisms: z.array(z.enum(['XOAUTH2', 'OAUTHBEARER', 'PLAIN', 'LOGIN'])),
  /** A token is taken here if it has one of these. */
  scopes: z.array(text()).optional(),
})

/** An API that sends mail in place of a mail server. */
export const mailApi = z.strictObject({
  kind: z.enum(['graph', 'gmail']),
  host: text(),
  /** A token is taken here if it has one of these. */
  scopes: z.array(text()).min(1),
})

/** Help beside a field of the wizard. */
const fieldHelp = z.strictObject({
  /** What the provider calls it. */
  title: text().optional(),
  meaning: text(1000).optional(),
  where: text(1000).optional(),
  example: text().optional(),
})

export const fields = z.strictObject({
  client_id: fieldHelp.optional(),
  client_secret: fieldHelp.optional(),
  private_key: fieldHelp.optional(),
  redirect_uri: fieldHelp.optional(),
})

const values = parameters.default({})
const names = z.record(text(100), text(100)).default({})
const list = z.array(text(100)).default([])

/** Parameters that are sent in any case; a value may hold `{placeholders}` and `{client_id}`. `poll` asks for the tokens of a device code. */
export const callParameters = z.strictObject({ authorize: values, token: values, refresh: values, device: values, poll: values, revoke: values }).prefault({})
/** What the provider calls a parameter: from the name in the RFC to its own. */
export const renamed = z.strictObject({ authorize: names, token: names, refresh: names, device: names, poll: names, revoke: names }).prefault({})
/** Parameters of the RFC that the provider refuses. */
export const leftOut = z.strictObject({ authorize: list, token: list, refresh: list, device: list, poll: list, revoke: list }).prefault({})

const format = z.enum(['form', 'json', 'query']).default('form')
const method = z.enum(['POST', 'GET']).default('POST')

/** How a request is sent. Parameters go into the address only where they hold no secret of the client. */
export const tokenRequest = z.strictObject({ method, format, headers: headers.default({}) }).prefault({})

export const refreshRequest = z.strictObject({
  method,
  format,
  headers: headers.default({}),
  /** Whether the client proves who it is here. */
  client: z.boolean().default(true),
  /** `access_token`: the token itself is what renews it. */
  sends: z.enum(['refresh_token', 'access_token']).default('refresh_token'),
  /** `bearer`: it goes into the Authorization header. */
  as: z.enum(['parameter', 'bearer']).default('parameter'),
})

export const revocationRequest = z
  .strictObject({
    method: z.enum(['POST', 'GET', 'DELETE']).default('POST'),
    format,
    headers: headers.default({}),
    /** `client` as in RFC 7009; `client_basic`: by a Basic header in any case; `bearer`: the token itself is the proof, and goes into the header only. */
    proof: z.enum(['client', 'client_basic', 'bearer', 'none']).default('client'),
    tokens: z.enum(['both', 'refresh_token', 'access_token']).default('both'),
  })
  .prefault({})

/** A second trade right after the consent: the token that came is traded for one that lives longer. */
export const exchangeRequest = z.strictObject({
  endpoint: template,
  method,
  format,
  headers: headers.default({}),
  grant_type: text(200),
  /** What the token is called in this request. */
  token: text(100).default('access_token'),
  parameters: parameters.default({}),
  /** Whether the client proves who it is here. */
  client: z.boolean().default(true),
})

/** Asked once after a consent, with the token: facts that later calls need, such as the host of the account. */
export const lookup = z.strictObject({
  method: z.enum(['GET', 'POST']).default('GET'),
  url: template,
  headers: headers.default({}),
  keep: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/), path),
})

/** How the answer through the browser differs from RFC 6749 section 4.1.2. */
export const callback = z
  .strictObject({
    code: text(100).default('code'),
    /** What some providers put behind the code. */
    code_suffix: text(10).optional(),
    /** Where the granted scopes are, when only the redirect names them. */
    scope: text(100).optional(),
    /** Parameters to keep for later calls, such as the id of the account. */
    keep: z.array(text(100)).default([]),
    /** Kept parameters that every token request must send back. */
    send_back: z.array(text(100)).default([]),
    /** The provider's own words for "the person said no". */
    denied: z.array(text(100)).default([]),
    /** The account lives at another host of the provider, and its tokens come from there. */
    token_host: z.strictObject({ parameter: text(100), hosts: z.array(text()).min(1) }).optional(),
  })
  .prefault({})

/** Where the members of a token answer are found, when not where the RFC puts them. */
export const tokenAnswer = z
  .strictObject({
    access_token: z.array(path).default([]),
    refresh_token: z.array(path).default([]),
    expires_in: z.array(path).default([]),
    expires_at: z.array(path).default([]),
    refresh_token_expires_in: z.array(path).default([]),
    scope: z.array(path).default([]),
    expires_in_unit: z.enum(['s', 'ms']).default('s'),
    /** Members to keep for later calls, such as an API host. An address among them counts only at the provider's hosts. */
    keep: z.array(path).default([]),
    /** The provider's words for a bearer token. */
    token_types: z.array(text(60)).default([]),
    /** Members that name an error whenever they are there and neither 0, nor true, nor `ok` or `success`. */
    error: z.array(path).default([]),
    error_description: z.array(path).default([]),
    /** What the provider's own error codes mean. */
    errors: z
      .strictObject({ consent: z.array(text(100)).default([]), client: z.array(text(100)).default([]), retry: z.array(text(100)).default([]) })
      .prefault({}),
  })
  .prefault({})

/** How a token is shown to the provider's API, when not as RFC 6750 section 2.1 says. */
export const apiUse = z
  .strictObject({
    header: headerName.default('authorization'),
    value: headerText.refine((value) => value.includes('{access_token}'), 'must contain {access_token}').default('Bearer {access_token}'),
    headers: headers.default({}),
  })
  .prefault({})

export const testRequest = z.strictObject({
  method: z.enum(['GET', 'POST']).default('GET'),
  url: template,
  headers: headers.default({}),
  /** JSON to send. */
  body: text(2000).optional(),
  scopes: z.array(text()).optional(),
  /** What the answer must say, where a status of 200 says nothing: where the member is, and the text of its value. */
  expect: z.strictObject({ member: path, value: text() }).optional(),
})

export const wizardSteps = ['what', 'client', 'scopes', 'consent', 'name', 'test'] as const

/** A guide, or one of its sections, that helps at some steps of setting a credential up; with some grants or some kinds of client only. */
export const besideStep = z.strictObject({
  guide: z.string().regex(/^[a-z0-9][a-z0-9-]{0,60}$/, 'must be the name of a page in docs/guide, without .md'),
  /** The anchor of a heading in it. */
  section: z
    .string()
    .regex(/^[\p{L}\p{N}_-]{1,100}$/u, 'must be the anchor of a heading')
    .optional(),
  steps: z.array(z.enum(wizardSteps)).min(1),
  grants: z
    .array(z.enum(['authorization_code', 'device_code', 'client_credentials', 'jwt_bearer']))
    .min(1)
    .optional(),
  client_auth: z
    .array(z.enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']))
    .min(1)
    .optional(),
})
