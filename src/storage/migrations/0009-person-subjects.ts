import type { Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes room for the account at an OpenID provider that a person signs in with. */
export const personSubjects: Migration = {
  version: 9,
  name: 'person subjects',
  async up(db: Kysely<never>) {
    await db.schema.alterTable('persons').addColumn('subject', 'text').execute()
    await db.schema.createIndex('persons_subject').on('persons').column('subject').unique().execute()
  },
}
