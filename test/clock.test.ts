import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeCertificate } from './certificates.ts'
import { makeService, type TestService } from './service.ts'
import { startFakeProvider, type FakeProvider } from './world.ts'

describe('a machine whose clock is wrong', () => {
  let service: TestService
  let fake: FakeProvider
  let behind = 0

  before(async () => {
    fake = await startFakeProvider()
    fake.answer = ({ method }) => ({
      headers: { date: new Date(Date.now() - behind).toUTCString() },
      ...(method === 'HEAD'
        ? { status: 405, body: '' }
        : behind > 60_000
          ? { status: 401, body: { error: 'invalid_client' } }
          : { body: { access_token: 'at', expires_in: 300 } }),
    })
    service = await makeService()
    await service.start()
    writeFileSync(join(service.folder, 'key.pem'), makeCertificate({ subject: 'robot' }).key)
  })
  after(async () => {
    await service.remove()
    await fake.close()
  })

  it('P7: is told so by every command, in place of a wrong key, and works again when it is set', async () => {
    const host = new URL(fake.url).host
    assert.match(await service.get('doctor'), /✓ clock: No provider has told its time yet\./)
    behind = 600_000
    const client = ['--client-id', 'robot', '--client-auth', 'private_key_jwt', '--private-key-file', join(service.folder, 'key.pem')]
    await service.get('add', 'robot', '--provider', 'generic', '--grant', 'client_credentials', ...client, '--placeholder', `token_endpoint=${fake.url}/token`)
    const { status, stderr } = await service.cli(['token', 'robot'])
    assert.equal(status, 75)
    assert.match(stderr, new RegExp(`The clock of this machine is 10 min ahead of that of ${host}: nothing is signed with a time that far off`))
    assert.match(stderr, /timedatectl set-ntp true/)
    assert.doesNotMatch(stderr, /client secret|client registration|client ID/)

    assert.match(await service.get('status'), new RegExp(`Clock: 10 min ahead of ${host}, nothing is signed for it – timedatectl set-ntp true`))
    const listed = await service.get('list')
    assert.match(listed, /timedatectl set-ntp true/)
    assert.doesNotMatch(listed, /Try now with/)
    const shown = JSON.parse(await service.get('status', '--json')) as { clock_errors: { ahead_seconds: number; blocks_signing: boolean }[] }
    assert.ok(Math.abs(shown.clock_errors[0]!.ahead_seconds - 600) <= 2)
    assert.equal(shown.clock_errors[0]!.blocks_signing, true)

    const looked = await service.cli(['doctor'])
    assert.equal(looked.status, 1)
    assert.match(looked.stdout, new RegExp(`✗ clock: The clock of this machine is 10 min ahead of that of ${host}: nothing is signed for it\\.`))
    assert.match((await service.cli(['doctor', 'robot'])).stdout, /✗ clock: .*10 min ahead[^]*timedatectl set-ntp true/)

    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    assert.match(metrics, /^keybearer_provider_clock_error_seconds (?:599|600|601)$/m)

    behind = 0
    assert.match(await service.get('doctor', 'robot'), /✓ clock: The clock of this machine agrees with the provider\./)
    assert.equal((await service.get('token', 'robot')).trim(), 'at')
    assert.doesNotMatch(await service.get('status'), /Clock:/)
  })

  it('P7: is warned of when it is two minutes off, and goes on', async () => {
    behind = 120_000
    const { stdout } = await service.cli(['doctor', 'robot'])
    assert.match(stdout, /▲ clock: .*2 min ahead/)
    const looked = await service.cli(['doctor', '--json'])
    const { checks } = JSON.parse(looked.stdout) as { checks: { name: string; outcome: string }[] }
    assert.equal(checks.find(({ name }) => name === 'clock')?.outcome, 'warning')
  })
})
