import type { Transaction } from 'kysely'
import { idempotencyConflict, type Submission } from '../access/idempotency.ts'
import type { Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import {
  countWaitingMessages,
  findSubmittedMessage,
  hurryMessages,
  insertMessage,
  listMessageRows,
  lockMessage,
  readMessage,
  updateMessage,
  type MessageRow,
} from '../storage/messages.ts'
import { findDefaultSender, findSender } from '../storage/senders.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import { toContent } from './content.ts'
import type { MailContext } from './context.ts'
import { DeliveryRoute } from './delivery-route.ts'
import { GmailSender } from './gmail-sender.ts'
import { GraphSender } from './graph-sender.ts'
import { takesFrom } from './from-rules.ts'
import type { Limiter } from './key-limits.ts'
import { compose } from './message.ts'
import { contentPlace, dropContent } from './message-content.ts'
import { toMessageView } from './message-view.ts'
import { OutboxRunner } from './outbox-runner.ts'
import { toSenderView } from './sender-view.ts'
import type { SendersByKind } from './sender.ts'
import { SmtpSender } from './smtp-sender.ts'
import type { Delivery, MessageStatus, MessageView, NewMessage, ReadyMessage, Recipient, SenderView } from './types.ts'

type Page<Item> = { items: Item[]; next: string | null }

/**
 * Keeps messages until they are sent. Accepted means committed and synced; a message is taken up again after a crash, with
 * the same Message-ID, and a recipient whom a server has accepted is not sent it again.
 */
export class Outbox {
  readonly #context: MailContext
  readonly #ways: SendersByKind
  readonly #route: DeliveryRoute
  readonly #runner: OutboxRunner

  constructor(context: MailContext) {
    this.#context = context
    this.#ways = { smtp: new SmtpSender(context), graph: new GraphSender(context), gmail: new GmailSender(context) }
    this.#route = new DeliveryRoute(context, this.#ways)
    this.#runner = new OutboxRunner(context, this.#route)
    context.bus.listen((event) => {
      const works = event.type === 'credential.recovered' || event.type === 'credential.connected' || event.type === 'credential.resumed'
      if (!works || event.subject === null) return
      hurryMessages(context.db, event.subject, context.clock.now()).then(
        () => this.#runner.wake(),
        (error: unknown) => {
          context.log.warn('outbox.not_hurried', { error })
        },
      )
    })
  }

  /**
   * Takes a message and returns when it is on disk, together with what `beside` writes.
   *
   * @throws Problem mail_invalid, no_sender, not_found, not_allowed, payload_too_large, rate_limited, storage_full
   */
  async accept(input: NewMessage, actor: Actor, beside?: (trx: Transaction<Tables>, id: string) => Promise<void>, limiter?: Limiter): Promise<MessageView> {
    const { db, clock } = this.#context
    const sender = input.sender === undefined ? await findDefaultSender(db) : await findSender(db, input.sender)
    if (!sender) {
      throw input.sender === undefined
        ? new Problem('no_sender', 'The message names no sender, and there is no default one.')
        : new Problem('not_found', `There is no sender "${input.sender.slice(0, 100)}".`)
    }
    const message = await compose(input, { from: sender.from_address, fromName: sender.from_name }, clock.now(), this.#context.maxBytes)
    const mime = Buffer.from(message.mime, 'utf8')
    const { takesFrom: taken } = toSenderView(sender)
    // Where the addresses are written out, they count for every door.
    if (taken !== null && !takesFrom({ from: sender.from_address, takesFrom: taken }, message.from.address)) {
      throw new Problem('not_allowed', `From ${message.from.address} may not go through the sender "${sender.name}".`, {
        nextStep: 'Use another From or another sender, or have this sender take the address.',
      })
    }
    const keep = () =>
      this.#keep(
        { ...message, mime, sender, envelopeFrom: message.from.address, by: null, ...(input.submission && { submission: input.submission }) },
        actor,
        beside,
      )
    return await this.get(limiter === undefined ? await keep() : await limiter({ bytes: mime.length, recipients: message.recipients.length }, keep))
  }

  /** Takes a finished message for exactly these recipients and returns its id when it is on disk. @throws Problem storage_full */
  async acceptRaw(input: ReadyMessage, actor: Actor): Promise<string> {
    return await this.#keep(input, actor)
  }

  /**
   * Returns the message that came with this request before; null when none did.
   *
   * @throws Problem idempotency_conflict when its key came with another request
   */
  async submitted(submission: Submission): Promise<MessageView | null> {
    // Within a transaction: one that wrote it at this moment has committed when this one has.
    const found = await inTransaction(this.#context.db, (trx) => findSubmittedMessage(trx, submission.id))
    if (!found) return null
    if (found.submission_request !== submission.request) throw idempotencyConflict()
    return await this.get(found.id)
  }

  async #keep(message: ReadyMessage, actor: Actor, beside?: (trx: Transaction<Tables>, id: string) => Promise<void>): Promise<string> {
    try {
      return await this.#insert(message, actor, beside)
    } catch (error) {
      // The same request came twice at a time, and the other one was first.
      const first = message.submission && isUniqueViolation(error) ? await this.submitted(message.submission) : null
      if (first === null) throw error
      return first.id
    }
  }

  async #insert(message: ReadyMessage, actor: Actor, beside?: (trx: Transaction<Tables>, id: string) => Promise<void>): Promise<string> {
    const { db, clock, vault } = this.#context
    const { sender, mime } = message
    const now = clock.now()
    const id = newId('msg', now)
    const recipients: Recipient[] = message.recipients.map((address) => ({ address, state: 'waiting', reply: null }))
    await inTransaction(db, async (trx) => {
      await beside?.(trx, id)
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
        submission: message.submission?.id ?? null,
        submission_request: message.submission?.request ?? null,
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
    this.#runner.wake()
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
      await dropContent(trx, this.#context.vault, id)
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
    this.#runner.wake()
    return await this.get(id)
  }

  async #read(id: string): Promise<MessageRow> {
    const row = await readMessage(this.#context.db, id)
    if (!row) throw new Problem('not_found', 'There is no such message.')
    return row
  }

  start(): void {
    this.#runner.start()
  }

  /** Connects to a sender's server and logs in, and sends nothing. */
  async tryLogin(sender: SenderView, actor: Actor): Promise<Delivery | 'in'> {
    return await this.#route.tryLogin(sender, actor)
  }
  /** Stops taking messages and waits for those that are being sent. */
  async stop(): Promise<void> {
    await this.#runner.stop()
    for (const way of Object.values(this.#ways)) way.close()
  }
}
