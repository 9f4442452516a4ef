import { Problem, type FieldError } from '../base/problem.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { grantTypes, type CredentialChange, type CredentialOptions, type NewCredential } from './types.ts'

const hostPattern = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::\d{1,5})?$|^\[[0-9a-f:]+\](?::\d{1,5})?$/

/** Returns what is wrong with the fields of a new or changed credential. */
export function credentialErrors(
  input: Partial<Pick<NewCredential, 'grant' | 'registration' | 'description' | 'scopes' | 'allowedHosts' | 'tags' | 'secret' | 'refreshToken'>> & {
    kind: NewCredential['kind']
    username?: string | null
  },
  how: 'new' | 'change' = 'new',
): FieldError[] {
  const errors: FieldError[] = []
  if (how === 'new') errors.push(...kindErrors(input))
  if (input.secret !== undefined && input.kind === 'oauth2') {
    errors.push({ path: 'secret', message: 'is for api_key and basic; the client secret belongs to the registration' })
  }
  const secret = input.secret?.reveal()
  if (secret !== undefined && (secret.length < 1 || secret.length > 16_000 || /[\r\n\0]/.test(secret))) {
    errors.push({ path: 'secret', message: 'must have 1 to 16,000 characters on one line' })
  }
  if (input.description !== undefined && (input.description.length > 2000 || /[\0]/.test(input.description))) {
    errors.push({ path: 'description', message: 'must have at most 2,000 characters' })
  }
  if (input.username != null && (input.username.length > 320 || /\p{Cc}/u.test(input.username))) {
    errors.push({ path: 'username', message: 'must have at most 320 characters and no control characters' })
  }
  input.scopes?.forEach((scope, i) => {
    // RFC 6749 section 3.3: the characters a scope may have, without the space that separates them.
    if (!/^[\x21\x23-\x5b\x5d-\x7e]{1,500}$/.test(scope))
      errors.push({ path: `scopes[${i}]`, message: 'must be one scope without spaces, quotes or backslashes' })
  })
  if ((input.scopes?.length ?? 0) > 200) errors.push({ path: 'scopes', message: 'must have at most 200 entries' })
  input.allowedHosts?.forEach((host, i) => {
    if (!hostPattern.test(host.toLowerCase())) errors.push({ path: `allowed_hosts[${i}]`, message: 'must be a host such as smtp.example.org or *.example.org' })
  })
  input.tags?.forEach((tag, i) => {
    if (tag.length < 1 || tag.length > 50 || /[\p{Cc}",]/u.test(tag))
      errors.push({ path: `tags[${i}]`, message: 'must have 1 to 50 characters without quotes, commas and control characters' })
  })
  return errors
}

function kindErrors(input: Partial<Omit<NewCredential, 'username'>> & { kind: NewCredential['kind']; username?: string | null }): FieldError[] {
  const errors: FieldError[] = []
  if (input.kind === 'oauth2') {
    if (input.grant === undefined) errors.push({ path: 'grant', message: `must be one of ${grantTypes.join(', ')}` })
    if (input.registration === undefined) errors.push({ path: 'registration', message: 'is needed: the id or name of a registration, or a new one' })
    if (input.refreshToken !== undefined && input.grant !== 'authorization_code' && input.grant !== 'device_code') {
      errors.push({ path: 'refresh_token', message: 'is only for grants with a person' })
    }
    return errors
  }
  if (input.grant !== undefined) errors.push({ path: 'grant', message: 'is only for kind oauth2' })
  if (input.registration !== undefined) errors.push({ path: 'registration', message: 'is only for kind oauth2' })
  if (input.refreshToken !== undefined) errors.push({ path: 'refresh_token', message: 'is only for kind oauth2' })
  if (input.kind === 'basic' && (input.username == null || input.username === '' || input.username.includes(':'))) {
    errors.push({ path: 'username', message: 'is needed for kind basic and must not contain a colon' })
  }
  return errors
}

const reservedParameters = new Set([
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'grant_type',
  'code',
  'code_verifier',
  'code_challenge',
  'code_challenge_method',
  'redirect_uri',
  'refresh_token',
  'response_type',
  'state',
  'nonce',
  'device_code',
  'assertion',
  'scope',
])

/** Returns what is wrong with the options of a credential. */
export function optionErrors(options: CredentialOptions): FieldError[] {
  const errors: FieldError[] = []
  const text = (path: string, value: string | undefined) => {
    if (value !== undefined && (value === '' || value.length > 2000 || /\p{Cc}/u.test(value))) {
      errors.push({ path: `options.${path}`, message: 'must have 1 to 2,000 characters and no control characters' })
    }
  }
  text('audience', options.audience)
  text('act_for', options.actFor)
  text('login_hint', options.loginHint)
  options.resource?.forEach((value, i) => text(`resource[${i}]`, value))
  for (const [field, parameters] of [
    ['authorize_parameters', options.authorizeParameters],
    ['token_parameters', options.tokenParameters],
  ] as const) {
    for (const [name, value] of Object.entries(parameters ?? {})) {
      text(`${field}.${name}`, value)
      if (reservedParameters.has(name)) errors.push({ path: `options.${field}.${name}`, message: 'is set by Keybearer itself' })
    }
  }
  if (
    options.assumedLifetime !== undefined &&
    !(Number.isInteger(options.assumedLifetime) && options.assumedLifetime >= 30 && options.assumedLifetime <= 31_536_000)
  ) {
    errors.push({ path: 'options.assumed_lifetime', message: 'must be 30 to 31,536,000 seconds' })
  }
  if (
    options.consentLifetime !== undefined &&
    !(Number.isInteger(options.consentLifetime) && options.consentLifetime >= 3600 && options.consentLifetime <= 315_360_000)
  ) {
    errors.push({ path: 'options.consent_lifetime', message: 'must be 3,600 to 315,360,000 seconds' })
  }
  return errors
}

/**
 * Returns whether a change would let the stored secret be sent elsewhere, or as somebody else, than it was entered for. The
 * secret has to be entered again then.
 */
export function secretIsBoundTo(before: CredentialWithRegistration, patch: CredentialChange, registrationId: string | null): boolean {
  if (before.secret === null) return false
  if (registrationId !== null && registrationId !== before.registration_id) return true
  if (before.kind === 'oauth2') {
    const old = JSON.parse(before.options) as CredentialOptions
    if (patch.options === undefined) return false
    const bound = (options: CredentialOptions) => JSON.stringify([options.placeholders ?? {}, options.actFor ?? null])
    return bound(old) !== bound(patch.options)
  }
  if (before.kind === 'basic' && patch.username !== undefined && patch.username !== before.username) return true
  const had = JSON.parse(before.allowed_hosts) as string[]
  return patch.allowedHosts?.some((host) => !isAllowedHost(host, had)) ?? false
}

/** @throws Problem not_allowed when a host is none of those that tokens go to already */
export function refuseHostsBeyond(usual: string[], hosts: string[]): void {
  const further = hosts.find((host) => !isAllowedHost(host, usual))
  if (further === undefined) return
  throw new Problem('not_allowed', `Only a key that may read the token may allow it to be sent to ${further}.`, {
    nextStep: 'Use a key with the right "token" on this credential; for a new credential of an existing registration, on all of them.',
  })
}

/** Returns whether a host is on the list; `*.example.org` stands for every name below example.org. */
export function isAllowedHost(host: string, allowed: string[]): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return allowed.some((entry) => {
    const pattern = entry.toLowerCase()
    if (pattern === name) return true
    return pattern.startsWith('*.') && name.length > pattern.length - 1 && name.endsWith(pattern.slice(1)) && !name.startsWith('*.')
  })
}
