import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import type { Browser, CDPSession } from 'playwright-core'
import { makeService, type TestService } from '../service.ts'
import { makeVisitor, openBrowser, type Visitor } from './browser.ts'
import { lookAt, glanceAt } from './looks.ts'
import { setUp, signIn } from './person.ts'

describe('passkeys on the web page', () => {
  let service: TestService
  let browser: Browser
  let anna: Visitor
  let device: CDPSession
  let authenticatorId = ''
  let url = ''
  before(async () => {
    service = await makeService()
    await service.start()
    // Browsers tie passkeys to a name, and 127.0.0.1 is none.
    url = service.url.replace('127.0.0.1', 'localhost')
    browser = await openBrowser()
    anna = await makeVisitor(browser)
    device = await anna.context.newCDPSession(anna.page)
    await device.send('WebAuthn.enable')
    const added = await device.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    authenticatorId = added.authenticatorId
    await setUp(anna.page, service, (link) => link.replace('127.0.0.1', 'localhost'))
  })
  after(async () => {
    await browser.close()
    await service.remove()
  })

  const signOut = async () => {
    await anna.page.goto(`${url}/profile`)
    await anna.page.getByRole('region', { name: 'Sessions' }).getByRole('button', { name: 'Sign out' }).click()
    await anna.page.getByRole('heading', { name: 'Sign in to Keybearer' }).waitFor()
  }
  const isVerified = (is: boolean) => device.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: is })
  /** Lets the last proof of who is there lie an hour back. */
  const makeStale = async () => {
    await service.stop()
    const database = new DatabaseSync(join(service.data, 'keybearer.db'))
    database.exec('update sessions set confirmed_at = confirmed_at - 3600000')
    database.close()
    await service.start()
  }
  const withoutName = () => anna.page.getByRole('button', { name: 'Use a passkey' })

  it('the page says what to do where the address is no name', async () => {
    const visitor = await makeVisitor(browser)
    await visitor.page.goto(`${service.url}/profile`)
    await signIn(visitor.page)
    await visitor.page.getByRole('link', { name: `${url}/profile` }).waitFor()
    assert.deepEqual(visitor.complaints, [])
    await visitor.close()
  })

  it('a person adds a passkey, signs out, and signs in with it without a name', async () => {
    const { page } = anna
    await page.goto(`${url}/profile`)
    const section = page.getByRole('region', { name: 'Passkeys' })
    await section.getByText('You have none yet.').waitFor()
    await section.getByLabel('New passkey').fill('Laptop 💻')
    await section.getByRole('button', { name: 'Add' }).click()
    await section.getByRole('cell', { name: 'Laptop 💻' }).waitFor()
    const { credentials } = await device.send('WebAuthn.getCredentials', { authenticatorId })
    assert.deepEqual(
      credentials.map((one) => [one.isResidentCredential, one.rpId]),
      [[true, 'localhost']],
    )
    await signOut()
    await withoutName().click()
    await page
      .getByRole('heading', { name: 'My sign-in' })
      .or(page.getByRole('heading', { name: 'API Keys & Credentials' }))
      .waitFor()
    assert.deepEqual(anna.complaints, [])
  })

  it('a device that is not sure of the person signs nobody in, and the page says that nothing happened', async () => {
    const { page } = anna
    await signOut()
    await isVerified(false)
    await withoutName().click()
    await page.getByText('No passkey was used').waitFor()
    await glanceAt(anna, 'sign-in-passkey-not-used')
    await isVerified(true)
    await withoutName().click()
    await page.locator('h1', { hasText: /My sign-in|API Keys/ }).waitFor()
  })

  it('Z9: a passkey proves again who is there before it is removed, and then signs nobody in', async () => {
    const { page } = anna
    await makeStale()
    await page.goto(`${url}/profile`)
    const section = page.getByRole('region', { name: 'Passkeys' })
    await section.getByRole('button', { name: 'Remove: Laptop 💻' }).click()
    await glanceAt(anna, 'passkey-remove')
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    const question = page.getByRole('dialog', { name: 'Is it still you?' })
    await question.waitFor()
    await lookAt(anna, 'confirmation-passkey')
    await question.getByRole('button', { name: 'Use a passkey' }).click()
    await section.getByText('You have none yet.').waitFor()
    await signOut()
    assert.equal(await withoutName().count(), 0, 'nobody has a passkey any more')
    assert.deepEqual(anna.complaints, [])
  })

  it('sign-in and profile with passkeys are free of what axe finds, and fit', async () => {
    const { page } = anna
    await page.goto(`${url}/profile`)
    await signIn(page)
    const section = page.getByRole('region', { name: 'Passkeys' })
    await section.getByLabel('New passkey').fill('Telephone')
    await section.getByRole('button', { name: 'Add' }).click()
    await section.getByRole('cell', { name: 'Telephone' }).waitFor()
    await lookAt(anna, 'profile-passkeys')
    await signOut()
    await withoutName().waitFor()
    await lookAt(anna, 'sign-in-passkeys')
  })
})
