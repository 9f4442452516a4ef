import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openApiWorld, type ApiWorld } from '../../test/api-world.ts'

describe('explaining an error text', () => {
  let api: ApiWorld
  before(async () => {
    api = await openApiWorld()
    const made = await api.ask('POST', '/v1/credentials', {
      body: {
        name: 'office',
        grant: 'client_credentials',
        username: 'office@contoso.com',
        registration: {
          name: 'contoso',
          provider: 'microsoft',
          client_id: '11111111-2222-3333-4444-555555555555',
          client_secret: 'a-client-secret-of-contoso',
          placeholders: { tenant: 'contoso.onmicrosoft.com' },
        },
        scopes: ['https://outlook.office365.com/.default'],
      },
    })
    assert.equal(made.status, 201, made.text)
  })
  after(() => api.close())

  const explain = (body: unknown, key?: string) => api.ask('POST', '/v1/diagnoses', { body, ...(key === undefined ? {} : { key }) })

  it('says what it means, why, what to do and who', async () => {
    const { status, json } = await explain({ text: 'AADSTS7000215: Invalid client secret provided.' })
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(json).sort(), ['action', 'causes', 'fix', 'id', 'meaning', 'retry', 'source', 'title', 'who'])
    assert.equal(json.id, 'ms_aadsts7000215')
    assert.equal(json.who, 'you')
    assert.equal(json.action, 'fix_config')
    assert.match(String(json.meaning), /ID of the secret was pasted instead of its value/)
  })

  it('stands beside what our own checks find, and beside a connection that fails outside of a credential', async () => {
    const idOf = async (path: string, body: unknown) => {
      const { json } = await api.ask('POST', path, { body })
      return [json.code, (json.diagnosis as { id: string } | undefined)?.id]
    }
    assert.deepEqual(await idOf('/v1/providers/discover', { issuer: 'http://127.0.0.1:9' }), ['discovery_failed', 'net_refused'])
    assert.deepEqual(await idOf('/v1/requests', { credential: 'office', url: 'https://elsewhere.example.org/' }), [
      'destination_not_allowed',
      'local_ssrf_blocked',
    ])
    const back = await api.ask('GET', '/oauth/callback/reg_x?state=unknown&code=x', { key: null })
    const page = await api.ask('GET', String(back.headers.location), { key: null })
    assert.match(page.text, /This return counts no longer/)
  })

  it('fills in the values of a credential, and takes its provider for the one that wrote the text', async () => {
    const { json } = await explain({ text: '535 5.7.139 Authentication unsuccessful', credential: 'office' })
    assert.equal(json.id, 'exo_5357_139_other')
    const disabled = await explain({ text: 'SmtpClientAuthentication is disabled for the Tenant', credential: 'office' })
    assert.match(disabled.text, /Set-CASMailbox -Identity office@contoso\.com -SmtpClientAuthenticationDisabled \$false/)
    assert.match((await explain({ text: 'AADSTS50011: x', credential: 'office' })).text, /\/oauth\/callback\/reg_/)
    assert.doesNotMatch((await explain({ text: 'AADSTS50011: x', credential: 'office' })).text, /a-client-secret/)
  })

  it('tells nobody the values of a credential that he may not read', async () => {
    const job = await api.makeKey({ permissions: [{ credential: (await api.world.credentials.get('office')).id, rights: ['token'] }] })
    assert.equal((await explain({ text: 'AADSTS50011: x', credential: 'office' }, job)).status, 403)
    const stranger = await api.makeKey({ permissions: [], administration: ['audit'] })
    assert.equal((await explain({ text: 'AADSTS50011: x', credential: 'office' }, stranger)).status, 404)
    const { status, text } = await explain({ text: 'AADSTS50011: x' }, stranger)
    assert.equal(status, 200)
    assert.doesNotMatch(text, /contoso|11111111/)
  })

  it('P12: says honestly that it does not know, and gives nothing of the text back', async () => {
    const secret = 'GOCSPX-1234567890abcdefghij'
    const { status, json, text } = await explain({ text: `\u001b[31mSomething <b>else</b> happened: ${secret}` })
    assert.equal(status, 200)
    assert.equal(json.id, null)
    assert.equal(json.action, 'none')
    assert.equal(json.retry, null)
    assert.doesNotMatch(text, /GOCSPX|<b>|\\u001b/)
  })

  it('takes a text of a megabyte less what the request itself needs, and refuses more', async () => {
    const { status, json } = await explain({ text: `AADSTS50011: ${'x'.repeat(990_000)}` })
    assert.equal(status, 200)
    assert.equal(json.id, 'ms_aadsts50011')
    assert.equal((await explain({ text: 'x'.repeat(2_000_000) })).status, 413)
    assert.equal((await explain({ text: '' })).status, 400)
    assert.equal((await explain({ text: 'x', surface: 'elsewhere' })).status, 400)
  })
})
