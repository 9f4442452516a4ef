import type { Transaction } from 'kysely'
import { service, type Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import { insertMessage } from '../storage/messages.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { toContent } from './content.ts'
import type { MailContext } from './context.ts'
import { contentPlace } from './message-content.ts'
import { priorityOf, urgency } from './message-priority.ts'
import type { ReadyMessage, Recipient } from './types.ts'

/** Writes a message into the outbox, together with what `beside` writes, and returns its id when all of it is on disk. */
export async function takeMessage(
  context: Pick<MailContext, 'db' | 'clock' | 'vault' | 'audit' | 'maxAge'>,
  message: ReadyMessage,
  actor: Actor,
  beside?: (trx: Transaction<Tables>, id: string) => Promise<void>,
): Promise<string> {
  const { db, clock, vault, audit, maxAge } = context
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
      expires_at: now + maxAge,
      submission: message.submission?.id ?? null,
      submission_request: message.submission?.request ?? null,
      // What the service itself has to say is about something that fails.
      priority: urgency[message.priority ?? (actor.id === service.id ? 'high' : priorityOf(mime))],
      ended_at: null,
    })
    await audit.append(trx, [
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
  return id
}
