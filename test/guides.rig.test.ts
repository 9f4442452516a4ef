import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import type { PlaceValues } from '../ui/src/guides/places.ts'
import { makeCertificate } from './certificates.ts'
import { codeOf, startWalk, type Walk } from './guide-walk.ts'
import { MailServer } from './mail-server.ts'
import { Agent } from './rig/agent.ts'
import { clientSecrets } from './rig/authorization-server.ts'
import { startGuideProviders, type GuideProviders } from './rig/guide-providers.ts'
import { countMails, readMailRig, waitForMail, type MailRigAddresses } from './rig/mail-rig.ts'
import { makeService, type TestService } from './service.ts'

/**
 * Each guide from nothing to a sent mail: a fresh service, the commands as they stand in docs/guide with the values filled
 * in as the web page does it, a real authorization server, and real mail servers behind it.
 */
describe('each guide leads from nothing to a mail in the mailbox', () => {
  let rig: MailRigAddresses
  let known: GuideProviders
  let service: TestService | undefined
  before(async () => {
    rig = readMailRig()
    known = await startGuideProviders(rig)
  })
  afterEach(async () => {
    await service?.remove()
    service = undefined
  })
  after(async () => {
    await known.stop()
  })

  /** A person at a new machine. Microsoft's form takes the name localhost only. */
  const begin = async (options: { user?: string; settings?: Record<string, string>; implicit?: number } = {}): Promise<Walk> => {
    const fresh = await makeService({ KEYBEARER_CA_FILE: rig.caFile, KEYBEARER_PROVIDERS: known.folder, ...options.settings })
    service = fresh
    fresh.environment.KEYBEARER_PUBLIC_URL = fresh.url.replace('127.0.0.1', 'localhost')
    await fresh.start()
    return startWalk(fresh, { implicit: options.implicit ?? rig.submissions.post, starttls: rig.submission.post, zohoApi: known.zohoApi }, async (address) => {
      const visit = await new Agent({ user: options.user ?? 'alice', ca: rig.ca }).visit(address)
      assert.match(visit.text, /is connected/)
    })
  }
  const mail = { smtp_host: 'localhost', recipient: 'bob@rig.test' }
  const status = async (name: string) =>
    JSON.parse(await service!.get('show', name, '--json')) as { status: string; username: string | null; registration: { name: string } }
  /** The test message of this sender, and no other, is with Bob. */
  const assertSent = async (printed: string, from: string) => {
    const id = /\bmsg_\w+/.exec(printed)?.[0]
    assert.ok(id, printed)
    const message = JSON.parse(await service!.get('message', 'show', id, '--json')) as { status: string; message_id: string }
    assert.equal(message.status, 'sent')
    const text = await waitForMail(rig, 'bob', message.message_id)
    assert.match(text, new RegExp(`^From: .*${from}`, 'm'))
    assert.equal(countMails(rig, 'bob', message.message_id), 1)
  }
  /** The redirect URI that the command prints is the one that the guide tells to enter. */
  const assertRedirect = async (printed: string, guide: string, section: string, name: string) => {
    const { registration } = await status(name)
    const { redirect_uri } = JSON.parse(await service!.get('registration', 'show', registration.name, '--json')) as { redirect_uri: string }
    assert.ok(printed.includes(redirect_uri), printed)
    assert.ok(codeOf(guide, section, 'text', { redirect_uri }).some((code) => code.trim() === redirect_uri))
  }

  it('Google with a person: the JSON file of a desktop app, consent, SMTP', async () => {
    const walk = await begin()
    const values: PlaceValues = { ...mail, name: 'nightly mail', mailbox: 'alice@rig.test', json_file: 'client_secret_42.json' }
    walk.put(
      'client_secret_42.json',
      JSON.stringify({ installed: { client_id: 'web-post', client_secret: clientSecrets['web-post'], redirect_uris: ['http://localhost'] } }),
    )
    await assertRedirect(await walk.follow('google-cloud-2', '2-make-the-credential', values), 'google-cloud-2', '2-make-the-credential', 'nightly mail')
    assert.ok(!existsSync(join(walk.home, 'client_secret_42.json')))
    await walk.follow('google-cloud-1', '4-testing-or-published', values)
    assert.match(await walk.follow('google-cloud-2', '3-consent', values), /"nightly mail" is connected as alice@rig.test/)
    await walk.follow('google-cloud-2', '4-test', values)
    await assertSent(await walk.follow('google-cloud-2', '5-send', values), 'alice@rig.test')
    assert.match(await service!.get('calendar'), /nightly mail/, 'the seventh day is in the calendar')
  })

  it('Google service account: acts for the mailbox that was delegated to it', async () => {
    const walk = await begin()
    const values: PlaceValues = { ...mail, name: 'reports', mailbox: 'alice@rig.test', json_file: 'night-jobs-1.json' }
    walk.put('night-jobs-1.json', JSON.stringify(known.serviceAccount))
    await walk.follow('google-service-account', '3-give-it-to-keybearer', values)
    await assertSent(await walk.follow('google-service-account', '4-use-it', values), 'alice@rig.test')
    assert.ok(known.actedFor.includes('alice@rig.test'))
  })

  const microsoft: PlaceValues = {
    ...mail,
    name: 'robot',
    tenant: 'rig.onmicrosoft.example',
    client_id: 'robot-post',
    mailbox: 'robot@rig.test',
    secret_end: '2031-05-01',
  }

  it('Microsoft 365 without a person, with a secret', async () => {
    const walk = await begin()
    known.proofs.length = 0
    await walk.follow('microsoft-365-unattended-3', 'give-it-to-keybearer', microsoft, `${clientSecrets['robot-post']}\n`)
    assert.ok(!existsSync(join(walk.home, 'entra-secret')))
    await assertSent(await walk.follow('microsoft-365-unattended-3', 'send', microsoft), 'robot@rig.test')
    assert.match(await service!.get('calendar'), /2031-05-0\d.*robot/)
    assert.ok(known.proofs.length > 0 && known.proofs.every((one) => one === 'secret'))
  })

  it('Microsoft 365 without a person, with a certificate, which is renewed afterwards', async () => {
    const walk = await begin()
    known.proofs.length = 0
    const upload = () => known.upload(readFileSync(join(walk.home, 'certificate.pem'), 'utf8'))
    assert.match(await walk.follow('microsoft-365-certificate', 'make-the-key-pair', microsoft), /Fingerprint=([0-9A-F]{2}:){19}/i)
    upload()
    await walk.follow('microsoft-365-certificate', 'give-the-key-to-keybearer', microsoft)
    assert.ok(!existsSync(join(walk.home, 'key.pem')))
    await assertSent(await walk.follow('microsoft-365-unattended-3', 'send', microsoft), 'robot@rig.test')
    assert.match(await service!.get('calendar'), /certificate/, 'its end was read from it')
    // The section on renewing: a new pair beside the old one.
    const first = readFileSync(join(walk.home, 'certificate.pem'), 'utf8')
    await walk.follow('microsoft-365-certificate', 'make-the-key-pair', microsoft)
    assert.notEqual(readFileSync(join(walk.home, 'certificate.pem'), 'utf8'), first)
    upload()
    await walk.follow('microsoft-365-certificate', 'a-registration-that-has-a-secret-so-far', microsoft)
    assert.equal((await status('robot')).status, 'ready')
    assert.ok(known.proofs.every((one) => one === 'certificate'))
  })

  it('Microsoft 365 with a person, and a shared mailbox through that member', async () => {
    const walk = await begin()
    const values: PlaceValues = {
      ...mail,
      name: 'anna',
      tenant: 'rig.onmicrosoft.example',
      client_id: 'web-post',
      mailbox: 'alice@rig.test',
      shared_mailbox: 'shared@rig.test',
    }
    const make = '2-make-the-credential-and-enter-the-redirect-uri'
    const secret = `${clientSecrets['web-post']}\n`
    await assertRedirect(await walk.follow('microsoft-365-user-consent', make, values, secret), 'microsoft-365-user-consent', make, 'anna')
    await walk.follow('microsoft-365-user-consent', '3-consent', values)
    await assertSent(await walk.follow('microsoft-365-user-consent', '5-send', values), 'alice@rig.test')
    await assertSent(await walk.follow('shared-mailboxes', 'microsoft-365-through-a-member', values), 'shared@rig.test')
  })

  it('any provider, by its issuer address', async () => {
    const walk = await begin()
    const values: PlaceValues = {
      ...mail,
      name: 'crm',
      client_id: 'web-basic',
      issuer: rig.issuer,
      mailbox: 'alice@rig.test',
      scopes: 'openid,email,offline_access,smtp.send',
    }
    await walk.follow('any-provider', 'with-an-issuer-address', values, `${clientSecrets['web-basic']}\n`)
    assert.ok(!existsSync(join(walk.home, 'secret.txt')))
    await assertSent(await walk.follow('any-provider', 'test', values), 'alice@rig.test')
    assert.equal((await status('crm')).username, 'alice@rig.test')
  })

  const clouds = [
    ['GCC High', 'microsoft-gcc-high', 'https://outlook.office365.us/.default'],
    ['DoD', 'microsoft-dod', 'https://outlook.office365.us/.default'],
    ['21Vianet', 'microsoft-21vianet', 'https://partner.outlook.cn/.default'],
  ] as const
  for (const [cloud, provider, scopes] of clouds) {
    it(`the national cloud ${cloud}, at its own addresses and with its own scope`, async () => {
      const walk = await begin()
      known.machineScopes.length = 0
      const values: PlaceValues = { ...microsoft, provider, scopes }
      const secret = `${clientSecrets['robot-post']}\n`
      assert.match(await walk.follow('national-clouds', 'give-it-to-keybearer', values, secret), /✓ grant/)
      await assertSent(await walk.follow('national-clouds', 'send', values), 'robot@rig.test')
      assert.ok(known.machineScopes.length > 0)
      for (const asked of known.machineScopes) assert.deepEqual(asked, { path: `/${provider}/rig.onmicrosoft.example/oauth2/v2.0/token`, scope: scopes })
    })
  }

  it('a national cloud with a person', async () => {
    const walk = await begin()
    const values: PlaceValues = {
      ...mail,
      name: 'anna',
      provider: 'microsoft-gcc-high',
      tenant: 'rig.onmicrosoft.example',
      client_id: 'web-post',
      mailbox: 'alice@rig.test',
    }
    await walk.follow('microsoft-365-user-consent', '2-make-the-credential-and-enter-the-redirect-uri', values, `${clientSecrets['web-post']}\n`)
    await walk.follow('microsoft-365-user-consent', '3-consent', values)
    await assertSent(await walk.follow('microsoft-365-user-consent', '5-send', values), 'alice@rig.test')
    const { registration } = await status('anna')
    const shown = JSON.parse(await service!.get('registration', 'show', registration.name, '--json')) as { provider: { id: string } }
    assert.equal(shown.provider.id, 'microsoft-gcc-high')
  })

  const five = 'yahoo-fastmail-yandex-mailru-zoho'
  const anna: PlaceValues = { ...mail, name: 'anna mail', mailbox: 'alice@rig.test' }
  /** Makes the credential as a section says, and enters the redirect URI that it prints. */
  const make = async (walk: Walk, section: string, values: PlaceValues, secret: keyof typeof clientSecrets | null) => {
    const printed = await walk.follow(five, section, values, secret === null ? '' : `${clientSecrets[secret]}\n`)
    assert.ok(!existsSync(join(walk.home, 'secret.txt')))
    await assertRedirect(printed, five, 'connect', values.name!)
    assert.equal((await status(values.name!)).status, 'ready', 'connected by the last line of the section')
  }

  for (const [provider, client] of [
    ['yandex', 'web-post'],
    ['yahoo', 'web-basic'],
  ] as const) {
    it(`${provider}: a client of one's own, consent, SMTP`, async () => {
      const walk = await begin()
      const values = { ...anna, provider, client_id: client }
      await make(walk, 'connect', values, client)
      await assertSent(await walk.follow(five, 'send', values), 'alice@rig.test')
    })
  }

  it('Fastmail: a public client, without a secret', async () => {
    const walk = await begin()
    const values = { ...anna, client_id: 'native' }
    await make(walk, 'fastmail', values, null)
    await assertSent(await walk.follow(five, 'send', values), 'alice@rig.test')
  })

  it('Mail.ru: with the scopes that give a refresh token', async () => {
    const walk = await begin()
    const values = { ...anna, client_id: 'web-basic' }
    await make(walk, 'mailru', values, 'web-basic')
    await assertSent(await walk.follow(five, 'send', values), 'alice@rig.test')
    const { scopes } = JSON.parse(await service!.get('show', 'anna mail', '--json')) as { scopes: string[] }
    assert.deepEqual(scopes, ['openid', 'mail.imap', 'offline_access'])
  })

  it('Zoho: through its API, with the number of the account', async () => {
    const walk = await begin()
    const values = { ...anna, client_id: 'web-post' }
    await make(walk, 'zoho', values, 'web-post')
    const answer = JSON.parse(await walk.follow(five, 'send-through-the-api-of-zoho', values)) as { data: { messageId: string } }
    assert.match(await waitForMail(rig, 'bob', answer.data.messageId), /^From: alice@rig\.test[^]*It works\./m)
  })

  it('an app password, where OAuth is out of reach', async () => {
    const certificate = makeCertificate({ subject: 'localhost', names: ['localhost'] })
    const server = await new MailServer({ tls: 'implicit', certificate, mechanisms: ['PLAIN'] }).listen('localhost')
    const ca = join(known.folder, 'ca.pem.txt')
    writeFileSync(ca, `${rig.ca}\n${certificate.cert}`)
    try {
      const walk = await begin({ settings: { KEYBEARER_CA_FILE: ca }, implicit: server.port })
      const printed = await walk.follow(five, 'with-an-app-password', anna, 'abcd efgh ijkl mnop\n')
      assert.match(printed, /\bmsg_\w+/)
      assert.ok(!existsSync(join(walk.home, 'secret.txt')))
      assert.deepEqual(
        server.logins.map(({ mechanism, user, secret, secure }) => ({ mechanism, user, secret, secure })),
        [{ mechanism: 'PLAIN', user: 'alice@rig.test', secret: 'abcd efgh ijkl mnop', secure: true }],
      )
      assert.deepEqual(
        server.mails.map(({ from, to }) => [from, to]),
        [['alice@rig.test', ['bob@rig.test']]],
      )
    } finally {
      await server.close()
    }
  })

  it("a known application's client: switched on, chosen, its answer pasted by hand", async () => {
    const guide = 'popular-configurations'
    const [setting] = codeOf(guide, 'switch-them-on', 'text', {})
    const [, name, value] = /^(KEYBEARER_\w+)=(\w+)$/m.exec(setting!)!
    const walk = await begin({ settings: { [name!]: value! } })
    assert.match(await walk.follow(guide, 'choose-one', anna), /thunderbird-microsoft[^]*register one for yourself/)
    await walk.follow(guide, 'make-the-credential', anna)
    const paste = async (address: string) => {
      const visit = await new Agent({ user: 'alice', ca: rig.ca, stop: 'http://localhost/?code' }).visit(address)
      assert.equal(visit.done, 'redirect')
      return `${visit.url}\n`
    }
    assert.match(await walk.follow(guide, 'consent', anna, paste), /"anna mail" is connected/)
    await assertSent(await walk.follow(guide, 'send', anna), 'alice@rig.test')
  })
})
