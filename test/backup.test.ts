import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from './mail-world.ts'
import { makeService, type TestService } from './service.ts'
import { startFakeProvider, type FakeProvider } from './world.ts'

/** A provider that takes each refresh token once and ends its family when an old one comes. */
function rotating(fake: FakeProvider): { reuses: number; current: Map<string, string> } {
  const state = { reuses: 0, current: new Map<string, string>() }
  let n = 0
  fake.answer = ({ parameters }) => {
    const given = parameters.get('refresh_token') ?? ''
    const family = given.split('/')[0]!
    if (given !== (state.current.get(family) ?? `${family}/0`)) {
      state.reuses += 1
      return { status: 400, body: { error: 'invalid_grant', error_description: 'reuse detected' } }
    }
    n += 1
    state.current.set(family, `${family}/${n}`)
    return { body: { access_token: `at-${family}-${n}`, token_type: 'Bearer', expires_in: 3600, refresh_token: `${family}/${n}` } }
  }
  return state
}

describe('backup and restore', () => {
  let service: TestService
  let fake: FakeProvider
  before(async () => {
    fake = await startFakeProvider()
    service = await makeService()
    await service.start()
    writeFileSync(join(service.folder, 'secret'), 'CANARY-crm\n')
    await service.get('add', 'crm', '--kind', 'api_key', '--secret-file', join(service.folder, 'secret'))
  })
  after(async () => {
    await service.remove()
    await fake.close()
  })

  const path = (name: string) => join(service.folder, name)
  const key = () => readFileSync(join(service.config, 'access-key'), 'utf8').trim()
  const call = async (method: string, where: string, body?: object) => {
    const response = await fetch(`${service.url}${where}`, {
      method,
      headers: { authorization: `Bearer ${key()}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return (await response.json()) as Record<string, unknown>
  }
  const addRotating = async (name: string) => {
    const made = await call('POST', '/v1/credentials', {
      name,
      grant: 'authorization_code',
      registration: {
        name: `${name} registration`,
        provider: 'generic',
        client_id: 'c',
        client_secret: 's',
        placeholders: { token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize`, revocation_endpoint: `${fake.url}/revoke` },
      },
      refresh_token: `${name}/0`,
      scopes: ['a'],
    })
    assert.equal(typeof made.id, 'string', JSON.stringify(made))
    assert.match(await service.get('token', name), /^at-/)
  }
  const show = async (name: string) =>
    (await call('GET', `/v1/credentials/${name}`)) as { status: string; reason: { code: string; message: string } | null; next_step: { action: string } | null }
  /** Another machine: folders of its own, and the master key of the first unless told otherwise. */
  const elsewhere = (name: string, withKey = true) => {
    const environment = { KEYBEARER_DATA: path(`${name}/data`), KEYBEARER_CONFIG: path(`${name}/config`) }
    mkdirSync(environment.KEYBEARER_CONFIG, { recursive: true, mode: 0o700 })
    if (withKey) copyFileSync(join(service.config, 'master.key'), join(environment.KEYBEARER_CONFIG, 'master.key'))
    return environment
  }

  it('writes a whole copy while the service runs, for its owner only, and never over another file', async () => {
    const file = path('first.backup')
    const made = await service.cli(['backup', file])
    assert.deepEqual([made.status, made.stdout], [0, ''])
    assert.match(made.stderr, /bytes of database, checked\.\nIt opens with the master key [0-9a-f]{16} only/)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const bytes = readFileSync(file)
    assert.equal(bytes.subarray(0, 19).toString(), 'keybearer-backup 1\n')
    assert.ok(!bytes.includes('CANARY-crm'))
    const masterKey = /^kbm1:1:(.*)$/m.exec(readFileSync(join(service.config, 'master.key'), 'utf8'))![1]!
    assert.ok(!bytes.includes(masterKey) && !bytes.includes(Buffer.from(masterKey, 'base64')))
    assert.deepEqual(
      readdirSync(service.data).filter((name) => !name.startsWith('keybearer.')),
      [],
    )
    const again = await service.cli(['backup', file])
    assert.deepEqual([again.status, again.stderr], [1, `✗ ${file} exists already.\n`])
    assert.deepEqual(readFileSync(file), bytes)
    assert.deepEqual(
      readdirSync(service.folder).filter((name) => name.includes('unfinished')),
      [],
    )
    const status = (await call('GET', '/v1/status')) as { backup: { last_at: string; is_old: boolean } }
    assert.ok(Date.parse(status.backup.last_at) > Date.now() - 60_000)
    assert.equal(status.backup.is_old, false)
    assert.match(await service.get('audit', '--action', 'backup.made'), /local command line\s+backup\.made\s+done/)
  })

  it('without a place to write to, or a service, there is no file and the exit code says so', async () => {
    const nowhere = await service.cli(['backup', path('no/such/folder.backup')])
    assert.deepEqual([nowhere.status, nowhere.stdout], [1, ''])
    assert.match(nowhere.stderr, /cannot be written: ENOENT\. Nothing was left behind/)
    const alone = await service.cli(['backup', '-'], { environment: { KEYBEARER_URL: 'http://127.0.0.1:9' } })
    assert.deepEqual([alone.status, alone.stdout], [75, ''])
  })

  it('a backup that is cut off on its way is no file, and no backup', async (t) => {
    const bytes = readFileSync(path('first.backup'))
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) })
      response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    t.after(() => server.close())
    const { status, stderr } = await service.cli(['backup', path('cut.backup')], {
      environment: { KEYBEARER_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    })
    assert.equal(status, 1, stderr)
    assert.match(stderr, /cut off/)
    assert.deepEqual(
      readdirSync(service.folder).filter((name) => name.startsWith('cut')),
      [],
    )
  })

  it('is not restored under a running service, nor over a store, nor damaged, cut off, foreign or newer', async () => {
    const bytes = readFileSync(path('first.backup'))
    const running = await service.cli(['restore', path('first.backup'), '--replace'])
    assert.equal(running.status, 1)
    assert.match(running.stderr, /A Keybearer runs on .*\n.*Stop the service/)
    const environment = elsewhere('refusing')
    const data = environment.KEYBEARER_DATA
    const refused = async (content: Buffer | string, why: RegExp) => {
      writeFileSync(path('odd.backup'), content)
      const { status, stderr } = await service.cli(['restore', path('odd.backup')], { environment })
      assert.equal(status, 1, stderr)
      assert.match(stderr, why)
      assert.deepEqual(
        readdirSync(data).filter((name) => name !== 'keybearer.lock'),
        [],
      )
    }
    const flipped = Buffer.from(bytes)
    flipped[bytes.length - 5000] = flipped[bytes.length - 5000]! ^ 1
    await refused(flipped, /damaged: its checksum does not fit/)
    await refused(bytes.subarray(0, -10), /was cut off: it has \d+ bytes of database instead of \d+/)
    await refused(bytes.subarray(0, 40), /cut off/)
    await refused(Buffer.concat([bytes, Buffer.from('x')]), /Something was added/)
    await refused('', /is no backup/)
    await refused('SQLite format 3\0 and more of it', /is no backup/)
    await refused(
      Buffer.concat([Buffer.from('keybearer-backup 2\n'), bytes.subarray(19)]),
      /has the format 2; this Keybearer knows formats up to 1\. Nothing was changed/,
    )
    assert.match((await service.cli(['restore', path('nowhere')], { environment })).stderr, /There is no file/)
  })

  it('says which master key is missing, and makes none', async () => {
    const fingerprint = /master key ([0-9a-f]{16}) only/.exec((await service.cli(['backup', path('second.backup')])).stderr)![1]!
    const environment = elsewhere('keyless', false)
    const missing = await service.cli(['restore', path('second.backup')], { environment })
    assert.equal(missing.status, 1)
    assert.ok(missing.stderr.includes(fingerprint), missing.stderr)
    assert.ok(!existsSync(join(environment.KEYBEARER_CONFIG, 'master.key')))
    const other = Buffer.from('another key that opens nothing..').toString('base64')
    writeFileSync(join(environment.KEYBEARER_CONFIG, 'master.key'), `kbm1:1:${other}\n`, { mode: 0o600 })
    const wrong = await service.cli(['restore', path('second.backup')], { environment })
    assert.equal(wrong.status, 1)
    assert.match(wrong.stderr, /The master key has the fingerprint/)
    assert.ok(wrong.stderr.includes(fingerprint))
  })

  it(
    'K10: a backup is restored on another machine with the key; what a provider replaced since is tried once and says what happened',
    { timeout: 120_000 },
    async () => {
      const provider = rotating(fake)
      await addRotating('moved')
      await addRotating('kept')
      await service.get('backup', path('third.backup'))
      await service.get('refresh', 'moved')
      await service.stop()
      const asked = fake.seen.length

      rmSync(service.data, { recursive: true })
      const restored = await service.cli(['restore', path('third.backup')])
      assert.equal(restored.status, 0, restored.stderr)
      assert.equal(fake.seen.length, asked)
      await service.start()
      const moved = await until('what was replaced is refused', async () => {
        const view = await show('moved')
        return view.status === 'needs_consent' ? view : undefined
      })
      assert.equal(moved.reason?.code, 'rotation_lost')
      assert.match(moved.reason.message, /^The backup of .* UTC was restored: .* had replaced the refresh token since/)
      assert.equal(moved.next_step?.action, 'reconnect')
      const kept = await until('what was not replaced works', async () => {
        const view = await show('kept')
        return view.status === 'ready' ? view : undefined
      })
      assert.equal(kept.reason, null)
      assert.equal(fake.seen.length, asked + 2, 'each was tried once')
      assert.equal(provider.reuses, 1)
      assert.match(await service.get('token', 'kept'), /^at-kept/)
      assert.equal(await service.get('token', 'crm'), 'CANARY-crm\n')
      assert.match((await service.cli(['audit', '--action', 'backup.restored'])).stdout, /backup\.restored/)
      assert.match((await service.cli(['audit', 'verify'])).stdout, /fit together/)
      assert.match((await service.cli(['doctor'])).stdout, /restored backup: The backup of .* was restored.*is back/)
    },
  )

  it('replaces a store only when told, keeps the old one, and names who was revoked since', async () => {
    const made = await call('POST', '/v1/access-keys', { name: 'leaver', permissions: [{ credential: '*', rights: ['read'] }] })
    await service.get('backup', path('fourth.backup'))
    await fetch(`${service.url}/v1/access-keys/${(made.access_key as { id: string }).id}`, { method: 'DELETE', headers: { authorization: `Bearer ${key()}` } })
    await service.kill9()
    const refused = await service.cli(['restore', path('fourth.backup')])
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /There is a store in .* already\. Nothing was changed\.\n.*--replace/)
    const done = await service.cli(['restore', path('fourth.backup'), '--replace'])
    assert.equal(done.status, 0, done.stderr)
    const kept = /is kept: (.*)/.exec(done.stderr)![1]!
    assert.ok(statSync(kept).size > 0)
    assert.deepEqual(
      readdirSync(service.data).filter((name) => /restore|wal|shm/.test(name)),
      [],
    )
    await service.start()
    const report = (await service.cli(['doctor'])).stdout
    assert.match(report, /Revoked or removed after it, and back now: the access key "leaver"/)
  })
})
