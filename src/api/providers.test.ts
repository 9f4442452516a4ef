import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'

describe('providers through the API', () => {
  let api: ApiWorld
  let key = ''
  before(async () => {
    api = await openApiWorld()
    key = await api.makeKey({ name: 'manager', permissions: [], administration: ['manage'] })
  })
  after(async () => await api.close())
  const get = async (path: string) => await api.ask('GET', path, { key })
  const ids = (json: Record<string, unknown>) => (json.items as { id: string }[]).map(({ id }) => id)

  it('come a page at a time, each once, in the order of their names', async () => {
    const seen: string[] = []
    for (let cursor = ''; ;) {
      const { status, json } = await get(`/v1/providers?limit=37${cursor}`)
      assert.equal(status, 200)
      seen.push(...ids(json))
      if (json.next === null) break
      cursor = `&cursor=${encodeURIComponent(json.next as string)}`
    }
    const all = ids((await get('/v1/providers?limit=500')).json)
    assert.deepEqual(seen, all)
    assert.ok(all.length >= 220)
    assert.equal(new Set(all).size, all.length)
  })

  it('are found by words, by category and by what they can', async () => {
    assert.deepEqual(ids((await get('/v1/providers?search=microsoft%20DoD')).json), ['microsoft-dod'])
    const signed = ids((await get('/v1/providers?grant=jwt_bearer')).json)
    assert.ok(signed.includes('google') && !signed.includes('slack'))
    assert.ok(ids((await get('/v1/providers?category=CRM')).json).includes('salesforce'))
  })

  it('refuse a cursor of another list, and a grant that there is not', async () => {
    for (const query of ['cursor=nonsense', 'cursor=e30', 'grant=password']) assert.equal((await get(`/v1/providers?${query}`)).status, 400, query)
  })

  it('are proposed for a mail domain, and name servers are asked only when that is wanted', async () => {
    const own = await get('/v1/mail-domains/GMail.com/providers')
    assert.deepEqual([own.json.domain, own.json.mail_exchangers, (own.json.items as { by: string }[])[0]!.by], ['gmail.com', null, 'domain'])
    const silent = await get('/v1/mail-domains/contoso.com/providers')
    assert.deepEqual([silent.json.items, silent.json.mail_exchangers, silent.json.password_mail], [[], null, null])
    const apple = await get('/v1/mail-domains/ICLOUD.com/providers?look_up=true')
    const server = { name: 'Apple iCloud Mail', host: 'smtp.mail.me.com', port: 587, tls: 'starttls', login: 'address', password: 'app' }
    // What is known is not looked up.
    assert.deepEqual([apple.json.items, apple.json.mail_exchangers, apple.json.password_mail], [[], null, server])
    const asked = await get('/v1/mail-domains/contoso.com/providers?look_up=true')
    assert.deepEqual(
      (asked.json.items as { provider: { id: string }; by: string }[]).map(({ provider, by }) => [provider.id, by]),
      [['microsoft', 'mail_exchanger']],
    )
    assert.equal((await get('/v1/mail-domains/localhost/providers?look_up=true')).status, 400)
  })

  it('of your own are in the list, in its place', async () => {
    const { json } = await get('/v1/providers/gitea')
    const { $schema: _, ...description } = json.description as Record<string, unknown>
    const made = await api.ask('POST', '/v1/providers', { key, body: { ...description, id: 'our-gitea', name: 'AAA', domains: ['our.example'] } })
    assert.equal(made.status, 201, JSON.stringify(made.json))
    assert.deepEqual(ids((await get('/v1/providers?limit=2')).json)[1], 'our-gitea')
    assert.equal(((await get('/v1/mail-domains/our.example/providers')).json.items as { provider: { own: boolean } }[])[0]!.provider.own, true)
  })
})
