import { z } from 'zod'
import { fallbackCauses } from '../mail/mail-options.ts'
import { noticeEvents } from '../base/notice-events.ts'
import { endpoint } from './endpoint.ts'
import { named, ref, word } from './schemas.ts'

const when = z
  .array(z.enum(fallbackCauses))
  .max(fallbackCauses.length)
  .meta({
    description:
      'unreachable: the server is out of reach for KEYBEARER_MAIL_FALLBACK_MINUTES; refused: it refuses the login or the From address; credential_not_ready: a person must put the credential right',
  })
const told = { to: z.array(word(320)).max(100).meta({ description: 'Mail addresses' }), events: z.array(z.enum(noticeEvents)).max(noticeEvents.length) }
const daily = z
  .strictObject({ hour: z.int().min(0).max(23), time_zone: word(60).meta({ description: 'Such as Europe/Berlin' }) })
  .nullable()
  .meta({ description: 'One mail a day with everything, from this hour on; null: each mail at once' })
const reminders = z.boolean().meta({ description: 'Whether what does not work is named again every day' })
const notify = z.object({ ...told, daily, reminders }).meta({ id: 'MailNotify', description: 'Who is told of what by mail' })
const newNotify = z
  .strictObject({ ...told, daily: daily.optional(), reminders: reminders.optional() })
  .meta({ id: 'NewMailNotify', description: 'Who is told of what by mail: at once and with reminders unless told' })

const mailOptions = z
  .object({
    default_sender: named.nullable(),
    fallbacks: z.array(z.object({ sender: named, when })).meta({ description: 'In the order in which they are tried' }),
    notify,
  })
  .meta({ id: 'MailOptions' })

export const mailOptionsEndpoints = [
  endpoint({
    id: 'getMailOptions',
    method: 'GET',
    path: '/v1/mail/options',
    tag: 'Senders',
    summary: 'Shows the default sender, its fallbacks, and who is told of what.',
    permission: { administration: 'manage' },
    audit: null,
    status: 200,
    kind: 'json',
    reply: mailOptions,
  }),
  endpoint({
    id: 'setMailOptions',
    method: 'PUT',
    path: '/v1/mail/options',
    tag: 'Senders',
    summary: 'Replaces the default sender, its fallbacks, and who is told of what.',
    description: 'Fallbacks stand in for the default sender alone: a message that names another sender goes through that one or not at all.',
    permission: { administration: 'manage' },
    audit: 'mail_options.changed',
    body: z
      .strictObject({
        default_sender: ref('sender').nullable(),
        fallbacks: z.array(z.strictObject({ sender: ref('sender'), when })).max(100),
        notify: newNotify,
      })
      .meta({ id: 'NewMailOptions' }),
    status: 200,
    kind: 'json',
    reply: mailOptions,
  }),
] as const
