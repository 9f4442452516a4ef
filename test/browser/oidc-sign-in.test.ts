import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { clientSecrets, startAuthorizationServer, type AuthorizationServer } from '../rig/authorization-server.ts'
import { makeService, type TestService } from '../service.ts'
import { consentAtProvider, makeVisitor, openBrowser, type Visitor } from './browser.ts'
import { glanceAt, lookAt } from './looks.ts'
import { person, setUpLink } from './person.ts'

describe('signing in at an OpenID provider, on the web page', () => {
  let server: AuthorizationServer
  let service: TestService
  let browser: Browser
  let alice: Visitor
  before(async () => {
    server = await startAuthorizationServer()
    service = await makeService({
      KEYBEARER_SIGN_IN_ISSUER: server.issuer,
      KEYBEARER_SIGN_IN_CLIENT_ID: 'web-basic',
      KEYBEARER_SIGN_IN_CLIENT_SECRET: clientSecrets['web-basic'],
      KEYBEARER_SIGN_IN_TITLE: 'Rig <b>& Sons</b>',
    })
    await service.start()
    browser = await openBrowser()
    alice = await makeVisitor(browser)
    await service.get('person', 'invite', 'alice@rig.test', '--role', 'administrator')
  })
  after(async () => {
    await browser.close()
    await service.remove()
    await server.stop()
  })

  it('before the set-up the page says where its link is, and lets in whom somebody invited on the machine of the service', async () => {
    const early = await makeVisitor(browser, { width: 320 })
    await early.page.goto(`${service.url}/credentials`)
    await early.page.getByRole('heading', { name: 'Not set up yet' }).waitFor()
    assert.equal(await early.page.getByLabel('Name').count(), 0)
    await glanceAt(early, 'sign-in-not-set-up')
    await early.page.getByRole('button', { name: 'I was invited already' }).click()
    await early.page.getByLabel('Name').waitFor()
    await early.page.getByRole('link', { name: 'Sign in at Rig <b>& Sons</b>' }).waitFor()
    await glanceAt(early, 'sign-in-not-set-up-invited')
    await early.close()
    const code = (await setUpLink(service)).split('#')[1]
    const setUp = await fetch(`${service.url}/v1/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code, name: 'owner', password: person.password }),
    })
    assert.equal(setUp.status, 200)
  })

  it('who was invited comes in by the button of the sign-in page', async () => {
    const { page } = alice
    await page.goto(`${service.url}/credentials`)
    const button = page.getByRole('link', { name: 'Sign in at Rig <b>& Sons</b>' })
    await button.waitFor()
    await lookAt(alice, 'sign-in-provider')
    await button.click()
    await consentAtProvider(page, server.issuer, { user: 'alice' })
    await page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
    assert.deepEqual(alice.complaints, [])
  })

  it('whom nobody invited is told so on a page that leads back', async () => {
    const bob = await makeVisitor(browser, { width: 320 })
    await bob.page.goto(`${service.url}/oauth/sign-in`)
    await consentAtProvider(bob.page, server.issuer, { user: 'bob' })
    await bob.page.getByRole('heading', { name: 'You are not signed in' }).waitFor()
    await glanceAt(bob, 'sign-in-provider-refused')
    await bob.page.getByRole('link', { name: 'To the sign-in page' }).click()
    await bob.page.getByRole('heading', { name: 'Sign in to Keybearer' }).waitFor()
    await bob.close()
  })

  it('Z9: before what is hard to undo the provider asks again, in another window, and the page goes on by itself', async () => {
    const { page } = alice
    await service.stop()
    const database = new DatabaseSync(join(service.data, 'keybearer.db'))
    database.exec('update sessions set confirmed_at = confirmed_at - 3600000')
    database.close()
    await service.start()
    await page.goto(`${service.url}/credentials/export`)
    await page.getByRole('button', { name: 'Export to a file' }).click()
    const question = page.getByRole('dialog', { name: 'Is it still you?' })
    await question.waitFor()
    assert.equal(await question.locator('input').count(), 0, 'who has no password is asked for none')
    await glanceAt(alice, 'confirmation-provider')
    const opened = alice.context.waitForEvent('page')
    const saved = page.waitForEvent('download')
    await question.getByRole('link', { name: /Sign in at Rig/ }).click()
    const window = await opened
    await consentAtProvider(window, server.issuer, { user: 'alice' })
    const path = await (await saved).path()
    assert.match(readFileSync(path, 'utf8'), /keybearer-export/)
    await page.goto(`${service.url}/profile`)
    await page.getByRole('region', { name: 'Passkeys' }).waitFor()
    assert.equal(await page.getByRole('region', { name: 'Password', exact: true }).count(), 0, 'nor shown a form to change it')
    assert.deepEqual(alice.complaints, [])
  })
})
