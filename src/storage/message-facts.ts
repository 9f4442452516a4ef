import { inBatches } from './credentials.ts'
import type { MessageRow } from './messages.ts'
import type { Database } from './tables.ts'

/** What a notice tells of a message: nothing that its author wrote. */
export type MessageFacts = Pick<MessageRow, 'id' | 'sender_id' | 'status' | 'recipients' | 'problem' | 'created_by' | 'created_at'>

/** Returns the facts of the messages with these ids. */
export async function messageFactsById(db: Database, ids: string[]): Promise<MessageFacts[]> {
  return await inBatches(ids, (some) =>
    db.selectFrom('messages').select(['id', 'sender_id', 'status', 'recipients', 'problem', 'created_by', 'created_at']).where('id', 'in', some).execute(),
  )
}
