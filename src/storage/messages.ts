import { sql, type Transaction } from 'kysely'
import { insertOf } from './prepared.ts'
import type { Database, NewRow, Row, RowUpdate, Tables } from './tables.ts'

type Reader = Database | Transaction<Tables>
export type MessageRow = Row<'messages'>
export type NamedMessageRow = Omit<MessageRow, 'content'> & { sender_name: string | null; sent_by_name: string | null }

/** What a message has from the beginning; everything else is null, or as the table says. */
export type NewMessageRow = Omit<NewRow<'messages'>, 'history' | 'held' | 'lease' | 'lease_until' | 'problem' | 'sent_by' | 'sent_at' | 'ended_at' | 'route'>

/** Every one of them: a column that is added without being named here does not compile. */
const columns: Record<keyof NewMessageRow, true> = {
  id: true,
  sender_id: true,
  message_id: true,
  subject: true,
  envelope_from: true,
  recipients: true,
  content: true,
  size: true,
  status: true,
  attempts: true,
  next_attempt_at: true,
  created_by: true,
  created_at: true,
  expires_at: true,
  submission: true,
  submission_request: true,
  priority: true,
}

const insertRows = insertOf('messages', Object.keys(columns) as (keyof typeof columns)[], 16)

export async function insertMessages(trx: Transaction<Tables>, rows: NewMessageRow[]): Promise<void> {
  await insertRows(trx, rows)
}

/** A message with the names of its senders, without its content, which may be many megabytes. */
const withNames = (db: Reader) =>
  db
    .selectFrom('messages')
    .leftJoin('senders', 'senders.id', 'messages.sender_id')
    .leftJoin('senders as deliverers', 'deliverers.id', 'messages.sent_by')
    .select([
      'messages.id',
      'messages.sender_id',
      'messages.message_id',
      'messages.subject',
      'messages.envelope_from',
      'messages.recipients',
      'messages.size',
      'messages.status',
      'messages.attempts',
      'messages.next_attempt_at',
      'messages.lease',
      'messages.lease_until',
      'messages.problem',
      'messages.sent_by',
      'messages.route',
      'messages.created_by',
      'messages.created_at',
      'messages.sent_at',
      'messages.expires_at',
      'messages.submission',
      'messages.submission_request',
      'messages.priority',
      'messages.history',
      'messages.ended_at',
      'messages.held',
      'senders.name as sender_name',
      'deliverers.name as sent_by_name',
    ])

export async function readMessage(db: Reader, id: string): Promise<NamedMessageRow | undefined> {
  return await withNames(db).where('messages.id', '=', id).executeTakeFirst()
}

/** Finds the message that came with an Idempotency-Key. */
export async function findSubmittedMessage(db: Reader, submission: string): Promise<{ id: string; submission_request: string | null } | undefined> {
  return await db.selectFrom('messages').select(['id', 'submission_request']).where('submission', '=', submission).executeTakeFirst()
}

export async function updateMessage(trx: Reader, id: string, change: RowUpdate<'messages'>): Promise<void> {
  await trx.updateTable('messages').set(change).where('id', '=', id).execute()
}

/** Reads the row and keeps others from changing it until the transaction ends. */
export async function lockMessage(trx: Transaction<Tables>, id: string, dialect: 'sqlite' | 'postgres'): Promise<MessageRow | undefined> {
  let query = trx.selectFrom('messages').selectAll().where('id', '=', id)
  if (dialect === 'postgres') query = query.forUpdate()
  return await query.executeTakeFirst()
}

/**
 * Takes messages whose time has come for one node: those that wait, and those that a node took and never gave back. The
 * urgent ones go first, and of each priority only as many as there is room for.
 * On PostgreSQL rows that another node is taking are passed over.
 */
export async function claimMessages(
  trx: Transaction<Tables>,
  dialect: 'sqlite' | 'postgres',
  claim: { lease: string; now: number; until: number; limit: number; rooms: { priority: number; room: number }[] },
): Promise<MessageRow[]> {
  const ids: string[] = []
  for (const { priority, room } of claim.rooms) {
    const limit = Math.min(room, claim.limit - ids.length)
    if (limit <= 0) continue
    let due = trx
      .selectFrom('messages')
      .select('id')
      .where('priority', '=', priority)
      .where('next_attempt_at', '<=', claim.now)
      .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<=', claim.now)]))
      .orderBy('next_attempt_at')
      .limit(limit)
    if (dialect === 'postgres') due = due.forUpdate().skipLocked()
    ids.push(...(await due.execute()).map((row) => row.id))
  }
  if (ids.length === 0) return []
  const rows = await trx
    .updateTable('messages')
    .set((eb) => ({ status: 'sending', lease: claim.lease, lease_until: claim.until, attempts: eb('attempts', '+', 1), held: 0 }))
    .where('id', 'in', ids)
    .returningAll()
    .execute()
  return rows.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id))
}

