import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { makeService, type TestService } from './service.ts'

describe('the email options from the command line', () => {
  let service: TestService
  before(async () => {
    service = await makeService()
    await service.start()
    for (const name of ['office', 'spare', 'relay']) {
      await service.get('sender', 'add', name, '--host', '127.0.0.1', '--port', '2525', '--tls', 'none', '--from', `${name}@example.org`)
    }
  })
  after(() => service.remove())

  const options = async (...parameters: string[]) => await service.get('sender', 'options', ...parameters)

  it('shows them, and changes what is named and nothing else', async () => {
    assert.equal(await options(), 'Default sender  office\nFallbacks       none\nNotify          nobody\n')
    assert.equal(
      await options('--fallback', 'spare=refused+unreachable', '--fallback', 'relay'),
      'Default sender  office\nFallbacks       spare: when unreachable, refused\n                relay: when unreachable, refused, credential_not_ready\nNotify          nobody\n',
    )
    assert.match(
      await options('--notify', 'ops@example.org'),
      /Fallbacks {7}spare.*\n.*relay.*\nNotify {10}ops@example\.org of credential\.expiring, credential\.broken, access_key\.expiring, access_key\.unusual, message\.failed, audit\.blocked, backup\.old, webhook\.disabled\nBy mail {9}at once, again every day until it is put right\n/,
    )
    assert.match(await options('--event', 'credential.broken'), /ops@example\.org of credential\.broken\n/)
    assert.match(await options('--daily', '7@Europe/Berlin', '--reminders', 'off'), /By mail {9}once a day from 7:00 on \(Europe\/Berlin\), once each\n/)
    assert.match(await options('--event', 'backup.old'), /backup\.old\nBy mail {9}once a day from 7:00 on \(Europe\/Berlin\), once each\n/)
    assert.match(await options('--at-once', '--reminders', 'on'), /By mail {9}at once, again every day until it is put right\n/)
    assert.match(await options('--no-fallback', '--no-notify'), /Fallbacks {7}none\nNotify {10}nobody\n/)
    assert.match(await options('--default', 'relay'), /^Default sender {2}relay\n/)
    const json = JSON.parse(await options('--json')) as { default_sender: { name: string } }
    assert.equal(json.default_sender.name, 'relay')
  })

  it('says what it does not understand', async () => {
    for (const [parameters, status, words] of [
      [['--fallback', 'spare=sometimes'], 2, /"sometimes" is not one of unreachable, refused, credential_not_ready/],
      [['--event', 'message.sent'], 2, /is not one of credential\.expiring/],
      [['--daily', '24'], 2, /--daily must be an hour such as 7 or 7@Europe\/Berlin/],
      [['--daily', '7@Mars/Olympus'], 2, /must be a time zone such as Europe\/Berlin/],
      [['--daily', '7', '--at-once'], 2, /exclude each other/],
      [['--fallback', 'nobody'], 2, /names no sender/],
      [['--notify', 'nobody'], 2, /must be a mail address/],
    ] as const) {
      const result = await service.cli(['sender', 'options', ...parameters])
      assert.deepEqual([result.status, result.stdout], [status, ''], parameters.join(' '))
      assert.match(result.stderr, words)
    }
  })
})
