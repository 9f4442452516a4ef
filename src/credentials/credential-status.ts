import type { Row, RowUpdate } from '../storage/tables.ts'
import type { CredentialStatus, NextStep } from './types.ts'

const day = 86_400_000

/** Before a refresh token or consent ends, the status says so this long ahead. */
export const expiringAhead = 7 * day
/** Client secrets take longer to renew: somebody else often has to do it. */
export const secretExpiringAhead = 30 * day

/** Why a credential has its status, as it stands in the row. */
export type Reason = {
  code: string
  message: string
  nextStep: NextStep | null
  /** Id of what explains it, where a text said more than the code. */
  diagnosis?: string
  /** What a paused credential goes back to. */
  before?: { status: CredentialStatus; reason: Reason | null }
}

export const writeReason = (reason: Reason | null): string | null => (reason === null ? null : JSON.stringify(reason))
export const readReason = (text: string | null): Reason | null => (text === null ? null : (JSON.parse(text) as Reason))

export const nextSteps = {
  finish: { action: 'finish', text: 'Finish the set-up.' },
  connect: { action: 'connect', text: 'Connect it: a person signs in and consents once.' },
  reconnect: { action: 'reconnect', text: 'Reconnect: a person signs in and consents again.' },
  renewSecret: { action: 'renew_secret', text: 'Make a new client secret at the provider and enter it in the registration.' },
  retry: { action: 'retry', text: 'Nothing: it is tried again by itself. You can try now.' },
  fix: { action: 'fix', text: 'Correct what the reason names, then try again.' },
  resume: { action: 'resume', text: 'Resume it.' },
} as const satisfies Record<string, NextStep>

const iso = (time: number) => new Date(time).toISOString().slice(0, 16).replace('T', ' ') + ' UTC'

export type WorkingFacts = {
  kind: string
  grant: string | null
  hasSecret: boolean
  hasRefreshToken: boolean
  tokenExpiresAt: number | null
  refreshTokenExpiresAt: number | null
  clientSecretExpiresAt: number | null
}

/** Decides between `incomplete`, `ready` and `expiring` for a credential that nothing speaks against. */
export function statusOfWorking(facts: WorkingFacts, now: number): { status: CredentialStatus; reason: Reason | null } {
  if (!facts.hasSecret) {
    if (facts.kind !== 'oauth2') {
      return { status: 'incomplete', reason: { code: 'no_secret', message: 'No secret is stored.', nextStep: nextSteps.finish } }
    }
    const threeLegged = isThreeLegged(facts.grant)
    return {
      status: 'incomplete',
      reason: threeLegged
        ? { code: 'not_connected', message: 'Nobody has consented yet.', nextStep: nextSteps.connect }
        : { code: 'no_token_yet', message: 'The first token has not been fetched yet.', nextStep: nextSteps.retry },
    }
  }
  const near = knownEnds(facts).find((end) => end.at - now <= end.ahead)
  if (near) return { status: 'expiring', reason: near.reason }
  if (facts.kind === 'oauth2' && isThreeLegged(facts.grant) && !facts.hasRefreshToken) {
    const message = 'The provider named no end and gave no refresh token: once it stops, a person must reconnect.'
    return { status: 'ready', reason: { code: 'no_end_known', message, nextStep: null } }
  }
  return { status: 'ready', reason: null }
}

export const isThreeLegged = (grant: string | null): boolean => grant === 'authorization_code' || grant === 'device_code'

/** A moment at which a credential stops unless a person acts. */
export type End = {
  at: number
  reason: Reason & { code: 'no_refresh_token' | 'refresh_token_ends' | 'client_secret_ends' }
  /** How long before it the status says so. */
  ahead: number
}

/** Returns every known end. */
export function knownEnds(facts: WorkingFacts): End[] {
  const ends: End[] = []
  if (facts.kind !== 'oauth2' || !facts.hasSecret) return ends
  if (isThreeLegged(facts.grant) && !facts.hasRefreshToken && facts.tokenExpiresAt !== null) {
    const message = `The provider gave no refresh token: it works until ${iso(facts.tokenExpiresAt)} and not longer.`
    const text = 'Add the scope or parameter that gives a refresh token (often offline_access), then reconnect.'
    ends.push({
      at: facts.tokenExpiresAt,
      reason: { code: 'no_refresh_token', message, nextStep: { action: 'reconnect', text } },
      ahead: Number.MAX_SAFE_INTEGER,
    })
  }
  if (facts.refreshTokenExpiresAt !== null) {
    const message = `The refresh token ends on ${iso(facts.refreshTokenExpiresAt)}.`
    ends.push({ at: facts.refreshTokenExpiresAt, reason: { code: 'refresh_token_ends', message, nextStep: nextSteps.reconnect }, ahead: expiringAhead })
  }
  if (facts.clientSecretExpiresAt !== null) {
    const message = `The client secret ends on ${iso(facts.clientSecretExpiresAt)}.`
    ends.push({ at: facts.clientSecretExpiresAt, reason: { code: 'client_secret_ends', message, nextStep: nextSteps.renewSecret }, ahead: secretExpiringAhead })
  }
  return ends
}

/** What of a row says whether the end of its refresh token moves on by itself. */
type Sliding = Pick<Row<'credentials'>, 'refresh_token_expires_at' | 'refresh_token_slides' | 'refresh_due_at' | 'failures' | 'paused'>

