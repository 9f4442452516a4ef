import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { Problem, type FieldError } from '../base/problem.ts'
import { nameKey, type NewCredentialRow } from '../storage/credential-derived.ts'
import { insertCredential } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { Row, Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import { credentialErrors, optionErrors, refuseHostsBeyond } from './credential-check.ts'
import { isThreeLegged, nextSteps, pausedReason, statusColumns, statusOfWorking, workingFacts } from './credential-status.ts'
import { fromGoogleJson } from './google-json.ts'
import { cleanName, nameErrors } from './names.ts'
import { providerHosts } from './provider-of.ts'
import type { Registrations } from './registrations.ts'
import { credentialPlace, writeStoredSecret, type StoredSecret } from './token-set.ts'
import type { Limits, NewCredential } from './types.ts'

/** Makes a credential, and its registration if that is new; returns its id. */
export async function createCredential(
  context: CredentialContext,
  registrations: Registrations,
  input: NewCredential,
  actor: Actor,
  limits: Limits,
): Promise<string> {
  const wanted = input.googleJson === undefined ? input : fromGoogleJson(input, input.googleJson)
  const inline = typeof wanted.registration === 'object' ? await registrations.prepare(wanted.registration) : null
  const existing = typeof wanted.registration === 'string' ? await registrations.find(wanted.registration) : null
  const errors = newCredentialErrors(wanted)
  if (errors.length > 0) throw new Problem('invalid_request', 'The credential cannot be made like this.', { errors })
  if (existing) {
    const usual = providerHosts(context, existing, wanted.options?.placeholders)
    if (limits.mayWidenHosts === false && wanted.kind === 'oauth2') refuseHostsBeyond(usual, wanted.allowedHosts ?? [])
  }

  const { db, clock } = context
  const now = clock.now()
  const id = newId('cred', now)
  await inTransaction(db, async (trx) => {
    const registration = inline ? await registrations.insert(trx, inline, actor) : existing
    const row = await newCredentialRow(context, trx, { id, generation: 1 }, wanted, registration, now)
    await insertNamed(trx, row)
    await context.audit.append(trx, [
      { actor, action: 'credential.created', subject: id, subjectName: row.name, outcome: 'done', detail: { kind: wanted.kind, grant: wanted.grant ?? null } },
    ])
    await appendEvents(trx, clock, [{ type: 'credential.created', subject: id, data: { name: row.name, status: row.status } }])
  })
  await context.wake()
  return id
}

/** Returns everything that is wrong with a new credential, wherever it comes from. */
export function newCredentialErrors(input: NewCredential): FieldError[] {
  return [...nameErrors(input.name), ...credentialErrors(input), ...optionErrors(input.options ?? {})]
}

/** @throws Problem name_taken */
export async function insertNamed(trx: Transaction<Tables>, row: NewCredentialRow): Promise<void> {
  try {
    await insertCredential(trx, row)
  } catch (error) {
    if (isUniqueViolation(error)) throw new Problem('name_taken', `There is already a credential "${row.name}".`)
    throw error
  }
}

/** Makes the row of a new credential and seals its secret for this place. */
export async function newCredentialRow(
  context: CredentialContext,
  trx: Transaction<Tables>,
  place: { id: string; generation: number },
  input: NewCredential,
  registration: RegistrationRow | null,
  now: number,
): Promise<NewCredentialRow> {
  const stored = firstSecret(input)
  const generation = stored === null ? place.generation - 1 : place.generation
  const refreshable = stored?.kind === 'oauth2' && stored.refreshToken !== null
  const hosts = input.allowedHosts ?? (registration ? providerHosts(context, registration, input.options?.placeholders) : [])
  const row: NewCredentialRow = {
    id: place.id,
    name: cleanName(input.name),
    name_key: nameKey(cleanName(input.name)),
    kind: input.kind,
    grant_type: input.kind === 'oauth2' ? (input.grant ?? null) : null,
    registration_id: registration?.id ?? null,
    description: input.description ?? '',
    username: input.username ?? null,
    subject: input.subject ?? null,
    scopes: JSON.stringify(input.scopes ?? []),
    options: JSON.stringify(input.options ?? {}),
    allowed_hosts: JSON.stringify(hosts),
    tags: JSON.stringify(input.tags ?? []),
    status: 'incomplete',
    status_reason: null,
    status_since: now,
    paused: 0,
    secret: stored === null ? null : await context.vault.seal(dataKeysOf(trx), credentialPlace(place.id, generation), writeStoredSecret(stored)),
    generation,
    has_refresh_token: refreshable ? 1 : 0,
    token_obtained_at: refreshable ? null : (input.accessToken?.obtainedAt ?? null),
    token_expires_at: refreshable ? null : (input.accessToken?.expiresAt ?? null),
    refresh_token_expires_at: null,
    refresh_token_slides: 0,
    warn_at: now,
    warned: null,
    granted_scopes: input.accessToken?.scope == null ? null : JSON.stringify(input.accessToken.scope),
    // Without a person: the scheduler fetches the first token at once.
    refresh_due_at: input.kind === 'oauth2' && (refreshable || !isThreeLegged(input.grant ?? null)) ? now : null,
    failures: 0,
    lease: null,
    lease_until: null,
    last_used_at: null,
    last_used_by: null,
    last_use_outcome: null,
    last_success_at: null,
    created_at: now,
    updated_at: now,
    revision: 1,
  }
  const next = refreshable
    ? { status: 'incomplete' as const, reason: { code: 'no_token_yet', message: 'The first token has not been fetched yet.', nextStep: nextSteps.retry } }
    : statusOfWorking(workingFacts(row as Row<'credentials'>, registration?.secret_expires_at ?? null), now)
  const paused = input.paused === true ? { paused: 1, status: 'paused', status_reason: JSON.stringify({ ...pausedReason, before: next }) } : {}
  return { ...row, ...statusColumns({ status: row.status, status_since: now, paused: 0, status_reason: null }, next, now), ...paused }
}

function firstSecret(input: NewCredential): StoredSecret | null {
  if (input.kind === 'api_key') return input.secret ? { kind: 'api_key', apiKey: input.secret } : null
  if (input.kind === 'basic') return input.secret ? { kind: 'basic', password: input.secret } : null
  const { refreshToken, accessToken } = input
  if (refreshToken === undefined && accessToken === undefined) return null
  return {
    kind: 'oauth2',
    // A refresh token brings a newer one at once; an access token alone is all there is.
    accessToken: refreshToken === undefined ? (accessToken?.token ?? null) : null,
    tokenType: accessToken?.tokenType ?? 'Bearer',
    refreshToken: refreshToken ?? null,
    extra: accessToken?.extra ?? {},
  }
}
