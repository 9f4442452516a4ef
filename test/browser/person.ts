import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import type { TestService } from '../service.ts'

/** The first person of every service: an administrator. */
export const person = { name: 'anna@example.org', password: 'seven green lanterns drift' }

/** The link that the first start prints: what a process has written may come after it answers. */
export async function setUpLink(service: Pick<TestService, 'output'>): Promise<string> {
  for (let i = 0; i < 600; i++) {
    const link = /https?:\S+\/set-up#\S+(?=\s)/.exec(service.output())?.[0]
    if (link !== undefined) return link
    await new Promise((done) => setTimeout(done, 50))
  }
  assert.fail(`the first start printed no link: ${service.output().slice(-2000)}`)
}

/** Follows the link that the first start printed, and stays signed in; `address` changes the link where the page is reached by another name. */
export async function setUp(page: Page, service: Pick<TestService, 'output'>, address = (link: string) => link): Promise<void> {
  await page.goto(address(await setUpLink(service)))
  await chooseSignIn(page, person.name)
  await page.getByRole('heading', { name: 'API Keys & Credentials' }).waitFor()
}

/** Fills what a set-up link asks for, and sends it. */
export async function chooseSignIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.locator('input[type=password]').nth(0).fill(person.password)
  await page.locator('input[type=password]').nth(1).fill(person.password)
  await page.getByRole('button', { name: 'Set up and sign in' }).click()
}

/** Signs in by name and password, wherever the page asks for it. */
export async function signIn(page: Page, name = person.name): Promise<void> {
  await page.getByRole('heading', { name: 'Sign in to Keybearer' }).waitFor()
  await page.getByLabel('Name').fill(name)
  await page.locator('input[type=password]').fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** A call of the API with the key that the service made for its own machine. */
export type Api = <Answer = Record<string, unknown>>(method: string, path: string, body?: unknown) => Promise<Answer>
