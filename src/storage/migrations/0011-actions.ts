import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes the tables of saved actions and of their runs, and the right of an access key to run them. */
export const actions: Migration = {
  version: 11,
  name: 'actions',
  async up(db: Kysely<never>, { bigint, blob }) {
    await db.schema
      .createTable('actions')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('name_key', 'text', (c) => c.notNull().unique())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('definition', blob, (c) => c.notNull())
      .addColumn('inputs', 'text', (c) => c.notNull())
      .addColumn('credential_id', 'text')
      .addColumn('sender_id', 'text')
      .addColumn('leads_to', 'text', (c) => c.notNull())
      .addColumn('paused', 'integer', (c) => c.notNull())
      .addColumn('created_at', bigint, (c) => c.notNull())
      .addColumn('updated_at', bigint, (c) => c.notNull())
      .addColumn('revision', 'integer', (c) => c.notNull())
      .execute()
    await db.schema
      .createTable('action_runs')
      .addColumn('id', 'text', (c) => c.primaryKey())
      // No foreign key: what was run stays known when the action is gone.
      .addColumn('action_id', 'text', (c) => c.notNull())
      .addColumn('action_name', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('root_id', 'text', (c) => c.notNull())
      .addColumn('parent_id', 'text')
      .addColumn('depth', 'integer', (c) => c.notNull())
      .addColumn('aside', 'integer', (c) => c.notNull())
      .addColumn('trigger', 'text', (c) => c.notNull())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('ordered_by', 'text', (c) => c.notNull())
      .addColumn('input_names', 'text', (c) => c.notNull())
      .addColumn('state', blob)
      .addColumn('is_awaited', 'integer', (c) => c.notNull())
      .addColumn('attempts', 'integer', (c) => c.notNull())
      .addColumn('next_attempt_at', bigint)
      .addColumn('lease', 'text')
      .addColumn('lease_until', bigint)
      .addColumn('problem', 'text')
      .addColumn('is_tolerated', 'integer', (c) => c.notNull())
      .addColumn('response_status', 'integer')
      .addColumn('message_id', 'text')
      .addColumn('created_at', bigint, (c) => c.notNull())
      .addColumn('started_at', bigint)
      .addColumn('finished_at', bigint)
      .execute()
    await db.schema.createIndex('action_runs_of_action').on('action_runs').columns(['action_id', 'id']).execute()
    await db.schema.createIndex('action_runs_of_root').on('action_runs').columns(['root_id', 'id']).execute()
    await db.schema.createIndex('action_runs_by_status').on('action_runs').columns(['status', 'id']).execute()
    await db.schema
      .alterTable('access_keys')
      .addColumn('actions', 'text', (c) => c.notNull().defaultTo('[]'))
      .execute()
  },
}
