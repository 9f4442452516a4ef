import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { makeService, type TestService } from './service.ts'

describe('what the command line says to what it cannot do', () => {
  let service: TestService

  before(async () => {
    service = await makeService()
    await service.start()
    writeFileSync(join(service.folder, 'secret'), 'a-secret\n')
    await service.get('add', 'work-mail', '--kind', 'api_key', '--secret-file', join(service.folder, 'secret'), '--host', 'api.example.org')
  })
  after(() => service.remove())

  /** Runs a command and returns its exit code and what it says, line by line; stdout must stay empty. */
  const refused = async (...parameters: string[]): Promise<[number, ...string[]]> => {
    const { status, stdout, stderr } = await service.cli(parameters)
    assert.equal(stdout, '')
    return [status, ...stderr.trimEnd().split('\n')]
  }

  it('names the command or option that was probably meant', async () => {
    assert.deepEqual(await refused('tokn', 'work-mail'), [2, "✗ unknown command 'tokn'", '  Did you mean token?', '  See "keybearer --help".'])
    assert.deepEqual(await refused('key', 'creat'), [2, "✗ unknown command 'creat'", '  Did you mean create?', '  See "keybearer key --help".'])
    assert.deepEqual(await refused('add', 'x', '--knd', 'basic'), [2, "✗ unknown option '--knd'", '  Did you mean --kind?', '  See "keybearer add --help".'])
  })

  it('names the thing that was probably meant, and how to list all', async () => {
    for (const parameters of [
      ['token', 'wrok-mail'],
      ['token', 'wrok-mail', '--min-ttl', '60'],
      ['show', 'wrok-mail'],
      ['run', '--env', 'TOKEN=wrok-mail', '--', 'true'],
      ['key', 'create', 'job', '--credential', 'wrok-mail'],
    ]) {
      const expected = [3, '✗ There is no credential "wrok-mail".', '  Did you mean work-mail? All there are: keybearer list']
      assert.deepEqual(await refused(...parameters), expected, parameters.join(' '))
    }
    assert.deepEqual(await refused('add', 'x', '--provider', 'gogle', '--client-id', '1'), [
      3,
      '✗ There is no provider "gogle".',
      '  Did you mean google? All there are: keybearer providers',
    ])
    assert.deepEqual(await refused('sender', 'show', 'office'), [3, '✗ There is no sender "office".', '  All there are: keybearer sender list'])
    assert.deepEqual(await refused('key', 'revoke', 'local comand line'), [
      3,
      '✗ There is no access key "local comand line".',
      `  Did you mean 'local command line'? All there are: keybearer key list`,
    ])
  })

  it('names nothing that the access key may not see', async () => {
    const made = (await service.get('key', 'create', 'other', '--administer', 'audit')).trim()
    const { status, stderr } = await service.cli(['token', 'wrok-mail'], { environment: { KEYBEARER_ACCESS_KEY: made } })
    assert.equal(status, 3)
    assert.equal(stderr, '✗ There is no credential "wrok-mail".\n  All there are: keybearer list\n')
  })

  it('says which option has a wrong value, and what it may be', async () => {
    assert.deepEqual(await refused('sender', 'add', 'office', '--tls', 'foo'), [
      2,
      "✗ option '--tls <tls>' argument 'foo' is invalid. Allowed choices are starttls, implicit, none.",
      '  See "keybearer sender add --help".',
    ])
    assert.deepEqual(await refused('token', 'work-mail', '--min-ttl', 'long'), [
      2,
      "✗ option '--min-ttl <seconds>' argument 'long' is invalid. It must be a whole number.",
      '  See "keybearer token --help".',
    ])
    assert.deepEqual(await refused('token', 'work-mail', '--min-ttl', '9999999'), [
      2,
      '✗ "keybearer token" cannot use what it was given:',
      '  min_ttl_seconds: must be at most 86400',
      '  See "keybearer token --help".',
    ])
    assert.deepEqual(await refused('key', 'create', 'job', '--credential', 'work-mail', '--right', 'tokn'), [
      2,
      '✗ "keybearer key create" cannot use what it was given:',
      '  rights: must be one of read, token, mail, request',
      '  See "keybearer key create --help".',
    ])
    assert.deepEqual(await refused('registration', 'edit', 'x', '--secret-expires', 'soon'), [
      2,
      "✗ option '--secret-expires <date>' argument 'soon' is invalid. It must be a date such as 2027-06-30.",
      '  See "keybearer registration edit --help".',
    ])
    assert.deepEqual(await refused('send'), [2, '✗ --to is needed.', '  See "keybearer send --help".'])
  })

  it('asks nothing where nobody is to be asked, before the command or behind it', async () => {
    const expected = [2, '✗ --provider is needed.', '  See "keybearer add --help".']
    assert.deepEqual(await refused('add', 'x', '--no-input'), expected)
    assert.deepEqual(await refused('--no-input', 'add', 'x'), expected)
    const { status } = await service.cli(['list', '--no-input'])
    assert.equal(status, 0)
  })

  it('says what is missing before the first mail', async () => {
    assert.deepEqual(await refused('send', '--to', 'a@example.org', '--text', 'x'), [
      1,
      '✗ The message names no sender, and no default one may be used with this access key.',
      '  Make one: keybearer sender add NAME --host … --credential … --from …, or name one with --sender.',
    ])
  })

  it('says that a mail waits while its server is away', async () => {
    await service.get('sender', 'add', 'away', '--host', '127.0.0.1', '--port', '9', '--tls', 'none', '--from', 'a@example.org')
    for (const parameters of [
      ['sender', 'test', 'away', '--to', 'b@example.org'],
      ['send', '--to', 'b@example.org', '--text', 'x'],
    ]) {
      const { status, stdout, stderr } = await service.cli(parameters)
      assert.equal(status, 75)
      assert.match(stdout, /^msg_\w+ queued\n$/)
      assert.match(stderr, /^✗ .*127\.0\.0\.1.*\n {2}.*takes mail again.*\n {2}The connection was refused:\n {2}1\. /)
    }
    const { status, stdout } = await service.cli(['sender', 'test', 'away', '--to', 'b@example.org', '--no-wait'])
    assert.equal(status, 0)
    assert.match(stdout, /^msg_\w+ (?:queued|sending)\n$/)
  })

  it('names the right that an access key lacks', async () => {
    const key = (await service.get('key', 'create', 'mailer', '--credential', 'work-mail', '--right', 'mail', '--mails-per-hour', '100')).trim()
    const { items } = JSON.parse(await service.get('key', 'list', '--json')) as { items: { name: string; mail_limits: object | null }[] }
    assert.deepEqual(items.find((one) => one.name === 'mailer')?.mail_limits, { messages_per_hour: 100, recipients_per_message: null, bytes_per_message: null })
    const as = async (...parameters: string[]) => {
      const { status, stderr } = await service.cli(parameters, { environment: { KEYBEARER_ACCESS_KEY: key } })
      assert.equal(status, 6)
      return stderr.split('\n')[0]
    }
    assert.equal(await as('token', 'work-mail'), '✗ The access key "mailer" lacks the right "token" for "work-mail".')
    assert.equal(await as('status'), '✗ The access key "mailer" lacks the right "read" for every credential.')
    assert.equal(await as('key', 'list'), '✗ The access key "mailer" lacks the administration "keys".')
  })

  it('takes an access key from systemd, whatever its mode, and refuses an open one from elsewhere', async () => {
    const folder = join(service.folder, 'credentials')
    mkdirSync(folder)
    const file = join(folder, 'keybearer-key')
    writeFileSync(file, await service.get('key', 'create', 'job', '--credential', 'work-mail', '--right', 'token'))
    chmodSync(file, 0o440)
    const environment = { KEYBEARER_ACCESS_KEY_FILE: file }
    const open = await service.cli(['token', 'work-mail'], { environment })
    assert.equal(open.status, 4)
    assert.match(open.stderr, /Others can read the access key in .* \(mode 440\)/)
    const given = await service.cli(['token', 'work-mail'], { environment: { ...environment, CREDENTIALS_DIRECTORY: folder } })
    assert.equal(given.stdout, 'a-secret\n')
    const besides = await service.cli(['token', 'work-mail'], { environment: { ...environment, CREDENTIALS_DIRECTORY: service.folder } })
    assert.equal(besides.status, 4)
  })

  it('is not coloured where nobody sees it', async () => {
    const { stdout } = await service.cli(['list'])
    assert.ok(!stdout.includes('\u001b'))
    assert.match(stdout, /^ {2}NAME +USER +PROVIDER +STATUS +UNTIL +LAST USED\n● work-mail +API key +ready +– +\S.*\n$/)
  })

  it('changes what was named of a credential, and nothing else', async () => {
    const stored = async () => JSON.parse(await service.get('show', 'work-mail', '--json')) as Record<string, unknown>
    await service.get('edit', 'work-mail', '--description', 'For the nights')
    await service.get('edit', 'work-mail', '--tag', 'night')
    const after = await stored()
    assert.deepEqual([after.allowed_hosts, after.description, after.tags, after.has_secret], [['api.example.org'], 'For the nights', ['night'], true])
    const { stderr } = await service.cli(['edit', 'work-mail', '--add-host', 'files.example.org'])
    assert.match(stderr, /The stored secret was removed/)
    assert.deepEqual([(await stored()).allowed_hosts, (await stored()).has_secret], [['api.example.org', 'files.example.org'], false])
    assert.deepEqual(await refused('edit', 'work-mail'), [2, '✗ Nothing to change was named.', '  See "keybearer edit --help".'])
  })
})

