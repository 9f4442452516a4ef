import type { NoticeEvent } from '../base/notice-events.ts'
import type { Notice } from './notice.ts'

const mostShown = 100

const headings: Record<NoticeEvent, string> = {
  'audit.blocked': 'The audit trail could not be written:',
  'credential.broken': 'Stopped working, and a person is needed:',
  'message.failed': 'Could not be sent, and are not tried again:',
  'webhook.disabled': 'Switched off, because nothing came through:',
  'backup.old': 'The last backup is old:',
  'credential.expiring': 'Will stop working unless a person acts:',
  'access_key.expiring': 'Access keys that end soon:',
  'access_key.unusual': 'Access keys that are used as they never were:',
  'credential.recovered': 'Works again:',
}

/** Messages that are not named one by one any more. */
export type Told = { notices: Notice[]; reminders: Notice[]; moreMessages: number }

/** Writes one mail about everything that happened; `way`: which way it goes, where that is not the usual one. */
export function writeNotice({ notices, reminders, moreMessages }: Told, publicUrl: string, way: string | null = null): { subject: string; text: string } {
  const parts = (Object.keys(headings) as NoticeEvent[]).flatMap((event) =>
    section(
      headings[event],
      notices.filter((one) => one.event === event),
      publicUrl,
      event === 'message.failed' ? moreMessages : 0,
    ),
  )
  const [backups, broken] = [reminders.filter((one) => one.event === 'backup.old'), reminders.filter((one) => one.event !== 'backup.old')]
  parts.push(...section('Still not working:', broken, publicUrl), ...section('The last backup is still old:', backups, publicUrl))
  parts.push(`See all of them: ${publicUrl}/\n`)
  if (way !== null) parts.push(`${way}\n`)
  parts.push('This address stands in the email options of Keybearer, under "notify".\n')
  return { subject: subjectOf([...notices, ...reminders], moreMessages), text: parts.join('\n') }
}

function section(heading: string, notices: Notice[], publicUrl: string, more = 0): string[] {
  if (notices.length === 0) return []
  const shown = notices.slice(0, mostShown).map((notice) => describe(notice, publicUrl))
  const rest = notices.length - shown.length + more
  return [heading, '', ...shown, ...(rest > 0 ? [`and ${rest} more\n`] : [])]
}

const actors: Record<NonNullable<Notice['diagnosis']>['who'], string> = {
  you: 'What to do',
  owner: "What the account's owner has to do",
  admin: 'What an administrator has to do',
  nobody: 'What happens now',
}

function describe(notice: Notice, publicUrl: string): string {
  const { event, about, account, status, since, message, nextStep, diagnosis } = notice
  const owner = account === null ? '' : ` (${account})`
  const state =
    event === 'credential.broken' && status !== null && since !== null
      ? `, ${status.replaceAll('_', ' ')} since ${new Date(since).toISOString().slice(0, 16).replace('T', ' ')} UTC`
      : ''
  const lines = [`- ${about.name}${owner}${state}`]
  if (event !== 'credential.recovered') lines.push(...[message, nextStep].filter((text) => text !== null).map((text) => `  ${text}`))
  if ((event === 'credential.broken' || event === 'message.failed') && diagnosis !== null) {
    lines.push(`  ${diagnosis.title}. ${diagnosis.meaning}`, `  ${actors[diagnosis.who]}:`)
    diagnosis.fix.forEach((step, at) => lines.push(`  ${at + 1}. ${step}`))
  }
  lines.push(`  ${publicUrl}${notice.path}`)
  return `${lines.join('\n')}\n`
}

/** Names what a mail, or a message to a webhook, is about. */
export function subjectOf(all: Notice[], more = 0): string {
  const broken = all.filter((one) => one.event === 'credential.broken')
  const isMixed = all.some((one) => one.about.kind !== 'credential')
  const about = broken.length > 0 && !isMixed ? broken : all
  const count = about.length + more
  const [first] = about
  if (count === 1) return `Keybearer: ${subjects[first!.event](first!.about.name)}`
  if (!isMixed) return `Keybearer: ${count} credentials ${broken.length > 0 ? 'need a person' : 'have news'}`
  return about.every((one) => one.event === 'message.failed') ? `Keybearer: ${count} messages could not be sent` : `Keybearer: ${count} things need a person`
}

const subjects: Record<NoticeEvent, (name: string) => string> = {
  'credential.expiring': (name) => `"${name}" will stop working`,
  'credential.broken': (name) => `"${name}" needs a person`,
  'credential.recovered': (name) => `"${name}" works again`,
  'access_key.expiring': (name) => `the access key "${name}" will end`,
  'access_key.unusual': (name) => `the access key "${name}" is used in an unusual way`,
  'message.failed': () => 'a message could not be sent',
  'audit.blocked': () => 'the audit trail could not be written',
  'backup.old': () => 'the last backup is old',
  'webhook.disabled': (name) => `the webhook "${name}" is switched off`,
}
