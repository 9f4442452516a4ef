import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { Sealed } from '../base/sealed.ts'
import type { Tables } from './tables.ts'

const int8 = 20
const bytea = 17

// `pg` asks a parameter for this method before it guesses.
Object.defineProperty(Sealed.prototype, 'toPostgres', {
  value(this: Sealed) {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
  },
})

/** Opens a PostgreSQL database that several nodes may share. `url` is a connection string (postgres://…). */
export function openPostgres(url: string, onError: (error: unknown) => void): { db: Kysely<Tables>; close: () => Promise<void> } {
  const parser = {
    getTypeParser(oid: number, format?: 'text' | 'binary') {
      if (format !== 'binary') {
        if (oid === int8) return (text: string) => Number(text)
        if (oid === bytea) return (text: string) => new Sealed(Buffer.from(text.slice(2), 'hex'))
      }
      return pg.types.getTypeParser(oid, format as 'text') as (text: string) => unknown
    },
  }
  const pool = new pg.Pool({
    connectionString: url,
    max: 20,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 10_000,
    lock_timeout: 8_000,
    idle_in_transaction_session_timeout: 30_000,
    application_name: 'keybearer',
    keepAlive: true,
    types: parser as never,
  })
  pool.on('error', onError)
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  return { db, close: () => db.destroy() }
}
