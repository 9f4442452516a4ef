import type { Page } from 'playwright-core'
import { choose, goOn } from './wizard-steps.ts'

/** One stop of the tour: an address, and what is done there before it is looked at. */
export type Stop = {
  name: string
  at: string
  go?: (page: Page) => Promise<unknown>
  /** The components with a dialog that are seen here. */
  shows?: string[]
}

const dialog = (page: Page) => page.getByRole('dialog')
/** Presses a button, and waits for the window that it opens. */
const press = (name: string | RegExp) => async (page: Page) => {
  await page.getByRole('button', { name }).first().click()
  await dialog(page).first().waitFor()
}
const inMenu = (name: string, item: string) => async (page: Page) => {
  await page.getByRole('button', { name: `What can be done with ${name}` }).click()
  await page.getByRole('menuitem', { name: item }).click()
  await dialog(page).waitFor()
}
const see = (text: string | RegExp) => (page: Page) => page.getByText(text).first().waitFor()
const inRow = (name: string, item: string) => async (page: Page) => {
  await page.locator(`tr[data-name="${name}"]`).click({ button: 'right' })
  await page.getByRole('menuitem', { name: item }).click()
}
const find = (text: string, found: string) => async (page: Page) => {
  await page.locator('tr[data-name]').first().waitFor()
  await page.keyboard.press('Control+k')
  await page.locator('input[aria-label="Find"]:focus').waitFor()
  await page.keyboard.type(text)
  await page.locator('.mantine-Spotlight-root').getByText(found).first().waitFor()
}
const select = async (page: Page) => {
  for (const name of ['crm', 'team-mail', 'old-server']) await page.getByRole('checkbox', { name: `Select ${name}` }).check()
  await page.getByRole('region', { name: 'Selected credentials' }).getByText('3 selected').waitFor()
}
const withSelected = (button: string) => async (page: Page) => {
  await select(page)
  await page.getByRole('region', { name: 'Selected credentials' }).getByRole('button', { name: button, exact: true }).click()
  await dialog(page).waitFor()
}
const providerSearched = async (page: Page, text: string, name: RegExp) => {
  await page.getByLabel('Search the providers').fill(text)
  await page.getByRole('radio', { name }).first().check()
}
const wizardTab = (tab: string) => (page: Page) => page.getByRole('tab', { name: tab }).click()
const connectBy = (way: string, button: string, seen: string | RegExp) => async (page: Page) => {
  await page.getByText(way, { exact: true }).click()
  await page.getByRole('button', { name: button }).click()
  await see(seen)(page)
}

/** Pages that say something of their own while nothing is there. */
export const emptyPages: Stop[] = [
  { name: 'empty-credentials', at: '/credentials', go: see('No credentials yet') },
  { name: 'empty-deleted-credentials', at: '/deleted-credentials', go: see('Nothing to restore') },
  { name: 'empty-registrations', at: '/registrations' },
  { name: 'empty-senders', at: '/senders', go: see('No senders yet') },
  { name: 'empty-email-options', at: '/email-options', go: see('No senders yet') },
  { name: 'empty-outbox', at: '/outbox', go: see('Nothing was sent yet') },
  { name: 'empty-actions', at: '/actions', go: see('No actions yet') },
  { name: 'empty-access-keys', at: '/access-keys' },
  { name: 'empty-persons', at: '/persons', go: see('Only you so far') },
  { name: 'empty-calendar', at: '/calendar' },
  { name: 'empty-audit', at: '/audit' },
  { name: 'empty-settings', at: '/settings', go: see(/needs? somebody|All is well/) },
]

const statuses = ['crm', 'half-done', 'living-room', 'office-calendar', 'old-server', 'scanner-drive', 'team-mail', 'ticket-system', 'weather-api']

