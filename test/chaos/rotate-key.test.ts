import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { it } from 'node:test'
import { until } from '../mail-world.ts'
import { makeService } from '../service.ts'

const rounds = 8
const credentials = 450

it(
  'K8: the master key is replaced again and again while tokens leave and the service is killed; every secret opens, and the old keys go',
  { timeout: 300_000 },
  async () => {
    const service = await makeService({ KEYBEARER_LOG_LEVEL: 'warn' })
    try {
      await service.start()
      const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
      const call = async (method: string, path: string, body?: object) => {
        const response = await fetch(`${service.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        return (await response.json()) as Record<string, unknown>
      }
      const names: string[] = []
      const add = async (name: string) => {
        const made = await call('POST', '/v1/credentials', { name, kind: 'api_key', secret: `secret of ${name}` })
        assert.equal(typeof made.id, 'string', JSON.stringify(made))
        names.push(name)
      }
      for (let i = 0; i < credentials; i += 10) await Promise.all(Array.from({ length: 10 }, (_, j) => add(`c${i + j}`)))
      const fileOf = () => readFileSync(join(service.config, 'master.key'), 'utf8')
      const versionsIn = (text: string) => Array.from(text.matchAll(/^kbm1:(\d+):/gm), (match) => Number(match[1]))
      const firstKey = /^kbm1:1:(.*)$/m.exec(fileOf())![1]!

      for (let round = 0; round < rounds; round++) {
        const started = await call('POST', '/v1/master-key/rotation')
        assert.ok(started.state === 'running' || started.code === 'rotation_running', JSON.stringify(started))
        // Meanwhile secrets are kept and given out; what was not answered before the kill counts for nothing.
        const load = Promise.allSettled([
          add(`late${round}`),
          ...Array.from({ length: 10 }, (_, i) => call('POST', `/v1/credentials/c${round * 10 + i}/token`, {})),
        ])
        await new Promise((done) => setTimeout(done, Math.random() * 60))
        await service.kill9()
        await load
        await service.start()
      }
      const last = await until('the last rotation is finished', async () => {
        const view = (await call('GET', '/v1/master-key/rotation')) as { state: string; remaining: number; newest_version: number; problem: unknown }
        assert.equal(view.problem, null)
        return view.state === 'idle' && view.remaining === 0 ? view : undefined
      })
      assert.ok(last.newest_version >= 2, String(last.newest_version))
      await until('the old keys left the file', () => versionsIn(fileOf()).length === 1)
      assert.deepEqual(versionsIn(fileOf()), [last.newest_version])
      assert.ok(!fileOf().includes(firstKey))

      // A new process has the one key only.
      await service.stop()
      await service.start()
      for (let i = 0; i < names.length; i += 50) {
        const batch = names.slice(i, i + 50)
        const tokens = await Promise.all(batch.map(async (name) => (await call('POST', `/v1/credentials/${name}/token`, {})).access_token))
        assert.deepEqual(
          tokens,
          batch.map((name) => `secret of ${name}`),
        )
      }
      assert.match(await service.get('audit', 'verify'), /fit together/)
      await service.stop()
      const native = new DatabaseSync(join(service.data, 'keybearer.db'), { readOnly: true })
      try {
        const versions = native.prepare('select distinct master_key_version as version from data_keys').all()
        assert.deepEqual(
          versions.map((row) => row.version),
          [last.newest_version],
        )
      } finally {
        native.close()
      }
    } finally {
      await service.remove()
    }
  },
)
