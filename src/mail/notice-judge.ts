import type { Backups } from '../access/backups.ts'
import type { Event, EventType } from '../base/events.ts'
import { isBroken } from '../credentials/credential-status.ts'
import type { CredentialStatus } from '../credentials/types.ts'
import { brokenCredentials, credentialsById, type CredentialWithRegistration } from '../storage/credentials.ts'
import { readEventsOf } from '../storage/events.ts'
import { messageFactsById } from '../storage/message-facts.ts'
import { listSenderRows } from '../storage/senders.ts'
import { snoozesEnded } from '../storage/snoozes.ts'
import type { MailContext } from './context.ts'
import { auditNotice, backupNotice, credentialNotice, keyNotice, messageNotice, webhookNotice, type Notice, type Said } from './notice.ts'
import type { NoticeEvent } from '../base/notice-events.ts'
import type { NoticeState, Pending } from './notice-state.ts'

const hour = 3_600_000
const mostRows = 500
export const mostEvents = 5000

export const heeded: EventType[] = [
  'credential.broken',
  'credential.expiring',
  'credential.recovered',
  'credential.connected',
  'credential.deleted',
  'message.failed',
  'audit.unblocked',
  'webhook.disabled',
  'access_key.unusual',
]

/** Something to tell. `isFixed`: it is told as it is now, whatever becomes of the credential. `byMail` is false for what a mail would only repeat: that a notice itself could not be sent. */
export type Finding = { event: NoticeEvent; id: string; notice: Notice; said: Said | null; byMail: boolean; isFixed?: boolean }

export type Judged = {
  findings: Finding[]
  /** Credentials that are told of again from now on, with the end that their snooze had. */
  woken: { id: string; until: number }[]
  state: NoticeState
}

type Context = Pick<MailContext, 'db' | 'credentials'> & { backups: Pick<Backups, 'get'> }

/** Who the mails of this part come from, so that they are known again. */
export const noticesId = 'notices'

/** Decides what is to be told after these events, at this moment. */
export async function judge(context: Context, state: NoticeState, events: Event[], now: number): Promise<Judged> {
  const told = new Set(state.told)
  const woken = new Map<string, number>()
  const credentials = await judgeCredentials(context, { state, told, woken, events, now })
  const { isOld, lastAt } = await context.backups.get()
  const backup: Finding[] = isOld && !state.backupTold ? [{ event: 'backup.old', id: 'backup', notice: backupNotice(lastAt), said: null, byMail: true }] : []
  return {
    findings: [...credentials, ...(await judgeMessages(context, events)), ...events.flatMap(judgeService), ...backup],
    woken: [...woken].map(([id, until]) => ({ id, until })),
    state: {
      ...state,
      seq: events.at(-1)?.seq ?? state.seq,
      lookedAt: now,
      // A clock that was set back has not let a day pass.
      remindedAt: Math.min(state.remindedAt, now),
      told: [...told].slice(-mostEvents),
      backupTold: isOld,
    },
  }
}

type Credentials = { state: NoticeState; told: Set<string>; woken: Map<string, number>; events: Event[]; now: number }

async function judgeCredentials({ db, credentials }: Context, { state, told, woken, events, now }: Credentials): Promise<Finding[]> {
  // Of several events of a credential the last one counts.
  const about = events.filter((event) => event.type.startsWith('credential.'))
  const latest = new Map(about.flatMap((event) => (event.subject === null ? [] : [[event.subject, event] as const])))
  const rows = new Map((await credentialsById(db, [...latest.keys()])).map((row) => [row.id, row]))
  const found = new Map<string, Finding>()
  const add = (event: NoticeEvent, row: CredentialWithRegistration, said: Said | null) =>
    found.set(row.id, { event, id: row.id, notice: credentialNotice(event, row, said, credentials.diagnose(row)), said, byMail: true })
  for (const [id, event] of latest) {
    const row = rows.get(id)
    const kind = row ? kindOf(event, row, told) : null
    if (kind === 'credential.broken') told.add(id)
    else if (kind === 'credential.recovered' || !row) told.delete(id)
    if (row === undefined) continue
    const works = event.type === 'credential.recovered' || event.type === 'credential.connected'
    // What was put right is not what somebody did not want to hear of, unless he said so afterwards.
    if (works && row.snoozed_until !== null && !isBroken(row.status as CredentialStatus) && !(await isSnoozedSince(db, event))) woken.set(id, row.snoozed_until)
    if (kind !== null && (kind === 'credential.recovered' || !isSnoozed(row, now))) add(kind, row, kind === 'credential.expiring' ? saidBy(event) : null)
  }
  // A provider that is away for a moment is nobody's business; one that stays away is.
  const stuck = await brokenCredentials(db, ['retrying'], { from: Math.min(state.lookedAt, now) - hour, to: now - hour }, mostRows)
  for (const row of stuck) {
    if (told.has(row.id)) continue
    told.add(row.id)
    if (!isSnoozed(row, now)) add('credential.broken', row, null)
  }
  for (const row of await snoozesEnded(db, now, mostRows)) {
    woken.set(row.id, row.snoozed_until!)
    if (found.has(row.id)) continue
    const kind = kindOfStatus(row, now)
    if (kind === null) continue
    if (kind === 'credential.broken') told.add(row.id)
    add(kind, row, null)
  }
  return [...found.values()]
}

