import type { CredentialWithRegistration } from '../storage/credentials.ts'
import type { Diagnosis } from '../base/diagnosis.ts'
import { readReason } from '../credentials/credential-status.ts'
import type { NoticeEvent } from './mail-options.ts'

export type Notice = {
  event: NoticeEvent
  row: Pick<CredentialWithRegistration, 'name' | 'username' | 'status' | 'status_since' | 'status_reason'>
  said: Said | null
  /** What the reason means and what to do. */
  diagnosis: Diagnosis | null
}
/** What an event said beside the status, such as of an end that is still far. */
export type Said = { message: string; nextStep: string | null }

const mostShown = 100

const headings: Record<NoticeEvent, string> = {
  'credential.broken': 'Stopped working, and a person is needed:',
  'credential.expiring': 'Will stop working unless a person acts:',
  'credential.recovered': 'Works again:',
}

/**
 * Writes one mail about everything that happened.
 *
 * Invariant: it holds no secret and no address but that of the page, where everybody has to sign in: what a provider said may
 * hold links, and they are left out.
 */
export function writeNotice(notices: Notice[], reminders: Notice[], publicUrl: string): { subject: string; text: string } {
  const parts = (Object.keys(headings) as NoticeEvent[]).flatMap((event) =>
    section(
      headings[event],
      notices.filter((one) => one.event === event),
    ),
  )
  parts.push(...section('Still not working:', reminders))
  parts.push(`See all of them: ${publicUrl}/\n`, 'This address stands in the email options of Keybearer, under "notify".\n')
  return { subject: subjectOf(notices, reminders), text: parts.join('\n') }
}

function section(heading: string, notices: Notice[]): string[] {
  if (notices.length === 0) return []
  const shown = notices.slice(0, mostShown).map(describe)
  const rest = notices.length - shown.length
  return [heading, '', ...shown, ...(rest > 0 ? [`and ${rest} more\n`] : [])]
}

const actors: Record<Diagnosis['who'], string> = {
  you: 'What to do',
  owner: "What the account's owner has to do",
  admin: 'What an administrator has to do',
  nobody: 'What happens now',
}

function describe({ event, row, said, diagnosis }: Notice): string {
  const reason = readReason(row.status_reason)
  const message = said?.message ?? reason?.message ?? null
  const nextStep = said === null ? (reason?.nextStep?.text ?? null) : said.nextStep
  const account = row.username === null ? '' : ` (${row.username})`
  const state =
    event !== 'credential.broken'
      ? ''
      : `, ${row.status.replaceAll('_', ' ')} since ${new Date(row.status_since).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const lines = [`- ${row.name}${account}${state}`]
  if (event !== 'credential.recovered') lines.push(...[message, nextStep].filter((text) => text !== null).map((text) => `  ${withoutLinks(text)}`))
  if (event === 'credential.broken' && diagnosis !== null) {
    lines.push(`  ${diagnosis.title}. ${diagnosis.meaning}`, `  ${actors[diagnosis.who]}:`)
    diagnosis.fix.forEach((step, at) => lines.push(`  ${at + 1}. ${withoutLinks(step, '(see the page)')}`))
  }
  return `${lines.join('\n')}\n`
}

const withoutLinks = (text: string, instead = '(address left out)'): string => text.replace(/\b[a-z][a-z0-9+.-]{1,20}:\/\/\S+/gi, instead)

function subjectOf(notices: Notice[], reminders: Notice[]): string {
  const all = [...notices, ...reminders]
  const broken = all.filter((one) => one.event === 'credential.broken')
  const about = broken.length > 0 ? broken : all
  const [first] = about
  if (about.length > 1) return `Keybearer: ${about.length} credentials ${broken.length > 0 ? 'need a person' : 'have news'}`
  if (first!.event === 'credential.expiring') return `Keybearer: "${first!.row.name}" will stop working`
  return first!.event === 'credential.recovered' ? `Keybearer: "${first!.row.name}" works again` : `Keybearer: "${first!.row.name}" needs a person`
}
