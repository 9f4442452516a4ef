import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { openKnownOffice, type KnownOffice } from './known-office.ts'
import { glanceAt } from './looks.ts'
import type { Office } from './office.ts'
import { goOn, nameIt, stepHeading } from './wizard-steps.ts'

describe('the guides beside the steps of the wizard', () => {
  let opened: KnownOffice
  let office: Office
  before(async () => {
    opened = await openKnownOffice()
    ;({ office } = opened)
  })
  after(() => opened.close())
  afterEach(() => assert.deepEqual(office.anna.complaints.splice(0), []))

  const guide = () => office.anna.page.getByRole('complementary', { name: 'Guide' })
  const toggle = () => guide().getByRole('button', { name: 'Guide', exact: true })
  const copied = () => office.anna.page.evaluate(() => navigator.clipboard.readText())
  const chooseProvider = async (words: string, page = office.anna.page) => {
    await page.goto(`${office.service.url}/credentials/new`)
    await page
      .getByRole('radio', { name: 'Microsoft 365', exact: true })
      .or(page.getByText('Microsoft 365', { exact: true }))
      .first()
      .waitFor()
    await page.getByLabel('Search the providers').fill(words)
    await page.keyboard.press('Enter')
    await goOn(page, 'Account and client')
  }

  it('Microsoft 365 without a person: the PowerShell has the values that were typed, each command is copied by a button', async () => {
    const { page } = office.anna
    await chooseProvider('microsoft 365')
    await page.getByRole('switch', { name: 'Unattended service account flow' }).check()
    await guide().getByRole('heading', { name: 'Microsoft 365 without a person, part 1: the application' }).waitFor()
    await page.getByLabel('Directory (tenant) ID').fill('acme.onmicrosoft.example')
    await page.getByLabel('Client ID').fill('0a1b2c3d-robot')
    await page.getByLabel(/^Client secret(?: \*)?$/).fill('secret')
    await page.getByLabel('User', { exact: true }).fill('robot@acme.example')
    await nameIt(page, "night's job")
    await glanceAt(office.anna, 'guide-client')
    await goOn(page, 'Scopes')
    await guide().getByRole('button', { name: 'Microsoft 365 without a person, part 2: Exchange' }).click()
    const code = guide().locator('pre', { hasText: 'New-ServicePrincipal' })
    await code.getByText('0a1b2c3d-robot').waitFor()
    assert.match(
      await code.innerText(),
      /-Organization acme\.onmicrosoft\.example\n[\s\S]*-AppId 0a1b2c3d-robot -ObjectId <Object ID[\s\S]*-Identity robot@acme\.example/,
    )
    // What Keybearer cannot know is typed here, and is in the commands at once.
    await guide()
      .getByText(/values? (?:is|are) still/)
      .click()
    await guide().getByLabel('For the commands: object ID').fill('99999999-aaaa')
    await glanceAt(office.anna, 'guide-powershell')
    await guide()
      .getByRole('button', { name: /^Copy the lines that begin with Install-Module/ })
      .click()
    assert.match(await copied(), /New-ServicePrincipal -AppId 0a1b2c3d-robot -ObjectId 99999999-aaaa -DisplayName/)
    // A link leads on within the panel, and takes the keyboard with it.
    await guide().getByRole('link', { name: 'part 3, finish and test' }).focus()
    await page.keyboard.press('Enter')
    const title = guide().getByRole('heading', { name: 'Microsoft 365 without a person, part 3: finish and test' })
    await title.waitFor()
    assert.ok(await title.evaluate((element) => element === document.activeElement))
    await stepHeading(page, 'Scopes').waitFor()
    const line = guide().locator('pre', { hasText: 'keybearer add' })
    assert.ok((await line.innerText()).includes(`keybearer add 'night'\\''s job' --provider microsoft`), await line.innerText())
  })

  it('Google with a person: the redirect URI stands in the guide as soon as it is known', async () => {
    const { page } = office.anna
    await chooseProvider('google')
    await guide().getByRole('heading', { name: 'Google Cloud, part 2: client and consent' }).waitFor()
    await guide().getByRole('heading', { name: '1. Make a client' }).waitFor()
    await page.getByLabel('Client ID').fill('123.apps.googleusercontent.example')
    await page.getByLabel(/^Client secret(?: \*)?$/).fill('secret')
    await page.getByLabel('User', { exact: true }).fill('anna@rig.test')
    await nameIt(page, 'work-mail')
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page.getByText('It is saved, and can be finished any time').waitFor()
    const { registration } = await office.api<{ registration: { id: string } }>('GET', '/v1/credentials/work-mail')
    const { redirect_uri: uri } = await office.api<{ redirect_uri: string }>('GET', `/v1/registrations/${registration.id}`)
    await guide().locator('pre', { hasText: uri }).waitFor()
    await guide()
      .getByRole('button', { name: `Copy the lines that begin with ${uri}`.slice(0, 70) })
      .click()
    assert.equal(await copied(), uri)
  })

  it('the ends that only a person knows are asked for: of the secret with proposed days, of a consent in testing', async () => {
    const { page } = office.anna
    await chooseProvider('google')
    await page.getByLabel('Client ID').fill('456.apps.googleusercontent.example')
    await page.getByLabel(/^Client secret(?: \*)?$/).fill('secret')
    await page.getByRole('button', { name: 'In half a year' }).click()
    const day = await page.getByLabel('Expires on').inputValue()
    const months = (Date.parse(day) - Date.now()) / (30.4 * 86_400_000)
    assert.ok(months > 5.8 && months < 6.2, day)
    await nameIt(page, 'in testing')
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page.getByText('It is saved, and can be finished any time').waitFor()
    await goOn(page, 'Scopes')
    await page.getByLabel('The application stands on “Testing” at Google').check()
    await glanceAt(office.anna, 'wizard-testing')
    await goOn(page, 'Consent')
    const stored = await office.api<{ options: object; registration: { id: string } }>('GET', '/v1/credentials/in%20testing')
    assert.deepEqual(stored.options, { consent_lifetime: 604_800 })
    const registration = await office.api<{ secret_expires_at: string }>('GET', `/v1/registrations/${stored.registration.id}`)
    assert.ok(Math.abs(Date.parse(registration.secret_expires_at) - Date.parse(day)) < 2 * 86_400_000)
    // The answer can be taken back.
    await page.goto(`${office.service.url}/credentials/in%20testing/edit?step=scopes`)
    await page.getByLabel('The application stands on “Testing” at Google').uncheck()
    await goOn(page, 'Consent')
    assert.deepEqual((await office.api<{ options: object }>('GET', '/v1/credentials/in%20testing')).options, {})
  })

  it('can be closed and opened with the keyboard, and stays as it was left', async () => {
    const { page } = office.anna
    await chooseProvider('google')
    await guide().getByRole('heading', { name: '1. Make a client' }).waitFor()
    await toggle().focus()
    await page.keyboard.press('Enter')
    await guide().getByRole('heading').first().waitFor({ state: 'detached' })
    assert.equal(await toggle().getAttribute('aria-expanded'), 'false')
    await page.getByRole('button', { name: 'Back' }).click()
    await stepHeading(page, 'What').waitFor()
    assert.equal(await toggle().getAttribute('aria-expanded'), 'false')
    await glanceAt(office.anna, 'guide-closed')
    await toggle().click()
    await guide().getByRole('heading', { name: 'Google Cloud, part 1: project, API and consent screen' }).waitFor()
    await glanceAt(office.anna, 'guide-what')
  })

  for (const scheme of ['light', 'dark'] as const) {
    it(`on a page of 320 px it stands below the step, closed at first (${scheme})`, async () => {
      const bea = await office.openWindow({ width: 320, height: 700, scheme })
      const { page } = bea
      await chooseProvider('google', page)
      const panel = page.getByRole('complementary', { name: 'Guide' })
      const button = panel.getByRole('button', { name: 'Guide', exact: true })
      assert.equal(await button.getAttribute('aria-expanded'), 'false')
      const below = await page.evaluate(() => {
        const top = (element: Element) => element.getBoundingClientRect().top
        return top(document.querySelector('aside')!) > top(document.querySelector('form')!)
      })
      assert.ok(below)
      await button.click()
      await panel.getByRole('heading', { name: '1. Make a client' }).waitFor()
      await glanceAt(bea, `guide-narrow-${scheme}`)
      assert.deepEqual(bea.complaints, [])
      await bea.close()
    })
  }

  it('are found from the credential, with its values, and from quick find', async () => {
    const { page } = office.anna
    await page.goto(`${office.service.url}/credentials/work-mail`)
    await page.getByRole('heading', { name: 'Guides' }).waitFor()
    await glanceAt(office.anna, 'credential-guides')
    await page.getByRole('link', { name: 'Google Cloud, part 2: client and consent' }).click()
    await page.getByRole('heading', { level: 1, name: 'Google Cloud, part 2: client and consent' }).waitFor()
    await page.locator('pre', { hasText: '--from anna@rig.test' }).waitFor()
    await glanceAt(office.anna, 'guide-page')
    await page.getByRole('link', { name: 'Publish the app' }).click()
    await page.getByRole('heading', { name: '4. "Testing", or published' }).waitFor()
    assert.match(page.url(), /\/guides\/google-cloud-1\?credential=[^#]+#4-testing-or-published$/)

    await page.keyboard.press('Control+k')
    await page.getByLabel('Find', { exact: true }).fill('shared mail')
    await page.getByText('Shared mailboxes', { exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Shared mailboxes' }).waitFor()
    await page.goto(`${office.service.url}/guides`)
    await page.getByRole('link', { name: 'Any OAuth 2.0 provider' }).waitFor()
    await glanceAt(office.anna, 'guides')
    await page.goto(`${office.service.url}/guides/nothing`)
    await page.getByRole('heading', { name: 'There is no such guide' }).waitFor()
  })

  it('every guide can be read, by axe too, and on 320 px without scrolling sideways', async () => {
    const bea = await office.openWindow({ width: 320, height: 700 })
    const { page } = bea
    await page.goto(`${office.service.url}/guides`)
    await page.getByRole('link', { name: 'Any OAuth 2.0 provider' }).waitFor()
    const links = await page.locator('#content a[href^="/guides/"], main a[href^="/guides/"]').evaluateAll((all) => all.map((one) => one.getAttribute('href')!))
    assert.ok(links.length > 25, String(links.length))
    for (const link of new Set(links)) {
      await page.goto(`${office.service.url}${link}`)
      await page.locator('h1').waitFor()
      await page.locator('main p').first().waitFor()
      await glanceAt(bea, `guide-page-${link.split('/').at(-1)!}`)
    }
    assert.deepEqual(bea.complaints, [])
    await bea.close()
  })
})