const isSnoozedSince = async (db: Context['db'], { seq, subject }: Event): Promise<boolean> =>
  (await readEventsOf(db, ['credential.snoozed'], seq, mostRows)).some((event) => event.subject === subject)

export const isSnoozed = (row: Pick<CredentialWithRegistration, 'snoozed_until'>, now: number): boolean => row.snoozed_until !== null && row.snoozed_until > now

function kindOfStatus(row: CredentialWithRegistration, now: number): NoticeEvent | null {
  if (isBroken(row.status as CredentialStatus) || (row.status === 'retrying' && row.status_since <= now - hour)) return 'credential.broken'
  return row.status === 'expiring' ? 'credential.expiring' : null
}

/** Decides what an event means now: what has passed meanwhile is not told any more. */
function kindOf(event: Event, row: CredentialWithRegistration, told: ReadonlySet<string>): NoticeEvent | null {
  const broken = isBroken(row.status as CredentialStatus)
  switch (event.type) {
    case 'credential.broken':
      return broken ? 'credential.broken' : null
    case 'credential.expiring':
      return row.status === 'ready' || row.status === 'expiring' ? 'credential.expiring' : null
    case 'credential.recovered':
    case 'credential.connected':
      return told.has(row.id) && !broken ? 'credential.recovered' : null
    default:
      return null
  }
}

function saidBy({ data }: Event): Said | null {
  if (typeof data.message !== 'string') return null
  return { message: data.message, nextStep: typeof data.next_step === 'string' ? data.next_step : null }
}

async function judgeMessages({ db }: Context, events: Event[]): Promise<Finding[]> {
  const ids = [...new Set(events.flatMap((event) => (event.type === 'message.failed' && event.subject !== null ? [event.subject] : [])))]
  if (ids.length === 0) return []
  const names = new Map((await listSenderRows(db)).map((row) => [row.id, row.name]))
  return (await messageFactsById(db, ids))
    .filter((facts) => facts.status === 'failed')
    .map((facts) => ({
      event: 'message.failed',
      id: facts.id,
      notice: messageNotice(facts, names.get(facts.sender_id) ?? '(deleted)'),
      said: null,
      byMail: facts.created_by !== noticesId,
    }))
}

function judgeService(event: Event): Finding[] {
  const { data, subject } = event
  if (event.type === 'webhook.disabled' && subject !== null) {
    const notice = webhookNotice(subject, String(data.name), typeof data.message === 'string' ? data.message : null)
    return [{ event: 'webhook.disabled', id: subject, notice, said: null, byMail: true }]
  }
  if (event.type === 'access_key.unusual' && subject !== null) {
    const notice = keyNotice(subject, String(data.name), String(data.what), String(data.value))
    return [{ event: 'access_key.unusual', id: subject, notice, said: null, byMail: true }]
  }
  if (event.type === 'audit.unblocked' && typeof data.since === 'string') {
    return [{ event: 'audit.blocked', id: `audit ${event.seq}`, notice: auditNotice(Date.parse(data.since), event.at), said: null, byMail: true }]
  }
  return []
}

/** What is still to be told of what waited for a mail, and how many messages are not named one by one. */
export type Resolved = { notices: Notice[]; moreMessages: number }

const mostMessages = 100

/** Looks at what waits once more. */
export async function resolvePending({ db, credentials }: Context, pending: Pending[], now: number): Promise<Resolved> {
  const notices: Notice[] = []
  const aboutCredentials = pending.filter((one) => one.notice === undefined && one.event.startsWith('credential.'))
  const latest = new Map(aboutCredentials.map((one) => [one.id, one]))
  const first = new Map(aboutCredentials.toReversed().map((one) => [one.id, one.event]))
  const rows = new Map((await credentialsById(db, [...latest.keys()])).map((row) => [row.id, row]))
  for (const [id, one] of latest) {
    const row = rows.get(id)
    if (row === undefined || isSnoozed(row, now)) continue
    // Nobody was told that it broke: then it is no news that it works.
    const isHidden = one.event === 'credential.recovered' && first.get(id) === 'credential.broken'
    if (isHidden || !isStillTrue(one.event, row.status as CredentialStatus)) continue
    notices.push(credentialNotice(one.event, row, one.said ?? null, credentials.diagnose(row)))
  }
  const ids = pending.filter((one) => one.event === 'message.failed').map((one) => one.id)
  const failed = ids.length === 0 ? [] : (await messageFactsById(db, ids)).filter((facts) => facts.status === 'failed')
  const names = new Map(failed.length === 0 ? [] : (await listSenderRows(db)).map((row) => [row.id, row.name]))
  for (const facts of failed.slice(0, mostMessages)) notices.push(messageNotice(facts, names.get(facts.sender_id) ?? '(deleted)'))
  for (const { notice } of pending) if (notice !== undefined) notices.push(notice)
  return { notices, moreMessages: Math.max(0, failed.length - mostMessages) }
}

function isStillTrue(event: NoticeEvent, status: CredentialStatus): boolean {
  if (event === 'credential.broken') return isBroken(status) || status === 'retrying'
  return event === 'credential.expiring' ? status === 'ready' || status === 'expiring' : !isBroken(status)
}

export function pendingOf({ event, id, said, notice, isFixed }: Finding, now: number): Pending {
  const isLookedAtAgain = isFixed !== true && (notice.about.kind === 'credential' || notice.about.kind === 'message')
  return isLookedAtAgain ? { at: now, event, id, ...(said ? { said } : {}) } : { at: now, event, id, notice }
}
