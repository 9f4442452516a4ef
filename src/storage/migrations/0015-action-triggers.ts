import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes the tables of what runs actions by itself: schedules, and addresses that others call. */
export const actionTriggers: Migration = {
  version: 15,
  name: 'action triggers',
  async up(db: Kysely<never>, { bigint, blob }) {
    await db.schema
      .createTable('action_schedules')
      .addColumn('action_id', 'text', (c) => c.primaryKey().references('actions.id').onDelete('cascade'))
      .addColumn('cron', 'text', (c) => c.notNull())
      .addColumn('time_zone', 'text', (c) => c.notNull())
      .addColumn('missed', 'text', (c) => c.notNull())
      .addColumn('input', blob, (c) => c.notNull())
      .addColumn('enabled', 'integer', (c) => c.notNull())
      .addColumn('next_due_at', bigint)
      .addColumn('last_due_at', bigint)
      .addColumn('updated_at', bigint, (c) => c.notNull())
      .execute()
    await db.schema.createIndex('action_schedules_due').on('action_schedules').columns(['enabled', 'next_due_at']).execute()
    await db.schema
      .createTable('action_hooks')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('action_id', 'text', (c) => c.notNull().unique().references('actions.id').onDelete('cascade'))
      .addColumn('secret', blob, (c) => c.notNull())
      .addColumn('created_at', bigint, (c) => c.notNull())
      .execute()
    await db.schema
      .createTable('action_hook_calls')
      .addColumn('hook_id', 'text', (c) => c.notNull().references('action_hooks.id').onDelete('cascade'))
      .addColumn('call_id', 'text', (c) => c.notNull())
      .addColumn('run_id', 'text', (c) => c.notNull())
      .addColumn('at', bigint, (c) => c.notNull())
      .addPrimaryKeyConstraint('action_hook_calls_key', ['hook_id', 'call_id'])
      .execute()
  },
}
