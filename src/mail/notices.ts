import type { Transaction } from 'kysely'
import type { Backups } from '../access/backups.ts'
import { service, type Actor } from '../base/actor.ts'
import type { CalendarEnd } from '../credentials/calendar.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { JobRunner } from '../jobs/job-runner.ts'
import { brokenCredentials, credentialsById } from '../storage/credentials.ts'
import { lastEventSeq, readEventsOf } from '../storage/events.ts'
import { readFact, writeFactIf } from '../storage/facts.ts'
import { clearSnooze } from '../storage/snoozes.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { listWebhookRows } from '../storage/webhooks.ts'
import type { MailContext } from './context.ts'
import { dayOf } from './digest-time.ts'
import { readNotify, type Notify } from './mail-options.ts'
import { backupNotice, credentialNotice, type Notice } from './notice.ts'
import { judgeEnds } from './notice-ends.ts'
import { heeded, isSnoozed, type Finding, judge, mostEvents, noticesId, pendingOf, resolvePending } from './notice-judge.ts'
import { orderDeliveries, type Programs } from './notice-orders.ts'
import { freshNoticeState, noticeFact, readNoticeState, type NoticeState } from './notice-state.ts'
import { writeNotice, type Told } from './notice-text.ts'
import { findNoticeWay } from './notice-way.ts'
import type { Outbox } from './outbox.ts'

const day = 86_400_000
/** What happens within this time goes into one mail. */
const gatherTime = 3000
const longestSleep = 5 * 60_000
const mostRows = 500
const endsEvery = 3_600_000

const notices: Actor = { ...service, id: noticesId }

type Parts = {
  outbox: Pick<Outbox, 'accept'>
  jobs: Pick<JobRunner, 'enqueue' | 'wake'>
  backups: Pick<Backups, 'get'>
  /** Ends that no event tells of. */
  ends: () => Promise<CalendarEnd[]>
  /** Whether the settings name a program that is told, too. */
  hasCommand: boolean
  publicUrl: string
}

/**
 * Tells people by mail, and programs by webhook and command, when something needs a person: once for each change, and once a
 * day as long as it is not put right. The mail goes through a sender whose own credential works.
 *
 * Invariant: what is told stands in the database in the transaction that orders the telling, compared with what stood there
 * before. So each thing is told once, whoever looks, however often, and whenever a process dies.
 */
export class Notices {
  readonly #context: MailContext
  readonly #parts: Parts
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined
  #wakeUp: (() => void) | undefined
  #woken = false