export async function prolongMessageLeases(db: Reader, lease: string, until: number): Promise<void> {
  await db.updateTable('messages').set({ lease_until: until }).where('lease', '=', lease).execute()
}

/** Returns how many messages are still to be sent. */
export async function countWaitingMessages(db: Reader): Promise<number> {
  const row = await db
    .selectFrom('messages')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('status', 'in', ['queued', 'sending'])
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Returns how many messages somebody has handed in since. */
export async function countMessagesSince(db: Reader, createdBy: string, since: number): Promise<number> {
  const row = await db
    .selectFrom('messages')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('created_by', '=', createdBy)
    .where('created_at', '>', since)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Returns when somebody handed in his nth message, counted from the latest; null: there are fewer. */
export async function nthLatestMessage(db: Reader, createdBy: string, n: number): Promise<number | null> {
  const row = await db
    .selectFrom('messages')
    .select('created_at')
    .where('created_by', '=', createdBy)
    .orderBy('created_at', 'desc')
    .limit(1)
    .offset(n - 1)
    .executeTakeFirst()
  return row?.created_at ?? null
}

/** Returns when the next message of each priority is due; a priority of which none waits is left out. */
export async function nextMessagesDue(db: Reader): Promise<{ priority: number; due: number }[]> {
  const earliest = (priority: number) =>
    db
      .selectFrom('messages')
      .select((eb) => [sql.lit(priority).as('priority'), eb.fn.min('next_attempt_at').as('due')])
      .where('priority', '=', priority)
  const rows = await earliest(1).unionAll(earliest(2)).unionAll(earliest(3)).execute()
  return rows.flatMap((row) => (row.due === null ? [] : [{ priority: Number(row.priority), due: Number(row.due) }]))
}

/** Moves every try that is planned for later forward: the clock was set back by so much. */
export async function bringMessagesForward(db: Reader, now: number, by: number): Promise<void> {
  await db
    .updateTable('messages')
    .set((eb) => ({ next_attempt_at: eb('next_attempt_at', '-', by) }))
    .where('status', '=', 'queued')
    .where('next_attempt_at', '>', now)
    .execute()
}

/** Plans at once what was planned by a clock that went far ahead: no pause is that long. */
export async function replanStrayMessages(db: Reader, now: number, latest: number): Promise<void> {
  await db.updateTable('messages').set({ next_attempt_at: now }).where('status', '=', 'queued').where('next_attempt_at', '>', latest).execute()
}

/** Brings the messages of a credential that works again forward. */
export async function hurryMessages(db: Reader, credentialId: string, now: number): Promise<void> {
  await db
    .updateTable('messages')
    .set({ next_attempt_at: now })
    .where('status', '=', 'queued')
    .where('next_attempt_at', '>', now)
    .where('sender_id', 'in', (eb) => eb.selectFrom('senders').select('id').where('credential_id', '=', credentialId))
    .execute()
}

export async function listMessageRows(
  db: Database,
  filter: { status?: string | undefined; senderId?: string | undefined; createdBy?: string | undefined; before?: string | undefined; limit: number },
): Promise<NamedMessageRow[]> {
  let query = withNames(db).orderBy('messages.id', 'desc').limit(filter.limit)
  if (filter.status !== undefined) query = query.where('messages.status', '=', filter.status)
  if (filter.senderId !== undefined) query = query.where('messages.sender_id', '=', filter.senderId)
  if (filter.createdBy !== undefined) query = query.where('messages.created_by', '=', filter.createdBy)
  if (filter.before !== undefined) query = query.where('messages.id', '<', filter.before)
  return await query.execute()
}

/** Deletes messages that ended before a time, with the keys of their contents, and returns how many. */
export async function deleteEndedMessages(trx: Transaction<Tables>, before: number, limit: number): Promise<number> {
  const rows = await trx.selectFrom('messages').select('id').where('ended_at', '<', before).orderBy('ended_at').limit(limit).execute()
  if (rows.length === 0) return 0
  const ids = rows.map((row) => row.id)
  // One that is tried again at this moment has no end any more.
  const deleted = await trx.deleteFrom('messages').where('id', 'in', ids).where('ended_at', '<', before).returning('id').execute()
  const gone = deleted.map((row) => row.id)
  if (gone.length > 0) await trx.deleteFrom('data_keys').where('owner', 'in', gone).execute()
  return gone.length
}
