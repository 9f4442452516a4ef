import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { closeDialog, openDesk, type Desk } from './desk.ts'
import { startFakeProvider } from '../world.ts'
import { glanceAt } from './looks.ts'

describe('registrations, settings and health in the browser', () => {
  let desk: Desk
  let page: Page
  const secret = 'CANARY-client-secret-1'
  before(async () => {
    desk = await openDesk()
    page = desk.page
    const soon = new Date(Date.now() + 3 * 86_400_000).toISOString()
    await desk.api('POST', '/v1/registrations', {
      name: 'robot <b>',
      provider: 'generic',
      client_id: 'robot',
      client_auth: 'client_secret_basic',
      client_secret: secret,
      secret_expires_at: soon,
      placeholders: { token_endpoint: 'http://127.0.0.1:1/token', authorization_endpoint: 'http://127.0.0.1:1/authorize' },
    })
    await desk.api('POST', '/v1/registrations', { name: 'unused', provider: 'google', client_id: 'x.apps.googleusercontent.com', client_secret: 'CANARY-2' })
    await desk.api('POST', '/v1/credentials', { name: 'nightly-sync', grant: 'client_credentials', scopes: ['sync'], registration: 'robot <b>' })
  })
  after(() => desk.close())

  const dialog = () => page.getByRole('dialog')

  it('registrations are listed, opened and changed; a secret goes in and is never shown', async () => {
    await desk.visit('/registrations', 'Registrations')
    await page.getByRole('link', { name: 'robot <b>' }).waitFor()
    await page.getByRole('link', { name: 'robot <b>' }).click()
    await page.getByRole('heading', { level: 1, name: 'robot <b>' }).waitFor()
    await page.getByRole('link', { name: 'nightly-sync' }).waitFor()
    assert.ok(!(await page.content()).includes('CANARY'))
    await page.getByRole('button', { name: 'Edit or new secret' }).click()
    await dialog().locator('input[type=password]').fill('CANARY-client-secret-2')
    await dialog().getByRole('textbox', { name: 'Name', exact: true }).fill('unused')
    await dialog().getByRole('button', { name: 'Save' }).click()
    await dialog().getByRole('textbox', { name: 'Name', exact: true }).and(page.locator('[aria-invalid="true"]')).waitFor()
    assert.equal(await dialog().locator('input[type=password]').inputValue(), 'CANARY-client-secret-2', 'what was typed stays')
    await glanceAt(desk.anna, 'registration-refused')
    await dialog().getByRole('textbox', { name: 'Name', exact: true }).fill('robot two')
    await dialog().getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { level: 1, name: 'robot two' }).waitFor()
    assert.ok(!(await page.content()).includes('CANARY'))
  })

  it('two persons edit the same registration: the second sees the difference, and nothing typed is lost', async () => {
    await page.getByRole('button', { name: 'Edit or new secret' }).click()
    await dialog().getByRole('textbox', { name: 'Client ID' }).fill('mine')
    await desk.api('PATCH', '/v1/registrations/robot two', { name: 'robot three' })
    await dialog().getByRole('button', { name: 'Save' }).click()
    await dialog().getByText('robot three').first().waitFor()
    await glanceAt(desk.anna, 'registration-conflict')
    assert.equal(await dialog().getByRole('textbox', { name: 'Client ID' }).inputValue(), 'mine')
    await closeDialog(page)
  })

  it('a registration in use is not deleted; one that nobody needs is', async () => {
    await page.getByText('It is in use').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Delete' }).count(), 0)
    await desk.visit('/registrations', 'Registrations')
    await page.getByRole('link', { name: 'unused' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await dialog().getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { level: 1, name: 'Registrations' }).waitFor()
    await page.getByRole('link', { name: 'unused' }).waitFor({ state: 'detached' })
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'There is no such registration' }).waitFor()
    await glanceAt(desk.anna, 'registration-gone')
  })

  it('health says what needs somebody, with the next step, the worst first; the page says how old the keys are and what it does not know', async () => {
    await desk.visit('/settings', 'Settings & health')
    const health = page.getByRole('region', { name: 'Health' })
    await health.getByText(/needs? somebody/).waitFor()
    const words = await health
      .getByRole('listitem')
      .getByRole('img')
      .evaluateAll((list) => list.map((one) => one.getAttribute('aria-label')))
    const rank = ['not well', 'look at this', 'well']
    assert.deepEqual(
      words,
      [...words].sort((one, other) => rank.indexOf(one!) - rank.indexOf(other!)),
    )
    assert.ok(words.length >= 3)
    const about = page.getByRole('region', { name: 'Service and backup' })
    await about.getByText('0.1.0').waitFor()
    await about.getByText('embedded (SQLite)').waitFor()
    await about.getByText('No backup has been made yet.').waitFor()
    const key = page.getByRole('region', { name: 'Master key' })
    await key.getByText('Version 1', { exact: true }).waitFor()
    await key.locator('time').first().waitFor()
  })

  it('P7: a clock that differs from a provider is among the facts, with what to do, and only then', async (t) => {
    const about = page.getByRole('region', { name: 'Service and backup' })
    assert.equal(await about.getByText('Clock', { exact: true }).count(), 0)
    const fake = await startFakeProvider()
    t.after(() => fake.close())
    fake.answer = () => ({ status: 404, headers: { date: new Date(Date.now() - 600_000).toUTCString() }, body: '{}' })
    await assert.rejects(desk.api('POST', '/v1/providers/discover', { issuer: fake.url }))
    await desk.visit('/settings', 'Settings & health')
    await about.getByText(/^10 min ahead of 127\.0\.0\.1:\d+\. Nothing is signed where it is more than 5 min\. .*timedatectl set-ntp true$/).waitFor()
    await page.getByText(/The clock of this machine is 10 min ahead of that of 127\.0\.0\.1:\d+: nothing is signed for it/).waitFor()
  })

  it('settings are searched, and no secret is among them', async () => {
    const settings = page.getByRole('region', { name: 'Settings', exact: true })
    await settings.getByRole('searchbox').fill('session')
    await settings.getByText('KEYBEARER_SESSION_IDLE_MINUTES').waitFor()
    assert.equal(await settings.getByText('KEYBEARER_PORT', { exact: true }).count(), 0)
    await settings.getByRole('searchbox').fill('')
    await settings.getByRole('switch', { name: 'Only what somebody set' }).click()
    await settings.getByText('KEYBEARER_PORT', { exact: true }).waitFor()
    await settings.getByRole('searchbox').fill('no such setting')
    await settings.getByText('No setting fits.').waitFor()
  })

  it('the master key is replaced while the service runs, and its new version shows', async () => {
    const key = page.getByRole('region', { name: 'Master key' })
    await key.getByRole('button', { name: 'Replace it' }).click()
    await dialog().getByRole('button', { name: 'Replace it' }).click()
    await key.getByText('Version 2', { exact: true }).waitFor()
    await key.getByText('Replaced last').waitFor()
    await glanceAt(desk.anna, 'settings-new-key')
    assert.deepEqual(desk.anna.complaints, [])
  })

  it('K9: the service is locked with a word and a button; what is shown then unlocks it, and the page goes on signed in', async () => {
    await desk.visit('/settings', 'Settings & health')
    await page.getByRole('button', { name: 'Lock the service' }).click()
    await dialog().getByRole('textbox').fill('lock')
    await dialog().getByRole('button', { name: 'Lock it' }).click()
    await page.getByRole('heading', { name: 'Keybearer is locked' }).waitFor()
    assert.equal((await fetch(new URL('/readyz', page.url()))).status, 503)
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByRole('heading', { name: 'Unlocking …' }).waitFor()
    await page.getByRole('heading', { level: 1, name: 'Credentials' }).waitFor()
    await desk.visit('/audit', 'Audit')
  })
})
