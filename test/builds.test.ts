import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { makeService, runCommand } from './service.ts'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)

describe('what is built and what it does unasked', () => {
  it('P5: two builds of the same sources are the same, byte for byte', { timeout: 300_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keybearer-builds-'))
    try {
      const build = async (name: string) => {
        const bin = (program: string) => join(root, 'node_modules/.bin', program)
        await run(bin('tsc'), ['-p', 'tsconfig.build.json', '--outDir', join(folder, name, 'dist')], { cwd: root })
        await run(bin('tsc'), ['-p', 'client/tsconfig.build.json', '--outDir', join(folder, name, 'client')], { cwd: root })
        await run(bin('vite'), ['build', '--outDir', join(folder, name, 'ui'), '--logLevel', 'error'], { cwd: join(root, 'ui') })
        return new Map(
          globSync('**/*.*', { cwd: join(folder, name) })
            .sort()
            .map((path) => [
              path,
              createHash('sha256')
                .update(readFileSync(join(folder, name, path)))
                .digest('hex'),
            ]),
        )
      }
      const first = await build('first')
      assert.ok(first.size > 300, String(first.size))
      assert.ok([...first.keys()].some((path) => path.startsWith('ui/')) && first.has('dist/src/cli/keybearer.js'))
      assert.deepEqual(await build('second of another name'), first)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('P5: nothing calls home: a service that is used connects to nobody, and asks for no name, until it is told to', { timeout: 120_000 }, async () => {
    const seen = join(mkdtempSync(join(tmpdir(), 'keybearer-connections-')), 'seen')
    const preload = join(import.meta.dirname, 'children', 'tell-connections.ts')
    writeFileSync(seen, '')
    const environment = { NODE_OPTIONS: `--import ${preload}`, KEYBEARER_TEST_CONNECTIONS: seen }
    const lines = () => readFileSync(seen, 'utf8').split('\n').filter(Boolean)
    // What it would see: a look-up, a connection, a question to a name server.
    await runCommand(
      [
        process.execPath,
        '-e',
        "fetch('http://127.0.0.1:59999/').catch(() => 0); require('dns').resolveMx('home.invalid', () => 0); require('http').get('http://home.invalid/').on('error', () => 0)",
      ],
      { PATH: process.env.PATH ?? '', ...environment },
    )
    for (const expected of ['connect 127.0.0.1:59999', 'resolveMx home.invalid', 'lookup home.invalid'])
      assert.ok(lines().includes(expected), `${expected}: ${lines().join()}`)
    writeFileSync(seen, '')

    const service = await makeService(environment)
    try {
      await service.start()
      writeFileSync(join(service.folder, 'secret'), 's')
      await service.get('add', 'crm', '--kind', 'api_key', '--secret-file', join(service.folder, 'secret'))
      await service.get(
        'add',
        'mail',
        '--provider',
        'google',
        '--client-id',
        'c.apps.googleusercontent.com',
        '--client-secret-file',
        join(service.folder, 'secret'),
      )
      await service.get('sender', 'add', 'office', '--host', 'smtp.gmail.com', '--tls', 'implicit', '--credential', 'mail', '--from', 'anna@example.org')
      for (const words of ['token crm', 'list', 'show mail', 'providers google', 'status', 'settings', 'audit verify', 'key list', 'message list']) {
        await service.get(...words.split(' '))
      }
      await service.cli(['doctor'])
      await service.get('backup', join(service.folder, 'whole.backup'))
      for (const path of ['/', '/openapi.json', '/metrics', '/readyz']) assert.equal((await fetch(service.url + path)).status, 200, path)
      const foreign = lines().filter((line) => line !== `connect 127.0.0.1:${new URL(service.url).port}` && line !== 'lookup 127.0.0.1')
      assert.deepEqual(foreign, [])
      assert.ok(lines().length > 10, 'the command line was seen to connect to the service')
    } finally {
      await service.remove()
    }
  })
})
