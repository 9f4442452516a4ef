import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** Where pictures of pages are kept, for people to look at. */
const pictures = join(import.meta.dirname, '..', '..', 'test-output', 'pages')

const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** A real browser with everything in it that would talk to the outside switched off. `hosts`: names that lead to this machine. */
export async function openBrowser(hosts: string[] = []): Promise<Browser> {
  const executablePath = programs.find((path) => existsSync(path))
  assert.ok(executablePath, 'Chromium is needed: scripts/install-servers.sh installs it')
  return await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1 , `).join('')}MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1`,
    ],
  })
}

/** KEYBEARER_TEST_SLOW: how many times slower pages are than this machine could make them, to find what a test does not wait for. */
const slowness = Number(process.env['KEYBEARER_TEST_SLOW'] ?? 1)

async function slowDown(page: Page) {
  if (slowness === 1) return
  const session = await page.context().newCDPSession(page)
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowness })
}

export type Visitor = {
  context: BrowserContext
  page: Page
  /** What the page complained of: empty at the end of every test. */
  complaints: string[]
  close: () => Promise<void>
}

/** A person at a browser of their own: cookies, colour scheme and size are theirs alone. */
export async function makeVisitor(
  browser: Browser,
  options: { width?: number; height?: number; scheme?: 'light' | 'dark'; anyCertificate?: boolean } = {},
): Promise<Visitor> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: 'reduce',
    ignoreHTTPSErrors: options.anyCertificate ?? false,
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const complaints: string[] = []
  context.setDefaultTimeout(60_000)
  const watch = (page: Page) => {
    page.on('console', (message) => {
      // What the service refuses on purpose is named by the browser too; the page shows it to the person.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
  }
  context.on('page', watch)
  const page = await context.newPage()
  await slowDown(page)
  return { context, page, complaints, close: () => context.close() }
}

export type Violation = { id: string; impact: string; help: string; nodes: string[] }

/** What axe finds wrong with the page as it is now, by WCAG 2.2 A and AA, or by some rules only. */
export async function findViolations(page: Page, rules?: string[]): Promise<Violation[]> {
  // The page's own CSP forbids foreign scripts: this one is put in from outside the page.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource)
  return await page.evaluate(async (only) => {
    const axe = (
      globalThis as unknown as {
        axe: {
          run: (options: object) => Promise<{ violations: { id: string; impact: string; help: string; nodes: { html: string; failureSummary: string }[] }[] }>
        }
      }
    ).axe
    const { violations } = await axe.run({
      runOnly:
        only === undefined
          ? { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }
          : { type: 'rule', values: only },
      resultTypes: ['violations'],
      // Nothing is loaded for it: the page has no frames, and all of its styles are its own.
      preload: false,
      iframes: false,
    })
    return violations.map((one) => ({
      id: one.id,
      impact: one.impact,
      help: one.help,
      nodes: one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary.slice(0, 300)}`),
    }))
  }, rules)
}

/** KEYBEARER_TEST_PICTURES=0: none are kept but of what fails. They take a fifth of the time of all that is done in browsers. */
const keepsPictures = process.env['KEYBEARER_TEST_PICTURES'] !== '0'

/** Keeps a picture of the whole page. */
export async function takePicture(page: Page, name: string, options: { isNeeded?: boolean } = {}): Promise<void> {
  if (!keepsPictures && options.isNeeded !== true) return
  mkdirSync(pictures, { recursive: true })
  // What stands fixed at the top of the window would else lie over the middle of the picture.
  const top = await page.evaluate(() => [window.scrollY, window.scrollTo(0, 0)][0]!)
  // A window over the page is as large as the browser's: what is under it is not looked at.
  const fullPage = (await page.locator('[role=dialog]').count()) === 0
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage })
  await page.evaluate((back) => window.scrollTo(0, back), top)
}

/** Fails when something is wider than the window: nobody wants to scroll sideways. */
export async function assertNoSidewaysScroll(page: Page, name: string): Promise<void> {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  const culprits = await page.evaluate(() =>
    [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .map((element) => element.outerHTML.slice(0, 160))
      .slice(-3),
  )
  assert.ok(wide <= 1, `${name} is ${wide} px wider than the window: ${culprits.join(' … ')}`)
}

/** Fills the provider's own sign-in and consent pages until they lead elsewhere. */
export async function consentAtProvider(page: Page, issuer: string, options: { user: string; deny?: boolean }): Promise<void> {
  await page.waitForURL((url) => url.href.startsWith(issuer))
  for (let i = 0; i < 6 && page.url().startsWith(issuer); i++) {
    const login = page.locator('input[name="login"]')
    if ((await login.count()) > 0) {
      await login.fill(options.user)
      await page.locator('input[type="password"]').fill('any')
    }
    const before = page.url()
    const deny = page.locator('button[name="cancel"]')
    if (options.deny === true && (await login.count()) === 0 && (await deny.count()) > 0) await deny.first().click()
    else if ((await page.locator('button').count()) === 0) return
    else await page.locator('button:not([name="cancel"])').first().click()
    await page.waitForURL((url) => url.href !== before).catch(() => undefined)
  }
}
