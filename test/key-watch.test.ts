import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeService, type TestService } from './service.ts'

describe('a service that watches its access keys', () => {
  let service: TestService
  let key = ''
  before(async () => {
    service = await makeService({ KEYBEARER_TRUSTED_PROXIES: '127.0.0.1' })
    await service.start()
    writeFileSync(join(service.folder, 'secret'), 'a-secret\n')
    await service.get('add', 'weather', '--kind', 'api_key', '--secret-file', join(service.folder, 'secret'), '--host', '127.0.0.1')
    key = (await service.get('key', 'create', 'nightly', '--credential', 'weather', '--right', 'token')).trim()
  })
  after(() => service.remove())

  const ask = async (from: string, program: string) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-forwarded-for': from, 'user-agent': program }
    assert.equal((await fetch(`${service.url}/v1/credentials/weather/token`, { method: 'POST', headers, body: '{}' })).status, 200)
  }
  type Record = { actor: { name: string; address: string | null }; detail: { what: string; value: string } }
  const noted = async (count: number): Promise<Record[]> => {
    for (let i = 0; ; i++) {
      const { items } = JSON.parse(await service.get('audit', '--json', '--action', 'access_key.unusual')) as { items: Record[] }
      if (items.length >= count || i === 20) return items
      await new Promise((done) => setTimeout(done, 50))
    }
  }

  it('P4: sees where a call behind a proxy really came from, and by which program', async () => {
    await ask('203.0.113.5', 'curl/8.5.0')
    await ask('203.0.113.5', 'curl/8.9.1')
    await ask('203.0.113.9', 'curl/8.5.0')
    await ask('203.0.113.9', 'python-requests/2.32.3')
    await ask('203.0.113.9', 'python-requests/2.32.3')
    const records = await noted(2)
    assert.deepEqual(
      records.map(({ actor, detail }) => [actor.name, detail.what, detail.value]),
      [
        ['nightly', 'program', 'python-requests'],
        ['nightly', 'address', '203.0.113.9'],
      ],
    )
  })

  it('P4: says nothing of the command line on its own machine, whatever it asks for', async () => {
    for (const name of ['list', 'status']) await service.get(name)
    assert.equal(await service.get('token', 'weather'), 'a-secret\n')
    assert.equal((await noted(2)).length, 2)
  })
})
