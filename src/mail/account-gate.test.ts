import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AccountGate } from './account-gate.ts'
import type { Delivery } from './types.ts'

const sent: Delivery = { kind: 'sent', reply: '250 2.0.0 ok', refused: [] }
const away: Delivery = { kind: 'unavailable', code: 'mail_unavailable', message: 'out of reach', reply: null, about: 'account' }
const later: Delivery = { kind: 'unavailable', code: 'mail_unavailable', message: 'enough', reply: '429', about: 'account', retryAfter: 900_000 }
const badLogin: Delivery = { kind: 'refused', code: 'mail_auth_refused', message: 'wrong', reply: '535', permanent: false }

function makeGate() {
  let now = 0
  const gate = new AccountGate({ monotonic: () => now }, 3)
  let asked = 0
  const pass = (delivery: Delivery, account = 'anna') =>
    gate.deliver(account, 'normal', async () => {
      asked += 1
      return delivery
    })
  /** Goes on until the account is asked again, and returns after how many seconds that was. */
  const untilAsked = async (delivery: Delivery) => {
    const before = { asked, now }
    while (asked === before.asked) {
      now += 250
      await pass(delivery)
    }
    return (now - before.now) / 1000
  }
  return { gate, pass, untilAsked, asked: () => asked, turn: (milliseconds: number) => (now += milliseconds) }
}

describe('the gate of an account', () => {
  it('is closed after one message met what all would meet, for longer each time, and open again after a success', async () => {
    const { pass, untilAsked, asked } = makeGate()
    await pass(away)
    const others = await Promise.all(Array.from({ length: 20 }, () => pass(sent)))
    assert.ok(others.every((one) => one.kind === 'unavailable' && one.notAsked === true && one.message === 'out of reach' && (one.closedFor ?? 0) > 0))
    assert.equal(asked(), 1)
    assert.deepEqual((await pass(sent, 'bob')).kind, 'sent', 'another account is not concerned')
    const pauses: number[] = []
    for (let i = 0; i < 10; i++) pauses.push(await untilAsked(away))
    assert.ok(pauses[0]! <= 2 && pauses[3]! >= 4 && pauses[9]! >= 30 && Math.max(...pauses) <= 60.25, pauses.join())
    await untilAsked(sent)
    assert.equal((await pass(sent)).notAsked, undefined)
    await pass(away)
    assert.ok((await untilAsked(sent)) <= 1.25, 'it begins anew')
  })

  it('counts what several found out at a time as one failure', async () => {
    const { pass, untilAsked } = makeGate()
    await Promise.all([pass(away), pass(away), pass(away)])
    assert.ok((await untilAsked(away)) <= 1.25)
  })

  it('asks less and less often whether a login that was refused is taken now, so that the account is not locked', async () => {
    const { pass, untilAsked } = makeGate()
    await pass(badLogin)
    const pauses: number[] = []
    for (let i = 0; i < 12; i++) pauses.push(await untilAsked(badLogin))
    assert.ok(pauses.at(-1)! >= 150 && Math.max(...pauses) <= 300.25, pauses.join())
  })

  it('is closed as long as the server asks for, and a person who wants to know opens it before only where nobody asked', async () => {
    const { gate, pass, turn, asked } = makeGate()
    await pass(later)
    gate.reopen()
    turn(899_000)
    assert.equal((await pass(sent)).notAsked, true)
    turn(1001)
    assert.equal((await pass(sent)).kind, 'sent')
    await pass(away)
    gate.reopen()
    assert.equal((await pass(sent)).kind, 'sent')
    assert.equal(asked(), 4)
  })

  it('stays open for what is about one message alone', async () => {
    const { pass, asked } = makeGate()
    await pass({ kind: 'unavailable', code: 'mail_unavailable', message: 'the connection was lost', reply: null })
    await pass({ kind: 'refused', code: 'mail_refused', message: 'greylisted', reply: '450', permanent: false })
    await pass(sent)
    assert.equal(asked(), 3)
  })
})
