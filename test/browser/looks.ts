import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { assertNoSidewaysScroll, findViolations, takePicture, type Visitor } from './browser.ts'

/** What another width can break: the rest does not depend on it. */
const narrow = ['target-size', 'button-name', 'link-name', 'scrollable-region-focusable', 'aria-hidden-focus']

/**
 * Looks at the page as it is now, light, dark and 320 px wide: axe finds nothing, nothing is wider than the window, the
 * browser has complained of nothing. Pictures are kept.
 */
export async function lookAt({ page, complaints }: Visitor, name: string): Promise<void> {
  const found: string[] = []
  const axe = async (how: string, rules?: string[]) => {
    const violations = await findViolations(page, rules)
    for (const violation of violations) found.push(`${how}: ${violation.id}: ${violation.nodes.join(' | ')}`)
    if (violations.length > 0) await takePicture(page, `${name}-wrong`, { isNeeded: true })
  }
  const size = page.viewportSize()!
  try {
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
  } finally {
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize(size)
  }
  assert.deepEqual(found, [], name)
  assert.deepEqual(complaints, [], name)
}

/** Looks at the page as it is now, in the one way that its visitor has it: the same as `lookAt`, at one width and in one scheme. */
export async function glanceAt({ page, complaints = [] }: Pick<Visitor, 'page'> & Partial<Visitor>, name: string): Promise<void> {
  await settle(page)
  await takePicture(page, name)
  const found = (await findViolations(page)).map((one) => `${one.id}: ${one.nodes.join(' | ')}`)
  if (found.length > 0) await takePicture(page, `${name}-wrong`, { isNeeded: true })
  assert.deepEqual(found, [], name)
  await assertNoSidewaysScroll(page, name)
  assert.deepEqual(complaints, [], name)
}

/** Waits until nothing moves any more: two frames in a row without an animation. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let still = 0, frames = 0; still < 2 && frames < 120; frames++) {
      await new Promise(requestAnimationFrame)
      still = document.getAnimations().some((one) => one.playState === 'running' && one.effect?.getComputedTiming().iterations !== Infinity) ? 0 : still + 1
    }
  })
}