export const pages: Stop[] = [
  { name: 'credentials', at: '/credentials', go: (page) => page.locator('tr[data-name="weather-api"]').waitFor() },
  { name: 'credentials-nothing-fits', at: '/credentials?search=zzz', go: see('No credential fits') },
  ...statuses.map((name) => ({ name: `credential-${name}`, at: `/credentials/${name}`, go: see('What happened') })),
  { name: 'credential-unknown', at: '/credentials/nobody-knows-it' },
  { name: 'page-unknown', at: '/nothing/here' },
  { name: 'import', at: '/credentials/import' },
  {
    name: 'import-preview',
    at: '/credentials/import',
    go: async (page) => {
      await page
        .locator('input[type=file]')
        .setInputFiles({
          name: 'more.csv',
          mimeType: 'text/csv',
          buffer: Buffer.from('name,kind,username,secret,allowed_hosts\nold-server,basic,bela,second,mail.example.org\nnew-one,api_key,,abc,\n'),
        })
      await page.getByRole('button', { name: 'Look what would happen' }).click()
      await page.getByRole('row').filter({ hasText: 'new-one' }).waitFor()
    },
  },
  { name: 'export', at: '/credentials/export' },
  {
    name: 'export-encrypted',
    at: '/credentials/export',
    go: async (page) => {
      await page.getByRole('radio', { name: 'Only these' }).check()
      await page.getByRole('radio', { name: 'Take them along, encrypted' }).check()
    },
  },
  { name: 'deleted-credentials', at: '/deleted-credentials', go: see('fax-gateway') },
  { name: 'emergency-stops', at: '/emergency-stops', go: see('Name what is to be stopped.') },
  { name: 'emergency-stop-unknown', at: '/emergency-stops/nobody-knows-it' },
  { name: 'registrations', at: '/registrations' },
  { name: 'registration', at: '/registrations/client%20of%20crm' },
  { name: 'registration-unused', at: '/registrations/nobody%20needs%20it' },
  { name: 'providers', at: '/providers', go: see(/^2\d\d providers$/) },
  { name: 'providers-nothing-fits', at: '/providers?search=zzz', go: see('No provider fits') },
  { name: 'provider', at: '/providers/google' },
  { name: 'provider-own', at: '/providers/house' },
  { name: 'calendar', at: '/calendar' },
  { name: 'senders', at: '/senders', go: see('Night reports') },
  { name: 'email-options', at: '/email-options', go: (page) => page.getByRole('listitem', { name: /^Stand-in 1/ }).waitFor() },
  { name: 'outbox', at: '/outbox', go: see('Minutes') },
  { name: 'outbox-nothing-fits', at: '/outbox?status=sending' },
  { name: 'actions', at: '/actions', go: see('open-ticket') },
  { name: 'action', at: '/actions/daily-report', go: (page) => page.getByRole('table', { name: 'Runs' }).waitFor() },
  { name: 'action-new-mail', at: '/actions/new?kind=send_email' },
  { name: 'action-new-request', at: '/actions/new?kind=http_request' },
  { name: 'action-edit', at: '/actions/daily-report/edit' },
  { name: 'access-keys', at: '/access-keys', go: see('old-laptop') },
  { name: 'access-keys-grid', at: '/access-keys?view=grid' },
  { name: 'persons', at: '/persons', go: see('vera@example.org') },
  { name: 'audit', at: '/audit' },
  { name: 'audit-nothing-fits', at: '/audit?action=person.deleted' },
  {
    name: 'audit-verified',
    at: '/audit',
    go: async (page) => [await page.getByRole('button', { name: 'Verify the trail' }).click(), await see(/fit together/)(page)],
  },
  { name: 'settings', at: '/settings', go: see(/needs? somebody/) },
  { name: 'guides', at: '/guides' },
  { name: 'guide', at: '/guides/google-cloud-1' },
  { name: 'profile', at: '/profile' },
  { name: 'explain', at: '/explain' },
  {
    name: 'explain-known',
    at: '/explain',
    go: async (page) => {
      await page.getByLabel('Paste the error text').fill('AADSTS7000215: Invalid client secret provided.')
      await page.getByRole('button', { name: 'Explain it' }).click()
      await page.getByRole('heading', { name: 'The client secret is wrong' }).waitFor()
    },
  },
  {
    name: 'explain-unknown',
    at: '/explain',
    go: async (page) => {
      await page.getByLabel('Paste the error text').fill('Something that nobody has seen before')
      await page.getByRole('button', { name: 'Explain it' }).click()
      await page.getByRole('heading', { name: 'Nothing is known of this text' }).waitFor()
    },
  },
  { name: 'wizard-what', at: '/credentials/new' },
  { name: 'wizard-what-chosen', at: '/credentials/new', go: (page) => providerSearched(page, 'google', /^Google/) },
  { name: 'wizard-issuer', at: '/credentials/new', go: wizardTab('By issuer address') },
  { name: 'wizard-file', at: '/credentials/new', go: wizardTab('From a JSON file') },
  { name: 'wizard-another', at: '/credentials/new', go: wizardTab('Another one') },
  { name: 'wizard-popular', at: '/credentials/new', go: wizardTab('With a known application') },
  {
    name: 'wizard-client-google',
    at: '/credentials/new',
    go: async (page) => {
      await providerSearched(page, 'google', /^Google/)
      await goOn(page, 'Account and client')
    },
  },
  {
    name: 'wizard-client-microsoft',
    at: '/credentials/new',
    go: async (page) => {
      await providerSearched(page, 'microsoft 365', /^Microsoft/)
      await goOn(page, 'Account and client')
      await page.getByRole('switch', { name: 'Unattended service account flow' }).check()
    },
  },
  {
    name: 'wizard-client-missing',
    at: '/credentials/new',
    go: async (page) => {
      await page.getByRole('tab', { name: 'Another one' }).click()
      await goOn(page, 'Account and client')
      await choose(page, 'Client authentication', 'No secret')
      await page.getByRole('button', { name: 'Save and go on' }).click()
      await page.locator('[aria-invalid="true"]').first().waitFor()
    },
  },
  {
    name: 'wizard-api-key',
    at: '/credentials/new',
    go: async (page) => {
      await page.getByRole('radio', { name: 'API key' }).check()
      await goOn(page, 'API key')
    },
  },
  ...['what', 'client', 'scopes', 'consent', 'name', 'test'].map((step) => ({
    name: `wizard-edit-${step}`,
    at: `/credentials/team-mail/edit?step=${step}`,
    go: (page: Page) => page.getByRole('heading', { level: 2 }).first().waitFor(),
  })),
  { name: 'wizard-finish', at: '/credentials/half-done/edit' },
  { name: 'wizard-basic', at: '/credentials/old-server/edit?step=client' },
  { name: 'connect', at: '/credentials/scanner-drive/connect' },
  { name: 'connect-nobody', at: '/credentials/ticket-system/connect' },
  { name: 'connect-paste', at: '/credentials/scanner-drive/connect', go: connectBy('Copy an address back', 'Get the address', '3. Paste it here') },
  { name: 'connect-link', at: '/credentials/scanner-drive/connect', go: connectBy('With a link to send', 'Make a link', '/connect/') },
  {
    name: 'connect-device-refused',
    at: '/credentials/living-room/connect',
    go: async (page) => [await page.getByRole('button', { name: 'Get a code' }).click(), await page.getByRole('alert').first().waitFor()],
  },
]

