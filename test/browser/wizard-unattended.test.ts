import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { clientSecrets } from '../rig/authorization-server.ts'
import { consentAtProvider } from './browser.ts'
import { openKnownOffice, type KnownOffice } from './known-office.ts'
import { glanceAt } from './looks.ts'
import type { Office } from './office.ts'
import { beginWithAddresses, choose, goOn, nameIt, typeScopes } from './wizard-steps.ts'

type Stored = { status: string; scopes: string[]; username: string | null; grant: string; options: Record<string, string> }

describe('the wizard, without a person and from files', () => {
  let opened: KnownOffice
  let office: Office
  let known: KnownOffice['known']
  before(async () => {
    opened = await openKnownOffice()
    ;({ office, known } = opened)
  })
  after(() => opened.close())
  afterEach(() => assert.deepEqual(office.anna.complaints.splice(0), []))

  const stored = (name: string) => office.api<Stored>('GET', `/v1/credentials/${encodeURIComponent(name)}`)
  const switchOn = async (variant: string) => {
    const { page } = office.anna
    await page.getByRole('switch', { name: 'Unattended service account flow' }).check()
    await page.getByText(variant, { exact: true }).click()
  }
  const addresses = () => ({ token_endpoint: office.addresses.token_endpoint! })
  const open = async (tab?: string) => {
    const { page } = office.anna
    await page.goto(`${office.service.url}/credentials/new`)
    if (tab !== undefined) await page.getByRole('tab', { name: tab }).click()
  }
  const zone = 'Drop a JSON file of Google here, or press Enter to choose one'
  const drop = async (name: string, text: string, times = 1) => {
    const { page } = office.anna
    const files = await page.evaluateHandle(
      ([fileName, content, count]) => {
        const transfer = new DataTransfer()
        transfer.items.add(new File([content.repeat(count)], fileName, { type: 'application/json' }))
        return transfer
      },
      [name, text, times] as const,
    )
    for (const kind of ['dragenter', 'dragover', 'drop']) await page.getByLabel(zone).dispatchEvent(kind, { dataTransfer: files })
  }
  const finish = async (heading: RegExp) => {
    const { page } = office.anna
    await goOn(page, 'Name')
    await goOn(page, 'Test')
    await page.getByText('It works.', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('heading', { name: heading }).waitFor()
  }

  it('client credentials, standard: a secret whose signs have to be encoded, scopes separated by commas', async () => {
    const { page } = office.anna
    await beginWithAddresses(page, office.service.url, addresses(), { id: 'robot:basic', secret: clientSecrets['robot:basic'] })
    await switchOn('Standard')
    await nameIt(page, 'robot basic')
    await glanceAt(office.anna, 'wizard-unattended-standard')
    await goOn(page, 'Scopes')
    await typeScopes(page, 'smtp.send,imap.access,')
    await finish(/robot basic/)
    const made = await stored('robot basic')
    assert.deepEqual([made.status, made.grant, made.scopes], ['ready', 'client_credentials', ['smtp.send', 'imap.access']])
  })

  it('client credentials, signed with a key; a wrong key is explained, and mended on the spot', async () => {
    const { page } = office.anna
    await beginWithAddresses(page, office.service.url, addresses(), { id: 'robot-pkjwt', auth: 'Private key or certificate' })
    await switchOn('Standard')
    await choose(page, 'Client authentication', 'Private key or certificate')
    await page.getByRole('textbox', { name: /^Private key/ }).fill('-----BEGIN NOTHING-----')
    await nameIt(page, 'robot key')
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page
      .getByText(/BEGIN PRIVATE KEY|cannot be read|not a private key/i)
      .first()
      .waitFor()
    await glanceAt(office.anna, 'wizard-key-wrong')
    await page.getByRole('textbox', { name: /^Private key/ }).fill(office.server.clientKeys.es256)
    await page.getByLabel('Key ID').fill('client-es256')
    await goOn(page, 'Scopes')
    await typeScopes(page, 'smtp.send\n')
    await finish(/robot key/)
    assert.equal((await stored('robot key')).status, 'ready')
  })

  it('client credentials in the manner of Microsoft: the catalogue names the fields and the one scope', async () => {
    const { page } = office.anna
    await open()
    await page.getByLabel('Search the providers').fill('microsoft 365')
    await page.keyboard.press('Enter')
    await goOn(page, 'Account and client')
    await page.getByRole('switch', { name: 'Unattended service account flow' }).check()
    await page.getByLabel('Directory (tenant) ID').fill('common')
    await page.getByLabel('Client ID').fill('robot-post')
    await page.getByLabel(/^Client secret(?: \*)?$/).fill(clientSecrets['robot-post'])
    await page.getByLabel('User', { exact: true }).fill('robot@rig.test')
    await nameIt(page, 'exchange robot')
    await page.getByRole('button', { name: 'Save and go on' }).click()
    await page.getByText('Without a person it must be your own directory').waitFor()
    await page.getByLabel('Directory (tenant) ID').fill('rig.onmicrosoft.example')
    await goOn(page, 'Scopes')
    await glanceAt(office.anna, 'wizard-scopes-microsoft')
    assert.ok(await page.getByText('https://outlook.office365.com/.default').first().isVisible())
    await finish(/exchange robot/)
    const made = await stored('exchange robot')
    assert.deepEqual([made.status, made.options.variant, made.username], ['ready', 'microsoft_compatible', 'robot@rig.test'])
    assert.ok(known.asked.every((scope) => scope === 'https://outlook.office365.com/.default'))
  })

  it('JWT bearer, standard: a signed statement for a person', async () => {
    const { page } = office.anna
    await beginWithAddresses(page, office.service.url, addresses(), { id: 'delegate' })
    await switchOn('Standard, with a signed statement')
    await choose(page, 'Client authentication', 'Client secret, in the header')
    await page.getByLabel(/^Client secret(?: \*)?$/).fill(clientSecrets.delegate)
    await page.getByLabel('Act for').fill('alice')
    await page.getByRole('textbox', { name: /^Private key/ }).fill(office.server.clientKeys.rs256)
    await page.getByLabel('Key ID').fill('client-rs256')
    await nameIt(page, 'statement')
    await glanceAt(office.anna, 'wizard-statement')
    await goOn(page, 'Scopes')
    await typeScopes(page, 'smtp.send ')
    await finish(/statement/)
    assert.equal((await stored('statement')).status, 'ready')
  })

  it('the key of a service account by file picker, by drop and by paste; it acts for a mailbox', async () => {
    const { page } = office.anna
    const content = JSON.stringify(known.serviceAccount)
    await open('From a JSON file')
    // By paste.
    await page.getByRole('textbox', { name: 'Or paste its content' }).fill(content)
    await page.getByText('The key of a service account', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Take another file' }).click()
    // By drop.
    await drop('night-jobs-0123.json', content)
    await page.getByText('night-jobs-0123.json').waitFor()
    await page.getByRole('button', { name: 'Take another file' }).click()
    // By the file picker.
    const chooser = page.waitForEvent('filechooser')
    await page.getByLabel(zone).click()
    await (await chooser).setFiles({ name: 'night-jobs.json', mimeType: 'application/json', buffer: Buffer.from(content) })
    await page.getByText('night-jobs.json').waitFor()
    await glanceAt(office.anna, 'wizard-service-account')
    assert.ok(!(await page.content()).includes('BEGIN PRIVATE KEY'), 'the key is shown nowhere')
    await goOn(page, 'Account and client')
    await page.getByLabel('Act for').fill('anna@rig.test')
    await nameIt(page, 'google robot')
    await glanceAt(office.anna, 'wizard-service-account-client')
    await goOn(page, 'Scopes')
    await finish(/google robot/)
    const made = await stored('google robot')
    assert.deepEqual([made.status, made.grant, made.options.act_for], ['ready', 'jwt_bearer', 'anna@rig.test'])
    assert.ok(known.statements.length > 0 && known.statements.every((one) => one.subject === 'anna@rig.test'))
  })

  it('client_secret.json of Google: client and secret are taken from it, a person consents', async () => {
    const { page } = office.anna
    await open('From a JSON file')
    const file = {
      installed: { client_id: 'web-post', client_secret: clientSecrets['web-post'], project_id: 'night-jobs', redirect_uris: ['http://localhost'] },
    }
    const chooser = page.waitForEvent('filechooser')
    await page.getByLabel(zone).click()
    await (await chooser).setFiles({ name: 'client_secret_1.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(file)) })
    await page.getByText('An OAuth client of Google Cloud').waitFor()
    await goOn(page, 'Account and client')
    await page.getByLabel('User', { exact: true }).fill('bob@rig.test')
    await nameIt(page, 'google person')
    await goOn(page, 'Account and client')
    await goOn(page, 'Scopes')
    await goOn(page, 'Consent')
    await page.getByText('In this tab', { exact: true }).click()
    await page.getByRole('button', { name: 'Sign in here' }).click()
    await consentAtProvider(page, office.server.issuer, { user: 'bob' })
    await page.getByRole('heading', { name: /google person.*is connected/ }).waitFor()
    assert.equal((await stored('google person')).status, 'ready')
  })

  it('a wrong file is refused with a sentence: 10 MB, binary, damaged, of another kind, several at once', async () => {
    const { page } = office.anna
    await open('From a JSON file')
    const put = async (...files: { name: string; buffer: Buffer }[]) => {
      const chooser = page.waitForEvent('filechooser')
      await page.getByLabel(zone).click()
      await (await chooser).setFiles(files.map((file) => ({ ...file, mimeType: 'application/octet-stream' })))
    }
    const cases: [RegExp, { name: string; buffer: Buffer }[]][] = [
      [/is not a text file/, [{ name: 'photo.json', buffer: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1, 2, 3]) }]],
      [/The JSON is damaged/, [{ name: 'half.json', buffer: Buffer.from('{"installed": {"client_id": "x",') }]],
      [/not one of the three files/, [{ name: 'package.json', buffer: Buffer.from('{"name": "x"}') }]],
      [/is empty/, [{ name: '<script>alert(1)</script>.json', buffer: Buffer.alloc(0) }]],
      [
        /several files/,
        [
          { name: 'a.json', buffer: Buffer.from('{}') },
          { name: 'b.json', buffer: Buffer.from('{}') },
        ],
      ],
    ]
    for (const [sentence, files] of cases) {
      await put(...files)
      await page.getByText(sentence).waitFor()
    }
    await drop('backup.json', '{', 10 * 1024 * 1024)
    await page.getByText(/has 10 MB/).waitFor()
    await glanceAt(office.anna, 'wizard-file-refused')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('heading', { level: 2, name: /^What/ }).waitFor()
  })

  it('discovery by issuer address: what is found is shown, kept as a provider, and chosen', async () => {
    const { page } = office.anna
    await open('By issuer address')
    await page.getByRole('textbox', { name: 'Issuer address' }).fill(`${office.server.issuer}/nobody`)
    await page.getByRole('button', { name: 'Look it up' }).click()
    await page.getByText('Nothing usable was found there').waitFor()
    await glanceAt(office.anna, 'wizard-issuer-nothing')
    await page.getByRole('textbox', { name: 'Issuer address' }).fill(office.server.issuer)
    await page.keyboard.press('Enter')
    await page.getByText('This was found').waitFor()
    await glanceAt(office.anna, 'wizard-issuer-found')
    await page.getByLabel('Name of this provider').fill('Our own <login>')
    await page.getByRole('button', { name: 'Use this provider' }).click()
    await page.getByText('chosen for this credential').waitFor()
    await goOn(page, 'Account and client')
    await page.getByLabel('Client ID').fill('robot-post')
    await switchOn('Standard')
    await choose(page, 'Client authentication', 'Client secret, in the form')
    await page.getByLabel(/^Client secret(?: \*)?$/).fill(clientSecrets['robot-post'])
    await nameIt(page, 'discovered')
    await goOn(page, 'Scopes')
    await finish(/discovered/)
    assert.equal((await stored('discovered')).status, 'ready')
  })
})
