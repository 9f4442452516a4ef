import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { sql } from 'kysely'
import { beforeTheEnd, openSqliteForTest, temporaryFolder } from '../../test/databases.ts'
import { isProblem } from '../base/problem.ts'
import { Sealed } from '../base/sealed.ts'
import { readFact, writeFact } from './facts.ts'
import { openDatabase } from './open.ts'
import { inTransaction } from './transaction.ts'

const setting = async (db: Awaited<ReturnType<typeof openSqliteForTest>>['db'], name: string) =>
  Object.values((await sql.raw<Record<string, unknown>>(`pragma ${name}`).execute(db)).rows[0]!)[0]

test('syncs every commit, checks references, and keeps temporary tables out of files', async (t) => {
  const { db } = await openSqliteForTest(t)
  assert.equal(await setting(db, 'journal_mode'), 'wal')
  assert.equal(await setting(db, 'synchronous'), 2)
  assert.equal(await setting(db, 'foreign_keys'), 1)
  assert.equal(await setting(db, 'temp_store'), 2)
  assert.equal(await setting(db, 'busy_timeout'), 5000)
})

test('K11: every file of the data folder is for its owner only, whatever the umask and the folder were', async (t) => {
  const before = process.umask(0)
  t.after(() => process.umask(before))
  const folder = join(temporaryFolder(t), 'data')
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  const { db, close } = await openDatabase({ folder, now: 1 })
  await writeFact(db, 'a', 'b')
  const modes = Object.fromEntries(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]))
  const size = Object.keys(modes).length
  await close()
  assert.ok(size >= 4, Object.keys(modes).join())
  for (const [name, mode] of Object.entries(modes)) assert.equal(mode, 0o600, name)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
})

test('a secret column takes and gives back sealed values only', async (t) => {
  const { db } = await openSqliteForTest(t)
  const values = { access_key_id: 'k', key: 'i', request_hash: 'h', status: 200, created_at: 1 }
  await db.insertInto('idempotency').values({ ...values, reply: new Sealed(Buffer.from([1, 2, 3])) }).execute()
  const row = await db.selectFrom('idempotency').selectAll().executeTakeFirstOrThrow()
  assert.ok(row.reply instanceof Sealed)
  assert.deepEqual([...row.reply.bytes], [1, 2, 3])
  for (const value of [Buffer.from('open'), new Uint8Array(3), true, new Date(0), { a: 1 }]) {
    await assert.rejects(db.updateTable('idempotency').set({ reply: value as never }).execute(), TypeError, String(value))
  }
})

test('a transaction takes the write lock at once, so that what it read still holds when it writes', async (t) => {
  const { db, place } = await openSqliteForTest(t)
  const other = new DatabaseSync(join(place.folder, 'keybearer.db'), { timeout: 0 })
  beforeTheEnd(t, () => other.close())
  await inTransaction(db, async (trx) => {
    await readFact(trx, 'x')
    assert.throws(() => other.exec('begin immediate'), (error) => (error as { errcode: number }).errcode === 5)
  })
})

test('transactions of one process wait for each other and lose no write', async (t) => {
  const { db } = await openSqliteForTest(t)
  await writeFact(db, 'count', '0')
  await Promise.all(Array.from({ length: 50 }, () => inTransaction(db, async (trx) => {
    const count = Number(await readFact(trx, 'count'))
    await new Promise((resolve) => setImmediate(resolve))
    await writeFact(trx, 'count', String(count + 1))
  })))
  assert.equal(await readFact(db, 'count'), '50')
})

test('a database that another process holds is reported as such, and works again afterwards', { timeout: 30_000 }, async (t) => {
  const { db, place } = await openSqliteForTest(t)
  await sql`pragma busy_timeout = 100`.execute(db)
  const other = new DatabaseSync(join(place.folder, 'keybearer.db'))
  beforeTheEnd(t, () => other.close())
  other.exec('begin immediate')
  await assert.rejects(inTransaction(db, (trx) => writeFact(trx, 'a', '1')), (error) => isProblem(error, 'storage_unavailable') && /locked/.test(error.message))
  other.exec('rollback')
  await inTransaction(db, (trx) => writeFact(trx, 'a', '1'))
  assert.equal(await readFact(db, 'a'), '1')
})

test('a start over a database that another program holds says so', { timeout: 30_000 }, async (t) => {
  const { place, close } = await openSqliteForTest(t)
  await close()
  const other = new DatabaseSync(join(place.folder, 'keybearer.db'))
  other.exec('pragma locking_mode = exclusive; begin exclusive')
  try {
    await assert.rejects(openDatabase({ ...place, now: 1 }), (error) => isProblem(error, 'storage_unavailable') && /locked/.test(error.message))
  } finally {
    other.close()
  }
})

test('a full database file changes nothing, says so, and works again when there is room', async (t) => {
  const { db } = await openSqliteForTest(t)
  await writeFact(db, 'before', 'here')
  const pages = Number(await setting(db, 'page_count'))
  await sql.raw(`pragma max_page_count = ${pages + 2}`).execute(db)
  const write = () => inTransaction(db, async (trx) => {
    await writeFact(trx, 'before', 'overwritten')
    await writeFact(trx, 'big', 'x'.repeat(100_000))
  })
  await assert.rejects(write(), (error) => isProblem(error, 'storage_full') && error.status === 507)
  assert.equal(await readFact(db, 'before'), 'here')
  await sql.raw('pragma max_page_count = 1000000').execute(db)
  await write()
  assert.equal(await readFact(db, 'before'), 'overwritten')
})

// Elsewhere the test above, with a limit in SQLite itself, has to do.
if (process.getuid?.() === 0 && canMount()) test('a full disk changes nothing, says so, and works again when there is room', async (t) => {
  const folder = temporaryFolder(t)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1536k,mode=700', 'none', folder])
  const { db, close } = await openDatabase({ folder: join(folder, 'data'), now: 1 })
  beforeTheEnd(t, async () => {
    await close()
    execFileSync('umount', [folder])
  })
  await writeFact(db, 'before', 'here')
  await assert.rejects(async () => {
    for (let i = 0; i < 100; i++) await inTransaction(db, (trx) => writeFact(trx, `big ${i}`, 'x'.repeat(50_000)))
  }, (error) => isProblem(error, 'storage_full'))
  assert.equal(await readFact(db, 'before'), 'here')
  execFileSync('mount', ['-o', 'remount,size=8m', folder])
  await inTransaction(db, (trx) => writeFact(trx, 'after', 'there is room'))
  assert.equal(await readFact(db, 'after'), 'there is room')
})

test('more different statements than are kept prepared still work', async (t) => {
  const { db } = await openSqliteForTest(t)
  for (let i = 0; i < 1100; i++) {
    const { rows } = await sql.raw<{ n: number }>(`select ${i} as n`).execute(db)
    assert.equal(rows[0]!.n, i)
  }
})

function canMount(): boolean {
  // CAP_SYS_ADMIN is bit 21 of the effective capabilities.
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return (BigInt(`0x${effective}`) >> 21n & 1n) === 1n
}