  constructor(context: MailContext, parts: Parts) {
    this.#context = context
    this.#parts = parts
    context.bus.listen((event) => {
      if (!heeded.includes(event.type)) return
      this.#woken = true
      this.#wakeUp?.()
    })
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.look()
      } catch (error) {
        this.#context.log.error('notices.failed', { error })
      }
      if (!this.#woken) await this.#sleep(longestSleep, true)
      await this.#sleep(gatherTime, false)
      this.#woken = false
    }
  }

  async #sleep(milliseconds: number, isWoken: boolean): Promise<void> {
    const early = new AbortController()
    if (isWoken) this.#wakeUp = () => early.abort()
    await this.#context.clock.sleep(milliseconds, AbortSignal.any([early.signal, this.#stop.signal])).catch(() => undefined)
    this.#wakeUp = undefined
  }

  /** Looks what happened since the last time, tells programs of it, and puts a mail into the outbox when one is due. */
  async look(): Promise<void> {
    const notify = await readNotify(this.#context.db)
    while (await this.#gather(notify)) if (this.#stop.signal.aborted) return
    await this.#write(notify)
  }

  /** Looks at events, and returns whether there are more. */
  async #gather(notify: Notify): Promise<boolean> {
    const { db, clock } = this.#context
    const before = await readFact(db, noticeFact)
    const now = clock.now()
    const programs: Programs = { webhooks: (await listWebhookRows(db)).filter((row) => row.enabled === 1), hasCommand: this.#parts.hasCommand }
    const wantsMail = notify.to.length > 0 && notify.events.length > 0
    if (before === null || (!wantsMail && programs.webhooks.length === 0 && !programs.hasCommand)) {
      // Whoever begins to listen hears what happens from now on.
      await writeFactIf(db, noticeFact, before, JSON.stringify(freshNoticeState(await lastEventSeq(db), now)))
      return false
    }
    const state = readNoticeState(before)
    const events = await readEventsOf(db, heeded, state.seq, mostEvents)
    const judged = await judge({ ...this.#context, backups: this.#parts.backups }, state, events, now)
    const ends = await this.#judgeEnds(state, now)
    const findings = [...judged.findings, ...ends.findings]
    const forMail = wantsMail ? findings.filter((one) => one.byMail && notify.events.includes(one.event)) : []
    const pending = [...(wantsMail ? state.pending : []), ...forMail.map((one) => pendingOf(one, now))].slice(-mostEvents)
    const isFirst = await inTransaction(db, async (trx) => {
      // Another node may have been quicker: then that one tells.
      if (!(await writeFactIf(trx, noticeFact, before, JSON.stringify({ ...judged.state, ...ends.state, pending })))) return false
      await orderDeliveries(trx, this.#parts.jobs, { findings, programs, now, publicUrl: this.#parts.publicUrl })
      for (const { id, until } of judged.woken) await clearSnooze(trx, id, until)
      return true
    })
    if (isFirst && findings.length > 0) this.#parts.jobs.wake()
    return events.length === mostEvents
  }

  /** Looks once an hour at what ends, and leaves out what nobody wants to hear of now. */
  async #judgeEnds(state: NoticeState, now: number): Promise<{ findings: Finding[]; state: Pick<NoticeState, 'endsAt' | 'endsWarned'> }> {
    const { endsAt, endsWarned } = state
    if (now - endsAt < endsEvery && endsAt <= now) return { findings: [], state: { endsAt, endsWarned } }
    const all = await this.#parts.ends()
    const rows = await credentialsById(this.#context.db, [...new Set(all.flatMap(({ subject }) => (subject.kind === 'credential' ? [subject.id] : [])))])
    const quiet = new Set(rows.filter((row) => isSnoozed(row, now)).map((row) => row.id))
    const { findings, warned } = judgeEnds(
      all.filter((end) => !quiet.has(end.subject.id)),
      endsWarned,
      now,
    )
    return { findings, state: { endsAt: now, endsWarned: warned } }
  }

  /** Writes the mail that is due. */
  async #write(notify: Notify): Promise<void> {
    const { db, clock, log } = this.#context
    if (notify.to.length === 0) return
    const before = await readFact(db, noticeFact)
    if (before === null) return
    const now = clock.now()
    const state = readNoticeState(before)
    const hasStruck = (at: number) => notify.daily === null || dayOf(at, notify.daily) !== dayOf(now, notify.daily)
    const isDue = state.pending.some((one) => hasStruck(one.at))
    const { remindedAt } = state
    const isReminder = notify.daily === null ? now - remindedAt >= day : hasStruck(remindedAt)
    if (!isDue && !isReminder) return
    const wanted = state.pending.filter((one) => notify.events.includes(one.event))
    const resolved = await resolvePending({ ...this.#context, backups: this.#parts.backups }, wanted, now)
    const reminders = isReminder && notify.reminders ? await this.#reminders(notify, resolved.notices, now) : []
    const after = JSON.stringify({ ...state, pending: [], remindedAt: isReminder ? now : remindedAt } satisfies NoticeState)
    const keep = async (trx: Transaction<Tables>) => {
      if (!(await writeFactIf(trx, noticeFact, before, after))) throw new Problem('changed_meanwhile', 'Another node wrote this mail.')
    }
    try {
      if (resolved.notices.length === 0 && reminders.length === 0) return await inTransaction(db, keep)
      const way = await findNoticeWay(this.#context)
      if (way === null) return log.warn('notices.no_sender', { waiting: resolved.notices.length + reminders.length })
      await this.#accept({ ...resolved, reminders }, way, notify, keep)
    } catch (error) {
      if (!isProblem(error, 'changed_meanwhile')) throw error
    }
  }

  async #accept(told: Told, way: { sender: string; words: string | null }, notify: Notify, keep: (trx: Transaction<Tables>) => Promise<void>): Promise<void> {
    const message = {
      ...writeNotice(told, this.#parts.publicUrl, way.words),
      sender: way.sender,
      to: notify.to,
      headers: { 'Auto-Submitted': 'auto-generated' },
    }
    await this.#parts.outbox.accept(message, notices, keep)
  }

  /** What was told and is still so a day later. */
  async #reminders(notify: Notify, fresh: Notice[], now: number): Promise<Notice[]> {
    const { db, credentials } = this.#context
    const reminders: Notice[] = []
    const isFresh = (id: string) => fresh.some((one) => one.about.id === id)
    if (notify.events.includes('credential.broken')) {
      const rows = await brokenCredentials(db, ['needs_consent', 'misconfigured', 'retrying'], { from: 0, to: now - day }, mostRows)
      for (const row of rows) {
        if (!isFresh(row.id) && !isSnoozed(row, now)) reminders.push(credentialNotice('credential.broken', row, null, credentials.diagnose(row)))
      }
    }
    if (notify.events.includes('backup.old') && fresh.every((one) => one.event !== 'backup.old')) {
      const { isOld, lastAt } = await this.#parts.backups.get()
      if (isOld) reminders.push(backupNotice(lastAt))
    }
    return reminders
  }
}
