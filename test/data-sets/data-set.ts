import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { Sealed } from '../../src/base/sealed.ts'
import { migrate, migrations } from '../../src/storage/migrate.ts'
import { openPostgres } from '../../src/storage/postgres.ts'
import { openSqlite } from '../../src/storage/sqlite.ts'
import type { Database } from '../../src/storage/tables.ts'

type Value = string | number | null | { hex: string }

/** What an installation of some version has stored: made by `scripts/keep-data-set.ts`, one for each release. */
export type DataSet = {
  /** Of the database. */
  version: number
  /** The files `master.key` and `access-key` of the installation. */
  masterKey: string
  localKey: string
  /** Of "backup-job". */
  accessKey: string
  /** Texts that are found in an export with secrets, each of them a secret of the installation or a part of one. */
  secrets: string[]
  /** What hand-outs give, by the name of the credential. */
  values: Record<string, string>
  /** The text of the message that waits in the outbox. */
  message: string
  /** The rows of each table, in the order in which the tables were made. */
  tables: Record<string, Record<string, Value>[]>
}

/** Reads every data set that is kept, with the name of its file. */
export function readDataSets(): { name: string; set: DataSet }[] {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.json'))
  return files.map((file) => ({ name: file.slice(0, -5), set: JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8')) as DataSet }))
}

export type DataPlace = { folder: string; url?: string | undefined }

/** Opens a database without bringing it to another version. */
export function openAsItIs(place: DataPlace): { db: Database; dialect: 'sqlite' | 'postgres'; close: () => Promise<void> } {
  return place.url === undefined ? { ...openSqlite(place.folder), dialect: 'sqlite' } : { ...openPostgres(place.url, () => undefined), dialect: 'postgres' }
}

/** Makes a database of the version of a data set, and puts its rows in. Messages that wait have come in at `now`: old ones are given up. */
export async function storeDataSet(place: DataPlace, set: DataSet, now: number): Promise<void> {
  const { db, dialect, close } = openAsItIs(place)
  try {
    await migrate(
      db,
      dialect,
      0,
      migrations.filter((step) => step.version <= set.version),
    )
    const names = Object.keys(set.tables)
    await db.transaction().execute(async (trx) => {
      for (const name of names.toReversed()) await sql`delete from ${sql.table(name)}`.execute(trx)
      for (const name of names) {
        for (const stored of set.tables[name]!) {
          const row = name === 'messages' ? { ...stored, created_at: now, next_attempt_at: now, expires_at: now + 86_400_000 } : stored
          const columns = Object.keys(row).map((column) => sql.ref(column))
          const values = Object.values(row).map((value) => (typeof value === 'object' && value !== null ? new Sealed(Buffer.from(value.hex, 'hex')) : value))
          await sql`insert into ${sql.table(name)} (${sql.join(columns)}) values (${sql.join(values)})`.execute(trx)
        }
      }
    })
  } finally {
    await close()
  }
}

/** Reads everything in a database, and how its tables are made, as one text: equal databases give equal texts. */
export async function readWhole(place: DataPlace): Promise<string> {
  const { db, close } = openAsItIs(place)
  try {
    const tables = (await db.introspection.getTables()).toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const texts = []
    for (const { name, columns } of tables) {
      const { rows } = await sql`select * from ${sql.table(name)}`.execute(db)
      const lines = rows.map((row) => JSON.stringify(row, (_, value: unknown) => (value instanceof Sealed ? Buffer.from(value.bytes).toString('hex') : value)))
      texts.push(name, ...columns.map((column) => `${column.name} ${column.dataType} ${column.isNullable} ${column.hasDefaultValue}`), ...lines.toSorted())
    }
    return texts.join('\n')
  } finally {
    await close()
  }
}
