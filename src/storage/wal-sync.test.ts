import assert from 'node:assert/strict'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSqliteForTest } from '../../test/databases.ts'

type Done = (error: NodeJS.ErrnoException | null) => void

/** Puts something in the place of the system's sync, for this test. */
function replaceSync(t: TestContext, sync: (handle: number, done: Done) => void): void {
  const replaced = t.mock.method(fs, 'fdatasync', sync as typeof fs.fdatasync)
  syncBuiltinESMExports()
  t.after(() => {
    replaced.mock.restore()
    syncBuiltinESMExports()
  })
}

test('a write is told when the log is on disk, not before', async (t) => {
  const { db } = await openSqliteForTest(t)
  const original = fs.fdatasync
  const waiting: (() => void)[] = []
  replaceSync(t, (handle, done) => {
    // What is synced is the log of this database.
    assert.match(fs.readlinkSync(`/proc/self/fd/${handle}`), /keybearer\.db-wal$/)
    waiting.push(() => original(handle, done))
  })
  let isTold = false
  const written = db
    .insertInto('facts')
    .values({ name: 'fact', value: '' })
    .execute()
    .then(() => (isTold = true))
  while (waiting.length === 0) await sleep(1)
  await sleep(20)
  assert.equal(isTold, false)
  waiting[0]!()
  await written
})

test('a disk that fails stops all writing, with what to do, and reading goes on', async (t) => {
  const { db } = await openSqliteForTest(t)
  const add = (name: string) => db.insertInto('facts').values({ name, value: '' }).execute()
  await add('before')
  replaceSync(t, (_, done) => setImmediate(() => done(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }))))
  const isExpected = { code: 'storage_unavailable', nextStep: /Check the disk, then start the service again/ }
  await assert.rejects(add('meanwhile'), isExpected)
  await assert.rejects(add('afterwards'), isExpected)
  const names = (await db.selectFrom('facts').select('name').execute()).map(({ name }) => name)
  assert.ok(names.includes('before'))
  assert.ok(!names.includes('afterwards'))
})
