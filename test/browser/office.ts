import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { startAuthorizationServer, type AuthorizationServer } from '../rig/authorization-server.ts'
import { makeService, type TestService } from '../service.ts'
import { assertNoSidewaysScroll, findViolations, makeVisitor, openBrowser, takePicture, type Visitor } from './browser.ts'

export const person = { name: 'anna@example.org', password: 'seven green lanterns drift' }

/** One service, one provider, one browser, and a person who is set up: what the tests of a file share. */
export type Office = {
  service: TestService
  server: AuthorizationServer
  browser: Browser
  /** The person's window, signed in. */
  anna: Visitor
  /** Another window of the same person, with cookies of its own. */
  visit: (options?: Parameters<typeof makeVisitor>[1]) => Promise<Visitor>
  /** Calls the API with the key of the machine. */
  api: <Reply = Record<string, never>>(method: string, path: string, body?: unknown) => Promise<Reply>
  /** Placeholders of the provider "generic" that lead to the test provider. */
  addresses: Record<string, string>
  /** Makes a credential of a person at the test provider, not connected yet. */
  makeCredential: (name: string, further?: object) => Promise<void>
  close: () => Promise<void>
}

export async function openOffice(options: { environment?: Record<string, string>; server?: AuthorizationServer } = {}): Promise<Office> {
  const server = options.server ?? (await startAuthorizationServer())
  const service = await makeService(options.environment)
  await service.start()
  const browser = await openBrowser()
  const anna = await makeVisitor(browser)
  await setUp(anna, service)
  const addresses = {
    authorization_endpoint: `${server.issuer}/auth`,
    token_endpoint: `${server.issuer}/token`,
    userinfo_endpoint: `${server.issuer}/me`,
    revocation_endpoint: `${server.issuer}/token/revocation`,
    device_authorization_endpoint: `${server.issuer}/device/auth`,
  }
  const api: Office['api'] = async (method, path, body) => {
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${readFileSync(join(service.config, 'access-key'), 'utf8').trim()}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }
  return {
    service,
    server,
    browser,
    anna,
    addresses,
    api,
    async visit(size) {
      const visitor = await makeVisitor(browser, size)
      await visitor.context.addCookies((await anna.context.cookies(service.url)).map((cookie) => ({ ...cookie })))
      return visitor
    },
    async makeCredential(name, further = {}) {
      await api('POST', '/v1/credentials', {
        name,
        grant: 'authorization_code',
        scopes: ['openid', 'email', 'offline_access', 'smtp.send'],
        registration: { name: `client of ${name}`.slice(0, 100), provider: 'generic', client_id: 'native', client_auth: 'none', placeholders: addresses },
        options: { authorize_parameters: { prompt: 'consent' } },
        ...further,
      })
    },
    async close() {
      await browser.close()
      await service.remove()
      await server.stop()
    },
  }
}

async function setUp({ page }: Visitor, service: TestService): Promise<void> {
  const link = /http:\S+\/set-up#\S+/.exec(service.output())?.[0]
  assert.ok(link)
  await page.goto(link)
  await page.getByLabel('Name').fill(person.name)
  await page.locator('input[type=password]').nth(0).fill(person.password)
  await page.locator('input[type=password]').nth(1).fill(person.password)
  await page.getByRole('button', { name: 'Set up and sign in' }).click()
  await page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
}

/** Keeps a picture of a state of the page, and fails when axe finds something, or it is too wide. */
export async function assertGood({ page }: Pick<Visitor, 'page'>, name: string): Promise<void> {
  await takePicture(page, name)
  const violations = await findViolations(page)
  assert.deepEqual(
    violations.map((one) => `${one.id}: ${one.nodes[0]}`),
    [],
    name,
  )
  await assertNoSidewaysScroll(page, name)
}
