import type { NamedMessageRow } from '../storage/messages.ts'
import { priorityAt } from './message-priority.ts'
import { timelineOf } from './message-timeline.ts'
import type { MessageChange, MessageProblem, MessageStatus, MessageView, Recipient, RouteStep } from './types.ts'

/** Returns what people and programs see of a message. */
export function toMessageView(row: NamedMessageRow): MessageView {
  const view: Omit<MessageView, 'timeline'> = {
    id: row.id,
    sender: { id: row.sender_id, name: row.sender_name ?? '(deleted)' },
    status: row.status as MessageStatus,
    messageId: row.message_id,
    subject: row.subject,
    from: row.envelope_from,
    recipients: JSON.parse(row.recipients) as Recipient[],
    size: row.size,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    problem: row.problem === null ? null : (JSON.parse(row.problem) as MessageProblem),
    createdAt: row.created_at,
    createdBy: row.created_by,
    sentAt: row.sent_at,
    sentBy: row.sent_by === null ? null : { id: row.sent_by, name: row.sent_by_name ?? '(deleted)' },
    route: JSON.parse(row.route) as RouteStep[],
    priority: priorityAt(row.priority),
  }
  return { ...view, timeline: timelineOf({ ...view, history: JSON.parse(row.history) as MessageChange[], endedAt: row.ended_at }) }
}
