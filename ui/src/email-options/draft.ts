import type { MailOptions } from '@keybearer/client'

export type Cause = MailOptions['fallbacks'][number]['when'][number]
type Notify = MailOptions['notify']
/** The key tells rows apart while they are moved. */
export type Fallback = { key: string; sender: string; when: Cause[] }
export type Draft = { default_sender: string | null; fallbacks: Fallback[] } & Notify

export const draftOf = (options: MailOptions): Draft => ({
  default_sender: options.default_sender?.id ?? null,
  fallbacks: options.fallbacks.map(({ sender, when }) => ({ key: sender.id, sender: sender.id, when })),
  ...options.notify,
})

const withoutKeys = (draft: Draft) => ({
  ...draft,
  fallbacks: draft.fallbacks.map(({ sender, when }) => ({ sender, when: [...when].sort() })),
  events: [...draft.events].sort(),
})

export const isSame = (one: Draft, other: Draft): boolean => JSON.stringify(withoutKeys(one)) === JSON.stringify(withoutKeys(other))

/** Moves one row up or down; at the ends it stays. */
export function moved<Row>(rows: readonly Row[], from: number, by: -1 | 1): Row[] {
  const next = [...rows]
  const to = from + by
  if (to < 0 || to >= next.length) return next
  ;[next[from], next[to]] = [next[to]!, next[from]!]
  return next
}
