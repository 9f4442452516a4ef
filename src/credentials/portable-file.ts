import { z } from 'zod'
import { isProblem, type FieldError } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { parseProvider } from '../providers/catalogue.ts'
import type { Provider } from '../providers/provider-schema.ts'
import { damaged, type Draft, type DraftRegistration } from './import-draft.ts'
import { clientAuths, credentialKinds, grantTypes, type CredentialOptions, type ImportedToken } from './types.ts'

// Keybearer's own file, version 1. What it names is what a person could type; everything else in it is refused.

const text = z.string().max(20_000)
const texts = z.array(text).max(1000)
const values = z.record(text, text)
const time = z.iso.datetime({ offset: true })

const options = z.strictObject({
  variant: z.enum(['standard', 'microsoft_compatible', 'google_compatible']).optional(),
  audience: text.optional(),
  resource: texts.optional(),
  act_for: text.optional(),
  placeholders: values.optional(),
  authorize_parameters: values.optional(),
  token_parameters: values.optional(),
  login_hint: text.optional(),
  assumed_lifetime: z.int().optional(),
  consent_lifetime: z.int().optional(),
})

const registration = z.strictObject({
  name: text,
  provider: text,
  placeholders: values.default({}),
  client_id: text,
  client_auth: z.enum(clientAuths),
  private_key_id: text.optional(),
  certificate: text.optional(),
  secret_expires_at: time.optional(),
  client_secret: text.optional(),
  private_key: text.optional(),
})

const accessToken = z.strictObject({
  token: text,
  type: text,
  obtained_at: time.nullable(),
  expires_at: time.nullable(),
  scope: texts.nullable(),
  extra: values.default({}),
})

const credential = z.strictObject({
  name: text,
  kind: z.enum(credentialKinds),
  grant: z.enum(grantTypes).optional(),
  /** The name of one of the registrations of the file. */
  registration: text.optional(),
  description: text.optional(),
  username: text.optional(),
  subject: text.optional(),
  scopes: texts.default([]),
  options: options.default({}),
  allowed_hosts: texts,
  tags: texts.default([]),
  paused: z.boolean().default(false),
  secret: text.optional(),
  refresh_token: text.optional(),
  access_token: accessToken.optional(),
})

const portableFile = z.strictObject({
  format: z.literal('keybearer-export'),
  version: z.literal(1),
  exported_at: time,
  secrets: z.enum(['none', 'included']),
  providers: z.array(z.unknown()).max(1000).default([]),
  registrations: z.array(registration).max(20_000),
  credentials: z.array(credential).max(20_000),
})

export type PortableFile = z.input<typeof portableFile>
export type PortableRegistration = z.input<typeof registration>
export type PortableCredential = z.input<typeof credential>

/** Writes the file as text. */
export const writePortableFile = (file: PortableFile): string => `${JSON.stringify(file, null, 2)}\n`

/**
 * Reads Keybearer's own file.
 *
 * Secrets count only in a file that was encrypted: there nobody could change to whom they belong and where they may go.
 *
 * @throws Problem import_invalid with every place that is wrong
 */
export function readPortableFile(raw: Record<string, unknown>, wasEncrypted: boolean): { drafts: Draft[]; providers: Provider[] } {
  if (typeof raw.version === 'number' && raw.version > 1) {
    throw damaged(
      `The file has version ${raw.version}; this Keybearer reads version 1.`,
      [],
      'Import it with the version of Keybearer that made it, or a newer one.',
    )
  }
  const result = portableFile.safeParse(raw)
  if (!result.success) throw damaged('The file is damaged.', result.error.issues.flatMap(fieldErrors).slice(0, 20))
  const file = result.data
  const errors = [...secretErrors(file, wasEncrypted), ...referenceErrors(file)]
  const providers = file.providers.map((provider, i) => readProvider(provider, `providers.${i}`, errors))
  if (errors.length > 0) throw damaged('The file is damaged.', errors.slice(0, 20))
  const registrations = new Map(file.registrations.map((one) => [one.name, toRegistration(one)]))
  const drafts = file.credentials.map((one, i): Draft => {
    const where = `credentials.${i}`
    const used = one.registration === undefined ? null : registrations.get(one.registration)!
    return { kind: 'credential', where, input: toInput(one), registration: used, notes: file.secrets === 'none' ? [secretsLeftOut] : [] }
  })
  return { drafts, providers: providers.filter((provider) => provider !== null) }
}

const secretsLeftOut = 'The file holds no secrets: enter them, or connect the account.'

type File = z.output<typeof portableFile>

