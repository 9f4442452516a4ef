import type { Page } from 'playwright-core'

/** The heading of a step, which says where one is. */
export const stepHeading = (page: Page, title: string) => page.getByRole('heading', { level: 2, name: new RegExp(`^${title}`) })

/** Presses the main button of the wizard and waits for the next step. */
export async function goOn(page: Page, to: string): Promise<void> {
  await page.getByRole('button', { name: /^(?:Go on|Save and go on|Go on without)$/ }).click()
  await stepHeading(page, to).waitFor()
}

/** Opens the wizard for a provider whose addresses are typed by hand, and fills the second step. */
export async function beginWithAddresses(
  page: Page,
  url: string,
  addresses: Record<string, string>,
  client: { id: string; auth?: string; secret?: string },
): Promise<void> {
  await page.goto(`${url}/credentials/new`)
  await page.getByRole('tab', { name: 'Another one' }).click()
  await goOn(page, 'Account and client')
  await fillAddresses(page, addresses)
  await page.getByLabel('Client ID').fill(client.id)
  if (client.auth !== undefined) await choose(page, 'Client authentication', client.auth)
  if (client.secret !== undefined) await page.getByLabel(/^Client secret(?: \*)?$/).fill(client.secret)
}

const titles: Record<string, string> = {
  authorization_endpoint: 'Authorization address',
  token_endpoint: 'Token address',
  revocation_endpoint: 'Revocation address',
  device_authorization_endpoint: 'Device address',
  userinfo_endpoint: 'User info address',
}

export async function fillAddresses(page: Page, addresses: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(addresses)) await page.getByLabel(titles[name]!).fill(value)
}

/** Chooses an entry of a drop-down list. */
export async function choose(page: Page, label: string, entry: string): Promise<void> {
  await page
    .getByRole('combobox', { name: label })
    .or(page.getByRole('textbox', { name: label }))
    .first()
    .click()
  await page.getByRole('option', { name: entry }).click()
}

/** Types scopes as people do: whatever stands between them. */
export async function typeScopes(page: Page, text: string): Promise<void> {
  const field = page
    .getByRole('combobox', { name: 'Scopes' })
    .or(page.getByRole('textbox', { name: 'Scopes' }))
    .first()
  await field.click()
  await field.pressSequentially(text)
}

/** Adds a parameter to the sign-in: the test provider gives refresh tokens only with a consent page. */
export async function askForConsentPage(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^More: audience/ }).click()
  await page.getByLabel('Extra parameters of the sign-in').fill('prompt=consent')
}

/** Types the name of the credential: the field is the last one of that name on the step. */
export async function nameIt(page: Page, name: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Name' }).last().fill(name)
}
