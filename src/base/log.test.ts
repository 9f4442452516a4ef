import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, type LogLevel } from './log.ts'

function logInto(options: { level?: LogLevel; isTTY?: boolean } = {}) {
  const lines: string[] = []
  const log = createLog({
    level: options.level ?? 'debug',
    output: { write: (line) => lines.push(line), ...(options.isTTY === undefined ? {} : { isTTY: options.isTTY }) },
  })
  return { log, lines }
}

test('writes one JSON line per event, with level, time and fields', () => {
  const { log, lines } = logInto()
  log.info('credential refreshed', { subject: 'work-mail', took: 12 })
  const { time, ...rest } = JSON.parse(lines[0]!) as Record<string, unknown>
  assert.deepEqual(rest, { level: 'info', event: 'credential refreshed', subject: 'work-mail', took: 12 })
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(lines.length, 1)
  assert.ok(lines[0]!.endsWith('}\n'))
})

test('writes nothing below its level, and does not look at the fields then', () => {
  for (const [level, expected] of [
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
    ['silent', 0],
  ] as const) {
    const { log, lines } = logInto({ level })
    const fields = {
      get trap() {
        return level === 'silent' ? assert.fail('looked at') : 1
      },
    }
    for (const write of [log.debug, log.info, log.warn, log.error]) write('it happened', fields)
    assert.equal(lines.length, expected, level)
    let made = 0
    log.debug('made when wanted', () => ({ made: ++made }))
    assert.deepEqual([made, lines.length], level === 'debug' ? [1, expected + 1] : [0, expected])
  }
})

test('writes lines for people to a terminal', () => {
  const { log, lines } = logInto({ isTTY: true })
  log.warn('message delayed', { to: 'smtp.test', tries: 3, list: [1] })
  assert.match(lines[0]!, /^\d\d:\d\d:\d\d warn {2}message delayed to=smtp\.test tries=3 list=\[1\]\n$/)
  log.info('started')
  assert.match(lines[1]!, /info {2}started\n$/)
})

test('A6: outside text in a field stays within its line, for programs and for people', () => {
  const hostile = 'x\r\n{"level":"info","event":"forged"}\u001b[2J\u2028y'
  for (const isTTY of [false, true]) {
    const { log, lines } = logInto({ isTTY })
    log.error('the provider answered', { description: hostile, [`key\n${hostile}`]: 1, error: new Error(hostile) })
    assert.equal(lines.length, 1)
    assert.equal(lines[0]!.split(/[\r\n\u2028\u2029]/).length, 2)
    assert.ok(!lines[0]!.includes('\u001b'))
  }
})

test('a line shows which credential it is about and the code of a problem, but no authorization code', () => {
  const { log, lines } = logInto()
  log.error('refresh.failed', { credential: 'work-mail', code: 'needs_consent' })
  log.error('consent.failed', { code: '4/0Acanary' })
  assert.match(lines[0]!, /"credential":"work-mail","code":"needs_consent"/)
  assert.match(lines[1]!, /"code":"\[secret\]"/)
})

test('A6: the event itself is redacted and cannot break its line', () => {
  for (const isTTY of [false, true]) {
    const { log, lines } = logInto({ isTTY })
    log.info('sent Bearer canary\n00:00:00 info forged\u001b[2J')
    assert.doesNotMatch(lines[0]!, /canary|\u001b|\n./)
  }
})

test('A6: a field cannot pass itself off as level, time or event of its line', () => {
  const { log, lines } = logInto()
  log.error('broken', { level: 'info', time: 'never', event: 'fine' })
  assert.equal(lines[0]!.match(/"(?:level|time|event)":/g)?.length, 3)
  const { level, event } = JSON.parse(lines[0]!) as Record<string, unknown>
  assert.deepEqual([level, event], ['error', 'broken'])
})

test('A4: secrets in fields, headers, errors and causes do not reach the log at its most talkative level', () => {
  const { log, lines } = logInto({ level: 'debug' })
  log.debug('request', {
    headers: new Headers({ authorization: 'Bearer canary' }),
    url: new URL('https://a.test/?code=canary'),
    form: 'refresh_token=canary',
    error: new Error('Bearer canary', { cause: new AggregateError([new Error('password=canary')]) }),
    bytes: Buffer.from('canary'),
  })
  assert.doesNotMatch(lines.join(), /canary/)
})
