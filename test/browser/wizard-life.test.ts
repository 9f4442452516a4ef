import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { glanceAt } from './looks.ts'
import { openOffice, type Office } from './office.ts'
import { person } from './person.ts'
import { beginWithAddresses, goOn, nameIt, stepHeading } from './wizard-steps.ts'

type Stored = { id: string; name: string; kind: string; status: string; description: string; username: string | null; tags: string[]; allowed_hosts: string[] }

/** Names as people choose them: they look like what they are, and run nowhere. */
const oddNames = ['🔑 mail – 日本', 'بريد العمل', '"quoted" \'names\' & more', '<script>alert(1)', '<img src=x onerror=alert(1)>']

describe('the wizard over time: left, resumed, edited by two, cut off', () => {
  let office: Office
  before(async () => {
    office = await openOffice()
  })
  after(() => office.close())
  afterEach(() => assert.deepEqual(office.anna.complaints.splice(0), []))

  const stored = (name: string) => office.api<Stored>('GET', `/v1/credentials/${encodeURIComponent(name)}`)
  const openNew = async (kind: string) => {
    const { page } = office.anna
    await page.goto(`${office.service.url}/credentials/new`)
    await page.getByRole('radio', { name: kind }).click()
    await goOn(page, kind === 'API key' ? 'API key' : 'User and password')
  }

  it('keeps an API key: hosts separated in any way, the secret is never shown again, an edit keeps it', async () => {
    const { page } = office.anna
    await openNew('API key')
    await page
      .getByLabel(/^API key/)
      .last()
      .fill('CANARY-api-key')
    const hosts = page.getByRole('combobox', { name: 'Servers it may be sent to' }).or(page.getByRole('textbox', { name: 'Servers it may be sent to' }))
    await hosts.first().pressSequentially('api.example.org *.example.net,')
    await nameIt(page, 'weather')
    await goOn(page, 'Name')
    await page.getByLabel('Description').fill('The forecast')
    await goOn(page, 'Test')
    await page.getByText('It works.', { exact: true }).waitFor()
    await glanceAt(office.anna, 'wizard-summary')
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('heading', { name: 'weather' }).waitFor()
    assert.deepEqual((await stored('weather')).allowed_hosts, ['api.example.org', '*.example.net'])

    await page.getByRole('link', { name: 'Edit' }).click()
    await stepHeading(page, 'API key').waitFor()
    assert.ok(!(await page.content()).includes('CANARY'), 'nothing that is stored comes back')
    assert.equal(
      await page
        .getByLabel(/^API key/)
        .last()
        .inputValue(),
      '',
    )
    await page.getByLabel('Account').fill('forecasts@example.org')
    await page.getByRole('button', { name: 'Save and close' }).click()
    await page.getByRole('heading', { name: 'weather' }).waitFor()
    const after = await stored('weather')
    assert.deepEqual([after.username, after.status], ['forecasts@example.org', 'ready'])
    // What would send the secret elsewhere is said before it is saved.
    await page.getByRole('link', { name: 'Edit' }).click()
    await hosts.first().pressSequentially('evil.example,')
    await page.getByText('Saving this removes a stored secret').waitFor()
    await glanceAt(office.anna, 'wizard-removes-secret')
  })

  it('keeps a user name and password, and says that it is the weaker way', async () => {
    const { page } = office.anna
    await page.goto(`${office.service.url}/credentials/new`)
    await page.getByRole('radio', { name: /User name and password/ }).click()
    await page.getByText('A password opens everything').waitFor()
    await glanceAt(office.anna, 'wizard-basic-warning')
    await goOn(page, 'User and password')
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page
      .getByText(/needed/)
      .first()
      .waitFor()
    await glanceAt(office.anna, 'wizard-basic-missing')
    await page.getByLabel(/^User name/).fill('anna')
    await page.getByLabel(/^Password/).fill('CANARY-password')
    await nameIt(page, 'old server')
    await goOn(page, 'Name')
    await goOn(page, 'Test')
    await page.getByText('It works.', { exact: true }).waitFor()
    assert.deepEqual([(await stored('old server')).kind, (await stored('old server')).username], ['basic', 'anna'])
  })

  it('can be left at any step and finished later; before the first save what was typed stays, without secrets', async () => {
    const { page } = office.anna
    await beginWithAddresses(page, office.service.url, office.addresses, { id: 'native', auth: 'No secret' })
    await nameIt(page, 'half way')
    // To another page and back, within the page.
    await page.getByRole('link', { name: 'Registrations' }).click()
    await page.getByRole('heading', { name: 'Registrations', exact: true }).waitFor()
    await page.keyboard.press('c')
    await page.getByText('What you typed before is still here').waitFor()
    await glanceAt(office.anna, 'wizard-resumed')
    await goOn(page, 'Account and client')
    assert.equal(await page.getByLabel('Client ID').inputValue(), 'native')
    await page.getByRole('button', { name: 'Save and finish later' }).click()
    await page.getByRole('heading', { name: 'half way' }).waitFor()
    await page.getByText('It is not finished yet').waitFor()
    assert.equal((await stored('half way')).status, 'incomplete')
    await page.goto(`${office.service.url}/credentials`)
    await page
      .locator('tr[data-name="half way"]')
      .getByRole('link', { name: /half way$/ })
      .first()
      .waitFor()
    await page.locator('tr[data-name="half way"] [data-status="incomplete"]').waitFor()
    await page.goto(`${office.service.url}/credentials/half%20way/edit`)
    await stepHeading(page, 'Consent').waitFor()
    await page.getByRole('heading', { name: 'Finish “half way”' }).waitFor()
    // Unsaved changes are not left behind without a question.
    await page.getByRole('button', { name: /Name/ }).first().click()
    await stepHeading(page, 'Name').waitFor()
    await page.getByLabel('Description').fill('unsaved')
    await page.getByRole('link', { name: 'Registrations' }).click()
    await page.getByText('Leave without saving?').waitFor()
    await glanceAt(office.anna, 'wizard-leave')
    await page.getByRole('button', { name: 'Stay' }).click()
    assert.equal(await page.getByLabel('Description').inputValue(), 'unsaved')
    await page.getByRole('link', { name: 'Registrations' }).click()
    await page.getByRole('button', { name: 'Leave it' }).click()
    await page.getByRole('heading', { name: 'Registrations', exact: true }).waitFor()
  })

  it('two persons who edit the same credential see each other’s changes, field by field, and lose nothing', async () => {
    await office.makeCredential('shared', { description: 'as it was' })
    const { page } = office.anna
    const other = await office.openWindow()
    for (const one of [page, other.page]) {
      await one.goto(`${office.service.url}/credentials/shared/edit?step=name`)
      await one.getByLabel('Description').waitFor()
    }
    await page.getByLabel('Description').fill('what Anna wrote')
    await other.page.getByLabel('Description').fill('what Bert wrote')
    await other.page
      .getByRole('button', { name: 'Save and close' })
      .or(other.page.getByRole('button', { name: 'Save and finish later' }))
      .click()
    await other.page.getByRole('heading', { name: 'shared' }).waitFor()
    // What is typed here is not overwritten by what arrives.
    assert.equal(await page.getByLabel('Description').inputValue(), 'what Anna wrote')
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page.getByText('Somebody changed this meanwhile').waitFor()
    await page.getByText('what Bert wrote').waitFor()
    await glanceAt(office.anna, 'wizard-conflict')
    await page.getByRole('button', { name: 'Back to the form' }).click()
    assert.equal(await page.getByLabel('Description').inputValue(), 'what Anna wrote')
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page.getByRole('radio', { name: /Take theirs/ }).click()
    await page.getByRole('button', { name: 'Save this' }).click()
    await stepHeading(page, 'Test').waitFor()
    assert.equal((await stored('shared')).description, 'what Bert wrote')
    // Changes of different fields fit together: both are kept, and the second is told of the first.
    for (const one of [page, other.page]) {
      await one.goto(`${office.service.url}/credentials/shared/edit?step=name`)
      await one.getByLabel('Description').waitFor()
    }
    await other.page.getByLabel('Description').fill('another text')
    await page.getByRole('textbox', { name: 'Name' }).fill('shared by two')
    await other.page.getByRole('button', { name: 'Save and finish later' }).click()
    await other.page.getByRole('heading', { name: 'shared' }).waitFor()
    await page.getByRole('button', { name: 'Save and finish later' }).click()
    await page.getByRole('heading', { name: 'shared by two' }).waitFor()
    await page.getByText('Somebody else changed this meanwhile, and it is kept: Description.').waitFor()
    assert.equal((await stored('shared by two')).description, 'another text')
    assert.deepEqual(other.complaints, [])
    await other.close()
  })

  it('a session that ends in the middle: the password is asked for over the form, and it goes on', async () => {
    const { page } = office.anna
    await openNew('API key')
    await page
      .getByLabel(/^API key/)
      .last()
      .fill('CANARY-half-typed')
    await nameIt(page, 'cut off')
    const before = await office.anna.context.cookies(office.service.url)
    await office.anna.context.clearCookies()
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page.getByText('Your session has ended').waitFor()
    await glanceAt(office.anna, 'wizard-session-ended')
    assert.ok(before.length > 0)
    await page.locator('input[type=password]').last().fill(person.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Your session has ended').waitFor({ state: 'detached' })
    assert.equal(
      await page
        .getByLabel(/^API key/)
        .last()
        .inputValue(),
      'CANARY-half-typed',
    )
    await goOn(page, 'Name')
    assert.equal((await stored('cut off')).status, 'ready')
  })

  it('a service that goes away in the middle: what was typed stays, and is made once', async () => {
    const { page } = office.anna
    await openNew('API key')
    await page
      .getByLabel(/^API key/)
      .last()
      .fill('CANARY-away')
    await nameIt(page, 'away and back')
    await office.service.stop()
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page.getByRole('alert').first().waitFor()
    await page.getByText('The service does not answer').first().waitFor()
    await glanceAt(office.anna, 'wizard-service-away')
    await office.service.start()
    await page.getByText('The service does not answer').first().waitFor({ state: 'detached' })
    assert.equal(
      await page
        .getByLabel(/^API key/)
        .last()
        .inputValue(),
      'CANARY-away',
    )
    await goOn(page, 'Name')
    const { items } = await office.api<{ items: Stored[] }>('GET', '/v1/credentials?search=away')
    assert.equal(items.length, 1)
  })

  it('names with emoji, from right to left, with quotes and with tags are shown as they are, everywhere', async () => {
    const { page } = office.anna
    for (const name of oddNames) {
      await openNew('API key')
      await page
        .getByLabel(/^API key/)
        .last()
        .fill('not-a-secret')
      await nameIt(page, name)
      await goOn(page, 'Name')
      await page.getByLabel('Description').fill('</p><script>alert(1)</script>')
      await page.getByRole('button', { name: 'Save and close' }).click()
      await page.getByRole('heading', { level: 1 }).filter({ hasText: name }).waitFor()
    }
    await page.goto(`${office.service.url}/credentials`)
    for (const name of oddNames) {
      await page.locator('tr').filter({ hasText: name }).first().waitFor()
    }
    await glanceAt(office.anna, 'list-odd-names')
    await page.keyboard.press('/')
    await page.locator('input[aria-label="Find"]:focus').waitFor()
    await page.keyboard.type('<script>')
    await page.locator('.mantine-Spotlight-action').filter({ hasText: '<script>alert(1)' }).first().waitFor()
    await glanceAt(office.anna, 'find-odd-name')
    await page.keyboard.press('Escape')
    const narrow = await office.openWindow({ width: 320, scheme: 'dark' })
    await narrow.page.goto(`${office.service.url}/credentials/${encodeURIComponent(oddNames[3]!)}`)
    await narrow.page.getByText('What happened').waitFor()
    await glanceAt(narrow, 'credential-odd-name-320-dark')
    assert.deepEqual(narrow.complaints, [])
    await narrow.close()
    assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('script')].filter((script) => script.textContent?.includes('alert')).length), 0)
  })
})
