import type { Transaction } from 'kysely'
import { idempotencyConflict, type Submission } from '../access/idempotency.ts'
import type { Actor } from '../base/actor.ts'
import type { Event } from '../base/events.ts'
import { Problem } from '../base/problem.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import {
  countWaitingMessages,
  findSubmittedMessage,
  hurryMessages,
  listMessageRows,
  lockMessage,
  readMessage,
  updateMessage,
  type MessageRow,
  type NamedMessageRow,
} from '../storage/messages.ts'
import { findDefaultSender, findSender, type SenderRow } from '../storage/senders.ts'
import type { Database, RowUpdate, Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import { fromContent, toContent } from './content.ts'
import type { MailContext } from './context.ts'
import { DeliveryRoute } from './delivery-route.ts'
import { GmailSender } from './gmail-sender.ts'
import { GraphSender } from './graph-sender.ts'
import { takesFrom } from './from-rules.ts'
import { HeldMessages } from './held-messages.ts'
import type { Limiter } from './key-limits.ts'
import { compose, type Composed } from './message.ts'
import { contentPlace, dropContent } from './message-content.ts'
import { fromSender } from './message-from.ts'
import { MessageKeeper } from './message-keeper.ts'
import { MessageRetention } from './message-retention.ts'
import { addChange } from './message-timeline.ts'
import { toMessageView } from './message-view.ts'
import { OutboxRunner } from './outbox-runner.ts'
import { toSenderView } from './sender-view.ts'
import type { SendersByKind } from './sender.ts'
import { SmtpSender } from './smtp-sender.ts'
import type { Delivery, MessageStatus, MessageView, NewMessage, ReadyMessage, Recipient, SenderView } from './types.ts'

type Page<Item> = { items: Item[]; next: string | null }

/** So often a change looks whether a message is still being sent. */
const lookAgain = 100

/** Events after which the messages of a credential are tried at once. */
const works: ReadonlySet<string> = new Set(['credential.recovered', 'credential.connected', 'credential.resumed'])
/** Events after which a server that is left alone for now is asked again. */
const changes: ReadonlySet<string> = new Set([...works, 'credential.changed', 'sender.changed', 'events.missed'])

/**
 * Keeps messages until they are sent. Accepted means committed and synced; a message is taken up again after a crash, with
 * the same Message-ID, and a recipient whom a server has accepted is not sent it again.
 */
export class Outbox {
  readonly #context: MailContext
  readonly #ways: SendersByKind
  readonly #route: DeliveryRoute
  readonly #held: HeldMessages
  readonly #runner: OutboxRunner
  readonly #retention: MessageRetention
  readonly #keeper: MessageKeeper

  constructor(context: MailContext) {
    this.#context = context
    this.#ways = { smtp: new SmtpSender(context), graph: new GraphSender(context), gmail: new GmailSender(context) }
    this.#held = new HeldMessages(context, () => this.#runner.wake())
    this.#route = new DeliveryRoute(context, this.#ways, this.#held)
    this.#runner = new OutboxRunner(context, this.#route, this.#held)
    this.#retention = new MessageRetention(context)
    this.#keeper = new MessageKeeper(context, (events) => {
      for (let i = 0; i < events.length; i++) context.count('accepted')
      void context.wake(events).catch(() => undefined)
      this.#runner.wake()
    })
    context.bus.listen((event) => this.#hear(event))
  }

  /** Sends what may have become possible. */
  #hear({ type, subject, data, at }: Event): void {
    // Another node may have found out that a server is back.
    const sentBy = type === 'message.sent' ? data.sent_by : undefined
    if (typeof sentBy === 'string' && this.#held.noteBack(sentBy, at)) this.#reopen()
    if (changes.has(type)) this.askAgain()
    if (subject === null || !works.has(type)) return
    hurryMessages(this.#context.db, subject, this.#context.clock.now()).then(
      () => this.#runner.wake(),
      (error: unknown) => {
        this.#context.log.warn('outbox.not_hurried', { error })
      },
    )
  }

  /**
   * Takes a message and returns when it is on disk, together with what `beside` writes.
   *
   * @throws Problem mail_invalid, no_sender, not_found, not_allowed, payload_too_large, rate_limited, storage_full
   */
  async accept(input: NewMessage, actor: Actor, beside?: (trx: Transaction<Tables>, id: string) => Promise<void>, limiter?: Limiter): Promise<MessageView> {
    const { sender, message } = await this.compose(input)
    const mime = Buffer.from(message.mime, 'utf8')
    const keep = () =>
      this.#keep(
        {
          ...message,
          mime,
          sender,
          envelopeFrom: message.from.address,
          by: null,
          ...(input.submission && { submission: input.submission }),
          ...(input.priority && { priority: input.priority }),
        },
        actor,
        beside,
      )
    const id = limiter === undefined ? await keep() : await limiter({ bytes: mime.length, recipients: message.recipients.length }, keep)
    await this.#context.wake()
    return await this.get(id)
  }

  /**
   * Makes a message and checks it as when it is taken, and keeps nothing.
   *
   * @throws Problem mail_invalid, no_sender, not_found, not_allowed, payload_too_large
   */
  async compose(input: NewMessage): Promise<{ sender: SenderRow; message: Composed }> {
    const { db, clock } = this.#context
    const sender = input.sender === undefined ? await findDefaultSender(db) : await findSender(db, input.sender)
    if (!sender) {
      throw input.sender === undefined
        ? new Problem('no_sender', 'The message names no sender, and there is no default one.')
        : new Problem('not_found', `There is no sender "${input.sender.slice(0, 100)}".`)
    }
    const message = await compose(input, { from: sender.from_address, fromName: sender.from_name }, clock.now(), this.#context.maxBytes)
    const { takesFrom: taken } = toSenderView(sender)
    // Where the addresses are written out, they count for every door.
    if (taken !== null && !takesFrom({ from: sender.from_address, takesFrom: taken }, message.from.address)) {
      throw new Problem('not_allowed', `From ${message.from.address} may not go through the sender "${sender.name}".`, {
        nextStep: 'Use another From or another sender, or have this sender take the address.',
      })
    }
    return { sender, message }
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
      return beside === undefined ? await this.#keeper.keep(message, actor) : await this.#keeper.keepBeside(message, actor, beside)
    } catch (error) {
      // The same request came twice at a time, and the other one was first.
      const first = message.submission && isUniqueViolation(error) ? await this.submitted(message.submission) : null
      if (first === null) throw error
      return first.id
    }
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
    return { items: items.map(toMessageView), next: rows.length > limit ? items.at(-1)!.id : null }
  }

  /** @throws Problem not_found */
  async get(id: string): Promise<MessageView> {
    return toMessageView(await this.#read(id))
  }

  /** Returns how many messages are still to be sent. */
  async waiting(): Promise<number> {
    return await countWaitingMessages(this.#context.db)
  }

  /** Tries a message again now, one that failed for good included; recipients that were refused get another chance. */
  async retry(id: string, actor: Actor): Promise<MessageView> {
    const { clock } = this.#context
    this.askAgain()
    return await this.#changeWaiting(id, async (trx, row) => {
      const now = clock.now()
      await updateMessage(trx, id, { ...this.#again(row), history: addChange(row.history, { what: 'retried', at: now, by: actor.id }) })
      await this.#context.audit.append(trx, [{ actor, action: 'message.retried', subject: id, subjectName: row.message_id, outcome: 'done' }])
      await appendEvents(trx, clock, [{ type: 'message.queued', subject: id, data: { retried: true } }])
    })
  }

  /**
   * Sends a message through another sender to everybody who does not have it yet: From becomes that sender's address, and
   * answers still go to the old one. It keeps its Message-ID, by which a mailbox that did get it knows it again.
   *
   * @throws Problem not_found, message_not_cancellable, decrypt_failed
   */
  async resend(id: string, sender: SenderView, actor: Actor): Promise<MessageView> {
    const { clock, vault } = this.#context
    return await this.#changeWaiting(id, async (trx, row) => {
      const now = clock.now()
      const before = fromContent((await vault.open(dataKeysOf(trx), contentPlace(id), row.content)).reveal())
      const content = await vault.seal(dataKeysOf(trx), contentPlace(id), toContent(await fromSender(before, sender, row.envelope_from)))
      await updateMessage(trx, id, {
        ...this.#again(row),
        content,
        sender_id: sender.id,
        envelope_from: sender.from,
        history: addChange(row.history, { what: 'resent', at: now, by: actor.id, sender: { id: sender.id, name: sender.name } }),
      })
      await this.#context.audit.append(trx, [
        { actor, action: 'message.resent', subject: id, subjectName: row.message_id, outcome: 'done', detail: { from: row.sender_id, to: sender.id } },
      ])
      await appendEvents(trx, clock, [{ type: 'message.queued', subject: id, data: { sender: sender.name, resent: true } }])
    })
  }

  /** What a message becomes that is tried anew: those who were refused get another chance. @throws Problem message_not_cancellable */
  #again(row: MessageRow): RowUpdate<'messages'> {
    const recipients = (JSON.parse(row.recipients) as Recipient[]).map((one): Recipient => (one.state === 'refused' ? { ...one, state: 'waiting' } : one))
    if (recipients.every((one) => one.state === 'sent')) throw new Problem('message_not_cancellable', 'The message was sent to everybody already.')
    const now = this.#context.clock.now()
    return {
      status: 'queued',
      held: 0,
      next_attempt_at: now,
      recipients: JSON.stringify(recipients),
      expires_at: now + this.#context.maxAge,
      problem: null,
      ended_at: null,
    }
  }

  /** @throws Problem message_not_cancellable */
  async cancel(id: string, actor: Actor): Promise<MessageView> {
    return await this.#changeWaiting(id, async (trx, row) => {
      const now = this.#context.clock.now()
      const history = addChange(row.history, { what: 'cancelled', at: now, by: actor.id })
      await updateMessage(trx, id, { status: 'cancelled', held: 0, next_attempt_at: null, ended_at: now, history })
      await dropContent(trx, this.#context.vault, id)
      await this.#context.audit.append(trx, [{ actor, action: 'message.cancelled', subject: id, subjectName: row.message_id, outcome: 'done' }])
      await appendEvents(trx, this.#context.clock, [{ type: 'message.cancelled', subject: id, data: {} }])
    })
  }

  /**
   * Changes a message that nobody is sending, for one that is being sent once it is known what came of it; it is read and
   * changed in one transaction, so that no recipient is forgotten.
   */
  async #changeWaiting(id: string, change: (trx: Transaction<Tables>, row: MessageRow) => Promise<void>): Promise<MessageView> {
    const { clock, changeWait } = this.#context
    const end = clock.monotonic() + changeWait
    while (clock.monotonic() < end && (await this.#read(id)).status === 'sending') await clock.sleep(lookAgain)
    const changed = await inTransaction(this.#context.db, async (trx) => {
      const row = await lockMessage(trx, id, this.#context.dialect)
      if (!row) throw new Problem('not_found', 'There is no such message.')
      if (row.status === 'sending') {
        throw new Problem('message_not_cancellable', 'The message is being sent at this moment, and that takes long.', {
          nextStep: 'Wait until it is known what came of it.',
        })
      }
      if (row.status === 'sent' || row.status === 'cancelled') throw new Problem('message_not_cancellable', `The message was ${row.status} already.`)
      await change(trx, row)
      // As the change left it: a moment later it may be under way.
      return toMessageView(await this.#read(id, trx))
    })
    await this.#context.wake()
    this.#runner.wake()
    return changed
  }

  async #read(id: string, reader: Database | Transaction<Tables> = this.#context.db): Promise<NamedMessageRow> {
    const row = await readMessage(reader, id)
    if (!row) throw new Problem('not_found', 'There is no such message.')
    return row
  }

  /** Something has changed, or a person wants to know: whoever is left alone for now is asked again. */
  askAgain(): void {
    this.#reopen()
    this.#held.callSoon()
  }

  #reopen(): void {
    for (const way of Object.values(this.#ways)) way.reopen()
  }

  start(): void {
    this.#runner.start()
    this.#retention.start()
  }

  /** Connects to a sender's server and logs in, and sends nothing. */
  async tryLogin(sender: SenderView, actor: Actor): Promise<Delivery | 'in'> {
    return await this.#route.tryLogin(sender, actor)
  }
  /** Stops taking messages and waits for those that are being sent. */
  async stop(): Promise<void> {
    await this.#runner.stop()
    await this.#retention.stop()
    for (const way of Object.values(this.#ways)) way.close()
  }
}
