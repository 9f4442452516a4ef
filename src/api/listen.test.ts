import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { isProblem } from '../base/problem.ts'
import { listenOn } from './listen.ts'

test('a place that cannot be listened on is told in words of the settings that there are', async (t) => {
  const [first, second, third] = [createServer(), createServer(), createServer()]
  t.after(() => first.close())
  const { port, host } = await listenOn(first, 0, '127.0.0.1')
  assert.deepEqual([port > 0, host], [true, '127.0.0.1'])
  await assert.rejects(
    listenOn(second, port, '127.0.0.1'),
    (error) =>
      isProblem(error, 'settings_invalid') &&
      error.message === `Another program listens on 127.0.0.1:${port}.` &&
      error.nextStep === 'Stop it, or set KEYBEARER_PORT to another port.',
  )
  await assert.rejects(
    listenOn(third, 0, '192.0.2.1'),
    (error) => isProblem(error, 'settings_invalid') && /EADDRNOTAVAIL/.test(error.message) && error.nextStep === 'Correct KEYBEARER_HOST or KEYBEARER_PORT.',
  )
})
