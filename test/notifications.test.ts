import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from './mail-world.ts'
import { makeService, type TestService } from './service.ts'
import { startFakeProvider, type FakeProvider } from './world.ts'
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts'

describe('webhooks, the command and snoozing, from the command line', () => {
  let service: TestService
  let receiver: WebhookReceiver
  let fake: FakeProvider
  let folder = ''
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keybearer-notify-'))
    writeFileSync(join(folder, 'tell'), `#!/bin/sh\ncat >> ${folder}/got; echo >> ${folder}/got\n`)
    chmodSync(join(folder, 'tell'), 0o755)
    receiver = await startWebhookReceiver()
    fake = await startFakeProvider()
    service = await makeService({ KEYBEARER_NOTIFY_COMMAND: join(folder, 'tell'), KEYBEARER_ALLOW_PRIVATE_NETWORKS: '127.0.0.1' })
    await service.start()
  })
  after(async () => {
    await service.remove()
    await receiver.close()
    await fake.close()
    rmSync(folder, { recursive: true })
  })

  it('a webhook is made, tested, changed and deleted; its secret is printed once, and its address never', async () => {
    writeFileSync(join(folder, 'address'), `${receiver.url}/CANARY-path\n`)
    const secret = (await service.get('webhook', 'add', 'pager', '--url-file', join(folder, 'address'))).trim()
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
    receiver.secrets.push(secret)
    assert.match(await service.get('webhook', 'test', 'pager'), /^"pager" has taken the message, in \d+ ms\.\n$/)
    assert.deepEqual([receiver.seen.length, receiver.seen[0]?.path], [1, '/CANARY-path'])
    receiver.answer = () => ({ status: 503 })
    const failed = await service.cli(['webhook', 'test', 'pager'])
    assert.deepEqual([failed.status, failed.stdout], [1, ''])
    assert.match(failed.stderr, /"pager": It answered 503 in place of 2xx/)
    receiver.answer = () => ({ status: 204 })
    assert.match(await service.get('webhook', 'edit', 'pager', '--name', 'siren', '--disable'), /"siren" is changed\. State: off\./)
    assert.match(await service.get('webhook', 'edit', 'siren', '--enable', '--event', 'credential.broken'), /State: on\./)
    const listed = await service.get('webhook', 'list')
    assert.match(listed, /siren +http:\/\/127\.0\.0\.1:\d+ +on +.*credential\.broken/)
    assert.doesNotMatch(listed + (await service.get('webhook', 'list', '--json')) + service.output(), /CANARY|whsec_/)
    const renewed = (await service.get('webhook', 'new-secret', 'siren')).trim()
    assert.notEqual(renewed, secret)
    receiver.secrets = [renewed]
    await service.get('webhook', 'test', 'siren')
    assert.equal(receiver.wrong.length, 0)
    for (const [parameters, status, words] of [
      [['webhook', 'edit', 'siren', '--enable', '--disable'], 2, /exclude each other/],
      [['webhook', 'add', 'two', '--url-file', join(folder, 'address'), '--event', 'message.sent'], 2, /"message.sent" is not one of/],
      [['webhook', 'test', 'nobody'], 3, /no webhook "nobody"/],
      [['snooze', 'nobody'], 2, /Name one of --days, --until and --end/],
      [['snooze', 'nobody', '--days', '3'], 3, /no credential "nobody"/],
    ] as const) {
      const result = await service.cli([...parameters])
      assert.equal(result.status, status, parameters.join(' '))
      assert.match(result.stderr, words)
    }
  })

  it('when a credential breaks, the webhook and the program are told; a snoozed one is told of to nobody', async () => {
    const registration = { provider: 'generic', client_id: 'c', client_secret: 's', placeholders: { token_endpoint: `${fake.url}/token` } }
    const make = async (name: string) => {
      const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
      const response = await fetch(`${service.url}/v1/credentials`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name, grant: 'client_credentials', registration: { ...registration, name } }),
      })
      assert.equal(response.status, 201, await response.text())
    }
    await make('quiet')
    await make('loud')
    assert.match(await service.get('snooze', 'quiet', '--days', '3'), /^Nobody is told of "quiet" until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\n$/)
    fake.answer = () => ({ status: 401, body: { error: 'invalid_client' } })
    const before = receiver.seen.length
    await service.cli(['refresh', 'quiet'])
    await service.cli(['refresh', 'loud'])
    const { status } = JSON.parse(await service.get('show', 'loud', '--json')) as { status: string }
    assert.equal(status, 'misconfigured')
    await until('the webhook is told', () => receiver.seen.length > before)
    await until('the program is told', () => existsSync(join(folder, 'got')) && readFileSync(join(folder, 'got'), 'utf8').includes('loud'))
    assert.equal(receiver.seen.at(-1)?.json.data.notices[0]?.about.name, 'loud')
    assert.doesNotMatch(readFileSync(join(folder, 'got'), 'utf8') + receiver.seen.map((one) => one.body).join(), /quiet/)
    assert.match(await service.get('snooze', 'quiet', '--end'), /"quiet" is told of again/)
    assert.match(await service.get('webhook', 'delete', 'siren'), /deleted/)
  })

  it('a program that has no absolute path is refused at the start', async () => {
    const result = await service.cli(['serve'], { environment: { KEYBEARER_NOTIFY_COMMAND: 'sendmail -t' } })
    assert.notEqual(result.status, 0)
    assert.match(result.stderr, /KEYBEARER_NOTIFY_COMMAND must be the absolute path of a program/)
  })
})
