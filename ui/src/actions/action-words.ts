import type { Action, ActionRun } from '@keybearer/client'

export type ActionKind = Action['kind']
export type RunStatus = ActionRun['status']

export const kindWords: Record<ActionKind, string> = { send_email: 'Send Email', http_request: 'HTTP Request' }

export const runStatuses: readonly RunStatus[] = ['queued', 'running', 'waiting', 'done', 'failed', 'interrupted']

export const statusWords: Record<RunStatus, string> = {
  queued: 'Waits its turn',
  running: 'Under way',
  waiting: 'Tries again',
  done: 'Done',
  failed: 'Failed',
  interrupted: 'Cut off',
}

export const statusMarks: Record<RunStatus, { color: string; sign: string }> = {
  queued: { color: 'blue', sign: '○' },
  running: { color: 'blue', sign: '↻' },
  waiting: { color: 'orange', sign: '↻' },
  done: { color: 'teal', sign: '●' },
  failed: { color: 'red', sign: '✗' },
  interrupted: { color: 'red', sign: '▲' },
}

/** What made an action run. */
export const triggerWords: Record<ActionRun['trigger'], string> = {
  api: 'By hand or by a program',
  webhook: 'Webhook',
  schedule: 'Schedule',
  action: 'Another action',
}

export const isOver = (status: RunStatus): boolean => status === 'done' || status === 'failed' || status === 'interrupted'

/** "340 ms", "2.4 s", "3 min 5 s". */
export function durationWords(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
