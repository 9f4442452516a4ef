import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for from where and by what each access key is used, and how often a day. */
export const keySightings: Migration = {
  version: 18,
  name: 'key sightings',
  async up(db: Kysely<never>, { bigint }) {
    await db.schema
      .createTable('key_sightings')
      .addColumn('access_key_id', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .addColumn('first_at', bigint, (c) => c.notNull())
      .addColumn('is_told', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('key_sightings_key', ['access_key_id', 'kind', 'value'] as never)
      .execute()
    await db.schema
      .createTable('key_days')
      .addColumn('access_key_id', 'text', (c) => c.notNull())
      .addColumn('day', 'integer', (c) => c.notNull())
      .addColumn('count', bigint, (c) => c.notNull())
      .addPrimaryKeyConstraint('key_days_key', ['access_key_id', 'day'] as never)
      .execute()
  },
}
