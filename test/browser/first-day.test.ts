import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { startAuthorizationServer, type AuthorizationServer } from '../rig/authorization-server.ts'
import { makeService, type TestService } from '../service.ts'
import { consentAtProvider, makeVisitor, openBrowser, type Visitor } from './browser.ts'
import { apiOf } from './desk.ts'
import { lookAt } from './looks.ts'
import { chooseSignIn, person, setUpLink, signIn, type Api } from './person.ts'

describe('the first day with the web page', () => {
  let service: TestService
  let server: AuthorizationServer
  let browser: Browser
  let api: Api
  let anna: Visitor
  before(async () => {
    server = await startAuthorizationServer()
    service = await makeService()
    await service.start()
    api = apiOf(service)
    browser = await openBrowser()
    anna = await makeVisitor(browser)
  })
  after(async () => {
    await browser.close()
    await service.remove()
    await server.stop()
  })

  it('the printed link works once, the person chooses name and password, and the code stands in no address', async () => {
    const link = await setUpLink(service)
    const { page } = anna
    await page.goto(link)
    await page.getByRole('heading', { name: 'Welcome to Keybearer' }).waitFor()
    assert.ok(!page.url().includes(link.split('#')[1]!), 'the code leaves the address bar')
    await lookAt(anna, 'set-up')
    await chooseSignIn(page, person.name)
    await page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
    const other = await makeVisitor(browser)
    await other.page.goto(link)
    await chooseSignIn(other.page, 'eve')
    await other.page.getByRole('alert').waitFor()
    await lookAt(other, 'set-up-used')
    await other.close()
    assert.deepEqual(anna.complaints, [])
  })

  it('a person connects an account in the browser; a second window shows it by itself', async () => {
    await api('POST', '/v1/credentials', {
      name: 'work-mail',
      grant: 'authorization_code',
      scopes: ['openid', 'email', 'offline_access', 'smtp.send'],
      registration: {
        name: 'rig',
        provider: 'generic',
        client_id: 'native',
        client_auth: 'none',
        placeholders: {
          authorization_endpoint: `${server.issuer}/auth`,
          token_endpoint: `${server.issuer}/token`,
          userinfo_endpoint: `${server.issuer}/me`,
          revocation_endpoint: `${server.issuer}/token/revocation`,
        },
      },
      options: { authorize_parameters: { prompt: 'consent' } },
    })
    const second = await makeVisitor(browser)
    await second.page.goto(`${service.url}/credentials`)
    await signIn(second.page)
    const row = second.page.locator('tr[data-name="work-mail"]')
    await row.locator('[data-status="incomplete"]').waitFor()
    const { page } = anna
    await page.goto(`${service.url}/credentials/work-mail/connect`)
    await page.getByText('In this tab', { exact: true }).click()
    await page.getByRole('button', { name: 'Sign in here' }).click()
    await consentAtProvider(page, server.issuer, { user: 'alice' })
    await page.getByRole('heading', { name: /work-mail.*is connected/ }).waitFor()
    // Nobody touches the second window.
    await row.locator('[data-status="ready"]').waitFor()
    await second.page.getByText('alice@rig.test').first().waitFor()
    assert.deepEqual(second.complaints, [])
    await second.close()
  })

  it('the service goes away and comes back while the page is open: it says so, and catches up by itself', async () => {
    const { page } = anna
    await page.goto(`${service.url}/credentials`)
    await page.locator('tr[data-name="work-mail"]').waitFor()
    await service.stop()
    await page.getByText('The service does not answer').waitFor()
    await lookAt(anna, 'service-away')
    await service.start()
    await api('POST', '/v1/credentials', { name: 'made meanwhile', kind: 'api_key', secret: 'not-a-secret' })
    await page.locator('tr[data-name="made meanwhile"]').waitFor()
    await page.getByText('The service does not answer').waitFor({ state: 'detached' })
  })

  it('a session that ends meanwhile asks for the password over the page, and what was typed stays', async () => {
    const { page } = anna
    await page.goto(`${service.url}/credentials/new`)
    await page.locator('h1').first().waitFor()
    await page.getByRole('searchbox').or(page.getByRole('textbox')).first().fill('goog')
    await anna.context.clearCookies()
    await page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')))
    await page.keyboard.press('Control+k')
    await page.locator('input[aria-label="Find"]:focus').waitFor()
    await page.keyboard.type('x')
    await page.getByText('Your session has ended').waitFor()
    await lookAt(anna, 'session-ended')
    await page.locator('input[type=password]').last().fill(person.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Your session has ended').waitFor({ state: 'detached' })
    assert.equal(await page.getByRole('searchbox').or(page.getByRole('textbox')).first().inputValue(), 'goog')
  })
})
