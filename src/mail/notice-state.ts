import type { NoticeEvent } from '../base/notice-events.ts'
import type { WarnedEnds } from './notice-ends.ts'
import type { Notice, Said } from './notice.ts'

/**
 * What waits for the next mail. Credentials and messages are looked at again when it is written, because what has passed
 * meanwhile is not told any more; the rest is kept as it was.
 */
export type Pending = { at: number; event: NoticeEvent; id: string; said?: Said | null; notice?: Notice }

/** How far the notices are. It stands in the database, so that one node tells each of them, and none is lost by a crash. */
export type NoticeState = {
  /** The last event that was looked at. */
  seq: number
  lookedAt: number
  remindedAt: number
  /** Credentials of which somebody was told that they do not work. */
  told: string[]
  pending: Pending[]
  /** Whether somebody was told that the last backup is old. */
  backupTold: boolean
  /** When ends were looked at that no event tells of, and of which of them somebody was told. */
  endsAt: number
  endsWarned: WarnedEnds
}

export const noticeFact = 'notices'

const added = { pending: [], backupTold: false, endsAt: 0, endsWarned: {} }

export const readNoticeState = (text: string): NoticeState => ({ ...added, ...(JSON.parse(text) as Omit<NoticeState, keyof typeof added>) })

export const freshNoticeState = (seq: number, now: number): NoticeState => ({ seq, lookedAt: now, remindedAt: now, told: [], ...added })