export const dialogs: Stop[] = [
  { name: 'find', at: '/credentials', go: find('', 'Import Credentials') },
  { name: 'find-page', at: '/credentials', go: find('AKC', 'API Keys & Credentials') },
  { name: 'find-credential', at: '/credentials', go: find('mail', 'team-mail') },
  { name: 'find-verb', at: '/credentials', go: find('reconnect scan', 'Reconnect scanner-drive') },
  { name: 'find-nothing', at: '/credentials', go: find('zzzz', 'Nothing fits') },
  { name: 'keys', at: '/profile', go: async (page) => [await page.keyboard.press('?'), await dialog(page).waitFor()], shows: ['app/single-keys.tsx'] },
  {
    name: 'account-menu',
    at: '/profile',
    go: async (page) => [await page.getByRole('button', { name: /^Signed in as/ }).click(), await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()],
  },
  {
    name: 'row-menu',
    at: '/credentials',
    go: async (page) => [
      await page.locator('tr[data-name="team-mail"]').click({ button: 'right' }),
      await page.getByRole('menuitem', { name: 'Delete' }).waitFor(),
    ],
  },
  {
    name: 'test-works',
    at: '/credentials',
    go: async (page) => [await inRow('team-mail', 'Test')(page), await see('It works.')(page)],
    shows: ['credentials/test-result.tsx'],
  },
  { name: 'test-fails', at: '/credentials', go: async (page) => [await inRow('office-calendar', 'Test')(page), await see('It does not work yet.')(page)] },
  {
    name: 'test-closer',
    at: '/credentials/office-calendar#test',
    go: async (page) => {
      await see('It does not work yet.')(page)
      await page.getByRole('button', { name: 'Look closer' }).click()
      await page.getByRole('list', { name: 'From the outside in' }).getByText('clock', { exact: false }).first().waitFor()
    },
  },
  {
    name: 'delete-unused',
    at: '/credentials',
    go: async (page) => [await inRow('crm', 'Delete')(page), await dialog(page).waitFor()],
    shows: ['credentials/delete-credential.tsx'],
  },
  { name: 'delete-used', at: '/credentials', go: async (page) => [await inRow('team-mail', 'Delete')(page), await see('will fail')(page)] },
  { name: 'restore-name', at: '/deleted-credentials', go: press('Restore crm'), shows: ['deleted/restore-name.tsx'] },
  { name: 'purge', at: '/deleted-credentials', go: press('Destroy fax-gateway'), shows: ['deleted/deleted-credentials-page.tsx'] },
  { name: 'revoke', at: '/credentials/team-mail', go: press('Revoke'), shows: ['credentials/danger-zone.tsx'] },
  { name: 'bulk-selected', at: '/credentials', go: select },
  { name: 'bulk-pause', at: '/credentials', go: withSelected('Pause'), shows: ['credentials/bulk-bar.tsx'] },
  { name: 'bulk-tag', at: '/credentials', go: withSelected('Tag') },
  { name: 'bulk-delete', at: '/credentials', go: withSelected('Delete') },
  { name: 'registration-edit', at: '/registrations/client%20of%20crm', go: press('Edit or new secret'), shows: ['registrations/edit-registration.tsx'] },
  { name: 'registration-delete', at: '/registrations/nobody%20needs%20it', go: press('Delete'), shows: ['registrations/registration-page.tsx'] },
  { name: 'provider-new', at: '/providers', go: press('New provider'), shows: ['providers/provider-drawer.tsx'] },
  {
    name: 'provider-new-by-hand',
    at: '/providers',
    go: async (page) => [await press('New provider')(page), await page.getByRole('tab', { name: 'By hand' }).click()],
  },
  { name: 'provider-edit', at: '/providers/house', go: press('Edit') },
  { name: 'provider-delete', at: '/providers/house', go: press('Delete'), shows: ['providers/provider-page.tsx'] },
  { name: 'calendar-feed', at: '/calendar', go: press(/^Subscribe/), shows: ['calendar/feed-dialog.tsx'] },
  { name: 'sender-new', at: '/senders', go: press('New sender'), shows: ['senders/sender-drawer.tsx'] },
  { name: 'sender-edit', at: '/senders', go: inMenu('office', 'Edit') },
  { name: 'sender-delete', at: '/senders', go: inMenu('office', 'Delete'), shows: ['senders/senders-page.tsx'] },
  { name: 'sender-test', at: '/senders', go: press('Test: office'), shows: ['senders/test-sender.tsx'] },
  { name: 'outbox-write', at: '/outbox', go: press('Write a message'), shows: ['outbox/compose-drawer.tsx'] },
  ...['Report of the night', 'Invoice 4711', 'Minutes', 'Never mind', 'Waits for its server'].map((subject) => ({
    name: `message-${subject.split(' ')[0]!.toLowerCase()}`,
    at: '/outbox',
    go: press(subject),
    shows: ['outbox/message-drawer.tsx'],
  })),
  { name: 'action-run', at: '/actions/daily-report', go: press('Run now'), shows: ['actions/run-drawer.tsx'] },
  {
    name: 'action-one-run',
    at: '/actions/daily-report',
    go: async (page) => {
      await page.getByRole('table', { name: 'Runs' }).getByRole('button').first().click()
      await dialog(page).waitFor()
    },
    shows: ['actions/one-run-drawer.tsx'],
  },
  {
    name: 'action-preview',
    at: '/actions/daily-report/edit',
    go: async (page) => {
      await press('Preview')(page)
      await page.getByRole('button', { name: 'Show' }).click()
      await page.getByRole('region', { name: 'Text' }).waitFor()
    },
    shows: ['actions/preview-drawer.tsx', 'actions/preview-view.tsx'],
  },
  { name: 'action-delete', at: '/actions', go: inMenu('daily-report', 'Delete'), shows: ['actions/delete-action.tsx'] },
  { name: 'webhook-new', at: '/email-options', go: press('New webhook'), shows: ['email-options/webhook-drawer.tsx'] },
  { name: 'webhook-delete', at: '/email-options', go: inMenu('on-call', 'Delete'), shows: ['email-options/webhooks-part.tsx'] },
  { name: 'access-key-new', at: '/access-keys', go: press('New access key'), shows: ['access-keys/new-key-drawer.tsx'] },
  { name: 'access-key-revoke', at: '/access-keys', go: press('Revoke: nightly'), shows: ['access-keys/access-keys-page.tsx'] },
  { name: 'person-invite', at: '/persons', go: press('Invite somebody'), shows: ['persons/invite-person.tsx'] },
  { name: 'person-role', at: '/persons', go: inMenu('vera@example.org', 'Change the role'), shows: ['persons/change-role.tsx'] },
  { name: 'person-suspend', at: '/persons', go: inMenu('vera@example.org', 'Suspend'), shows: ['persons/persons-page.tsx'] },
  { name: 'audit-record', at: '/audit', go: press(/^Record \d+:/), shows: ['audit/record-drawer.tsx'] },
  {
    name: 'audit-token',
    at: '/audit',
    go: async (page) => {
      await page.getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Was this token handed out?' }).click()
      await dialog(page).waitFor()
    },
    shows: ['audit/find-token.tsx'],
  },
  { name: 'master-key', at: '/settings', go: press('Replace it'), shows: ['settings/master-key.tsx'] },
  { name: 'lock', at: '/settings', go: press('Lock the service'), shows: ['settings/lock-service.tsx'] },
]

export const viewerPages: Stop[] = [
  { name: 'viewer-credentials', at: '/credentials', go: (page) => page.locator('tr[data-name="weather-api"]').waitFor() },
  { name: 'viewer-credential', at: '/credentials/scanner-drive', go: see('What happened') },
  { name: 'viewer-wizard', at: '/credentials/new' },
  { name: 'viewer-access-keys', at: '/access-keys', go: (page) => page.getByRole('alert').waitFor() },
]

export const foreignPages: Stop[] = [
  { name: 'sign-in', at: '/credentials' },
  {
    name: 'sign-in-refused',
    at: '/credentials',
    go: async (page) => {
      await page.getByLabel('Name').fill('nobody')
      await page.locator('input[type=password]').fill('wrong')
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('alert').waitFor()
    },
  },
  { name: 'link-unknown', at: '/connect/nobody-made-this' },
  { name: 'callback-unknown', at: '/oauth/callback/reg_1?code=a&state=b' },
]
