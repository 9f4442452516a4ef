import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { databases, makePlace } from '../../test/world.ts'
import { isProblem } from '../base/problem.ts'
import { openDatabase } from './open.ts'
import { openPostgres } from './postgres.ts'
import { inTransaction } from './transaction.ts'

const skip = databases.includes('postgres') ? false : 'needs PostgreSQL'

test('a connection that is cut between two queries of a transaction fails that transaction and nothing else', { skip }, async () => {
  const place = await makePlace('postgres')
  const errors: unknown[] = []
  const { db, close } = openPostgres(place.url!, (error) => errors.push(error))
  try {
    const cut = inTransaction(db, async (trx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(db)
      await pause(200)
      await sql`select 1`.execute(trx)
    })
    await assert.rejects(cut, (error) => isProblem(error, 'storage_unavailable') && error.retryAfter !== undefined)
    assert.ok(errors.length > 0, 'it is told to whoever listens')
    assert.deepEqual((await sql`select 1 as n`.execute(db)).rows, [{ n: 1 }])
  } finally {
    await close()
    await place.remove()
  }
})

test('a server that is not there is a problem with a code, for single queries too', async () => {
  const { db, close } = openPostgres('postgres://nobody@127.0.0.1:9/none', () => undefined)
  try {
    await assert.rejects(sql`select 1`.execute(db), (error) => isProblem(error, 'storage_unavailable'))
  } finally {
    await close()
  }
})

test('a server that refuses the login, the database or TLS says which, without the password', { skip }, async () => {
  const place = await makePlace('postgres')
  const wrong = (change: (url: URL) => void) => {
    const url = new URL(place.url!)
    change(url)
    return url.href
  }
  try {
    for (const [url, says] of [
      [wrong((url) => (url.password = 'not-the-password')), /password authentication failed for user/],
      [wrong((url) => (url.pathname = '/no-such-database')), /database "no-such-database" does not exist/],
      [wrong((url) => url.searchParams.set('sslmode', 'verify-full')), /does not support SSL/],
    ] as const) {
      await assert.rejects(openDatabase({ folder: place.folder, url, now: 0 }), (error) => {
        assert.ok(isProblem(error, 'storage_unavailable'))
        assert.match(error.message, says)
        assert.doesNotMatch(error.message, /not-the-password/)
        assert.match(error.nextStep, /KEYBEARER_DATABASE_URL/)
        return true
      })
    }
  } finally {
    await place.remove()
  }
})

test('a query that gets no answer ends after a while, and its connection is not used again', { skip, timeout: 60_000 }, async () => {
  const place = await makePlace('postgres')
  const proxy = await startSilentProxy(new URL(place.url!))
  const { db, close } = openPostgres(proxy.url, () => undefined)
  try {
    await sql`select 1`.execute(db)
    proxy.silence(true)
    await assert.rejects(sql`select 2 as n`.execute(db), (error) => isProblem(error, 'storage_unavailable'))
    proxy.silence(false)
    assert.deepEqual((await sql`select 3 as n`.execute(db)).rows, [{ n: 3 }])
  } finally {
    await close()
    await proxy.close()
    await place.remove()
  }
})

/** Stands between the program and a server, and lets nothing through while it is silent. */
async function startSilentProxy(target: URL): Promise<{ url: string; silence: (on: boolean) => void; close: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (data) => {
        if (!silent) to.write(data)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = new URL(target)
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    silence: (on) => (silent = on),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}
