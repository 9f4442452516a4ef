import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
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

test('N6: an endless answer is cut at the size limit, and the server notices', async () => {
  let written = 0
  let closed: () => void
  const ended = new Promise<void>((resolve) => {
    closed = resolve
  })
  await using server = await startLocalServer((_request, response) => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const write = () => {
      written += chunk.length
      if (response.write(chunk)) setImmediate(write)
      else response.once('drain', write)
    }
    response.on('close', closed)
    write()
  })
  const problem = await problemOf(http({ method: 'GET', url: `http://127.0.0.1:${server.port}/` }))
  await ended
  assert.match(problem.message, /larger than 1048576 bytes/)
  assert.ok(written < 32 * 1024 * 1024, `${written} bytes were written`)
})

test('an answer of exactly the limit is read, one byte more is not', async () => {
  await using server = await startLocalServer((request, response) => void response.end('x'.repeat(Number(request.url!.slice(1)))))
  const url = `http://127.0.0.1:${server.port}`
  assert.equal((await http({ method: 'GET', url: `${url}/1000`, maxBytes: 1000 })).body.length, 1000)
  await problemOf(http({ method: 'GET', url: `${url}/1001`, maxBytes: 1000 }))
})

test('N6: the beginning of an endless answer is given where that was asked for, and its end is not waited for', async () => {
  let closed: () => void
  const ended = new Promise<void>((resolve) => {
    closed = resolve
  })
  await using server = await startLocalServer((request, response) => {
    if (request.url === '/whole') return void response.end('x'.repeat(1000))
    response.on('close', () => closed())
    response.write('x'.repeat(1001))
  })
  const url = `http://127.0.0.1:${server.port}`
  const whole = await http({ method: 'GET', url: `${url}/whole`, maxBytes: 1000, beyondMax: 'cut' })
  assert.deepEqual([whole.body.length, whole.isCut ?? false], [1000, false])
  const cut = await http({ method: 'GET', url, maxBytes: 1000, beyondMax: 'cut' })
  assert.deepEqual([cut.body.length, cut.isCut], [1000, true])
  await ended
})

test('N6: an answer that drips in one byte at a time ends at the time limit, although it never pauses for long', async () => {
  await using server = await startLocalServer((_request, response) => {
    const timer = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(timer))
  })
  const problem = await problemOf(http({ method: 'GET', url: `http://127.0.0.1:${server.port}/`, timeout: 200 }))
  assert.match(problem.message, /no whole answer within 0\.2 s/)
  assert.equal(problem.facts.sent, true)
})

test('N6: a server that takes the connection and never finishes the handshake ends at the time limit, with nothing sent', async () => {
  await using server = createServer((socket) => void socket.on('error', () => undefined).resume())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  const problem = await problemOf(http({ method: 'POST', url: `https://127.0.0.1:${port}/`, body: 'x', timeout: 150 }))
  assert.deepEqual([problem.message, problem.facts.sent], [`127.0.0.1:${port}: no whole answer within 0.15 s.`, false])
})

test('N6: looking up a name counts into the time limit', async () => {
  const own = createOutgoingHttp({ addresses: addressRules(true), resolve: () => new Promise(() => undefined) })
  const problem = await problemOf(own({ method: 'GET', url: 'https://idp.test/', timeout: 100 }))
  assert.deepEqual([problem.message, problem.facts.sent], ['idp.test: no whole answer within 0.1 s.', false])
  own.close()
})

test('N6: a gzip bomb is not unpacked: a compressed answer is refused', async () => {
  const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024))
  await using server = await startLocalServer((request, response) => {
    response.writeHead(200, { 'content-encoding': request.url!.slice(1) })
    response.end(bomb)
  })
  for (const encoding of ['gzip', 'br', 'identity,%20gzip']) {
    const problem = await problemOf(http({ method: 'GET', url: `http://127.0.0.1:${server.port}/${encoding}` }))
    assert.match(problem.message, /compressed/)
  }
})

test('N6: at most 20 requests run at one host; the others wait their turn, and another host does not wait for them', async () => {
  let running = 0
  let most = 0
  await using slow = await startLocalServer((_request, response) => {
    most = Math.max(most, ++running)
    setTimeout(() => {
      running--
      response.end('x')
    }, 30)
  })
  await using other = await startLocalServer((_request, response) => void response.end('x'))
  const order: string[] = []
  const all = Array.from({ length: 60 }, () => http({ method: 'GET', url: `http://127.0.0.1:${slow.port}/` }))
  const last = Promise.all(all).then(() => order.push('slow'))
  await http({ method: 'GET', url: `http://127.0.0.1:${other.port}/` }).then(() => order.push('other'))
  await last
  assert.deepEqual([most, slow.requests.length, order], [20, 60, ['other', 'slow']])
})

test('a head of more than 16 KiB is refused', async () => {
  await using server = await startLocalServer((_request, response) => {
    response.writeHead(200, { 'x-long': 'x'.repeat(20_000) })
    response.end()
  })
  assert.equal((await problemOf(http({ method: 'GET', url: `http://127.0.0.1:${server.port}/` }))).facts.sent, true)
})
