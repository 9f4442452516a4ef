import { sql } from 'kysely'
import type { World } from './world.ts'

export const listSize = 100_000
const step = 10_000

/** Fills a store with many credentials, as wide as real ones, by the database's own means. */
export async function fillList({ store: { db, dialect } }: Pick<World, 'store'>): Promise<void> {
  const secret = sql.raw(dialect === 'sqlite' ? 'randomblob(1200)' : "decode(repeat('ab', 1200), 'hex')")
  await sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < 50)
    insert into registrations (id, name, name_key, provider, provider_snapshot, placeholders, client_id, client_auth, created_at, updated_at, revision)
    select 'reg_' || i, 'registration ' || i, 'registration ' || i, case when i % 2 = 0 then 'google' else 'microsoft' end,
      '{"name":"Provider"}', '{}', 'client', 'none', 0, 0, 1 from n`.execute(db)
  for (let done = 0; done < listSize; done += step) {
    const n = sql`with recursive n(i) as (select ${sql.raw(String(done + 1))} union all select i + 1 from n where i < ${sql.raw(String(done + step))})`
    await sql`${n}
      insert into credentials (id, name, name_key, kind, grant_type, registration_id, description, username, scopes, options, allowed_hosts, tags, status,
        status_since, paused, secret, generation, has_refresh_token, failures, last_used_at, last_used_by, last_use_outcome, created_at, updated_at,
        revision, known_end, search_text)
      select 'cred_' || (1000000 + i), 'Name ' || (i * 7919 % 1000003), 'name ' || (i * 7919 % 1000003),
        case when i % 10 = 0 then 'basic' else 'oauth2' end, case when i % 10 = 0 then null else 'authorization_code' end,
        case when i % 10 = 0 then null else 'reg_' || (1 + i % 50) end,
        'The description of the account with the number ' || i, 'user' || i || '@example.org', '["scope"]', '{}', '["a.example"]',
        case when i % 1000 = 0 then '["rare"]' else '[]' end,
        case i % 100 when 1 then 'needs_consent' when 2 then 'misconfigured' when 3 then 'expiring' when 4 then 'paused' when 5 then 'retrying' else 'ready' end,
        0, 0, ${secret}, 1, 1, 0, case when i % 3 = 0 then i end, case when i % 3 = 0 then 'key_1' end, case when i % 3 = 0 then 'ok' end, 0, 0,
        1, case when i % 4 = 0 then 1800000000000 + i end,
        'name ' || (i * 7919 % 1000003) || chr10 || 'user' || i || '@example.org' || chr10 || 'the description of the account with the number ' || i
      from n, (select ${sql.raw(dialect === 'sqlite' ? 'char(10)' : 'chr(10)')} as chr10) line`.execute(db)
    await sql`${n}
      insert into usages (credential_id, access_key_id, first_at, last_at, count, last_outcome)
      select 'cred_' || (1000000 + i), 'key_' || k, 0, i, 1, 'ok' from n, (select 1 as k union all select 2 union all select 3 union all select 4) users
      where i % 3 = 0`.execute(db)
  }
  if (dialect === 'postgres') await sql`vacuum analyze`.execute(db)
}
