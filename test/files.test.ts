import assert from 'node:assert/strict'
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { z } from 'zod'
import { contract } from '../src/api/contract.ts'
import type { Endpoint } from '../src/api/endpoint.ts'
import { openApiWorld, type ApiWorld } from './api-world.ts'
import { readSource } from './source-code.ts'

const root = join(import.meta.dirname, '..')

/** The only files of the service that open a file, and what they may open: all of it is named by the settings. */
const readers: Record<string, string> = {
  'src/access/backups.ts': 'the temporary copy beside the store',
  'src/api/page-files.ts': 'the built web page',
  'src/config.ts': 'files named by KEYBEARER_*_FILE',
  'src/mail/relay.ts': 'the certificate of the relay, named by the settings',
  'src/main.ts': 'package.json, KEYBEARER_CA_FILE',
  'src/main/relay-certificate.ts': 'the certificate of the relay, named by the settings or in KEYBEARER_CONFIG',
  'src/crypto/master-key.ts': 'the master key',
  'src/providers/catalogue.ts': 'the catalogue and KEYBEARER_PROVIDERS',
  'src/providers/popular.ts': 'the popular configurations that come with the program',
  'src/providers/diagnoses.ts': 'the diagnoses that come with the program',
  'src/providers/password-mail.ts': 'the mail services without OAuth that come with the program',
  'src/storage/backup.ts': 'the copy of the embedded database',
  'src/storage/restore.ts': 'the data folder, while no service runs',
  'src/storage/sqlite.ts': 'the embedded database',
  'src/storage/wal-sync.ts': 'the log of the embedded database',
}

/**
 * The only file of the service that starts a program, and which. It is the administrator's: whoever may set it may as well
 * start programs himself. What it is told comes on its standard input; nothing from outside is an argument or a path.
 */
const starters: Record<string, string> = { 'src/mail/notice-command.ts': 'the program named by KEYBEARER_NOTIFY_COMMAND' }

test('A9: only what reads the settings of the server opens files, and the service starts no program but the one they name', () => {
  const found: string[] = []
  const starting: string[] = []
  const files = globSync('src/**/*.ts', { cwd: root }).filter((path) => !path.endsWith('.test.ts') && !path.startsWith('src/cli/'))
  assert.ok(files.length > 100)
  for (const path of files) {
    const { imports } = readSource(path, readFileSync(join(root, path), 'utf8'))
    for (const { from, names } of imports) {
      if (/^(?:node:)?child_process$/.test(from)) {
        starting.push(path)
        assert.equal(names, '{ spawn }', `${path} takes no more from child_process than what starts one program`)
      }
      if (/^(?:node:)?(?:cluster|worker_threads|vm|module|inspector)$/.test(from)) assert.fail(`${path} imports ${from}`)
      if (/^(?:node:)?fs(?:\/promises)?$/.test(from)) found.push(path)
    }
  }
  assert.deepEqual([...new Set(found)].sort(), Object.keys(readers).sort())
  assert.deepEqual(starting, Object.keys(starters))
})

