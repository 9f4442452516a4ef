import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event, EventType } from '../base/events.ts'
import { Secret } from '../base/secret.ts'
import type { CredentialToHandOut } from '../storage/credentials.ts'
import { TokenCache, type CachedToken } from './token-cache.ts'

const token = (id: string): CachedToken => ({
  id,
  name: id,
  username: null,
  kind: 'oauth2',
  status: 'ready',
  generation: 1,
  revision: 1,
  tokenType: 'Bearer',
  accessToken: new Secret('token'),
  mark: 'mark',
  scope: null,
  allowedHosts: [],
  notFor: [],
  facts: {},
  obtainedAt: null,
  expiresAt: null,
  monotonicEnd: null,
})
const row = (id: string) => ({ id }) as CredentialToHandOut
const event = (type: EventType, subject: string | null): Event => ({ seq: 0, at: 0, type, subject, data: {} })

test('a token that was read before an event of its credential is not kept after it', () => {
  const cache = new TokenCache()
  const before = cache.changesOf('cred_a')
  cache.heed(event('credential.paused', 'cred_a'))
  cache.put(token('cred_a'), before)
  assert.equal(cache.get('cred_a'), undefined)
  cache.put(token('cred_a'), cache.changesOf('cred_a'))
  assert.equal(cache.get('cred_a')?.id, 'cred_a')
})

test('the events of other credentials do not matter, however many there are', () => {
  const cache = new TokenCache()
  const before = cache.changesOf('cred_a')
  for (let i = 0; i < 100; i++) cache.heed(event('credential.changed', `cred_${i}`))
  cache.put(token('cred_a'), before)
  assert.equal(cache.get('cred_a')?.id, 'cred_a')
  // So many that the notes of changes start anew: then what was read before counts as old.
  const early = cache.changesOf('cred_b')
  for (let i = 0; i < 10_001; i++) cache.heed(event('credential.changed', `cred_${i}`))
  cache.put(token('cred_b'), early)
  assert.equal(cache.get('cred_b'), undefined)
})

test('a row that was read for its id is given once, and not after an event', () => {
  const cache = new TokenCache()
  cache.keepRead(row('cred_a'), cache.changes)
  assert.equal(cache.takeRead('cred_a')?.id, 'cred_a')
  assert.equal(cache.takeRead('cred_a'), undefined)
  cache.keepRead(row('cred_a'), cache.changes)
  cache.heed(event('credential.paused', 'cred_a'))
  assert.equal(cache.takeRead('cred_a'), undefined)
  const { changes } = cache
  cache.heed(event('credential.paused', 'cred_a'))
  cache.keepRead(row('cred_a'), changes)
  assert.equal(cache.takeRead('cred_a'), undefined)
})

test('what an id or a name stands for is not kept when something changed while it was read', () => {
  const cache = new TokenCache()
  cache.rememberId('a', 'cred_a', cache.changes)
  assert.equal(cache.idOf('a'), 'cred_a')
  const { changes } = cache
  cache.heed(event('credential.changed', 'cred_a'))
  cache.rememberId('a', 'cred_a', changes)
  assert.equal(cache.idOf('a'), undefined)
})

test('nothing is kept, nor what is being read, when events were missed', () => {
  const cache = new TokenCache()
  cache.put(token('cred_a'), cache.changesOf('cred_a'))
  cache.rememberId('a', 'cred_a', cache.changes)
  cache.keepRead(row('cred_b'), cache.changes)
  const [ofB, { changes }] = [cache.changesOf('cred_b'), cache]
  cache.heed(event('events.missed', null))
  cache.put(token('cred_b'), ofB)
  cache.keepRead(row('cred_c'), changes)
  cache.rememberId('c', 'cred_c', changes)
  assert.deepEqual(
    [cache.get('cred_a'), cache.get('cred_b'), cache.takeRead('cred_b'), cache.takeRead('cred_c'), cache.idOf('a'), cache.idOf('c')],
    Array.from({ length: 6 }, () => undefined),
  )
})
