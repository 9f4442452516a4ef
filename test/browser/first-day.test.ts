import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { startAuthorizationServer, type AuthorizationServer } from '../rig/authorization-server.ts'
import { makeService, type TestService } from '../service.ts'
import { assertNoSidewaysScroll, consentAtProvider, findViolations, makeVisitor, openBrowser, takePicture, type Visitor } from './browser.ts'

const name = 'anna@example.org'
const password = 'seven green lanterns drift'
const pages = [
  '/credentials',
  '/credentials/new',
  '/credentials/import',
  '/credentials/export',
  '/registrations',
  '/providers',
  '/senders',
  '/email-options',
  '/outbox',
  '/access-keys',
  '/audit',
  '/persons',
  '/settings',
  '/profile',
  '/calendar',
  '/explain',
]

describe('the first day with the web page', () => {
  let service: TestService
  let server: AuthorizationServer
  let browser: Browser
  let anna: Visitor
  before(async () => {
    server = await startAuthorizationServer()
    service = await makeService()
    await service.start()
    browser = await openBrowser()
    anna = await makeVisitor(browser)
  })
  after(async () => {
    await browser.close()
    await service.remove()
    await server.stop()
  })

  const signIn = async ({ page }: Visitor, who = name) => {
    await page.goto(`${service.url}/credentials`)
    await page.getByRole('heading', { name: 'Sign in to Keybearer' }).waitFor()
    await page.getByLabel('Name').fill(who)
    await page.locator('input[type=password]').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
  }
  const key = () => readFileSync(join(service.config, 'access-key'), 'utf8').trim()
  const api = async (method: string, path: string, body?: unknown): Promise<Record<string, never>> => {
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key()}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${response.ok ? '' : await response.text()}`)
    return (await response.json()) as Record<string, never>
  }

  it('the printed link works once, the person chooses name and password, and the code stands in no address', async () => {
    const link = /http:\S+\/set-up#\S+/.exec(service.output())?.[0]
    assert.ok(link)
    const { page } = anna
    await page.goto(link)
    await page.getByRole('heading', { name: 'Welcome to Keybearer' }).waitFor()
    assert.ok(!page.url().includes(link.split('#')[1]!), 'the code leaves the address bar')
    await page.getByLabel('Name').fill(name)
    await page.locator('input[type=password]').nth(0).fill(password)
    await page.locator('input[type=password]').nth(1).fill(password)
    await page.getByRole('button', { name: 'Set up and sign in' }).click()
    await page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
    const other = await makeVisitor(browser)
    await other.page.goto(link)
    await other.page.getByLabel('Name').fill('eve')
    await other.page.locator('input[type=password]').nth(0).fill(password)
    await other.page.locator('input[type=password]').nth(1).fill(password)
    await other.page.getByRole('button', { name: 'Set up and sign in' }).click()
    await other.page.getByRole('alert').waitFor()
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
    await signIn(second)
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

  it('quick find knows a feature by its initials, in any order', async () => {
    const { page } = anna
    for (const initials of ['AKC', 'kac', 'CKA']) {
      await page.goto(`${service.url}/settings`)
      await page.getByRole('heading', { name: 'Settings & health' }).waitFor()
      await page.keyboard.press('Control+k')
      await page.locator('input[aria-label="Find"]:focus').waitFor()
      await page.keyboard.type(initials)
      await page.getByText('API Keys & Credentials').first().waitFor()
      await page.keyboard.press('Enter')
      await page.waitForURL(`${service.url}/credentials`)
    }
    await page.locator('.mantine-Spotlight-overlay').waitFor({ state: 'detached' })
    await page.locator('tr[data-name="work-mail"]').waitFor()
    await page.keyboard.press('/')
    await page.locator('input[aria-label="Find"]:focus').waitFor()
    await page.keyboard.type('reconnect work')
    await page.getByText('Reconnect work-mail').waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/connect$/)
  })

  it('an access key is made on the page, shown once, and works for curl', async () => {
    const made = await api('POST', '/v1/access-keys', { name: 'nightly', permissions: [{ credential: 'work-mail', rights: ['token'] }] })
    const { page } = anna
    await page.goto(`${service.url}/access-keys`)
    await page.getByText('nightly').first().waitFor()
    assert.ok(!(await page.content()).includes(String(made.key)), 'a key is shown once, when it is made')
    const token = await fetch(`${service.url}/v1/credentials/work-mail/token`, { method: 'POST', headers: { authorization: `Bearer ${String(made.key)}` } })
    assert.equal(token.status, 200)
  })

  for (const [width, scheme] of [
    [1280, 'light'],
    [1280, 'dark'],
    [320, 'light'],
  ] as const) {
    it(`every page is free of what axe finds, fits, and complains of nothing (${width} px, ${scheme})`, async () => {
      const visitor = await makeVisitor(browser, { width, scheme })
      await signIn(visitor)
      const found: string[] = []
      for (const path of [...pages, '/credentials/work-mail', '/credentials/work-mail/edit', '/credentials/work-mail/connect']) {
        await visitor.page.goto(service.url + path)
        await visitor.page.locator('h1').first().waitFor()
        await visitor.page.waitForLoadState('networkidle').catch(() => undefined)
        await visitor.page.waitForTimeout(300)
        await takePicture(visitor.page, `${path.slice(1).replaceAll('/', '-')}-${width}-${scheme}`)
        for (const violation of await findViolations(visitor.page)) found.push(`${path}: ${violation.id}: ${violation.nodes[0]}`)
        await assertNoSidewaysScroll(visitor.page, path)
      }
      assert.deepEqual(found, [])
      assert.deepEqual(visitor.complaints, [])
      await visitor.close()
    })
  }

  it('the service goes away and comes back while the page is open: it says so, and catches up by itself', async () => {
    const { page } = anna
    await page.goto(`${service.url}/credentials`)
    await page.locator('tr[data-name="work-mail"]').waitFor()
    await service.stop()
    await page.getByText('The service does not answer').waitFor({ timeout: 20_000 })
    await service.start()
    await api('POST', '/v1/credentials', { name: 'made meanwhile', kind: 'api_key', secret: 'not-a-secret' })
    await page.locator('tr[data-name="made meanwhile"]').waitFor({ timeout: 30_000 })
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
    await page.getByText('Your session has ended').waitFor({ timeout: 20_000 })
    await page.locator('input[type=password]').last().fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Your session has ended').waitFor({ state: 'detached' })
    assert.equal(await page.getByRole('searchbox').or(page.getByRole('textbox')).first().inputValue(), 'goog')
  })
})
