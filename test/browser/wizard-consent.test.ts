import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { Agent } from '../rig/agent.ts'
import { consentAtProvider } from './browser.ts'
import { glanceAt } from './looks.ts'
import { openOffice, type Office } from './office.ts'
import { askForConsentPage, beginWithAddresses, goOn, nameIt, stepHeading, typeScopes } from './wizard-steps.ts'

describe('the wizard, with a person who consents', () => {
  let office: Office
  before(async () => {
    office = await openOffice()
  })
  after(() => office.close())
  afterEach(async () => {
    assert.deepEqual(office.anna.complaints.splice(0), [])
    // Nobody stays signed in at the provider.
    await office.anna.context.clearCookies({ domain: 'localhost' })
  })

  const toConsent = async (name: string) => {
    const { page } = office.anna
    await beginWithAddresses(page, office.service.url, office.addresses, { id: 'native', auth: 'No secret' })
    await nameIt(page, name)
    await goOn(page, 'Account and client')
    await page.getByText('It is saved, and can be finished any time').waitFor()
  }

  it('takes a provider by its addresses, shows the redirect URI, and connects in a new tab', async () => {
    const { page, context } = office.anna
    await toConsent('new tab')
    assert.match((await page.getByRole('group', { name: 'Redirect URI' }).textContent()) ?? '', /\/oauth\/callback\//)
    await glanceAt(office.anna, 'wizard-client-made')
    await goOn(page, 'Scopes')
    await typeScopes(page, 'openid,email offline_access\nsmtp.send ')
    await askForConsentPage(page)
    await goOn(page, 'Consent')
    const opened = context.waitForEvent('page')
    await page.getByRole('button', { name: 'Sign in in a new tab' }).click()
    const tab = await opened
    await page.getByText('Waiting for').waitFor()
    await glanceAt(office.anna, 'wizard-consent-waiting-tab')
    await consentAtProvider(tab, office.server.issuer, { user: 'alice' })
    await tab.getByRole('heading', { name: /new tab.*is connected/ }).waitFor()
    await glanceAt({ page: tab }, 'consent-result-done')
    await tab.close()
    await page.getByText('Connected', { exact: true }).waitFor()
    await page.locator('form').getByText('alice@rig.test').waitFor()
    await glanceAt(office.anna, 'wizard-consent-connected')
    await goOn(page, 'Name')
    await page.getByLabel('Description').fill('For the nightly report')
    await goOn(page, 'Test')
    await page.getByText('It works.', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('heading', { name: 'new tab' }).waitFor()
    const stored = await office.api<{ scopes: string[]; description: string; status: string }>('GET', '/v1/credentials/new%20tab')
    assert.deepEqual(stored.scopes, ['openid', 'email', 'offline_access', 'smtp.send'])
    assert.equal(stored.description, 'For the nightly report')
    assert.equal(stored.status, 'ready')
  })

  it('goes to the provider in the same tab and comes back; a person who refuses is told what follows', async () => {
    const { page } = office.anna
    await office.makeCredential('same tab')
    await page.goto(`${office.service.url}/credentials/same%20tab/edit`)
    await stepHeading(page, 'Consent').waitFor()
    const start = async () => {
      await page.getByText('In this tab', { exact: true }).click()
      await page.getByRole('button', { name: 'Sign in here' }).click()
    }
    await start()
    await consentAtProvider(page, office.server.issuer, { user: 'alice', deny: true })
    await page.getByRole('heading', { name: 'The account was not connected' }).waitFor()
    await glanceAt(office.anna, 'consent-result-denied')
    await page.getByRole('link', { name: 'Back to the credential' }).click()
    await page.getByRole('heading', { name: 'same tab', level: 1 }).waitFor()
    await page.goto(`${office.service.url}/credentials/same%20tab/edit`)
    await start()
    await consentAtProvider(page, office.server.issuer, { user: 'alice' })
    await page.getByRole('heading', { name: /same tab.*is connected/ }).waitFor()
    await page.getByRole('link', { name: 'Back to the credential' }).click()
    await page.getByRole('heading', { name: 'same tab', level: 1 }).waitFor()
    await page
      .getByText(/^It works\./)
      .first()
      .waitFor()
  })

  it('says so when the browser blocks the new tab, and goes on in this one', async () => {
    const { page } = office.anna
    await office.makeCredential('blocked')
    await page.goto(`${office.service.url}/credentials/blocked/connect`)
    await page.evaluate(() => {
      window.open = () => null
    })
    await page.getByRole('button', { name: 'Sign in in a new tab' }).click()
    await page.getByText('The browser did not allow a new tab').waitFor()
    await glanceAt(office.anna, 'consent-popup-blocked')
    await page.getByRole('button', { name: 'Go on in this tab' }).click()
    await consentAtProvider(page, office.server.issuer, { user: 'alice' })
    await page.getByRole('heading', { name: /blocked.*is connected/ }).waitFor()
  })

  it('takes the address that another browser ended up at', async () => {
    const { page } = office.anna
    await office.makeCredential('pasted')
    await page.goto(`${office.service.url}/credentials/pasted/connect`)
    await page.getByText('Copy an address back').click()
    await page.getByRole('button', { name: 'Get the address' }).click()
    const address = await page.getByRole('group', { name: /^1\. Open this address/ }).textContent()
    await page.getByLabel('3. Paste it here').fill('it says: cannot connect')
    await page.getByText('Copy the whole address').waitFor()
    await page.getByLabel('3. Paste it here').fill('https://example.org/?code=other')
    await page.getByRole('button', { name: 'Finish with this address' }).click()
    await page.getByText('That address does not finish it').waitFor()
    await glanceAt(office.anna, 'consent-paste-wrong')
    // A browser that cannot reach the service ends up at an address that it cannot open.
    const { url: ended } = await new Agent({ user: 'bob', stop: office.service.url }).visit(address!)
    assert.match(ended, /code=/)
    await page.getByLabel('3. Paste it here').fill(` ${ended}\n`)
    await page.getByRole('button', { name: 'Finish with this address' }).click()
    await page.getByText('Connected', { exact: true }).waitFor()
    await page.getByText('bob@rig.test').first().waitFor()
  })

  it('shows a code and a picture to scan, and notices that the other device is done', async () => {
    const { page } = office.anna
    await office.makeCredential('device', { grant: 'device_code' })
    await page.goto(`${office.service.url}/credentials/device/connect`)
    await page.getByRole('button', { name: 'Get a code' }).click()
    await page.getByRole('img', { name: /^QR code that opens/ }).waitFor()
    await glanceAt(office.anna, 'consent-device')
    const code = await page.getByText(/^[A-Z]{4}-[A-Z]{4}$/).textContent()
    const whole = await page.getByRole('link', { name: /Or open it here/ }).getAttribute('href')
    assert.equal(new URL(whole!).searchParams.get('user_code'), code?.trim(), `${whole} ${code}`)
    const elsewhere = await office.browser.newContext()
    const telephone = await elsewhere.newPage()
    await telephone.goto(whole!)
    await consentAtProvider(telephone, office.server.issuer, { user: 'bob' })
    await telephone.getByText('Sign-in Success').waitFor()
    await elsewhere.close()
    await page.getByText('Connected', { exact: true }).waitFor()
    await page.getByText('bob@rig.test').first().waitFor()
  })

  it('a link that was sent is named on the page of the credential, and withdrawn there: whoever follows it is told so', async () => {
    const { page } = office.anna
    await office.makeCredential('sent away')
    await page.goto(`${office.service.url}/credentials/sent%20away/connect?way=link`)
    await page.getByRole('button', { name: 'Make a link' }).click()
    const shown = page.getByText(`${office.service.url}/connect/`)
    await shown.waitFor()
    const link = await shown.innerText()
    await page.goto(`${office.service.url}/credentials/sent%20away`)
    await page.getByText('A link to connect it waits').waitFor()
    await glanceAt(office.anna, 'credential-link-waits')
    await page.getByRole('button', { name: 'Withdraw the link' }).click()
    await page.getByText('A link to connect it waits').waitFor({ state: 'detached' })
    await page.getByText('Consent withdrawn').first().waitFor()
    const elsewhere = await office.browser.newContext()
    const bob = await elsewhere.newPage()
    await bob.goto(link)
    await bob.getByText('has withdrawn it').waitFor()
    await glanceAt({ page: bob }, 'connect-link-withdrawn')
    await elsewhere.close()
  })

  it('notices that the window at the provider was closed, and starts again', async () => {
    const { page, context } = office.anna
    await office.makeCredential('closed')
    await page.goto(`${office.service.url}/credentials/closed/connect`)
    const opened = context.waitForEvent('page')
    await page.getByRole('button', { name: 'Sign in in a new tab' }).click()
    const tab = await opened
    await tab.waitForURL((url) => url.href.startsWith(office.server.issuer))
    await tab.close()
    await page.getByText('The tab seems to be closed').waitFor()
    await glanceAt(office.anna, 'consent-tab-closed')
    await page.getByRole('button', { name: 'Start again, or another way' }).click()
    await page.getByRole('button', { name: 'Sign in in a new tab' }).waitFor()
  })

  it('O14: another account than before is not taken without asking', async () => {
    const { page } = office.anna
    await office.makeCredential('mine')
    const connect = async (user: string) => {
      await office.anna.context.clearCookies({ domain: 'localhost' })
      const opened = office.anna.context.waitForEvent('page')
      await page.getByRole('button', { name: /Sign in in a new tab|Sign in once more/ }).click()
      const tab = await opened
      await consentAtProvider(tab, office.server.issuer, { user })
      return tab
    }
    await page.goto(`${office.service.url}/credentials/mine/connect`)
    await (await connect('alice')).close()
    await page.getByText('Connected', { exact: true }).waitFor()
    await page.goto(`${office.service.url}/credentials/mine/connect`)
    const tab = await connect('bob')
    await tab.getByRole('heading').first().waitFor()
    await glanceAt({ page: tab }, 'consent-result-other-account')
    await tab.close()
    await page.getByText('Another account signed in').waitFor()
    await glanceAt(office.anna, 'consent-other-account')
    assert.equal((await office.api<{ username: string }>('GET', '/v1/credentials/mine')).username, 'alice@rig.test')
    await (await connect('bob')).close()
    await page.getByText('Connected', { exact: true }).waitFor()
    await page.getByText('bob@rig.test').first().waitFor()
  })

  it('shows at once, in another window too, that the provider took the tokens back; reconnecting mends it', async () => {
    const { page } = office.anna
    await office.makeCredential('taken back')
    await page.goto(`${office.service.url}/credentials/taken%20back/connect`)
    await page.getByText('In this tab', { exact: true }).click()
    await page.getByRole('button', { name: 'Sign in here' }).click()
    await consentAtProvider(page, office.server.issuer, { user: 'alice' })
    await page.getByRole('heading', { name: /taken back.*is connected/ }).waitFor()
    const before = await office.api<{ id: string; status: string }>('GET', '/v1/credentials/taken%20back')
    assert.equal(before.status, 'ready')

    const second = await office.openWindow()
    await second.page.goto(`${office.service.url}/credentials`)
    const row = second.page.locator('tr[data-name="taken back"]')
    await row.locator('[data-status="ready"]').waitFor()
    await page.goto(`${office.service.url}/credentials/taken%20back`)
    await page.getByText('It works', { exact: false }).first().waitFor()

    await office.server.takeBackTokens()
    await office.api('POST', '/v1/credentials/taken%20back/refresh').catch(() => undefined)
    // Nobody touches either window.
    await row.locator('[data-status="needs_consent"]').waitFor()
    await page.getByText('It stopped', { exact: false }).waitFor()

    await row.getByRole('link', { name: 'Reconnect taken back' }).click()
    await second.page.getByText('Why it has to be connected again').waitFor()
    await second.page.getByText('In this tab', { exact: true }).click()
    await second.page.getByRole('button', { name: 'Sign in here' }).click()
    await consentAtProvider(second.page, office.server.issuer, { user: 'alice' })
    await second.page.getByRole('heading', { name: /taken back.*is connected/ }).waitFor()
    await page.getByText('It works', { exact: false }).first().waitFor()
    const after = await office.api<{ id: string; status: string }>('GET', '/v1/credentials/taken%20back')
    assert.deepEqual(after.id, before.id)
    assert.equal(after.status, 'ready')
    assert.deepEqual(second.complaints, [])
    await second.close()
  })
})
