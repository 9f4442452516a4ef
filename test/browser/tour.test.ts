import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { makeVisitor, type Visitor } from './browser.ts'
import { openDesk, type Desk } from './desk.ts'
import { furnish, type Furniture } from './furnish.ts'
import { lookAt } from './looks.ts'
import { signIn } from './person.ts'
import { dialogs, emptyPages, foreignPages, pages, viewerPages, type Stop } from './tour-stops.ts'

const sources = join(import.meta.dirname, '..', '..', 'ui', 'src')

describe('a tour of the whole page: every page, drawer and dialog, light, dark and 320 px wide', () => {
  let desk: Desk
  let furniture: Furniture
  before(async () => {
    desk = await openDesk({ settings: { KEYBEARER_POPULAR_CONFIGURATIONS: 'true' } })
  })
  after(async () => {
    await desk.close()
    await furniture?.close()
  })

  const stopAt = async (visitor: Visitor, stop: Stop) => {
    const { page } = visitor
    const reply = await page.goto(desk.service.url + stop.at)
    assertPolicy(reply!.headers()['content-security-policy'])
    await page.locator('h1').first().waitFor()
    await stop.go?.(page)
    await arrive(page)
    await lookAt(visitor, `tour-${stop.name}`)
  }

  describe('before anything is there', () => {
    for (const stop of emptyPages) it(stop.name, () => stopAt(desk.anna, stop))
  })

  describe('after a while', () => {
    before(async () => {
      furniture = await furnish(desk.service, desk.api)
    })
    for (const stop of [...pages, ...dialogs]) it(stop.name, () => stopAt(desk.anna, stop))

    it('quick find and the menu of the pages, where the window is narrow', async () => {
      const { page } = desk
      await page.setViewportSize({ width: 320, height: 700 })
      await page.goto(`${desk.service.url}/credentials`)
      await page.getByRole('button', { name: 'Open the menu' }).click()
      await page.getByRole('navigation', { name: 'Pages' }).getByText('Outbox').waitFor()
      await lookAt(desk.anna, 'tour-pages-menu')
      await page.setViewportSize({ width: 1280, height: 900 })
    })
  })

  describe('for somebody who only looks', () => {
    let vera: Visitor
    before(async () => {
      vera = await makeVisitor(desk.browser)
      await vera.page.goto(`${desk.service.url}/credentials`)
      await signIn(vera.page, 'vera@example.org')
      await vera.page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
    })
    after(() => vera.close())
    for (const stop of viewerPages) it(stop.name, () => stopAt(vera, stop))
  })

  describe('for somebody who is not signed in', () => {
    let eve: Visitor
    before(async () => {
      eve = await makeVisitor(desk.browser)
    })
    after(() => eve.close())
    for (const stop of foreignPages) it(stop.name, () => stopAt(eve, stop))
    for (const kind of ['connect', 'key', 'person'] as const) {
      it(`link-${kind}`, () => stopAt(eve, { name: `link-${kind}`, at: furniture.links[kind].slice(desk.service.url.length) }))
    }
  })

  it('nothing is left out: every address of the page and every component with a dialog is on the tour', () => {
    const stops = [...emptyPages, ...pages, ...dialogs, ...viewerPages, ...foreignPages]
    const routes = [...readFileSync(join(sources, 'app', 'router.tsx'), 'utf8').matchAll(/path: '(\/[^']+)'/g)].map((match) => match[1]!)
    const visited = [...stops.map((stop) => stop.at), '/invitation', '/set-up']
    const isVisited = (route: string) => visited.some((path) => new RegExp(`^${route.replaceAll(/\$\w+/g, '[^/?#]+')}(?:[?#].*)?$`).test(path))
    assert.deepEqual(
      routes.filter((route) => !isVisited(route)),
      [],
      'pages without a stop in test/browser/tour-stops.ts',
    )
    const withDialog = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('.tsx') && /<(?:Modal|Drawer|TypeToConfirm|ShownOnce)\b/.test(readFileSync(join(sources, path), 'utf8')),
    )
    const shown = new Set([...stops.flatMap((stop) => stop.shows ?? []), ...shownElsewhere])
    assert.deepEqual(
      withDialog.filter((path) => !shown.has(path)),
      [],
      'components with a dialog that no stop in test/browser/tour-stops.ts shows',
    )
  })
})

/** Looked at where they can be brought about: in the tests of what they are about. */
const shownElsewhere = [
  // The frame of other dialogs.
  'elements/type-to-confirm.tsx',
  'elements/shown-once.tsx',
  // actions.test.ts
  'actions/action-triggers.tsx',
  'actions/schedule-drawer.tsx',
  // emergency-stop.test.ts
  'emergency/stop-form.tsx',
  'emergency/emergency-stop-page.tsx',
  // wizard-life.test.ts
  'wizard/conflict.tsx',
  'elements/leave-question.tsx',
  // passkeys.test.ts, first-day.test.ts
  'persons/passkeys.tsx',
  'sign-in/confirmation.tsx',
  'sign-in/session-ended.tsx',
]

/** Waits until everything that was asked of the service is there. */
async function arrive(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('.mantine-Skeleton-root, button[data-loading]') === null)
}

function assertPolicy(policy: string | undefined): void {
  assert.ok(policy !== undefined)
  for (const directive of policy.split(';').map((one) => one.trim())) {
    assert.ok(!/^(?:script|default)-src/.test(directive) || !/unsafe/.test(directive), policy)
  }
}
