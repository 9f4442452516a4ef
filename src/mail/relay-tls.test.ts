import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { createTransport } from 'nodemailer'
import { makeCertificate } from '../../test/certificates.ts'
import { until } from '../../test/mail-world.ts'
import { accepted, hand, plain, relayBedOf, report } from '../../test/relay-world.ts'
import { openRaw } from '../../test/smtp-client.ts'
import { makeOwnCertificate } from '../crypto/own-certificate.ts'

/** What an old printer speaks, at most. */
const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'AES128-SHA:@SECLEVEL=0' } as const

describe('the relay and TLS', () => {
  it('on loopback offers a login without TLS, elsewhere only with TLS; a client may use XOAUTH2 and LOGIN too', async (t) => {
    const tls = certificateFiles(t)
    const bed = await relayBedOf(t, { relay: { host: '0.0.0.0', tlsPort: 0, tls: tls.files } })
    const [starttls, implicit] = bed.addresses
    for (const [port, secure] of [
      [starttls!.port, false],
      [implicit!.port, true],
    ] as const) {
      for (const auth of [
        { method: 'PLAIN', user: 'any', pass: bed.key },
        { method: 'LOGIN', user: 'any', pass: bed.key },
        { type: 'OAuth2' as const, user: 'any', accessToken: bed.key },
      ]) {
        const transport = createTransport({ host: '127.0.0.1', port, secure, requireTLS: true, tls: { ca: tls.ca, servername: 'localhost' }, auth })
        const info = await transport.sendMail({ from: 'anna@example.org', to: 'bob@example.net', subject: 's', text: 't' })
        assert.match(info.response, /^250 2\.6\.0/)
        transport.close()
      }
    }
    const outside = ownAddress()
    const far = await openRaw(starttls!.port, { host: outside, from: outside })
    assert.doesNotMatch(await far.say('EHLO a'), /AUTH/)
    assert.match(await far.say(plain(bed.key)), /^500/)
    assert.match(await far.say('MAIL FROM:<anna@example.org>'), /^530 5\.7\.0 Encrypt first/)
    assert.match(await far.say('STARTTLS'), /^220/)
    await far.startTls(tls.ca)
    assert.match(await far.say('EHLO a'), /AUTH PLAIN LOGIN XOAUTH2/)
    assert.match(await far.say(plain(bed.key)), /^235/)
    far.close()
  })

  it('uses a new certificate as soon as its files have changed, and the old one while they do not fit', async (t) => {
    const tls = certificateFiles(t)
    const bed = await relayBedOf(t, { relay: { port: null, tlsPort: 0, tls: tls.files, lookEvery: 20 } })
    ;(await openRaw(bed.port, { ca: tls.ca })).close()
    writeFileSync(tls.files.certificateFile, 'half of it')
    await until('the half file was seen', () => bed.world.log.some((line) => line.includes('relay.certificate_not_loaded')))
    ;(await openRaw(bed.port, { ca: tls.ca })).close()
    const renewed = tls.write()
    await until('the new one is used', async () => {
      const client = await Promise.race([openRaw(bed.port, { ca: renewed }), new Promise<null>((resolve) => setTimeout(() => resolve(null), 200))])
      client?.close()
      return client !== null
    })
  })

  it('speaks TLS 1.0 at the ports for old devices, and at no other', async (t) => {
    const { ca, files } = ownFiles(t)
    const bed = await relayBedOf(t, { relay: { tlsPort: 0, oldPort: 0, oldTlsPort: 0, tls: files } })
    assert.deepEqual(
      bed.addresses.map((one) => [one.tls, one.takesOldTls]),
      [
        ['starttls', false],
        ['implicit', false],
        ['starttls', true],
        ['implicit', true],
      ],
    )
    const open = async (at: (typeof bed.addresses)[number], tls: object) => {
      if (at.tls === 'implicit') return await openRaw(at.port, { ca, tls })
      const client = await openRaw(at.port)
      await client.say('EHLO printer')
      assert.match(await client.say('STARTTLS'), /^220/)
      await client.startTls(ca, tls)
      return client
    }
    for (const at of bed.addresses) {
      const modern = await open(at, {})
      assert.equal(modern.protocol(), 'TLSv1.3')
      modern.close()
      if (!at.takesOldTls) {
        for (const version of ['TLSv1', 'TLSv1.1'] as const) {
          const tls = { ...old, minVersion: version, maxVersion: version }
          const refused = at.tls === 'implicit' ? handshake(at.port, ca, tls) : open(at, tls)
          await assert.rejects(refused, /alert|version|closed|reset/i, `${at.tls} ${version}`)
        }
        continue
      }
      const printer = await open(at, old)
      assert.equal(printer.protocol(), 'TLSv1')
      await printer.say('EHLO printer')
      assert.match(await printer.say(plain(bed.key)), /^235/)
      accepted(await hand(printer, ['bob@example.net'], report))
      printer.close()
    }
    const warnings = bed.world.log.filter((line) => line.includes('relay.old_tls'))
    assert.equal(warnings.length, 2)
    assert.ok(warnings.every((line) => line.includes('"level":"warn"')))
  })
})

/** The certificate that the relay makes itself. */
function ownFiles(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-relay-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { certificate, key } = makeOwnCertificate({ names: ['localhost', '127.0.0.1'], from: Date.now() - 1000, until: Date.now() + 86_400_000 })
  const files = { certificateFile: join(folder, 'relay.pem'), keyFile: join(folder, 'relay.key') }
  writeFileSync(files.certificateFile, certificate)
  writeFileSync(files.keyFile, key)
  return { ca: certificate, files }
}

/** Resolves when TLS is agreed on, and rejects with what the other side says against it. */
const handshake = (port: number, ca: string, tls: ConnectionOptions) =>
  new Promise<void>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost', ...tls }, () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })

function certificateFiles(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-relay-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const files = { certificateFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  const write = () => {
    const authority = makeCertificate({ subject: 'Test authority' })
    const server = makeCertificate({ subject: 'localhost', issuer: authority, names: ['localhost', '127.0.0.1'] })
    writeFileSync(files.certificateFile, server.cert)
    writeFileSync(files.keyFile, server.key)
    return authority.cert
  }
  return { files, ca: write(), write }
}

/** An address of this machine that is not loopback. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find((one) => one.family === 'IPv4' && !one.internal)
  assert.ok(found, 'this machine has no address but loopback')
  return found.address
}
