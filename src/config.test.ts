import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { addressRules } from './base/addresses.ts'
import { isProblem, type Problem } from './base/problem.ts'
import { Secret } from './base/secret.ts'
import { readSettings, refuseUnsafeRuntime, settingsTable } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'keybearer-config-'))
after(() => rmSync(folder, { recursive: true }))
const home = { HOME: '/home/somebody' }

function fileOf(text: string): string {
  const file = join(folder, String(files++))
  writeFileSync(file, text)
  return file
}
let files = 0

function problemOf(run: () => unknown): Problem {
  try {
    run()
  } catch (error) {
    assert.ok(isProblem(error, 'settings_invalid'), String(error))
    return error
  }
  return assert.fail('nothing was refused')
}

test('without any setting everything has its default', () => {
  const { settings, effective } = readSettings(home)
  assert.deepEqual(
    [
      settings.KEYBEARER_DATA,
      settings.KEYBEARER_CONFIG,
      settings.KEYBEARER_HOST,
      settings.KEYBEARER_PORT,
      settings.KEYBEARER_PUBLIC_URL,
      settings.KEYBEARER_LOG_LEVEL,
    ],
    ['/home/somebody/.local/share/keybearer', '/home/somebody/.config/keybearer', '127.0.0.1', 7420, null, 'info'],
  )
  assert.deepEqual([settings.KEYBEARER_ALLOW_PRIVATE_NETWORKS, settings.KEYBEARER_MASTER_KEY, settings.KEYBEARER_METRICS], [[], null, 'loopback'])
  assert.deepEqual(
    effective.map(({ name }) => name),
    Object.keys(settingsTable),
  )
  assert.ok(effective.every(({ source }) => source === 'default'))
})

test('folders follow XDG_DATA_HOME and XDG_CONFIG_HOME', () => {
  const { settings } = readSettings({ ...home, XDG_DATA_HOME: '/data', XDG_CONFIG_HOME: '/config' })
  assert.deepEqual([settings.KEYBEARER_DATA, settings.KEYBEARER_CONFIG], ['/data/keybearer', '/config/keybearer'])
})

test('reads every kind of value from the environment', () => {
  const { settings, effective } = readSettings({
    ...home,
    KEYBEARER_PORT: '8080',
    KEYBEARER_PUBLIC_URL: 'https://Keys.Example.org/',
    KEYBEARER_ALLOWED_HOSTS: 'a.test, b.test',
    KEYBEARER_TRUSTED_PROXIES: '10.0.0.0/8,::1',
    KEYBEARER_ALLOW_PRIVATE_NETWORKS: 'true',
    KEYBEARER_LOG_LEVEL: 'debug',
    KEYBEARER_METRICS: 'off',
    KEYBEARER_URL: 'http://127.0.0.1:8080/',
  })
  assert.deepEqual(
    [
      settings.KEYBEARER_PORT,
      settings.KEYBEARER_PUBLIC_URL,
      settings.KEYBEARER_ALLOWED_HOSTS,
      settings.KEYBEARER_TRUSTED_PROXIES,
      settings.KEYBEARER_ALLOW_PRIVATE_NETWORKS,
      settings.KEYBEARER_URL,
    ],
    [8080, 'https://keys.example.org', ['a.test', 'b.test'], ['10.0.0.0/8', '::1'], true, 'http://127.0.0.1:8080'],
  )
  assert.deepEqual(
    effective.find(({ name }) => name === 'KEYBEARER_ALLOWED_HOSTS'),
    { name: 'KEYBEARER_ALLOWED_HOSTS', value: 'a.test,b.test', source: 'environment', secret: false },
  )
})

test('every setting has a twin that names a file, whose last line break does not count', () => {
  const { settings, effective } = readSettings({
    ...home,
    KEYBEARER_PORT_FILE: fileOf('8081\n'),
    KEYBEARER_MASTER_KEY_FILE: fileOf(' a key \r\n'),
    KEYBEARER_HOST_FILE: fileOf('::1'),
  })
  assert.deepEqual([settings.KEYBEARER_PORT, settings.KEYBEARER_MASTER_KEY?.reveal(), settings.KEYBEARER_HOST], [8081, ' a key ', '::1'])
  assert.deepEqual(
    effective.filter(({ source }) => source === 'file').map(({ name }) => name),
    ['KEYBEARER_HOST', 'KEYBEARER_PORT', 'KEYBEARER_MASTER_KEY'],
  )
  for (const name of Object.keys(settingsTable)) {
    const problem = problemOf(() => readSettings({ ...home, [`${name}_FILE`]: join(folder, 'missing') }))
    assert.deepEqual(
      problem.errors.map(({ path }) => path),
      [name],
    )
    assert.match(problem.message, /missing: ENOENT/)
  }
})

