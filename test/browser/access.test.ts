import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { runCommand } from '../service.ts'
import { makeVisitor, type Visitor } from './browser.ts'
import { closeDialog, openDesk, type Desk } from './desk.ts'
import { glanceAt, lookAt } from './looks.ts'
import { person } from './person.ts'

describe('access keys, persons and the audit trail in the browser', () => {
  let desk: Desk
  let page: Page
  /** The key that was made on the page. */
  let key = ''
  before(async () => {
    desk = await openDesk()
    page = desk.page
    for (const name of ['weather', 'crm'])
      await desk.api('POST', '/v1/credentials', { name, kind: 'api_key', secret: `secret-of-${name}`, allowed_hosts: ['api.example.org'] })
  })
  after(() => desk.close())

  const dialog = () => page.getByRole('dialog')
  const curl = async (credential: string): Promise<{ status: string; body: string }> => {
    const run = await runCommand(
      ['curl', '-s', '-X', 'POST', '-K', '-', '-w', '\n%{http_code}', `${desk.service.url}/v1/credentials/${credential}/token`],
      { PATH: process.env.PATH ?? '' },
      `header = "authorization: Bearer ${key}"\n`,
    )
    const lines = run.stdout.split('\n')
    return { status: lines.pop()!, body: lines.join('\n') }
  }

  it('nothing is there yet: the page says what keys are for, and how to make one', async () => {
    await desk.visit('/access-keys?view=list', 'Access keys')
    await page.getByRole('button', { name: 'New access key' }).click()
    await dialog().getByRole('button', { name: 'Make the key' }).click()
    // The browser itself asks for the name.
    assert.equal(
      await dialog()
        .getByRole('textbox', { name: 'Name', exact: true })
        .evaluate((field: HTMLInputElement) => field.validity.valueMissing),
      true,
    )
    await dialog().getByRole('textbox', { name: 'Name', exact: true }).fill('nightly')
    await dialog().getByRole('button', { name: 'Make the key' }).click()
    await dialog().getByText('Choose one, or remove it').waitFor()
    await glanceAt(desk.anna, 'access-key-refused')
  })

  it('a key is made on the page with a right on one credential, and shown once', async () => {
    await dialog().getByRole('combobox', { name: 'Credential' }).fill('weath')
    await page.getByRole('option', { name: /weather/ }).click()
    assert.equal(await dialog().getByLabel('Mails an hour').count(), 0)
    await dialog().getByRole('checkbox', { name: 'Mail', exact: true }).check()
    await dialog().getByLabel('Mails an hour').fill('100')
    await dialog().getByRole('button', { name: 'Make the key' }).click()
    const made = page.getByRole('dialog', { name: '“nightly” is made' })
    key = (await made.getByRole('group', { name: 'Access key' }).textContent())!.trim()
    assert.match(key, /^kb_/)
    await lookAt(desk.anna, 'access-key-made')
    await made.getByRole('button', { name: 'Copy the access key' }).click()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key)
    await page.keyboard.press('Escape')
    assert.equal(await made.isVisible(), true, 'it closes only when somebody says that he has kept it')
    await made.getByLabel('I have kept it').click()
    await made.getByRole('button', { name: 'Close' }).click()
    await made.waitFor({ state: 'detached' })
    assert.ok(!(await page.content()).includes(key))
    await page.reload()
    await page.getByText('nightly').first().waitFor()
    await page.getByText('at most 100 mails an hour').waitFor()
    assert.ok(!(await page.content()).includes(key), 'nobody sees it a second time')
  })

  it('P3: a key that was stopped because nobody used it says so, and counts again by a click', async () => {
    const made = await desk.api<{ access_key: { id: string }; key: string }>('POST', '/v1/access-keys', {
      name: 'yearly',
      permissions: [{ credential: 'weather', rights: ['token'] }],
    })
    const ask = async () =>
      (await fetch(`${desk.service.url}/v1/credentials/weather/token`, { method: 'POST', headers: { authorization: `Bearer ${made.key}` } })).status
    // Ninety days are too long for a test: the row is as the service would have left it, which has not seen the key before.
    const database = new DatabaseSync(join(desk.service.data, 'keybearer.db'))
    database.prepare('update access_keys set stopped_at = ? where id = ?').run(Date.now() - 60_000, made.access_key.id)
    database.close()
    assert.equal(await ask(), 401)
    await desk.visit('/access-keys?view=list', 'Access keys')
    const row = page.getByRole('row', { name: /yearly/ })
    await row.getByText('Nobody used it for long').waitFor()
    await lookAt(desk.anna, 'access-key-stopped')
    await page.getByRole('button', { name: 'Resume: yearly' }).click()
    await page.getByText('“yearly” counts again.').waitFor()
    await row.getByText('never ends').waitFor()
    assert.equal(await ask(), 200)
    await desk.api('DELETE', `/v1/access-keys/${made.access_key.id}`)
  })

  it('curl gets the token with it, and that of no other credential; the page then says when and from where it was used', async () => {
    assert.equal(await page.getByRole('row').filter({ hasText: 'nightly' }).getByText('never', { exact: true }).count(), 1)
    const got = await curl('weather')
    assert.deepEqual([got.status, (JSON.parse(got.body) as { access_token: string }).access_token], ['200', 'secret-of-weather'])
    assert.equal((await curl('crm')).status, '404')
    // Nobody touches the page.
    await page.getByRole('row').filter({ hasText: 'nightly' }).getByText('from 127.0.0.1').waitFor()
    await desk.visit('/credentials/weather', 'weather')
    await page.getByText('nightly').first().waitFor()
  })

  it('the grid shows which key may do what with which credential', async () => {
    await desk.api('POST', '/v1/access-keys', { name: 'reports', permissions: [{ credential: '*', rights: ['read'] }] })
    await desk.api('POST', '/v1/access-keys', { name: 'sync', permissions: [{ credential: 'crm', rights: ['read', 'request'] }] })
    await desk.visit('/access-keys', 'Access keys')
    await page.getByRole('tab', { name: 'Who may what' }).click()
    const cells = async (credential: string) => {
      const heads = await page.getByRole('table', { name: 'Rights by credential and key' }).getByRole('columnheader').allTextContents()
      const row = await page
        .getByRole('row')
        .filter({ has: page.getByRole('rowheader', { name: credential }) })
        .getByRole('cell')
        .allTextContents()
      return Object.fromEntries(heads.slice(1).map((head, index) => [head, row[index]!.replaceAll('✓ ', ' ').trim()]))
    }
    assert.deepEqual(await cells('weather').then(({ nightly, sync }) => ({ nightly, sync })), { nightly: 'Read Mail Token', sync: '–' })
    assert.deepEqual(await cells('crm').then(({ nightly, sync }) => ({ nightly, sync })), { nightly: '–', sync: 'Read Request' })
    assert.equal((await cells('All credentials')).reports, 'Read')
    assert.ok(page.url().includes('view=grid'))
  })

  it('a revoked key opens nothing any more and stays visible', async () => {
    await desk.visit('/access-keys', 'Access keys')
    await page.getByRole('button', { name: 'Revoke: nightly' }).click()
    await dialog().getByText('It was used').waitFor()
    assert.equal(await dialog().getByRole('button', { name: 'Revoke' }).isDisabled(), true)
    await dialog().getByLabel(/Type/).fill('nightly')
    await dialog().getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('row').filter({ hasText: 'nightly' }).getByText('Revoked').waitFor()
    assert.equal((await curl('weather')).status, '401')
  })

  it('a person is invited by a link, takes it in another browser, and sees what the role allows', async () => {
    await desk.visit('/persons', 'Persons')
    await page.getByRole('button', { name: 'Invite somebody' }).first().click()
    await dialog().getByLabel('Name').fill('bela@example.org')
    await dialog().getByRole('button', { name: 'Make the link' }).click()
    const shown = page.getByRole('dialog', { name: 'Link for bela@example.org' })
    const link = (await shown.getByRole('group', { name: 'Link' }).textContent())!.trim()
    await glanceAt(desk.anna, 'person-link')
    await shown.getByLabel('I have kept it').click()
    await shown.getByRole('button', { name: 'Close' }).click()

    const bela = await accept(link)
    await bela.page.getByRole('navigation', { name: 'Pages' }).getByText('Credentials').waitFor()
    for (const hidden of ['Access keys', 'Audit', 'Persons', 'Senders', 'Settings & health'])
      assert.equal(await bela.page.getByRole('navigation', { name: 'Pages' }).getByText(hidden).count(), 0, hidden)
    assert.equal(await bela.page.getByRole('link', { name: 'New credential' }).count(), 0)
    await bela.page.goto(`${desk.service.url}/access-keys`)
    await bela.page.getByRole('alert').waitFor()
    await bela.page.goto(`${desk.service.url}/credentials/weather`)
    await bela.page.getByRole('heading', { level: 1, name: 'weather' }).waitFor()

    // A new role holds at once, in the window that is open.
    await page.getByRole('button', { name: 'What can be done with bela@example.org' }).click()
    await page.getByRole('menuitem', { name: 'Change the role' }).click()
    await dialog()
      .getByRole('radio', { name: /Manager/ })
      .click()
    await glanceAt(desk.anna, 'person-role')
    await dialog()
      .getByRole('button', { name: /Change|Save/ })
      .click()
    await bela.page.getByRole('navigation', { name: 'Pages' }).getByText('Senders').waitFor()

    // So does the end.
    await page.getByRole('button', { name: 'What can be done with bela@example.org' }).click()
    await page.getByRole('menuitem', { name: 'Suspend' }).click()
    await dialog().getByRole('button', { name: 'Suspend' }).click()
    await page.getByText('Suspended', { exact: true }).waitFor()
    await bela.page
      .getByText('Your session has ended')
      .or(bela.page.getByRole('heading', { name: 'Sign in to Keybearer' }))
      .first()
      .waitFor()
    await bela.page.locator('input[type=password]').last().fill(person.password)
    await bela.page.getByRole('button', { name: 'Sign in' }).click()
    await bela.page.getByRole('alert').waitFor()
    await glanceAt(bela, 'person-suspended')
    await lookAt(desk.anna, 'persons')
    await bela.close()
  })

  const accept = async (link: string): Promise<Visitor> => {
    const bela = await makeVisitor(desk.browser)
    await bela.page.goto(link)
    await bela.page.getByText('anna@example.org invited you as').waitFor()
    assert.ok(!bela.page.url().includes(link.split('#')[1]!))
    assert.equal(await bela.page.getByLabel('Name').inputValue(), 'bela@example.org')
    await lookAt(bela, 'invitation')
    await bela.page.locator('input[type=password]').nth(0).fill(person.password)
    await bela.page.locator('input[type=password]').nth(1).fill(person.password)
    await bela.page.getByRole('button', { name: 'Sign in' }).click()
    await bela.page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
    const again = await makeVisitor(desk.browser)
    await again.page.goto(link)
    await again.page.getByRole('alert').waitFor()
    await glanceAt(again, 'invitation-used')
    await again.close()
    return bela
  }

  it('the trail tells who did what; it is filtered, opened, verified and exported', async () => {
    await desk.visit('/audit', 'Audit')
    await page
      .getByRole('button', { name: /^Record \d+:/ })
      .first()
      .waitFor()
    await page.getByRole('combobox', { name: 'What' }).click()
    await page
      .getByRole('option', { name: /handed out/i })
      .first()
      .click()
    await page.waitForURL(/action=/)
    await page.getByText('nightly').first().waitFor()
    await page
      .getByRole('button', { name: /^Record \d+:/ })
      .first()
      .click()
    await dialog().getByText('127.0.0.1').waitFor()
    await dialog().getByRole('button', { name: 'Only to this one' }).click()
    await page.waitForURL(/subject=cred_/)
    await closeDialog(page).catch(() => undefined)
    await page.reload()
    await page.getByText('nightly').first().waitFor()

    await page.getByRole('button', { name: 'More' }).click()
    const download = page.waitForEvent('download')
    await page.getByRole('menuitem', { name: 'Export what is shown, as a file' }).click()
    const lines = readFileSync(await (await download).path(), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { action: string; actor: { name: string } })
    assert.ok(lines.length >= 1 && lines.every((line) => line.action === 'token.handed_out'), JSON.stringify(lines).slice(0, 400))

    await page.getByRole('button', { name: 'Verify the trail' }).click()
    await page.getByText(/All [\d,]+ records fit together/).waitFor()

    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Was this token handed out?' }).click()
    await dialog().locator('input[type=password]').fill('secret-of-weather')
    await dialog().getByRole('button', { name: 'Look for it' }).click()
    await dialog().getByText('It came from here').waitFor()
    await closeDialog(page)
    await page.getByRole('combobox', { name: 'Outcome' }).click()
    await page.getByRole('option', { name: 'Failed' }).click()
    await page.getByText('No record fits these filters.').waitFor()
    await page.getByRole('button', { name: 'Show all' }).last().click()
    await page
      .getByRole('button', { name: /^Record \d+:/ })
      .first()
      .waitFor()
    assert.deepEqual(desk.anna.complaints, [])
  })
})
