import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventBus, eventTypes, type Event } from './events.ts'

const event = (seq: number): Event => ({ seq, at: 0, type: 'message.sent', subject: null, data: {} })

test('every listener hears every event until it stops listening', () => {
  const bus = new EventBus()
  const heard: string[] = []
  const stop = bus.listen(({ seq }) => heard.push(`a${seq}`))
  bus.listen(({ seq }) => heard.push(`b${seq}`))
  bus.publish(event(1))
  stop()
  stop()
  bus.publish(event(2))
  assert.deepEqual(heard, ['a1', 'b1', 'b2'])
})

test('a listener that stops while an event is told does not keep it from the others', () => {
  const bus = new EventBus()
  const heard: string[] = []
  const stop = bus.listen(() => stop())
  bus.listen(({ seq }) => heard.push(`b${seq}`))
  bus.listen(() => bus.listen(({ seq }) => heard.push(`late${seq}`)))
  bus.publish(event(1))
  assert.deepEqual(heard, ['b1'])
})

test('every type of event is noun.verb and has a sentence', () => {
  for (const [type, sentence] of Object.entries(eventTypes)) {
    assert.match(type, /^[a-z_]+\.[a-z_]+$/)
    assert.match(sentence, /^[A-Z].*\.$/, type)
  }
})
