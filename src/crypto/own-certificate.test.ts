import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeOwnCertificate } from './own-certificate.ts'

const day = 86_400_000
const now = Date.UTC(2026, 10, 26, 3, 4, 5)

test('a certificate of our own is one of a server with these names, and of nobody else', () => {
  const names = ['mail.example.org', 'localhost', '127.0.0.1', '::1', '2001:db8::a:0:1', '::ffff:192.0.2.1']
  const { certificate, key } = makeOwnCertificate({ names, from: now, until: now + 100 * day })
  const read = new X509Certificate(certificate)
  assert.equal(read.ca, false)
  assert.equal(read.subject, 'CN=mail.example.org')
  assert.ok(read.checkIssued(read) && read.verify(read.publicKey))
  assert.ok(read.checkPrivateKey(createPrivateKey(key)))
  for (const host of ['mail.example.org', 'localhost']) assert.equal(read.checkHost(host), host)
  for (const address of ['127.0.0.1', '::1', '2001:db8::a:0:1', '::ffff:c000:201']) assert.equal(read.checkIP(address), address)
  assert.equal(read.checkHost('other.example.org'), undefined)
  assert.equal(read.checkIP('192.0.2.2'), undefined)
  assert.deepEqual([Date.parse(read.validFrom), Date.parse(read.validTo)], [now, now + 100 * day])
  assert.equal(Date.parse(new X509Certificate(makeOwnCertificate({ names, from: now, until: Date.UTC(2051, 0, 1) }).certificate).validTo), Date.UTC(2051, 0, 1))
})

test('a strict check finds nothing wrong with it, where it is the one that is trusted', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-certificate-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'own.pem')
  const other = join(folder, 'other.pem')
  const make = (at: string) =>
    writeFileSync(at, makeOwnCertificate({ names: ['mail.example.org'], from: Date.now() - day, until: Date.now() + day }).certificate)
  make(file)
  make(other)
  const verify = (trusted: string) =>
    execFileSync('openssl', ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'mail.example.org', '-CAfile', trusted, file], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
  assert.match(verify(file), /: OK$/m)
  assert.throws(() => verify(other))
})
