import assert from 'node:assert/strict'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSqliteForTest } from '../../test/databases.ts'
import type { Database } from './tables.ts'
import { DiskWait } from './wal-sync.ts'

type Done = (error: NodeJS.ErrnoException | null) => void

/** Puts something in the place of the system's sync, for this test. The disk is slow before, so that it is waited for beside the service. */
async function replaceSync(t: TestContext, db: Database, sync: (handle: number, done: Done) => void): Promise<void> {
  // Whichever way it is asked: what it is taken for depends on this machine.
  let answer = (_: number, done: Done): void => void setTimeout(() => done(null), 20)
  t.mock.method(fs, 'fdatasyncSync', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20))
  t.mock.method(fs, 'fdatasync', ((handle: number, done: Done) => answer(handle, done)) as typeof fs.fdatasync)
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  await db.insertInto('facts').values({ name: 'slow', value: '' }).execute()
  answer = sync
}

/** A disk that takes so many milliseconds, and tells by which way it was asked. */
function makeDisk(takes: number) {
  let time = 0
  const disk = { takes, asked: [] as ('beside' | 'here')[], error: null as Error | null }
  const answer = (way: 'beside' | 'here') => {
    disk.asked.push(way)
    time += disk.takes
    if (disk.error !== null) throw disk.error
  }
  const wait = new DiskWait({ beside: async () => answer('beside'), here: () => answer('here') }, { monotonic: () => time })
  const syncs = async (count: number) => {
    disk.asked.length = 0
    for (let i = 0; i < count; i++) await wait.sync()
    return [...new Set(disk.asked)]
  }
  return { disk, wait, syncs }
}

test('a disk is waited for beside the service until it is known to be fast, then at once', async () => {
  const { syncs } = makeDisk(0.2)
  assert.deepEqual(await syncs(5), ['beside'])
  assert.deepEqual(await syncs(50), ['beside', 'here'])
  assert.deepEqual(await syncs(1000), ['here'])
})

test('a slow disk never keeps the service', async () => {
  const { syncs } = makeDisk(1)
  assert.deepEqual(await syncs(10_000), ['beside'])
})

test('a disk that has got stuck once keeps the service once, and is fast again only when it was so for a while', async () => {
  const { disk, syncs } = makeDisk(0.2)
  await syncs(100)
  disk.takes = 500
  assert.deepEqual(await syncs(1), ['here'])
  disk.takes = 0.2
  assert.deepEqual(await syncs(60), ['beside'])
  assert.deepEqual(await syncs(1000), ['beside', 'here'])
  disk.takes = 20
  await syncs(1)
  assert.deepEqual(await syncs(1000), ['beside'])
})

test('an error of the disk is told by either way, and never before one waits for it', async () => {
  const { disk, wait, syncs } = makeDisk(0.2)
  for (const way of ['beside', 'here']) {
    disk.error = new Error(`EIO ${way}`)
    await assert.rejects(wait.sync(), disk.error)
    assert.equal(disk.asked.at(-1), way)
    disk.error = null
    await syncs(100)
  }
})

test('a write is told when the log is on disk, not before', async (t) => {
  const { db } = await openSqliteForTest(t)
  const original = fs.fdatasync
  const waiting: (() => void)[] = []
  await replaceSync(t, db, (handle, done) => {
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
  await replaceSync(t, db, (_, done) => setImmediate(() => done(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }))))
  const isExpected = { code: 'storage_unavailable', nextStep: /Check the disk, then start the service again/ }
  await assert.rejects(add('meanwhile'), isExpected)
  await assert.rejects(add('afterwards'), isExpected)
  const names = (await db.selectFrom('facts').select('name').execute()).map(({ name }) => name)
  assert.ok(names.includes('before'))
  assert.ok(!names.includes('afterwards'))
})