/** An end that every renewal moves on is one only while nothing is renewed. */
const refreshTokenEnd = (row: Sliding): number | null =>
  row.refresh_token_slides === 1 && row.refresh_due_at !== null && row.failures === 0 && row.paused === 0 ? null : row.refresh_token_expires_at

/** Returns the facts of a row that `statusOfWorking` needs. */
export function workingFacts(
  row: Sliding & Pick<Row<'credentials'>, 'kind' | 'grant_type' | 'secret' | 'has_refresh_token' | 'token_expires_at'>,
  clientSecretExpiresAt: number | null,
): WorkingFacts {
  return {
    kind: row.kind,
    grant: row.grant_type,
    hasSecret: row.secret !== null,
    hasRefreshToken: row.has_refresh_token === 1,
    tokenExpiresAt: row.token_expires_at,
    refreshTokenExpiresAt: refreshTokenEnd(row),
    clientSecretExpiresAt,
  }
}

/** Returns the earliest known moment at which it stops unless a person acts. */
export function knownEnd(facts: WorkingFacts): number | null {
  const ends = knownEnds(facts).map((end) => end.at)
  return ends.length > 0 ? Math.min(...ends) : null
}

/**
 * Tells the end that a renewal brought from the one known before. Providers count down to a fixed end with seconds of
 * rounding; with others it moves on by as much as has passed since.
 */
export function nextEnd(
  before: { end: number | null; slides: boolean; obtainedAt: number | null },
  given: number | null,
  now: number,
): { end: number | null; slides: boolean } {
  if (given === null || before.end === null) return { end: given ?? before.end, slides: before.slides }
  const moved = given - before.end
  const passed = now - (before.obtainedAt ?? now)
  if (moved > Math.max(rounding, passed / 2)) return { end: given, slides: true }
  if (moved < -rounding) return { end: given, slides: false }
  return { end: before.slides ? given : before.end, slides: before.slides }
}

const rounding = 60_000

/** Whether the key icon is highlighted: a person should look, now or soon. */
export const needsAttention = (status: CredentialStatus): boolean => status !== 'ready' && status !== 'paused'

/** Whether it has stopped working until a person acts. */
export const isBroken = (status: CredentialStatus): boolean => status === 'needs_consent' || status === 'misconfigured'

/** Columns that set a status; `status_since` moves only when the word changes. */
export function statusColumns(
  row: Pick<Row<'credentials'>, 'status' | 'status_since' | 'paused' | 'status_reason'>,
  next: { status: CredentialStatus; reason: Reason | null },
  now: number,
): { status: string; status_reason: string | null; status_since: number } {
  // Invariant: a paused credential stays paused until a person resumes it; what happens meanwhile is remembered behind it.
  if (row.paused === 1) {
    const reason: Reason = { ...pausedReason, before: next }
    return { status: 'paused', status_reason: writeReason(reason), status_since: row.status_since }
  }
  return { status: next.status, status_reason: writeReason(next.reason), status_since: row.status === next.status ? row.status_since : now }
}

/** Columns of a credential that is switched off; what it goes back to is remembered. */
export function pausedColumns(row: Pick<Row<'credentials'>, 'status' | 'status_reason'>, now: number, why: Reason = pausedReason): RowUpdate<'credentials'> {
  const before = { status: row.status as CredentialStatus, reason: readReason(row.status_reason) }
  return { paused: 1, status: 'paused', status_since: now, status_reason: writeReason({ ...why, before }), updated_at: now, warn_at: now }
}

/** Columns of a credential that is switched on again: it goes back to what it was, and is renewed at once where that is due. */
export function resumedColumns(row: Row<'credentials'>, now: number): RowUpdate<'credentials'> {
  const { status, reason } = readReason(row.status_reason)?.before ?? { status: 'ready' as const, reason: null }
  const change = { paused: 0, status, status_since: now, status_reason: writeReason(reason), updated_at: now, warn_at: now, kept_from: now }
  const isRenewable = row.kind === 'oauth2' && (row.has_refresh_token === 1 || !isThreeLegged(row.grant_type))
  if (!isRenewable || isBroken(status)) return change
  const isOver = row.token_expires_at === null || row.token_expires_at < now + 60_000
  return { ...change, refresh_due_at: isOver ? Math.min(row.refresh_due_at ?? now, now) : (row.refresh_due_at ?? now) }
}

export const pausedReason: Reason = { code: 'paused', message: 'A person switched it off.', nextStep: nextSteps.resume }

/** Columns of a credential of which a person has revoked the tokens. */
export function revokedColumns(row: Row<'credentials'>, now: number): RowUpdate<'credentials'> {
  const nextStep = isThreeLegged(row.grant_type) ? nextSteps.reconnect : nextSteps.resume
  const reason = { code: 'revoked', message: 'A person revoked the tokens.', nextStep }
  return { ...withoutTokens(row), ...statusColumns(row, { status: 'needs_consent', reason }, now) }
}

/** Columns of a credential that has lost its tokens; the generation moves on, so that a refresh under way finds itself overtaken. */
export function withoutTokens(row: Row<'credentials'>): RowUpdate<'credentials'> {
  return {
    secret: null,
    generation: row.generation + 1,
    has_refresh_token: 0,
    token_obtained_at: null,
    token_expires_at: null,
    refresh_token_expires_at: null,
    granted_scopes: null,
    refresh_due_at: null,
    failures: 0,
  }
}
