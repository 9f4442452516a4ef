import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { consentAtProvider } from './browser.ts'
import { glanceAt } from './looks.ts'
import { openOffice, type Office } from './office.ts'

describe('the list of credentials and the page of one', () => {
  let office: Office
  before(async () => {
    office = await openOffice()
    for (const name of ['alpha', 'beta', 'gamma']) await office.api('POST', '/v1/credentials', { name, kind: 'api_key', secret: 'not-a-secret' })
    const { key } = await office.api<{ key: string }>('POST', '/v1/access-keys', { name: 'nightly', permissions: [{ credential: '*', rights: ['token'] }] })
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`${office.service.url}/v1/credentials/beta/token`, { method: 'POST', headers: { authorization: `Bearer ${key}` } })
      assert.equal(response.status, 200)
    }
  })
  after(() => office.close())
  afterEach(() => assert.deepEqual(office.anna.complaints.splice(0), []))

  const openList = async () => {
    const { page } = office.anna
    await page.goto(`${office.service.url}/credentials`)
    await page.locator('tr[data-name="beta"]').waitFor()
    return page
  }

  it('the right button shows what can be done; a double-click opens', async () => {
    const page = await openList()
    await page.locator('tr[data-name="beta"]').click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Duplicate' }).click()
    await page.getByRole('heading', { name: 'Duplicate of “beta”' }).waitFor()
    await openList()
    await page.locator('tr[data-name="beta"] td').nth(2).dblclick()
    await page.getByRole('heading', { name: 'beta', level: 1 }).waitFor()
    await page.getByText('It works. No end is known.').waitFor()
    await page.getByRole('img', { name: /^3 uses in 30 days/ }).waitFor()
    await page.getByRole('cell', { name: 'nightly' }).or(page.getByText('nightly').first()).first().waitFor()
    await page.getByText('Token handed out').first().waitFor()
  })

  it('the menu opens by keyboard too, by m and by Shift+F10, and gives the focus back to its row', async () => {
    const page = await openList()
    await page.keyboard.press('j')
    for (const key of ['m', 'Shift+F10']) {
      await page.waitForFunction(() => document.activeElement?.getAttribute('data-name') === 'alpha')
      await page.keyboard.press(key)
      await page.getByRole('menuitem', { name: 'Open' }).waitFor()
      assert.deepEqual(await page.getByRole('menuitem').allTextContents(), ['Open', 'Edit', 'Test', 'Pause', 'Duplicate', 'Import', 'Export', 'Delete'])
      await page.keyboard.press('Escape')
    }
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-name') === 'alpha')
  })

  it('says by whom a credential is used before it is deleted, and asks for its name', async () => {
    const page = await openList()
    await page.locator('tr[data-name="beta"]').click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('These use it and will fail:').waitFor()
    await dialog.getByText('nightly').waitFor()
    const button = dialog.getByRole('button', { name: 'Delete' })
    assert.ok(await button.isDisabled())
    await dialog.getByRole('textbox').fill('bet')
    assert.ok(await button.isDisabled())
    await dialog.getByRole('textbox').fill('beta')
    await button.click()
    await page.locator('tr[data-name="beta"]').waitFor({ state: 'detached' })
    await page.getByText('“beta” is deleted').waitFor()
  })

  it('P2: brings a deleted credential back, under another name where its own is taken, or destroys it', async () => {
    const { page } = office.anna
    const names = async () => (await office.api<{ items: { name: string }[] }>('GET', '/v1/credentials')).items.map((one) => one.name)
    await office.api('POST', '/v1/credentials', { name: 'beta', kind: 'basic', username: 'anna' })
    await page.goto(`${office.service.url}/credentials`)
    await page.getByRole('link', { name: 'Deleted credentials' }).click()
    await page.getByRole('button', { name: 'Restore beta' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Another credential is called').waitFor()
    await dialog.getByLabel('Name').fill('beta of old')
    await dialog.getByRole('button', { name: 'Restore' }).click()
    await page.getByRole('heading', { name: 'beta of old' }).waitFor()
    await page.getByText('“beta of old” is back.').waitFor()
    await office.api('DELETE', '/v1/credentials/beta')
    await page.goto(`${office.service.url}/deleted-credentials`)
    await page.getByRole('button', { name: 'Restore beta' }).click()
    await page.getByRole('heading', { name: 'beta', exact: true }).waitFor()
    assert.ok((await names()).includes('beta') && (await names()).includes('beta of old'))

    await office.api('DELETE', '/v1/credentials/beta%20of%20old')
    await page.goto(`${office.service.url}/deleted-credentials`)
    await page.getByRole('button', { name: 'Destroy beta of old' }).click()
    await dialog.getByRole('textbox').fill('beta of old')
    await dialog.getByRole('button', { name: 'Destroy' }).click()
    await page.getByText('Nothing to restore').waitFor()
    await office.api('DELETE', '/v1/credentials/beta')
  })

  it('does one thing with several: says before what will happen, and afterwards how each went', async () => {
    const { page } = office.anna
    await office.api('POST', '/v1/credentials', { name: 'unfinished', kind: 'basic', username: 'anna' })
    await office.api('POST', '/v1/credentials/gamma/pause')
    await page.goto(`${office.service.url}/credentials`)
    await page.locator('tr[data-name="gamma"] [data-status="paused"]').waitFor()
    for (const name of ['alpha', 'gamma', 'unfinished']) await page.getByRole('checkbox', { name: `Select ${name}` }).check()
    const bar = page.getByRole('region', { name: 'Selected credentials' })
    await bar.getByRole('button', { name: 'Test' }).click()
    await page.getByText('Test 1 credential?').waitFor()
    await page.getByText(/unfinished is not finished/).waitFor()
    await page.getByText(/gamma is paused/).waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Test' }).click()
    await page.getByText('1 of 1 done').waitFor()
    await page.getByText('alpha: works').waitFor()
    await glanceAt(office.anna, 'bulk-result')
    await page.keyboard.press('Escape')
    await bar.waitFor({ state: 'detached' })
    await page.getByRole('checkbox', { name: 'Select alpha' }).check()
    await page.getByRole('checkbox', { name: 'Select gamma' }).check()
    await bar.getByRole('button', { name: 'Tag' }).click()
    await page.getByRole('dialog').getByLabel('Tags to add').first().pressSequentially('team-a,')
    await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click()
    await page.getByText('2 of 2 done').waitFor()
    await page.keyboard.press('Escape')
    assert.deepEqual((await office.api<{ tags: string[] }>('GET', '/v1/credentials/alpha')).tags, ['team-a'])
  })

  it('shows what the provider granted against what was asked for, and when a person tests, that in the time line', async () => {
    const { page } = office.anna
    await office.makeCredential('mail')
    await page.goto(`${office.service.url}/credentials/mail/connect`)
    await page.getByText('In this tab', { exact: true }).click()
    await page.getByRole('button', { name: 'Sign in here' }).click()
    await consentAtProvider(page, office.server.issuer, { user: 'alice' })
    await page.getByRole('heading', { name: /mail.*is connected/ }).waitFor()
    await page.goto(`${office.service.url}/credentials/mail`)
    await page.getByRole('img', { name: 'granted', exact: true }).first().waitFor()
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByRole('dialog').getByText('It works.', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Close' }).last().click()
    await page.getByText('Tested').first().waitFor()
    await office.api('POST', '/v1/credentials/mail/refresh')
    await page.getByText('New token from the provider').first().waitFor()
  })
})
