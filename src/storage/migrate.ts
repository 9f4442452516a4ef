import { sql, type Kysely, type Transaction } from 'kysely'
import type { ColumnDataType } from 'kysely'
import { Problem } from '../base/problem.ts'
import { firstTables } from './migrations/0001-first-tables.ts'
import { listFacts } from './migrations/0003-list-facts.ts'
import { persons } from './migrations/0004-persons.ts'
import { consentBrowsers } from './migrations/0006-consent-browsers.ts'
import { passkeys } from './migrations/0007-passkeys.ts'
import { keyDeliveries } from './migrations/0008-key-deliveries.ts'
import { personSubjects } from './migrations/0009-person-subjects.ts'
import { messageSubmissions } from './migrations/0010-message-submissions.ts'
import { actions } from './migrations/0011-actions.ts'
import { mailRules } from './migrations/0012-mail-rules.ts'
import { messageHistory } from './migrations/0013-message-history.ts'
import { notifications } from './migrations/0014-notifications.ts'
import { actionTriggers } from './migrations/0015-action-triggers.ts'
import { heldMessages } from './migrations/0016-held-messages.ts'
import { emergencyStops } from './migrations/0017-emergency-stops.ts'
import { keySightings } from './migrations/0018-key-sightings.ts'
import { unused } from './migrations/0019-unused.ts'
import { messageIndexes } from './migrations/0020-message-indexes.ts'
import { deletedCredentials } from './migrations/0021-deleted-credentials.ts'
import type { Database, Tables } from './tables.ts'

/** What differs between the databases when columns are made. */
export type ColumnTypes = { blob: ColumnDataType; bigint: ColumnDataType }

/** One step forward. Steps never change once they are released, and there is no way back: that is what backups are for. */
export type Migration = { version: number; name: string; up: (db: Kysely<never>, types: ColumnTypes, dialect: 'sqlite' | 'postgres') => Promise<void> }

export const migrations: Migration[] = [
  firstTables,
  listFacts,
  persons,
  consentBrowsers,
  passkeys,
  keyDeliveries,
  personSubjects,
  messageSubmissions,
  actions,
  mailRules,
  messageHistory,
  notifications,
  actionTriggers,
  heldMessages,
  emergencyStops,
  keySightings,
  unused,
  messageIndexes,
  deletedCredentials,
]

/** A number that PostgreSQL's advisory lock is taken with, so that only one node migrates. */
const lockNumber = 7_420_001

/**
 * Brings the database to the newest version. Every step commits with its number, so that an interrupted migration goes on
 * where it stopped; a second process waits.
 *
 * @throws Problem database_newer before anything is touched
 */
export async function migrate(db: Database, dialect: 'sqlite' | 'postgres', now: number, steps: Migration[] = migrations): Promise<number> {
  const newest = steps.at(-1)?.version ?? 0
  await inLock(db, dialect, async (trx) => {
    // A database without this table is empty; one that has it says how far it is before anything is made in it.
    if (await hasVersionTable(trx, dialect)) {
      const version = await currentVersion(trx)
      if (version > newest) {
        throw new Problem('database_newer', `The database is at version ${version}; this Keybearer knows versions up to ${newest}. Nothing was changed.`)
      }
    } else {
      await trx.schema
        .createTable('schema_versions')
        .addColumn('version', 'integer', (c) => c.primaryKey())
        .addColumn('name', 'text', (c) => c.notNull())
        .addColumn('applied_at', 'bigint', (c) => c.notNull())
        .execute()
    }
  })
  for (const step of steps) {
    await inLock(db, dialect, async (trx) => {
      if ((await currentVersion(trx)) >= step.version) return
      const types: ColumnTypes = dialect === 'sqlite' ? { blob: 'blob', bigint: 'integer' } : { blob: 'bytea', bigint: 'bigint' }
      await step.up(trx as unknown as Kysely<never>, types, dialect)
      await sql`insert into schema_versions (version, name, applied_at) values (${step.version}, ${step.name}, ${now})`.execute(trx)
    })
  }
  return newest
}

async function inLock(db: Database, dialect: 'sqlite' | 'postgres', work: (trx: Transaction<Tables>) => Promise<void>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    if (dialect === 'postgres') await sql`select pg_advisory_xact_lock(${lockNumber})`.execute(trx)
    await work(trx)
  })
}

async function hasVersionTable(trx: Transaction<Tables>, dialect: 'sqlite' | 'postgres'): Promise<boolean> {
  const found =
    dialect === 'sqlite'
      ? await sql<{ name: string }>`select name from sqlite_master where type = 'table' and name = 'schema_versions'`.execute(trx)
      : await sql<{
          name: string
        }>`select table_name as name from information_schema.tables where table_schema = current_schema() and table_name = 'schema_versions'`.execute(trx)
  return found.rows.length > 0
}

async function currentVersion(trx: Transaction<Tables>): Promise<number> {
  const result = await sql<{ version: number | null }>`select max(version) as version from schema_versions`.execute(trx)
  return result.rows[0]?.version ?? 0
}
