import type { Actor } from '../base/actor.ts'
import { isProblem, type Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import type { AuditEntry } from '../access/audit.ts'
import type { EventType } from '../base/events.ts'
import type { TokenOutcome } from '../oauth/token-endpoint.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { moveConsent } from '../storage/consents.ts'
import { lockCredential, updateCredential } from '../storage/credentials.ts'
import { readRestored } from '../storage/backup-facts.ts'
import type { DataKeyStore } from '../base/vault.ts'
import { appendEvents, type NewEvent } from '../storage/events.ts'
import { deleteAttempt, markAttempt } from '../storage/refresh-attempts.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { Row, RowUpdate } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { identifyAccount, type Account } from './account.ts'
import type { Surface } from '../base/diagnosis.ts'
import type { CredentialContext } from './context.ts'
import { isBroken, isThreeLegged, knownEnd, nextEnd, nextSteps, statusColumns, statusOfWorking, workingFacts, type Reason } from './credential-status.ts'
import { classifyFailure } from './diagnosis.ts'
import { missingScopes } from './credential-view.ts'
import type { Reach } from './destination.ts'
import { lookUpFacts, trustedFacts } from './exchange.ts'
import { backoff, planRefresh } from './refresh-plan.ts'
import { dateOf, isFromBackup } from './restored.ts'
import { credentialPlace, readStoredSecret, writeStoredSecret, type StoredSecret } from './token-set.ts'
import type { CredentialOptions, CredentialStatus, NextStep } from './types.ts'

/** How long it takes at most until it is noticed that the clock is right again. */
const clockRetry = 60_000

/** What asking the token endpoint came to; `local`: our own side could not even ask. */
export type AskOutcome =
  | Exclude<TokenOutcome, { kind: 'unavailable' }>
  | {
      kind: 'unavailable'
      reason: string
      retryAfter: number | null
      /** false: certainly nothing reached the provider */ sent?: boolean
      /** What the connection failed of. */ words?: string
    }
  | { kind: 'local'; problem: Problem }
  /** Nothing was signed, or nothing that is believed: the clocks are too far apart. */
  | { kind: 'clock'; problem: Problem }

export type Settlement =
  | { kind: 'granted'; generation: number; accessToken: Secret; tokenType: string; expiresAt: number | null; obtainedAt: number; scope: string[] | null }
  | { kind: 'refused'; status: CredentialStatus; reason: Reason }
  | { kind: 'unavailable'; reason: Reason; retryAt: number }
  | { kind: 'account_mismatch'; reason: Reason }
  | { kind: 'device_waits'; slower: boolean }
  | { kind: 'changed_meanwhile' }

export type ToSettle = {
  row: Row<'credentials'>
  registration: RegistrationRow
  provider: ResolvedProvider
  attempt: string
  lease: string
  grantType: string
  outcome: AskOutcome
  startedAt: number
  repeated: number
  actor: Actor
  consentId: string | undefined
  allowOtherAccount: boolean
  /** What the ID token of this consent must carry. */
  nonce: string | null
  warning: string | null
  /** The credential's data key. */
  keys: DataKeyStore
  /** The secret that the request was made with, if it was opened for it. */
  stored: (StoredSecret & { kind: 'oauth2' }) | null
}

/**
 * Commits what the provider decided: the new token set or the new status, the audit record and the event, in one
 * transaction, and only if the credential still has the token set that the request was made with.
 */
export async function settle(context: CredentialContext, work: ToSettle): Promise<Settlement> {
  const { outcome } = work
  switch (outcome.kind) {
    case 'granted':
      return await settleGranted(context, work, outcome)
    case 'pending':
    case 'slow_down':
      await finish(context, work, { columns: {}, attempt: 'delete' })
      return { kind: 'device_waits', slower: outcome.kind === 'slow_down' }
    case 'denied':
    case 'expired':
      return await settleRefused(context, work, {
        status: 'needs_consent',
        reason:
          outcome.kind === 'denied'
            ? { code: 'consent_denied', message: 'The person refused the consent.', nextStep: nextSteps.connect }
            : { code: 'consent_expired', message: 'Nobody consented in time.', nextStep: nextSteps.connect },
      })
    case 'refused':
      return await settleRefused(context, work, withWarning(explained(context, work, await judgeRefusal(context, work, outcome), outcome), work.warning))
    case 'local':
      return await settleRefused(context, work, {
        status: 'misconfigured',
        reason: { code: outcome.problem.code, message: outcome.problem.message, nextStep: { action: 'fix', text: outcome.problem.nextStep } },
      })
    case 'clock':
      return await settleUnavailable(context, work, {
        code: outcome.problem.code,
        message: outcome.problem.message,
        nextStep: { action: 'retry', text: outcome.problem.nextStep },
        retryAfter: null,
        longestWait: clockRetry,
        state: 'waiting',
        words: `LOCAL_CLOCK_SKEW seconds=${String(outcome.problem.facts.seconds)}`,
        surface: 'local_check',
      })
    case 'unavailable':
      return await settleUnavailable(context, work, {
        code: 'provider_unavailable',
        message: outcome.reason,
        retryAfter: outcome.retryAfter,
        state: outcome.sent === true ? 'lost' : 'waiting',
        words: outcome.words ?? outcome.reason,
        surface: outcome.words === undefined ? surfaceOf(work) : 'network',
      })
    case 'unusable':
      return await settleUnavailable(context, work, {
        code: 'answer_unusable',
        message: `The provider's answer cannot be used: ${outcome.reason}.`,
        retryAfter: null,
        state: 'unusable',
        words: outcome.reason,
        surface: surfaceOf(work),
      })
  }
}

type Granted = Extract<TokenOutcome, { kind: 'granted' }>

async function settleGranted(context: CredentialContext, work: ToSettle, outcome: Granted): Promise<Settlement> {
  const { row, registration, provider, startedAt } = work
  const { tokenSet } = outcome
  const isConsent = work.grantType === 'authorization_code' || work.grantType === 'device_code'
  const reach: Reach = { name: row.name, allowedHosts: JSON.parse(row.allowed_hosts) as string[], notFor: [] }
  const account: Account | null =
    isConsent || (row.subject === null && tokenSet.idToken !== null)
      ? await identifyAccount(context, provider, registration, tokenSet, reach, work.nonce)
      : null

  if (isConsent && !work.allowOtherAccount && row.subject !== null && account?.subject != null && account.subject !== row.subject) {
    const reason: Reason = {
      code: 'account_mismatch',
      message: `${account.username ?? 'Another account'} signed in, but this credential belongs to ${row.username ?? 'another account'}. Nothing was changed.`,
      nextStep: { action: 'reconnect', text: 'Reconnect and sign in with the account of this credential, or allow another account.' },
    }
    await finish(context, work, { columns: {}, attempt: 'delete', consent: reason })
    return { kind: 'account_mismatch', reason }
  }

  const before = work.stored ?? (await storedBefore(context, work))
  const sameAccount = !isConsent || (account?.subject != null && account.subject === row.subject)
  const refreshToken = tokenSet.refreshToken ?? (sameAccount ? (before?.refreshToken ?? null) : null)
  const options = JSON.parse(row.options) as CredentialOptions
  const expiresAt = tokenSet.expiresAt ?? (options.assumedLifetime === undefined ? null : startedAt + options.assumedLifetime * 1000)
  const generation = row.generation + 1
  const given =
    tokenSet.refreshTokenExpiresAt ??
    (isConsent && options.consentLifetime !== undefined ? startedAt + options.consentLifetime * 1000 : null) ??
    (options.consentLifetime === undefined && tokenSet.refreshToken !== null && provider.refreshTokenLifetime !== null
      ? startedAt + provider.refreshTokenLifetime
      : null)
  const known = {
    end: isConsent ? null : row.refresh_token_expires_at,
    slides: !isConsent && row.refresh_token_slides === 1,
    obtainedAt: row.token_obtained_at,
  }
  const { end: refreshTokenExpiresAt, slides } = refreshToken === null ? { end: null, slides: false } : nextEnd(known, given, startedAt)
  const status = statusOfWorking(
    {
      kind: 'oauth2',
      grant: row.grant_type,
      hasSecret: true,
      hasRefreshToken: refreshToken !== null,
      tokenExpiresAt: expiresAt,
      refreshTokenExpiresAt: slides ? null : refreshTokenExpiresAt,
      clientSecretExpiresAt: registration.secret_expires_at,
    },
    startedAt,
  )
  const renewable = !isThreeLegged(row.grant_type) || refreshToken !== null
  const said = trustedFacts(tokenSet.extra, reach.allowedHosts)
  const extra = isConsent
    ? { ...said, ...trustedFacts(await lookUpFacts(context, provider, tokenSet, reach), reach.allowedHosts) }
    : { ...before?.extra, ...said }
  const secret: StoredSecret = { kind: 'oauth2', accessToken: tokenSet.accessToken, tokenType: tokenSet.tokenType, refreshToken, extra }
  const sealed = await context.vault.seal(work.keys, credentialPlace(row.id, generation), writeStoredSecret(secret))

  const missing = isConsent ? missingScopes(JSON.parse(row.scopes) as string[], tokenSet.scope) : []
  const done = await finish(context, work, {
    columns: {
      secret: sealed,
      generation,
      has_refresh_token: refreshToken === null ? 0 : 1,
      token_obtained_at: startedAt,
      token_expires_at: expiresAt,
      refresh_token_expires_at: refreshTokenExpiresAt,
      refresh_token_slides: slides ? 1 : 0,
      granted_scopes: tokenSet.scope === null ? (isConsent ? null : row.granted_scopes) : JSON.stringify(tokenSet.scope),
      refresh_due_at: planRefresh({ obtainedAt: startedAt, expiresAt, renewable, earliestBeforeEnd: provider.earliestRefreshBeforeEnd }),
      failures: 0,
      ...(account?.username != null && (row.username === null || isConsent) ? { username: account.username } : {}),
      ...(account?.subject != null ? { subject: account.subject } : {}),
    },
    status,
    attempt: 'delete',
    consent: 'done',
    audit: [
      {
        actor: work.actor,
        action: isConsent ? 'credential.connected' : 'credential.refreshed',
        outcome: 'done',
        detail: { grant: work.grantType, generation, rotated: tokenSet.refreshToken !== null, ...(work.warning === null ? {} : { warning: work.warning }) },
      },
    ],
    told: missing.length === 0 ? {} : { missing_scopes: missing },
    event:
      isConsent || row.generation === 0
        ? 'credential.connected'
        : row.status === 'retrying' || isBroken(row.status as CredentialStatus)
          ? 'credential.recovered'
          : 'credential.refreshed',
  })
  if (!done) return { kind: 'changed_meanwhile' }
  context.count('refreshes', 'granted')
  return {
    kind: 'granted',
    generation,
    accessToken: tokenSet.accessToken,
    tokenType: tokenSet.tokenType,
    expiresAt,
    obtainedAt: startedAt,
    scope: tokenSet.scope,
  }
}

async function settleRefused(context: CredentialContext, work: ToSettle, refusal: { status: CredentialStatus; reason: Reason }): Promise<Settlement> {
  const isConsent = work.grantType === 'authorization_code' || work.grantType === 'device_code'
  // A consent that failed takes nothing away: what worked before goes on working.
  const done = await finish(context, work, {
    columns: isConsent ? {} : { refresh_due_at: null, failures: 0 },
    ...(isConsent ? {} : { status: refusal }),
    attempt: 'delete',
    consent: refusal.reason,
    audit: [
      {
        actor: work.actor,
        action: isConsent ? 'consent.failed' : 'credential.refreshed',
        outcome: 'refused',
        reason: refusal.reason.code,
        detail: { grant: work.grantType },
      },
    ],
    ...(isConsent ? {} : { event: 'credential.broken' as const }),
  })
  if (!done) return { kind: 'changed_meanwhile' }
  context.count('refreshes', 'refused')
  return { kind: 'refused', ...refusal }
}

async function settleUnavailable(
  context: CredentialContext,
  work: ToSettle,
  why: {
    code: string
    message: string
    nextStep?: NextStep
    retryAfter: number | null
    /** What a person mends is looked at again after so long at the latest. */
    longestWait?: number
    state: 'lost' | 'waiting' | 'unusable'
    words: string
    surface: Surface
  },
): Promise<Settlement> {
  const { code, message, retryAfter, state } = why
  const isConsent = work.grantType === 'authorization_code' || work.grantType === 'device_code'
  const failures = work.row.failures + 1
  const retryAt = context.clock.now() + Math.min(backoff(failures, retryAfter), why.longestWait ?? Number.MAX_SAFE_INTEGER)
  const judged = why.surface === 'network' || why.surface === 'local_check' || state === 'unusable' ? 'unjudged' : 'passing'
  const diagnosis = classifyFailure(context, { text: why.words, surface: why.surface, provider: work.registration.provider, judged })
  const reason: Reason = { code, message, nextStep: why.nextStep ?? nextSteps.retry, ...(diagnosis === undefined ? {} : { diagnosis }) }
  const done = await finish(context, work, {
    columns: isConsent ? {} : { refresh_due_at: retryAt, failures },
    ...(isConsent ? {} : { status: { status: 'retrying' as const, reason } }),
    attempt: isConsent || (state === 'waiting' && work.repeated === 0) ? 'delete' : state,
    ...(work.grantType === 'authorization_code' ? { consent: reason } : {}),
    // The first failure of a row is recorded; the repetitions are counted in the credential itself.
    audit:
      (failures === 1 && !isConsent) || work.grantType === 'authorization_code'
        ? [
            {
              actor: work.actor,
              action: isConsent ? 'consent.failed' : 'credential.refreshed',
              outcome: 'failed',
              reason: code,
              detail: { grant: work.grantType },
            },
          ]
        : [],
    ...(failures === 1 && !isConsent ? { event: 'credential.broken' as const } : {}),
  })
  if (!done) return { kind: 'changed_meanwhile' }
  context.count('refreshes', 'unavailable')
  return { kind: 'unavailable', reason, retryAt }
}

type Finish = {
  columns: RowUpdate<'credentials'>
  status?: { status: CredentialStatus; reason: Reason | null }
  attempt: 'delete' | 'lost' | 'waiting' | 'unusable'
  consent?: 'done' | Reason
  audit?: Omit<AuditEntry, 'subject' | 'subjectName'>[]
  event?: EventType
  /** What the event says beside that. */
  told?: Record<string, unknown>
}

async function finish(context: CredentialContext, work: ToSettle, change: Finish): Promise<boolean> {
  const now = context.clock.now()
  return await inTransaction(context.db, async (trx) => {
    const row = await lockCredential(trx, work.row.id, context.dialect)
    // Invariant: a slow answer never overwrites a newer token set.
    if (!row || row.generation !== work.row.generation) return false
    const status = change.status ? statusColumns(row, change.status, now) : null
    const lease = row.lease === work.lease ? { lease: null, lease_until: null } : {}
    // An end that became known, or moved, is looked at in a minute.
    const endOf = (one: Row<'credentials'>) => knownEnd(workingFacts(one, work.registration.secret_expires_at))
    const warning = endOf(row) === endOf({ ...row, ...change.columns }) ? {} : { warn_at: now }
    await updateCredential(trx, row.id, { ...change.columns, ...status, ...lease, ...warning })
    if (change.attempt === 'delete') await deleteAttempt(trx, row.id, work.attempt)
    else await markAttempt(trx, row.id, work.attempt, change.attempt)
    const events: NewEvent[] = []
    if (work.consentId !== undefined && change.consent !== undefined) {
      await moveConsent(
        trx,
        work.consentId,
        'exchanging',
        change.consent === 'done'
          ? { status: 'done', secret: null, finished_at: now }
          : { status: 'failed', secret: null, finished_at: now, problem: JSON.stringify(change.consent) },
      )
      events.push({
        type: 'consent.finished',
        subject: row.id,
        data: { consent: work.consentId, name: row.name, outcome: change.consent === 'done' ? 'done' : change.consent.code },
      })
    }
    if (change.audit)
      await context.audit.append(
        trx,
        change.audit.map((entry) => ({ ...entry, subject: row.id, subjectName: row.name })),
      )
    if (change.event !== undefined) {
      const said = change.status?.reason
      events.push({
        type: change.event,
        subject: row.id,
        data: {
          name: row.name,
          status: status?.status ?? row.status,
          ...change.told,
          ...(said ? { reason: said.code, message: said.message, next_step: said.nextStep?.text ?? null } : {}),
        },
      })
    }
    // After the trail, as everywhere: two that took the heads in another order would wait for each other.
    await appendEvents(trx, context.clock, events)
    return true
  })
}

/** Returns the secret before this one; null when there is none or it cannot be opened: the new one makes it good. */
async function storedBefore(context: CredentialContext, { row, keys }: ToSettle): Promise<(StoredSecret & { kind: 'oauth2' }) | null> {
  if (row.secret === null) return null
  try {
    const stored = readStoredSecret(await context.vault.open(keys, credentialPlace(row.id, row.generation), row.secret))
    return stored.kind === 'oauth2' ? stored : null
  } catch (error) {
    if (!isProblem(error, 'decrypt_failed')) throw error
    context.log.warn('secret.replaced_unopened', { credential: row.id, error })
    return null
  }
}

function withWarning(refusal: { status: CredentialStatus; reason: Reason }, warning: string | null): { status: CredentialStatus; reason: Reason } {
  return warning === null ? refusal : { ...refusal, reason: { ...refusal.reason, message: `${refusal.reason.message} ${warning}` } }
}

type Refused = Extract<TokenOutcome, { kind: 'refused' }>
type Refusal = { status: CredentialStatus; reason: Reason }

const surfaceOf = (work: ToSettle): Surface => (work.grantType === 'device_code' ? 'device_endpoint' : 'token_endpoint')

/** Adds what the provider's words mean to a refusal. What is done about it was decided before, by the error code alone. */
function explained(context: CredentialContext, work: ToSettle, refusal: Refusal, outcome: Refused): Refusal {
  if (refusal.reason.code === 'rotation_lost' || refusal.reason.code === 'dpop_demanded') return refusal
  const diagnosis = classifyFailure(context, {
    text: outcome.text,
    bare: `HTTP ${outcome.status} {"error":"${outcome.error}"}`,
    surface: surfaceOf(work),
    provider: work.registration.provider,
    judged: 'refused',
  })
  return diagnosis === undefined ? refusal : { ...refusal, reason: { ...refusal.reason, diagnosis } }
}

/** A refresh token that came with a backup was most likely replaced since: the refusal then has a simple reason. */
async function judgeRefusal(context: CredentialContext, work: ToSettle, outcome: Refused): Promise<Refusal> {
  const refusal = reasonOfRefusal(work, outcome)
  if (work.grantType !== 'refresh_token' || refusal.status !== 'needs_consent') return refusal
  const restored = await readRestored(context.db)
  if (restored === null || !isFromBackup(work.row, restored)) return refusal
  const message = `The backup of ${dateOf(restored.madeAt)} was restored: ${work.provider.name} had replaced the refresh token since, or ended it, and no longer takes the one of the backup (${wordsOf(outcome)}).`
  return { status: 'needs_consent', reason: { code: 'rotation_lost', message, nextStep: nextSteps.reconnect } }
}

const wordsOf = (outcome: Refused): string => (outcome.description === '' ? outcome.error : `${outcome.error}: ${outcome.description}`)

function reasonOfRefusal(work: ToSettle, outcome: Refused): { status: CredentialStatus; reason: Reason } {
  const words = wordsOf(outcome)
  const provider = work.provider.name
  if (outcome.class === 'consent' && isThreeLegged(work.row.grant_type)) {
    if (work.grantType === 'refresh_token' && work.repeated > 0) {
      return {
        status: 'needs_consent',
        reason: {
          code: 'rotation_lost',
          message: `An earlier answer of ${provider} was lost on its way, with the refresh token in it, and the one before is no longer taken (${words}).`,
          nextStep: nextSteps.reconnect,
        },
      }
    }
    return {
      status: 'needs_consent',
      reason: {
        code: 'refused_by_provider',
        message: `${provider} no longer accepts the refresh token (${words}). It was revoked, it ran out, or the account's password or policy changed.`,
        nextStep: nextSteps.reconnect,
      },
    }
  }
  if (outcome.error === 'use_dpop_nonce' || outcome.error === 'invalid_dpop_proof') {
    return {
      status: 'misconfigured',
      reason: {
        code: 'dpop_demanded',
        message: `${provider} gives this client only tokens that are bound to a key (DPoP, RFC 9449), which Keybearer does not have.`,
        nextStep: { action: 'fix', text: 'Switch DPoP off for this client at the provider, or use another client.' },
      },
    }
  }
  if (outcome.class === 'client') {
    return {
      status: 'misconfigured',
      reason: {
        code: 'client_refused',
        message: `${provider} refused the client registration "${work.registration.name}" (${words}). The client secret is wrong or ran out, or the client ID is.`,
        nextStep: { action: 'fix', text: 'Enter the right client ID and secret in the registration; every credential of it then works again by itself.' },
      },
    }
  }
  return { status: 'misconfigured', reason: { code: 'request_refused', message: `${provider} refused the request (${words}).`, nextStep: nextSteps.fix } }
}
