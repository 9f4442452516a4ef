import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Binds a consent to the browser that begins it, and lets it begin with a link that is sent to somebody. */
export const consentBrowsers: Migration = {
  version: 6,
  name: 'consent browsers',
  async up(db: Kysely<never>) {
    const consents = () => db.schema.alterTable('consents')
    for (const column of ['ticket_hash', 'browser_hash', 'session_id']) await consents().addColumn(column, 'text').execute()
    await consents()
      .addColumn('started_by_name', 'text', (c) => c.notNull().defaultTo(''))
      .execute()
    await db.schema.createIndex('consents_ticket').unique().on('consents').column('ticket_hash').execute()
  },
}
