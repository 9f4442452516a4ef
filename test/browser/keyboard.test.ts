import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { openOffice, type Office } from './office.ts'
import { person } from './person.ts'
import { stepHeading } from './wizard-steps.ts'

describe('the whole way by keyboard alone', () => {
  let office: Office
  let page: Page
  before(async () => {
    office = await openOffice()
    page = office.anna.page
    // Whatever is done from here on is done without a pointer.
    for (const method of ['click', 'dblclick', 'hover', 'tap'] as const) page[method] = () => Promise.reject(new Error('by keyboard alone'))
  })
  after(() => office.close())
  afterEach(() => assert.deepEqual(office.anna.complaints.splice(0), []))

  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement as HTMLElement | null
      const named = element?.getAttribute('aria-label') ?? (element as HTMLInputElement | null)?.labels?.[0]?.textContent ?? element?.textContent ?? ''
      return {
        role: element?.getAttribute('role') ?? element?.tagName.toLowerCase() ?? '',
        name: named.trim(),
        visible: element?.matches(':focus-visible') ?? false,
      }
    })
  /** Presses Tab until something of this name has the focus; what has it must show it. */
  const tabTo = async (name: RegExp, key = 'Tab') => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press(key)
      const now = await focused()
      if (name.test(now.name)) {
        assert.ok(now.visible, `${now.name} shows that it has the focus`)
        return
      }
    }
    assert.fail(`nothing called ${name} can be reached with ${key}; at the end was ${JSON.stringify(await focused())}`)
  }
  const arrowTo = async (entry: string) => {
    for (let i = 0; i < 12 && (await focused()).name !== entry; i++) await page.keyboard.press('ArrowDown')
    assert.equal((await focused()).name, entry)
  }
  /** In an open list of options: goes down until this one is marked, looking after every key, since the list marks a little later. */
  const pick = async (option: string) => {
    const marked = page.locator('[role="option"][data-combobox-selected]', { hasText: option })
    for (let i = 0; i < 40 && !(await marked.isVisible()); i++) {
      await page.keyboard.press('ArrowDown')
      await setTimeout(50)
    }
    await marked.waitFor()
    await page.keyboard.press('Enter')
  }
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key)
  }
  const selectedRow = () => page.evaluate(() => document.activeElement?.getAttribute('data-name') ?? null)

  it('signs out and in', async () => {
    await tabTo(/^Signed in as/)
    await press('Enter')
    await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
    await arrowTo('Sign out')
    await press('Enter')
    await page.getByRole('heading', { name: 'Sign in to Keybearer' }).waitFor()
    if (!(await focused()).name.startsWith('Name')) await tabTo(/^Name/)
    await page.keyboard.type(person.name)
    await tabTo(/^Password/)
    await page.keyboard.type(person.password)
    await press('Enter')
    await page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
  })

  it('makes a credential with c, through the wizard to the consent at the provider and the test', async () => {
    await press('c')
    await page.getByRole('heading', { name: 'New credential' }).waitFor()
    await tabTo(/^From the list/)
    await press('ArrowRight', 'ArrowRight', 'ArrowRight')
    await page.getByText('For any provider that speaks OAuth 2.0').waitFor()
    await tabTo(/^Go on/)
    await press('Enter')
    await stepHeading(page, 'Account and client').waitFor()
    for (const [title, value] of [
      ['Authorization address', office.addresses.authorization_endpoint],
      ['Token address', office.addresses.token_endpoint],
      ['Revocation address', office.addresses.revocation_endpoint],
      ['User info address', office.addresses.userinfo_endpoint],
      ['Client ID', 'native'],
    ] as const) {
      await tabTo(new RegExp(`^${title}`))
      await page.keyboard.type(value!)
    }
    await tabTo(/^Client authentication/)
    await press('Enter')
    await page.getByRole('option', { name: 'No secret' }).waitFor()
    await pick('No secret')
    await page.getByText('PKCE protects the consent').waitFor()
    await tabTo(/^Name/)
    await press('Control+A')
    await page.keyboard.type('work-mail')
    await press('Enter')
    await page.getByText('It is saved, and can be finished any time').waitFor()
    await tabTo(/^Go on/)
    await press('Enter')
    await stepHeading(page, 'Scopes').waitFor()
    await tabTo(/^Scopes/)
    await page.keyboard.type('openid email offline_access smtp.send ')
    await tabTo(/^More: audience/)
    await press('Enter')
    await tabTo(/^Extra parameters of the sign-in/)
    await page.keyboard.type('prompt=consent')
    await tabTo(/^Save and go on/)
    await press('Enter')
    await stepHeading(page, 'Consent').waitFor()
    await tabTo(/^In a new tab/)
    await press('ArrowRight')
    await tabTo(/^Sign in here/)
    await press('Enter')
    // The provider's own pages, by keyboard as well.
    await page.waitForURL((url) => url.href.startsWith(office.server.issuer))
    await page.locator('input[name="login"]').waitFor()
    await press('Control+A')
    await page.keyboard.type('alice')
    await press('Enter')
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    await press('Enter')
    await page.getByRole('heading', { name: /work-mail.*is connected/ }).waitFor()
    await page.goto(`${office.service.url}/credentials/work-mail/edit?step=name`)
    await stepHeading(page, 'Name').waitFor()
    await tabTo(/^Go on/)
    await press('Enter')
    await page.getByText('It works.', { exact: true }).waitFor()
    await tabTo(/^Done/)
    await press('Enter')
    await page.getByRole('heading', { name: 'work-mail', level: 1 }).waitFor()
  })

  it('finds pages by initials in any order, and does what a verb says', async () => {
    for (const [opener, text] of [
      ['/', 'AKC'],
      ['Control+k', 'KAC'],
      ['/', 'cka'],
    ] as const) {
      await page.goto(`${office.service.url}/settings`)
      await page.getByRole('heading', { name: 'Settings & health' }).waitFor()
      await press(opener)
      await page.locator('input[aria-label="Find"]:focus').waitFor()
      await page.keyboard.type(text)
      await page.getByText('API Keys & Credentials').first().waitFor()
      await press('Enter')
      await page.waitForURL(`${office.service.url}/credentials`)
    }
    await page.locator('tr[data-name="work-mail"]').waitFor()
    await press('Control+k')
    await page.locator('input[aria-label="Find"]:focus').waitFor()
    await page.keyboard.type('reconnect work-mail')
    await page.getByText('Reconnect work-mail').waitFor()
    await press('Enter')
    await page.waitForURL(/\/connect$/)
    await page.getByRole('heading', { name: 'Reconnect “work-mail”' }).waitFor()
    // A verb that changes something, and one that shows something.
    for (const [order, shown] of [
      ['pause work-mail', /is paused/],
      ['resume work-mail', /works again/],
      ['test work-mail', /It works\./],
    ] as const) {
      await press('Control+k')
      await page.locator('input[aria-label="Find"]:focus').waitFor()
      await page.keyboard.type(order)
      await page.locator('.mantine-Spotlight-action').filter({ hasText: 'work-mail' }).first().waitFor()
      await press('Enter')
      await page.getByText(shown).first().waitFor()
    }
    await press('Escape')
  })

  it('moves in the list with j and k, opens, tests and reconnects', async () => {
    for (const name of ['alpha', 'beta']) await office.api('POST', '/v1/credentials', { name, kind: 'api_key', secret: 'not-a-secret' })
    await page.goto(`${office.service.url}/credentials`)
    await page.locator('tr[data-name="work-mail"]').waitFor()
    await press('j')
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-name') != null)
    const order = [await selectedRow()]
    for (const [key, name] of [
      ['j', 'beta'],
      ['j', 'work-mail'],
      ['j', 'work-mail'],
      ['k', 'beta'],
      ['k', 'alpha'],
    ] as const) {
      await press(key)
      await page.waitForFunction((wanted) => document.activeElement?.getAttribute('data-name') === wanted, name)
    }
    assert.deepEqual(order, ['alpha'])
    await press('Enter')
    await page.getByRole('heading', { name: 'alpha', level: 1 }).waitFor()
    await page.goBack()
    await page.locator('tr[data-name="work-mail"]').waitFor()
    await press('j', 'j', 'j')
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-name') === 'work-mail')
    await press('t')
    await page.getByRole('dialog').getByText('It works.', { exact: true }).waitFor()
    await press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-name') === 'work-mail')
    await press('r')
    await page.getByRole('heading', { name: 'Reconnect “work-mail”' }).waitFor()
  })

  it('shows the keys with ?, on every page, and goes to what stands under the header by the skip link', async () => {
    await page.goto(`${office.service.url}/profile`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await press('Escape')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'detached' })
    await page.goto(`${office.service.url}/credentials`)
    await page.locator('tr[data-name="work-mail"]').waitFor()
    await press('Tab')
    assert.equal((await focused()).name, 'To the content')
    await press('Enter', 'Tab')
    assert.equal((await focused()).name, 'Emergency stop')
  })
})
