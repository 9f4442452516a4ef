import { isThreeLegged, knownEnds, nextSteps, statusColumns, statusOfWorking, workingFacts, type End, type Reason } from './credential-status.ts'
import type { AuditEntry } from '../access/audit.ts'
import { service } from '../base/actor.ts'
import { credentialsToWarnOf, updateWarning, type CredentialWithRegistration } from '../storage/credentials.ts'
import { appendEvents, type NewEvent } from '../storage/events.ts'
import type { RowUpdate } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import type { CredentialStatus } from './types.ts'

const hour = 3_600_000
const day = 24 * hour
const batch = 200

/** So many days before a known end a person is warned, once each. */
export const warningDays = [60, 30, 14, 7, 1]

/** Of each kind of end: the moment that was warned of, and how many days ahead. */
type Warned = Partial<Record<End['reason']['code'], { end: number; days: number }>>

export type Plan = { warnings: { end: End; days: number }[]; warned: Warned; nextAt: number | null }

/**
 * Decides of what to warn now and when to look again. Of several moments that have passed only the last counts; an end that
 * was moved is a new one.
 */
export function planWarnings(ends: End[], before: Warned, now: number): Plan {
  const plan: Plan = { warnings: [], warned: {}, nextAt: null }
  for (const end of ends) {
    const { code } = end.reason
    const old = before[code]
    const last = old !== undefined && Math.abs(old.end - end.at) <= hour ? old.days : Number.POSITIVE_INFINITY
    const passed = warningDays.filter((days) => end.at - now <= days * day)
    const days = passed.length > 0 ? Math.min(...passed) : null
    if (days !== null && days < last) plan.warnings.push({ end, days })
    if (days !== null) plan.warned[code] = { end: end.at, days: Math.min(days, last) }
    const next = warningDays.find((one) => days === null || one < days)
    const at = next === undefined ? end.at : end.at - next * day
    if (at > now) plan.nextAt = Math.min(plan.nextAt ?? at, at)
  }
  return plan
}

/** Warns of what ends soon, marks it, and says so when an end has come that nothing else would notice. */
export async function warnOfEnds(context: CredentialContext): Promise<void> {
  for (;;) {
    const now = context.clock.now()
    const rows = await credentialsToWarnOf(context.db, now, batch)
    if (rows.length === 0) return
    await inTransaction(context.db, async (trx) => {
      const events: NewEvent[] = []
      const ended: AuditEntry[] = []
      for (const row of rows) {
        const found = judge(row, now)
        // Another node may have been quicker: whoever changes the row tells.
        if (!(await updateWarning(trx, row, found.change))) continue
        events.push(...found.events)
        if (found.ended) {
          ended.push({ actor: service, action: 'credential.ended', subject: row.id, subjectName: row.name, outcome: 'done', reason: found.ended.code })
        }
      }
      await context.audit.append(trx, ended)
      await appendEvents(trx, context.clock, events)
    })
    await context.wake()
    if (rows.length < batch) return
  }
}

function judge(row: CredentialWithRegistration, now: number): { change: RowUpdate<'credentials'>; events: NewEvent[]; ended: Reason | null } {
  const facts = workingFacts(row, row.secret_expires_at)
  const plan = planWarnings(knownEnds(facts), row.warned === null ? {} : (JSON.parse(row.warned) as Warned), now)
  const change: RowUpdate<'credentials'> = { warn_at: plan.nextAt, warned: Object.keys(plan.warned).length === 0 ? null : JSON.stringify(plan.warned) }
  const isWorking = row.status === 'ready' || row.status === 'expiring'
  if (isWorking && isThreeLegged(row.grant_type) && !facts.hasRefreshToken && facts.tokenExpiresAt !== null && facts.tokenExpiresAt <= now) {
    const reason: Reason = { code: 'token_ran_out', message: 'Its token has run out and the provider gave no refresh token.', nextStep: nextSteps.reconnect }
    Object.assign(change, statusColumns(row, { status: 'needs_consent', reason }, now))
    return { change, events: [told('credential.broken', row, 'needs_consent', reason)], ended: reason }
  }
  const next = isWorking ? statusOfWorking(facts, now) : null
  if (next) Object.assign(change, statusColumns(row, next, now))
  const status = next?.status ?? (row.status as CredentialStatus)
  const events = plan.warnings.map(({ end, days }) => told('credential.expiring', row, status, end.reason, { days, until: new Date(end.at).toISOString() }))
  if (events.length === 0 && status !== row.status) {
    events.push(told(status === 'ready' ? 'credential.recovered' : 'credential.expiring', row, status, next?.reason ?? null))
  }
  return { change, events, ended: null }
}

const told = (
  type: 'credential.expiring' | 'credential.broken' | 'credential.recovered',
  row: CredentialWithRegistration,
  status: CredentialStatus,
  reason: Reason | null,
  more: Record<string, unknown> = {},
): NewEvent => ({
  type,
  subject: row.id,
  data: { name: row.name, status, ...(reason ? { reason: reason.code, message: reason.message, next_step: reason.nextStep?.text ?? null } : {}), ...more },
})