test('a setting and its file together are an error', () => {
  const problem = problemOf(() => readSettings({ ...home, KEYBEARER_PORT: '1', KEYBEARER_PORT_FILE: fileOf('1') }))
  assert.match(problem.message, /KEYBEARER_PORT is set, and KEYBEARER_PORT_FILE is set too/)
})

test('an unknown KEYBEARER_ name is an error that names the nearest setting', () => {
  const message = (name: string) => problemOf(() => readSettings({ ...home, [name]: 'x' })).message
  assert.match(message('KEYBEARER_PROT'), /KEYBEARER_PROT is not a setting; did you mean KEYBEARER_PORT\?/)
  assert.match(message('KEYBEARER_MASTERKEY'), /did you mean KEYBEARER_MASTER_KEY\?/)
  assert.match(message('KEYBEARER_ZZZZZZZZZZZZZZZZZZ'), /is not a setting\.$/)
  assert.doesNotThrow(() => readSettings({ ...home, OTHER_PORT: 'x' }))
})

test('tells everything that is wrong at once', () => {
  const problem = problemOf(() =>
    readSettings({
      ...home,
      KEYBEARER_PORT: '70000',
      KEYBEARER_LOG_LEVEL: 'loud',
      KEYBEARER_PUBLIC_URL: 'http://keys.example.org',
      KEYBEARER_DATABASE_URL: 'mysql://canary',
      KEYBEARER_TRUSTED_PROXIES: 'proxy.test',
      KEYBEARER_SHUTDOWN_SECONDS: '1.5',
      KEYBEARER_METRICS: 'yes',
      KEYBEARER_NONSENSE: '1',
    }),
  )
  assert.deepEqual(problem.errors.map(({ path }) => path).sort(), [
    'KEYBEARER_DATABASE_URL',
    'KEYBEARER_LOG_LEVEL',
    'KEYBEARER_METRICS',
    'KEYBEARER_NONSENSE',
    'KEYBEARER_PORT',
    'KEYBEARER_PUBLIC_URL',
    'KEYBEARER_SHUTDOWN_SECONDS',
    'KEYBEARER_TRUSTED_PROXIES',
  ])
  for (const { path } of problem.errors) assert.ok(problem.message.includes(path), path)
})

test('the public address is https, or plain http on loopback, without path and user', () => {
  const read = (url: string) => readSettings({ ...home, KEYBEARER_PUBLIC_URL: url }).settings.KEYBEARER_PUBLIC_URL
  assert.deepEqual(['http://localhost:7420', 'http://127.0.0.1:1/', 'http://[::1]:7420', 'https://keys.test:8443'].map(read), [
    'http://localhost:7420',
    'http://127.0.0.1:1',
    'http://[::1]:7420',
    'https://keys.test:8443',
  ])
  for (const url of [
    'http://keys.test',
    'http://localhost.evil.test',
    'https://keys.test/path',
    'https://keys.test/?x',
    'https://keys.test/#x',
    'https://user@keys.test',
    'https://u:p@keys.test',
    'ftp://keys.test',
    'keys.test',
    'javascript:1',
  ]) {
    problemOf(() => read(url))
  }
})

test('A4: secrets are read as secrets, shown nowhere, and no error quotes them', () => {
  const { settings, effective } = readSettings({
    ...home,
    KEYBEARER_DATABASE_URL: 'postgres://u:canary@db.test/x',
    KEYBEARER_MASTER_KEY: 'canary',
    KEYBEARER_MASTER_KEY_PASSPHRASE: 'canary canary',
    KEYBEARER_SIGN_IN_CLIENT_SECRET: 'canary',
    KEYBEARER_ACCESS_KEY: 'kb_canary',
  })
  assert.doesNotMatch(JSON.stringify([settings, effective]), /canary/)
  for (const [name, row] of Object.entries(settingsTable)) {
    if (row.secret !== true) continue
    assert.ok(settings[name as keyof typeof settings] instanceof Secret, name)
    assert.equal(effective.find((entry) => entry.name === name)?.value, '[secret]')
  }
  assert.doesNotMatch(problemOf(() => readSettings({ ...home, KEYBEARER_DATABASE_URL: 'mysql://u:canary@db.test' })).message, /canary/)
  // A path is no secret.
  const named = Object.keys(settingsTable).filter((name) => /KEY|SECRET|PASS|DATABASE_URL/.test(name.replace('KEYBEARER_', '')) && !name.endsWith('_FILE'))
  assert.deepEqual(
    named,
    Object.entries(settingsTable)
      .filter(([, row]) => row.secret === true)
      .map(([name]) => name),
  )
})

test('every setting has a sentence and says its default', () => {
  for (const [name, row] of Object.entries(settingsTable)) {
    assert.match(name, /^KEYBEARER_[A-Z]+(?:_[A-Z]+)*$/)
    assert.match(row.sentence, /^[A-Z].*\.$/, name)
    assert.notEqual(row.shownDefault, '', name)
  }
})

