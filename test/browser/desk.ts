import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { makeService, type TestService } from '../service.ts'
import { makeVisitor, openBrowser, type Visitor } from './browser.ts'
import { person, setUp, type Api } from './person.ts'

export type Desk = {
  service: TestService
  browser: Browser
  /** The first person, an administrator, signed in. */
  anna: Visitor
  page: Page
  /** Goes to a page of the service and waits for its title. */
  visit: (path: string, title?: string) => Promise<void>
  /** Another window of the same person, with cookies of its own. */
  openWindow: (options?: Parameters<typeof makeVisitor>[1]) => Promise<Visitor>
  /** Calls the API with the key of the machine. */
  api: Api
  close: () => Promise<void>
}

/** A service of its own, and a person who is signed in at a browser: what a file of browser tests begins with. */
export async function openDesk({ settings }: { settings?: Record<string, string> } = {}): Promise<Desk> {
  const service = await makeService(settings)
  const browser = await openBrowser()
  const close = async () => {
    await browser.close()
    await service.remove()
  }
  const anna = await makeVisitor(browser)
  const { page } = anna
  try {
    await service.start()
    await setUp(page, service)
  } catch (error) {
    // Nobody else can close what nobody else has got.
    await close()
    throw error
  }
  // On a slow machine a test may last longer than a sign-in counts as fresh: then the page asks, and is answered.
  await page.addLocatorHandler(page.getByRole('dialog', { name: 'Is it still you?' }), async (dialog) => {
    await dialog.locator('input[type=password]').fill(person.password)
    await dialog.getByRole('button', { name: 'Go on' }).click()
  })
  return {
    service,
    browser,
    anna,
    page,
    async visit(path, title) {
      await page.goto(service.url + path)
      await (title === undefined ? page.locator('h1') : page.getByRole('heading', { level: 1, name: title, exact: true })).first().waitFor()
    },
    async openWindow(size) {
      const visitor = await makeVisitor(browser, size)
      await visitor.context.addCookies((await anna.context.cookies(service.url)).map((cookie) => ({ ...cookie })))
      return visitor
    },
    api: apiOf(service),
    close,
  }
}

/** Calls the API of a service with the key that it made for its own machine. */
export function apiOf(service: Pick<TestService, 'url' | 'config'>): Api {
  return async <Answer>(method: string, path: string, body?: unknown) => {
    const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
    const response = await fetch(service.url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as Answer
  }
}

/** Picks one entry of a Mantine Select, by what it says. */
export async function pick(page: Page, field: Locator, option: string | RegExp): Promise<void> {
  await field.click()
  await page.getByRole('option', { name: option }).first().click()
}

/** Closes the drawer or window that is open, as a person at the keyboard does. */
export async function closeDialog(page: Page): Promise<void> {
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').first().waitFor({ state: 'detached' })
}
