import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startLocalServer, type LocalServer } from './local-server.ts'
import { makeService, type TestService } from './service.ts'

describe('keybearer request', () => {
  let service: TestService
  let server: LocalServer
  let file = ''
  let url = ''
  before(async () => {
    server = await startLocalServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const status = Number(/^\/status\/(\d+)/.exec(request.url!)?.[1] ?? 200)
        if (request.url === '/bytes') return void response.end(Buffer.from([0, 255, 10]))
        const { method, headers } = request
        const told = { method, key: headers['x-api-key'], wish: headers.prefer, type: headers['content-type'], body: Buffer.concat(chunks).toString() }
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(told))
      })
    })
    url = `http://127.0.0.1:${server.port}`
    service = await makeService()
    await service.start()
    file = join(service.folder, 'file')
    writeFileSync(file, 'k-4711-4711\n')
    await service.get('add', 'api', '--kind', 'api_key', '--secret-file', file, '--host', '127.0.0.1')
    writeFileSync(file, '{"a": 1}')
  })
  after(async () => {
    await service.remove()
    await server.close()
  })

  it('prints the body of the answer and nothing else', async () => {
    const { status, stdout, stderr } = await service.cli([
      'request',
      'api',
      `${url}/?x=1`,
      '--key-header',
      'X-Api-Key',
      '--header',
      'Prefer: a=b',
      '--json',
      file,
    ])
    assert.deepEqual([status, stderr], [0, ''])
    assert.deepEqual(JSON.parse(stdout), { method: 'POST', key: '[secret]', wish: 'a=b', type: 'application/json', body: '{"a":1}' })
  })

  it('writes bytes as they came, shows head and whole answer when asked', async () => {
    const output = join(service.folder, 'out')
    assert.equal(await service.get('request', 'api', `${url}/bytes`, '--output', output), '')
    assert.deepEqual([...readFileSync(output)], [0, 255, 10])
    assert.match(await service.get('request', 'api', url, '--include'), /^HTTP 200\n(?:[a-z-]+: .*\n)+\n\{"method":"GET"/)
    const whole = JSON.parse(await service.get('request', 'api', url, '--method', 'PUT', '--file', file, '--whole')) as { status: number; body: string }
    assert.deepEqual([whole.status, (JSON.parse(whole.body) as { body: string }).body], [200, '{"a": 1}'])
  })

  it('tells by its exit code how the server answered, and by which a script may go', async () => {
    for (const [answered, exit] of [
      [204, 0],
      [304, 0],
      [400, 1],
      [401, 6],
      [403, 6],
      [404, 3],
      [429, 75],
      [500, 1],
      [503, 75],
    ]) {
      const { status, stderr } = await service.cli(['request', 'api', `${url}/status/${answered}`])
      assert.deepEqual([status, stderr], [exit, exit === 0 ? '' : `✗ 127.0.0.1:${server.port} answers with status ${answered}.\n`])
    }
    const elsewhere = await service.cli(['request', 'api', 'https://elsewhere.example/'])
    assert.deepEqual([elsewhere.status, elsewhere.stdout], [6, ''])
    assert.match(elsewhere.stderr, /may not be sent to elsewhere\.example/)
    assert.equal((await service.cli(['request', 'api', url, '--json', file, '--text', file])).status, 2)
  })
})
