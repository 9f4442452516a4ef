import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for webhooks, and for credentials that nobody wants to hear of until a day. */
export const notifications: Migration = {
  version: 14,
  name: 'notifications',
  async up(db: Kysely<never>, { blob, bigint }) {
    await db.schema.alterTable('credentials').addColumn('snoozed_until', bigint).execute()
    await db.schema
      .createIndex('credentials_snoozed')
      .on('credentials')
      .column('snoozed_until')
      .where('snoozed_until' as never, 'is not', null)
      .execute()
    await db.schema
      .createTable('webhooks')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('name_key', 'text', (c) => c.notNull().unique())
      .addColumn('origin', 'text', (c) => c.notNull())
      .addColumn('url', blob, (c) => c.notNull())
      .addColumn('secret', blob, (c) => c.notNull())
      .addColumn('previous_secret', blob)
      .addColumn('previous_until', bigint)
      .addColumn('events', 'text', (c) => c.notNull())
      .addColumn('enabled', 'integer', (c) => c.notNull())
      .addColumn('disabled_reason', 'text')
      .addColumn('failing_since', bigint)
      .addColumn('failures', 'integer', (c) => c.notNull())
      .addColumn('last_success_at', bigint)
      .addColumn('last_failure_at', bigint)
      .addColumn('last_error', 'text')
      .addColumn('created_at', bigint, (c) => c.notNull())
      .addColumn('updated_at', bigint, (c) => c.notNull())
      .addColumn('revision', 'integer', (c) => c.notNull())
      .execute()
  },
}
