import { service } from '../base/actor.ts'
import type { Event, EventType } from '../base/events.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { brokenCredentials, credentialsById, type CredentialWithRegistration } from '../storage/credentials.ts'
import { lastEventSeq, readEventsOf } from '../storage/events.ts'
import { readFact, writeFactIf } from '../storage/facts.ts'
import type { MailContext } from './context.ts'
import { readNotify, type MailOptions, type NoticeEvent } from './mail-options.ts'
import { writeNotice, type Notice } from './notice-text.ts'
import type { Outbox } from './outbox.ts'

const hour = 3_600_000
const day = 24 * hour
/** What happens within this time goes into one mail. */
const gatherTime = 3000
const longestSleep = 5 * 60_000
const mostEvents = 5000
const mostRows = 500

const heeded: EventType[] = ['credential.broken', 'credential.expiring', 'credential.recovered', 'credential.connected', 'credential.deleted']

/** How far the notices are. It stands in the database, so that one node writes each mail, and none is lost by a crash. */
type State = {
  /** The last event that was looked at. */
  seq: number
  lookedAt: number
  remindedAt: number
  /** Credentials of which somebody was told that they do not work. */
  told: string[]
}

const factName = 'notices'

/**
 * Tells people by mail when a credential needs one: once for each change, and once a day as long as it does not work. The mail
 * goes through a sender whose own credential works.
 */
export class Notices {
  readonly #context: MailContext
  readonly #options: Pick<MailOptions, 'get'>
  readonly #outbox: Pick<Outbox, 'accept'>
  readonly #publicUrl: string
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined
  #wakeUp: (() => void) | undefined
  #woken = false

  constructor(context: MailContext, parts: { options: Pick<MailOptions, 'get'>; outbox: Pick<Outbox, 'accept'>; publicUrl: string }) {
    this.#context = context
    this.#options = parts.options
    this.#outbox = parts.outbox
    this.#publicUrl = parts.publicUrl
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

  /** Looks what happened since the last time, and puts a mail about it into the outbox. */
  async look(): Promise<void> {
    const { db, clock, log } = this.#context
    const before = await readFact(db, factName)
    const now = clock.now()
    const notify = await readNotify(db)
    if (before === null || notify.to.length === 0 || notify.events.length === 0) {
      // Whoever begins to listen hears what happens from now on.
      const state: State = { seq: await lastEventSeq(db), lookedAt: now, remindedAt: now, told: [] }
      await writeFactIf(db, factName, before, JSON.stringify(state))
      return
    }
    const state = JSON.parse(before) as State
    const events = await readEventsOf(db, heeded, state.seq, mostEvents)
    const found = await this.#judge(state, events, now)
    const wanted = found.notices.filter((notice) => notify.events.includes(notice.event))
    const reminders = notify.events.includes('credential.broken') ? found.reminders : []
    const after = JSON.stringify(found.state)
    if (wanted.length === 0 && reminders.length === 0) {
      await writeFactIf(db, factName, before, after)
      return
    }
    const sender = await this.#sender()
    if (sender === null) {
      log.warn('notices.no_sender', { waiting: wanted.length + reminders.length })
      return
    }
    const message = { ...writeNotice(wanted, reminders, this.#publicUrl), sender, to: notify.to, headers: { 'Auto-Submitted': 'auto-generated' } }
    try {
      await this.#outbox.accept(message, service, async (trx) => {
        // Another node may have been quicker: then this mail is not written at all.
        if (!(await writeFactIf(trx, factName, before, after))) throw new Problem('changed_meanwhile', 'Another node wrote this mail.')
      })
    } catch (error) {
      if (!isProblem(error, 'changed_meanwhile')) throw error
    }
  }

  async #judge(state: State, events: Event[], now: number): Promise<{ notices: Notice[]; reminders: Notice[]; state: State }> {
    const { db } = this.#context
    const told = new Set(state.told)
    // Of several events of a credential the last one counts.
    const latest = new Map(events.flatMap((event) => (event.subject === null ? [] : [[event.subject, event] as const])))
    const rows = new Map((await credentialsById(db, [...latest.keys()])).map((row) => [row.id, row]))
    const notices: Notice[] = []
    const fresh = new Set<string>()
    for (const [id, event] of latest) {
      const row = rows.get(id)
      const kind = row ? kindOf(event, row, told) : null
      if (kind === 'credential.broken') told.add(id)
      else if (kind === 'credential.recovered' || !row) told.delete(id)
      if (row && kind) fresh.add(id)
      if (row && kind) notices.push({ event: kind, row, said: kind === 'credential.expiring' ? saidBy(event) : null, diagnosis: this.#diagnose(row) })
    }
    // A provider that is away for a moment is nobody's business; one that stays away is.
    const stuck = await brokenCredentials(db, ['retrying'], { from: state.lookedAt - hour, to: now - hour }, mostRows)
    for (const row of stuck) {
      if (told.has(row.id)) continue
      told.add(row.id)
      fresh.add(row.id)
      notices.push({ event: 'credential.broken', row, said: null, diagnosis: this.#diagnose(row) })
    }
    const isReminder = now - state.remindedAt >= day
    const old = isReminder ? await brokenCredentials(db, ['needs_consent', 'misconfigured', 'retrying'], { from: 0, to: now - day }, mostRows) : []
    const reminders = old
      .filter((row) => !fresh.has(row.id))
      .map((row): Notice => ({ event: 'credential.broken', row, said: null, diagnosis: this.#diagnose(row) }))
    const next: State = {
      seq: events.at(-1)?.seq ?? state.seq,
      lookedAt: now,
      remindedAt: isReminder ? now : state.remindedAt,
      told: [...told].slice(-mostEvents),
    }
    return { notices, reminders, state: next }
  }

  #diagnose(row: CredentialWithRegistration): Notice['diagnosis'] {
    return this.#context.credentials.diagnose(row)
  }

  /** Returns the first sender, of the default one and its fallbacks, whose own credential works. */
  async #sender(): Promise<string | null> {
    const { defaultSender, fallbacks } = await this.#options.get()
    for (const sender of [defaultSender, ...fallbacks.map((one) => one.sender)]) {
      if (sender === null) continue
      if (await this.#works(sender.id)) return sender.id
    }
    return null
  }

  async #works(senderId: string): Promise<boolean> {
    const { db, credentials } = this.#context
    const sender = await db.selectFrom('senders').select('credential_id').where('id', '=', senderId).executeTakeFirst()
    if (!sender) return false
    if (sender.credential_id === null) return true
    const { status } = await credentials.get(sender.credential_id)
    return status === 'ready' || status === 'expiring'
  }
}

/** Decides what an event means now: what has passed meanwhile is not told any more. */
function kindOf(event: Event, row: CredentialWithRegistration, told: ReadonlySet<string>): NoticeEvent | null {
  const isBroken = row.status === 'needs_consent' || row.status === 'misconfigured'
  switch (event.type) {
    case 'credential.broken':
      return isBroken ? 'credential.broken' : null
    case 'credential.expiring':
      return row.status === 'ready' || row.status === 'expiring' ? 'credential.expiring' : null
    case 'credential.recovered':
    case 'credential.connected':
      return told.has(row.id) && !isBroken ? 'credential.recovered' : null
    default:
      return null
  }
}

function saidBy({ data }: Event): Notice['said'] {
  if (typeof data.message !== 'string') return null
  return { message: data.message, nextStep: typeof data.next_step === 'string' ? data.next_step : null }
}
