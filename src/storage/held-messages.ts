import { sql } from 'kysely'
import type { Database } from './tables.ts'

/** What the index of held messages is limited to; written out in every query, so that the index is taken. */
const inIndex = sql<boolean>`held > 0`

/** Calls the most urgent, and of those the oldest, messages that are held for a sender: they are due now. Returns how many. */
export async function callHeldMessages(db: Database, senderId: string, limit: number): Promise<number> {
  const called = await db
    .updateTable('messages')
    // Those that were there first are taken first.
    .set((eb) => ({ held: 2, next_attempt_at: eb.ref('created_at') }))
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('messages')
        .select('id')
        .where('sender_id', '=', senderId)
        .where(inIndex)
        .where('held', '=', 1)
        .where('status', '=', 'queued')
        .orderBy('priority')
        .orderBy('id')
        .limit(limit),
    )
    .where('held', '=', 1)
    .executeTakeFirst()
  return Number(called.numUpdatedRows)
}

/** Returns how many messages of a sender were called and not taken yet. */
export async function countCalledMessages(db: Database, senderId: string): Promise<number> {
  const row = await db
    .selectFrom('messages')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('sender_id', '=', senderId)
    .where(inIndex)
    .where('held', '=', 2)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Returns whether a message of a sender is held that was not called. */
export async function hasUncalledMessages(db: Database, senderId: string): Promise<boolean> {
  const [row] = await db.selectFrom('messages').select('id').where('sender_id', '=', senderId).where(inIndex).where('held', '=', 1).limit(1).execute()
  return row !== undefined
}

/** Returns the ids of the senders for which messages are held. */
export async function sendersWithHeldMessages(db: Database): Promise<string[]> {
  const rows = await db.selectFrom('messages').select('sender_id').distinct().where(inIndex).where('held', '=', 1).execute()
  return rows.map((row) => row.sender_id)
}
