import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openDesk, type Desk } from './desk.ts'
import { glanceAt, lookAt } from './looks.ts'
import { goOn } from './wizard-steps.ts'

describe('the catalogue on the page', () => {
  let desk: Desk
  before(async () => {
    desk = await openDesk({ settings: { KEYBEARER_POPULAR_CONFIGURATIONS: 'true' } })
  })
  after(async () => await desk.close())

  it('is searched while somebody types, and every provider says what its scopes allow', async () => {
    const { page } = desk
    await desk.visit('/providers', 'Providers')
    await page.getByText(/^2\d\d providers$/).waitFor()
    await page.getByLabel('Search name or category').fill('slack')
    await page.getByText(/^2 of 2\d\d providers$/).waitFor()
    await page.getByRole('link', { name: 'Slack (bot)', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Slack (bot)' }).waitFor()
    await page.getByText('Post messages', { exact: true }).first().waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as a file' }).click()])
    assert.equal(download.suggestedFilename(), 'slack.json')
  })

  it('the wizard proposes the provider of a mail address', async () => {
    const { page } = desk
    await desk.visit('/credentials/new')
    const search = page.getByLabel('Search the providers')
    await search.fill('anna@nobody-knows-this.example')
    await page.getByText('nobody-knows-this.example is not a domain that is known here.').waitFor()
    await page.getByRole('button', { name: 'Look up who handles its mail' }).waitFor()
    await search.fill('anna@icloud.com')
    await page.getByText(/Apple iCloud Mail knows no OAuth 2\.0 for mail: its server takes a user name and an app password/).waitFor()
    await lookAt(desk.anna, 'wizard-address-password')
    await page.getByRole('button', { name: 'Keep user name and password' }).click()
    await goOn(page, 'User and password')
    assert.equal(await page.getByLabel('User name').inputValue(), 'anna@icloud.com')
    await page.getByText('smtp.mail.me.com').first().waitFor()
    await desk.visit('/credentials/new')
    await search.fill('anna@gmail.com')
    await page.getByText('This address belongs to Google.').waitFor()
    await lookAt(desk.anna, 'wizard-address')
    await page.getByRole('button', { name: 'Take Google' }).click()
    await goOn(page, 'Account')
    await page.getByText('Where to find it: Google Cloud console', { exact: false }).first().waitFor()
  })

  it('the client of another application is offered with what its publisher says, and its answer is pasted', async () => {
    const { page } = desk
    await desk.visit('/credentials/new')
    await page.getByRole('tab', { name: 'With a known application' }).click()
    await page.getByText('Register an application of your own first').waitFor()
    await page.getByRole('radio', { name: /^Thunderbird, Microsoft 365/ }).click()
    await page.getByText('The consent page will show: Thunderbird.').waitFor()
    await page.getByText('register one for yourself', { exact: false }).waitFor()
    await glanceAt(desk.anna, 'wizard-popular')
    await goOn(page, 'Account')
    assert.equal(await page.getByLabel('Client ID').inputValue(), '9e5f94bc-e8a4-4e73-b8be-63364c29d753')
    await page.getByLabel('Name', { exact: false }).last().fill('borrowed')
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page.getByText('Nothing has to be entered at the provider').waitFor()
    const { items } = await desk.api<{ items: { id: string; own_redirect: boolean }[] }>('GET', '/v1/registrations')
    assert.equal(items[0]!.own_redirect, false)
    await desk.visit('/credentials/borrowed/connect')
    await page.getByRole('radio', { name: /^Copy an address back/ }).waitFor()
    // Until the registration is known, every way is offered.
    await page.getByRole('radio', { name: /^In a new tab/ }).waitFor({ state: 'detached' })
  })

  it('what is known of a provider by now is accepted by a person who has seen it', async () => {
    const { page } = desk
    const description = {
      id: 'moving',
      version: 1,
      name: 'Moving',
      token_endpoint: 'https://old.example/token',
      grants: ['client_credentials'],
      client_auth: ['client_secret_post'],
    }
    await desk.api('POST', '/v1/providers', description)
    const made = await desk.api<{ id: string }>('POST', '/v1/registrations', { name: 'mover', provider: 'moving', client_id: 'c', client_secret: 's3cret' })
    await desk.visit(`/registrations/${made.id}`, 'mover')
    assert.equal(await page.getByText('Something else is known').count(), 0)
    await desk.api('PUT', '/v1/providers/moving', { ...description, version: 2, token_endpoint: 'https://new.example/token' })
    await desk.visit(`/registrations/${made.id}`, 'mover')
    await page.getByText('Something else is known of Moving by now').waitFor()
    await page.getByRole('button', { name: 'Show what is different' }).click()
    await page.getByText('https://new.example/token').waitFor()
    await page.getByText('Secrets would go to other servers.', { exact: false }).waitFor()
    await lookAt(desk.anna, 'provider-update')
    await page.getByLabel('Client secret').fill('entered again')
    await page.getByRole('button', { name: 'Accept the change' }).click()
    await page.getByText('Something else is known').waitFor({ state: 'detached' })
    const registration = await desk.api<{ has_client_secret: boolean }>('GET', `/v1/registrations/${made.id}`)
    assert.equal(registration.has_client_secret, true)
  })
})
