import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { CommitGroup } from './commit-group.ts'

type Group = {
  group: CommitGroup
  native: DatabaseSync
  said: string[]
  /** What stands for the disk. */
  disk: { sync: () => Promise<void> }
  add: (name: string) => Promise<void>
  names: () => unknown[]
}

/** A group over a real database in memory, with everything it was told. */
function makeGroup(t: TestContext): Group {
  const native = new DatabaseSync(':memory:')
  t.after(() => native.close())
  native.exec('create table things (name text)')
  const said: string[] = []
  const disk = { sync: async () => void said.push('sync') }
  const group = new CommitGroup({
    run(sql) {
      said.push(sql)
      native.exec(sql)
    },
    sync: () => disk.sync(),
    get isOpen() {
      return native.isTransaction
    },
  })
  const add = async (name: string) => {
    await group.begin()
    native.prepare('insert into things values (?)').run(name)
    await group.commit()
  }
  return {
    group,
    native,
    said,
    disk,
    add,
    names: () =>
      native
        .prepare('select name from things')
        .all()
        .map((row) => row.name),
  }
}

const commits = (said: string[]): number => said.filter((sql) => sql === 'commit').length

test('transactions that come together share one commit, and none is told before it', async (t) => {
  const { native, said, add, names } = makeGroup(t)
  let told = 0
  const all = Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      await add(`thing ${n}`)
      told++
      assert.equal(native.isTransaction, false)
    }),
  )
  for (let i = 0; i < 100; i++) await Promise.resolve()
  assert.equal(told, 0)
  await all
  assert.equal(commits(said), 1)
  assert.equal(names().length, 10)
})

test('whoever comes while others still come is in the same commit; whoever is alone waits for one turn', async (t) => {
  const { native, said, add } = makeGroup(t)
  const all = [add('first')]
  for (let i = 0; i < 2; i++) {
    await turn()
    all.push(add('later'))
  }
  await Promise.all(all)
  assert.equal(commits(said), 1)
  const alone = add('alone')
  await turn()
  await turn()
  assert.equal(native.isTransaction, false)
  await alone
  assert.equal(commits(said), 2)
})

test('transactions that come after one another are committed one by one', async (t) => {
  const { said, add } = makeGroup(t)
  await add('first')
  await add('second')
  assert.equal(commits(said), 2)
})

test('a stream of transactions does not put the commit off', async (t) => {
  const { said, add } = makeGroup(t)
  let going = true
  const endless = Array.from({ length: 3 }, async () => {
    while (going) await add('one of many')
  })
  for (let i = 0; i < 20; i++) {
    await add('waits for its turn')
    await turn()
  }
  going = false
  await Promise.all(endless)
  assert.ok(commits(said) >= 20)
})

test('at most a hundred share one commit', async (t) => {
  const { said, add } = makeGroup(t)
  await Promise.all(Array.from({ length: 250 }, (_, n) => add(String(n))))
  assert.equal(commits(said), 3)
})

test('when the database ends the transaction by itself, everybody in it learns why', async (t) => {
  const { group, native, add, names } = makeGroup(t)
  const first = add('lost')
  const failing = (async () => {
    await group.begin()
    // As a failing disk does.
    native.exec('rollback')
    const reason = new Error('the disk is full')
    group.fail(reason)
    group.rollback(reason)
    throw reason
  })()
  const last = add('kept')
  assert.deepEqual(
    (await Promise.allSettled([first, failing, last])).map((result) => (result.status === 'rejected' ? (result.reason as Error).message : 'kept')),
    ['the disk is full', 'the disk is full', 'kept'],
  )
  assert.deepEqual(names(), ['kept'])
})

test('a begin that fails gives the turn on', async (t) => {
  const { native, add, names } = makeGroup(t)
  native.exec('begin')
  const refused = add('refused')
  await assert.rejects(refused, /within a transaction/)
  native.exec('rollback')
  await add('kept')
  assert.deepEqual(names(), ['kept'])
})

test('nobody is told before the disk has it, and further groups commit while it is at work', async (t) => {
  const { disk, said, add, group } = makeGroup(t)
  const syncs: PromiseWithResolvers<void>[] = []
  disk.sync = () => {
    const sync = Promise.withResolvers<void>()
    syncs.push(sync)
    return sync.promise
  }
  const told: string[] = []
  const tell = (name: string) => add(name).then(() => told.push(name))
  const all = [tell('first')]
  while (syncs.length === 0) await turn()
  all.push(tell('second'))
  while (commits(said) < 2) await turn()
  all.push(tell('third'))
  while (commits(said) < 3) await turn()
  for (let i = 0; i < 20; i++) await turn()
  assert.deepEqual(told, [])
  assert.equal(syncs.length, 1, 'one sync at a time')
  let isSettled = false
  const settled = group.settled().then(() => (isSettled = true))
  syncs[0]!.resolve()
  while (syncs.length === 1) await turn()
  // The first sync began before the second commit, so it says nothing of it.
  assert.deepEqual(told, ['first'])
  assert.equal(isSettled, false)
  syncs[1]!.resolve()
  await Promise.all(all)
  assert.deepEqual(told, ['first', 'second', 'third'])
  await settled
  assert.equal(syncs.length, 2)
})

test('after a sync that failed everybody learns of it, and nothing is written any more', async (t) => {
  const { disk, said, add, names } = makeGroup(t)
  await add('kept')
  const sync = Promise.withResolvers<void>()
  let isAtWork = false
  disk.sync = () => {
    isAtWork = true
    return sync.promise
  }
  const first = add('uncertain')
  while (!isAtWork) await turn()
  const second = add('uncertain too')
  while (commits(said) < 3) await turn()
  const results = Promise.allSettled([first, second])
  sync.reject(new Error('the disk reports an error'))
  assert.deepEqual(
    (await results).map((result) => (result.status === 'rejected' ? (result.reason as Error).message : 'kept')),
    ['the disk reports an error', 'the disk reports an error'],
  )
  // Linux tells of an error once: a sync that succeeds now would say nothing of the pages that were lost.
  disk.sync = async () => undefined
  await assert.rejects(add('refused'), /the disk reports an error/)
  await assert.rejects(add('refused again'), /the disk reports an error/)
  assert.ok(!names().includes('refused'))
})
