import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsTable } from '../config.ts'
import { childEnvironment, secretVariables } from './child-environment.ts'

test('K12: a program that is started from the command line gets no secret of Keybearer in its environment', () => {
  const secret = Object.entries(settingsTable).flatMap(([name, row]) => ('secret' in row && row.secret ? [name] : []))
  assert.deepEqual([...secretVariables].sort(), secret.sort(), 'every setting that is secret is known')
  const environment = Object.fromEntries(secret.flatMap((name) => [name, `${name}_FILE`]).map((name) => [name, 'CANARY']))
  assert.deepEqual(childEnvironment({ ...environment, PATH: '/bin', KEYBEARER_URL: 'http://127.0.0.1:7420' }), {
    PATH: '/bin',
    KEYBEARER_URL: 'http://127.0.0.1:7420',
  })
})
