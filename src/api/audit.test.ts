import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { cookieOf, goodPassword, openApiWorld, signInAs, type ApiWorld, type Ask } from '../../test/api-world.ts'
import { Authenticator } from '../../test/authenticator.ts'
import { tester, startFakeProvider, type FakeProvider } from '../../test/world.ts'
import { Secret } from '../base/secret.ts'
import { sign } from '../actions/hook-signature.ts'
import { contract, type EndpointId } from './contract.ts'
import type { Endpoint } from './endpoint.ts'

describe('what the audit trail says of the API', () => {
  let api: ApiWorld
  let fake: FakeProvider
  before(async () => {
    fake = await startFakeProvider()
    fake.answer = ({ path }) =>
      path.includes('well-known')
        ? { body: { issuer: fake.url, token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize` } }
        : { body: { access_token: 'at', token_type: 'Bearer', expires_in: 3600, refresh_token: 'rt' } }
    api = await openApiWorld({
      replace: (services) => ({
        // These are tested where they live; here it must only be seen that whoever does it records it.
        oidc: {
          title: 'Elsewhere',
          begin: async () => ({ url: fake.url, proof: new Secret('proof') }),
          finish: async (query, _proof, from) =>
            await services.signIn.withPassword({ name: query.get('name') ?? '', password: new Secret(goodPassword) }, from),
        },
        rotation: {
          get: services.rotation.get,
          async start(actor) {
            await services.audit.record({ actor, action: 'master_key.rotated', outcome: 'done' })
            return await services.rotation.get()
          },
        },
      }),
    })
  })
  after(async () => {
    await api.close()
    await fake.close()
  })

  it('A7: every call that touches a secret or changes something writes its record, with who, from where and how it ended', async () => {
    const endpoints = () => ({
      token_endpoint: `${fake.url}/token`,
      authorization_endpoint: `${fake.url}/authorize`,
      revocation_endpoint: `${fake.url}/revoke`,
    })
    let n = 0
    const name = () => `thing ${++n}`
    const made = async (path: string, body: object) => {
      const reply = await api.ask('POST', path, { body })
      assert.ok(reply.status < 300, `${path}: ${reply.text}`)
      return reply.json
    }
    const registration = () => ({ name: name(), provider: 'generic', client_id: 'c', client_secret: 's', placeholders: endpoints() })
    const oauth = async () =>
      String(
        (await made('/v1/credentials', { name: name(), grant: 'authorization_code', registration: registration(), refresh_token: 'rt', scopes: ['a'] })).id,
      )
    const removed = async () => {
      const id = await oauth()
      assert.equal((await api.ask('DELETE', `/v1/credentials/${id}?revoke=false`)).status, 200)
      return id
    }
    const sender = async () =>
      String((await made('/v1/senders', { name: name(), host: '127.0.0.1', port: 2525, tls: 'none', mechanism: 'none', from: 'a@example.org' })).id)
    const message = async () => String((await made('/v1/mail/messages', { sender: await sender(), to: ['b@example.org'], subject: 's', text: 't' })).id)
    const action = async () => {
      const { id } = await made('/v1/credentials', { name: name(), kind: 'api_key', secret: 's', allowed_hosts: ['127.0.0.1'] })
      return { name: name(), kind: 'http_request', request: { credential: id, url: `${fake.url}/me` } }
    }
    const provider = (id: string) => ({
      id,
      version: 1,
      name: id,
      token_endpoint: 'https://idp.example/token',
      grants: ['client_credentials'],
      client_auth: ['client_secret_basic'],
    })
    const ownProvider = async () => String((await made('/v1/providers', provider(`own-${++n}`))).id)
    const consent = async (mode: string) => await made(`/v1/credentials/${await oauth()}/consent`, { mode })
    const redirectOf = async () => {
      const begun = await consent('paste')
      const url = new URL(String(begun.authorization_url))
      return { id: String(begun.id), redirect: url.searchParams.get('redirect_uri')!, state: url.searchParams.get('state')! }
    }

    const webhook = async () =>
      ((await made('/v1/webhooks', { name: name(), url: `${fake.url}/hook`, events: ['credential.broken'] })).webhook as { id: string }).id

    const member = async () => {
      const person = name()
      const cookie = await signInAs(api, 'manager', person)
      const items = await api.services.persons.list()
      return { id: items.find((item) => item.name === person)!.id, name: person, as: { key: null, headers: { cookie } } }
    }
    const passkey = async (as: Ask) => {
      const device = new Authenticator('http://localhost:7420')
      const { challenge_id, options } = (await api.ask('POST', '/v1/passkeys/challenge', { ...as, body: {} })).json
      return { device, body: { challenge_id, response: device.create(options as never), name: 'laptop' } }
    }
    const withPasskey = async () => {
      const { as } = await member()
      const { device, body } = await passkey(as)
      const added = await api.ask('POST', '/v1/passkeys', { ...as, body })
      assert.equal(added.status, 201, added.text)
      return { as, device, id: String(added.json.id) }
    }
    const invitation = async () => String((await api.services.persons.invite({ name: name(), role: 'viewer' }, tester)).link.reveal().split('#')[1])

    const setUpCode = (await api.setUpLink())!.split('#')[1]

    const calls: Partial<Record<EndpointId, () => Promise<[path: string, ask?: Ask]>>> = {
      createCredential: async () => ['/v1/credentials', { body: { name: name(), kind: 'api_key', secret: 's' } }],
      changeCredential: async () => [`/v1/credentials/${await oauth()}`, { body: { description: 'd' } }],
      deleteCredential: async () => [`/v1/credentials/${await oauth()}`],
      restoreCredential: async () => [`/v1/deleted-credentials/${await removed()}/restore`],
      purgeCredential: async () => [`/v1/deleted-credentials/${await removed()}`],
      handOutToken: async () => [`/v1/credentials/${await oauth()}/token`],
      testCredential: async () => [`/v1/credentials/${await oauth()}/test`],
      refreshCredential: async () => [`/v1/credentials/${await oauth()}/refresh`],
      revokeCredential: async () => [`/v1/credentials/${await oauth()}/revoke`],
      pauseCredential: async () => [`/v1/credentials/${await oauth()}/pause`],
      resumeCredential: async () => {
        const id = await oauth()
        await made(`/v1/credentials/${id}/pause`, {})
        return [`/v1/credentials/${id}/resume`]
      },
      beginEmergencyStop: async () => ['/v1/emergency-stops', { body: { match: { search: name() }, revoke: false } }],
      undoEmergencyStop: async () => [
        `/v1/emergency-stops/${String((await made('/v1/emergency-stops', { match: { search: name() }, revoke: false })).id)}/undo`,
      ],
      exportCredentials: async () => ['/v1/credentials/export', { body: { credentials: [await oauth()], secrets: 'none' } }],
      importCredentials: async () => ['/v1/credentials/import', { body: { content: `name,kind,secret\n${name()},api_key,s\n`, on_clash: 'skip' } }],
      startConsent: async () => [`/v1/credentials/${await oauth()}/consent`, { body: { mode: 'browser' } }],
      withdrawConsent: async () => [`/v1/consents/${String((await consent('link')).id)}`],
      answerConsent: async () => {
        const { id, redirect, state } = await redirectOf()
        return [`/v1/consents/${id}/response`, { body: { redirect_url: `${redirect}?code=c&state=${state}` } }]
      },
      beginConsent: async () => [new URL(String((await consent('browser')).authorization_url)).pathname],
      followConnectLink: async () => [new URL(String((await consent('link')).link)).pathname],
      finishConsent: async () => {
        const opened = await api.ask('GET', new URL(String((await consent('browser')).authorization_url)).pathname)
        const query = new URL(String(opened.headers.location)).searchParams
        return [`${new URL(query.get('redirect_uri')!).pathname}?code=c&state=${query.get('state')}`, { headers: { cookie: cookieOf(opened) } }]
      },
      acceptProviderUpdate: async () => {
        const id = await ownProvider()
        const view = await made('/v1/registrations', { name: name(), provider: id, client_id: 'c', client_secret: 's' })
        await api.ask('PUT', `/v1/providers/${id}`, { body: { ...provider(id), version: 2, client_auth: ['client_secret_post'] } })
        const path = `/v1/registrations/${String(view.id)}/provider`
        return [path, { body: { digest: (await api.ask('GET', path)).json.digest } }]
      },
      examineCredential: async () => [`/v1/credentials/${await oauth()}/examination`],
      createRegistration: async () => ['/v1/registrations', { body: registration() }],
      changeRegistration: async () => [`/v1/registrations/${String((await made('/v1/registrations', registration())).id)}`, { body: { client_secret: 't' } }],
      deleteRegistration: async () => [`/v1/registrations/${String((await made('/v1/registrations', registration())).id)}`],
      createProvider: async () => ['/v1/providers', { body: provider('own-created') }],
      replaceProvider: async () => {
        const id = await ownProvider()
        return [`/v1/providers/${id}`, { body: provider(id) }]
      },
      deleteProvider: async () => [`/v1/providers/${await ownProvider()}`],
      discoverProvider: async () => ['/v1/providers/discover', { body: { issuer: fake.url } }],
      createAccessKey: async () => ['/v1/access-keys', { body: { name: name(), permissions: [{ credential: '*', rights: ['read'] }] } }],
      openDelivery: async () => {
        const body = { name: name(), permissions: [{ credential: '*', rights: ['read'] }], delivery_link: true }
        const { delivery } = await made('/v1/access-keys', body)
        return [new URL((delivery as { link: string }).link).pathname]
      },
      createCalendarFeed: async () => ['/v1/calendar/feeds', { body: { name: name() } }],
      resumeAccessKey: async () => {
        const body = { name: name(), permissions: [{ credential: '*', rights: ['read'] }] }
        return [`/v1/access-keys/${((await made('/v1/access-keys', body)).access_key as { id: string }).id}/resume`]
      },
      revokeAccessKey: async () => {
        const body = { name: name(), permissions: [{ credential: '*', rights: ['read'] }] }
        return [`/v1/access-keys/${((await made('/v1/access-keys', body)).access_key as { id: string }).id}`]
      },
      createSender: async () => [
        '/v1/senders',
        { body: { name: name(), host: '127.0.0.1', port: 2525, tls: 'none', mechanism: 'none', from: 'a@example.org' } },
      ],
      changeSender: async () => [`/v1/senders/${await sender()}`, { body: { from_name: 'A' } }],
      deleteSender: async () => [`/v1/senders/${await sender()}`],
      testSender: async () => [`/v1/senders/${await sender()}/test`, { body: { to: 'b@example.org' } }],
      sendMessage: async () => ['/v1/mail/messages', { body: { sender: await sender(), to: ['b@example.org'], subject: 's', text: 't' } }],
      sendRawMessage: async () => [
        '/v1/mail/messages/raw',
        { body: { sender: await sender(), mime: Buffer.from('From: a@example.org\r\nTo: b@example.org\r\n\r\nt\r\n').toString('base64') } },
      ],
      retryMessage: async () => [`/v1/mail/messages/${await message()}/retry`],
      resendMessage: async () => [`/v1/mail/messages/${await message()}/resend`, { body: { sender: await sender() } }],
      cancelMessage: async () => [`/v1/mail/messages/${await message()}/cancel`],
      setMailOptions: async () => ['/v1/mail/options', { body: { default_sender: await sender(), fallbacks: [], notify: { to: [], events: [] } } }],
      createWebhook: async () => ['/v1/webhooks', { body: { name: name(), url: `${fake.url}/hook`, events: ['credential.broken'] } }],
      changeWebhook: async () => [`/v1/webhooks/${await webhook()}`, { body: { enabled: false } }],
      deleteWebhook: async () => [`/v1/webhooks/${await webhook()}`],
      testWebhook: async () => [`/v1/webhooks/${await webhook()}/test`],
      renewWebhookSecret: async () => [`/v1/webhooks/${await webhook()}/secret`],
      snoozeCredential: async () => [`/v1/credentials/${await oauth()}/snooze`, { body: { until: new Date(Date.now() + 86_400_000).toISOString() } }],
      sendRequest: async () => {
        const { id } = await made('/v1/credentials', { name: name(), kind: 'api_key', secret: 's', allowed_hosts: ['127.0.0.1'] })
        return ['/v1/requests', { body: { credential: id, url: `${fake.url}/me` } }]
      },
      createAction: async () => ['/v1/actions', { body: await action() }],
      changeAction: async () => [`/v1/actions/${String((await made('/v1/actions', await action())).id)}`, { body: { paused: true } }],
      deleteAction: async () => [`/v1/actions/${String((await made('/v1/actions', await action())).id)}`],
      runAction: async () => [`/v1/actions/${String((await made('/v1/actions', await action())).id)}/run`],
      setActionSchedule: async () => [
        `/v1/actions/${String((await made('/v1/actions', await action())).id)}/schedule`,
        { body: { cron: '0 7 * * *', time_zone: 'UTC' } },
      ],
      removeActionSchedule: async () => {
        const path = `/v1/actions/${String((await made('/v1/actions', await action())).id)}/schedule`
        await api.ask('PUT', path, { body: { cron: '0 7 * * *', time_zone: 'UTC' } })
        return [path]
      },
      makeActionWebhook: async () => [`/v1/actions/${String((await made('/v1/actions', await action())).id)}/webhook`],
      removeActionWebhook: async () => {
        const path = `/v1/actions/${String((await made('/v1/actions', await action())).id)}/webhook`
        await made(path, {})
        return [path]
      },
      receiveWebhook: async () => {
        const { webhook, secret } = await made(`/v1/actions/${String((await made('/v1/actions', await action())).id)}/webhook`, {})
        const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(api.services.clock.now() / 1000)) }
        const signature = sign(new Secret(String(secret)), headers['webhook-id'], headers['webhook-timestamp'], Buffer.from('{}'))
        return [new URL((webhook as { url: string }).url).pathname, { raw: '{}', headers: { ...headers, 'webhook-signature': signature } }]
      },
      listAudit: async () => ['/v1/audit'],
      findTokenInAudit: async () => ['/v1/audit/token', { body: { token: 'at' } }],
      exportAudit: async () => ['/v1/audit/export'],
      verifyAudit: async () => ['/v1/audit/verification'],
      makeBackup: async () => ['/v1/backup'],
      lockService: async () => ['/v1/lock'],
      unlockService: async () => ['/v1/unlock'],
      startRotation: async () => ['/v1/master-key/rotation'],
      invitePerson: async () => ['/v1/persons', { body: { name: name(), role: 'viewer' } }],
      changePerson: async () => [`/v1/persons/${(await member()).id}`, { body: { role: 'viewer' } }],
      deletePerson: async () => [`/v1/persons/${(await member()).id}`],
      renewInvitation: async () => [`/v1/persons/${(await member()).id}/invitation`],
      openInvitation: async () => ['/v1/invitations/open', { key: null, body: { code: await invitation() } }],
      acceptInvitation: async () => ['/v1/invitations/accept', { key: null, body: { code: await invitation(), name: name(), password: goodPassword } }],
      signIn: async () => ['/v1/session', { key: null, body: { name: (await member()).name, password: goodPassword } }],
      signOut: async () => ['/v1/session', (await member()).as],
      confirmSignIn: async () => ['/v1/session/confirmation', { ...(await member()).as, body: { password: goodPassword } }],
      changePassword: async () => ['/v1/session/password', { ...(await member()).as, body: { current: goodPassword, password: 'another quiet orange river' } }],
      endSession: async () => {
        const { as, name: person } = await member()
        await api.ask('POST', '/v1/session', { key: null, body: { name: person, password: goodPassword } })
        const { items } = (await api.ask('GET', '/v1/sessions', as)).json as { items: { id: string; current: boolean }[] }
        return [`/v1/sessions/${items.find((item) => !item.current)!.id}`, as]
      },
      addPasskey: async () => {
        const { as } = await member()
        return ['/v1/passkeys', { ...as, body: (await passkey(as)).body }]
      },
      removePasskey: async () => {
        const { as, id } = await withPasskey()
        return [`/v1/passkeys/${id}`, as]
      },
      signInWithPasskey: async () => {
        const { device } = await withPasskey()
        const { challenge_id, options } = (await api.ask('POST', '/v1/session/passkey/challenge', { key: null, body: {} })).json
        return ['/v1/session/passkey', { key: null, body: { challenge_id, response: device.get(options as never) } }]
      },
      finishSignIn: async () => [`/oauth/sign-in/callback?name=${encodeURIComponent((await member()).name)}`, { key: null }],
      setUp: async () => ['/v1/setup', { key: null, body: { code: setUpCode, name: name(), password: goodPassword } }],
    }
    const recorded = (contract as readonly Endpoint[]).filter((row) => row.audit !== null)
    assert.deepEqual(Object.keys(calls).sort(), recorded.map((row) => row.id).sort(), 'every such endpoint is called')

    // The set-up is over as soon as anybody has joined by an invitation.
    recorded.sort((a, b) => Number(b.id === 'setUp') - Number(a.id === 'setUp'))
    for (const row of recorded) {
      const [path, ask] = await calls[row.id as EndpointId]!()
      const { seq } = await api.services.facts.auditHead()
      const reply = await api.ask(row.method, path, ask)
      assert.equal(reply.status, row.status, `${row.id}: ${reply.text}`)
      const { items } = await api.services.audit.list({ limit: 20 })
      const record = items.find((item) => item.seq > seq && item.action === row.audit)
      assert.ok(record, `${row.id} wrote no "${row.audit ?? ''}"`)
      assert.equal(record.outcome, 'done', row.id)
      // What a browser does has no key: its record names who started the consent.
      if (row.permission !== 'public') assert.equal(record.address, '127.0.0.1', row.id)
      // Who looks at an invitation, or opens a delivery, has not said who it is.
      const actor =
        row.id === 'receiveWebhook'
          ? /^service$/
          : row.id === 'openInvitation' || row.id === 'openDelivery'
            ? /^nobody$/
            : ask?.key === null
              ? /^per_/
              : /^key_/
      assert.match(record.actor.id, actor, row.id)
    }
    assert.deepEqual((await api.services.audit.verify()).ok, true)
  })

  it('looking changes nothing and writes nothing', async () => {
    for (const row of (contract as readonly Endpoint[]).filter((one) => one.audit === null && one.kind !== 'events')) {
      const { seq } = await api.services.facts.auditHead()
      await api.ask(row.method, row.path.replace(/\{\w+\}/g, 'none'))
      const { items } = await api.services.audit.list({ limit: 5 })
      assert.ok(
        items.every((item) => item.seq <= seq || item.action === 'api.refused'),
        row.id,
      )
    }
  })

  it('verification names the first bad record', async () => {
    await api.world.context.db.updateTable('audit').set({ actor_name: 'somebody else' }).where('seq', '=', 5).execute()
    const reply = await api.ask('GET', '/v1/audit/verification')
    assert.deepEqual([reply.json.ok, reply.json.first_bad], [false, 5])
  })
})
