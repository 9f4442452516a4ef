import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createLog } from '../base/log.ts'
import { makeCertificate } from '../../test/certificates.ts'
import { ownCertificate } from './relay-certificate.ts'

const day = 86_400_000
const now = Date.now()

function bedOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-relay-certificate-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const lines: string[] = []
  const log = createLog({ level: 'info', output: { write: (line: string) => void lines.push(line) } })
  const make = (change: { name?: string | null; now?: number; machine?: string } = {}) =>
    ownCertificate({ folder, name: null, machine: 'relay-host', now, log, ...change })
  const text = () => readFileSync(join(folder, 'relay.pem'), 'utf8')
  return { folder, make, text, lines }
}

test('the relay makes its certificate once and keeps it, whatever the machine is called later', (t) => {
  const { make, text, lines, folder } = bedOf(t)
  const files = make()
  assert.deepEqual(files, { certificateFile: join(folder, 'relay.pem'), keyFile: join(folder, 'relay.key') })
  assert.equal(statSync(files.keyFile).mode & 0o777, 0o600)
  const first = text()
  const read = new X509Certificate(first)
  for (const name of ['relay-host', 'localhost']) assert.equal(read.checkHost(name), name)
  make({ machine: 'another-container' })
  make({ name: 'relay-host' })
  make({ now: now + 3000 * day })
  assert.equal(text(), first)
  assert.equal(lines.filter((line) => line.includes('relay.certificate_made')).length, 1)
})

test('it makes a new one when the old one ends soon, lacks the name that was set, or has lost its key', (t) => {
  const { make, text, folder } = bedOf(t)
  make()
  const seen = new Set([text()])
  make({ name: 'mail.example.org' })
  seen.add(text())
  assert.equal(new X509Certificate(text()).checkHost('mail.example.org'), 'mail.example.org')
  make({ name: 'mail.example.org', now: now + 3640 * day })
  seen.add(text())
  rmSync(join(folder, 'relay.key'))
  make({ name: 'mail.example.org', now: now + 3640 * day })
  seen.add(text())
  // As a crash between the two files leaves it.
  writeFileSync(join(folder, 'relay.key'), makeCertificate({ subject: 'x' }).key)
  make({ name: 'mail.example.org', now: now + 3640 * day })
  seen.add(text())
  assert.equal(seen.size, 5)
})

test('a certificate that somebody else has issued is never written over', (t) => {
  const { make, text, folder } = bedOf(t)
  const issuer = makeCertificate({ subject: 'Authority' })
  const { cert } = makeCertificate({ subject: 'relay', issuer, names: ['relay'], until: now + day })
  writeFileSync(join(folder, 'relay.pem'), cert)
  make({ name: 'mail.example.org' })
  assert.equal(text(), cert)
  writeFileSync(join(folder, 'relay.pem'), 'what a person is just writing')
  make()
  assert.equal(text(), 'what a person is just writing')
})
