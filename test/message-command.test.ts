import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { MailServer } from './mail-server.ts'
import { until } from './mail-world.ts'
import { makeService, type TestService } from './service.ts'

describe('keybearer message', () => {
  let server: MailServer
  let service: TestService
  before(async () => {
    server = await new MailServer({ mechanisms: [] }).listen()
    service = await makeService()
    await service.start()
    for (const [name, from] of [
      ['office', 'anna@example.org'],
      ['other', 'other@example.net'],
    ] as const)
      await service.get(...`sender add ${name} --host 127.0.0.1 --port ${server.port} --tls none --mechanism none --from ${from}`.split(' '))
  })
  after(async () => {
    await service?.remove()
    await server?.close()
  })

  /** Sends one that the server refuses for good. */
  const fail = async (subject: string): Promise<string> => {
    const sent = await service.cli(['send', '--to', 'bob@example.net', '--subject', subject, '--text', 'x'])
    assert.equal(sent.status, 1, sent.stdout)
    return /^msg_\w+/.exec(sent.stdout)![0]
  }

  it('sends a dead message another way, and shows everything that happened to it', async () => {
    server.on.mail = (from) => (from.includes('anna@') ? '550 5.7.1 not you' : undefined)
    const id = await fail('one')
    assert.match(await service.get('message', 'resend', id, '--sender', 'other'), new RegExp(`^${id} queued\n$`))
    await until('it is sent', async () => /^sent,/m.test(await service.get('message', 'show', id)))
    assert.deepEqual(
      (await service.get('message', 'show', id)).split('\n').flatMap((line) => /^ {2}\S+ \S+(?: ago)?: (.*)$/.exec(line)?.[1] ?? []),
      [
        'taken into the outbox',
        'office: refused (mail_refused): 550 5.7.1 not you',
        'failed (mail_refused)',
        'sent on through other',
        'other: sent: 250 2.0.0 queued as ABC',
        'sent to everybody',
      ],
    )
  })

  it('takes up everything that failed at once, and says which cannot be helped', async () => {
    server.on.mail = (from) => (from.includes('anna@') ? '550 5.7.1 not you' : undefined)
    const ids = [await fail('two'), await fail('three')]
    const resent = await service.get('message', 'resend', '--failed', '--sender', 'other')
    assert.deepEqual(resent.match(/msg_\w+ queued/g)?.sort(), ids.map((id) => `${id} queued`).sort())
    server.on.mail = (from) => (from.includes('anna@') ? '550 5.7.1 not you' : undefined)
    const again = await fail('four')
    server.on.mail = undefined
    assert.equal(await service.get('message', 'retry', '--failed'), `${again} queued\n`)
    await until('it is sent', async () => /^sent,/m.test(await service.get('message', 'show', again)))
    assert.equal(await service.get('message', 'retry', '--failed'), '')
    for (const words of [['retry'], ['retry', again, '--failed'], ['resend', '--sender', 'other']]) {
      const result = await service.cli(['message', ...words])
      assert.deepEqual([result.status, result.stdout], [2, ''])
      assert.match(result.stderr, /Name a message, or all that failed with --failed/)
    }
    assert.equal((await service.cli(['message', 'resend', again, '--sender', 'nobody'])).status, 3)
  })

  it('takes a priority from the command line', async () => {
    const sent = await service.get('send', '--to', 'bob@example.net', '--subject', 'now', '--text', 'x', '--priority', 'high', '--json')
    assert.equal((JSON.parse(sent) as { priority: string }).priority, 'high')
    assert.equal((await service.cli(['send', '--to', 'bob@example.net', '--priority', 'soon', '--text', 'x'])).status, 2)
  })
})
