import type {
  Credential,
  CredentialChange,
  CredentialOptions,
  NewCredential,
  NewRegistration,
  Provider,
  Registration,
  RegistrationChange,
} from '@keybearer/client'
import { draftOf, readLines, wantsSecret, type Draft } from './draft.ts'
import { flows, grantOf } from './flow.ts'

/** Makes what is sent for a new credential, and for its registration where that is new. */
export function toNewCredential(draft: Draft, provider: Provider | null): NewCredential {
  const common = withoutEmpty({ name: draft.name.trim(), kind: draft.kind, description: draft.description, username: draft.username.trim(), tags: draft.tags })
  if (draft.kind !== 'oauth2') return { ...common, allowed_hosts: draft.hosts, ...withoutEmpty({ secret: draft.secret }) }
  const oauth2 = { ...common, scopes: draft.scopes, ...(draft.hosts.length > 0 ? { allowed_hosts: draft.hosts } : {}), options: toOptions(draft, {}) }
  if (draft.file !== null) {
    return { ...oauth2, google_json: draft.file.content, registration: { name: registrationName(draft), provider: 'google', client_id: draft.file.clientId } }
  }
  return { ...oauth2, grant: grantOf(draft.flow, provider), registration: draft.registration !== '' ? draft.registration : toNewRegistration(draft, provider) }
}

const registrationName = (draft: Draft): string => draft.registrationName.trim() || draft.name.trim()

function toNewRegistration(draft: Draft, provider: Provider | null): NewRegistration {
  const auth = effectiveAuth(draft, provider)
  return {
    name: registrationName(draft),
    provider: draft.provider,
    client_id: draft.clientId.trim(),
    ...withoutEmpty({ popular: draft.source === 'popular' ? draft.popular : '' }),
    ...(Object.keys(filled(draft.placeholders)).length > 0 ? { placeholders: filled(draft.placeholders) } : {}),
    client_auth: auth,
    ...(wantsSecret(auth) ? withoutEmpty({ client_secret: draft.clientSecret.trim() }) : {}),
    ...(needsKey(draft, provider)
      ? withoutEmpty({ private_key: draft.privateKey, private_key_id: draft.privateKeyId.trim(), certificate: draft.certificate })
      : {}),
    ...withoutEmpty({ secret_expires_at: endOfDay(draft.secretExpiresAt) }),
  }
}

/** The client authentication that is meant where none was chosen: a key for signed flows, else what the provider names first. */
export function effectiveAuth(draft: Draft, provider: Provider | null): Registration['client_auth'] {
  if (draft.clientAuth !== '') return draft.clientAuth
  if (flows[draft.flow].grant === 'jwt_bearer') return 'private_key_jwt'
  const offered = provider?.client_auth ?? ['client_secret_basic']
  return offered.find((auth) => wantsSecret(auth)) ?? offered[0] ?? 'client_secret_basic'
}

/** Whether a private key has to be entered: to prove who asks, or to sign for a service account. */
export const needsKey = (draft: Draft, provider: Provider | null): boolean =>
  effectiveAuth(draft, provider) === 'private_key_jwt' || flows[draft.flow].grant === 'jwt_bearer'

/** Options as they are stored; what this page does not show stays as it was. */
export function toOptions(draft: Draft, before: CredentialOptions): CredentialOptions {
  const { variant } = flows[draft.flow]
  const authorize = readLines(draft.authorizeParameters) ?? {}
  const token = readLines(draft.tokenParameters) ?? {}
  const consent = Number.parseInt(draft.consentLifetime, 10)
  const seconds = Number.parseInt(draft.assumedLifetime, 10)
  return {
    ...(before.placeholders === undefined ? {} : { placeholders: before.placeholders }),
    ...(variant === null ? {} : { variant }),
    ...withoutEmpty({ audience: draft.audience.trim(), act_for: draft.actFor.trim(), login_hint: draft.loginHint.trim() }),
    ...(draft.resource.length > 0 ? { resource: draft.resource } : {}),
    ...(Object.keys(authorize).length > 0 ? { authorize_parameters: authorize } : {}),
    ...(Object.keys(token).length > 0 ? { token_parameters: token } : {}),
    ...(Number.isNaN(consent) ? {} : { consent_lifetime: consent }),
    ...(Number.isNaN(seconds) ? {} : { assumed_lifetime: seconds }),
  }
}

/** What is stored, as the person saw it when he began. */
export type Stored = { credential: Credential; registration: Registration | null }

