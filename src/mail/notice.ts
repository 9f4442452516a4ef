import type { Diagnosis } from '../base/diagnosis.ts'
import type { CalendarEnd } from '../credentials/calendar.ts'
import { readReason } from '../credentials/credential-status.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import type { MessageFacts } from '../storage/message-facts.ts'
import type { NoticeEvent } from '../base/notice-events.ts'
import type { MessageProblem, Recipient } from './types.ts'

/**
 * What somebody is told: the same by mail, webhook and command.
 *
 * Invariant: no secret, nothing that an author of a message wrote, and no address but the path of a page that asks everybody
 * to sign in: what a provider or server said may hold links, and they are left out.
 */
export type Notice = {
  event: NoticeEvent
  about: { kind: 'credential' | 'access_key' | 'message' | 'webhook' | 'service'; id: string | null; name: string }
  account: string | null
  status: string | null
  since: number | null
  message: string | null
  nextStep: string | null
  /** What it means and what to do. */
  diagnosis: Pick<Diagnosis, 'id' | 'title' | 'meaning' | 'who' | 'fix'> | null
  /** Of the page that shows it. */
  path: string
}

/** What an event said beside the status, such as of an end that is still far. */
export type Said = { message: string; nextStep: string | null }

export function credentialNotice(event: NoticeEvent, row: CredentialWithRegistration, said: Said | null, diagnosis: Diagnosis | null): Notice {
  const reason = readReason(row.status_reason)
  return clean({
    event,
    about: { kind: 'credential', id: row.id, name: row.name },
    account: row.username,
    status: row.status,
    since: row.status_since,
    message: said?.message ?? reason?.message ?? null,
    nextStep: said === null ? (reason?.nextStep?.text ?? null) : said.nextStep,
    diagnosis,
    path: `/credentials/${row.id}`,
  })
}

export function messageNotice(facts: MessageFacts, senderName: string): Notice {
  const problem = facts.problem === null ? null : (JSON.parse(facts.problem) as MessageProblem)
  const recipients = JSON.parse(facts.recipients) as Recipient[]
  const failed = recipients.filter((one) => one.state !== 'sent').length
  return clean({
    event: 'message.failed',
    about: { kind: 'message', id: facts.id, name: `${facts.id}, through "${senderName}", to ${failed} of ${recipients.length} recipients` },
    account: null,
    status: facts.status,
    since: facts.created_at,
    message: problem?.message ?? null,
    nextStep: problem?.nextStep ?? null,
    diagnosis: problem?.diagnosis ?? null,
    path: `/outbox?message=${facts.id}`,
  })
}

export function webhookNotice(id: string, name: string, message: string | null): Notice {
  return clean({
    event: 'webhook.disabled',
    about: { kind: 'webhook', id, name },
    account: null,
    status: 'disabled',
    since: null,
    message,
    nextStep: 'Put the receiver right, test the webhook, and switch it on again. What happened meanwhile is not sent to it afterwards.',
    diagnosis: null,
    path: '/email-options',
  })
}

const unusual: Record<string, (value: string) => string> = {
  address: (value) => `It was used from ${value}, where it was never used before.`,
  program: (value) => `It was used by ${value}, which never used it before.`,
  busy_day: (value) => `On ${value} it was used more than ten times as often as on any day before.`,
}

/** Tells of a use of an access key that is not usual; `value` came from outside, and is cut and cleaned where it is noted. */
export function keyNotice(id: string, name: string, what: string, value: string): Notice {
  return clean({
    event: 'access_key.unusual',
    about: { kind: 'access_key', id, name },
    account: null,
    status: null,
    since: null,
    message: unusual[what]?.(value) ?? 'It was used as it never was.',
    nextStep: 'Nothing, if you know why. If not, revoke it and make a new one; bind that one to its networks.',
    diagnosis: null,
    path: '/access-keys',
  })
}

const iso = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

export function auditNotice(since: number, until: number | null): Notice {
  return clean({
    event: 'audit.blocked',
    about: { kind: 'service', id: null, name: 'Audit trail' },
    account: null,
    status: until === null ? 'blocked' : 'works again',
    since,
    message:
      until === null
        ? `The audit trail cannot be written since ${iso(since)}. No token is handed out and no mail goes out until it can.`
        : `From ${iso(since)} to ${iso(until)} the audit trail could not be written. No token was handed out and no mail went out meanwhile. It works again.`,
    nextStep: until === null ? 'See whether the disk of the database is full, and whether the database answers.' : 'Nothing, if you know the reason.',
    diagnosis: null,
    path: '/settings',
  })
}

export function backupNotice(lastAt: number | null): Notice {
  return clean({
    event: 'backup.old',
    about: { kind: 'service', id: null, name: 'Backup' },
    account: null,
    status: 'old',
    since: lastAt,
    message: lastAt === null ? 'No backup was ever made.' : `The last backup is of ${iso(lastAt)}.`,
    nextStep: 'Make one, and let it be made every day: keybearer backup FILE.',
    diagnosis: null,
    path: '/settings',
  })
}

/** Tells of an end that no event tells of. */
export function endNotice({ at, subject, message, nextStep }: CalendarEnd): Notice {
  const isKey = subject.kind === 'access_key'
  return clean({
    event: isKey ? 'access_key.expiring' : 'credential.expiring',
    about: { kind: isKey ? 'access_key' : 'credential', id: subject.id, name: subject.name },
    account: null,
    status: null,
    since: null,
    message: `${message} It is on ${iso(at)}.`,
    nextStep,
    diagnosis: null,
    path: isKey ? '/access-keys' : `/credentials/${subject.id}`,
  })
}

function clean(notice: Notice): Notice {
  const { diagnosis } = notice
  return {
    ...notice,
    account: notice.account && withoutLinks(notice.account),
    message: notice.message && withoutLinks(notice.message),
    nextStep: notice.nextStep && withoutLinks(notice.nextStep),
    diagnosis: diagnosis && {
      id: diagnosis.id,
      title: diagnosis.title,
      meaning: diagnosis.meaning,
      who: diagnosis.who,
      fix: diagnosis.fix.map((step) => withoutLinks(step, '(see the page)')),
    },
  }
}

const withoutLinks = (text: string, instead = '(address left out)'): string => text.replace(/\b[a-z][a-z0-9+.-]{1,20}:\/\/\S+/gi, instead)
