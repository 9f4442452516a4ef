import type { CalendarEnd } from '../src/credentials/calendar.ts'
import { createJobRunner, type JobRunner } from '../src/jobs/job-runner.ts'
import { commandHandler, commandJob } from '../src/mail/notice-command.ts'
import { Notices } from '../src/mail/notices.ts'
import { webhookJob } from '../src/mail/webhook-delivery.ts'
import type { MailWorld } from './mail-world.ts'

export const noticeUrl = 'https://keys.example.org'

/** How old the last backup is, as a test wants it. */
export type FakeBackups = { isOld: boolean; lastAt: number | null }

export type NoticeNode = { notices: Notices; jobs: JobRunner; stop(): Promise<void> }

/** Makes what tells people and programs over a mail world: one node. Nothing of it is started. */
export function makeNoticeNode(mail: MailWorld, options: { backups?: FakeBackups; command?: string; ends?: () => Promise<CalendarEnd[]> } = {}): NoticeNode {
  const { db, dialect, clock, log } = mail.context
  const { backups = { isOld: false, lastAt: null }, command } = options
  const jobs = createJobRunner({
    db,
    dialect,
    clock,
    log,
    handlers: { [webhookJob]: mail.deliveries.handler, ...(command === undefined ? {} : { [commandJob]: commandHandler(command) }) },
  })
  const notices = new Notices(mail.context, {
    outbox: mail.outbox,
    jobs,
    backups: { get: async () => ({ supported: true, lastSize: null, restored: null, ...backups }) },
    ends: options.ends ?? (async () => []),
    hasCommand: command !== undefined,
    publicUrl: noticeUrl,
  })
  return {
    notices,
    jobs,
    async stop() {
      await notices.stop()
      await jobs.stop()
    },
  }
}