/** Makes the change of a credential: only what differs from what the person saw. */
export function toCredentialChange(draft: Draft, stored: Stored): CredentialChange {
  const { credential } = stored
  const before = draftOf(credential, stored.registration)
  const change: CredentialChange = {}
  if (draft.name.trim() !== before.name) change.name = draft.name.trim()
  if (draft.description !== before.description) change.description = draft.description
  if (draft.username.trim() !== before.username) change.username = draft.username.trim() === '' ? null : draft.username.trim()
  if (differs(draft.tags, before.tags)) change.tags = draft.tags
  if (differs(draft.hosts, before.hosts)) change.allowed_hosts = draft.hosts
  if (draft.kind !== 'oauth2') {
    if (draft.secret !== '') change.secret = draft.secret
    return change
  }
  if (draft.registration !== before.registration && draft.registration !== '') change.registration = draft.registration
  if (differs(draft.scopes, before.scopes)) change.scopes = draft.scopes
  if (differs(toOptions(draft, credential.options), toOptions(before, credential.options))) change.options = toOptions(draft, credential.options)
  return change
}

/** Makes the change of the credential's registration, if it is still the same one. */
export function toRegistrationChange(draft: Draft, stored: Stored): RegistrationChange {
  const { registration } = stored
  if (registration === null || draft.registration !== registration.id) return {}
  const before = draftOf(stored.credential, registration)
  const change: RegistrationChange = {}
  if (draft.clientId.trim() !== before.clientId) change.client_id = draft.clientId.trim()
  if (draft.clientAuth !== '' && draft.clientAuth !== before.clientAuth) change.client_auth = draft.clientAuth
  if (differs(filled(draft.placeholders), filled(before.placeholders))) change.placeholders = filled(draft.placeholders)
  if (draft.clientSecret.trim() !== '') change.client_secret = draft.clientSecret.trim()
  if (draft.privateKey.trim() !== '') change.private_key = draft.privateKey
  if (draft.certificate.trim() !== '') change.certificate = draft.certificate
  if (draft.privateKeyId.trim() !== before.privateKeyId && draft.privateKeyId.trim() !== '') change.private_key_id = draft.privateKeyId.trim()
  const end = endOfDay(draft.secretExpiresAt)
  if (draft.secretExpiresAt !== before.secretExpiresAt && end !== '') change.secret_expires_at = end
  return change
}

/**
 * Says which stored secret a change would remove, and why: it was entered for another user, host, tenant or client. Null
 * when everything stays.
 */
export function removedSecret(draft: Draft, stored: Stored): string | null {
  const { credential, registration } = stored
  const change = toCredentialChange(draft, stored)
  if (credential.kind !== 'oauth2') {
    if (!credential.has_secret || change.secret !== undefined) return null
    const what = credential.kind === 'api_key' ? 'API key' : 'password'
    if (credential.kind === 'basic' && change.username !== undefined) return `The stored ${what} was entered for another user.`
    const added = change.allowed_hosts?.find((host) => !credential.allowed_hosts.includes(host))
    return added === undefined ? null : `The stored ${what} was not entered for ${added}.`
  }
  const further = toRegistrationChange(draft, stored)
  const identity = further.client_id !== undefined || further.placeholders !== undefined
  if (identity && registration !== null) {
    const kept = (registration.has_client_secret && further.client_secret === undefined) || (registration.has_private_key && further.private_key === undefined)
    if (kept) return 'The stored client secret was entered for another client or address.'
    if (credential.has_secret) return 'The stored tokens belong to another client or address.'
  }
  if (!credential.has_secret) return null
  if (change.registration !== undefined) return 'The stored tokens belong to the other registration.'
  return change.options !== undefined && (change.options.act_for ?? '') !== (credential.options.act_for ?? '')
    ? 'The stored tokens were got for another mailbox.'
    : null
}

export const isChange = (change: object): boolean => Object.keys(change).length > 0

const differs = (one: unknown, other: unknown): boolean => JSON.stringify(one) !== JSON.stringify(other)

const filled = (values: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values)
      .map(([name, value]) => [name, value.trim()] as const)
      .filter(([, value]) => value !== '')
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  )

/** A secret works through the day that the provider names. */
const endOfDay = (day: string): string => (/^\d{4}-\d{2}-\d{2}$/.test(day) ? `${day}T23:59:59Z` : '')

function withoutEmpty<Fields extends Record<string, unknown>>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0))) as Fields
}
