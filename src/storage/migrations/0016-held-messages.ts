import { sql, type Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for which messages wait for their sender's server to come back. */
export const heldMessages: Migration = {
  version: 16,
  name: 'held messages',
  async up(db: Kysely<never>) {
    await db.schema
      .alterTable('messages')
      .addColumn('held', 'integer', (c) => c.notNull().defaultTo(0))
      .execute()
    await sql`create index messages_held on messages (sender_id, held, priority, id) where held > 0`.execute(db)
  },
}
