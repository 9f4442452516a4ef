import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { startLocalServer, type LocalServer } from '../local-server.ts'
import { clientSecrets } from '../rig/authorization-server.ts'
import { countMails, readMailRig, waitForMail, type MailRigAddresses } from '../rig/mail-rig.ts'
import { makeVisitor, type Visitor } from './browser.ts'
import { closeDialog, openDesk, pick, type Desk } from './desk.ts'
import { glanceAt, lookAt } from './looks.ts'
import { person } from './person.ts'

type Action = { id: string; name: string; request: { url: string }; last_run: { status: string } | null }

describe('actions in the browser, against a real mail server and a web server', () => {
  let rig: MailRigAddresses
  let desk: Desk
  let page: Page
  let server: LocalServer
  /** What the web server answers with from now on. */
  let status = 200
  before(async () => {
    rig = readMailRig()
    server = await startLocalServer((request, response) => {
      response.statusCode = status
      response.setHeader('content-type', 'application/json')
      request.resume().on('end', () => response.end(JSON.stringify({ ticket: 4711, queue: request.url })))
    })
    desk = await openDesk({ settings: { KEYBEARER_CA_FILE: rig.caFile } })
    page = desk.page
    const { description } = await desk.api<{ description: object }>('POST', '/v1/providers/discover', { issuer: rig.issuer, id: 'rig', name: 'Rig' })
    await desk.api('POST', '/v1/providers', { ...description, grants: ['client_credentials', 'authorization_code'] })
    await desk.api('POST', '/v1/credentials', {
      name: 'robot-mail',
      grant: 'client_credentials',
      username: 'robot@rig.test',
      scopes: ['smtp.send'],
      allowed_hosts: ['localhost', '127.0.0.1'],
      registration: { name: 'robot', provider: 'rig', client_id: 'robot-post', client_secret: clientSecrets['robot-post'], client_auth: 'client_secret_post' },
    })
    await desk.api('POST', '/v1/credentials', { name: 'crm', kind: 'api_key', secret: 'CANARY-crm', allowed_hosts: ['127.0.0.1'] })
    await desk.api('POST', '/v1/senders', {
      name: 'office',
      host: 'localhost',
      port: rig.submission.post,
      credential: 'robot-mail',
      from: 'robot@rig.test',
      is_default: true,
    })
  })
  after(async () => {
    await desk.close()
    await server.close()
  })

  const dialog = () => page.getByRole('dialog')
  const save = () => page.getByRole('button', { name: 'Save', exact: true }).click()
  const titled = (name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  /** The text in a dialog as a person reads it. */
  const input = () => dialog().getByRole('textbox', { name: 'Input' })

  it('nothing is there yet: the page says what actions are for, and what to do first', async () => {
    await desk.visit('/actions', 'Actions')
    await page.getByText('No actions yet').waitFor()
    await glanceAt(desk.anna, 'actions-empty')
  })

  it('a mail with variables is made on the page, a mistake in a text stands at its field, and the run is in the mailbox', async () => {
    await page.getByRole('link', { name: 'Save a mail' }).click()
    await titled('New action')
    await save()
    await page.getByRole('textbox', { name: 'Name', exact: true }).and(page.locator('[aria-invalid="true"]')).waitFor()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('daily-report')
    await page.getByRole('combobox', { name: 'To' }).fill('{{ input.to }},')
    const subject = `Report of {{ input.day }} ${Date.now()}`
    await page.getByRole('textbox', { name: 'Subject' }).fill('Report of {{ input.day')
    await page.getByRole('textbox', { name: 'Text', exact: true }).fill('{{ input.count }} orders came in.')
    await page.getByRole('button', { name: 'Add a text with variables' }).click()
    await page.getByRole('textbox', { name: 'File name' }).fill('{{ input.day }}.csv')
    await page.getByRole('textbox', { name: 'Its text' }).fill('day;orders\n{{ input.day }};{{ input.count }}\n')
    await save()
    await page.getByRole('textbox', { name: 'Subject' }).and(page.locator('[aria-invalid="true"]')).waitFor()
    assert.equal(await page.getByRole('textbox', { name: 'Text', exact: true }).inputValue(), '{{ input.count }} orders came in.')
    await lookAt(desk.anna, 'action-mistake')
    await page.getByRole('textbox', { name: 'Subject' }).fill(subject)
    await save()
    await titled('daily-report')
    await page.getByText('It has not run yet.').waitFor()

    await page.getByRole('button', { name: 'Run now' }).click()
    assert.deepEqual(JSON.parse(await input().inputValue()), { count: '', day: '', to: '' })
    await input().fill('{"to": "bob@rig.test", "day": ')
    await dialog().getByText('Not JSON yet: line 1, sign 31').waitFor()
    assert.equal(await dialog().getByRole('button', { name: 'Run now' }).isDisabled(), true)
    await input().fill('{"to": "bob@rig.test", "day": "Monday"}')
    await dialog().getByText('Not there: “count”').waitFor()
    await dialog().getByRole('button', { name: 'Run now' }).click()
    await dialog().getByText('It failed', { exact: true }).waitFor()
    await lookAt(desk.anna, 'action-run-failed')
    await input().fill('{"to": "bob@rig.test", "day": "Monday", "count": 12}')
    await dialog().getByRole('button', { name: 'Run again' }).click()
    await dialog().getByText('Done', { exact: true }).waitFor()
    await glanceAt(desk.anna, 'action-run-done')
    const mail = await waitForMail(rig, 'bob', subject.replace('{{ input.day }}', 'Monday'))
    assert.match(mail, /12 orders came in\./)
    assert.match(mail, /Monday\.csv/)
    await closeDialog(page)
    const runs = page.getByRole('table', { name: 'Runs' })
    await runs.getByText('Done', { exact: true }).waitFor()
    await runs.getByText('Failed', { exact: true }).waitFor()
    await lookAt(desk.anna, 'action')
    assert.equal(countMails(rig, 'bob', subject.replace('{{ input.day }}', 'Monday')), 1)
  })

  it('a request to a web server that fails shows the problem and the next step; mended, it shows the answer', async () => {
    await desk.visit('/actions/new?kind=http_request', 'New action')
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('open-ticket')
    await pick(page, page.getByRole('combobox', { name: 'Credential' }), /crm/)
    await pick(page, page.getByRole('combobox', { name: 'Method' }), 'POST')
    await page.getByRole('textbox', { name: 'URL' }).fill(`http://127.0.0.1:${server.port}/queues/{{ input.queue }}`)
    await page.getByRole('button', { name: 'Add a header' }).click()
    await page.getByRole('textbox', { name: 'Name of header 1' }).fill('X-Note')
    await page.getByRole('textbox', { name: 'Value of header 1' }).fill('{% include "secrets" %}')
    await page.getByText('JSON', { exact: true }).click()
    await page.getByRole('textbox', { name: 'JSON' }).fill('{"title": "{{ input.title }}"')
    await page.getByText(/Not JSON yet/).waitFor()
    await page.getByRole('textbox', { name: 'JSON' }).fill('{"title": "{{ input.title | nothing }}"}')
    await page
      .getByRole('spinbutton', { name: 'Try again' })
      .or(page.getByRole('textbox', { name: 'Try again' }))
      .fill('1')
    await page.getByLabel('After', { exact: true }).fill('1')
    await save()
    await page.getByRole('textbox', { name: 'Value of header 1' }).and(page.locator('[aria-invalid="true"]')).waitFor()
    await page.getByText(/^title: /).waitFor()
    await page.getByRole('textbox', { name: 'Value of header 1' }).fill('from {{ run.id }}')
    await page.getByRole('textbox', { name: 'JSON' }).fill('{"title": "{{ input.title }}"}')
    await lookAt(desk.anna, 'action-request')
    await save()
    await titled('open-ticket')

    status = 503
    await page.getByRole('button', { name: 'Run now' }).click()
    await input().fill('{"queue": "it", "title": "Printer on fire"}')
    await dialog().getByRole('button', { name: 'Run now' }).click()
    await dialog().getByText('It failed', { exact: true }).waitFor()
    await dialog().getByText(`127.0.0.1:${server.port} answered with status 503.`).waitFor()
    await dialog().getByText("Read the server's answer, then correct the request or what it is about.").waitFor()
    await lookAt(desk.anna, 'action-request-failed')
    status = 200
    await dialog().getByRole('button', { name: 'Run again' }).click()
    await dialog().getByText('Done', { exact: true }).waitFor()
    await dialog().getByRole('region', { name: 'Body of the answer' }).getByText('"/queues/it"').waitFor()
    await glanceAt(desk.anna, 'action-request-done')
    await closeDialog(page)
    await page.getByRole('table', { name: 'Runs' }).getByRole('row').filter({ hasText: '503' }).getByRole('button').click()
    await page.waitForURL(/run=run_/)
    await dialog().getByText('queue, title').waitFor()
    await lookAt(desk.anna, 'action-run')
    await closeDialog(page)
  })

  it('two persons change an action at once: the second is told, and both changes are kept', async () => {
    await desk.visit('/actions/open-ticket', 'open-ticket')
    await page.getByRole('link', { name: 'Edit' }).click()
    await titled('Edit “open-ticket”')
    await page.getByRole('textbox', { name: 'Description' }).fill('Opens a ticket')
    const { id } = await desk.api<Action>('GET', '/v1/actions/open-ticket')
    await desk.api('PATCH', `/v1/actions/${id}`, { on_error: { retries: 0 } })
    await save()
    await page.getByText('Somebody changed this action meanwhile').waitFor()
    await glanceAt(desk.anna, 'action-changed-meanwhile')
    await page.getByRole('button', { name: 'Go on from the newer one' }).click()
    await save()
    await titled('open-ticket')
    const after = await desk.api<{ description: string; on_error: { retries: number } }>('GET', `/v1/actions/${id}`)
    assert.deepEqual([after.description, after.on_error.retries], ['Opens a ticket', 0])
  })

  it('what counts as a failure is ticked, and a problem that does not count is still named', async () => {
    await desk.visit('/actions/open-ticket', 'open-ticket')
    await page.getByRole('link', { name: 'Edit' }).click()
    await page.getByRole('checkbox', { name: 'Every problem' }).uncheck()
    await page.getByRole('checkbox', { name: /4xx/ }).check()
    await page.getByRole('combobox', { name: 'Also these' }).fill('9xx,')
    await save()
    await page.getByText('“9xx”: must be a status such as 404').waitFor()
    await page.getByRole('combobox', { name: 'Also these' }).press('Backspace')
    await page.getByRole('combobox', { name: 'Also these' }).fill('501,')
    await save()
    await titled('open-ticket')
    await page.getByText('status 4xx, status 501').waitFor()
    status = 500
    await page.getByRole('button', { name: 'Run now' }).click()
    await input().fill('{"queue": "it", "title": "x"}')
    await dialog().getByRole('button', { name: 'Run now' }).click()
    await dialog().getByText('Done, with a problem that does not count as a failure').waitFor()
    await closeDialog(page)
  })

  it('the list is live; an action is duplicated, paused, switched on and deleted, by whoever types its name', async () => {
    await desk.visit('/actions', 'Actions')
    const row = page.getByRole('row', { name: /daily-report/ })
    await row.getByText('Done', { exact: true }).waitFor()
    await desk.api('POST', '/v1/actions', { name: 'alert "<b>"', kind: 'send_email', email: { to: ['bob@rig.test'], subject: 'Alert', text: 'x' } })
    await page.getByRole('row', { name: /alert/ }).getByText('Never').waitFor()
    await lookAt(desk.anna, 'actions')

    await row.getByRole('button', { name: 'What can be done with daily-report' }).click()
    await page.getByRole('menuitem', { name: 'Pause' }).click()
    await row.getByText('Paused', { exact: true }).waitFor()
    assert.equal(await row.getByRole('button', { name: 'Run now' }).isDisabled(), true)
    await row.getByRole('button', { name: 'What can be done with daily-report' }).click()
    await page.getByRole('menuitem', { name: 'Switch it on' }).click()
    await row.getByText('Paused', { exact: true }).waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'What can be done with open-ticket' }).click()
    await page.getByRole('menuitem', { name: 'Duplicate' }).click()
    await page.getByRole('textbox', { name: 'Name', exact: true }).and(page.locator('[value="open-ticket copy"]')).waitFor()
    await pick(page, page.getByRole('combobox', { name: 'Go on with', exact: true }), /open-ticket/)
    await save()
    await titled('open-ticket copy')
    const original = await desk.api<Action>('GET', '/v1/actions/open-ticket')
    assert.equal((await desk.api<Action>('GET', '/v1/actions/open-ticket%20copy')).request.url, original.request.url)

    await desk.visit('/actions', 'Actions')
    await page.getByRole('button', { name: 'What can be done with open-ticket', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    assert.equal(await dialog().getByRole('button', { name: 'Delete' }).isDisabled(), true)
    await dialog().getByLabel(/Type/).fill('open-ticket')
    await dialog().getByRole('button', { name: 'Delete' }).click()
    await dialog().getByText('is what "open-ticket copy" leads to').waitFor()
    await glanceAt(desk.anna, 'action-delete-refused')
    await closeDialog(page)
    await page.getByRole('button', { name: 'What can be done with open-ticket copy' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await dialog().getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('row', { name: /open-ticket copy/ }).waitFor({ state: 'detached' })
  })

  it('a schedule is set with its next times in sight, its mistakes at their field, and is switched off and removed', async () => {
    await desk.visit('/actions/daily-report', 'daily-report')
    await page.getByRole('button', { name: 'Set a schedule' }).click()
    await dialog().getByRole('textbox', { name: 'Times' }).fill('0 0 30 2 *')
    await dialog().getByText('What stands there names a time that never comes.').waitFor()
    await dialog().getByRole('button', { name: 'Save' }).click()
    await dialog().getByRole('textbox', { name: 'Times' }).and(page.locator('[aria-invalid="true"]')).waitFor()
    await dialog().getByRole('button', { name: 'Mondays at 7' }).click()
    await dialog().getByText('names a time that never comes', { exact: true }).waitFor({ state: 'detached' })
    await dialog().getByRole('combobox', { name: 'Time zone' }).fill('Europe/Berl')
    await page.getByRole('option', { name: 'Europe/Berlin' }).click()
    await dialog()
      .getByText(/^Monday, .* at 07:00/)
      .nth(2)
      .waitFor()
    await dialog().getByRole('textbox', { name: 'Input of each run' }).fill('{"to": "bob@rig.test", "day": "Monday", "count": 1}')
    await lookAt(desk.anna, 'action-schedule')
    await dialog().getByRole('button', { name: 'Save' }).click()
    const schedule = page.getByRole('region', { name: 'Schedule' })
    await schedule.getByText(/Monday, .* at 07:00/).waitFor()
    const saved = () => desk.api<{ schedule: { cron: string; enabled: boolean; input: object } | null }>('GET', '/v1/actions/daily-report')
    assert.deepEqual((await saved()).schedule?.input, { to: 'bob@rig.test', day: 'Monday', count: 1 })
    await schedule.getByRole('button', { name: 'Switch it off' }).click()
    await schedule.getByText('Switched off', { exact: true }).waitFor()
    assert.deepEqual([(await saved()).schedule?.enabled, (await saved()).schedule?.cron], [false, '0 7 * * 1'])
    await schedule.getByRole('button', { name: 'Remove the schedule' }).click()
    await schedule.getByText('It has no schedule.').waitFor()
  })

  it('the secret of a webhook is shown once, and runs the action by a signed call; removed, the address is dead', async () => {
    const webhook = page.getByRole('region', { name: 'Webhook' })
    await webhook.getByRole('button', { name: 'Make a webhook' }).click()
    const secret = (await dialog().getByRole('group', { name: 'Secret' }).textContent())!.trim()
    const address = (await dialog().getByRole('group', { name: 'Address' }).locator('code').textContent())!.trim()
    await glanceAt(desk.anna, 'action-webhook-secret')
    await page.keyboard.press('Escape')
    await dialog().getByRole('checkbox', { name: 'I have kept it' }).check()
    await dialog().getByRole('button', { name: 'Close' }).click()
    await dialog().waitFor({ state: 'detached' })
    assert.equal(await page.getByText(secret).count(), 0)
    await lookAt(desk.anna, 'action-triggers')
    const call = async () => {
      const body = JSON.stringify({ to: 'bob@rig.test', day: 'Hookday', count: 3 })
      const id = `msg_${Date.now()}`
      const time = Math.floor(Date.now() / 1000)
      const signature = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
        .update(`${id}.${time}.${body}`)
        .digest('base64')
      const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': String(time), 'webhook-signature': `v1,${signature}` }
      return (await fetch(address, { method: 'POST', headers, body })).status
    }
    assert.equal(await call(), 202)
    await page.getByRole('table', { name: 'Runs' }).getByText('Webhook', { exact: true }).waitFor()
    await waitForMail(rig, 'bob', 'Report of Hookday')
    await webhook.getByRole('button', { name: 'Remove the webhook' }).click()
    await dialog().getByRole('button', { name: 'Remove it' }).click()
    await webhook.getByText('It has no address for others.').waitFor()
    assert.ok((await call()) >= 400)
  })

  it('quick find leads to an action by its initials, and to its run by "run NAME"', async () => {
    const find = page.getByPlaceholder(/Page, credential/)
    await desk.visit('/actions', 'Actions')
    await page.keyboard.press('Control+k')
    await find.fill('dr')
    await page.getByRole('button', { name: /^daily-report/ }).click()
    await titled('daily-report')
    await page.keyboard.press('Control+k')
    await find.fill('run daily')
    await page.getByRole('button', { name: /^Run daily-report/ }).waitFor()
    await glanceAt(desk.anna, 'find-run')
    await find.press('Enter')
    await titled('daily-report')
    await page.getByRole('dialog', { name: /Run “daily-report”/ }).waitFor()
    await closeDialog(page)
  })

  it('whoever looks at a credential sees the actions that name it, and a new access key may run one and nothing else', async () => {
    await desk.api('POST', '/v1/actions', {
      name: 'nightly-sync',
      kind: 'http_request',
      request: { credential: 'crm', method: 'GET', url: `http://127.0.0.1:${server.port}/sync` },
    })
    status = 200
    await desk.visit('/credentials', 'API Keys & Credentials')
    const row = page.locator('tr[data-name="crm"]')
    await row
      .getByRole('cell')
      .filter({ hasText: /nightly-sync|\+\d/ })
      .first()
      .waitFor()
    await row.click({ button: 'right' })
    await page.getByRole('menuitem', { name: /^Delete/ }).click()
    await dialog().getByText('These actions name it').waitFor()
    await dialog().getByText('nightly-sync').waitFor()
    await closeDialog(page)

    await desk.visit('/access-keys', 'Access keys')
    await page.getByRole('button', { name: 'New access key' }).click()
    await dialog().getByRole('textbox', { name: 'Name', exact: true }).fill('sync-cron')
    await dialog().getByRole('button', { name: 'Remove credential 1' }).click()
    await dialog().getByRole('combobox', { name: 'Actions' }).fill('nightly')
    await page.getByRole('option', { name: /^nightly-sync/ }).click()
    await page.keyboard.press('Tab')
    await page.getByRole('option').first().waitFor({ state: 'hidden' })
    await glanceAt(desk.anna, 'access-key-action')
    await dialog().getByRole('button', { name: 'Make the key' }).click()
    const made = page.getByRole('dialog', { name: '“sync-cron” is made' })
    const key = (await made.getByRole('group', { name: 'Access key' }).textContent())!.trim()
    const call = async (path: string): Promise<number> =>
      (await fetch(desk.service.url + path, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: '{}' }))
        .status
    assert.deepEqual(await Promise.all(['/v1/actions/nightly-sync/run', '/v1/actions/daily-report/run'].map(call)), [200, 404])
    assert.ok((await call('/v1/credentials/crm/token')) >= 403)
    await made.getByLabel('I have kept it').click()
    await made.getByRole('button', { name: 'Close' }).click()
  })

  it('a viewer neither runs nor edits actions: the page does not offer them, and the service refuses', async () => {
    const bela = await invite('viewer')
    assert.equal(await bela.page.getByRole('navigation', { name: 'Pages' }).getByText('Actions').count(), 0)
    for (const path of ['/actions', '/actions/daily-report', '/actions/daily-report/edit', '/actions/new']) {
      await bela.page.goto(desk.service.url + path)
      await bela.page.getByText('Actions are for managers').waitFor()
      assert.equal(await bela.page.getByRole('button', { name: /Run now|Save/ }).count(), 0, path)
      assert.equal(await bela.page.getByText('daily-report').count(), 0, path)
    }
    await glanceAt(bela, 'viewer-at-actions')
    const refused = await bela.page.evaluate(async () => {
      const ask = async (method: string, path: string, body?: object) =>
        (await fetch(path, { method, headers: { 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })).status
      return [
        await ask('GET', '/v1/actions'),
        await ask('POST', '/v1/actions/daily-report/run', {}),
        await ask('PATCH', '/v1/actions/daily-report', { description: 'x' }),
        await ask('DELETE', '/v1/actions/daily-report'),
      ]
    })
    assert.deepEqual(refused, [403, 403, 403, 403])
    await bela.close()
    assert.deepEqual(desk.anna.complaints, [])
  })

  /** A person of this role, who has taken the link of an invitation. */
  async function invite(role: 'viewer' | 'manager'): Promise<Visitor> {
    const name = `${role}@example.org`
    const { link } = await desk.api<{ link: string }>('POST', '/v1/persons', { name, role })
    const visitor = await makeVisitor(desk.browser)
    await visitor.page.goto(link)
    await visitor.page.locator('input[type=password]').nth(0).fill(person.password)
    await visitor.page.locator('input[type=password]').nth(1).fill(person.password)
    await visitor.page.getByRole('button', { name: 'Sign in' }).click()
    await visitor.page.getByRole('heading', { level: 1, name: 'API Keys & Credentials' }).waitFor()
    return visitor
  }
})
