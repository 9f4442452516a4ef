import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for credentials and access keys that nobody uses: told of, kept by somebody, stopped. */
export const unused: Migration = {
  version: 19,
  name: 'unused',
  async up(db: Kysely<never>, { bigint }) {
    await db.schema.alterTable('credentials').addColumn('kept_from', bigint).execute()
    await db.schema.alterTable('credentials').addColumn('unused_told_at', bigint).execute()
    await db.schema.alterTable('access_keys').addColumn('kept_from', bigint).execute()
    await db.schema.alterTable('access_keys').addColumn('unused_told_at', bigint).execute()
    await db.schema.alterTable('access_keys').addColumn('stopped_at', bigint).execute()
  },
}
