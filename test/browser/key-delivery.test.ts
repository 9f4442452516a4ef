import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { runCommand, type TestService } from '../service.ts'
import { makeVisitor, takePicture } from './browser.ts'
import { openDesk, type Desk } from './desk.ts'
import { glanceAt, lookAt } from './looks.ts'

describe('an access key handed over by a link, in a real browser and on the command line', () => {
  let desk: Desk
  let service: TestService
  before(async () => {
    desk = await openDesk()
    service = desk.service
  })
  after(() => desk.close())

  const status = async (key: string) => (await fetch(`${service.url}/v1/access-keys`, { headers: { authorization: `Bearer ${key}` } })).status

  it('Z8: a person makes the link, the other machine opens it by the button and gets a key that works; the next one gets none and the list says so', async () => {
    const { page, browser } = desk
    await page.goto(`${service.url}/access-keys`)
    await page.getByRole('button', { name: 'New access key' }).first().click()
    await page.getByRole('textbox', { name: 'Name' }).fill('web-server')
    await page.getByRole('button', { name: 'Remove credential 1' }).click()
    await page.getByRole('checkbox', { name: 'Keys' }).check()
    await page.getByLabel('Hand it over by a link').check()
    await page.getByRole('button', { name: 'Make the key' }).click()
    const shown = page.getByRole('group', { name: 'Link', exact: true })
    await shown.waitFor()
    const link = (await shown.innerText()).trim()
    assert.ok(link.startsWith(`${service.url}/deliver/`), link)
    assert.ok(!/kb_\w{46}/.test(await page.content()), 'no key is shown')
    await takePicture(page, 'key-delivery-made')
    await page.getByLabel('I have kept it').check()
    await page.getByRole('button', { name: 'Close' }).last().click()
    const row = page.getByRole('row').filter({ hasText: 'web-server' })
    await row.getByText('Waits to be fetched').waitFor()

    const first = await makeVisitor(browser)
    await first.page.goto(link)
    await first.page.getByRole('heading', { name: 'An access key for you' }).waitFor()
    await lookAt(first, 'key-delivery')
    await first.close()
    const bert = await makeVisitor(browser, { width: 320 })
    await bert.page.goto(link)
    await bert.page.getByRole('button', { name: 'Show the key' }).click()
    await bert.page.getByRole('heading', { name: /The access key/ }).waitFor()
    const key = /kb_\w{46}/.exec(await bert.page.content())![0]
    assert.equal(await status(key), 200)
    await glanceAt(bert, 'key-delivery-key-320')
    await bert.close()

    const eve = await makeVisitor(browser)
    await eve.page.goto(link)
    await eve.page.getByRole('heading', { name: 'This link was opened before' }).waitFor()
    await glanceAt(eve, 'key-delivery-used')
    await eve.close()
    await row.getByText('Link opened 2 times').waitFor()
    await glanceAt(desk.anna, 'key-delivery-alarm')
  })

  it('Z8: the command line prints the link alone, and the line for the other machine', async () => {
    const made = await service.cli(['key', 'create', 'nightly', '--administer', 'keys', '--delivery-link'])
    assert.equal(made.status, 0, made.stderr)
    const link = made.stdout.trim()
    assert.ok(link.startsWith(`${service.url}/deliver/`) && !made.stdout.trim().includes('\n'), made.stdout)
    const line = /\(umask 077; (curl .+) > access-key\)/.exec(made.stderr)![1]!
    assert.equal(line, `curl -fsS -X POST ${link}`)
    assert.match(await service.get('key', 'list'), /nightly +not fetched yet/)
    const fetched = await runCommand(['sh', '-c', line], { PATH: process.env.PATH ?? '' })
    assert.equal(fetched.status, 0, fetched.stderr)
    assert.equal(await status(fetched.stdout.trim()), 200)
    const again = await runCommand(['sh', '-c', line], { PATH: process.env.PATH ?? '' })
    assert.deepEqual([again.status, again.stdout], [22, ''])
    const audit = await service.get('audit', '--json')
    assert.match(audit, /access_key\.delivery_refused/)
  })
})
