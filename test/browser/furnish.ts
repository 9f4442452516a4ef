import assert from 'node:assert/strict'
import { MailServer } from '../mail-server.ts'
import { freePort } from '../rig/ports.ts'
import type { TestService } from '../service.ts'
import { startFakeProvider, type FakeProvider } from '../world.ts'
import { person, type Api } from './person.ts'

/** The servers behind what was furnished, and links that were made. */
export type Furniture = {
  provider: FakeProvider
  mail: MailServer
  /** Links that wait: to connect an account, to fetch a key, to join as a person. */
  links: { connect: string; key: string; person: string }
  close: () => Promise<void>
}

const day = 86_400_000

/** How the fake provider answers a client, by its id: every status has one that leads to it. */
const answers: Record<string, (grant: string | null) => { status?: number; body: object }> = {
  fine: () => ({ body: { access_token: 'at', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt', scope: 'openid mail.send' } }),
  'asks-again': (grant) =>
    grant === 'refresh_token'
      ? { status: 400, body: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' } }
      : { body: { access_token: 'at', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt', scope: 'openid' } },
  'ends-soon': () => ({
    body: { access_token: 'at', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt', refresh_token_expires_in: 2 * 86_400, scope: 'openid' },
  }),
  'is-away': () => ({ status: 503, body: { error: 'temporarily_unavailable' } }),
  'wrong-secret': () => ({ status: 401, body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' } }),
}

/** Fills a service with what an installation has after a while: credentials of every kind and status, mail in every state, persons, keys. */
export async function furnish(service: Pick<TestService, 'url'>, api: Api): Promise<Furniture> {
  const provider = await startFakeProvider()
  provider.answer = ({ path, parameters }) =>
    path === '/me'
      ? { body: { sub: '1', email: 'team@example.org' } }
      : (answers[parameters.get('client_id') ?? '']?.(parameters.get('grant_type')) ?? { status: 404, body: { error: 'not_found' } })
  const mail = await new MailServer().listen()
  mail.on.rcpt = (address) => (address.includes('nobody') ? '550 5.1.1 There is no such mailbox' : undefined)
  // The name of the first is taken again later.
  for (const name of ['crm', 'fax-gateway']) {
    await api('POST', '/v1/credentials', { name, kind: 'api_key', secret: 's', allowed_hosts: ['api.example.org'] })
    await api('DELETE', `/v1/credentials/${name}`)
  }
  const connect = await makeCredentials(api, provider)
  const { key, made } = await makeKeys(api)
  for (const name of ['weather-api', 'team-mail', 'office-calendar']) {
    const used = await fetch(`${service.url}/v1/credentials/${name}/token`, { method: 'POST', headers: { authorization: `Bearer ${key}` } })
    assert.equal(used.status, name === 'office-calendar' ? 409 : 200, name)
  }
  await makeMail(api, mail)
  await makeActions(api, provider)
  return {
    provider,
    mail,
    links: { connect, key: made, person: await makePersons(service, api) },
    async close() {
      await mail.close()
      await provider.close()
    },
  }
}

async function makeCredentials(api: Api, provider: FakeProvider): Promise<string> {
  const placeholders = {
    authorization_endpoint: `${provider.url}/authorize`,
    token_endpoint: `${provider.url}/token`,
    userinfo_endpoint: `${provider.url}/me`,
    device_authorization_endpoint: `${provider.url}/device`,
  }
  const oauth = async (name: string, client: string, further: object = {}, registration: object = {}) =>
    await api('POST', '/v1/credentials', {
      name,
      grant: 'authorization_code',
      scopes: ['openid', 'mail.send'],
      registration: {
        name: `client of ${name}`,
        provider: 'generic',
        client_id: client,
        client_auth: 'client_secret_post',
        client_secret: 'not-a-secret',
        placeholders,
        ...registration,
      },
      ...further,
    })
  /** Agrees at the provider, as a person does whose browser cannot come back by itself. */
  const agree = async (name: string) => {
    const { id, authorization_url } = await api<{ id: string; authorization_url: string }>('POST', `/v1/credentials/${name}/consent`, { mode: 'paste' })
    const asked = new URL(authorization_url).searchParams
    await api('POST', `/v1/consents/${id}/response`, { redirect_url: `${asked.get('redirect_uri')}?code=c&state=${asked.get('state')}` })
  }
  const refused = (work: Promise<unknown>) => assert.rejects(work)
  await oauth('team-mail', 'fine', { username: 'team@example.org', description: 'Reports and invoices, sent at night', tags: ['mail', 'finance'] })
  await agree('team-mail')
  await oauth('scanner-drive', 'asks-again', { description: 'Uploads of the scanner in the hall' })
  await agree('scanner-drive')
  await refused(api('POST', '/v1/credentials/scanner-drive/refresh'))
  await oauth('crm', 'ends-soon', { description: 'Nightly export', tags: ['finance'] }, { secret_expires_at: new Date(Date.now() + 40 * day).toISOString() })
  await agree('crm')
  await oauth('ticket-system', 'is-away', { grant: 'client_credentials', scopes: ['tickets'] })
  await refused(api('POST', '/v1/credentials/ticket-system/refresh'))
  await oauth('office-calendar', 'wrong-secret', { grant: 'client_credentials', username: 'rooms@example.org', scopes: ['calendars'] })
  await refused(api('POST', '/v1/credentials/office-calendar/refresh'))
  await oauth('half-done', 'fine', { description: 'Somebody was called away' })
  await oauth('living-room', 'fine', { grant: 'device_code', scopes: ['openid'] })
  await api('POST', '/v1/credentials', { name: 'weather-api', kind: 'api_key', secret: 'not-a-secret', allowed_hosts: ['api.example.org'] })
  await api('POST', '/v1/credentials', { name: 'old-server', kind: 'basic', username: 'robot', secret: 'not-a-secret', allowed_hosts: ['mail.example.org'] })
  await api('POST', '/v1/credentials/old-server/pause')
  await api('POST', '/v1/registrations', {
    name: 'nobody needs it',
    provider: 'google',
    client_id: 'x.apps.googleusercontent.com',
    client_secret: 'not-a-secret',
  })
  await api('POST', '/v1/providers', {
    id: 'house',
    version: 1,
    name: 'Our house',
    token_endpoint: 'https://login.example.org/token',
    grants: ['client_credentials'],
    client_auth: ['client_secret_post'],
  })
  return (await api<{ link: string }>('POST', '/v1/credentials/half-done/consent', { mode: 'link' })).link
}

async function makeKeys(api: Api): Promise<{ key: string; made: string }> {
  const all = [{ credential: '*', rights: ['token', 'read'] }]
  const { key } = await api<{ key: string }>('POST', '/v1/access-keys', { name: 'nightly', permissions: all })
  await api('POST', '/v1/access-keys', {
    name: 'reports',
    permissions: [{ credential: 'team-mail', rights: ['mail'] }],
    networks: ['10.0.0.0/8'],
    expires_at: new Date(Date.now() + 5 * day).toISOString(),
  })
  await api('POST', '/v1/access-keys', { name: 'operator', permissions: [], administration: ['manage', 'keys', 'audit'] })
  const old = await api<{ access_key: { id: string } }>('POST', '/v1/access-keys', { name: 'old-laptop', permissions: all })
  await api('DELETE', `/v1/access-keys/${old.access_key.id}`)
  const waiting = await api<{ delivery: { link: string } }>('POST', '/v1/access-keys', { name: 'web-server', permissions: all, delivery_link: true })
  return { key, made: waiting.delivery.link }
}

async function makePersons({ url }: Pick<TestService, 'url'>, api: Api): Promise<string> {
  const invite = (name: string, role: string) => api<{ person: { id: string }; link: string }>('POST', '/v1/persons', { name, role })
  const join = async (name: string, role: string) => {
    const invited = await invite(name, role)
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ code: invited.link.split('#')[1], name, password: person.password })
    assert.ok((await fetch(`${url}/v1/invitations/accept`, { method: 'POST', headers, body })).ok)
    return invited.person.id
  }
  await join('vera@example.org', 'viewer')
  await api('PATCH', `/v1/persons/${await join('max@example.org', 'manager')}`, { suspended: true })
  return (await invite('nora@example.org', 'manager')).link
}

async function makeActions(api: Api, provider: FakeProvider): Promise<void> {
  await api('POST', '/v1/actions', {
    name: 'daily-report',
    kind: 'send_email',
    description: 'What the night has brought',
    email: { to: ['bob@example.org'], subject: 'Report of {{ input.day }}', text: '{{ input.count }} orders came in.' },
  })
  await api('POST', '/v1/actions', {
    name: 'open-ticket',
    kind: 'http_request',
    paused: true,
    request: { credential: 'weather-api', method: 'POST', url: 'https://api.example.org/tickets' },
  })
  await api('POST', '/v1/actions/daily-report/run', { input: { day: 'Monday', count: 12 } })
  await api('POST', '/v1/actions/daily-report/run', { input: { day: 'Tuesday' } })
  await api('POST', '/v1/webhooks', { name: 'on-call', url: `${provider.url}/hook`, events: ['credential.broken'] })
}

async function makeMail(api: Api, mail: MailServer): Promise<void> {
  const from = 'reports@example.org'
  const office = await api<{ id: string }>('POST', '/v1/senders', {
    name: 'office',
    host: '127.0.0.1',
    port: mail.port,
    tls: 'none',
    from,
    from_name: 'Night reports',
  })
  const away = await api<{ id: string }>('POST', '/v1/senders', { name: 'away', host: '127.0.0.1', port: await freePort(), tls: 'none', from })
  await api('PUT', '/v1/mail/options', {
    default_sender: office.id,
    fallbacks: [{ sender: away.id, when: ['unreachable'] }],
    notify: { to: [person.name], events: ['credential.broken'] },
  })
  /** Sends a message and waits until the mail server has said something about it. */
  const send = async (subject: string, to: string[], sender: string): Promise<string> => {
    const { id } = await api<{ id: string }>('POST', '/v1/mail/messages', { sender, to, subject, text: 'All is well.' })
    for (;;) {
      const message = await api<{ status: string; route: unknown[] }>('GET', `/v1/mail/messages/${id}`)
      if (message.route.length > 0 && message.status !== 'sending') return id
      await new Promise((done) => setTimeout(done, 50))
    }
  }
  await send('Report of the night', ['bob@example.org', 'carol@example.org'], 'office')
  await send('Invoice 4711', ['nobody@example.org'], 'office')
  await send('Minutes', ['bob@example.org', 'nobody@example.org'], 'office')
  await api('POST', `/v1/mail/messages/${await send('Never mind', ['bob@example.org'], 'away')}/cancel`)
  await send('Waits for its server', ['bob@example.org'], 'away')
}
