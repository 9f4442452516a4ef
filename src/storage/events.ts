import type { Transaction } from 'kysely'
import type { Clock } from '../base/clock.ts'
import type { Event, EventType } from '../base/events.ts'
import { insertOf, prepared } from './prepared.ts'
import type { Database, Row, Tables } from './tables.ts'

export type NewEvent = { type: EventType; subject: string | null; data: Record<string, unknown> }

/**
 * Appends events inside a transaction and returns them with their numbers. These come from one locked row, so that events commit in
 * the order of their numbers and a reader that asks for what came after a number misses none.
 */
export async function appendEvents(trx: Transaction<Tables>, clock: Clock, events: NewEvent[]): Promise<Event[]> {
  if (events.length === 0) return []
  const [head] = await moveHead(trx, { count: events.length })
  if (!head) throw new Error('the head of the events is gone')
  const first = head.seq - events.length + 1
  const at = clock.now()
  const numbered = events.map((event, i) => ({ seq: first + i, at, ...event }))
  await insertRows(
    trx,
    numbered.map((event) => ({ ...event, data: JSON.stringify(event.data) })),
  )
  return numbered
}

const moveHead = prepared((db, slots: { count: number }) =>
  db
    .updateTable('heads')
    .set((eb) => ({ seq: eb('seq', '+', slots.count) }))
    .where('name', '=', 'events')
    .returning('seq'),
)

const insertRows = insertOf('events', ['seq', 'at', 'type', 'subject', 'data'])

const eventsAfter = prepared((db, slots: { seq: number; limit: number }) =>
  db.selectFrom('events').selectAll().where('seq', '>', slots.seq).orderBy('seq').limit(slots.limit),
)

/** Returns events after a number, oldest first. */
export async function readEvents(db: Database, seq: number, limit: number): Promise<Event[]> {
  return (await eventsAfter(db, { seq, limit })).map(toEvent)
}

/** Returns events of some types after a number, oldest first. */
export async function readEventsOf(db: Database, types: EventType[], after: number, limit: number): Promise<Event[]> {
  return (await db.selectFrom('events').selectAll().where('seq', '>', after).where('type', 'in', types).orderBy('seq').limit(limit).execute()).map(toEvent)
}

const toEvent = (row: Row<'events'>): Event => ({
  seq: row.seq,
  at: row.at,
  type: row.type as EventType,
  subject: row.subject,
  data: JSON.parse(row.data) as Record<string, unknown>,
})

export async function lastEventSeq(db: Database): Promise<number> {
  const head = await db.selectFrom('heads').select('seq').where('name', '=', 'events').executeTakeFirstOrThrow()
  return head.seq
}

/** Forgets old events; whoever asks for them with Last-Event-ID is told to read everything anew. */
export async function pruneEvents(db: Database, keep: number): Promise<void> {
  const last = await lastEventSeq(db)
  await db
    .deleteFrom('events')
    .where('seq', '<=', last - keep)
    .execute()
}
