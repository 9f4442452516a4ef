import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes the tables of persons, their invitations and their sessions. */
export const persons: Migration = {
  version: 4,
  name: 'persons',
  async up(db: Kysely<never>, { blob, bigint }) {
    const table = (name: string) => db.schema.createTable(name)
    await table('persons')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('name_key', 'text', (c) => c.notNull().unique())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('joined_at', bigint)
      .addColumn('suspended_at', bigint)
      .addColumn('password', blob)
      .addColumn('created_by', 'text', (c) => c.notNull())
      .addColumn('created_at', bigint, (c) => c.notNull())
      .addColumn('last_seen_at', bigint)
      .execute()
    await table('invitations')
      .addColumn('person_id', 'text', (c) => c.primaryKey().references('persons.id').onDelete('cascade'))
      .addColumn('code_hash', 'text', (c) => c.notNull().unique())
      .addColumn('created_by_name', 'text', (c) => c.notNull())
      .addColumn('created_at', bigint, (c) => c.notNull())
      .addColumn('expires_at', bigint, (c) => c.notNull())
      .execute()
    await table('sessions')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('person_id', 'text', (c) => c.notNull().references('persons.id').onDelete('cascade'))
      .addColumn('token_hash', 'text', (c) => c.notNull().unique())
      .addColumn('way', 'text', (c) => c.notNull())
      .addColumn('address', 'text')
      .addColumn('user_agent', 'text')
      .addColumn('created_at', bigint, (c) => c.notNull())
      .addColumn('last_seen_at', bigint, (c) => c.notNull())
      .addColumn('confirmed_at', bigint)
      .addColumn('expires_at', bigint, (c) => c.notNull())
      .execute()
    await db.schema.createIndex('sessions_person').on('sessions').column('person_id').execute()
  },
}
