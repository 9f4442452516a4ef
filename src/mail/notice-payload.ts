import type { NoticeEvent } from '../base/notice-events.ts'
import type { Notice } from './notice.ts'
import { subjectOf } from './notice-text.ts'

const mostShown = 50

/** Writes what programs are told of one kind of event, as a webhook gets it and the command on its standard input. */
export function writePayload(event: NoticeEvent, notices: Notice[], now: number, publicUrl: string): string {
  const shown = notices.slice(0, mostShown)
  return JSON.stringify({
    type: event,
    timestamp: new Date(now).toISOString(),
    data: { text: subjectOf(notices), notices: shown.map((notice) => payloadOf(notice, publicUrl)), more: notices.length - shown.length },
  })
}

const payloadOf = (notice: Notice, publicUrl: string) => ({
  about: notice.about,
  account: notice.account,
  status: notice.status,
  since: notice.since === null ? null : new Date(notice.since).toISOString(),
  message: notice.message,
  next_step: notice.nextStep,
  diagnosis: notice.diagnosis,
  /** A page that asks everybody to sign in. */
  url: `${publicUrl}${notice.path}`,
})
