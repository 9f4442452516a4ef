import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeCertificate } from '../../test/certificates.ts'
import { readSettings } from '../config.ts'
import { relayChecks } from './open-relay.ts'

const now = Date.now()
const day = 86_400_000
const settingsOf = (environment: Record<string, string>) => readSettings({ HOME: '/nowhere', ...environment }).settings

test('the doctor speaks of ports for TLS 1.0, and of nothing where the relay is off or well', () => {
  assert.deepEqual(relayChecks(settingsOf({}), now), [])
  assert.deepEqual(relayChecks(settingsOf({ KEYBEARER_RELAY_PORT: '587', KEYBEARER_RELAY_TLS_PORT: '465' }), now), [])
  const [check, ...others] = relayChecks(settingsOf({ KEYBEARER_RELAY_OLD_PORT: '2587', KEYBEARER_RELAY_OLD_TLS_PORT: '2465' }), now)
  assert.equal(check?.outcome, 'warning')
  assert.match(check?.message ?? '', /TLS 1\.0 and 1\.1 at port 2587 and 2465/)
  assert.deepEqual(others, [])
})

test('the doctor warns before the certificate of the relay ends', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-open-relay-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'relay.pem')
  const settings = settingsOf({ KEYBEARER_RELAY_TLS_PORT: '465', KEYBEARER_RELAY_CERTIFICATE_FILE: file, KEYBEARER_RELAY_KEY_FILE: file })
  const outcomeAt = (time: number) => relayChecks(settings, time).map((check) => check.outcome)
  assert.deepEqual(outcomeAt(now), ['failed'])
  writeFileSync(file, makeCertificate({ subject: 'relay', until: now + 30 * day }).cert)
  assert.deepEqual(outcomeAt(now), [])
  assert.deepEqual(outcomeAt(now + 17 * day), ['warning'])
  assert.deepEqual(outcomeAt(now + 31 * day), ['failed'])
})
