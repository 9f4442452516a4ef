import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { Problem, type FieldError } from '../base/problem.ts'
import { appendEvents } from '../storage/events.ts'
import { readFact, writeFact } from '../storage/facts.ts'
import { clearDefaultSender, findDefaultSender, findSender, listSenderRows, makeDefaultSender, type SenderRow } from '../storage/senders.ts'
import type { Database, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { MailContext } from './context.ts'
import { isTimeZone, type Daily } from './digest-time.ts'
import { normalizeAddress } from './message.ts'
import { noticeEvents, type NoticeEvent } from '../base/notice-events.ts'

/** Why a message could not go out through its sender, as far as another way may help. */
export const fallbackCauses = ['unreachable', 'refused', 'credential_not_ready'] as const
export type FallbackCause = (typeof fallbackCauses)[number]

type Named = { id: string; name: string }

/** Who is told of what by mail, and how often. */
export type Notify = {
  to: string[]
  events: NoticeEvent[]
  /** One mail a day with everything; null: each mail at once. */
  daily: Daily | null
  /** Whether what does not work is named again every day. */
  reminders: boolean
}

export type MailOptionsView = {
  defaultSender: Named | null
  /** In the order in which they are tried. */
  fallbacks: { sender: Named; when: FallbackCause[] }[]
  notify: Notify
}

export type NewMailOptions = {
  /** Id or name. */
  defaultSender: string | null
  fallbacks: { sender: string; when: FallbackCause[] }[]
  /** At once and with reminders unless told. */
  notify: Pick<Notify, 'to' | 'events'> & Partial<Notify>
}

/** As they are stored: senders by their ids. The default one is marked in its own row. */
type Stored = { fallbacks: { sender: string; when: FallbackCause[] }[]; notify: Notify }

const factName = 'mail_options'
const mostFallbacks = 10
const mostNotified = 20

/** The sender of all mail that names none, what stands in for it, and who is told of what. */
export class MailOptions {
  readonly #context: MailContext

  constructor(context: MailContext) {
    this.#context = context
  }

  async get(): Promise<MailOptionsView> {
    const { db } = this.#context
    const stored = await readStored(db)
    const senders = new Map((await listSenderRows(db)).map((row) => [row.id, row]))
    const main = [...senders.values()].find((row) => row.is_default === 1)
    return {
      defaultSender: main ? { id: main.id, name: main.name } : null,
      fallbacks: stored.fallbacks.map(({ sender, when }) => ({ sender: { id: sender, name: senders.get(sender)?.name ?? '(deleted)' }, when })),
      notify: stored.notify,
    }
  }

  /** Replaces all of them. @throws Problem invalid_request */
  async set(input: NewMailOptions, actor: Actor): Promise<MailOptionsView> {
    const { db, audit, clock } = this.#context
    await inTransaction(db, async (trx) => {
      const checked = await check(trx, input)
      await clearDefaultSender(trx)
      if (checked.main) await makeDefaultSender(trx, checked.main.id)
      await writeFact(trx, factName, JSON.stringify(checked.stored))
      const { fallbacks, notify } = checked.stored
      const detail = {
        default_sender: checked.main?.id ?? null,
        fallbacks: fallbacks.map((one) => one.sender),
        notified: notify.to.length,
        events: notify.events,
        daily: notify.daily === null ? null : `${notify.daily.hour}:00 ${notify.daily.timeZone}`,
        reminders: notify.reminders,
      }
      await audit.append(trx, [{ actor, action: 'mail_options.changed', outcome: 'done', detail }])
      await appendEvents(trx, clock, [{ type: 'mail_options.changed', subject: null, data: { default_sender: checked.main?.name ?? null } }])
    })
    await this.#context.wake()
    return await this.get()
  }
}

/** Returns the fallbacks that stand in for a sender, in their order: the default sender's, and nobody else's. */
export async function fallbacksOf(db: Database, senderId: string): Promise<{ sender: SenderRow; when: FallbackCause[] }[]> {
  const stored = await readStored(db)
  if (stored.fallbacks.length === 0) return []
  const main = await findDefaultSender(db)
  if (main?.id !== senderId) return []
  const found: { sender: SenderRow; when: FallbackCause[] }[] = []
  for (const { sender, when } of stored.fallbacks) {
    const row = await findSender(db, sender)
    if (row) found.push({ sender: row, when })
  }
  return found
}

/** Returns the default sender and everything that stands in for it, in their order. */
export async function allWays(db: Database): Promise<SenderRow[]> {
  const stored = await readStored(db)
  const ways: SenderRow[] = []
  for (const row of [await findDefaultSender(db), ...(await Promise.all(stored.fallbacks.map(({ sender }) => findSender(db, sender))))]) if (row) ways.push(row)
  return ways
}

/** Returns who is told of what. */
export async function readNotify(db: Database | Transaction<Tables>): Promise<Notify> {
  return (await readStored(db)).notify
}

/** Returns whether a sender stands in for the default one. */
export async function isFallback(db: Database | Transaction<Tables>, senderId: string): Promise<boolean> {
  return (await readStored(db)).fallbacks.some(({ sender }) => sender === senderId)
}

async function readStored(db: Database | Transaction<Tables>): Promise<Stored> {
  const text = await readFact(db, factName)
  const stored = text === null ? { fallbacks: [], notify: {} } : (JSON.parse(text) as { fallbacks: Stored['fallbacks']; notify: Partial<Notify> })
  return { ...stored, notify: { to: [], events: [], daily: null, reminders: true, ...stored.notify } }
}

async function check(trx: Transaction<Tables>, input: NewMailOptions): Promise<{ main: SenderRow | null; stored: Stored }> {
  const errors: FieldError[] = []
  const find = async (path: string, ref: string): Promise<SenderRow | null> => {
    const row = await findSender(trx, ref)
    if (!row) errors.push({ path, message: 'names no sender' })
    return row ?? null
  }
  const main = input.defaultSender === null ? null : await find('default_sender', input.defaultSender)
  const seen = new Set(main ? [main.id] : [])
  const fallbacks: Stored['fallbacks'] = []
  for (const [i, { sender, when }] of input.fallbacks.entries()) {
    const row = await find(`fallbacks.${i}.sender`, sender)
    if (when.length === 0) errors.push({ path: `fallbacks.${i}.when`, message: `must name at least one of ${fallbackCauses.join(', ')}` })
    if (!row) continue
    if (seen.has(row.id)) errors.push({ path: `fallbacks.${i}.sender`, message: row.id === main?.id ? 'is the default sender itself' : 'came before' })
    seen.add(row.id)
    fallbacks.push({ sender: row.id, when: fallbackCauses.filter((cause) => when.includes(cause)) })
  }
  if (input.fallbacks.length > 0 && input.defaultSender === null)
    errors.push({ path: 'fallbacks', message: 'stand in for a default sender, and there is none' })
  if (input.fallbacks.length > mostFallbacks) errors.push({ path: 'fallbacks', message: `must be at most ${mostFallbacks}` })
  const to = input.notify.to.map((text, i) => {
    const address = normalizeAddress(text.trim())
    if (address === null) errors.push({ path: `notify.to.${i}`, message: 'must be a mail address' })
    return address ?? ''
  })
  if (to.length > mostNotified) errors.push({ path: 'notify.to', message: `must be at most ${mostNotified}` })
  const daily = input.notify.daily ?? null
  if (daily !== null && !isTimeZone(daily.timeZone)) errors.push({ path: 'notify.daily.time_zone', message: 'must be a time zone such as Europe/Berlin' })
  if (errors.length > 0) throw new Problem('invalid_request', 'The email options cannot be like this.', { errors })
  const events = noticeEvents.filter((event) => input.notify.events.includes(event))
  return { main, stored: { fallbacks, notify: { to: [...new Set(to)], events, daily, reminders: input.notify.reminders ?? true } } }
}
