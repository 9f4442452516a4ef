import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startFakeProvider, type FakeProvider } from '../world.ts'
import { openDesk, type Desk } from './desk.ts'

describe('what the page says of failures', () => {
  let desk: Desk
  let fake: FakeProvider
  before(async () => {
    desk = await openDesk()
    fake = await startFakeProvider()
  })
  after(async () => {
    await desk.close()
    await fake.close()
  })

  it('a pasted text is explained, an unknown one honestly not, and nothing of it becomes a part of the page', async () => {
    const { page } = desk
    await desk.visit('/explain')
    const box = page.getByLabel('Paste the error text')
    await box.fill('AADSTS7000215: Invalid client secret provided. <img src=x onerror=alert(1)>')
    await page.getByRole('button', { name: 'Explain it' }).click()
    await page.getByRole('heading', { name: 'The client secret is wrong' }).waitFor()
    await page.getByText('The column "Secret ID" was copied instead of "Value"').waitFor()
    assert.equal(await page.locator('img[src=x]').count(), 0)
    await box.fill('Something that nobody has seen before')
    await page.getByRole('button', { name: 'Explain it' }).click()
    await page.getByRole('heading', { name: 'Nothing is known of this text' }).waitFor()
  })

  it('a credential that fails shows what it means, with its own values in the steps', async () => {
    const headers = () => ({ date: new Date().toUTCString() })
    fake.answer = () => ({
      status: 400,
      headers: headers(),
      body: { error: 'invalid_client', error_description: 'AADSTS7000222: The provided client secret keys are expired.' },
    })
    await desk.api('POST', '/v1/credentials', {
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
    await assert.rejects(desk.api('POST', '/v1/credentials/office/refresh'), /409/)
    const { page } = desk
    await desk.visit('/credentials/office')
    await page.getByText('The client secret has run out.').waitFor()
    await page.getByText('keybearer registration edit contoso-app --client-secret-file -').waitFor()
  })

  it('a test that fails can be looked at more closely, from the outside in', async () => {
    const { page } = desk
    await desk.visit('/credentials/office')
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('It does not work yet.').waitFor()
    await page.getByRole('button', { name: 'Look closer' }).click()
    const steps = page.getByRole('list', { name: 'From the outside in' })
    await steps.getByText('The clock of this machine agrees with the provider.').waitFor()
    await steps.getByText('The client secret has run out.').waitFor()
    await page.getByRole('button', { name: 'Close', exact: true }).last().click()
  })

  it('the calendar lists what ends, and gives an address for calendar programs once', async () => {
    const soon = new Date(Date.now() + 40 * 86_400_000).toISOString()
    await desk.api('POST', '/v1/registrations', {
      name: 'ends-soon',
      provider: 'generic',
      client_id: 'app-1',
      client_secret: 'a-secret',
      placeholders: { token_endpoint: `${fake.url}/token` },
      secret_expires_at: soon,
    })
    const { page } = desk
    await desk.visit('/calendar')
    await page.getByRole('link', { name: 'ends-soon' }).waitFor()
    await page.getByText(soon.slice(0, 10)).first().waitFor()
    await page.getByRole('button', { name: 'Subscribe …' }).click()
    await page.getByRole('button', { name: 'Make the address' }).click()
    const address = await page.getByRole('group', { name: 'Address' }).textContent()
    assert.match(address ?? '', /\/calendar\/kb_\w+\.ics$/)
    const feed = await fetch(address!)
    assert.match(await feed.text(), /SUMMARY:Client secret ends: ends-soon/)
  })
})
