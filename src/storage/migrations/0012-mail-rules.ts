import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for what an access key may send at most, and for which From may go through which sender. */
export const mailRules: Migration = {
  version: 12,
  name: 'mail rules',
  async up(db: Kysely<never>) {
    await db.schema.alterTable('access_keys').addColumn('mail_limits', 'text').execute()
    await db.schema.alterTable('senders').addColumn('takes_from', 'text').execute()
    await db.schema.alterTable('senders').addColumn('foreign_from', 'text').execute()
    await db.schema.createIndex('messages_by_key').on('messages').columns(['created_by', 'created_at']).execute()
  },
}
