import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { service } from '../base/actor.ts'
import { watchSetBack } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { dataKeysOf, deleteDataKey } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import {
  bringMessagesForward,
  claimMessages,
  countWaitingMessages,
  hurryMessages,
  insertMessage,
  listMessageRows,
  lockMessage,
  nextMessageDue,
  prolongMessageLeases,
  replanStrayMessages,
  readMessage,
  updateMessage,
  type MessageRow,
} from '../storage/messages.ts'
import { findDefaultSender, findSender } from '../storage/senders.ts'
import type { RowUpdate, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { fromContent, toContent } from './content.ts'
import type { MailContext } from './context.ts'
import { compose } from './message.ts'
import { addSteps, DeliveryRoute, type Routed } from './delivery-route.ts'
import { GmailSender } from './gmail-sender.ts'
import { GraphSender } from './graph-sender.ts'
import { deliveryOfError, longestPause, problemOf, retryPause, settleRecipients } from './settlement.ts'
import type { SendersByKind } from './sender.ts'
import { SmtpSender } from './smtp-sender.ts'
import type { Delivery, MessageProblem, MessageStatus, MessageView, NewMessage, ReadyMessage, Recipient, RouteStep, SenderView } from './types.ts'

const leaseTime = 60_000
const heartbeat = 15_000
const longestSleep = 5_000
const claimSize = 20
const mostUnderWay = 40

type Page<Item> = { items: Item[]; next: string | null }

/**
 * Keeps messages until they are sent. Accepted means committed and synced; a message is taken up again after a crash, with
 * the same Message-ID, and a recipient whom a server has accepted is not sent it again.
 */
export class Outbox {
  readonly #context: MailContext
  readonly #ways: SendersByKind
  readonly #route: DeliveryRoute
  readonly #lease: string
  readonly #running = new Set<Promise<void>>()
  /** Ids of the messages that are being sent here. */
  readonly #underWay = new Set<string>()
  #loop: Promise<void> | undefined
  #beat: NodeJS.Timeout | undefined
  readonly #stop = new AbortController()
  #wakeUp: (() => void) | undefined
  #woken = false
  readonly #setBack: () => number
  /** Milliseconds by which the wall clock was set back, and planned tries must follow. */
  #behind = 0

  constructor(context: MailContext) {
    this.#context = context
    this.#ways = { smtp: new SmtpSender(context), graph: new GraphSender(context), gmail: new GmailSender(context) }
    this.#route = new DeliveryRoute(context, this.#ways)
    this.#setBack = watchSetBack(context.clock)
    this.#lease = newId('lease', context.clock.now())
    context.bus.listen((event) => {
      const works = event.type === 'credential.recovered' || event.type === 'credential.connected' || event.type === 'credential.resumed'
      if (!works || event.subject === null) return
      hurryMessages(context.db, event.subject, context.clock.now()).then(
        () => this.#wake(),
        (error: unknown) => {
          context.log.warn('outbox.not_hurried', { error })
        },
      )
    })
  }

  /**
   * Takes a message and returns when it is on disk, together with what `beside` writes.
   *
   * @throws Problem mail_invalid, no_sender, not_found, payload_too_large, storage_full
   */
  async accept(input: NewMessage, actor: Actor, beside?: (trx: Transaction<Tables>) => Promise<void>): Promise<MessageView> {
    const { db, clock } = this.#context
    const sender = input.sender === undefined ? await findDefaultSender(db) : await findSender(db, input.sender)
    if (!sender) {
      throw input.sender === undefined
        ? new Problem('no_sender', 'The message names no sender, and there is no default one.')
        : new Problem('not_found', `There is no sender "${input.sender.slice(0, 100)}".`)
    }
    const message = await compose(input, { from: sender.from_address, fromName: sender.from_name }, clock.now(), this.#context.maxBytes)
    const mime = Buffer.from(message.mime, 'utf8')
    return await this.get(await this.#keep({ ...message, mime, sender, envelopeFrom: message.from.address, by: null }, actor, beside))
  }

  /** Takes a finished message for exactly these recipients and returns its id when it is on disk. @throws Problem storage_full */
  async acceptRaw(input: ReadyMessage, actor: Actor): Promise<string> {
    return await this.#keep(input, actor)
  }

  async #keep(message: ReadyMessage, actor: Actor, beside?: (trx: Transaction<Tables>) => Promise<void>): Promise<string> {
    const { db, clock, vault } = this.#context
    const { sender, mime } = message
    const now = clock.now()
    const id = newId('msg', now)
    const recipients: Recipient[] = message.recipients.map((address) => ({ address, state: 'waiting', reply: null }))
    await inTransaction(db, async (trx) => {
      await beside?.(trx)
      const content = await vault.seal(dataKeysOf(trx), contentPlace(id), toContent(mime))
      await insertMessage(trx, {
        id,
        sender_id: sender.id,
        message_id: message.messageId,
        subject: message.subject,
        envelope_from: message.envelopeFrom,
        recipients: JSON.stringify(recipients),
        content,
        size: mime.length,
        status: 'queued',
        attempts: 0,
        next_attempt_at: now,
        lease: null,
        lease_until: null,
        problem: null,
        sent_by: null,
        route: '[]',
        created_by: actor.id,
        created_at: now,
        sent_at: null,
        expires_at: now + this.#context.maxAge,
      })
      await this.#context.audit.append(trx, [
        {
          actor,
          action: 'message.accepted',
          subject: id,
          subjectName: message.messageId,
          outcome: 'done',
          detail: { sender: sender.id, recipients: recipients.length, size: mime.length, ...(message.by === null ? {} : { by: message.by }) },
        },
      ])
      await appendEvents(trx, clock, [{ type: 'message.queued', subject: id, data: { sender: sender.name, recipients: recipients.length } }])
    })
    this.#context.count('accepted')
    await this.#context.wake()
    this.#wake()
    return id
  }

  async list(filter: { status?: MessageStatus; sender?: string; createdBy?: string; cursor?: string; limit?: number }): Promise<Page<MessageView>> {
    const limit = Math.min(filter.limit ?? 100, 500)
    const sender = filter.sender === undefined ? undefined : await findSender(this.#context.db, filter.sender)
    if (filter.sender !== undefined && !sender) throw new Problem('not_found', `There is no sender "${filter.sender.slice(0, 100)}".`)
    const rows = await listMessageRows(this.#context.db, {
      status: filter.status,
      senderId: sender?.id,
      createdBy: filter.createdBy,
      before: filter.cursor,
      limit: limit + 1,
    })
    const items = rows.slice(0, limit)
    return { items: items.map((row) => toMessageView(row, row.sender_name, row.sent_by_name)), next: rows.length > limit ? items.at(-1)!.id : null }
  }

  /** @throws Problem not_found */
  async get(id: string): Promise<MessageView> {
    const row = await this.#read(id)
    const sender = await findSender(this.#context.db, row.sender_id)
    const deliverer = row.sent_by === null || row.sent_by === row.sender_id ? sender : await findSender(this.#context.db, row.sent_by)
    return toMessageView(row, sender?.name ?? null, deliverer?.name ?? null)
  }

  /** Returns how many messages are still to be sent. */
  async waiting(): Promise<number> {
    return await countWaitingMessages(this.#context.db)
  }

  /** Tries a message again now, one that failed for good included; recipients that were refused get another chance. */
  async retry(id: string, actor: Actor): Promise<MessageView> {
    const { clock } = this.#context
    return await this.#changeWaiting(id, async (trx, row) => {
      const recipients = (JSON.parse(row.recipients) as Recipient[]).map((one): Recipient => (one.state === 'refused' ? { ...one, state: 'waiting' } : one))
      if (recipients.every((one) => one.state === 'sent')) throw new Problem('message_not_cancellable', 'The message was sent to everybody already.')
      const now = clock.now()
      await updateMessage(trx, id, {
        status: 'queued',
        next_attempt_at: now,
        recipients: JSON.stringify(recipients),
        expires_at: now + this.#context.maxAge,
        problem: null,
      })
      await this.#context.audit.append(trx, [{ actor, action: 'message.retried', subject: id, subjectName: row.message_id, outcome: 'done' }])
      await appendEvents(trx, clock, [{ type: 'message.queued', subject: id, data: { retried: true } }])
    })
  }

  /** @throws Problem message_not_cancellable */
  async cancel(id: string, actor: Actor): Promise<MessageView> {
    return await this.#changeWaiting(id, async (trx, row) => {
      await updateMessage(trx, id, { status: 'cancelled', next_attempt_at: null })
      await this.#dropContent(trx, id)
      await this.#context.audit.append(trx, [{ actor, action: 'message.cancelled', subject: id, subjectName: row.message_id, outcome: 'done' }])
      await appendEvents(trx, this.#context.clock, [{ type: 'message.cancelled', subject: id, data: {} }])
    })
  }

  /** Changes a message that nobody is sending; it is read and changed in one transaction, so that no recipient is forgotten. */
  async #changeWaiting(id: string, change: (trx: Transaction<Tables>, row: MessageRow) => Promise<void>): Promise<MessageView> {
    await inTransaction(this.#context.db, async (trx) => {
      const row = await lockMessage(trx, id, this.#context.dialect)
      if (!row) throw new Problem('not_found', 'There is no such message.')
      if (row.status === 'sending') {
        throw new Problem('message_not_cancellable', 'The message is being sent at this moment.', { nextStep: 'Wait until it is known what came of it.' })
      }
      if (row.status === 'sent' || row.status === 'cancelled') throw new Problem('message_not_cancellable', `The message was ${row.status} already.`)
      await change(trx, row)
    })
    await this.#context.wake()
    this.#wake()
    return await this.get(id)
  }

  async #read(id: string): Promise<MessageRow> {
    const row = await readMessage(this.#context.db, id)
    if (!row) throw new Problem('not_found', 'There is no such message.')
    return row
  }

  start(): void {
    this.#loop ??= this.#run()
    this.#beat ??= setInterval(() => {
      if (this.#running.size === 0) return
      prolongMessageLeases(this.#context.db, this.#lease, this.#context.clock.now() + leaseTime).catch((error: unknown) => {
        this.#context.log.warn('outbox.leases_not_prolonged', { error })
      })
    }, heartbeat).unref()
  }

  /** Connects to a sender's server and logs in, and sends nothing. */
  async tryLogin(sender: SenderView, actor: Actor): Promise<Delivery | 'in'> {
    return await this.#route.tryLogin(sender, actor)
  }

  /** Stops taking messages and waits for those that are being sent. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#loop
    await Promise.allSettled(this.#running)
    clearInterval(this.#beat)
    for (const way of Object.values(this.#ways)) way.close()
  }

  #wake(): void {
    this.#woken = true
    this.#wakeUp?.()
  }

  async #run(): Promise<void> {
    let isFirst = true
    while (!this.#stop.signal.aborted) {
      let wait = longestSleep
      this.#woken = false
      try {
        if (isFirst) await replanStrayMessages(this.#context.db, this.#context.clock.now(), this.#context.clock.now() + 2 * longestPause)
        isFirst = false
        wait = await this.#step()
      } catch (error) {
        this.#context.log.error('outbox.failed', { error })
        wait = 2000
      }
      if (wait > 0 && !this.#woken) await this.#sleep(wait)
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    const early = new AbortController()
    this.#wakeUp = () => early.abort()
    await this.#context.clock.sleep(milliseconds, AbortSignal.any([early.signal, this.#stop.signal])).catch(() => undefined)
    this.#wakeUp = undefined
  }

  async #step(): Promise<number> {
    const { db, clock, dialect } = this.#context
    const free = mostUnderWay - this.#running.size
    if (free <= 0) {
      await Promise.race(this.#running)
      return 0
    }
    this.#behind += this.#setBack()
    if (this.#behind > 0) {
      await bringMessagesForward(db, clock.now(), this.#behind)
      this.#behind = 0
    }
    const now = clock.now()
    const due = await nextMessageDue(db)
    if (due === null || due > now) return due === null ? longestSleep : Math.max(10, Math.min(longestSleep, due - now))
    const claimed = await inTransaction(db, (trx) =>
      claimMessages(trx, dialect, { lease: this.#lease, now, until: now + leaseTime, limit: Math.min(free, claimSize) }),
    )
    for (const row of claimed) {
      // Its lease ran out while the database was away, but it is still being sent here.
      if (this.#underWay.has(row.id)) continue
      this.#underWay.add(row.id)
      const work: Promise<void> = this.#send(row).finally(() => {
        this.#running.delete(work)
        this.#underWay.delete(row.id)
      })
      this.#running.add(work)
    }
    // Everything that is due is under way here or on another node: look again when something changes.
    if (claimed.length === 0) return 250
    return 0
  }

  async #send(row: MessageRow): Promise<void> {
    const waiting = (JSON.parse(row.recipients) as Recipient[]).filter((one) => one.state === 'waiting').map((one) => one.address)
    let routed: Routed
    try {
      routed = await this.#deliver(row, waiting)
    } catch (error) {
      this.#context.log.error('message.not_sent', { message: row.id, error })
      routed = { delivery: deliveryOfError(error), steps: [], sentBy: null, tryAgainAt: null }
    }
    await this.#settleStubbornly(row, waiting, routed)
  }

  async #deliver(row: MessageRow, waiting: string[]): Promise<Routed> {
    const { db, vault } = this.#context
    const mime = fromContent((await vault.open(dataKeysOf(db), contentPlace(row.id), row.content)).reveal())
    return await this.#route.deliver(row, waiting, mime, { ...service, id: row.created_by, name: 'outbox' })
  }

  /**
   * Writes down what came of a message, and does not give up while the service runs: what a server has taken is sent a second
   * time when nobody remembers it.
   */
  async #settleStubbornly(row: MessageRow, tried: string[], routed: Routed): Promise<void> {
    for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
      try {
        return await this.#settle(row, tried, routed)
      } catch (error) {
        this.#context.log.error('message.not_settled', { message: row.id, outcome: routed.delivery.kind, error })
        if (this.#stop.signal.aborted) return
        await this.#context.clock.sleep(wait, this.#stop.signal).catch(() => undefined)
      }
    }
  }

  async #settle(row: MessageRow, tried: string[], routed: Routed): Promise<void> {
    const { delivery } = routed
    const now = this.#context.clock.now()
    const outcome = await inTransaction(this.#context.db, async (trx) => {
      const current = await lockMessage(trx, row.id, this.#context.dialect)
      if (!current) return null
      const recipients = settleRecipients(JSON.parse(current.recipients) as Recipient[], tried, delivery)
      if (current.lease !== this.#lease) {
        // Another node took it over. Whom the server has accepted is remembered all the same: that node reads it when it settles.
        await updateMessage(trx, row.id, { recipients: JSON.stringify(recipients), ...wayOf(current, routed) })
        return null
      }
      const change = { ...changeAfter(current, recipients, routed, now), ...wayOf(current, routed) }
      await this.#writeOutcome(trx, current, change, recipients, problemOf(delivery, recipients))
      return change.status
    })
    if (outcome === null) return
    this.#context.count(outcome === 'queued' ? 'delayed' : outcome)
    if (delivery.kind === 'unavailable' && delivery.code === 'mail_outcome_unknown') this.#context.count('outcome_unknown')
    await this.#context.wake()
  }

  async #writeOutcome(trx: Transaction<Tables>, row: MessageRow, change: Change, recipients: Recipient[], problem: MessageProblem | null): Promise<void> {
    const { status } = change
    await updateMessage(trx, row.id, change)
    const counts = { sent: recipients.filter((one) => one.state === 'sent').length, refused: recipients.filter((one) => one.state === 'refused').length }
    if (status === 'sent') await this.#dropContent(trx, row.id)
    if (status !== 'queued') {
      await this.#context.audit.append(trx, [
        {
          actor: service,
          action: status === 'sent' ? 'message.sent' : 'message.failed',
          subject: row.id,
          subjectName: row.message_id,
          outcome: status === 'sent' ? 'done' : 'failed',
          ...(problem === null ? {} : { reason: problem.code }),
          detail: { ...counts, attempts: row.attempts, sender: row.sender_id, sent_by: change.sent_by ?? null, route: routeWords(change.route) },
        },
      ])
    }
    await appendEvents(trx, this.#context.clock, [
      {
        type: status === 'sent' ? 'message.sent' : status === 'failed' ? 'message.failed' : 'message.delayed',
        subject: row.id,
        data: {
          ...counts,
          attempts: row.attempts,
          ...(change.sent_by ? { sent_by: change.sent_by } : {}),
          ...(problem === null ? {} : { reason: problem.code, message: problem.message }),
        },
      },
    ])
  }

  /** What was sent is not needed any more: its key goes, and with it every copy. */
  async #dropContent(trx: Transaction<Tables>, id: string): Promise<void> {
    await updateMessage(trx, id, { content: await this.#context.vault.seal(dataKeysOf(trx), { owner: 'messages', column: 'messages.content/gone' }, '') })
    await deleteDataKey(trx, id)
  }
}

