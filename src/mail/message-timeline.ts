import type { MessageChange, MessageView, RouteStep, TimelineEntry } from './types.ts'

const mostChanges = 50

/** Adds a change to those that are remembered of a message, the oldest falling away. */
export const addChange = (history: string, change: MessageChange): string =>
  JSON.stringify([...(JSON.parse(history) as MessageChange[]), change].slice(-mostChanges))

/** Puts together everything that happened to a message, the oldest first. */
export function timelineOf(
  message: Pick<MessageView, 'createdAt' | 'createdBy' | 'status'> & { route: RouteStep[]; history: MessageChange[]; endedAt: number | null },
): TimelineEntry[] {
  const nothing = { by: null, sender: null, outcome: null, reason: null, reply: null, times: 1, lastAt: null }
  const entries: TimelineEntry[] = [
    { ...nothing, what: 'accepted', at: message.createdAt, by: message.createdBy },
    ...message.route.map(({ at, sender, outcome, reason, reply, times, lastAt }): TimelineEntry => ({
      ...nothing,
      what: 'tried',
      at,
      sender,
      outcome,
      reason,
      reply: reply ?? null,
      times: times ?? 1,
      lastAt: lastAt ?? null,
    })),
    ...message.history.map((change): TimelineEntry => ({ ...nothing, ...change })),
  ]
  if (message.endedAt !== null && message.status === 'sent') entries.push({ ...nothing, what: 'sent', at: message.endedAt })
  // What has the same time stays in the order of above.
  return entries.sort((a, b) => a.at - b.at)
}
