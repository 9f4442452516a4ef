import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from './mail-world.ts'
import { makeService, type TestService } from './service.ts'

describe('deleted credentials from the command line', () => {
  let service: TestService
  const path = (name: string) => join(service.folder, name)
  before(async () => {
    service = await makeService()
    await service.start()
    writeFileSync(path('secret'), 'CANARY-crm\n')
    for (const name of ['crm', 'shop']) await service.get('add', name, '--kind', 'api_key', '--secret-file', path('secret'), '--host', '127.0.0.1')
  })
  after(() => service.remove())

  it('P2: says until when a deleted one can be brought back, lists it, and brings it back over a restart', async () => {
    const gone = await service.cli(['delete', 'crm', '--yes'])
    assert.equal(gone.status, 0, gone.stderr)
    assert.match(gone.stdout, /^"crm" is deleted\. /)
    const [, day] = /Until (\d{4}-\d\d-\d\d) it can be brought back: keybearer deleted restore crm\n/.exec(gone.stderr) ?? []
    assert.ok(Math.abs(Date.parse(day!) - Date.now() - 29.5 * 86_400_000) < 1.1 * 86_400_000, day)
    const refused = await service.cli(['token', 'crm'])
    assert.deepEqual([refused.status, refused.stdout], [3, ''])
    assert.match(
      await service.get('deleted', 'list'),
      /^NAME +KIND +ACCOUNT +DELETED +BY +RESTORABLE UNTIL +ID\ncrm +api_key +.* local command line +in \d+ days +cred_\w+\n$/,
    )
    await service.kill9()
    await service.start()
    assert.equal(await service.get('deleted', 'restore', 'crm'), '"crm" is back. Status: ready.\n')
    assert.equal(await service.get('token', 'crm'), 'CANARY-crm\n')
    const none = await service.cli(['deleted', 'list'])
    assert.match(none.stderr, /No deleted credential can be restored/)
  })

  it('says which name is taken, and takes another one', async () => {
    await service.get('delete', 'shop', '--yes')
    await service.get('add', 'shop', '--kind', 'api_key', '--secret-file', path('secret'), '--host', '127.0.0.1')
    const taken = await service.cli(['deleted', 'restore', 'shop'])
    assert.equal(taken.status, 1)
    assert.match(taken.stderr, /There is already a credential "shop"[^]*--name/)
    assert.match(await service.get('deleted', 'restore', 'shop', '--name', 'old shop'), /^"old shop" is back/)
    const unknown = await service.cli(['deleted', 'restore', 'shop'])
    assert.equal(unknown.status, 3)
    assert.match(unknown.stderr, /There is no deleted credential "shop"[^]*keybearer deleted list/)
  })

  it('P2: a purge is a right of its own, and asks', async () => {
    await service.get('delete', 'old shop', '--yes')
    const key = (await service.get('key', 'create', 'manager', '--administer', 'manage')).trim()
    const refused = await service.cli(['deleted', 'purge', 'old shop', '--yes'], { environment: { KEYBEARER_ACCESS_KEY: key } })
    assert.equal(refused.status, 6)
    assert.match(refused.stderr, /lacks the administration "purge"/)
    const unasked = await service.cli(['deleted', 'purge', 'old shop'])
    assert.equal(unasked.status, 2)
    assert.match(unasked.stderr, /needs --yes where nobody can be asked/)
    assert.match(await service.get('deleted', 'list'), /old shop/)
    assert.equal(await service.get('deleted', 'purge', 'old shop', '--yes'), '"old shop" is destroyed, with the key of its secret.\n')
    assert.equal((await service.cli(['deleted', 'restore', 'old shop'])).status, 3)
    assert.match(await service.get('audit', '--action', 'credential.purged'), /old shop/)
  })

  it('P2: after a purge, a backup from before cannot give the secret any more once the master key was replaced', async () => {
    await service.get('delete', 'crm', '--yes')
    await service.get('backup', path('before.backup'))
    const oldKeys = readFileSync(join(service.config, 'master.key'), 'utf8')
    await service.get('deleted', 'purge', 'crm', '--yes')
    await service.get('rotate-key')
    await until('the old master key is gone', () => readFileSync(join(service.config, 'master.key'), 'utf8').split('kbm1:').length === 2)
    await service.stop()
    const other = await makeService()
    try {
      cpSync(service.config, other.config, { recursive: true })
      const refused = await other.cli(['restore', path('before.backup')])
      assert.equal(refused.status, 1)
      assert.match(refused.stderr, /master key/)
      // With the key of that time it would come back: that is what the replacement takes away.
      writeFileSync(join(other.config, 'master.key'), oldKeys, { mode: 0o600 })
      const restored = await other.cli(['restore', path('before.backup')])
      assert.equal(restored.status, 0, restored.stderr)
      await other.start()
      await other.get('deleted', 'restore', 'crm')
      assert.equal(await other.get('token', 'crm'), 'CANARY-crm\n')
    } finally {
      await other.remove()
      await service.start()
    }
  })
})
