import { sql, type Kysely } from 'kysely'
import type { Migration } from '../migrate.ts'

/** Makes what the live list is sorted, searched and counted by, uses per day, and the way that a message took. */
export const listFacts: Migration = {
  version: 3,
  name: 'list facts',
  async up(db: Kysely<never>, { bigint }, dialect) {
    await db.schema
      .alterTable('credentials')
      .addColumn('search_text', 'text', (c) => c.notNull().defaultTo(''))
      .execute()
    await db.schema.alterTable('credentials').addColumn('known_end', bigint).execute()
    // The database folds ASCII only where it has no other locale; a change of the credential writes the full folding.
    await sql`update credentials set search_text = name_key || ${'\n'} || lower(coalesce(username, '')) || ${'\n'} || lower(description)`.execute(db)
    await sql`update credentials set known_end = (
      select min(e) from (
        select case when credentials.kind = 'oauth2' and credentials.secret is not null and credentials.has_refresh_token = 0
          and credentials.grant_type in ('authorization_code', 'device_code') then credentials.token_expires_at end as e
        union all select case when credentials.kind = 'oauth2' and credentials.secret is not null
          and not (coalesce(credentials.refresh_token_slides, 0) = 1 and credentials.refresh_due_at is not null
            and credentials.failures = 0 and credentials.paused = 0) then credentials.refresh_token_expires_at end
        union all select case when credentials.kind = 'oauth2' and credentials.secret is not null
          then (select secret_expires_at from registrations where registrations.id = credentials.registration_id) end
      ) ends)`.execute(db)
    await sql`create index credentials_attention on credentials ((case status when 'needs_consent' then 0 when 'misconfigured' then 1
      when 'retrying' then 2 when 'expiring' then 3 when 'incomplete' then 4 when 'ready' then 5 else 6 end), name_key)`.execute(db)
    await sql`create index credentials_end on credentials ((coalesce(known_end, 9007199254740991)), id)`.execute(db)
    await sql`create index credentials_last_use on credentials ((coalesce(last_used_at, 0)), id)`.execute(db)
    await sql`create index credentials_kinds on credentials (status, kind)`.execute(db)
    if (dialect === 'sqlite') {
      // Everything that lists filter by, without the sealed secrets beside it: a search reads this and not the rows.
      await sql`create index credentials_narrow on credentials (name_key, id, status, kind, registration_id, tags, search_text)`.execute(db)
    } else {
      await indexTrigrams(db)
    }
    // What is no hand-out is rare in the trail, and is what people look for.
    await sql`create index audit_rare_actions on audit (action, seq) where action <> 'token.handed_out'`.execute(db)
    await sql`create index audit_rare_outcomes on audit (outcome, seq) where outcome <> 'done'`.execute(db)
    await db.schema.alterTable('messages').addColumn('sent_by', 'text').execute()
    await db.schema
      .alterTable('messages')
      .addColumn('route', 'text', (c) => c.notNull().defaultTo('[]'))
      .execute()
    await db.schema
      .createTable('usage_days')
      .addColumn('credential_id', 'text', (c) => c.notNull().references('credentials.id').onDelete('cascade'))
      .addColumn('day', 'integer', (c) => c.notNull())
      .addColumn('ok', bigint, (c) => c.notNull())
      .addColumn('issue', bigint, (c) => c.notNull())
      .addPrimaryKeyConstraint('usage_days_key', ['credential_id', 'day'] as never)
      .execute()
    await db.schema.createIndex('usage_days_day').on('usage_days').column('day').execute()
  },
}

/**
 * Makes searches quick where PostgreSQL has pg_trgm, which whoever owns the database may switch on since version 13. Without
 * it a search reads every row, which is slower and finds the same.
 */
async function indexTrigrams(db: Kysely<never>): Promise<void> {
  await sql`savepoint trigrams`.execute(db)
  try {
    await sql`create extension if not exists pg_trgm`.execute(db)
    await sql`create index credentials_trigrams on credentials using gin (search_text gin_trgm_ops, tags gin_trgm_ops)`.execute(db)
  } catch {
    await sql`rollback to savepoint trigrams`.execute(db)
  }
}
