import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ActionRun, RanAction } from '../client/src/operations.ts'
import { startLocalServer, type LocalServer } from './local-server.ts'
import { until } from './mail-world.ts'
import { makeService, runCommand, type TestService } from './service.ts'

describe('keybearer action', () => {
  let service: TestService
  let server: LocalServer
  let file = ''
  const write = (value: unknown) => writeFileSync(file, JSON.stringify(value))
  before(async () => {
    server = await startLocalServer((request, response) => {
      const status = Number(/status=(\d+)/.exec(request.url!)?.[1] ?? 200)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ path: request.url, key: request.headers.authorization }))
    })
    service = await makeService({ KEYBEARER_ACTION_ENVIRONMENT: 'SITE', SITE: 'berlin', OTHER: 'hidden' })
    await service.start()
    file = join(service.folder, 'file')
    writeFileSync(file, 'k-4711-4711\n')
    await service.get('add', 'api', '--kind', 'api_key', '--secret-file', file, '--host', '127.0.0.1')
  })
  after(async () => {
    await service.remove()
    await server.close()
  })

  it('makes one from JSON, shows it in the same form, changes it and deletes it', async () => {
    write({
      kind: 'http_request',
      request: { credential: 'api', url: `http://127.0.0.1:${server.port}/{{ env.SITE }}/{{ input.day }}?status={{ input.status }}` },
    })
    assert.match(await service.get('action', 'create', 'ask', '--file', file), /"ask" is made/)
    const shown = JSON.parse(await service.get('action', 'show', 'ask', '--json')) as { request: { credential: string; max_bytes: number } }
    assert.deepEqual([shown.request.credential, shown.request.max_bytes], ['api', 1_048_576])
    write({ ...shown, request: { ...shown.request, timeout_seconds: 10 } })
    assert.match(await service.get('action', 'create', 'ask again', '--file', file), /made/)
    assert.match(await service.get('action', 'edit', 'ask', '--file', file, '--name', 'ask 2'), /"ask 2" is changed\./)
    assert.match(await service.get('action', 'edit', 'ask 2', '--name', 'ask', '--pause'), /and paused/)
    const paused = await service.cli(['action', 'run', 'ask'])
    assert.deepEqual([paused.status, paused.stdout], [1, ''])
    assert.match(paused.stderr, /is paused/)
    await service.get('action', 'edit', 'ask', '--resume')
    assert.match(await service.get('action', 'list'), /ask +http request +api +day, status +never/)
    await service.get('action', 'delete', 'ask again')
    assert.equal((await service.cli(['action', 'show', 'ask again'])).status, 3)
    assert.match((await service.cli(['delete', 'api', '--yes'])).stderr, /used by the action "ask"/)
  })

  it('shows what one would send before it is run or even saved, without what the environment holds', async () => {
    write({ day: 'a b', status: 200 })
    assert.equal(await service.get('action', 'preview', 'ask', '--input', file), `GET http://127.0.0.1:${server.port}/%5Benv.SITE%5D/a%20b?status=200\n`)
    await service.get('sender', 'add', 'desk', '--host', '127.0.0.1', '--port', '9', '--tls', 'none', '--from', 'anna@example.org')
    const mail = { email: { sender: 'desk', to: ['bob@example.net'], subject: '{{ env.SITE }}: {{ input.day }}', text: 'Hello', html: '<b>Hello</b>' } }
    write(mail)
    const shown = await service.cli(['action', 'preview', '--file', file, '--input', '-'], { input: '{"day":"Monday"}' })
    assert.match(shown.stdout, /^Through: desk\nFrom: anna@example\.org\nTo: bob@example\.net\nSubject: \[env\.SITE\]: Monday\n\nHello\n/)
    assert.equal(await service.get('action', 'preview', '--file', file, '--html', '--input', '-').catch(() => 'needs input'), 'needs input')
    const missing = await service.cli(['action', 'preview', '--file', file])
    assert.deepEqual([missing.status, missing.stdout], [1, ''])
    assert.match(missing.stderr, /needs "input\.day", which is not there/)
    assert.equal((await service.cli(['action', 'preview'])).status, 2)
    assert.doesNotMatch(await service.get('action', 'list'), /desk/)
  })

  it('runs one with input from a file or stdin, prints the answer, and says by its exit code what came of it', async () => {
    write({ day: 'a b', status: 200 })
    const done = await service.cli(['action', 'run', 'ask', '--input', file])
    assert.deepEqual([done.status, done.stderr, JSON.parse(done.stdout)], [0, '', { path: '/berlin/a%20b?status=200', key: 'Bearer [secret]' }])
    const failed = await service.cli(['action', 'run', 'ask', '--input', '-', '--json'], { input: '{"day":"x","status":500}' })
    const { outcome, result } = JSON.parse(failed.stdout) as RanAction
    assert.deepEqual([failed.status, outcome, result?.status], [1, 'failed', 500])
    assert.match(failed.stderr, /✗ 127\.0\.0\.1:\d+ answered with status 500/)
    const missing = await service.cli(['action', 'run', 'ask'])
    assert.match(missing.stderr, /needs "input\.day", which is not there/)
    assert.equal((await service.cli(['action', 'run', 'ask', '--input', '-'], { input: '[1]' })).status, 2)
    const later = await service.cli(['action', 'run', 'ask', '--input', file, '--no-wait'])
    assert.deepEqual([later.status, later.stdout], [0, ''])
    const runs = async () => (JSON.parse(await service.get('action', 'runs', '--action', 'ask', '--json')) as { items: ActionRun[] }).items
    await until('the run in the background', async () => (await runs())[0]!.status === 'done')
    assert.deepEqual(
      (await runs()).map((run) => [run.status, run.input_names]),
      [
        ['done', ['day', 'status']],
        ['failed', []],
        ['failed', ['day', 'status']],
        ['done', ['day', 'status']],
      ],
    )
    assert.match(await service.get('action', 'runs', '--status', 'failed'), /answered with status 500/)
  })

  it('takes what the guide shows, as it is printed there', async () => {
    const guide = readFileSync(join(import.meta.dirname, '..', 'docs', 'guide', 'actions.md'), 'utf8')
    const blocks = [...guide.matchAll(/```json\n([^]*?)```/g)].map(([, text]) => text!)
    assert.equal(blocks.length, 3)
    writeFileSync(file, 'k-4711-4711\n')
    await service.get('add', 'crm', '--kind', 'api_key', '--secret-file', file, '--host', 'api.example.org,graph.microsoft.com')
    await service.get('sender', 'add', 'office', '--host', '127.0.0.1', '--port', '2525', '--tls', 'none', '--mechanism', 'none', '--from', 'a@example.org')
    for (const [i, text] of blocks.entries()) {
      const made = await service.cli(['action', 'create', `from the guide ${i}`], { input: text })
      assert.equal(made.status, 0, made.stderr)
    }
  })

  it('gets a schedule, and an address that the lines of the guide can call', async () => {
    write({ day: 'scheduled', status: 200 })
    const set = await service.get('action', 'schedule', 'ask', '--cron', '0 7 * * 1-5', '--time-zone', 'Europe/Berlin', '--input', file)
    assert.match(set, /^0 7 \* \* 1-5 \(Europe\/Berlin\), next 20\d\d-/)
    assert.match(await service.get('action', 'schedule', 'ask', '--off'), /switched off/)
    const { missed, input } = JSON.parse(await service.get('action', 'schedule', 'ask', '--on', '--json')) as { missed: string; input: object }
    assert.deepEqual([missed, input], ['skip', { day: 'scheduled', status: 200 }])
    assert.match((await service.cli(['action', 'schedule', 'ask', '--cron', '61 * * * *'])).stderr, /cron/)
    assert.match(await service.get('action', 'schedule', 'ask', '--remove'), /no schedule any more/)
    assert.equal((await service.cli(['action', 'schedule', 'ask'])).status, 3)

    writeFileSync(join(service.folder, 'webhook.txt'), await service.get('action', 'webhook', 'ask'))
    const guide = readFileSync(join(import.meta.dirname, '..', 'docs', 'guide', 'actions.md'), 'utf8')
    const lines = /```sh\n(url=[^]*?)```/.exec(guide)![1]!.replace(/body='[^']*'/, `body='{"day": "called", "status": 200}'`)
    const called = await runCommand(['sh', '-ec', `cd '${service.folder}'\n${lines}`], { PATH: process.env.PATH ?? '' })
    assert.equal(called.status, 0, called.stderr)
    const { run } = JSON.parse(called.stdout) as { run: string }
    const runs = async () => (JSON.parse(await service.get('action', 'runs', '--action', 'ask', '--json')) as { items: ActionRun[] }).items
    const found = await until('the run of the webhook', async () => (await runs()).find((one) => one.id === run && one.status === 'done'))
    assert.equal(found.trigger, 'webhook')
    assert.ok(server.requests.includes('GET /berlin/called?status=200'))
  })

  it('is open to a key that may run it and nothing else', async () => {
    const key = (await service.get('key', 'create', 'runner', '--action', 'ask')).trim()
    const as = { environment: { KEYBEARER_ACCESS_KEY: key } }
    write({ day: 'x', status: 200 })
    assert.equal((await service.cli(['action', 'run', 'ask', '--input', file], as)).status, 0)
    assert.equal((await service.cli(['request', 'api', `http://127.0.0.1:${server.port}/`], as)).status, 6)
    assert.equal((await service.cli(['action', 'delete', 'ask'], as)).status, 6)
    assert.ok(!(await service.cli(['action', 'show', 'ask', '--json'], as)).stdout.includes('127.0.0.1'))
  })
})
