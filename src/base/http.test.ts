import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startLocalServer } from '../../test/local-server.ts'
import { addressRules } from './addresses.ts'
import { createOutgoingHttp } from './http.ts'
import { isProblem, type Problem } from './problem.ts'

const http = createOutgoingHttp({ addresses: addressRules(true) })
after(() => http.close())

async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(isProblem(error, 'outgoing_failed'), String(error))
  return error
}

test('sends method, headers and body, and returns status, headers and body', async () => {
  await using server = await startLocalServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    response.writeHead(418, { 'X-One': 'a', 'Set-Cookie': ['b=1', 'c=2'] })
    response.end(JSON.stringify({ headers: request.headers, body: Buffer.concat(chunks).toString() }))
  })
  const answer = await http({ method: 'POST', url: `http://127.0.0.1:${server.port}/token?a=1`, headers: { 'content-type': 'text/plain' }, body: 'größe' })
  const { headers, body } = JSON.parse(Buffer.from(answer.body).toString()) as { headers: Record<string, string>; body: string }
  assert.deepEqual([answer.status, answer.headers['x-one'], answer.headers['set-cookie']], [418, 'a', 'b=1, c=2'])
  assert.deepEqual([body, headers['content-type'], headers['content-length'], headers['accept-encoding']], ['größe', 'text/plain', '7', 'identity'])
  assert.deepEqual(server.requests, ['POST /token?a=1'])
})

test('keeps a connection for the next request, and lets go of it when closed', async () => {
  const own = createOutgoingHttp({ addresses: addressRules(true) })
  const ports = new Set<number>()
  await using server = await startLocalServer((request, response) => {
    ports.add(request.socket.remotePort!)
    response.end('x')
  })
  for (let i = 0; i < 3; i++) await own({ method: 'GET', url: `http://127.0.0.1:${server.port}/` })
  assert.equal(ports.size, 1)
  assert.equal(server.connections(), 1)
  own.close()
  for (let i = 0; i < 100 && server.connections() > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(server.connections(), 0)
})

test('keeps the connections of a burst for the next one', async () => {
  const own = createOutgoingHttp({ addresses: addressRules(true) })
  const ports = new Set<number>()
  let here = 0
  let release = () => {}
  await using server = await startLocalServer(async (request, response) => {
    ports.add(request.socket.remotePort!)
    here += 1
    const all = here === 20 ? Promise.resolve() : new Promise<void>((done) => (release = joined(release, done)))
    if (here === 20) release()
    await all
    response.end('x')
  })
  for (let round = 0; round < 3; round++) {
    here = 0
    release = () => {}
    await Promise.all(Array.from({ length: 20 }, () => own({ method: 'GET', url: `http://127.0.0.1:${server.port}/` })))
  }
  assert.equal(ports.size, 20)
  own.close()
})

const joined = (one: () => void, other: () => void) => () => {
  one()
  other()
}

test('N2: a redirect is returned and never followed, neither to the same host nor to another', async () => {
  await using other = await startLocalServer((_request, response) => void response.end('reached'))
  await using server = await startLocalServer((request, response) => {
    const { searchParams } = new URL(request.url!, 'http://x')
    response.writeHead(Number(searchParams.get('status')), { location: searchParams.get('to')! })
    response.end('moved')
  })
  for (const status of [301, 302, 303, 307, 308]) {
    for (const to of [`http://127.0.0.1:${other.port}/stolen`, `http://localhost:${other.port}/stolen`, '/same']) {
      for (const method of ['GET', 'POST'] as const) {
        const url = `http://127.0.0.1:${server.port}/?status=${status}&to=${encodeURIComponent(to)}`
        const answer = await http({ method, url, headers: { authorization: 'Bearer x' }, ...(method === 'POST' ? { body: 'refresh_token=x' } : {}) })
        assert.deepEqual([answer.status, answer.headers.location, Buffer.from(answer.body).toString()], [status, to, 'moved'])
      }
    }
  }
  assert.deepEqual(other.requests, [])
  assert.equal(server.requests.length, 30)
  assert.ok(server.requests.every((line) => line.includes('/?status=')))
})

test('says that nothing was sent when the name does not resolve or the connection is refused', async () => {
  await using server = await startLocalServer(() => undefined)
  const { port } = server
  await server.close()
  const refused = await problemOf(http({ method: 'POST', url: `http://127.0.0.1:${port}/token`, body: 'x' }))
  assert.deepEqual([refused.message, refused.facts.sent], [`127.0.0.1:${port}: the connection was refused.`, false])

  const unknown = createOutgoingHttp({ addresses: addressRules(true), resolve: () => Promise.reject(new Error('ENOTFOUND')) })
  const unresolved = await problemOf(unknown({ method: 'GET', url: 'https://idp.test/token' }))
  assert.deepEqual([unresolved.message, unresolved.facts.sent], ['idp.test cannot be resolved.', false])
  const empty = createOutgoingHttp({ addresses: addressRules(true), resolve: () => Promise.resolve([]) })
  assert.equal((await problemOf(empty({ method: 'GET', url: 'https://idp.test/token' }))).facts.sent, false)
})

test('says that something was sent when the connection is cut after it, or in the middle of the answer', async () => {
  await using server = await startLocalServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/before') return void request.socket.destroy()
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => request.socket.destroy())
    })
  })
  for (const path of ['/before', '/amid']) {
    const problem = await problemOf(http({ method: 'POST', url: `http://127.0.0.1:${server.port}${path}`, body: 'x' }))
    assert.equal(problem.facts.sent, true, path)
  }
})

