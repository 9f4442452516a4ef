import type { Transaction } from 'kysely'
import type { JobRunner } from '../jobs/job-runner.ts'
import type { Tables } from '../storage/tables.ts'
import type { WebhookRow } from '../storage/webhooks.ts'
import { commandJob, type CommandPayload } from './notice-command.ts'
import { noticeEvents, type NoticeEvent } from '../base/notice-events.ts'
import type { Finding } from './notice-judge.ts'
import { writePayload } from './notice-payload.ts'
import { newNoticeId, webhookJob, type WebhookPayload } from './webhook-delivery.ts'

/** Who is told beside the people who get mail. */
export type Programs = { webhooks: WebhookRow[]; hasCommand: boolean }

export const wantedBy = (row: WebhookRow): NoticeEvent[] => JSON.parse(row.events) as NoticeEvent[]

/** Orders what programs are told, in the transaction that remembers it as told: one message for each kind of event. */
export async function orderDeliveries(
  trx: Transaction<Tables>,
  jobs: Pick<JobRunner, 'enqueue'>,
  { findings, programs, now, publicUrl }: { findings: Finding[]; programs: Programs; now: number; publicUrl: string },
): Promise<void> {
  for (const event of noticeEvents) {
    const notices = findings.filter((one) => one.event === event).map((one) => one.notice)
    if (notices.length === 0) continue
    const id = newNoticeId(now)
    const body = writePayload(event, notices, now, publicUrl)
    for (const row of programs.webhooks) {
      if (!wantedBy(row).includes(event)) continue
      const payload: WebhookPayload = { webhook: row.id, id, body }
      await jobs.enqueue(trx, { kind: webhookJob, subject: `${row.id} ${id}`, payload })
    }
    if (programs.hasCommand) {
      const payload: CommandPayload = { id, body }
      await jobs.enqueue(trx, { kind: commandJob, subject: id, payload })
    }
  }
}
