import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { makeCertificate } from '../../test/certificates.ts'
import { startLocalServer } from '../../test/local-server.ts'
import { addressRules, isLoopback, isPrivateAddress } from './addresses.ts'
import { createOutgoingHttp } from './http.ts'
import { isProblem } from './problem.ts'

const unwanted = [
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:a9fe:a9fe',
  '64:ff9b::10.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:a00:1::',
  '2002:7f00:1::',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%lo',
  'fec0::1',
  'ff02::1',
]

test('N3: private, loopback, link-local, metadata, multicast and reserved addresses are private, in every form that leads to them', () => {
  for (const address of unwanted) assert.ok(isPrivateAddress(address), address)
  for (const text of ['', 'localhost', '127.1', '0x7f.1', '2130706433', '1.2.3.4.5']) assert.ok(isPrivateAddress(text), text)
})

test('public addresses are not private', () => {
  for (const address of [
    '8.8.8.8',
    '1.1.1.1',
    '40.126.31.1',
    '142.250.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.255.255',
    '192.169.0.1',
    '2606:4700::1111',
    '2a00:1450::1',
    '2603:1026::1',
  ]) {
    assert.ok(!isPrivateAddress(address), address)
    assert.ok(addressRules([]).mayConnect('idp.test', address, 443), address)
  }
})

test('an allowed IPv6 network allows no IPv4 address', () => {
  for (const network of ['::/0', 'fd00::/8']) assert.ok(!addressRules([network]).mayConnect('idp.test', '10.0.0.1', 443), network)
})

test('N3: an allow list allows its networks, addresses, hosts and host:port pairs, and nothing beside', () => {
  const rules = addressRules(['10.1.0.0/16', 'fd00:1::/32', '192.168.1.7', 'Mail.Test', 'idp.test:8443', '127.0.0.1:9000'])
  for (const [host, address, port] of [
    ['a.test', '10.1.2.3', 443],
    ['a.test', 'fd00:1::5', 443],
    ['a.test', '192.168.1.7', 443],
    ['mail.test', '192.168.9.9', 25],
    ['MAIL.test', '10.9.9.9', 25],
    ['idp.test', '127.0.0.1', 8443],
    ['127.0.0.1', '127.0.0.1', 9000],
    ['a.test', '::ffff:10.1.2.3', 443],
  ] as const)
    assert.ok(rules.mayConnect(host, address, port), `${host} ${address}:${port}`)
  for (const [host, address, port] of [
    ['a.test', '10.2.0.1', 443],
    ['a.test', 'fd00:2::5', 443],
    ['a.test', '192.168.1.8', 443],
    ['x.mail.test', '192.168.9.9', 25],
    ['idp.test', '127.0.0.1', 443],
    ['127.0.0.1', '127.0.0.1', 9001],
    ['a.test', '169.254.169.254', 80],
  ] as const)
    assert.ok(!rules.mayConnect(host, address, port), `${host} ${address}:${port}`)
})

test('plain http is for loopback that is allowed, and for nothing else', () => {
  assert.ok(addressRules(true).allowsPlain('127.0.0.1') && addressRules(true).allowsPlain('localhost') && addressRules(true).allowsPlain('::1'))
  assert.ok(
    !addressRules(true).allowsPlain('10.0.0.1') && !addressRules(true).allowsPlain('idp.test') && !addressRules(true).allowsPlain('localhost.evil.test'),
  )
  assert.ok(!addressRules([]).allowsPlain('127.0.0.1'))
  assert.ok(addressRules(['127.0.0.0/8']).allowsPlain('127.0.0.1') && addressRules(['localhost:8080']).allowsPlain('localhost'))
  assert.ok(!addressRules(['idp.test']).allowsPlain('idp.test'))
  assert.ok(isLoopback('LOCALHOST') && !isLoopback('127.0.0.1.evil.test'))
})

