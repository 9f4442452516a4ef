import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { makeService, type TestService } from '../service.ts'
import { assertNoSidewaysScroll, findViolations, makeVisitor, openBrowser, takePicture, type Visitor } from './browser.ts'

export const password = 'seven green lanterns drift'

export type Desk = {
  service: TestService
  browser: Browser
  /** The first person, an administrator. */
  anna: Visitor
  page: Page
  /** Goes to a page of the service and waits for its title. */
  visit: (path: string, title?: string) => Promise<void>
  /** Calls the API with the administrator's own key. */
  api: <Answer = Record<string, unknown>>(method: string, path: string, body?: unknown) => Promise<Answer>
  close: () => Promise<void>
}

/** A service of its own, and a person who is signed in at a browser: what a file of browser tests begins with. */
export async function openDesk(settings: Record<string, string> = {}): Promise<Desk> {
  const service = await makeService(settings)
  await service.start()
  const browser = await openBrowser()
  const anna = await makeVisitor(browser)
  const { page } = anna
  await page.goto(/http:\S+\/set-up#\S+/.exec(service.output())![0])
  await page.getByLabel('Name').fill('anna@example.org')
  await page.locator('input[type=password]').nth(0).fill(password)
  await page.locator('input[type=password]').nth(1).fill(password)
  await page.getByRole('button', { name: 'Set up and sign in' }).click()
  await page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
  // On a slow machine a test may last longer than a sign-in counts as fresh: then the page asks, and is answered.
  await page.addLocatorHandler(page.getByRole('dialog', { name: 'Is it still you?' }), async (dialog) => {
    await dialog.locator('input[type=password]').fill(password)
    await dialog.getByRole('button', { name: 'Go on' }).click()
  })
  const key = readFileSync(join(service.config, 'access-key'), 'utf8').trim()
  return {
    service,
    browser,
    anna,
    page,
    async visit(path, title) {
      await page.goto(service.url + path)
      await (title === undefined ? page.locator('h1') : page.getByRole('heading', { level: 1, name: title, exact: true })).first().waitFor()
    },
    async api<Answer>(method: string, path: string, body?: unknown) {
      const response = await fetch(service.url + path, {
        method,
        headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
      return (text === '' ? {} : JSON.parse(text)) as Answer
    },
    async close() {
      await browser.close()
      await service.remove()
    },
  }
}

/** What another width can break: the rest does not depend on it. */
const narrow = ['color-contrast', 'target-size', 'button-name', 'link-name', 'scrollable-region-focusable', 'aria-hidden-focus']

/**
 * Looks at the page as it is now, light, dark and 320 px wide: axe finds nothing, nothing is wider than the window, the
 * browser has complained of nothing. Pictures are kept.
 */
export async function lookAt({ page, complaints }: Visitor, name: string): Promise<void> {
  const found: string[] = []
  const axe = async (how: string, rules?: string[]) => {
    for (const violation of await findViolations(page, rules)) found.push(`${how}: ${violation.id}: ${violation.nodes.join(' | ')}`)
  }
  const size = page.viewportSize()!
  await settle(page)
  await takePicture(page, `${name}-light`)
  await axe('light')
  await page.emulateMedia({ colorScheme: 'dark' })
  await settle(page)
  await takePicture(page, `${name}-dark`)
  await axe('dark', ['color-contrast'])
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 320, height: 700 })
  await settle(page)
  await takePicture(page, `${name}-320`)
  await axe('320 px', narrow)
  await assertNoSidewaysScroll(page, name)
  await page.setViewportSize(size)
  assert.deepEqual(found, [], name)
  assert.deepEqual(complaints, [], name)
}

/** Looks at one more state of a page that was looked at in full: axe finds nothing, the browser has complained of nothing. */
export async function glanceAt({ page, complaints }: Visitor, name: string): Promise<void> {
  await settle(page)
  await takePicture(page, `${name}-light`)
  assert.deepEqual(await findViolations(page), [], name)
  assert.deepEqual(complaints, [], name)
}

/** Waits until nothing moves any more: two frames in a row without an animation. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let still = 0, frames = 0; still < 2 && frames < 120; frames++) {
      await new Promise(requestAnimationFrame)
      still = document.getAnimations().some((one) => one.playState === 'running' && one.effect?.getComputedTiming().iterations !== Infinity) ? 0 : still + 1
    }
  })
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
