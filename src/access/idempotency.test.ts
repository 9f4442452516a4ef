import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestClock } from '../base/clock.ts'
import { isProblem } from '../base/problem.ts'
import { Keyring } from '../crypto/keyring.ts'
import { createVault } from '../crypto/vault.ts'
import { eachDatabase } from '../../test/databases.ts'
import { IdempotentReplies } from './idempotency.ts'

eachDatabase((name, open) => {
  describe(`requests that are done once, on ${name}`, () => {
    const make = async (t: Parameters<typeof open>[0]) => {
      const database = await open(t)
      const clock = createTestClock()
      const vault = createVault(new Keyring([[1, Buffer.alloc(32, 7)]]))
      const on = (db: typeof database.db) => new IdempotentReplies({ db, clock, vault })
      return { database, clock, replies: on(database.db), other: on(await database.otherNode()) }
    }
    const reply = (body: string) => async () => ({ status: 201, body })

    it("the second request gets the first one's reply, on another node too", async (t) => {
      const { replies, other } = await make(t)
      assert.deepEqual(await replies.once('key_1', 'a', 'request', reply('first')), { status: 201, body: 'first', repeated: false })
      assert.deepEqual(await other.once('key_1', 'a', 'request', reply('second')), { status: 201, body: 'first', repeated: true })
      assert.deepEqual(await other.once('key_2', 'a', 'request', reply('of another key')), { status: 201, body: 'of another key', repeated: false })
    })

    it('another request with the same key is refused', async (t) => {
      const { replies } = await make(t)
      await replies.once('key_1', 'a', 'request', reply('first'))
      await assert.rejects(replies.once('key_1', 'a', 'another', reply('second')), (error) => isProblem(error, 'idempotency_conflict'))
    })

    it('a request that comes while the first one runs waits for its reply', async (t) => {
      const { replies, clock } = await make(t)
      let finish: (() => void) | undefined
      const first = replies.once(
        'key_1',
        'a',
        'request',
        () =>
          new Promise((resolve) => {
            finish = () => resolve({ status: 201, body: 'first' })
          }),
      )
      while (!finish) await new Promise((resolve) => setTimeout(resolve, 5))
      const second = replies.once('key_1', 'a', 'request', reply('second'))
      while (clock.sleepers === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      finish()
      await first
      await clock.advance(200)
      assert.equal((await second).body, 'first')
    })

    it('a request that failed did nothing, so that its key is free again', async (t) => {
      const { replies } = await make(t)
      await assert.rejects(
        replies.once('key_1', 'a', 'request', () => Promise.reject(new Error('no'))),
        /no/,
      )
      assert.equal((await replies.once('key_1', 'a', 'another', reply('second'))).repeated, false)
    })

    it('a request that was cut off is not done again: nobody knows whether it was done', async (t) => {
      const { replies, clock, database } = await make(t)
      void replies.once('key_1', 'a', 'request', () => new Promise(() => undefined))
      for (;;) {
        if (await database.db.selectFrom('idempotency').select('key').executeTakeFirst()) break
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      const second = assert.rejects(
        replies.once('key_1', 'a', 'request', reply('second')),
        (error) => isProblem(error, 'idempotency_conflict') && /cut off/.test(error.message),
      )
      for (let waited = 0; waited < 31_000; waited += 100) {
        while (clock.sleepers === 0 && waited < 30_000) await new Promise((resolve) => setImmediate(resolve))
        await clock.advance(100)
      }
      await second
    })

    it('K2: a reply that was moved to another key does not open', async (t) => {
      const { replies, database } = await make(t)
      await replies.once('key_1', 'a', 'request', reply('of key 1'))
      await replies.once('key_2', 'a', 'request', reply('of key 2'))
      const stored = await database.db.selectFrom('idempotency').selectAll().where('access_key_id', '=', 'key_1').executeTakeFirstOrThrow()
      await database.db.updateTable('idempotency').set({ reply: stored.reply }).where('access_key_id', '=', 'key_2').execute()
      await assert.rejects(replies.once('key_2', 'a', 'request', reply('x')), (error) => isProblem(error, 'decrypt_failed'))
    })

    it('keys are forgotten after a day', async (t) => {
      const { replies, clock } = await make(t)
      await replies.once('key_1', 'a', 'request', reply('first'))
      clock.jump(25 * 3_600_000)
      assert.equal((await replies.once('key_1', 'a', 'request', reply('second'))).repeated, false)
    })

    it('keys that are empty, too long or not plain are refused', async (t) => {
      const { replies } = await make(t)
      for (const key of ['', 'x'.repeat(256), 'a\nb', 'ü']) {
        await assert.rejects(replies.once('key_1', key, 'request', reply('x')), (error) => isProblem(error, 'invalid_request'), key)
      }
    })
  })
})
