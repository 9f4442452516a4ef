import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for stops of many credentials at once, and what has become of each of them. */
export const emergencyStops: Migration = {
  version: 17,
  name: 'emergency stops',
  async up(db: Kysely<never>, { bigint }) {
    await db.schema
      .createTable('emergency_stops')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('criteria', 'text', (c) => c.notNull())
      .addColumn('revokes', 'integer', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('ordered_by', 'text', (c) => c.notNull())
      .addColumn('created_at', bigint, (c) => c.notNull())
      .addColumn('undone_at', bigint)
      .execute()
    await db.schema
      .createTable('stopped_credentials')
      .addColumn('stop_id', 'text', (c) => c.notNull().references('emergency_stops.id').onDelete('cascade'))
      .addColumn('credential_id', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('was_paused', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('message', 'text')
      .addColumn('job_id', 'text')
      .addColumn('updated_at', bigint, (c) => c.notNull())
      .addPrimaryKeyConstraint('stopped_credentials_key', ['stop_id', 'credential_id'] as never)
      .execute()
    await db.schema.createIndex('stopped_credentials_state').on('stopped_credentials').columns(['stop_id', 'state', 'credential_id']).execute()
    await db.schema
      .createIndex('stopped_credentials_job')
      .on('stopped_credentials')
      .column('job_id')
      .where('job_id' as never, 'is not', null)
      .execute()
  },
}
