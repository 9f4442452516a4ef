import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeService, type TestService } from './service.ts'
import { startFakeProvider, type FakeProvider } from './world.ts'

const root = join(import.meta.dirname, '..')
const entry = join(root, 'bin', 'keybearer.js')

describe('the processes of the service and of the command line', { skip: process.platform === 'linux' ? false : 'needs Linux' }, () => {
  const masterKey = randomBytes(32).toString('base64')
  const clientSecret = `CANARY-client-${randomBytes(8).toString('hex')}`
  const refreshToken = `CANARY-refresh-${randomBytes(8).toString('hex')}`
  const accessToken = `CANARY-access-${randomBytes(8).toString('hex')}`
  let service: TestService
  let fake: FakeProvider
  let running: ChildProcess
  let seen = ''

  const secrets = () => [masterKey, clientSecret, refreshToken, accessToken, readFileSync(join(service.config, 'access-key'), 'utf8').trim()]

  before(async () => {
    fake = await startFakeProvider()
    fake.answer = () => ({ body: { access_token: accessToken, expires_in: 3600, refresh_token: refreshToken } })
    service = await makeService({ KEYBEARER_MASTER_KEY: masterKey })
    seen = join(service.folder, 'seen')
    mkdirSync(seen)
    const opener = join(service.folder, 'xdg-open')
    writeFileSync(opener, `#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ > '${seen}/new'\nmv '${seen}/new' '${seen}/xdg-open'\n`)
    chmodSync(opener, 0o700)
    // As large a dump as the machine allows.
    const words = ['-c', 'ulimit -c unlimited; cd "$0" && exec "$@"', service.folder, process.execPath, '--disable-warning=ExperimentalWarning', entry, 'serve']
    running = spawn('sh', words, { env: service.environment, stdio: 'ignore' })
    await until('the service answers', async () => (await fetch(`${service.url}/readyz`).catch(() => null))?.status === 200)
    const file = join(service.folder, 'client-secret')
    writeFileSync(file, clientSecret)
    const places = [`token_endpoint=${fake.url}/token`, `authorization_endpoint=${fake.url}/authorize`].flatMap((place) => ['--placeholder', place])
    await service.get('registration', 'add', 'app', '--provider', 'generic', '--client-id', 'c', '--client-secret-file', file, ...places)
    await service.get('add', 'work', '--registration', 'app', '--grant', 'authorization_code')
  })
  after(async () => {
    running.kill('SIGKILL')
    await service.remove()
    await fake.close()
  })

  it('K12: the browser that the command line opens has no secret in its command line or its environment', { timeout: 60_000 }, async () => {
    const environment = {
      ...service.environment,
      PATH: `${service.folder}:${service.environment.PATH}`,
      DISPLAY: ':0',
      KEYBEARER_ACCESS_KEY: readFileSync(join(service.config, 'access-key'), 'utf8').trim(),
    }
    // A terminal: without one no browser is opened.
    const child = spawn('script', ['-qec', `'${process.execPath}' '${entry}' connect work`, '/dev/null'], { env: environment, stdio: 'ignore' })
    try {
      await until('the browser is opened', () => existsSync(join(seen, 'xdg-open')))
    } finally {
      child.kill('SIGKILL')
    }
    const text = readFileSync(join(seen, 'xdg-open'), 'utf8')
    assert.match(text, /xdg-open\0http:\/\/127\.0\.0\.1:\d+\/oauth\/start\//)
    assert.match(text, /\0KEYBEARER_PORT=/, 'the look itself works')
    for (const secret of secrets()) assert.ok(!text.includes(secret))
  })

  it('K12: a dump of the service, when it is ended by SIGQUIT or SIGABRT, holds no memory', { timeout: 60_000 }, async () => {
    assert.match(readFileSync(`/proc/${running.pid}/limits`, 'utf8'), /Max core file size +unlimited/)
    assert.equal(Number.parseInt(readFileSync(`/proc/${running.pid}/coredump_filter`, 'utf8'), 16), 0)
    assert.ok(readFileSync(`/proc/${running.pid}/environ`, 'utf8').includes(masterKey), 'it has the key')
    const ended = new Promise((done) => running.once('exit', (_, signal) => done(signal)))
    running.kill('SIGABRT')
    assert.equal(await ended, 'SIGABRT')
    const dumps = readdirSync(service.folder).filter((name) => /^core\b/.test(name))
    for (const name of dumps) {
      const dump = readFileSync(join(service.folder, name))
      for (const secret of secrets()) for (const form of [Buffer.from(secret), Buffer.from(secret, 'base64')]) assert.equal(dump.indexOf(form), -1)
    }
  })
})

async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await is()) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`not within 20 s: ${what}`)
}
