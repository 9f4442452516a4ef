import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for credentials that were deleted and can still be restored. */
export const deletedCredentials: Migration = {
  version: 21,
  name: 'deleted credentials',
  async up(db: Kysely<never>, { blob, bigint }) {
    await db.schema
      .createTable('deleted_credentials')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('name_key', 'text', (c) => c.notNull())
      .addColumn('registration_name', 'text')
      .addColumn('facts', 'text', (c) => c.notNull())
      .addColumn('uses', 'text', (c) => c.notNull())
      .addColumn('secret', blob)
      .addColumn('deleted_at', bigint, (c) => c.notNull())
      .addColumn('deleted_by', 'text', (c) => c.notNull())
      .addColumn('purge_at', bigint, (c) => c.notNull())
      .execute()
    await db.schema.createIndex('deleted_credentials_purge').on('deleted_credentials').columns(['purge_at']).execute()
    await db.schema.createIndex('deleted_credentials_latest').on('deleted_credentials').columns(['deleted_at', 'id']).execute()
  },
}
