import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { openDatabase } from '../../src/storage/open.ts'
import { fillList, listSize } from '../list-fill.ts'
import { openDesk, type Desk } from './desk.ts'
import { glanceAt, lookAt } from './looks.ts'

describe(`the list with ${listSize.toLocaleString('en')} credentials in the browser`, () => {
  let desk: Desk
  let page: Page
  before(async () => {
    desk = await openDesk()
    page = desk.page
    await desk.service.stop()
    const store = await openDatabase({ folder: desk.service.data, now: Date.now() })
    await fillList({ store })
    await store.close()
    await desk.service.start()
  })
  after(() => desk.close())

  const rows = () => page.locator('tr[data-name]')
  const shownNames = () => rows().evaluateAll((list) => list.map((row) => (row as HTMLElement).dataset.name!))
  const indexes = () => rows().evaluateAll((list) => list.map((row) => Number((row as HTMLElement).dataset.index)))
  const search = () => page.getByRole('searchbox', { name: 'Search name, account or description' })
  const chip = (status: string) => page.getByRole('checkbox', { name: new RegExp(`^${status}`) })
  const parameter = (name: string) => new URL(page.url()).searchParams.get(name)

  it('shows the first rows within 300 ms of asking the service for them', async () => {
    const times: number[] = []
    // The best of several: what else the machine does is not what is measured.
    for (let i = 0; i < 8 && Math.min(...times, Infinity) > 300; i++) {
      await desk.visit('/credentials', 'API Keys & Credentials')
      await rows().first().waitFor()
      times.push(
        await page.evaluate(() => {
          const entries = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
          const request = entries.find((entry) => /\/v1\/credentials\?/.test(entry.name))!
          return request.responseEnd - request.requestStart
        }),
      )
    }
    assert.ok(Math.min(...times) <= 300, `the first rows took ${times.map(Math.round).join(', ')} ms`)
    const asked = await page.evaluate(() => performance.getEntriesByType('resource').filter((entry) => /\/v1\/credentials\/counts/.test(entry.name)).length)
    assert.equal(asked, 1, 'what costs the service most is asked for once')
    await lookAt(desk.anna, 'long-list')
  })

  it('scrolls on and on, fetches what comes next by itself, and keeps only a screenful of rows', async () => {
    await desk.visit('/credentials', 'API Keys & Credentials')
    await rows().first().waitFor()
    await page.mouse.move(600, 500)
    for (let i = 0; i < 200 && Math.max(...(await indexes())) < 250; i++) {
      await page.mouse.wheel(0, 1500)
      await page.evaluate(() => new Promise(requestAnimationFrame))
    }
    const seen = await indexes()
    assert.ok(Math.max(...seen) >= 250, `reached row ${Math.max(...seen)}`)
    assert.ok(seen.length < 80, `${seen.length} rows are in the document`)
    const names = await shownNames()
    assert.deepEqual(names, [...names].sort(), 'in order')
    // Opened and left again, the list is where it was.
    const name = names[Math.floor(names.length / 2)]!
    await page.locator(`tr[data-name="${name}"]`).dblclick()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    await page.goBack()
    await page.locator(`tr[data-name="${name}"]`).waitFor()
  })

  it('search, chips and order stand in the address bar, work together, and the back button undoes them one by one', async () => {
    await desk.visit('/credentials', 'API Keys & Credentials')
    await rows().first().waitFor()
    await search().pressSequentially('account with the number 47', { delay: 5 })
    await page.waitForFunction(() => new URL(location.href).searchParams.get('search') === 'account with the number 47')
    await page.waitForFunction(() => [...document.querySelectorAll('tr[data-name]')].length > 0)
    await chip('Needs consent').locator('xpath=..').click()
    await page.waitForFunction(() => location.search.includes('needs_consent'))
    await page.waitForFunction(() => {
      const marks = [...document.querySelectorAll('tr[data-name] [data-status]')]
      return marks.length > 0 && marks.every((mark) => (mark as HTMLElement).dataset.status === 'needs_consent')
    })
    await page.getByRole('button', { name: /^Last used/ }).click()
    await page.waitForFunction(() => document.querySelector('[data-column="used"]')?.getAttribute('aria-sort') === 'descending')
    assert.equal(parameter('sort'), '-last_used')
    await glanceAt(desk.anna, 'long-list-filtered')

    const found = await shownNames()
    await page.reload()
    await rows().first().waitFor()
    assert.deepEqual(await shownNames(), found, 'the address gives the same list again')
    assert.equal(await search().inputValue(), 'account with the number 47')

    await page.goBack()
    await page.waitForFunction(() => document.querySelector('[data-column="name"]')?.getAttribute('aria-sort') === 'ascending')
    await page.goBack()
    await page.waitForFunction(() => !location.search.includes('needs_consent'))
    await page.goBack()
    await page.waitForFunction(() => location.search === '')
    assert.equal(await search().inputValue(), '')
    assert.equal(await chip('Needs consent').isChecked(), false)
  })

  it('a search that nothing fits says so, and one click shows all again', async () => {
    await search().fill('nobody has this')
    await page.getByText('No credential fits this search and these filters.').waitFor()
    await glanceAt(desk.anna, 'long-list-nothing')
    await page.getByRole('button', { name: 'Show all' }).click()
    await rows().first().waitFor()
    assert.equal(await search().inputValue(), '')
  })

  it('quick find finds one among all', async () => {
    await page.keyboard.press('Control+k')
    await page.locator('input[aria-label="Find"]:focus').waitFor()
    await page.keyboard.type('user4711@')
    await page.getByText('user4711@example.org').first().waitFor()
    await page.keyboard.press('Escape')
  })

  it('over a slow network it says that it is under way, and can be used meanwhile', async () => {
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    await session.send('Network.emulateNetworkConditions', { offline: false, latency: 1500, downloadThroughput: 60_000, uploadThroughput: 30_000 })
    try {
      await search().fill('user47')
      await page.getByRole('status').getByRole('img', { name: 'Searching' }).waitFor()
      assert.ok((await rows().count()) > 0, 'the rows of before stay meanwhile')
      await search().fill('user4711@')
      await page.locator('tr[data-name]').filter({ hasText: 'user4711@example.org' }).waitFor()
      await page.getByRole('img', { name: 'Searching' }).waitFor({ state: 'detached' })
      assert.equal(await rows().count(), 1)
      await page.reload({ waitUntil: 'commit' })
      await page
        .getByRole('status')
        .getByText(/Asking the service|is coming|are coming/)
        .first()
        .waitFor()
      await rows().first().waitFor()
    } finally {
      await session.detach()
    }
    assert.deepEqual(desk.anna.complaints, [])
  })
})