function secretErrors(file: File, wasEncrypted: boolean): FieldError[] {
  const holders = [
    ...file.registrations.map((one, i) => [`registrations.${i}`, one.client_secret ?? one.private_key] as const),
    ...file.credentials.map((one, i) => [`credentials.${i}`, one.secret ?? one.refresh_token ?? one.access_token] as const),
  ].filter(([, secret]) => secret !== undefined)
  if (wasEncrypted || (holders.length === 0 && file.secrets === 'none')) return []
  const message = 'holds a secret in clear text: secrets are taken over from encrypted exports only'
  return [
    ...holders.map(([path]) => ({ path, message })),
    ...(file.secrets === 'included' ? [{ path: 'secrets', message: 'says that the file holds secrets, and it is not encrypted' }] : []),
  ]
}

function referenceErrors(file: File): FieldError[] {
  const errors: FieldError[] = []
  const names = file.registrations.map((one) => one.name)
  for (const [i, name] of names.entries()) if (names.indexOf(name) !== i) errors.push({ path: `registrations.${i}.name`, message: 'came before' })
  const known = new Set(names)
  for (const [i, one] of file.credentials.entries()) {
    if (one.registration !== undefined && !known.has(one.registration)) {
      errors.push({ path: `credentials.${i}.registration`, message: 'names no registration of the file' })
    }
  }
  return errors
}

function readProvider(raw: unknown, path: string, errors: FieldError[]): Provider | null {
  try {
    return parseProvider(raw, path)
  } catch (error) {
    if (!isProblem(error, 'provider_invalid')) throw error
    errors.push(...error.errors.map((one) => ({ path: `${path}.${one.path}`, message: one.message })))
    return null
  }
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.map(String).join('.') || '(top)'
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: `${path}.${key.slice(0, 60)}`, message: 'is not a field of this file' }))
  if (issue.code === 'invalid_type')
    return [{ path, message: issue.input === undefined && /undefined/.test(issue.message) ? 'is needed' : `must be of the type ${issue.expected}` }]
  return [{ path, message: issue.code === 'invalid_value' ? `must be one of ${issue.values.map(String).join(', ')}` : 'is not valid' }]
}

const secretOr = (value: string | undefined): Secret | undefined => (value === undefined ? undefined : new Secret(value))
const given = <Value extends object>(value: Value) =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as { [Key in keyof Value]: Exclude<Value[Key], undefined> }

function toRegistration(one: File['registrations'][number]): DraftRegistration {
  const needsSecret = one.client_auth !== 'none'
  return given({
    name: one.name,
    provider: one.provider,
    placeholders: one.placeholders,
    clientId: one.client_id,
    clientAuth: one.client_auth,
    clientSecret: secretOr(one.client_secret),
    privateKey: secretOr(one.private_key),
    privateKeyId: one.private_key_id,
    certificate: one.certificate,
    secretExpiresAt: one.secret_expires_at === undefined ? undefined : Date.parse(one.secret_expires_at),
    secretLater: needsSecret && one.client_secret === undefined && one.private_key === undefined ? true : undefined,
  })
}

function toInput(one: File['credentials'][number]): Extract<Draft, { kind: 'credential' }>['input'] {
  return given({
    name: one.name,
    kind: one.kind,
    grant: one.grant,
    description: one.description,
    username: one.username,
    subject: one.subject,
    scopes: one.scopes,
    options: toOptions(one.options),
    allowedHosts: one.allowed_hosts,
    tags: one.tags,
    paused: one.paused || undefined,
    secret: secretOr(one.secret),
    refreshToken: secretOr(one.refresh_token),
    accessToken: one.access_token && toToken(one.access_token),
  })
}

function toToken(one: z.output<typeof accessToken>): ImportedToken {
  const at = (value: string | null) => (value === null ? null : Date.parse(value))
  return {
    token: new Secret(one.token),
    tokenType: one.type,
    obtainedAt: at(one.obtained_at),
    expiresAt: at(one.expires_at),
    scope: one.scope,
    extra: one.extra,
  }
}

function toOptions(one: z.output<typeof options>): CredentialOptions {
  return given({
    variant: one.variant,
    audience: one.audience,
    resource: one.resource,
    actFor: one.act_for,
    placeholders: one.placeholders,
    authorizeParameters: one.authorize_parameters,
    tokenParameters: one.token_parameters,
    loginHint: one.login_hint,
    assumedLifetime: one.assumed_lifetime,
    consentLifetime: one.consent_lifetime,
  })
}

/** Returns options as the file writes them. */
export function portableOptions(one: CredentialOptions): NonNullable<PortableCredential['options']> {
  return given({
    variant: one.variant,
    audience: one.audience,
    resource: one.resource,
    act_for: one.actFor,
    placeholders: one.placeholders,
    authorize_parameters: one.authorizeParameters,
    token_parameters: one.tokenParameters,
    login_hint: one.loginHint,
    assumed_lifetime: one.assumedLifetime,
    consent_lifetime: one.consentLifetime,
  })
}
