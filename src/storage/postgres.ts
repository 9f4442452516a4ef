import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { Sealed } from '../base/sealed.ts'
import { toStorageProblem } from './storage-problem.ts'
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
      return pg.types.getTypeParser(oid, format) as (text: string) => unknown
    },
  }
  const pool = new pg.Pool({
    connectionString: url,
    max: 20,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 10_000,
    // A server that does not even answer that a statement took too long.
    query_timeout: 15_000,
    lock_timeout: 8_000,
    idle_in_transaction_session_timeout: 30_000,
    application_name: 'keybearer',
    keepAlive: true,
    types: parser,
  })
  pool.on('error', onError)
  // The pool listens to idle connections only; one that is cut in the middle of its work must not end the process.
  pool.on('connect', (client) => client.on('error', onError))
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: tellingPool(pool) }) })
  return { db, close: () => db.destroy() }
}

/** Makes a pool that tells what goes wrong between us and the server as a problem, and keeps no connection that was silent. */
function tellingPool(pool: pg.Pool): PostgresPool {
  const known = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  return { connect: () => telling(pool.connect()).then((client) => known.get(client) ?? remember(client)), end: () => pool.end(), options: pool.options }

  function remember(client: pg.PoolClient): PostgresPoolClient {
    let silent = false
    const query = async (text: string, values: unknown[]) => {
      try {
        return await client.query(text, values)
      } catch (error) {
        // Whatever is asked next on this connection would wait for the answer that did not come.
        if ((error as Error).message === 'Query read timeout') silent = true
        throw toStorageProblem(error) ?? error
      }
    }
    const wrapped = { query, release: () => client.release(silent) } as unknown as PostgresPoolClient
    known.set(client, wrapped)
    return wrapped
  }
}

const telling = <Result>(work: Promise<Result>): Promise<Result> =>
  work.catch((error: unknown) => {
    throw toStorageProblem(error) ?? error
  })
