import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { makeCertificate } from '../certificates.ts'
import { startAuthorizationServer, type AuthorizationServer } from '../rig/authorization-server.ts'
import { freePort } from '../rig/ports.ts'
import { makeService, type TestService } from '../service.ts'
import { consentAtProvider, makeVisitor, openBrowser, type Visitor } from './browser.ts'
import { lookAt } from './looks.ts'
import { apiOf } from './desk.ts'
import { person, setUp, signIn, type Api } from './person.ts'

describe('a consent over two sites of different domains, in a real browser', () => {
  let service: TestService
  let server: AuthorizationServer
  let proxy: Server
  let browser: Browser
  let api: Api
  let home = ''
  let provider = ''
  /** What a proxy in front of the service makes of its cookies. */
  let change = (cookie: string) => cookie
  before(async () => {
    const authority = makeCertificate({ subject: 'test authority' })
    const tls = makeCertificate({ subject: 'sites', issuer: authority, names: ['localhost', 'kb.test', 'idp.example'] })
    server = await startAuthorizationServer({ tls })
    provider = server.issuer.replace('localhost', 'idp.example')
    const port = await freePort()
    home = `https://kb.test:${port}`
    const ca = join((service = await makeService({ KEYBEARER_PUBLIC_URL: home })).folder, 'ca.pem')
    writeFileSync(ca, authority.cert)
    service.environment.KEYBEARER_CA_FILE = ca
    await service.start()
    proxy = createServer(tls, (request, response) => {
      const passed = httpRequest(`${service.url}${request.url}`, { method: request.method ?? 'GET', headers: request.headers }, (answer) => {
        const cookies = answer.headers['set-cookie']?.map(change)
        response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...(cookies === undefined ? {} : { 'set-cookie': cookies }) })
        answer.pipe(response)
      })
      passed.on('error', () => response.destroy())
      response.on('close', () => passed.destroy())
      request.pipe(passed)
    })
    await new Promise<void>((done) => proxy.listen(port, '127.0.0.1', done))
    browser = await openBrowser(['kb.test', 'idp.example'])
    api = apiOf(service)
    await api('POST', '/v1/credentials', {
      name: 'work-mail',
      grant: 'authorization_code',
      scopes: ['openid', 'email', 'offline_access', 'smtp.send'],
      registration: {
        name: 'rig',
        provider: 'generic',
        client_id: 'native',
        client_auth: 'none',
        placeholders: { authorization_endpoint: `${provider}/auth`, token_endpoint: `${server.issuer}/token`, userinfo_endpoint: `${server.issuer}/me` },
      },
      options: { authorize_parameters: { prompt: 'consent' } },
    })
    const { page, close } = await visitor()
    await setUp(page, service)
    await close()
  })
  after(async () => {
    await browser.close()
    proxy.closeAllConnections()
    await new Promise((done) => proxy.close(done))
    await service.remove()
    await server.stop()
  })

  const visitor = (options: Parameters<typeof makeVisitor>[1] = {}): Promise<Visitor> => makeVisitor(browser, { ...options, anyCertificate: true })
  const tokenRequests = () => server.requests.filter((request) => request.path === '/token').length
  /** Signs in to the page and lets the person agree at the provider; returns the page on which the browser ends. */
  const connect = async ({ page }: Visitor): Promise<string> => {
    await page.goto(`${home}/credentials/work-mail/connect`)
    await signIn(page)
    await page.getByText('In this tab', { exact: true }).click()
    await page.getByRole('button', { name: 'Sign in here' }).click()
    await consentAtProvider(page, provider, { user: 'alice' })
    await page.waitForURL((url) => url.pathname.startsWith('/oauth/result/'))
    assert.ok(page.url().startsWith(home))
    return await page.locator('main').innerText()
  }

  it('O26: with the cookies as they are, the browser that comes back from the other site is known, and the account is connected', async () => {
    const anna = await visitor()
    assert.match(await connect(anna), /is connected/)
    const cookies = await anna.context.cookies(home)
    assert.deepEqual(
      cookies.map((cookie) => [/^__Host-keybearer_(?:session$|con_)/.test(cookie.name), cookie.httpOnly, cookie.secure, cookie.sameSite]),
      [
        [true, true, true, 'Lax'],
        [true, true, true, 'Lax'],
      ],
    )
    assert.deepEqual(anna.complaints, [])
    await anna.close()
  })

  for (const [what, pattern] of [
    ['of the consent', /^__Host-keybearer_con_/],
    ['of the session', /^__Host-keybearer_session/],
  ] as const) {
    it(`O26: were the cookie ${what} Strict, the browser would come back without it, and nothing would be asked of the provider`, async (t) => {
      t.after(() => {
        change = (cookie) => cookie
      })
      change = (cookie) => (pattern.test(cookie) ? cookie.replace('SameSite=Lax', 'SameSite=Strict') : cookie)
      const anna = await visitor()
      const before = tokenRequests()
      assert.match(await connect(anna), /consent_wrong_browser/)
      assert.equal(tokenRequests(), before)
      await anna.close()
    })
  }

  it('O2, O26: somebody without a sign-in follows a link: a page says who asks for what, one button leads to the other site and back', async () => {
    const { link } = await api<{ link: string }>('POST', '/v1/credentials/work-mail/consent', { mode: 'link' })
    const first = await visitor()
    await first.page.goto(link)
    await first.page.getByRole('heading', { name: /Connect an account at/ }).waitFor()
    await lookAt(first, 'connect-link')
    await first.close()
    const bob = await visitor()
    await bob.page.goto(link)
    await bob.page.getByRole('button', { name: /Go on to/ }).click()
    await consentAtProvider(bob.page, provider, { user: 'alice' })
    await bob.page.getByRole('heading', { name: /work-mail.*is connected/ }).waitFor()
    assert.ok(!/code=|state=/.test(bob.page.url()))
    await bob.page.goto(link)
    await bob.page.getByText('works once').waitFor()
    assert.deepEqual(bob.complaints, [])
    await bob.close()
  })

  it('the page makes a link to send, from the menu of a credential', async () => {
    const anna = await visitor()
    const { page } = anna
    await page.goto(`${home}/credentials`)
    await signIn(page)
    await page.locator('tr[data-name="work-mail"]').click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Send a link to connect' }).click()
    await page.getByRole('button', { name: 'Make a link' }).click()
    const shown = page.getByText(`${home}/connect/`)
    await shown.waitFor()
    const link = await shown.innerText()
    await lookAt(anna, 'connect-link-made')
    const bob = await visitor()
    await bob.page.goto(link)
    await bob.page.getByText(`${person.name} asks you`).waitFor()
    await bob.page.getByRole('button', { name: /Go on to/ }).click()
    await consentAtProvider(bob.page, provider, { user: 'alice' })
    await bob.page.getByRole('heading', { name: /work-mail.*is connected/ }).waitFor()
    await bob.close()
    await page.getByText('Connected', { exact: true }).waitFor()
    assert.deepEqual(anna.complaints, [])
    await anna.close()
  })
})
