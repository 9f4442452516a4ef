import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'

const passphrase = 'correct horse battery staple'

describe('export and import through the API', () => {
  let api: ApiWorld
  before(async () => {
    api = await openApiWorld()
    for (const name of ['one', 'two']) {
      const reply = await api.ask('POST', '/v1/credentials', { body: { name, kind: 'api_key', secret: `CANARY-${name}`, allowed_hosts: ['api.example'] } })
      assert.equal(reply.status, 201, reply.text)
    }
  })
  after(() => api.close())

  const exports = (body: object, key?: string) => api.ask('POST', '/v1/credentials/export', { body, ...(key === undefined ? {} : { key }) })
  const imports = (body: object, key?: string) => api.ask('POST', '/v1/credentials/import', { body, ...(key === undefined ? {} : { key }) })
  type Item = { name: string; action: string; final_name: string | null; problem: { code: string } | null; notes: string[] }

  it('gives a file, and takes it again', async () => {
    const file = await exports({ credentials: ['one'], secrets: 'encrypted', passphrase })
    assert.equal(file.status, 200, file.text)
    assert.match(String(file.json.file_name), /^keybearer-\d{4}-\d\d-\d\d\.age$/)
    assert.equal(file.json.count, 1)
    assert.equal(file.headers['cache-control'], 'no-store')
    const done = await imports({ content: file.json.content, passphrase, on_clash: 'rename' })
    assert.deepEqual([done.status, done.json.format, done.json.applied], [200, 'keybearer', true], done.text)
    assert.deepEqual(
      (done.json.items as Item[]).map((item) => [item.name, item.action, item.final_name]),
      [['one', 'rename', 'one 2']],
    )
    assert.equal((await api.ask('POST', '/v1/credentials/one%202/token')).json.access_token, 'CANARY-one')
  })

  it('P10: nothing that it answers holds a secret, of the store or of a file that was sent', async () => {
    const file = await exports({ secrets: 'encrypted', passphrase })
    const replies = [
      file,
      await exports({ secrets: 'none' }),
      await imports({ content: file.json.content, passphrase, on_clash: 'skip' }),
      await imports({ content: file.json.content, passphrase: 'CANARY-wrong', on_clash: 'skip' }),
      await imports({ content: 'name,kind,secret\nx,oauth2,CANARY-x\n', on_clash: 'skip' }),
      await imports({ content: 'name,kind,secret\nx,api_key,"CANARY-x\n', on_clash: 'skip' }),
      await imports({ content: '{"installed":{"client_id":"CANARY', on_clash: 'skip' }),
      await imports({ content: '[a]\ntype = drive\nclient_id = 1\ntoken = {CANARY\n', on_clash: 'skip' }),
    ]
    for (const reply of replies) assert.doesNotMatch(reply.text, /CANARY/)
    assert.ok(api.world.log.every((line) => !line.includes('CANARY') && !line.includes('battery staple')))
  })

  it('says what is wrong with a file and where, with one code for all kinds', async () => {
    const reply = await imports({ content: 'name,kind\na,api_key,b\n', on_clash: 'skip' })
    assert.deepEqual([reply.status, reply.json.code], [400, 'import_invalid'])
    assert.deepEqual(reply.json.errors, [{ path: 'line 2', message: 'must have as many fields as the first row: 2' }])
    const sealed = await exports({ secrets: 'encrypted', passphrase })
    assert.equal((await imports({ content: sealed.json.content, on_clash: 'skip' })).json.code, 'import_passphrase')
  })

  it('lets a key that manages and may not read tokens export facts alone', async () => {
    const manager = await api.makeKey({ permissions: [{ credential: '*', rights: ['read'] }], administration: ['manage'] })
    const { id } = (await api.ask('GET', '/v1/credentials/one')).json as { id: string }
    const oneToken = await api.makeKey({ permissions: [{ credential: id, rights: ['token'] }], administration: ['manage'] })
    assert.equal((await exports({ secrets: 'none' }, manager)).status, 200)
    assert.equal((await exports({ secrets: 'encrypted', passphrase }, manager)).json.code, 'not_allowed')
    assert.equal((await exports({ credentials: ['one'], secrets: 'encrypted', passphrase }, oneToken)).json.code, 'not_allowed')
    const all = await api.makeKey({ permissions: [{ credential: '*', rights: ['token'] }], administration: ['manage'] })
    assert.equal((await exports({ secrets: 'encrypted', passphrase }, all)).status, 200)
  })

  it('refuses an export that names what is not there, and a passphrase that protects nothing', async () => {
    assert.equal((await exports({ credentials: ['nobody'], secrets: 'none' })).status, 404)
    assert.equal((await exports({ secrets: 'encrypted', passphrase: 'short' })).status, 400)
    assert.equal((await exports({ secrets: 'none', passphrase })).status, 400)
  })
})
