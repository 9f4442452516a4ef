import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startMailSink, type MailSink } from '../demo/mail-sink.ts'
import { Agent } from './rig/agent.ts'
import { clientSecrets, startAuthorizationServer, type AuthorizationServer } from './rig/authorization-server.ts'
import { makeService, runCommand, type TestService } from './service.ts'

const canary = (name: string) => `CANARY-${name}-${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`

describe('the main job, from the command line', () => {
  let service: TestService
  let server: AuthorizationServer
  let sink: MailSink
  /** Everything secret that the run came across. */
  const secrets: Record<string, string> = {}
  /** Everything that the service said to anybody but on purpose. */
  const said: string[] = []
  const tokens = new Set<string>()

  before(async () => {
    server = await startAuthorizationServer()
    sink = await startMailSink(async (token) => ({ active: tokens.has(token), username: 'alice@rig.test' }))
    service = await makeService()
    await service.start()
  })
  after(async () => {
    await service.remove()
    await sink.stop()
    await server.stop()
  })

  const k = async (parameters: string[], input?: string) => {
    const result = await service.cli(parameters, input === undefined ? {} : { input })
    said.push(
      result.stderr,
      ...(parameters[0] === 'token' || parameters[0] === 'run' || (parameters[0] === 'key' && parameters[1] === 'create') ? [] : [result.stdout]),
    )
    return result
  }
  const ok = async (...parameters: string[]) => {
    const result = await k(parameters)
    assert.equal(result.status, 0, `${parameters.join(' ')}: ${result.stderr}`)
    return result.stdout
  }
  const connect = async (name: string) => {
    const started = JSON.parse(await api('POST', `/v1/credentials/${name}/consent`, { mode: 'browser' })) as { authorization_url: string; id: string }
    const registration = (JSON.parse(await ok('show', name, '--json')) as { registration: { id: string } }).registration.id
    const agent = new Agent({ user: 'alice', stop: `${service.url}/oauth/callback/${registration}` })
    const answer = (await agent.visit(started.authorization_url)).url
    secrets[`state ${name}`] = new URL(answer).searchParams.get('state')!
    secrets[`code ${name}`] = new URL(answer).searchParams.get('code')!
    const response = await fetch(answer, { redirect: 'manual', headers: { cookie: agent.cookieFor(answer) } })
    said.push(await response.text())
    assert.equal(response.status, 303)
    const page = await fetch(new URL(response.headers.get('location')!, answer))
    said.push(await page.text())
  }
  const key = () => readFileSync(join(service.config, 'access-key'), 'utf8').trim()
  const api = async (method: string, path: string, body?: unknown): Promise<string> => {
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key()}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return await response.text()
  }

  it('K11: what the first start makes can be read by its owner only', () => {
    for (const [path, mode] of [
      [service.data, 0o700],
      [service.config, 0o700],
      [join(service.config, 'master.key'), 0o600],
      [join(service.config, 'access-key'), 0o600],
      [join(service.data, 'keybearer.db'), 0o600],
    ] as const) {
      assert.equal((statSync(path).mode & 0o777).toString(8), mode.toString(8), path)
    }
    for (const name of readdirSync(service.data)) assert.equal(statSync(join(service.data, name)).mode & 0o077, 0, name)
    secrets['access key'] = key()
    secrets['master key'] = readFileSync(join(service.config, 'master.key'), 'utf8')
      .split('\n')
      .find((line) => line.startsWith('kbm1:'))!
      .split(':')[2]!
  })

  it('connects a provider by its issuer, hands the token out, and nothing but the token is on stdout', async () => {
    const file = join(service.folder, 'client-secret')
    writeFileSync(file, clientSecrets['web-basic'])
    secrets['client secret'] = clientSecrets['web-basic']
    await ok(
      'add',
      'work-mail',
      '--issuer',
      server.issuer,
      '--client-id',
      'web-basic',
      '--client-secret-file',
      file,
      '--scope',
      'openid,email,offline_access,smtp.send',
      '--host',
      '127.0.0.1',
      '--host',
      new URL(server.issuer).host,
    )
    await connect('work-mail')
    const token = (await k(['token', 'work-mail'])).stdout
    assert.match(token, /^\S{20,}\n$/)
    secrets['access token'] = token.trim()
    tokens.add(token.trim())
    const sasl = Buffer.from((await k(['token', 'work-mail', '--xoauth2'])).stdout.trim(), 'base64').toString()
    assert.equal(sasl, `user=alice@rig.test\x01auth=Bearer ${token.trim()}\x01\x01`)
    const json = JSON.parse((await k(['token', 'work-mail', '--json', '--min-ttl', '60'])).stdout) as { expires_in: number; token_type: string }
    assert.equal(json.token_type, 'Bearer')
    assert.ok(json.expires_in >= 60)
    assert.match(await ok('list'), /work-mail +alice@rig.test .*ready/)
    assert.match(await ok('test', 'work-mail'), /✓ token/)
  })

  it('runs a command with a token in its environment, and gives its exit code back', async () => {
    const result = await k([
      'run',
      '--env',
      'TOKEN=work-mail',
      '--',
      'sh',
      '-c',
      'test -n "$TOKEN" && test -z "$KEYBEARER_ACCESS_KEY" && echo "$TOKEN"; exit 7',
    ])
    assert.equal(result.status, 7)
    assert.equal(result.stdout.trim(), secrets['access token'])
    assert.equal((await k(['run', '--env', 'TOKEN=work-mail', '--', 'no-such-command'])).status, 127)
  })

  it('K12: no secret is in a command line, nor in the environment of a command but the token that was asked for', async () => {
    const look = 'tr "\\0" " " < /proc/$PPID/cmdline; echo; tr "\\0" "\\n" < /proc/$PPID/environ | grep -c CANARY; env'
    const environment = { KEYBEARER_MASTER_KEY_PASSPHRASE: 'CANARY-passphrase', KEYBEARER_DATABASE_URL: 'postgres://CANARY@127.0.0.1/x' }
    const result = await service.cli(['run', '--env', 'TOKEN=work-mail', '--', 'sh', '-c', look], { environment })
    assert.equal(result.status, 0, result.stderr)
    const [line = '', given = '', ...variables] = result.stdout.split('\n')
    assert.match(line, /keybearer.*run --env TOKEN=work-mail/)
    assert.equal(given, '2', 'they were in the environment of the command line itself')
    for (const text of [secrets['access token']!, key(), secrets['client secret']!, 'CANARY-passphrase', 'CANARY@']) {
      assert.ok(!line.includes(text))
      assert.deepEqual(
        variables.filter((variable) => variable.includes(text)),
        text === secrets['access token'] ? [`TOKEN=${text}`] : [],
      )
    }
  })

  it('sends a mail with it, that is in the mail server', async () => {
    await ok(
      'sender',
      'add',
      'office',
      '--host',
      '127.0.0.1',
      '--port',
      String(sink.smtpPort),
      '--tls',
      'none',
      '--credential',
      'work-mail',
      '--from',
      'alice@rig.test',
      '--default',
    )
    secrets['mail body'] = canary('body')
    const result = await k(['send', '--to', 'bob@rig.test', '--subject', 'Hello', '--text-file', '-'], secrets['mail body'])
    assert.equal(result.status, 0, result.stderr)
    assert.match(result.stdout, /^msg_\w+ sent\n$/)
    assert.ok(sink.mails[0]?.text.includes(secrets['mail body']))
  })

  it('an access key allows what it was made for and nothing else', async () => {
    const made = (await k(['key', 'create', 'backup-job', '--credential', 'work-mail', '--right', 'token', '--expires', '30d'])).stdout.trim()
    secrets['second access key'] = made
    const as = async (...parameters: string[]) => {
      const result = await service.cli(parameters, { environment: { KEYBEARER_ACCESS_KEY: made } })
      said.push(result.stderr)
      return result
    }
    assert.equal((await as('token', 'work-mail')).status, 0)
    await ok('add', 'other', '--kind', 'api_key', '--secret-file', fileWith('other', canary('api-key')))
    assert.equal((await as('token', 'other')).status, 3, 'a credential it may not know is as good as none')
    assert.equal((await as('key', 'list')).status, 6)
    assert.equal((await as('delete', 'work-mail', '--yes')).status, 6)
    await ok('key', 'revoke', 'backup-job')
    assert.equal((await as('token', 'work-mail')).status, 4)
  })

  const fileWith = (name: string, text: string): string => {
    secrets[name] = text
    const file = join(service.folder, `${name}.txt`)
    writeFileSync(file, text)
    return file
  }

  it('exit codes say what is the matter', async () => {
    assert.equal((await k(['token', 'nothing-like-it'])).status, 3)
    assert.equal((await k(['tokn', 'work-mail'])).status, 2)
    assert.equal((await k(['token'])).status, 2)
    await ok('add', 'unconnected', '--provider', 'google', '--client-id', 'x', '--client-secret-file', fileWith('google', canary('google-secret')))
    assert.equal((await k(['token', 'unconnected'])).status, 5)
    const away = await service.cli(['token', 'work-mail'], { environment: { KEYBEARER_URL: 'http://127.0.0.1:9' } })
    assert.equal(away.status, 75)
    assert.match(away.stderr, /does not answer/)
    chmodSync(join(service.config, 'access-key'), 0o644)
    const open = await k(['token', 'work-mail'])
    assert.equal(open.status, 4)
    assert.match(open.stderr, /chmod 600/)
    chmodSync(join(service.config, 'access-key'), 0o600)
  })

  it('a second service on the same data is refused, and the first goes on', async () => {
    const second = await runCommand(
      [process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, '..', 'bin', 'keybearer.js'), 'serve'],
      { ...service.environment, KEYBEARER_PORT: '0' },
    )
    assert.equal(second.status, 1)
    assert.match(second.stderr, /Another Keybearer runs on/)
    await ok('status')
  })

  it('rotates the master key while it runs, and everything still opens', async () => {
    const before = readFileSync(join(service.config, 'master.key'), 'utf8')
    assert.match(await ok('rotate-key'), /version 2/)
    const after = readFileSync(join(service.config, 'master.key'), 'utf8')
    assert.notEqual(before, after)
    assert.ok(!after.includes('kbm1:1:'))
    secrets['new master key'] = after
      .split('\n')
      .find((line) => line.startsWith('kbm1:'))!
      .split(':')[2]!
    await service.stop()
    await service.start()
    assert.equal((await k(['token', 'work-mail'])).status, 0)
    assert.equal((await k(['token', 'other'])).stdout.trim(), secrets.other)
  })

  it('K6: another master key is refused, and nothing is written', async () => {
    await service.stop()
    const digest = () =>
      readdirSync(service.data)
        .filter((name) => name.startsWith('keybearer.db'))
        .map((name) =>
          createHash('sha256')
            .update(readFileSync(join(service.data, name)))
            .digest('hex'),
        )
        .join()
    const before = digest()
    const serve = async (environment: Record<string, string>) =>
      await runCommand([process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, '..', 'bin', 'keybearer.js'), 'serve'], {
        ...service.environment,
        ...environment,
      })
    const wrong = await serve({ KEYBEARER_MASTER_KEY: Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64') })
    assert.equal(wrong.status, 1)
    assert.match(wrong.stderr, /needs [0-9a-f]{16}/)
    const missing = await serve({ KEYBEARER_CONFIG: join(service.folder, 'elsewhere') })
    assert.equal(missing.status, 1)
    assert.match(missing.stderr, /no key file/)
    assert.equal(digest(), before)
    await service.start()
  })

  it('N1: NODE_TLS_REJECT_UNAUTHORIZED=0 stops the start', async () => {
    const result = await runCommand(
      [process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, '..', 'bin', 'keybearer.js'), 'serve'],
      { ...service.environment, KEYBEARER_DATA: join(service.folder, 'other-data'), NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    )
    assert.equal(result.status, 2)
    assert.match(result.stderr, /certificates/)
  })

  it('A8: a token that was found somewhere is read from stdin, and its hand-outs are shown', async () => {
    const found = await k(['audit', '--token'], `${secrets['access token']}\n`)
    assert.match(found.stdout, /token\.handed_out +work-mail +done/)
    assert.match((await k(['audit', '--token'], 'another')).stdout, /never handed out/)
    const refused = await k(['audit', '--token', secrets['access token']!])
    assert.equal(refused.status, 2, 'a secret is never an argument')
    said.splice(said.indexOf(refused.stderr), 1)
  })

  it('A3: the audit trail verifies, and fails when a record is changed by hand', async () => {
    assert.equal((await k(['audit', 'verify'])).status, 0)
    await service.stop()
    const { DatabaseSync } = await import('node:sqlite')
    const change = (sql: string) => {
      const db = new DatabaseSync(join(service.data, 'keybearer.db'))
      db.exec(sql)
      db.close()
    }
    change(`update audit set outcome = 'failed' where seq = 3`)
    await service.start()
    const verified = await k(['audit', 'verify'])
    assert.equal(verified.status, 1)
    assert.match(verified.stdout, /first bad record is 3/)
    await service.stop()
    change(`update audit set outcome = 'done' where seq = 3`)
    await service.start()
    assert.equal((await k(['audit', 'verify'])).status, 0)
  })

  it('A4, K1, K7: after all this no secret lies in the database, the log, the replies, the audit trail, the events or the metrics', async () => {
    secrets['refreshed'] = (await k(['token', 'work-mail'])).stdout.trim()
    for (const path of [
      '/v1/credentials',
      '/v1/registrations',
      '/v1/access-keys',
      '/v1/senders',
      '/v1/mail/messages',
      '/v1/audit?limit=500',
      '/v1/settings',
      '/v1/status',
      '/v1/doctor',
      '/metrics',
      '/openapi.json',
      '/v1/providers',
    ]) {
      said.push(await api('GET', path))
    }
    said.push(await api('POST', '/v1/credentials', { name: 'broken', kind: 'api_key', secret: secrets.other, unknown_field: 1 }))
    said.push(await api('POST', '/v1/credentials/work-mail/token', { min_ttl_seconds: 99_999_999 }))
    said.push(await readEvents())
    await service.kill9()
    const haystacks = new Map<string, Buffer>([
      ['log', Buffer.from(service.output())],
      ['replies', Buffer.from(said.join('\n'))],
    ])
    for (const name of readdirSync(service.data)) haystacks.set(name, readFileSync(join(service.data, name)))
    // The key file and the local access key are where they belong; the scan covers everything else.
    for (const [what, secret] of Object.entries(secrets)) {
      for (const [form, needle] of formsOf(secret)) {
        for (const [where, haystack] of haystacks) assert.ok(!haystack.includes(needle), `${what} lies in ${where}${form === 'plain' ? '' : `, as ${form}`}`)
      }
    }
  })

  const readEvents = async (): Promise<string> => {
    const stop = new AbortController()
    const response = await fetch(`${service.url}/v1/events`, { headers: { authorization: `Bearer ${key()}`, 'last-event-id': '1' }, signal: stop.signal })
    let text = ''
    const reader = response.body!.getReader()
    const late = setTimeout(() => stop.abort(), 1000)
    try {
      for (let i = 0; i < 50; i++) {
        const { value, done } = await reader.read()
        if (done) break
        text += Buffer.from(value).toString('utf8')
      }
    } catch {
      // Aborted after a second: what came until then is what is looked through.
    }
    clearTimeout(late)
    assert.match(text, /credential\.connected/)
    return text
  }
})

function formsOf(secret: string): [string, Buffer][] {
  const bytes = Buffer.from(secret, 'utf8')
  const base64 = bytes.toString('base64').replace(/=+$/, '')
  const forms: [string, string][] = [
    ['plain', secret],
    ['base64', base64.slice(0, -2)],
    ['base64url', bytes.toString('base64url').slice(0, -2)],
    ['hex', bytes.toString('hex')],
    ['url', encodeURIComponent(secret)],
    ['json', JSON.stringify(secret).slice(1, -1)],
  ]
  return forms.filter(([, text]) => text.length >= 12).map(([form, text]) => [form, Buffer.from(text)])
}
