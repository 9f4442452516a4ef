import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import { makeBarePlace, databases } from '../../test/world.ts'
import { randomToken } from '../base/ids.ts'
import { knownEnd, workingFacts } from '../credentials/credential-status.ts'
import { listCredentialRows } from './credential-list.ts'
import { searchText } from './credential-derived.ts'
import { credentialsById } from './credentials.ts'
import { migrate, migrations } from './migrate.ts'
import { openDatabase } from './open.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import type { Database } from './tables.ts'

const before = migrations.filter((step) => step.version < 3)

for (const dialect of databases) {
  describe(`a database from before the list's facts, on ${dialect}`, () => {
    it('gets them for what is in it already', async () => {
      const place = await makeBarePlace(dialect)
      try {
        const old = place.url === undefined ? openSqlite(place.folder) : openPostgres(place.url, () => undefined)
        await migrate(old.db, dialect, 0, before)
        await sql`insert into registrations (id, name, name_key, provider, provider_snapshot, placeholders, client_id, client_auth, secret_expires_at, created_at, updated_at, revision)
          values ('reg_1', 'R', 'r', 'google', '{}', '{}', 'c', 'none', 5000, 0, 0, 1)`.execute(old.db)
        const rows = [
          ['cred_1', 'api_key', null, null, 0, 100, null, 0],
          ['cred_2', 'oauth2', 'authorization_code', 'reg_1', 1, null, 3000, 0],
          ['cred_3', 'oauth2', 'authorization_code', 'reg_1', 1, null, 3000, 1],
          ['cred_4', 'oauth2', 'device_code', null, 0, 2000, null, 0],
          ['cred_5', 'oauth2', 'client_credentials', null, 0, 2000, null, 0],
        ] as const
        for (const [id, kind, grant, registration, refreshable, tokenEnd, end, slides] of rows) {
          await sql`insert into credentials (id, name, name_key, kind, grant_type, registration_id, description, username, scopes, options, allowed_hosts, tags, status,
              status_since, paused, secret, generation, has_refresh_token, token_expires_at, refresh_token_expires_at, refresh_token_slides, refresh_due_at, failures,
              created_at, updated_at, revision)
            values (${id}, ${id}, ${id}, ${kind}, ${grant}, ${registration}, 'The Words', 'Anna', '[]', '{}', '[]', '[]', 'ready', 0, 0,
              ${sql.raw(dialect === 'sqlite' ? "x'01'" : "'\\x01'::bytea")}, 1, ${refreshable}, ${tokenEnd}, ${end}, ${slides}, 1, 0, 0, 0, 1)`.execute(old.db)
        }
        await old.close()
        const store = await openDatabase({ folder: place.folder, url: place.url, now: 0 })
        const found = await credentialsById(
          store.db,
          rows.map(([id]) => id),
        )
        await store.close()
        assert.deepEqual(Object.fromEntries(found.map((row) => [row.id, row.known_end])), {
          cred_1: null,
          cred_2: 3000,
          cred_3: 5000,
          cred_4: 2000,
          cred_5: null,
        })
        for (const row of found) {
          assert.equal(row.known_end, knownEnd(workingFacts(row, row.secret_expires_at)), row.id)
          assert.equal(row.search_text, searchText(row))
        }
      } finally {
        await place.remove()
      }
    })
  })
}

if (databases.includes('postgres')) {
  describe('a search on PostgreSQL', () => {
    const trigramIndexes = async (db: Database) =>
      (await sql<{ found: number }>`select count(*)::int as found from pg_indexes where indexname = 'credentials_trigrams'`.execute(db)).rows[0]!.found

    it('uses pg_trgm where it may be switched on, and finds the same without it where that is not allowed', async () => {
      const place = await makeBarePlace('postgres')
      const role = `limited_${randomToken(6)
        .replace(/[^A-Za-z0-9]/g, '')
        .toLowerCase()}`
      const owner = new pg.Client({ connectionString: place.url })
      await owner.connect()
      try {
        await owner.query(`create role ${role} login password 'limited'; grant usage, create on schema public to ${role}`)
        const url = new URL(place.url!)
        url.username = role
        url.password = 'limited'
        const limited = await openDatabase({ folder: place.folder, url: url.href, now: 0 })
        assert.equal(await trigramIndexes(limited.db), 0)
        assert.deepEqual((await listCredentialRows(limited.db, { search: 'x', sort: 'name', descending: false, limit: 10 })).rows, [])
        await limited.close()
        await owner.query(`drop owned by ${role} cascade`)
        const whole = await openDatabase({ folder: place.folder, url: place.url, now: 0 })
        assert.equal(await trigramIndexes(whole.db), 1)
        await whole.close()
      } finally {
        await owner.query(`drop owned by ${role}; drop role ${role}`)
        await owner.end()
        await place.remove()
      }
    })
  })
}
