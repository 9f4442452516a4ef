import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { until } from '../mail-world.ts'
import { Agent } from '../rig/agent.ts'
import { clientSecrets } from '../rig/authorization-server.ts'
import { readMailRig, waitForMail, type MailRigAddresses } from '../rig/mail-rig.ts'
import { startWebhookReceiver, type WebhookReceiver } from '../webhook-receiver.ts'
import { openDesk, pick, type Desk } from './desk.ts'
import { glanceAt, lookAt } from './looks.ts'

describe('notifications in the browser, against a real authorization server and a real mailbox', () => {
  let rig: MailRigAddresses
  let desk: Desk
  let page: Page
  let receiver: WebhookReceiver
  before(async () => {
    rig = readMailRig()
    receiver = await startWebhookReceiver()
    desk = await openDesk({ settings: { KEYBEARER_CA_FILE: rig.caFile } })
    page = desk.page
    const { description } = await desk.api<{ description: object }>('POST', '/v1/providers/discover', { issuer: rig.issuer, id: 'rig', name: 'Rig' })
    await desk.api('POST', '/v1/providers', { ...description, grants: ['client_credentials', 'authorization_code'] })
    const hosts = ['localhost']
    await desk.api('POST', '/v1/credentials', {
      name: 'mail of bob',
      grant: 'authorization_code',
      scopes: ['openid', 'email', 'offline_access', 'smtp.send'],
      allowed_hosts: hosts,
      registration: { name: 'web', provider: 'rig', client_id: 'web-basic', client_secret: clientSecrets['web-basic'], client_auth: 'client_secret_basic' },
    })
    const { authorization_url } = await desk.api<{ authorization_url: string }>('POST', '/v1/credentials/mail%20of%20bob/consent', { mode: 'browser' })
    assert.match((await new Agent({ user: 'bob', ca: rig.ca }).visit(authorization_url)).text, /is connected/)
    await desk.api('POST', '/v1/credentials', {
      name: 'robot-mail',
      grant: 'client_credentials',
      username: 'robot@rig.test',
      scopes: ['smtp.send'],
      allowed_hosts: hosts,
      registration: { name: 'robot', provider: 'rig', client_id: 'robot-post', client_secret: clientSecrets['robot-post'], client_auth: 'client_secret_post' },
    })
    for (const [name, credential, from] of [
      ['bob’s office', 'mail of bob', 'bob@rig.test'],
      ['robot', 'robot-mail', 'robot@rig.test'],
    ]) {
      await desk.api('POST', '/v1/senders', { name, host: 'localhost', port: rig.submission.post, credential, from })
    }
  })
  // The first sender became the default by itself; here a person chooses it.
  before(() => desk.api('PUT', '/v1/mail/options', { default_sender: null, fallbacks: [], notify: { to: [], events: [] } }))
  after(async () => {
    await desk.close()
    await receiver.close()
  })

  const breakOne = async (name: string) => {
    await desk.api('POST', '/v1/credentials', {
      name,
      grant: 'client_credentials',
      scopes: ['smtp.send'],
      registration: { name, provider: 'rig', client_id: 'robot:basic', client_secret: 'not the secret', client_auth: 'client_secret_basic' },
    })
    await desk.visit(`/credentials/${encodeURIComponent(name)}`, name)
    await page.getByRole('button', { name: 'Test', exact: true }).first().click()
    await page
      .getByRole('dialog')
      .getByText(/client secret/i)
      .first()
      .waitFor()
    await page.keyboard.press('Escape')
  }

  it('a default sender with a stand-in is set, the first credential is revoked at the provider, and the next notice comes by the stand-in and says so', async () => {
    await desk.visit('/email-options', 'Email options')
    await pick(page, page.getByRole('combobox', { name: 'Default sender' }), /office/)
    await page.getByRole('button', { name: 'Add a stand-in' }).click()
    await page.getByRole('listitem', { name: 'Stand-in 1: robot' }).waitFor()
    // It stands in for unreachable servers alone: a notice goes by it all the same.
    for (const label of [/refuses the login/, /credential needs a person/]) await page.getByRole('checkbox', { name: label }).uncheck()
    await page.getByRole('combobox', { name: 'Mail addresses' }).pressSequentially('alice@rig.test,')
    await page.getByRole('checkbox', { name: 'A message could not be sent' }).and(page.locator(':checked')).waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('The email options are saved.').first().waitFor()
    // While it works, notices go by the default sender and say nothing of ways.
    const first = `first broken ${Date.now()}`
    await breakOne(first)
    const usual = await waitForMail(rig, 'alice', first)
    assert.match(usual, /^From: .*bob@rig\.test/m)
    assert.doesNotMatch(usual, /went out through/)

    const taken = await fetch(`${rig.control}/take-back/bob`, { method: 'PUT' })
    assert.ok(taken.ok)
    // A session at the mail server that was logged in before would still be good for some seconds.
    await page.goto('about:blank')
    await desk.service.stop()
    await desk.service.start()
    const second = `second broken ${Date.now()}`
    await breakOne(second)
    const mail = (await waitForMail(rig, 'alice', second)).replaceAll(/=\r?\n/g, '')
    assert.match(mail, /^From: .*robot@rig\.test/m)
    assert.match(mail, /^Reply-To: .*bob@rig\.test/m)
    assert.match(
      mail,
      /This mail went out through "robot" in place of "bob=E2=80=99s office", because its (?:credential needs a person|server refused the login)/,
    )
    assert.ok(mail.replaceAll('=3D', '=').includes(`${desk.service.url}/credentials/cred_`), 'with a link to the page')
    // The page and the trail know the way, too.
    await desk.visit('/outbox', 'Outbox')
    await page.getByText('instead of').first().waitFor()
    // That the credential is dead is the next notice; it goes by the stand-in from the beginning.
    // Unless its renewal has come round by now, somebody asks for it: the provider refuses.
    await assert.rejects(desk.api('POST', '/v1/credentials/mail%20of%20bob/refresh', {}))
    await desk.visit('/credentials/mail%20of%20bob', 'mail of bob')
    await page.getByText('It stopped').waitFor()
    const about = (await waitForMail(rig, 'alice', '- mail of bob')).replaceAll(/=\r?\n/g, '')
    assert.match(about, /^From: .*robot@rig\.test/m)
    assert.match(about, /went out through "robot", because it could not go through "bob=E2=80=99s office" \(its credential "mail of bob" needs a consent\)/)
  })

  it('notices of a credential are put off on its page, which says until when and by what it ends', async () => {
    await desk.visit('/credentials/mail%20of%20bob', 'mail of bob')
    await page.getByRole('button', { name: 'Put off notices' }).click()
    await page.getByRole('menuitem', { name: 'For three days' }).click()
    await page.getByText('Put off: nobody is told of it until').waitFor()
    await lookAt(desk.anna, 'snoozed')
    const { snoozed_until } = await desk.api<{ snoozed_until: string }>('GET', '/v1/credentials/mail%20of%20bob')
    assert.ok(Math.abs(Date.parse(snoozed_until) - Date.now() - 3 * 86_400_000) < 600_000)
    await page.getByRole('button', { name: 'Tell again' }).click()
    await page.getByRole('button', { name: 'Put off notices' }).waitFor()
    const { items } = await desk.api<{ items: { actor: { name: string }; detail: { until: string | null } }[] }>('GET', '/v1/audit?action=credential.snoozed')
    assert.deepEqual(
      items.map((item) => [item.actor.name, item.detail.until === null]),
      [
        ['anna@example.org', true],
        ['anna@example.org', false],
      ],
    )
  })

  it('a webhook is made on the page, its secret is shown once, a test reaches it, and one that fails says how', async () => {
    await desk.visit('/email-options', 'Email options')
    await page.getByText('No program is told.').waitFor()
    await page.getByRole('button', { name: 'New webhook' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Name' }).fill('pager "<b>"')
    await dialog.getByRole('textbox', { name: 'Address' }).fill('http://hooks.example/plain')
    await dialog.getByRole('button', { name: 'Make the webhook' }).click()
    await dialog.getByText('must begin with https://').waitFor()
    await glanceAt(desk.anna, 'webhook-refused')
    await dialog.getByRole('textbox', { name: 'Address' }).fill(`${receiver.url}/CANARY-path`)
    await dialog.getByRole('button', { name: 'Make the webhook' }).click()
    const secret = (await page.getByRole('group', { name: 'Secret' }).textContent()) ?? ''
    assert.match(secret, /^whsec_/)
    receiver.secrets.push(secret)
    await glanceAt(desk.anna, 'webhook-secret')
    await page.getByRole('checkbox', { name: /kept/i }).check()
    await page.getByRole('button', { name: 'Close' }).last().click()
    await page.getByRole('button', { name: 'Send a test: pager "<b>"' }).click()
    await page.getByText('“pager "<b>"” has taken the test').waitFor()
    assert.deepEqual([receiver.seen.length, receiver.wrong.length], [1, 0])
    receiver.answer = () => ({ status: 302, headers: { location: 'https://elsewhere.example/' } })
    await page.getByRole('button', { name: 'Send a test: pager "<b>"' }).click()
    await page.getByText(/answered 302, a redirect/).waitFor()
    receiver.answer = () => ({ status: 204 })
    await lookAt(desk.anna, 'webhooks')
    assert.ok(!(await page.content()).includes('CANARY'))
    const broken = `third broken ${Date.now()}`
    await breakOne(broken)
    await until('the webhook is told', () => receiver.seen.some((one) => one.json.data.notices?.some((notice) => notice.about.name === broken)))
    await desk.visit('/email-options', 'Email options')
    await page.getByRole('row', { name: /pager/ }).getByText('told').waitFor()
    await page.getByRole('button', { name: 'What can be done with pager "<b>"' }).click()
    await page.getByRole('menuitem', { name: 'Switch off' }).click()
    await page.getByRole('row', { name: /pager/ }).getByText('Off', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'What can be done with pager "<b>"' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No program is told.').waitFor()
  })

  it('one mail a day is chosen with its hour and time zone, and the choice is kept', async () => {
    await desk.visit('/email-options', 'Email options')
    await page.getByRole('radio', { name: 'One mail a day' }).check()
    await pick(page, page.getByRole('combobox', { name: 'From this hour on' }), '06:00')
    await page.getByRole('combobox', { name: 'Time zone' }).fill('Berlin')
    await page.getByRole('option', { name: 'Europe/Berlin' }).click()
    await page.getByRole('switch', { name: 'Remind every day' }).uncheck()
    await glanceAt(desk.anna, 'email-options-daily')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('The email options are saved.').first().waitFor()
    const { notify } = await desk.api<{ notify: object }>('GET', '/v1/mail/options')
    assert.deepEqual({ ...notify, to: [], events: [] }, { to: [], events: [], daily: { hour: 6, time_zone: 'Europe/Berlin' }, reminders: false })
    await page.reload()
    await page.getByRole('radio', { name: 'One mail a day' }).and(page.locator(':checked')).waitFor()
    assert.deepEqual(desk.anna.complaints, [])
  })
})