describe('the explanation of an error text', () => {
  let service: TestService

  before(async () => {
    service = await makeService()
    await service.start()
  })
  after(() => service.remove())

  it('is printed for people, and as JSON for programs', async () => {
    const text = 'AADSTS7000222: The provided client secret keys are expired.'
    const said = await service.cli(['explain'], { input: text })
    assert.equal(said.status, 0, said.stderr)
    assert.match(said.stdout, /^The client secret has run out\n/)
    assert.match(said.stdout, /What to do:\n  1\. /)
    const { id, action, who } = JSON.parse(
      (await service.cli(['explain', '--json', '--provider', 'microsoft', '--surface', 'token_endpoint'], { input: text })).stdout,
    ) as Record<string, unknown>
    assert.deepEqual({ id, action, who }, { id: 'ms_aadsts7000222', action: 'fix_config', who: 'you' })
  })

  it('waits for a pipe whose writer is slow', async () => {
    const program = join(import.meta.dirname, '..', 'bin', 'keybearer.js')
    const line = `(printf 'AADSTS'; sleep 1; printf '50011: x') | "$0" "$1" explain --json`
    const { stdout } = await promisify(execFile)('sh', ['-c', line, process.execPath, program], { env: service.environment })
    assert.equal((JSON.parse(stdout) as { id: string }).id, 'ms_aadsts50011')
  })

  it('admits what it does not know, whatever comes in', async () => {
    for (const text of ['Something else', '\u001b[31m<b>', 'x'.repeat(3_000_000)]) {
      const { status, stdout } = await service.cli(['explain', '--json'], { input: text })
      assert.equal(status, 0)
      assert.equal((JSON.parse(stdout) as { id: string | null }).id, null)
    }
    const { status, stderr } = await service.cli(['explain'], { input: ' \n' })
    assert.equal(status, 2)
    assert.match(stderr, /There is no text on the standard input/)
  })
})

