import type { Actor } from '../base/actor.ts'
import type { ActionRunRow } from '../storage/action-runs.ts'
import type { ActionKind, RunProblem, RunStatus, RunTrigger, RunView } from './action-types.ts'

export function toRunView(row: ActionRunRow): RunView {
  const { id, name, kind } = JSON.parse(row.ordered_by) as Actor
  return {
    id: row.id,
    action: { id: row.action_id, name: row.action_name },
    kind: row.kind as ActionKind,
    root: row.root_id,
    parent: row.parent_id,
    aside: row.aside === 1,
    trigger: row.trigger as RunTrigger,
    status: row.status as RunStatus,
    orderedBy: { id, name, kind },
    inputNames: JSON.parse(row.input_names) as string[],
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    problem: row.problem === null ? null : (JSON.parse(row.problem) as RunProblem),
    tolerated: row.is_tolerated === 1,
    responseStatus: row.response_status,
    messageId: row.message_id,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }
}