test('allowed private networks are hosts, host:port pairs, addresses and networks', () => {
  const read = (text: string) => readSettings({ ...home, KEYBEARER_ALLOW_PRIVATE_NETWORKS: text }).settings.KEYBEARER_ALLOW_PRIVATE_NETWORKS
  assert.deepEqual(['true', 'false', '10.0.0.0/8, mail.test idp.test:8443,::1'].map(read), [true, [], ['10.0.0.0/8', 'mail.test', 'idp.test:8443', '::1']])
  addressRules(read('10.0.0.0/8,fd00::/8,127.0.0.1:9000'))
})

test('a network that is none is refused before anything runs', () => {
  for (const name of ['KEYBEARER_ALLOW_PRIVATE_NETWORKS', 'KEYBEARER_TRUSTED_PROXIES']) {
    for (const text of ['10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0/8', '/8', 'abc/8', '10.0.0.0/8/8', '[::1]:80', 'http://a.test', '*'])
      problemOf(() => readSettings({ ...home, [name]: text }))
  }
})

test('K5: an empty secret is refused, and not taken for one that was left out', () => {
  for (const [name, row] of Object.entries(settingsTable)) {
    if (row.secret !== true) continue
    assert.match(problemOf(() => readSettings({ ...home, [name]: '' })).message, new RegExp(`${name} is empty`))
    assert.match(problemOf(() => readSettings({ ...home, [`${name}_FILE`]: fileOf('\n') })).message, new RegExp(`${name} is empty`))
  }
})

test('N1: a runtime that does not check certificates, or lets old TLS in, is refused', () => {
  assert.match(problemOf(() => refuseUnsafeRuntime({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, [])).message, /NODE_TLS_REJECT_UNAUTHORIZED=0/)
  for (const flag of ['--tls-min-v1.0', '--tls-min-v1.1']) {
    problemOf(() => refuseUnsafeRuntime({}, [flag]))
    problemOf(() => refuseUnsafeRuntime({ NODE_OPTIONS: `--no-warnings ${flag}` }, []))
  }
})

test('K12: a runtime with a debugger, dumps of its memory or recorded TLS keys is refused', () => {
  const flags = [
    '--inspect',
    '--inspect=0.0.0.0:9229',
    '--inspect-brk',
    '--inspect-wait',
    '--inspect-port=1',
    '--heapsnapshot-signal=SIGUSR2',
    '--heapsnapshot-near-heap-limit=1',
    '--heap-prof',
    '--abort-on-uncaught-exception',
    '--report-on-fatalerror',
    '--report-on-signal',
    '--report-uncaught-exception',
    '--tls-keylog=/tmp/x',
    '--trace-tls',
  ]
  for (const flag of flags) {
    const problem = problemOf(() => refuseUnsafeRuntime({}, ['--disable-warning=ExperimentalWarning', flag]))
    assert.ok(problem.message.includes(flag.split('=')[0]!), problem.message)
    problemOf(() => refuseUnsafeRuntime({ NODE_OPTIONS: `--enable-source-maps ${flag}` }, []))
    problemOf(() => refuseUnsafeRuntime({ NODE_OPTIONS: `\t${flag}  --no-warnings` }, []))
  }
})

test('K12: quotes and underscores do not hide an option from the check', () => {
  for (const option of ['"--inspect=0"', '--no-warnings "--inspect"', '--abort_on_uncaught_exception', '--heap_prof', '"--tls_keylog=/tmp/x"']) {
    problemOf(() => refuseUnsafeRuntime({ NODE_OPTIONS: option }, []))
  }
  problemOf(() => refuseUnsafeRuntime({}, ['--abort_on_uncaught_exception']))
})

test('a usual runtime is accepted', () => {
  refuseUnsafeRuntime({ NODE_OPTIONS: '--max-old-space-size=512 --enable-source-maps', NODE_TLS_REJECT_UNAUTHORIZED: '1' }, [
    '--disable-warning=ExperimentalWarning',
    '--watch',
  ])
  refuseUnsafeRuntime({}, [])
})

test('the issuer of the sign-in stays as it was written, and is https but on loopback', () => {
  const issuer = (text: string) => readSettings({ ...home, KEYBEARER_SIGN_IN_ISSUER: text }).settings.KEYBEARER_SIGN_IN_ISSUER
  for (const text of ['https://accounts.google.com', 'https://id.example.org/realms/staff/', 'http://127.0.0.1:9000']) assert.equal(issuer(text), text)
  for (const text of ['http://id.example.org', 'id.example.org', 'https://u:p@id.example.org', 'https://id.example.org/?x=1']) {
    assert.match(problemOf(() => issuer(text)).message, /KEYBEARER_SIGN_IN_ISSUER must/, text)
  }
})