/** The way in words for the audit trail, the last steps of a long one. */
const routeWords = (route: unknown): string[] =>
  (JSON.parse(String(route ?? '[]')) as RouteStep[])
    .slice(-10)
    .map((step) => `${step.sender.name}: ${step.outcome}${step.reason === null ? '' : ` (${step.reason})`}`)

type Change = RowUpdate<'messages'> & { status: 'queued' | 'sent' | 'failed' }

/** Decides what becomes of a message whose recipients were settled. */
function changeAfter(row: MessageRow, recipients: Recipient[], { delivery, tryAgainAt }: Routed, now: number): Change {
  const waiting = recipients.some((one) => one.state === 'waiting')
  const refused = recipients.some((one) => one.state === 'refused')
  const tooOld = waiting && now >= row.expires_at
  const status = waiting && !tooOld ? 'queued' : tooOld || refused ? 'failed' : 'sent'
  const problem = problemOf(delivery, recipients)
  return {
    recipients: JSON.stringify(recipients),
    status,
    lease: null,
    lease_until: null,
    problem: status === 'sent' || problem === null ? null : JSON.stringify(problem),
    next_attempt_at: status === 'queued' ? Math.min(now + retryPause(row.attempts, delivery), tryAgainAt ?? Number.MAX_SAFE_INTEGER) : null,
    sent_at: status === 'sent' || recipients.some((one) => one.state === 'sent') ? (row.sent_at ?? now) : null,
  }
}

/** The ways that were tried, and which one led to somebody. */
const wayOf = (row: MessageRow, { steps, sentBy }: Routed): { route: string; sent_by: string | null } => ({
  route: JSON.stringify(addSteps(JSON.parse(row.route) as RouteStep[], steps)),
  sent_by: sentBy ?? row.sent_by,
})

const contentPlace = (id: string) => ({ owner: id, column: 'messages.content' })

function toMessageView(row: Omit<MessageRow, 'content'>, senderName: string | null, sentByName: string | null): MessageView {
  return {
    id: row.id,
    sender: { id: row.sender_id, name: senderName ?? '(deleted)' },
    status: row.status as MessageStatus,
    messageId: row.message_id,
    subject: row.subject,
    from: row.envelope_from,
    recipients: JSON.parse(row.recipients) as Recipient[],
    size: row.size,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    problem: row.problem === null ? null : (JSON.parse(row.problem) as MessageProblem),
    createdAt: row.created_at,
    createdBy: row.created_by,
    sentAt: row.sent_at,
    sentBy: row.sent_by === null ? null : { id: row.sent_by, name: sentByName ?? '(deleted)' },
    route: JSON.parse(row.route) as RouteStep[],
  }
}
