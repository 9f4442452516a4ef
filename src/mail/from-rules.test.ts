import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldError } from '../base/problem.ts'
import { chooseSender, readTakesFrom, takesFrom } from './from-rules.ts'
import type { SenderView } from './types.ts'

const sender = (from: string, further: Partial<SenderView> = {}): SenderView => ({
  id: `snd_${from}`,
  name: from,
  kind: 'smtp',
  host: 'smtp.example.org',
  port: 587,
  tls: 'starttls',
  mechanism: 'auto',
  credential: null,
  login: null,
  from,
  fromName: null,
  takesFrom: null,
  foreignFrom: null,
  ca: null,
  isDefault: false,
  createdAt: 0,
  updatedAt: 0,
  revision: 1,
  ...further,
})

test('a sender that names no addresses takes those of its own domain; one that does takes these and its own', () => {
  const open = sender('shop@example.com')
  assert.deepEqual(
    ['SHOP@example.com', 'news@EXAMPLE.com', 'news@sub.example.com', 'news@example.org', 'a@evilexample.com'].map((one) => takesFrom(open, one)),
    [true, true, false, false, false],
  )
  const listed = sender('shop@example.com', { takesFrom: ['news@example.org', '@example.net'] })
  assert.deepEqual(
    ['shop@example.com', 'other@example.com', 'News@example.org', 'x@example.org', 'x@example.net', 'x@a.example.net'].map((one) => takesFrom(listed, one)),
    [true, false, true, false, true, false],
  )
  assert.ok(takesFrom(sender('shop@example.com', { takesFrom: ['*'] }), 'anybody@elsewhere.example'))
})

test('the sender to which From belongs most closely is chosen, and the default one first where several fit', () => {
  const any = sender('any@example.org', { takesFrom: ['*'], isDefault: true })
  const domain = sender('office@example.com')
  const named = sender('robot@example.net', { takesFrom: ['boss@example.com'] })
  const boss = sender('boss@example.com')
  const through = (usable: SenderView[], ...from: string[]) => chooseSender(usable, from, false)
  assert.equal(through([any, domain, named, boss], 'boss@example.com').sender, boss)
  assert.equal(through([any, domain, named], 'boss@example.com').sender, named)
  assert.equal(through([any, domain], 'boss@example.com').sender, domain)
  assert.deepEqual(through([any], 'boss@example.com'), { sender: any, fits: true })
  const second = sender('second@example.com', { isDefault: true })
  assert.equal(through([domain, second], 'x@example.com').sender, second)
  // Nobody can say which of two authors counts.
  assert.deepEqual(through([any, boss], 'boss@example.com', 'eve@example.com'), { sender: any, fits: false })
})

test('what belongs to no sender goes to the default one or to the only one, and otherwise to none', () => {
  const one = sender('one@example.org')
  const two = sender('two@example.com')
  assert.deepEqual(chooseSender([one], ['x@elsewhere.example'], false), { sender: one, fits: false })
  assert.deepEqual(chooseSender([one, { ...two, isDefault: true }], ['x@elsewhere.example'], false).sender.from, 'two@example.com')
  assert.throws(() => chooseSender([one, two], ['x@elsewhere.example'], false), { code: 'no_sender' })
})

test('what a sender takes is kept in one spelling, and what is no address is named', () => {
  const errors: FieldError[] = []
  assert.deepEqual(readTakesFrom([' Boss@Example.COM', '@Bücher.example', '*', 'boss@example.com'], errors), [
    'boss@example.com',
    '@xn--bcher-kva.example',
    '*',
  ])
  assert.deepEqual(errors, [])
  for (const none of [null, []]) assert.equal(readTakesFrom(none, errors), null)
  readTakesFrom(['fine@example.org', 'example.org', '@', '*@example.org, x', 'a b@example.org', 'x@example.org\r\nBcc: eve@example.net'], errors)
  assert.deepEqual(
    (errors as FieldError[]).map((error) => error.path),
    ['takes_from.1', 'takes_from.2', 'takes_from.3', 'takes_from.4', 'takes_from.5'],
  )
})