test('says that something was sent when a kept connection is cut', async () => {
  await using server = await startLocalServer((request, response) => {
    if (request.url === '/cut') request.resume().on('end', () => request.socket.destroy())
    else response.end('x')
  })
  const url = `http://127.0.0.1:${server.port}`
  await http({ method: 'GET', url })
  assert.equal((await problemOf(http({ method: 'POST', url: `${url}/cut`, body: 'x' }))).facts.sent, true)
})

test('says that something was sent when a request waited for a used connection that is then cut', async () => {
  const held: (() => void)[] = []
  await using server = await startLocalServer((request, response) => {
    if (request.url === '/cut') request.resume().on('end', () => request.socket.destroy())
    else held.push(() => response.end('x'))
  })
  const url = `http://127.0.0.1:${server.port}`
  const first = Array.from({ length: 20 }, () => http({ method: 'GET', url }))
  const waiting = problemOf(http({ method: 'POST', url: `${url}/cut`, body: 'x' }))
  while (held.length < 20) await new Promise((resolve) => setTimeout(resolve, 5))
  held.shift()!()
  assert.equal((await waiting).facts.sent, true)
  for (const release of held) release()
  await Promise.all(first)
})

test('a header that cannot be sent is a problem that does not show it', async () => {
  const problem = await problemOf(http({ method: 'GET', url: 'http://127.0.0.1:9/', headers: { authorization: 'Bearer canary\r\nX: y' } }))
  assert.equal(problem.facts.sent, false)
  assert.doesNotMatch(problem.message, /canary/)
})

test('a request whose signal is aborted already is not sent', async () => {
  await using server = await startLocalServer((_request, response) => void response.end('x'))
  const problem = await problemOf(http({ method: 'GET', url: `http://127.0.0.1:${server.port}/`, signal: AbortSignal.abort() }))
  assert.deepEqual([problem.facts.sent, server.requests], [false, []])
})

test('a connection that is used many times gathers no listeners', async () => {
  const warnings: Error[] = []
  const hear = (warning: Error) => void warnings.push(warning)
  process.on('warning', hear)
  await using server = await startLocalServer((_request, response) => void response.end('x'))
  for (let i = 0; i < 20; i++) await http({ method: 'GET', url: `http://127.0.0.1:${server.port}/` })
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', hear)
  assert.deepEqual(warnings, [])
})

test('stops when the signal is aborted', async () => {
  const stop = new AbortController()
  await using server = await startLocalServer(() => stop.abort())
  const problem = await problemOf(http({ method: 'GET', url: `http://127.0.0.1:${server.port}/`, signal: stop.signal }))
  assert.match(problem.message, /^127\.0\.0\.1:\d+: the request was cancelled\.$/)
})

test('A4: the text of a failure names the host and the reason, never path, query, body or headers', async () => {
  await using server = await startLocalServer((request) => void request.socket.destroy())
  for (const url of [
    `http://127.0.0.1:${server.port}/canary-path?token=canary-query`,
    'http://127.0.0.1:1/canary-path?token=canary-query',
    'http://10.0.0.1/canary-path',
    'https://canary-user:canary-password@idp.test/',
  ]) {
    const error = await http({ method: 'POST', url, body: 'canary-body', headers: { authorization: 'Bearer canary-header' } }).catch(
      (reason: unknown) => reason as Problem,
    )
    assert.ok(isProblem(error))
    assert.doesNotMatch(`${error.message} ${JSON.stringify(error.facts)} ${error.nextStep}`, /canary/, url)
  }
})
