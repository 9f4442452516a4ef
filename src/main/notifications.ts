import type { Backups } from '../access/backups.ts'
import type { CalendarEnd } from '../credentials/calendar.ts'
import { createJobRunner } from '../jobs/job-runner.ts'
import { AuditAlarm } from '../mail/audit-alarm.ts'
import type { MailContext } from '../mail/context.ts'
import { commandHandler, commandJob } from '../mail/notice-command.ts'
import { Notices } from '../mail/notices.ts'
import type { Outbox } from '../mail/outbox.ts'
import { WebhookDeliveries, webhookJob } from '../mail/webhook-delivery.ts'
import { Webhooks } from '../mail/webhooks.ts'

export type Notifications = { webhooks: Webhooks; notices: Notices; start(): Promise<void>; stop(): Promise<void> }

/** Puts together what tells people and programs: by mail, by webhook, and by the program that the settings name. */
export function createNotifications(
  mail: MailContext,
  parts: { outbox: Outbox; backups: Pick<Backups, 'get'>; ends: () => Promise<CalendarEnd[]>; command: string | null; publicUrl: string },
): Notifications {
  const { db, dialect, clock, log } = mail
  const { command, publicUrl } = parts
  const deliveries = new WebhookDeliveries(mail)
  const jobs = createJobRunner({
    db,
    dialect,
    clock,
    log,
    // A node without the setting leaves what is for the program to those that have it.
    handlers: { [webhookJob]: deliveries.handler, ...(command === null ? {} : { [commandJob]: commandHandler(command) }) },
  })
  const notices = new Notices(mail, { outbox: parts.outbox, jobs, backups: parts.backups, ends: parts.ends, hasCommand: command !== null, publicUrl })
  const alarm = new AuditAlarm(mail, { deliveries, command, publicUrl })
  return {
    webhooks: new Webhooks(mail, deliveries),
    notices,
    async start() {
      await alarm.learn()
      await jobs.start()
      notices.start()
    },
    async stop() {
      await alarm.stop()
      await notices.stop()
      await jobs.stop()
    },
  }
}
