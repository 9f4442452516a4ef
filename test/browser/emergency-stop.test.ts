import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { openDesk, type Desk } from './desk.ts'
import { lookAt } from './looks.ts'

describe('an emergency stop', () => {
  let desk: Desk
  let page: Page
  before(async () => {
    desk = await openDesk()
    page = desk.page
    for (const [name, tags] of [
      ['alpha', ['sales']],
      ['beta', ['sales']],
      ['gamma', ['home']],
    ] as const)
      await desk.api('POST', '/v1/credentials', { name, kind: 'api_key', secret: 'not-a-secret', allowed_hosts: ['127.0.0.1'], tags })
  })
  after(() => desk.close())
  afterEach(() => assert.deepEqual(desk.anna.complaints.splice(0), []))

  const statusOf = async (name: string) => (await desk.api<{ status: string }>('GET', `/v1/credentials/${name}`)).status
  const dialog = () => page.getByRole('dialog')

  it('P1: says how many fit before, stops these and nothing else, and lists what a person has to do', async () => {
    await desk.visit('/credentials', 'API Keys & Credentials')
    await page.getByRole('link', { name: 'Emergency stop' }).click()
    await page.getByRole('heading', { level: 1, name: 'Emergency stop' }).waitFor()
    await page.getByText('Name what is to be stopped.').waitFor()
    assert.ok(await page.getByRole('button', { name: 'Stop', exact: true }).isDisabled())
    await page.getByLabel('Tag', { exact: true }).fill('nobody')
    await page.getByText('No credential fits.').waitFor()
    await page.getByLabel('Tag', { exact: true }).fill('sales')
    await page.getByText('2 credentials fit.').waitFor()
    await page.getByRole('switch', { name: 'Take their tokens back at the providers, too' }).check()
    await page.getByLabel('Why').fill('A laptop was stolen')
    await page.getByRole('button', { name: 'Stop 2 credentials' }).click()
    await dialog().getByText('that cannot be undone').waitFor()
    assert.ok(await dialog().getByRole('button', { name: 'Stop them' }).isDisabled())
    await lookAt(desk.anna, 'emergency-stop-question')
    await dialog().getByLabel('Type “stop 2” to confirm').fill('stop 2')
    await dialog().getByRole('button', { name: 'Stop them' }).click()
    await page.getByText('2 credentials: no token of them is handed out any more').waitFor()
    await page.getByRole('row', { name: /alpha.*Left for a person.*An API key stays valid at its server/ }).waitFor()
    assert.deepEqual([await statusOf('alpha'), await statusOf('beta'), await statusOf('gamma')], ['paused', 'paused', 'ready'])
    await lookAt(desk.anna, 'emergency-stop')
  })

  it('P1: is among the earlier ones, and can be undone', async () => {
    await page.getByRole('link', { name: 'All emergency stops' }).click()
    await page.getByRole('table', { name: 'Earlier emergency stops' }).waitFor()
    await page.getByText('A laptop was stolen').first().waitFor()
    await lookAt(desk.anna, 'emergency-stops')
    await page.getByRole('link', { name: 'Those tagged sales' }).click()
    await page.getByRole('button', { name: 'Switch on again' }).click()
    await lookAt(desk.anna, 'emergency-stop-undo')
    await dialog().getByRole('button', { name: 'Switch on' }).click()
    await page.getByText('2 credentials were stopped').waitFor()
    assert.ok(await page.getByRole('button', { name: 'Switch on again' }).isDisabled())
    assert.deepEqual([await statusOf('alpha'), await statusOf('beta')], ['ready', 'ready'])
  })
})
