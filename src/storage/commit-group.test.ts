import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { CommitGroup } from './commit-group.ts'

/** A group over a real database in memory, with everything it was told. */
function makeGroup(t: TestContext): { group: CommitGroup; native: DatabaseSync; said: string[]; add: (name: string) => Promise<void>; names: () => unknown[] } {
  const native = new DatabaseSync(':memory:')
  t.after(() => native.close())
  native.exec('create table things (name text)')
  const said: string[] = []
  const group = new CommitGroup({
    run(sql) {
      said.push(sql)
      native.exec(sql)
    },
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
