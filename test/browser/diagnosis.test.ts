import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { makeService, type TestService } from '../service.ts'
import { startFakeProvider, type FakeProvider } from '../world.ts'
import { assertNoSidewaysScroll, findViolations, makeVisitor, openBrowser, takePicture, type Visitor } from './browser.ts'

const password = 'seven green lanterns drift'

describe('what the page says of failures', () => {
  let service: TestService
  let fake: FakeProvider
  let browser: Browser
  let anna: Visitor
  before(async () => {
    fake = await startFakeProvider()
    service = await makeService()
    await service.start()
    browser = await openBrowser()
    anna = await makeVisitor(browser)
    const { page } = anna
    await page.goto(/http:\S+\/set-up#\S+/.exec(service.output())![0])
    await page.getByLabel('Name').fill('anna@example.org')
    await page.locator('input[type=password]').nth(0).fill(password)
    await page.locator('input[type=password]').nth(1).fill(password)
    await page.getByRole('button', { name: 'Set up and sign in' }).click()
    await page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
  })
  after(async () => {
    await browser.close()
    await service.remove()
    await fake.close()
  })

  const api = async (path: string, body: unknown): Promise<number> => {
    const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    return (await fetch(`${service.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).status
  }

  it('a pasted text is explained, an unknown one honestly not, and nothing of it becomes a part of the page', async () => {
    const { page } = anna
    await page.goto(`${service.url}/explain`)
    const box = page.getByLabel('Paste the error text')
    await box.fill('AADSTS7000215: Invalid client secret provided. <img src=x onerror=alert(1)>')
    await page.getByRole('button', { name: 'Explain it' }).click()
    await page.getByRole('heading', { name: 'The client secret is wrong' }).waitFor()
    await page.getByText('The column "Secret ID" was copied instead of "Value"').waitFor()
    await takePicture(page, 'explain-an-error')
    assert.equal(await page.locator('img[src=x]').count(), 0)
    assert.deepEqual(await findViolations(page), [])
    await assertNoSidewaysScroll(page, page.url())
    await box.fill('Something that nobody has seen before')
    await page.getByRole('button', { name: 'Explain it' }).click()
    await page.getByRole('heading', { name: 'Nothing is known of this text' }).waitFor()
  })

  it('a credential that fails shows what it means, with its own values in the steps', async () => {
    fake.answer = () => ({ status: 400, body: { error: 'invalid_client', error_description: 'AADSTS7000222: The provided client secret keys are expired.' } })
    const made = await api('/v1/credentials', {
      name: 'office',
      grant: 'client_credentials',
      username: 'office@contoso.com',
      registration: {
        name: 'contoso-app',
        provider: 'generic',
        client_id: 'app-4711',
        client_secret: 'a-secret',
        placeholders: { token_endpoint: `${fake.url}/token` },
      },
      scopes: ['mail.send'],
    })
    assert.equal(made, 201)
    assert.equal(await api('/v1/credentials/office/refresh', {}), 409)
    const { page } = anna
    await page.goto(`${service.url}/credentials/office`)
    await takePicture(page, 'credential-diagnosis')
    await page.getByText('The client secret has run out.').waitFor()
    await page.getByText('keybearer registration edit contoso-app --client-secret-file -').waitFor()
    await takePicture(page, 'credential-diagnosis')
    assert.deepEqual(await findViolations(page), [])
    await assertNoSidewaysScroll(page, page.url())
  })

  it('a test that fails can be looked at more closely, from the outside in', async () => {
    const { page } = anna
    await page.goto(`${service.url}/credentials/office`)
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('It does not work yet.').waitFor()
    await page.getByRole('button', { name: 'Look closer' }).click()
    const steps = page.getByRole('list', { name: 'From the outside in' })
    await steps.getByText('The clock of this machine agrees with the provider.').waitFor()
    await steps.getByText('The client secret has run out.').waitFor()
    await takePicture(page, 'examination')
    assert.deepEqual(await findViolations(page), [])
    await page.getByRole('button', { name: 'Close', exact: true }).last().click()
  })

  it('the calendar lists what ends, and gives an address for calendar programs once', async () => {
    const soon = new Date(Date.now() + 40 * 86_400_000).toISOString()
    assert.equal(
      await api('/v1/registrations', {
        name: 'ends-soon',
        provider: 'generic',
        client_id: 'app-1',
        client_secret: 'a-secret',
        placeholders: { token_endpoint: `${fake.url}/token` },
        secret_expires_at: soon,
      }),
      201,
    )
    const { page } = anna
    await page.goto(`${service.url}/calendar`)
    await page.getByRole('link', { name: 'ends-soon' }).waitFor()
    await page.getByText(soon.slice(0, 10)).first().waitFor()
    await takePicture(page, 'calendar')
    assert.deepEqual(await findViolations(page), [])
    await page.getByRole('button', { name: 'Subscribe …' }).click()
    await page.getByRole('button', { name: 'Make the address' }).click()
    const address = await page.getByRole('group', { name: 'Address' }).textContent()
    assert.match(address ?? '', /\/calendar\/kb_\w+\.ics$/)
    const feed = await fetch(address!)
    assert.match(await feed.text(), /SUMMARY:Client secret ends: ends-soon/)
    await page.setViewportSize({ width: 320, height: 700 })
    await page.goto(`${service.url}/calendar`)
    await page.getByRole('link', { name: 'ends-soon' }).waitFor()
    await assertNoSidewaysScroll(page, 'the calendar')
    await takePicture(page, 'calendar-320')
    assert.deepEqual(anna.complaints, [])
  })
})
