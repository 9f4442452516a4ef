/** What somebody can be told of, with what a list of choices says of it. */
export const noticeEvents = [
  'credential.expiring',
  'credential.broken',
  'credential.recovered',
  'access_key.expiring',
  'access_key.unusual',
  'message.failed',
  'audit.blocked',
  'backup.old',
  'webhook.disabled',
] as const
export type NoticeEvent = (typeof noticeEvents)[number]
