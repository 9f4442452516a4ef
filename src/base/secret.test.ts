import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { liveSecrets, Secret } from './secret.ts'

const text = 'canary-4711-do-not-show'

test('prints [secret] in templates, JSON, inspect, format and errors, and never the text', () => {
  const secret = new Secret(text)
  const shown = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: [secret] }, { showHidden: true, depth: 9 }),
    inspect(secret, { customInspect: false, showHidden: true }),
    format('%s %o %O %j', secret, secret, secret, secret),
    new Error(`failed with ${secret}`).message,
    JSON.stringify(Object.entries(secret)),
    JSON.stringify(structuredClone({ ...secret })),
  ]
  for (const line of shown) assert.ok(!line.includes(text), line)
  assert.equal(`${secret}`, '[secret]')
  assert.equal(JSON.stringify({ secret }), '{"secret":"[secret]"}')
  assert.equal(inspect(secret), '[secret]')
})

test('reveals the text to whoever asks for it, and its length', () => {
  assert.equal(new Secret(text).reveal(), text)
  assert.equal(new Secret(text).length, text.length)
})

test('compares texts of any length', () => {
  assert.ok(new Secret(text).equals(new Secret(text)))
  assert.ok(!new Secret(text).equals(new Secret(`${text} `)))
  assert.ok(!new Secret('').equals(new Secret(text)))
  assert.ok(new Secret('').equals(new Secret('')))
})

test('knows the secrets that are alive, and forgets those that nobody holds any more', async () => {
  const kept = new Secret('canary-that-is-kept')
  const drop = () => void new Secret('canary-that-is-dropped')
  drop()
  assert.ok([...liveSecrets()].includes('canary-that-is-kept'))
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 20 && [...liveSecrets()].includes('canary-that-is-dropped'); round++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  assert.ok(![...liveSecrets()].includes('canary-that-is-dropped'))
  assert.equal(kept.reveal(), 'canary-that-is-kept')
})
