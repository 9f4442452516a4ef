import { sql, type Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for how urgent a message is, what people did with it, and since when nothing more happens to it. */
export const messageHistory: Migration = {
  version: 13,
  name: 'message history',
  async up(db: Kysely<never>, { bigint }) {
    const alter = () => db.schema.alterTable('messages')
    await alter()
      .addColumn('priority', 'integer', (c) => c.notNull().defaultTo(2))
      .execute()
    await alter()
      .addColumn('history', 'text', (c) => c.notNull().defaultTo('[]'))
      .execute()
    await alter().addColumn('ended_at', bigint).execute()
    await sql`update messages set ended_at = coalesce(sent_at, created_at) where status in ('sent', 'failed', 'cancelled')`.execute(db)
    await db.schema.createIndex('messages_urgency').on('messages').columns(['priority', 'next_attempt_at']).execute()
    await db.schema.createIndex('messages_ended').on('messages').column('ended_at').execute()
  },
}
