import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '../base/secret.ts'
import { checkPassword, hashPassword } from './passwords.ts'

test('K13: a password is stored as Argon2id with 64 MiB and 3 passes, with a salt of its own', async () => {
  const [first, second] = await Promise.all([hashPassword(new Secret('correct horse')), hashPassword(new Secret('correct horse'))])
  assert.match(first, /^\$argon2id\$v=19\$m=65536,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.notEqual(first, second)
  assert.deepEqual(await checkPassword(new Secret('correct horse'), first), { result: 'right', outdated: false })
  assert.deepEqual(await checkPassword(new Secret('correct horsf'), first), { result: 'wrong' })
  assert.deepEqual(await checkPassword(new Secret(''), first), { result: 'wrong' })
})

const stored = (memory: number, passes: number, password: string) => {
  const salt = Buffer.from('0123456789abcdef')
  const hash = argon2Sync('argon2id', { message: Buffer.from(password), nonce: salt, parallelism: 1, tagLength: 32, memory, passes })
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${memory},t=${passes},p=1$${text(salt)}$${text(Buffer.from(hash))}`
}

test('accepts a hash with weaker parameters and says that it is outdated', async () => {
  assert.deepEqual(await checkPassword(new Secret('pw'), stored(19_456, 2, 'pw')), { result: 'right', outdated: true })
})

test('checks the same password typed as other code points', async () => {
  const hash = await hashPassword(new Secret('caf\u00e9'))
  assert.equal((await checkPassword(new Secret('cafe\u0301'), hash)).result, 'right')
})

test('K13: a stored value of another form, or one that asks for all memory, is refused without computing', async () => {
  const good = stored(1024, 1, 'pw')
  for (const wrong of [
    '',
    'pw',
    good.replace('argon2id', 'argon2i'),
    good.replace('v=19', 'v=16'),
    good.replace('m=1024', 'm=99999999'),
    good.replace('t=1', 't=9999'),
    good.replace('t=1', 't=0'),
    good.replace('p=1', 'p=0'),
    good.replace('m=1024', 'm=1'),
    good.replace(/\$[^$]+$/, '$'),
    `${good}=`,
  ]) {
    assert.deepEqual(await checkPassword(new Secret('pw'), wrong), { result: 'unknown_form' }, wrong)
  }
})
