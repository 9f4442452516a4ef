import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startPostgres } from '../rig/postgres.ts'
import { makeService, type TestService } from '../service.ts'
import { databases } from '../world.ts'

type Answer = { status: number; retryAfter: string | null; body: { code?: string; next_step?: string; access_token?: string } }

async function askForToken(service: TestService, key: string): Promise<Answer> {
  const response = await fetch(`${service.url}/v1/credentials/crm/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: '{}',
  })
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: (await response.json()) as Answer['body'] }
}

describe('PostgreSQL that goes away while the service runs', { skip: databases.includes('postgres') ? false : 'needs PostgreSQL' }, () => {
  it('hand-outs fail clearly while it is killed, and work again by themselves when it is back', { timeout: 120_000 }, async () => {
    const postgres = await startPostgres()
    const service = await makeService({ KEYBEARER_DATABASE_URL: postgres.url })
    try {
      await service.start()
      writeFileSync(join(service.folder, 'secret'), 'sk-1')
      await service.get('add', 'crm', '--kind', 'api_key', '--secret-file', join(service.folder, 'secret'))
      const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
      assert.equal((await askForToken(service, key)).status, 200)

      // Many are under way when it dies, so that connections are cut in the middle of queries and transactions too.
      const underWay = Array.from({ length: 40 }, () => askForToken(service, key))
      await postgres.kill9()
      const cut = await Promise.all(underWay)
      const after = [await askForToken(service, key), await askForToken(service, key)]
      for (const { status, retryAfter, body } of [...cut, ...after]) {
        if (status === 200) continue
        assert.equal(status, 503, JSON.stringify(body))
        assert.ok(body.code === 'storage_unavailable' || body.code === 'audit_blocked', JSON.stringify(body))
        assert.ok(Number(retryAfter) >= 1)
        assert.ok((body.next_step ?? '') !== '')
      }
      assert.ok(after.every((answer) => answer.status === 503))
      assert.equal((await fetch(`${service.url}/livez`)).status, 200)
      assert.equal((await fetch(`${service.url}/readyz`)).status, 503)
      const refused = await service.cli(['token', 'crm'])
      assert.deepEqual([refused.status, refused.stdout], [75, ''])

      await postgres.start()
      const back = await soon(async () => (await askForToken(service, key)).status === 200)
      assert.ok(back, 'hand-outs work again')
      assert.equal(await service.get('token', 'crm'), 'sk-1\n')
      assert.ok(await soon(async () => (await fetch(`${service.url}/readyz`)).status === 200))
      assert.match(await service.get('audit', 'verify'), /fit together/)
      assert.doesNotMatch(service.output(), /service\.(?:crashed|unhandled)/)
    } finally {
      await service.remove()
      await postgres.stop()
    }
  })
})

async function soon(what: () => Promise<boolean>): Promise<boolean> {
  for (let i = 0; i < 200; i++) {
    if (await what()) return true
    await new Promise((done) => setTimeout(done, 100))
  }
  return false
}
