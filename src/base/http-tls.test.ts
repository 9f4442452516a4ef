import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, test } from 'node:test'
import { connect, type SecureContextOptions } from 'node:tls'
import { makeCertificate, type Certificate } from '../../test/certificates.ts'
import { startLocalServer } from '../../test/local-server.ts'
import { addressRules } from './addresses.ts'
import { createOutgoingHttp } from './http.ts'
import { isProblem, type Problem } from './problem.ts'

const authority = makeCertificate({ subject: 'Test authority' })
const resolve = () => Promise.resolve(['127.0.0.1'])
const http = createOutgoingHttp({ addresses: addressRules(true), ca: authority.cert, resolve })
after(() => http.close())

function issue(names: string[], options: { issuer?: Certificate; from?: number; until?: number } = {}): { cert: string; key: string } {
  const { cert, key } = makeCertificate({ subject: names[0]!, issuer: authority, names, ...options })
  return { cert, key }
}

async function callServer(
  tls: Pick<Certificate, 'cert' | 'key'> & SecureContextOptions,
  url = 'https://idp.test',
  client = http,
): Promise<{ status: number } | Problem> {
  await using server = await startLocalServer((_request, response) => void response.end('ok'), { tls })
  try {
    return await client({ method: 'POST', url: `${url}:${server.port}/token`, body: 'x' })
  } catch (error) {
    assert.ok(isProblem(error, 'outgoing_failed'), String(error))
    assert.deepEqual(server.requests, [])
    return error
  } finally {
    await server.close()
  }
}

test('a certificate of an authority that was added is trusted, beside the usual ones', async () => {
  assert.equal((await callServer(issue(['idp.test']))).status, 200)
  assert.equal((await callServer(issue(['127.0.0.1']), 'https://127.0.0.1')).status, 200)
})

test('a certificate for an IPv6 address is accepted for this address', async () => {
  await using server = await startLocalServer((_request, response) => void response.end('ok'), { tls: issue(['::1']), host: '::1' })
  assert.equal((await http({ method: 'GET', url: `https://[::1]:${server.port}/` })).status, 200)
})

const stranger = makeCertificate({ subject: 'Stranger' })
for (const [what, certificate, reason] of [
  ['a self-signed certificate', { cert: stranger.cert, key: stranger.key }, /self-signed/],
  ['a certificate of an unknown authority', issue(['idp.test'], { issuer: stranger }), /unknown authority/],
  ['an expired certificate', issue(['idp.test'], { from: Date.UTC(2020), until: Date.UTC(2021) }), /has expired/],
  ['a certificate that is not valid yet', issue(['idp.test'], { from: Date.UTC(2048), until: Date.UTC(2049) }), /CERT_NOT_YET_VALID/],
  ['a certificate for another name', issue(['other.test']), /another name/],
  ['a certificate for a name that only begins alike', issue(['idp.test.evil.test']), /another name/],
] as const) {
  test(`N1: ${what} is refused before anything of the request is sent`, async () => {
    const problem = await callServer(certificate)
    assert.ok(isProblem(problem))
    assert.match(problem.message, reason)
    assert.equal(problem.facts.sent, false)
  })
}

test('N1: a server that speaks only TLS 1.1 is refused', async () => {
  const old = { ...issue(['idp.test']), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const
  await using server = await startLocalServer((_request, response) => void response.end('ok'), { tls: old })
  const willing = connect({
    port: server.port,
    host: '127.0.0.1',
    servername: 'idp.test',
    ca: authority.cert,
    minVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  })
  await once(willing, 'secureConnect')
  assert.equal(willing.getProtocol(), 'TLSv1.1')
  willing.destroy()
  await server.close()
  const problem = await callServer(old)
  assert.ok(isProblem(problem))
  assert.match(problem.message, /TLS handshake failed/)
  assert.equal(problem.facts.sent, false)
})

test('a server that answers plain text to the TLS handshake is refused, and nothing was sent', async () => {
  await using server = createServer(
    (socket) =>
      void socket
        .on('error', () => undefined)
        .resume()
        .end('HTTP/1.1 200 OK\r\n\r\n'),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  const error = await http({ method: 'POST', url: `https://idp.test:${port}/`, body: 'x' }).catch((reason: unknown) => reason)
  assert.ok(isProblem(error, 'outgoing_failed'))
  assert.equal(error.facts.sent, false)
})

test('N1: NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch the check of certificates off', async () => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  try {
    const own = createOutgoingHttp({ addresses: addressRules(true), resolve })
    assert.ok(isProblem(await callServer(issue(['idp.test'], { issuer: stranger }), 'https://idp.test', own)))
    own.close()
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  }
})
