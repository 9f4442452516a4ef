import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeService, type TestService } from './service.ts'

describe('export and import from the command line', () => {
  let service: TestService
  const file = (name: string, content: string) => {
    const path = join(service.folder, name)
    writeFileSync(path, content)
    return path
  }
  before(async () => {
    service = await makeService()
    await service.start()
    await service.get('add', 'crm', '--kind', 'api_key', '--secret-file', file('secret', 'CANARY-crm\n'), '--host', 'api.example.org')
  })
  after(() => service.remove())

  it('moves a credential with its secret in a file that only its owner may read, and holds nothing in the clear', async () => {
    const passphrase = file('passphrase', 'correct horse battery staple\n')
    const target = join(service.folder, 'moving.age')
    const made = await service.cli(['export', 'crm', '--secrets', '--passphrase-file', passphrase, '--output', target])
    assert.deepEqual([made.status, made.stdout, made.stderr], [0, '', '1 credential exported, with secrets, encrypted.\n'])
    assert.equal(statSync(target).mode & 0o777, 0o600)
    const text = readFileSync(target, 'utf8')
    assert.match(text, /^-----BEGIN AGE ENCRYPTED FILE-----/)
    assert.doesNotMatch(text, /CANARY/)
    assert.equal((await service.cli(['export', '--output', target])).stderr, `✗ ${target} exists already.\n`)

    await service.get('delete', 'crm', '--yes')
    const dry = await service.cli(['import', target, '--passphrase-file', passphrase, '--dry-run'])
    assert.deepEqual([dry.status, dry.stderr], [0, 'Nothing was changed. 1 of 1 would come.\n'])
    assert.equal(dry.stdout, '+ crm\n    It may be sent to api.example.org.\n')
    assert.equal((await service.cli(['show', 'crm'])).status, 3)
    const done = await service.cli(['import', '-', '--passphrase-file', passphrase], { input: text })
    assert.deepEqual([done.status, done.stdout], [0, dry.stdout])
    assert.equal(await service.get('token', 'crm'), 'CANARY-crm\n')
    const again = await service.cli(['import', target, '--passphrase-file', passphrase, '--on-clash', 'rename'])
    assert.match(again.stdout, /^\+ crm as 'crm 2'/)
  })

  it('never takes a passphrase as an argument, and asks nobody where nobody is', async () => {
    const help = await service.get('import', '--help')
    assert.doesNotMatch(help, /--passphrase </)
    const { status, stderr } = await service.cli(['export', '--secrets'])
    assert.equal(status, 2)
    assert.match(stderr, /--passphrase-file is needed/)
    assert.equal((await service.cli(['import', '-', '--passphrase-file', '-'], { input: 'x' })).status, 2)
  })

  it('without secrets writes facts to stdout, for a script', async () => {
    const facts = JSON.parse(await service.get('export')) as { secrets: string; credentials: { name: string }[] }
    assert.deepEqual([facts.secrets, facts.credentials.map((one) => one.name)], ['none', ['crm', 'crm 2']])
  })

  it('says where a file is damaged, and which of its items is refused and why', async () => {
    const damaged = await service.cli(['import', file('a.csv', 'name,kind\nx,api_key,CANARY\n')])
    assert.deepEqual(
      [damaged.status, damaged.stdout, damaged.stderr],
      [
        2,
        '',
        '✗ The table is damaged.\n  line 2: must have as many fields as the first row: 2\n  Nothing was imported. Correct what is named, or export the file anew.\n',
      ],
    )
    const refused = await service.cli(['import', file('b.csv', 'name,kind,allowed_hosts\ngood,api_key,a.example\nbad,api_key,*\n')])
    assert.equal(refused.status, 1)
    assert.match(refused.stdout, /✗ bad is refused\n {4}line 3: .*allowed_hosts\[0\] must be a host/)
    assert.equal(refused.stderr, 'Nothing was imported, because an item was refused.\n')
    assert.equal((await service.cli(['show', 'good'])).status, 3)
    writeFileSync(join(service.folder, 'token.gpg'), Buffer.from([0x85, 0x01, 0x00, 0x03, 0xff]))
    assert.match((await service.cli(['import', join(service.folder, 'token.gpg')])).stderr, /gpg --decrypt FILE/)
  })

  it('prints the audit trail as lines, and the list by what needs a person', async () => {
    const lines = (await service.get('audit', 'export', '--action', 'credential.imported', '--outcome', 'done')).trimEnd().split('\n')
    assert.ok(lines.length >= 2)
    for (const line of lines) assert.equal((JSON.parse(line) as { action: string }).action, 'credential.imported')
    await service.get('add', 'unfinished', '--google-json', file('client.json', '{"installed":{"client_id":"1","client_secret":"CANARY-c"}}'))
    const named = async (...parameters: string[]) =>
      (JSON.parse(await service.get('list', '--json', ...parameters)) as { items: { name: string }[] }).items.map((one) => one.name)
    assert.deepEqual(await named('--attention'), ['unfinished'])
    assert.equal((await named('--sort', 'status'))[0], 'unfinished')
  })

  it('brings the remotes of rclone in', async () => {
    const config = file(
      'rclone.conf',
      '[gd]\ntype = drive\nclient_id = 1\nclient_secret = CANARY-s\ntoken = {"refresh_token":"CANARY-r"}\n\n[disk]\ntype = local\n',
    )
    const { status, stdout, stderr } = await service.cli(['import', config])
    assert.equal(status, 0, stderr)
    assert.match(stdout, /\+ gd \(google\)/)
    assert.match(stdout, /– disk is left out\n {4}It does not use OAuth/)
    assert.ok(!service.output().includes('CANARY'), 'no secret is in the log of the service')
  })
})
