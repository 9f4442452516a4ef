import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { clientSecrets } from '../rig/authorization-server.ts'
import { countMails, readMailRig, waitForMail, type MailRigAddresses } from '../rig/mail-rig.ts'
import { freePort } from '../rig/ports.ts'
import { closeDialog, openDesk, pick, type Desk } from './desk.ts'
import { glanceAt, lookAt } from './looks.ts'

describe('senders, email options and outbox in the browser, against a real mail server', () => {
  let rig: MailRigAddresses
  let desk: Desk
  let page: Page
  let closed: number
  before(async () => {
    rig = readMailRig()
    desk = await openDesk({ settings: { KEYBEARER_CA_FILE: rig.caFile, KEYBEARER_MAIL_FALLBACK_MINUTES: '0' } })
    page = desk.page
    closed = await freePort()
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
  })
  after(() => desk.close())

  const dialog = () => page.getByRole('dialog')
  const open = (path: string, title: string) => desk.visit(path, title)
  /** Writes a message on the page of the outbox and sends it. */
  const write = async (subject: string, through?: string) => {
    await page.getByRole('button', { name: 'Write a message' }).click()
    if (through !== undefined) await pick(page, dialog().getByRole('combobox', { name: 'Through' }), new RegExp(through))
    await dialog().getByRole('combobox', { name: 'To' }).fill('bob@rig.test')
    await dialog().getByLabel('Subject').fill(subject)
    await dialog().getByLabel('Text').fill('Written on the page.')
    await dialog().getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('dialog', { name: subject }).waitFor()
  }

  it('nothing is there yet: each page says what it is for, and what to do first', async () => {
    await open('/senders', 'Senders')
    await page.getByText('No senders yet').waitFor()
    await open('/email-options', 'Email options')
    await page.getByText('No senders yet').waitFor()
    await open('/outbox', 'Outbox')
    await page.getByText('Nothing was sent yet').waitFor()
  })

  it('a sender is made on the page, its form keeps what was typed when it is refused, and its test message is in the mailbox', async () => {
    await open('/senders', 'Senders')
    await page.getByRole('button', { name: 'Make the first sender' }).click()
    await dialog().getByRole('combobox', { name: 'Credential' }).fill('robot')
    await page.getByRole('option', { name: /robot-mail/ }).click()
    assert.equal(await dialog().getByRole('textbox', { name: 'Name', exact: true }).inputValue(), 'robot-mail')
    assert.equal(await dialog().getByLabel('Send as').inputValue(), 'robot@rig.test')
    await dialog().getByRole('textbox', { name: 'Name', exact: true }).fill('office "<b>"')
    await dialog().getByLabel('Mail server').fill('not a host')
    await dialog().getByLabel('Port').fill(String(rig.submission.post))
    await dialog().getByRole('button', { name: 'Save', exact: true }).click()
    await dialog().getByRole('textbox', { name: 'Mail server' }).and(page.locator('[aria-invalid="true"]')).waitFor()
    assert.equal(await dialog().getByRole('textbox', { name: 'Name', exact: true }).inputValue(), 'office "<b>"')
    await glanceAt(desk.anna, 'sender-refused')
    await dialog().getByLabel('Mail server').fill('localhost')
    const others = dialog().getByRole('combobox', { name: 'Other From addresses' })
    await others.pressSequentially('everybody,')
    await dialog().getByRole('button', { name: 'Save', exact: true }).click()
    await dialog().getByText('must be an address, a domain such as @example.org, or * for any').waitFor()
    await others.press('Backspace')
    await others.pressSequentially('@rig.test,')
    await dialog().getByRole('button', { name: 'Save and test' }).click()
    const test = page.getByRole('dialog', { name: /Test of/ })
    await test.getByLabel('Send a test message to').fill('bob@rig.test')
    await test.getByRole('button', { name: 'Send', exact: true }).click()
    await test.getByText('The mail server has taken it').waitFor()
    await glanceAt(desk.anna, 'sender-tested')
    await waitForMail(rig, 'bob', 'office "<b>"')
    await closeDialog(page)
    await page
      .getByRole('row', { name: /office/ })
      .getByText('Default')
      .waitFor()
  })

  it('a sender whose server is away says so in its test, in whose words, and with the next step', async () => {
    await page.getByRole('button', { name: 'New sender' }).click()
    await dialog().getByRole('textbox', { name: 'Name', exact: true }).fill('away')
    await dialog().getByLabel('Mail server').fill('localhost')
    await dialog().getByText('None', { exact: true }).click()
    await dialog().getByLabel('Port').fill(String(closed))
    await dialog().getByLabel('Send as').fill('robot@rig.test')
    await dialog().getByRole('button', { name: 'Save and test' }).click()
    const test = page.getByRole('dialog', { name: /Test of/ })
    await test.getByLabel('Send a test message to').fill('bob@rig.test')
    await test.getByRole('button', { name: 'Send', exact: true }).click()
    await test.getByText('It is on its way, and waits').waitFor()
    await test.getByRole('link', { name: 'Show it in the outbox' }).waitFor()
    await glanceAt(desk.anna, 'sender-away')
    await test.getByRole('link', { name: 'Show it in the outbox' }).click()
    await page.getByRole('heading', { level: 1, name: 'Outbox' }).waitFor()
    await dialog().getByRole('button', { name: 'Cancel it' }).click()
    await dialog().getByText('Cancelled', { exact: true }).waitFor()
    await closeDialog(page)
    await open('/senders', 'Senders')
  })

  it('a message is written on the page, and arrives', async () => {
    await open('/outbox', 'Outbox')
    const subject = `Page says hello ${Date.now()}`
    await write(subject, 'office')
    await dialog().getByText('Sent', { exact: true }).first().waitFor()
    await dialog().getByText('Taken', { exact: true }).waitFor()
    await waitForMail(rig, 'bob', subject)
    assert.ok(page.url().includes('message=msg_'), 'the message is in the address bar')
    await closeDialog(page)
  })

  it('a message whose login is refused says why; one is let go, the other is tried in vain, and arrives by itself when the sender is mended', async () => {
    const sender = await desk.api<{ id: string; revision: number }>('POST', '/v1/senders', {
      name: 'forger',
      host: 'localhost',
      port: rig.submission.post,
      credential: 'robot-mail',
      from: 'robot@rig.test',
      login: 'nobody@rig.test',
    })
    const subject = `Second try ${Date.now()}`
    await open('/outbox', 'Outbox')
    for (const one of [`Let go ${subject}`, subject]) {
      await write(one, 'forger')
      await dialog().getByRole('button', { name: 'Try again now' }).waitFor()
      await dialog().getByText('The server said').waitFor()
      await closeDialog(page)
    }
    await page.getByRole('button', { name: `Let go ${subject}` }).click()
    await dialog().getByRole('button', { name: 'Cancel it' }).click()
    await dialog().getByText('Cancelled', { exact: true }).waitFor()
    await closeDialog(page)
    await page.getByRole('button', { name: subject, exact: true }).click()
    await dialog().getByRole('button', { name: 'Try again now' }).click()
    await dialog().getByText('The server said').waitFor()
    await desk.api('PATCH', `/v1/senders/${sender.id}`, { login: null })
    await dialog().getByText('Taken', { exact: true }).waitFor()
    await waitForMail(rig, 'bob', `Subject: ${subject}`)
    await closeDialog(page)
    assert.equal(countMails(rig, 'bob', `Let go ${subject}`), 0)
    await page.getByText('Cancelled', { exact: true }).first().click()
    await page.waitForURL(/status=cancelled/)
    await page.getByRole('button', { name: subject, exact: true }).waitFor({ state: 'detached' })
    await glanceAt(desk.anna, 'outbox-cancelled')
  })

  it('a message whose sender is refused goes another way, and its time line tells the whole story', async () => {
    await desk.api('POST', '/v1/senders', { name: 'stranger', host: 'localhost', port: rig.submission.post, credential: 'robot-mail', from: 'alice@rig.test' })
    const subject = `Another way ${Date.now()}`
    await open('/outbox', 'Outbox')
    await write(subject, 'stranger')
    await dialog().getByText('Given up').waitFor()
    await dialog().getByRole('button', { name: 'Send another way' }).click()
    await pick(page, dialog().getByRole('combobox', { name: 'Other sender' }), /office/)
    await dialog().getByText('answers still go to alice@rig.test').waitFor()
    await lookAt(desk.anna, 'outbox-another-way')
    await dialog().getByRole('button', { name: 'Send it this way' }).click()
    await dialog().getByText('Sent to everybody').waitFor()
    const story = await dialog().locator('.mantine-Timeline-itemTitle').allTextContents()
    assert.deepEqual(story, [
      'Given by you',
      'stranger refused the login or the address',
      'Given up',
      'Given to office "<b>" by you',
      'office "<b>" took it',
      'Sent to everybody',
    ])
    assert.match(await waitForMail(rig, 'bob', `Subject: ${subject}`), /^From: .*robot@rig\.test[\s\S]*^Reply-To: .*alice@rig\.test/m)
    await glanceAt(desk.anna, 'outbox-time-line')
    await closeDialog(page)
  })

  it('the email options take a default, stand-ins in order, and whom to tell; a stand-in sends when the default is away', async () => {
    await open('/email-options', 'Email options')
    await pick(page, page.getByRole('combobox', { name: 'Default sender' }), 'away')
    for (const wanted of ['forger', 'office "<b>"']) {
      await page.getByRole('button', { name: 'Add a stand-in' }).click()
      const last = page.getByRole('listitem', { name: /^Stand-in/ }).last()
      await pick(page, last.getByRole('combobox'), wanted)
    }
    const first = page.getByRole('listitem', { name: 'Stand-in 1' })
    await page.getByRole('combobox', { name: 'Sender 2' }).press('Alt+ArrowUp')
    await first.and(page.getByRole('listitem', { name: /office/ })).waitFor()
    await page.getByRole('combobox', { name: 'Mail addresses' }).pressSequentially('bob@rig.test,')
    await page.getByRole('checkbox', { name: 'A credential works no longer' }).and(page.locator(':checked')).waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The email options are saved.').first().waitFor()
    await page.reload()
    await page.getByRole('listitem', { name: 'Stand-in 1: office "<b>"' }).waitFor()
    await page.getByRole('listitem', { name: 'Stand-in 2: forger' }).waitFor()
    await page.getByText('bob@rig.test').waitFor()
    const subject = `Stand-in ${Date.now()}`
    await open('/outbox', 'Outbox')
    await write(subject)
    await dialog().getByText('Taken', { exact: true }).waitFor()
    await dialog().getByText('did not answer').waitFor()
    await glanceAt(desk.anna, 'outbox-stand-in')
    await waitForMail(rig, 'bob', subject)
    await closeDialog(page)
    await page.getByText('instead of').waitFor()
  })

  it('who is named in the email options gets a mail when a credential needs somebody', async () => {
    await desk.api('POST', '/v1/credentials', {
      name: 'wrong-secret',
      grant: 'client_credentials',
      scopes: ['smtp.send'],
      registration: { name: 'wrong', provider: 'rig', client_id: 'robot:basic', client_secret: 'not the secret', client_auth: 'client_secret_basic' },
    })
    await open('/credentials/wrong-secret', 'wrong-secret')
    await page.getByRole('button', { name: 'Test' }).first().click()
    const mail = await waitForMail(rig, 'bob', 'wrong-secret', 30_000)
    assert.match(mail, /^From: .*robot@rig.test/m)
  })

  it('two persons change the email options at once: the second is told before anything is overwritten', async () => {
    await open('/email-options', 'Email options')
    await page.getByLabel('A credential works again').click()
    const now = await desk.api<{ default_sender: { id: string }; fallbacks: { sender: string; when: string[] }[] }>('GET', '/v1/mail/options')
    await desk.api('PUT', '/v1/mail/options', {
      default_sender: now.default_sender.id,
      fallbacks: [],
      notify: { to: ['carol@rig.test'], events: ['credential.broken'] },
    })
    await page.getByText('Somebody changed the email options meanwhile').waitFor()
    await glanceAt(desk.anna, 'email-options-changed-meanwhile')
    await page.getByRole('button', { name: 'Drop mine, show theirs' }).click()
    await page.getByText('carol@rig.test').waitFor()
  })

  it('a sender in use as the default is deleted only by typing its name', async () => {
    await open('/senders', 'Senders')
    await page.getByRole('button', { name: 'What can be done with away' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    const ask = page.getByRole('dialog', { name: /Delete/ })
    assert.equal(await ask.getByRole('button', { name: 'Delete' }).isDisabled(), true)
    await ask.getByLabel(/Type/).fill('away')
    await ask.getByRole('button', { name: 'Delete' }).click()
    await ask.waitFor({ state: 'detached' })
    await page.getByText('away', { exact: true }).waitFor({ state: 'detached' })
    assert.deepEqual(desk.anna.complaints, [])
  })
})
