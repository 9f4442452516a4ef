import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes the table of one-time links by which a new access key reaches the machine that needs it. */
export const keyDeliveries: Migration = {
  version: 8,
  name: 'key deliveries',
  async up(db: Kysely<never>, { bigint }) {
    await db.schema
      .createTable('key_deliveries')
      .addColumn('access_key_id', 'text', (c) => c.primaryKey().references('access_keys.id').onDelete('cascade'))
      .addColumn('link_hash', 'text', (c) => c.notNull().unique())
      .addColumn('created_by_name', 'text', (c) => c.notNull())
      .addColumn('expires_at', bigint, (c) => c.notNull())
      .addColumn('opened_at', bigint)
      .addColumn('opened_from', 'text')
      .addColumn('repeats', 'integer', (c) => c.notNull())
      .execute()
  },
}