describe('the catalogue at the command line', () => {
  let service: TestService
  let folder: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keybearer-providers-'))
    writeFileSync(join(folder, 'broken.json'), '{"id":')
    writeFileSync(
      join(folder, 'open.json'),
      JSON.stringify({ id: 'open', version: 1, name: 'Open', token_endpoint: 'http://a.example/t', grants: ['password'] }),
    )
    service = await makeService({ KEYBEARER_PROVIDERS: folder, KEYBEARER_POPULAR_CONFIGURATIONS: 'true' })
    await service.start()
  })
  after(async () => {
    await service.remove()
    rmSync(folder, { recursive: true })
  })

  it('names every file with errors, its places and what is wrong, at the start and by doctor', async () => {
    const doctor = await service.get('doctor')
    const lines = [
      ...service
        .output()
        .split('\n')
        .filter((line) => line.includes('provider.left_out')),
      ...doctor.split('\n'),
    ]
    const broken = lines.filter((line) => line.includes('broken.json') && line.includes('is not JSON'))
    const open = lines.filter((line) => line.includes('open.json') && /token_endpoint must begin with https:\/\/.*; grants\.0 /.test(line))
    assert.deepEqual([broken.length, open.length], [2, 2], 'each once in the log and once by doctor')
    assert.match(doctor, /▲ provider file: Left out: [^]*Correct the file, and start the service again\./)
  })

  it('proposes the provider of an address, and says what is wrong with one that is none', async () => {
    assert.match(await service.get('providers', '--for', 'anna@contoso.onmicrosoft.com'), /^microsoft /m)
    assert.match((await service.cli(['providers', '--for', 'anna@exämple.de'])).stderr, /No provider is known for xn--exmple-cua\.de/)
    const gmx = await service.cli(['providers', '--for', 'anna@gmx.de'])
    assert.deepEqual(
      [gmx.status, gmx.stdout.split('\n')],
      [
        0,
        [
          'keybearer add mailbox --kind basic --user anna@gmx.de --host mail.gmx.net',
          'keybearer sender add mailbox --host mail.gmx.net --port 465 --tls implicit --credential mailbox --from anna@gmx.de',
          '',
        ],
      ],
    )
    assert.match(gmx.stderr, /^GMX knows no OAuth 2\.0 for mail: its server takes a user name and a password\.\n/)
    const apple = await service.cli(['providers', '--for', "o'neil@icloud.com"])
    assert.match(apple.stderr, /an app password only/)
    assert.match(apple.stdout, /--user 'o'\\''neil@icloud\.com' --host smtp\.mail\.me\.com\n/)
    assert.match((await service.cli(['providers', '--for', 'anna@web.de'])).stdout, /--user anna --host smtp\.web\.de\n/)
    assert.match((await service.cli(['providers', '--for', '@'])).stderr, /There is no domain in this address/)
    assert.match((await service.cli(['providers', '--for', 'evil'])).stderr, /"keybearer providers" cannot use[^]*must be a domain such as example\.org/)
  })

  it('says of each known application whose it is, what its publisher says, its scopes, and where the browser comes back to', async () => {
    const listed = await service.get('providers', 'popular')
    const one = /^thunderbird-microsoft\n(?: {2}.*\n)+/m.exec(listed)![0]
    for (const told of [
      /Consent page shows +Thunderbird/,
      /register one for yourself/,
      /Scopes .*https:\/\/outlook\.office\.com\/SMTP\.Send/,
      /Comes back to +http:\/\/localhost$/m,
      /a code is entered on another device/,
    ])
      assert.match(one, told)
  })
})
