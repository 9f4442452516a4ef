// node scripts/pictures.ts: makes the pictures of the web page in docs/pictures anew, from the real page in a real browser.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Page } from 'playwright-core'
import { openDatabase } from '../src/storage/open.ts'
import { openDesk, type Desk } from '../test/browser/desk.ts'
import { startAuthorizationServer } from '../test/rig/authorization-server.ts'

const folder = join(import.meta.dirname, '..', 'docs', 'pictures')
const largest = 150_000
const hour = 3_600_000

async function take(page: Page, name: string, height = 640): Promise<void> {
  const path = join(folder, `${name}.png`)
  await page.setViewportSize({ width: 1240, height })
  await page.mouse.move(0, 0)
  await page.waitForLoadState('networkidle')
  await page.evaluate(() => window.scrollTo(0, 0))
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
  const { size } = statSync(path)
  if (size > largest) throw new Error(`${path} has ${size} bytes; ${largest} are allowed`)
  console.error(`${path}: ${size} bytes`)
}

/** Credentials as an installation has them after a while: most work, some need somebody. */
async function furnish(desk: Desk, issuer: string): Promise<void> {
  const placeholders = { authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` }
  const registrations: [string, string, object][] = [
    ['Google app', 'google', { client_secret: 'example' }],
    ['Microsoft app', 'microsoft', { client_secret: 'example', placeholders: { tenant: 'example.onmicrosoft.com' } }],
    ['Own server', 'generic', { client_auth: 'none', placeholders }],
  ]
  for (const [name, provider, further] of registrations)
    await desk.api('POST', '/v1/registrations', { name, provider, client_id: 'example-client', ...further })
  const oauth = (name: string, registration: string, username: string, description: string) =>
    desk.api('POST', '/v1/credentials', { name, registration, username, description, grant: 'authorization_code', scopes: ['openid'] })
  await oauth('work-mail', 'Google app', 'anna@example.org', 'Reports and invoices')
  await oauth('crm', 'Own server', 'ops@example.org', 'Nightly export')
  await oauth('drive', 'Google app', 'team@example.org', 'Scanner uploads')
  await oauth('calendar', 'Microsoft app', 'rooms@example.org', 'Room bookings')
  await desk.api('POST', '/v1/credentials', { name: 'weather-api', kind: 'api_key', secret: 'example', description: 'Dashboard' })
  const keys: Record<string, string> = {}
  for (const name of ['backup-job', 'nightly', 'dashboard']) {
    const made = await desk.api<{ access_key: { id: string } }>('POST', '/v1/access-keys', { name, permissions: [{ credential: '*', rights: ['token'] }] })
    keys[name] = made.access_key.id
  }
  await desk.service.stop()
  const { db, close } = await openDatabase({ folder: desk.service.data, now: Date.now() })
  const now = Date.now()
  const facts: [string, string, string | null, number | null, number | null, string | null][] = [
    ['work-mail', 'ready', null, null, 2 * 60_000, 'backup-job'],
    ['crm', 'expiring', reason('refresh_token_ends', 'The refresh token ends in 3 days.', 'reconnect'), now + 72 * hour, hour, 'nightly'],
    ['drive', 'needs_consent', reason('token_revoked', 'A person revoked the tokens.', 'reconnect'), null, 9 * hour, 'nightly'],
    ['calendar', 'incomplete', reason('not_connected', 'Nobody has consented yet.', 'connect'), null, null, null],
    ['weather-api', 'ready', null, null, 25 * 60_000, 'dashboard'],
  ]
  for (const [name, status, reason, until, ago, key] of facts) {
    const used = ago === null || key === null ? null : { at: now - ago, by: keys[key]! }
    const { id } = await db.selectFrom('credentials').select('id').where('name', '=', name).executeTakeFirstOrThrow()
    await db
      .updateTable('credentials')
      .set({
        status,
        status_reason: reason,
        status_since: now - 8 * hour,
        known_end: until,
        ...(status === 'incomplete'
          ? {}
          : { secret: sql`randomblob(400)` as never, generation: 1, has_refresh_token: 1, refresh_token_expires_at: until, token_expires_at: now + hour }),
        ...(used === null
          ? {}
          : { last_used_at: used.at, last_used_by: used.by, last_use_outcome: status === 'needs_consent' ? 'issue' : 'ok', last_success_at: used.at }),
      })
      .where('id', '=', id)
      .execute()
    if (used !== null)
      await db
        .insertInto('usages')
        .values({ credential_id: id, access_key_id: used.by, first_at: now - 90 * 24 * hour, last_at: used.at, count: 412, last_outcome: 'ok' })
        .execute()
  }
  await close()
  await desk.service.start()
}

const reason = (code: string, message: string, action: string): string => JSON.stringify({ code, message, nextStep: { action, text: message } })

async function takeAll(desk: Desk, issuer: string): Promise<void> {
  const { page } = desk
  await furnish(desk, issuer)
  await desk.visit('/credentials', 'API Keys & Credentials')
  await page.locator('tr[data-name="work-mail"]').waitFor()
  await take(page, 'credentials')

  const goOn = (name: string) => page.getByRole('button', { name, exact: true }).click()
  const step = (title: string) => page.getByRole('heading', { level: 2, name: new RegExp(`^${title}`) }).waitFor()
  await desk.visit('/credentials/new', 'New credential')
  await page.getByRole('searchbox', { name: 'Search the providers' }).fill('google')
  await page
    .getByRole('radio', { name: /^Google/ })
    .first()
    .click()
  await take(page, 'wizard-what', 740)
  await goOn('Go on')
  await step('Account and client')
  await page.getByRole('textbox', { name: 'User' }).fill('anna@example.org')
  await page.getByRole('textbox', { name: 'Client ID' }).fill('1234567890-example.apps.googleusercontent.com')
  await page.locator('input[type=password]').first().fill('example-client-secret')
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('reports')
  await take(page, 'wizard-client', 660)
  await goOn('Save and go on')
  await page.waitForURL(/\/edit/)
  await page.goto(`${desk.service.url}/credentials/reports/edit?step=consent`)
  await step('Consent')
  await take(page, 'wizard-consent', 640)
}

const server = await startAuthorizationServer()
const desk = await openDesk()
try {
  await takeAll(desk, server.issuer)
} finally {
  await desk.close()
  await server.stop()
}
