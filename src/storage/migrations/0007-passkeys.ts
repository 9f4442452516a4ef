import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes the tables of passkeys, and of the challenges that a sign-in without a password answers. */
export const passkeys: Migration = {
  version: 7,
  name: 'passkeys',
  async up(db: Kysely<never>, { bigint }) {
    const table = (name: string) => db.schema.createTable(name)
    await table('passkeys')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('person_id', 'text', (c) => c.notNull().references('persons.id').onDelete('cascade'))
      .addColumn('credential_id', 'text', (c) => c.notNull().unique())
      .addColumn('public_key', 'text', (c) => c.notNull())
      .addColumn('counter', bigint, (c) => c.notNull())
      .addColumn('transports', 'text', (c) => c.notNull())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('created_at', bigint, (c) => c.notNull())
      .addColumn('last_used_at', bigint)
      .execute()
    await db.schema.createIndex('passkeys_person').on('passkeys').column('person_id').execute()
    await table('challenges')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .addColumn('person_id', 'text', (c) => c.references('persons.id').onDelete('cascade'))
      .addColumn('session_id', 'text', (c) => c.references('sessions.id').onDelete('cascade'))
      .addColumn('network', 'text', (c) => c.notNull())
      .addColumn('expires_at', bigint, (c) => c.notNull())
      .execute()
    await db.schema.createIndex('challenges_network').on('challenges').column('network').execute()
  },
}
