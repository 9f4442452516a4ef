import type { MailOptions } from '@keybearer/client'

export type NoticeEvent = MailOptions['notify']['events'][number]

/** What somebody can be told of, what needs a person most first. */
export const noticeChoices: { value: NoticeEvent; label: string; description: string }[] = [
  { value: 'credential.expiring', label: 'A credential ends soon', description: 'Weeks to a day ahead, each once' },
  { value: 'credential.broken', label: 'A credential works no longer', description: 'With the reason and what to do' },
  { value: 'credential.recovered', label: 'A credential works again', description: 'So that nobody looks for nothing' },
  { value: 'access_key.expiring', label: 'An access key ends soon', description: 'Weeks to a day ahead, each once' },
  {
    value: 'access_key.unusual',
    label: 'An access key is used in an unusual way',
    description: 'From another address, by another program, or many times as often',
  },
  { value: 'message.failed', label: 'A message could not be sent', description: 'Once it is not tried again; nothing of its content' },
  { value: 'audit.blocked', label: 'The audit trail is blocked', description: 'Nothing is handed out then; mail comes once it is over' },
  { value: 'backup.old', label: 'The last backup is old', description: 'After a week' },
  { value: 'webhook.disabled', label: 'A webhook is switched off', description: 'Because nothing came through for days' },
]
