import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { closeDialog, openDesk, type Desk } from './desk.ts'
import { glanceAt } from './looks.ts'

type Stored = { status: string; tags: string[] }

describe('several credentials at once', () => {
  let desk: Desk
  let page: Page
  before(async () => {
    desk = await openDesk()
    page = desk.page
    for (const name of ['alpha', 'beta', 'gamma', 'delta'])
      await desk.api('POST', '/v1/credentials', { name, kind: 'api_key', secret: 'not-a-secret', tags: ['old'] })
    const { key } = await desk.api<{ key: string }>('POST', '/v1/access-keys', { name: 'nightly', permissions: [{ credential: '*', rights: ['token'] }] })
    const used = await fetch(`${desk.service.url}/v1/credentials/beta/token`, { method: 'POST', headers: { authorization: `Bearer ${key}` } })
    assert.equal(used.status, 200)
  })
  after(() => desk.close())
  beforeEach(async () => {
    await desk.visit('/credentials', 'API Keys & Credentials')
    await page.locator('tbody tr[data-name]').first().waitFor()
  })
  afterEach(() => assert.deepEqual(desk.anna.complaints.splice(0), []))

  const bar = () => page.getByRole('region', { name: 'Selected credentials' })
  const dialog = () => page.getByRole('dialog')
  const select = async (...names: string[]) => {
    for (const name of names) await page.getByRole('checkbox', { name: `Select ${name}` }).check()
    await bar().getByText(`${names.length} selected`).waitFor()
  }
  /** Chooses what is done with all, and says yes. */
  const work = async (name: string, button = name) => {
    await bar().getByRole('button', { name, exact: true }).click()
    await dialog().getByRole('button', { name: button, exact: true }).click()
  }
  const stored = (name: string) => desk.api<Stored>('GET', `/v1/credentials/${name}`)

  it('x selects the row that has the focus, and lets it go again', async () => {
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await bar().getByText('1 selected').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await bar().getByText('2 selected').waitFor()
    assert.deepEqual(await page.getByRole('checkbox', { checked: true }).evaluateAll((all) => all.map((one) => one.getAttribute('aria-label'))), [
      'Select alpha',
      'Select beta',
    ])
    await page.keyboard.press('x')
    await bar().getByText('1 selected').waitFor()
    await bar().getByRole('button', { name: 'Clear' }).click()
    await bar().waitFor({ state: 'detached' })
  })

  it('pauses and resumes: says before which of them automations use, and leaves out what is paused already', async () => {
    await desk.api('POST', '/v1/credentials/gamma/pause')
    await page.locator('tr[data-name="gamma"] [data-status="paused"]').waitFor()
    await select('alpha', 'beta', 'gamma')
    await bar().getByRole('button', { name: 'Pause', exact: true }).click()
    await dialog().getByText('1 of them is in use:').waitFor()
    await dialog().getByText('nightly').waitFor()
    await dialog()
      .getByText(/gamma is paused already/)
      .waitFor()
    await dialog().getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByText('2 of 2 done').waitFor()
    assert.deepEqual([(await stored('alpha')).status, (await stored('beta')).status, (await stored('delta')).status], ['paused', 'paused', 'ready'])
    await closeDialog(page)
    await bar().waitFor({ state: 'detached' })
    await select('alpha', 'beta', 'gamma', 'delta')
    await bar().getByRole('button', { name: 'Resume', exact: true }).click()
    await dialog()
      .getByText(/delta is not paused/)
      .waitFor()
    await dialog().getByRole('button', { name: 'Resume', exact: true }).click()
    await page.getByText('3 of 3 done').waitFor()
    await glanceAt(desk.anna, 'bulk-resumed')
    for (const name of ['alpha', 'beta', 'gamma']) assert.equal((await stored(name)).status, 'ready', name)
  })

  it('adds tags to those that are there', async () => {
    await select('alpha', 'delta')
    await bar().getByRole('button', { name: 'Tag', exact: true }).click()
    await dialog().getByLabel('Tags to add').first().pressSequentially('team-a,')
    await dialog().getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('2 of 2 done').waitFor()
    for (const name of ['alpha', 'delta']) assert.deepEqual((await stored(name)).tags, ['old', 'team-a'])
    assert.deepEqual((await stored('beta')).tags, ['old'])
  })

  it('exports the selected ones and no others', async () => {
    await select('alpha', 'gamma')
    await bar().getByRole('button', { name: 'Export', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Export credentials' }).waitFor()
    await page.getByText('alpha').first().waitFor()
    await glanceAt(desk.anna, 'bulk-export')
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export to a file' }).click()
    const path = await (await saved).path()
    const { credentials } = JSON.parse(readFileSync(path, 'utf8')) as { credentials: { name: string }[] }
    assert.deepEqual(credentials.map((one) => one.name).toSorted(), ['alpha', 'gamma'])
  })

  it('deletes: names what is in use and by whom, asks to type it, and says of each how it went', async () => {
    await select('alpha', 'beta')
    await bar().getByRole('button', { name: 'Delete', exact: true }).click()
    await dialog().getByText('1 of them is in use:').waitFor()
    await dialog().getByText('nightly').waitFor()
    const button = dialog().getByRole('button', { name: 'Delete', exact: true })
    assert.ok(await button.isDisabled())
    await dialog().getByRole('textbox').fill('delete 2')
    await button.click()
    await page.getByText('2 of 2 done').waitFor()
    await page.getByText(/alpha: deleted/).waitFor()
    await glanceAt(desk.anna, 'bulk-deleted')
    await closeDialog(page)
    for (const name of ['alpha', 'beta']) await page.locator(`tr[data-name="${name}"]`).waitFor({ state: 'detached' })
    const { items } = await desk.api<{ items: { name: string }[] }>('GET', '/v1/credentials')
    assert.deepEqual(items.map((one) => one.name).toSorted(), ['delta', 'gamma'])
    // Without one in use nothing has to be typed.
    await select('gamma')
    await work('Delete')
    await page.getByText('1 of 1 done').waitFor()
  })
})