test('A9: the program is the one of the settings, without arguments and without a shell', () => {
  const { code } = readSource('notice-command.ts', readFileSync(join(root, Object.keys(starters)[0]!), 'utf8'))
  assert.equal(code.match(/\bspawn\(/g)?.length, 1)
  assert.match(code, /\bspawn\(file, \[\], \{/)
  assert.doesNotMatch(code, /\bshell\b|process\.env/)
  // Whoever makes a handler or an alarm gives the path: main.ts alone, from the settings.
  const users = globSync('src/**/*.ts', { cwd: root }).filter(
    (path) => !path.endsWith('.test.ts') && /\b(?:commandHandler|runNoticeCommand)\(/.test(readFileSync(join(root, path), 'utf8')),
  )
  assert.deepEqual(users.sort(), ['src/mail/audit-alarm.ts', 'src/mail/notice-command.ts', 'src/main/notifications.ts'])
  const main = readFileSync(join(root, 'src/main.ts'), 'utf8')
  assert.match(main, /createNotifications\(\s*\{ \.\.\.mail, http \},\s*\{[\s\S]{0,600}\bcommand: settings\.KEYBEARER_NOTIFY_COMMAND,/)
})

test('A9: no field of the API names a file, a folder or a program, and settings are read only', () => {
  const names = new Set<string>()
  const collect = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return
    const { properties } = schema as { properties?: Record<string, unknown> }
    for (const name of Object.keys(properties ?? {})) names.add(name)
    for (const inner of Object.values(schema)) collect(inner)
  }
  for (const row of contract as readonly Endpoint[]) {
    for (const schema of [row.params, row.query, row.body]) if (schema) collect(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
    if (/settings|log|plugin|catalogue/.test(row.path)) assert.equal(row.method, 'GET', row.path)
  }
  assert.ok(names.size > 80)
  // The name that an attachment bears in the mail is opened by nobody.
  const suspicious = [...names].filter((name) =>
    /(?:^|_)(?:path|file|folder|dir|directory|command|exec|program|plugin|module|script|socket|log)(?:_|$)/.test(name),
  )
  assert.deepEqual(suspicious, [])
})

describe('texts that look like files', () => {
  let api: ApiWorld
  let folder = ''
  before(async () => {
    api = await openApiWorld()
    folder = mkdtempSync(join(tmpdir(), 'keybearer-files-'))
    writeFileSync(join(folder, 'secret.pem'), '-----BEGIN CERTIFICATE-----\nCANARY-file\n-----END CERTIFICATE-----\n')
    symlinkSync(join(folder, 'secret.pem'), join(folder, 'link'))
  })
  after(async () => {
    await api.close()
    rmSync(folder, { recursive: true })
  })

  it('A9: are taken as texts or refused, in every field: nothing is read, made or changed', async () => {
    const here = () => readdirSync(folder).sort()
    const data = () =>
      readdirSync(api.world.place.folder)
        .filter((name) => !/^keybearer\.db(?:-wal|-shm|-journal)?$/.test(name))
        .sort()
    const before = [here(), data(), readFileSync(join(folder, 'secret.pem'), 'utf8')]
    const own = { version: 1, name: 'x', token_endpoint: 'https://as.example/token', grants: ['client_credentials'], client_auth: ['none'] }
    for (const path of [
      join(folder, 'secret.pem'),
      join(folder, 'link'),
      `${folder}/../x`,
      '../../../../etc/passwd',
      '/dev/stdin',
      'file:///etc/passwd',
      '/proc/self/environ',
      'C:\\x',
      '|id',
      '`id`',
      '$(id)',
    ]) {
      const replies = [
        await api.ask('POST', '/v1/providers', { body: { ...own, id: path } }),
        await api.ask('POST', '/v1/providers', { body: { ...own, id: 'p', token_endpoint: path } }),
        await api.ask('GET', `/v1/providers/${encodeURIComponent(path.replaceAll('/', '%'))}`),
        await api.ask('POST', '/v1/providers/discover', { body: { issuer: path } }),
        await api.ask('POST', '/v1/registrations', { body: { name: 'r', provider: path, client_id: 'c', client_secret: 's' } }),
        await api.ask('POST', '/v1/registrations', {
          body: { name: 'r', provider: 'google', client_id: 'c', private_key: path, client_auth: 'private_key_jwt' },
        }),
        await api.ask('POST', '/v1/registrations', { body: { name: 'r', provider: 'google', client_id: 'c', client_secret: 's', certificate: path } }),
        await api.ask('POST', '/v1/senders', { body: { name: 's', host: path, from: 'a@example.org' } }),
        await api.ask('POST', '/v1/senders', { body: { name: 's', host: 'smtp.example.org', from: 'a@example.org', ca: path } }),
        await api.ask('POST', '/v1/credentials', { body: { name: 'c', google_json: { installed: path } } }),
      ]
      for (const [i, reply] of replies.entries()) {
        assert.ok(reply.status >= 400 && reply.status < 503, `${i} ${path}: ${reply.status} ${reply.text}`)
        assert.doesNotMatch(reply.text, /CANARY-file|root:/)
      }
    }
    assert.deepEqual([here(), data(), readFileSync(join(folder, 'secret.pem'), 'utf8')], before)
    assert.ok(!existsSync(join(folder, '..', 'x')))
  })
})
