import type { Transaction } from 'kysely'
import type { AuditEntry } from '../access/audit.ts'
import { service, type Actor } from '../base/actor.ts'
import { Company } from '../base/company.ts'
import type { Event } from '../base/events.ts'
import { newId } from '../base/ids.ts'
import { isProblem } from '../base/problem.ts'
import type { DataKeyStore, WrappedKey } from '../base/vault.ts'
import { insertNewDataKeys } from '../storage/data-keys.ts'
import { appendEvents, type NewEvent } from '../storage/events.ts'
import { insertMessages, type NewMessageRow } from '../storage/messages.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { toContent } from './content.ts'
import type { MailContext } from './context.ts'
import { contentPlace } from './message-content.ts'
import { headerFields, priorityOf, urgency } from './message-priority.ts'
import type { ReadyMessage, Recipient } from './types.ts'

type Sealed = { id: string; row: NewMessageRow; dataKey: WrappedKey; entry: AuditEntry; event: NewEvent }
type Waiting = { message: ReadyMessage; actor: Actor; resolve: (id: string) => void; reject: (error: unknown) => void }
type Beside = (trx: Transaction<Tables>, id: string) => Promise<void>

const mostAtOnce = 100
const mostBytesAtOnce = 8_000_000
/** While one batch waits for the disk, the next one is written. */
const mostUnderWay = 2

/**
 * Writes messages down. Those that come at the same time share a transaction, and so one wait for the disk and one turn at the
 * heads of trail and events.
 *
 * Invariant: `keep` resolves after the commit that holds the message, and never for another one's.
 */
export class MessageKeeper {
  readonly #context: MailContext
  readonly #onKept: (events: Event[]) => void
  #waiting: Waiting[] = []
  #underWay = 0
  #isDue = false
  readonly #company: Company

  constructor(context: MailContext, onKept: (events: Event[]) => void) {
    this.#context = context
    this.#onKept = onKept
    this.#company = new Company(context.clock)
  }

  /** Keeps a message and returns its id when it is on disk. @throws Problem storage_full */
  keep(message: ReadyMessage, actor: Actor): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, actor, resolve, reject })
      this.#comeDue()
    })
  }

  /** Keeps a message in one transaction with what `beside` writes. */
  async keepBeside(message: ReadyMessage, actor: Actor, beside: Beside): Promise<string> {
    const sealed = await this.#seal(message, actor)
    const events = await inTransaction(this.#context.db, async (trx) => {
      await beside(trx, sealed.id)
      return await this.#write(trx, [sealed])
    })
    this.#onKept(events)
    return sealed.id
  }

  /** Flushes what waits when the company is complete, unless that is under way. */
  #comeDue(): void {
    if (this.#isDue || this.#underWay >= mostUnderWay || this.#waiting.length === 0) return
    this.#isDue = true
    void this.#company
      .gather(() => this.#waiting.length, mostAtOnce)
      .then(() => {
        this.#isDue = false
        void this.#flush()
      })
  }

  async #flush(): Promise<void> {
    this.#underWay += 1
    const batch = this.#takeBatch()
    this.#comeDue()
    const failed = await this.#keepAll(batch)
    // One that cannot be kept must not keep the others from it.
    if (failed !== null && batch.length > 1 && !isProblem(failed, 'storage_unavailable')) {
      for (const one of batch) {
        const error = await this.#keepAll([one])
        if (error !== null) one.reject(error)
      }
    } else if (failed !== null) for (const one of batch) one.reject(failed)
    this.#underWay -= 1
    this.#comeDue()
  }

  #takeBatch(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { message } of this.#waiting) {
      bytes += message.mime.length
      if (count > 0 && (count === mostAtOnce || bytes > mostBytesAtOnce)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  /** Returns what went wrong, and tells nobody of it; null: all are kept. */
  async #keepAll(batch: Waiting[]): Promise<unknown> {
    let sealed: Sealed[]
    let events: Event[]
    try {
      sealed = await Promise.all(batch.map(({ message, actor }) => this.#seal(message, actor)))
      events = await inTransaction(this.#context.db, (trx) => this.#write(trx, sealed))
    } catch (error) {
      return error ?? new Error('unknown')
    }
    for (const [i, one] of batch.entries()) one.resolve(sealed[i]!.id)
    this.#onKept(events)
    return null
  }

  /** Makes what is written of a message. It has a key of its own that nobody else has asked for, so that no database is needed. */
  async #seal(message: ReadyMessage, actor: Actor): Promise<Sealed> {
    const { clock, vault, maxAge } = this.#context
    const { sender, mime, by } = message
    const now = clock.now()
    const id = newId('msg', now)
    let dataKey: WrappedKey | null = null
    const keys: DataKeyStore = {
      read: async () => null,
      async insert(_owner, key) {
        dataKey = key
        return key
      },
    }
    const content = await vault.seal(keys, contentPlace(id), toContent(mime))
    const recipients: Recipient[] = message.recipients.map((address) => ({ address, state: 'waiting', reply: null }))
    return {
      id,
      dataKey: dataKey!,
      row: {
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
        created_by: actor.id,
        created_at: now,
        expires_at: now + maxAge,
        submission: message.submission?.id ?? null,
        submission_request: message.submission?.request ?? null,
        // What the service itself has to say is about something that fails.
        priority: urgency[message.priority ?? (actor.id === service.id ? 'high' : priorityOf(headerFields(mime)))],
      },
      entry: {
        actor,
        action: 'message.accepted',
        subject: id,
        subjectName: message.messageId,
        outcome: 'done',
        detail: { sender: sender.id, recipients: recipients.length, size: mime.length, ...(by === null ? {} : { by }) },
      },
      event: { type: 'message.queued', subject: id, data: { sender: sender.name, recipients: recipients.length } },
    }
  }

  /** Returns the events that were written with them, one for each. */
  async #write(trx: Transaction<Tables>, sealed: Sealed[]): Promise<Event[]> {
    await insertNewDataKeys(
      trx,
      sealed.map(({ id, dataKey }) => ({ owner: id, ...dataKey })),
    )
    await insertMessages(
      trx,
      sealed.map(({ row }) => row),
    )
    await this.#context.audit.append(
      trx,
      sealed.map(({ entry }) => entry),
    )
    return await appendEvents(
      trx,
      this.#context.clock,
      sealed.map(({ event }) => event),
    )
  }
}
