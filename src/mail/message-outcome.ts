import type { Transaction } from 'kysely'
import { service } from '../base/actor.ts'
import { appendEvents } from '../storage/events.ts'
import { jitter } from '../base/ids.ts'
import { updateMessage, type MessageRow } from '../storage/messages.ts'
import type { RowUpdate, Tables } from '../storage/tables.ts'
import type { MailContext } from './context.ts'
import { addSteps, type Routed } from './delivery-route.ts'
import { dropContent } from './message-content.ts'
import { addChange } from './message-timeline.ts'
import { longestPause, problemOf, retryPause } from './settlement.ts'
import type { MessageProblem, Recipient, RouteStep } from './types.ts'

export type OutcomeChange = RowUpdate<'messages'> & { status: 'queued' | 'sent' | 'failed' }

/** Decides what becomes of a message whose recipients were settled. */
export function changeAfter(row: MessageRow, recipients: Recipient[], routed: Routed, now: number): OutcomeChange {
  const { delivery } = routed
  const waiting = recipients.some((one) => one.state === 'waiting')
  const refused = recipients.some((one) => one.state === 'refused')
  const tooOld = waiting && now >= row.expires_at
  const status: OutcomeChange['status'] = waiting && !tooOld ? 'queued' : tooOld || refused ? 'failed' : 'sent'
  const problem = problemOf(delivery, recipients)
  return {
    recipients: JSON.stringify(recipients),
    status,
    lease: null,
    lease_until: null,
    problem: status === 'sent' || problem === null ? null : JSON.stringify(problem),
    ...(status === 'queued' ? nextTry(row, routed, now) : { next_attempt_at: null }),
    ended_at: status === 'queued' ? null : now,
    ...(status === 'failed' ? { history: addChange(row.history, { what: 'failed', at: now, reason: problem?.code ?? null }) } : {}),
    sent_at: status === 'sent' || recipients.some((one) => one.state === 'sent') ? (row.sent_at ?? now) : null,
  }
}

/**
 * When a message is tried again. One for which no server was asked has had no try; it is called when its server is back, and comes
 * due by itself in case nobody is left to call it.
 */
function nextTry(
  row: MessageRow,
  { delivery, steps, tryAgainAt, isHeld }: Routed,
  now: number,
): Pick<RowUpdate<'messages'>, 'held' | 'attempts' | 'next_attempt_at'> {
  const held = isHeld ? 1 : 0
  const latest = tryAgainAt ?? Number.MAX_SAFE_INTEGER
  if (delivery.notAsked !== true || steps.length > 0) return { held, next_attempt_at: Math.min(now + retryPause(row.attempts, delivery), latest) }
  return { held, attempts: row.attempts - 1, next_attempt_at: Math.min(now + jitter(longestPause), latest, row.expires_at) }
}

/** The ways that were tried, and which one led to somebody. */
export const wayOf = (row: MessageRow, { steps, sentBy }: Routed): { route: string; sent_by: string | null } => ({
  route: JSON.stringify(addSteps(JSON.parse(row.route) as RouteStep[], steps)),
  sent_by: sentBy ?? row.sent_by,
})

/** Writes down what became of a message, with its record and its event. */
export async function writeOutcome(
  context: Pick<MailContext, 'audit' | 'clock' | 'vault'>,
  trx: Transaction<Tables>,
  row: MessageRow,
  outcome: { change: OutcomeChange; recipients: Recipient[]; problem: MessageProblem | null },
): Promise<void> {
  const { change, recipients, problem } = outcome
  const { status } = change
  await updateMessage(trx, row.id, change)
  const counts = { sent: recipients.filter((one) => one.state === 'sent').length, refused: recipients.filter((one) => one.state === 'refused').length }
  if (status === 'sent') await dropContent(trx, context.vault, row.id)
  if (status !== 'queued') {
    await context.audit.append(trx, [
      {
        actor: service,
        action: status === 'sent' ? 'message.sent' : 'message.failed',
        subject: row.id,
        subjectName: row.message_id,
        outcome: status === 'sent' ? 'done' : 'failed',
        ...(problem === null ? {} : { reason: problem.code }),
        detail: { ...counts, attempts: row.attempts, sender: row.sender_id, sent_by: change.sent_by ?? null, route: routeWords(change.route) },
      },
    ])
  }
  await appendEvents(trx, context.clock, [
    {
      type: status === 'sent' ? 'message.sent' : status === 'failed' ? 'message.failed' : 'message.delayed',
      subject: row.id,
      data: {
        ...counts,
        attempts: row.attempts,
        ...(change.sent_by ? { sent_by: change.sent_by } : {}),
        ...(problem === null ? {} : { reason: problem.code, message: problem.message }),
      },
    },
  ])
}

/** The way in words for the audit trail, the last steps of a long one. */
const routeWords = (route: unknown): string[] =>
  (JSON.parse(String(route ?? '[]')) as RouteStep[])
    .slice(-10)
    .map((step) => `${step.sender.name}: ${step.outcome}${step.reason === null ? '' : ` (${step.reason})`}`)