test('N3: an address a person enters is refused before a name is looked up or a connection made, however it is written', async () => {
  await using server = await startLocalServer((_request, response) => void response.end('reached'))
  let lookups = 0
  const http = createOutgoingHttp({
    addresses: addressRules([]),
    resolve: () => {
      lookups++
      return Promise.resolve(['127.0.0.1'])
    },
  })
  const hosts = [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '0177.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[fe80::1]',
    '１２７.０.０.１',
    '127。0。0。1',
    '169.254.169.254',
    '[fd00:ec2::254]',
    '10.0.0.1',
    '127.0.0.1.',
    'idp.test.',
    'user@idp.test',
    'user:pass@127.0.0.1',
  ]
  for (const host of hosts) {
    const error = await http({ method: 'GET', url: `https://${host}:${server.port}/` }).catch((reason: unknown) => reason)
    assert.ok(isProblem(error, 'address_not_allowed'), host)
    assert.equal(error.facts.sent, false)
  }
  for (const url of [
    'http://8.8.8.8/',
    'http://idp.test/',
    'http://127.0.0.1/',
    'ftp://idp.test/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:,x',
    '//idp.test',
    'idp.test',
    '',
  ]) {
    const error = await http({ method: 'GET', url }).catch((reason: unknown) => reason)
    assert.ok(isProblem(error, 'address_not_allowed'), url)
  }
  assert.equal(lookups, 0)
  for (const host of ['localhost', 'LOCALHOST', 'printer.test', 'Ｐrinter.test', 'xn--mnchen-3ya.test', 'münchen.test']) {
    const error = await http({ method: 'GET', url: `https://${host}:${server.port}/` }).catch((reason: unknown) => reason)
    assert.ok(isProblem(error, 'address_not_allowed'), host)
  }
  assert.equal(lookups, 6)
  assert.deepEqual([server.requests, server.connections()], [[], 0])
  http.close()
})

test('N3: a name with a public and a private address is refused', async () => {
  for (const addresses of [
    ['2606:4700::1111', '127.0.0.1'],
    ['127.0.0.1', '2606:4700::1111'],
    ['2606:4700::1111', '::ffff:127.0.0.1'],
  ]) {
    const http = createOutgoingHttp({ addresses: addressRules([]), resolve: () => Promise.resolve(addresses) })
    const error = await http({ method: 'GET', url: 'https://idp.test/' }).catch((reason: unknown) => reason)
    assert.ok(isProblem(error, 'address_not_allowed'), addresses.join())
    http.close()
  }
})

test('N3: a name is looked up once, and the address that was checked is the one connected to', async () => {
  const authority = makeCertificate({ subject: 'Test authority' })
  const { cert, key } = makeCertificate({ subject: 'rebind.test', issuer: authority, names: ['rebind.test'] })
  await using server = await startLocalServer((request, response) => void response.end(request.headers.host), { tls: { cert, key } })
  const answers = [['127.0.0.1'], ['10.0.0.1']]
  let lookups = 0
  const http = createOutgoingHttp({ addresses: addressRules(['127.0.0.1']), ca: authority.cert, resolve: () => Promise.resolve(answers[lookups++]!) })
  const url = `https://rebind.test:${server.port}/`
  const answer = await http({ method: 'GET', url })
  assert.deepEqual([answer.status, Buffer.from(answer.body).toString(), lookups], [200, `rebind.test:${server.port}`, 1])
  const error = await http({ method: 'GET', url }).catch((reason: unknown) => reason)
  assert.ok(isProblem(error, 'address_not_allowed'), 'the second request is checked anew, although a connection is open')
  assert.equal(server.requests.length, 1)
  http.close()
})

test('N3: proxies of the environment are not used', async () => {
  await using proxy = await startLocalServer((_request, response) => void response.end('proxy'))
  await using server = await startLocalServer((_request, response) => void response.end('direct'))
  const script = `
    import { addressRules } from ${JSON.stringify(import.meta.resolve('./addresses.ts'))}
    import { createOutgoingHttp } from ${JSON.stringify(import.meta.resolve('./http.ts'))}
    const http = createOutgoingHttp({ addresses: addressRules(true) })
    const answer = await http({ method: 'GET', url: 'http://127.0.0.1:${server.port}/' })
    console.log(Buffer.from(answer.body).toString())
    http.close()`
  const address = `http://127.0.0.1:${proxy.port}`
  const env = {
    ...process.env,
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: address,
    HTTPS_PROXY: address,
    http_proxy: address,
    https_proxy: address,
    ALL_PROXY: address,
    NO_PROXY: '',
  }
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.deepEqual([output.trim(), proxy.requests, server.requests], ['direct', [], ['GET /']])
})
