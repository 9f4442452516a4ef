import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { cookieOf, openApiWorld, signInAs, type ApiWorld } from '../../test/api-world.ts'
import { startFakeProvider, type FakeProvider } from '../../test/world.ts'
import { readResult, signResult } from './consent-result.ts'
import { consentPage } from './pages.ts'

describe('the pages a person sees after a consent', () => {
  let api: ApiWorld
  let fake: FakeProvider
  let registration = ''
  let credential = ''
  /** What the browser got when it opened the newest consent. */
  let cookie = ''
  before(async () => {
    api = await openApiWorld()
    fake = await startFakeProvider()
    const made = await api.ask('POST', '/v1/credentials', {
      body: {
        name: 'work <mail>',
        grant: 'authorization_code',
        scopes: ['mail.send'],
        registration: {
          name: 'r',
          provider: 'generic',
          client_id: 'client',
          client_secret: 'secret',
          placeholders: { token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize` },
        },
      },
    })
    assert.equal(made.status, 201, made.text)
    credential = String(made.json.id)
    registration = (made.json.registration as { id: string }).id
  })
  after(async () => {
    await api.close()
    await fake.close()
  })
  beforeEach(() => {
    fake.answer = () => ({ body: { access_token: 'CANARY-access', token_type: 'Bearer', expires_in: 3600, refresh_token: 'CANARY-refresh' } })
  })

  const start = async (): Promise<string> => {
    const reply = await api.ask('POST', `/v1/credentials/${credential}/consent`, { body: { mode: 'browser' } })
    assert.equal(reply.status, 201, reply.text)
    const opened = await api.ask('GET', new URL(String(reply.json.authorization_url)).pathname, { key: null })
    cookie = cookieOf(opened)
    return new URL(String(opened.headers.location)).searchParams.get('state')!
  }
  const back = (query: string) => api.ask('GET', `/oauth/callback/${registration}?${query}`, { key: null, headers: { cookie } })
  const isSafe = (headers: Record<string, unknown>) => {
    const csp = String(headers['content-security-policy'])
    assert.match(csp, /default-src 'none'/)
    assert.match(csp, /frame-ancestors 'none'/)
    assert.doesNotMatch(csp, /unsafe|script-src/)
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['x-content-type-options'], 'nosniff')
  }

  it('O25: the browser is sent on to an address without code and state, which says what works now', async () => {
    const state = await start()
    const reply = await back(`code=CANARY-code&state=${state}`)
    assert.equal(reply.status, 303)
    assert.equal(reply.text, '')
    isSafe(reply.headers)
    const address = String(reply.headers.location)
    assert.match(address, /^\/oauth\/result\/[\w.-]+$/)
    const decoded = Buffer.from(address.split('/').at(-1)!.split('.')[0]!, 'base64url').toString()
    for (const hidden of ['CANARY', state]) assert.ok(!address.includes(hidden) && !decoded.includes(hidden))
    const page = await api.ask('GET', address, { key: null })
    assert.equal(page.status, 200)
    isSafe(page.headers)
    assert.match(page.text, /work &#60;mail&#62;.*is connected/)
    assert.match(page.text, /may close this page/)
    assert.doesNotMatch(page.text, /CANARY|<script|http/)
  })

  it('O13: what was asked for and not granted is said at once: on the page, in the credential and in the event; other spellings are no lack', async () => {
    const asked = ['openid', 'https://graph.example/Mail.Send', 'https://mail.example/', 'files.read']
    await api.ask('PATCH', `/v1/credentials/${credential}`, { body: { scopes: asked } })
    const rows: [granted: unknown, missing: string[]][] = [
      ['mail.send mail.example FILES.READ', []],
      ['https://graph.example/Mail.Send https://mail.example/ https://x.example/files.read more.than.asked', []],
      [['Mail.Send', 'https://mail.example', 'files.read'], []],
      [undefined, []],
      ['https://graph.example/Mail.Send openid', ['https://mail.example/', 'files.read']],
      ['mail.sendx files', ['https://graph.example/Mail.Send', 'https://mail.example/', 'files.read']],
    ]
    for (const [granted, missing] of rows) {
      fake.answer = () => ({ body: { access_token: 'CANARY-a', expires_in: 3600, refresh_token: 'CANARY-r', scope: granted } })
      const address = String((await back(`code=c&state=${await start()}`)).headers.location)
      const page = await api.ask('GET', address, { key: null })
      assert.equal(page.status, 200)
      if (missing.length === 0) assert.doesNotMatch(page.text, /Not granted/)
      else assert.ok(page.text.includes(`Not granted</dt><dd><code>${missing.join(' ')}</code>`), page.text)
      assert.deepEqual((await api.ask('GET', `/v1/credentials/${credential}`)).json.missing_scopes, missing)
      const told = api.world.events.filter((event) => event.type === 'credential.connected').at(-1)!
      assert.deepEqual(told.data.missing_scopes ?? [], missing)
    }
  })

  it('O25: whatever a provider sends as an error, it is shown as text among static sentences, cut and escaped', async () => {
    const hostile = [
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      'javascript:alert(1)',
      '</title><svg/onload=alert(1)>',
      '<b>'.repeat(33_000).slice(0, 4000),
      '\u5b57'.repeat(1500),
      '\u202e\u0000\r\nSet-Cookie: a=b',
    ]
    for (const text of hostile) {
      for (const parameter of ['error', 'error_description', 'error_uri', 'code', 'state', 'iss', 'anything']) {
        const state = await start()
        const query = new URLSearchParams({ state, error: 'access_denied', error_description: 'no', [parameter]: text })
        const reply = await back(query.toString())
        assert.equal(reply.status, 303, parameter)
        assert.equal(reply.headers['set-cookie'], undefined)
        assert.ok(String(reply.headers.location).length < 5000, 'cut')
        const page = await api.ask('GET', String(reply.headers.location), { key: null })
        assert.equal(page.status, 400)
        isSafe(page.headers)
        const inside = page.text.replace(/<style>.*<\/style>/, '')
        assert.doesNotMatch(inside, /<(?!\/?(?:!doctype|html|head|meta|title|style|body|main|h1|p|dl|dt|dd|ol|li|code)\b)|href=/)
        assert.match(inside, /The account was not connected/)
        assert.match(inside, /Code<\/dt><dd><code>[a-z_]+<\/code>/)
        assert.ok(page.text.length < 6000, 'cut')
      }
    }
  })

  it('O25: nobody can make the service show a page of his own wording', async () => {
    const state = await start()
    const address = String((await back(`error=access_denied&state=${state}`)).headers.location)
    const [body = '', signature = ''] = address.split('/').at(-1)!.split('.')
    const forged = Buffer.from(Buffer.from(body, 'base64url').toString().replace('consent_denied', 'call_me_at_555')).toString('base64url')
    for (const text of [`${forged}.${signature}`, forged, `${body}.`, `.${signature}`, 'x', `${body}.${signature}.x`]) {
      const page = await api.ask('GET', `/oauth/result/${text}`, { key: null })
      assert.equal(page.status, 404, text)
      assert.doesNotMatch(page.text, /call_me/)
    }
  })

  it('O29: every address that an answer sends a caller to stays on this host, whatever the request says', async () => {
    const hostile = [
      '//evil.example',
      '/\\\\evil.example',
      'https:evil.example',
      'https://evil.example',
      '%2f%2fevil.example',
      '%5c%5cevil.example',
      'javascript:alert(1)',
      '\\u2044evil.example',
    ]
    const parameters = ['redirect', 'redirect_uri', 'return_to', 'next', 'url', 'state', 'error_uri', 'iss', 'code', 'error']
    let seen = 0
    for (const text of hostile) {
      const requests: [string, string][] = parameters.map((name) => [
        'GET',
        `/oauth/callback/${registration}?${new URLSearchParams({ state: 'x', [name]: text }).toString()}`,
      ])
      for (const segment of [text, encodeURIComponent(text)]) {
        requests.push(
          ['GET', `/oauth/callback/${segment}?code=c&state=s`],
          ['GET', `/oauth/result/${segment}`],
          ['GET', `/${segment}`],
          ['GET', `//evil.example/${segment}`],
        )
      }
      for (const [method, path] of requests) {
        const reply = await api.ask(
          method,
          path.replace(/[^\x21-\x7e]/g, (sign) => encodeURIComponent(sign)),
          { key: null, headers: { 'x-forwarded-host': 'evil.example' } },
        )
        if (reply.headers.location === undefined) continue
        seen += 1
        assert.match(reply.headers.location, /^\/(?![/\\])[\w./-]+$/, path)
        assert.equal(new URL(reply.headers.location, 'https://keybearer.example').host, 'keybearer.example')
      }
    }
    assert.ok(seen > 80, String(seen))
  })

  it('O29: whoever went to the provider from the page gets one link, back to the credential, whatever the request says; nobody else gets one', async () => {
    const session = await signInAs(api, 'manager')
    const links = async (mode: 'browser' | 'link', outcome: string, who: string): Promise<string[]> => {
      const reply = await api.ask('POST', `/v1/credentials/${credential}/consent`, { body: { mode }, key: null, headers: { cookie: session } })
      assert.equal(reply.status, 201, reply.text)
      const path = new URL(String(reply.json.authorization_url ?? reply.json.link)).pathname
      const opened = await api.ask(mode === 'link' ? 'POST' : 'GET', path, { key: null, headers: { cookie: session } })
      const state = /[?&](?:amp;|#38;)?state=([\w-]+)/.exec(opened.headers.location ?? opened.text.replaceAll('&#38;', '&'))![1]!
      const jar = who === 'the same' ? `${cookieOf(opened)}; ${session}` : ''
      const ended = await api.ask('GET', `/oauth/callback/${registration}?${outcome}&state=${state}&back=//evil.example&return_to=https://evil.example`, {
        key: null,
        headers: { cookie: jar, 'x-forwarded-host': 'evil.example', referer: 'https://evil.example/' },
      })
      const { text } = await api.ask('GET', String(ended.headers.location), { key: null })
      return [...text.matchAll(/href="([^"]*)"/g)].map((match) => match[1]!)
    }
    assert.deepEqual(await links('browser', 'code=c', 'the same'), [`/credentials/${credential}`])
    assert.deepEqual(await links('browser', 'error=access_denied', 'the same'), [`/credentials/${credential}`])
    assert.deepEqual(await links('browser', 'code=c', 'another'), [], 'another browser learns of no credential')
    assert.deepEqual(await links('link', 'code=c', 'the same'), [], 'who was sent a link has nothing to go back to')
  })

  it('O28: an answer in which a parameter comes twice is refused before the token endpoint is asked', async () => {
    const seen = fake.seen.length
    for (const twice of ['state', 'code', 'iss']) {
      const state = await start()
      const reply = await back(`code=c&state=${state}&${twice === 'state' ? `state=${state}` : `${twice}=c&${twice}=d`}`)
      const page = await api.ask('GET', String(reply.headers.location), { key: null })
      assert.match(page.text, /consent_malformed/, twice)
    }
    assert.equal(fake.seen.length, seen)
  })

  it('a program that only looks (HEAD) does not use the answer up', async () => {
    const state = await start()
    const looked = await api.ask('HEAD', `/oauth/callback/${registration}?code=c&state=${state}`, { key: null })
    assert.equal(looked.status, 200)
    const reply = await back(`code=c&state=${state}`)
    const page = await api.ask('GET', String(reply.headers.location), { key: null })
    assert.equal(page.status, 200, page.text)
  })

  it('A7: an answer that no consent waits for is recorded', async () => {
    await back('code=x&state=unknown')
    const { items } = await api.services.audit.list({ action: 'consent.failed', outcome: 'refused' })
    assert.ok(items.some((item) => item.reason === 'consent_unknown'))
  })

  it('takes an answer that is pasted by hand, and says when it is incomplete', async () => {
    const begun = await api.ask('POST', `/v1/credentials/${credential}/consent`, { body: { mode: 'paste' } })
    const state = new URL(String(begun.json.authorization_url)).searchParams.get('state')!
    const redirect = (await api.ask('GET', `/v1/registrations/${registration}`)).json.redirect_uri
    const bad = await api.ask('POST', `/v1/consents/${String(begun.json.id)}/response`, { body: { redirect_url: 'not an address' } })
    assert.equal(bad.json.code, 'consent_malformed')
    const done = await api.ask('POST', `/v1/consents/${String(begun.json.id)}/response`, {
      body: { redirect_url: `${String(redirect)}?code=CANARY-c&state=${state}` },
    })
    assert.equal(done.json.status, 'done', done.text)
    assert.equal(done.json.authorization_url, null)
    assert.doesNotMatch(done.text, /CANARY/)
  })
})

describe('what a page and its address hold', () => {
  const end = {
    ok: false as const,
    code: 'consent_failed',
    title: 'The provider did not give a token',
    detail: '<i>'.repeat(10_000),
    nextStep: 'Start again.',
    requestId: 'req_1',
  }
  const key = new Uint8Array(32)

  it('O25: a long text is cut, in the address and on the page', () => {
    assert.ok(signResult(key, end, 0).length < 3000)
    assert.ok(consentPage(end).length < 8000)
  })

  it('O25: a page is shown for an hour, and only when it was written here', () => {
    const text = signResult(key, end, 1_000_000)
    assert.equal(readResult(key, text, 1_000_000 + 3_600_000)?.ok, false)
    assert.equal(readResult(key, text, 1_000_000 + 3_600_001), null)
    assert.equal(readResult(new Uint8Array(32).fill(1), text, 1_000_000), null)
  })
})
