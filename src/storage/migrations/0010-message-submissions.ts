import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for the Idempotency-Key of a message beside it, so that both are on disk or neither. */
export const messageSubmissions: Migration = {
  version: 10,
  name: 'message submissions',
  async up(db: Kysely<never>) {
    await db.schema.alterTable('messages').addColumn('submission', 'text').execute()
    await db.schema.alterTable('messages').addColumn('submission_request', 'text').execute()
    await db.schema.createIndex('messages_submission').on('messages').column('submission').unique().execute()
  },
}
