import { sql, type Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Spares every new message what no query asks for: the due ones are found by their urgency, and most have neither an end nor a submission. */
export const messageIndexes: Migration = {
  version: 20,
  name: 'message indexes',
  async up(db: Kysely<never>) {
    for (const name of ['messages_due', 'messages_ended', 'messages_submission']) await db.schema.dropIndex(name).execute()
    await sql`create index messages_ended on messages (ended_at) where ended_at is not null`.execute(db)
    await sql`create unique index messages_submission on messages (submission) where submission is not null`.execute(db)
  },
}
