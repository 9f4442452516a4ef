import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, it, test } from 'node:test'
import { makeJar } from './consent-jar.ts'
import { isProblem } from '../src/base/problem.ts'
import { Secret } from '../src/base/secret.ts'
import type { CredentialChange, NewRegistration, RegistrationChange } from '../src/credentials/types.ts'
import { openApiWorld, type ApiWorld } from './api-world.ts'
import { letter, makeMailBed, somebody, untilDelayed } from './mail-world.ts'
import { databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type FakeProvider, type Place, type World } from './world.ts'

const privateKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

for (const database of databases) {
  describe(`a stored secret goes only where it was entered for, on ${database}`, () => {
    let place: Place
    let world: World
    let fake: FakeProvider
    let foreign: FakeProvider
    let n = 0
    before(async () => {
      place = await makePlace(database)
      world = await openWorld(place)
      fake = await startFakeProvider()
      foreign = await startFakeProvider()
    })
    after(async () => {
      await world.close()
      await fake.close()
      await foreign.close()
      await place.remove()
    })

    const register = async (further: Partial<NewRegistration> = {}) =>
      await world.registrations.create(
        {
          name: `registration ${(n += 1)}`,
          provider: 'generic',
          clientId: 'client',
          clientSecret: new Secret('CANARY-client-secret'),
          placeholders: { token_endpoint: `${fake.url}/token` },
          ...further,
        },
        tester,
      )
    const unattended = async (registration: string) =>
      await world.credentials.create({ name: `unattended ${(n += 1)}`, kind: 'oauth2', grant: 'client_credentials', registration }, tester)
    const foreignSawNothing = () => assert.deepEqual(foreign.seen, [])

    it('N5: another token address, tenant or client ID removes the client secret, and nothing is asked for until it is entered again', async () => {
      const changes: [RegistrationChange, RegistrationChange][] = [
        [{ placeholders: { token_endpoint: `${foreign.url}/token` } }, { placeholders: { token_endpoint: `${fake.url}/token` } }],
        [{ clientId: 'another' }, {}],
      ]
      for (const [change, back] of changes) {
        const registration = await register()
        const credential = await unattended(registration.id)
        await world.credentials.refresh(credential.id, tester)
        assert.equal((await world.registrations.change(registration.id, change, tester)).hasClientSecret, false)
        const after = await world.credentials.get(credential.id)
        assert.deepEqual([after.status, after.hasSecret], ['incomplete', false], 'the token belonged to the other client')
        const seen = fake.seen.length
        await assert.rejects(
          world.credentials.handOut(credential.id, { purpose: 'token', actor: tester }),
          (error) => isProblem(error, 'misconfigured') && /client secret/.test(error.message),
        )
        foreignSawNothing()
        assert.equal(fake.seen.length, seen)
        await world.registrations.change(registration.id, { ...back, clientSecret: new Secret('entered again') }, tester)
        await world.credentials.handOut(credential.id, { purpose: 'token', actor: tester })
        assert.doesNotMatch(fake.seen.at(-1)!.headers.authorization!, new RegExp(Buffer.from('CANARY-client-secret').toString('base64').slice(4, 20)))
      }
    })

    it('N5: another token address removes the private key, which could sign for whoever is there', async () => {
      const registration = await register({ clientSecret: undefined as never, clientAuth: 'private_key_jwt', privateKey: new Secret(privateKey) })
      const credential = await unattended(registration.id)
      await world.credentials.refresh(credential.id, tester)
      const changed = await world.registrations.change(registration.id, { placeholders: { token_endpoint: `${foreign.url}/token` } }, tester)
      assert.equal(changed.hasPrivateKey, false)
      await assert.rejects(
        world.credentials.handOut(credential.id, { purpose: 'token', actor: tester }),
        (error) => isProblem(error, 'misconfigured') && /private key/.test(error.message),
      )
      foreignSawNothing()
      const { items } = await world.context.audit.list({ subject: registration.id, action: 'registration.changed' })
      assert.equal(items[0]!.detail.secret_removed, true)
    })

    it('N5: a credential cannot lead the secret of its registration to another server, neither when it is made nor when it is changed', async () => {
      const registration = await register()
      const before = await unattended(registration.id)
      const elsewhere = { placeholders: { token_endpoint: `${foreign.url}/token` } }
      const order = { name: `led astray ${n}`, kind: 'oauth2', grant: 'client_credentials', registration: registration.id } as const
      const revocation = { placeholders: { revocation_endpoint: `${foreign.url}/revoke` } as Record<string, string> }
      const userinfo = { placeholders: { userinfo_endpoint: `${foreign.url}/me` } as Record<string, string> }
      for (const options of [elsewhere, revocation, userinfo]) {
        for (const hosts of [{}, { allowedHosts: ['127.0.0.1'] }]) {
          await assert.rejects(world.credentials.create({ ...order, ...hosts, options }, tester), (error) => isProblem(error, 'invalid_request'))
        }
        await assert.rejects(world.credentials.change(before.id, { options }, tester), (error) => isProblem(error, 'invalid_request'))
      }
      // Written past the check, it is refused at its use.
      await world.store.db
        .updateTable('credentials')
        .set({ options: JSON.stringify(elsewhere) })
        .where('id', '=', before.id)
        .execute()
      await assert.rejects(world.credentials.handOut(before.id, { purpose: 'token', actor: tester }))
      foreignSawNothing()
      // Another path at the same server is what placeholders of a credential are for.
      const tenant = await world.credentials.create({ ...order, options: { placeholders: { token_endpoint: `${fake.url}/tenant-7/token` } } }, tester)
      await world.credentials.handOut(tenant.id, { purpose: 'token', actor: tester })
      assert.equal(fake.seen.at(-1)!.path, '/tenant-7/token')
    })

    it('N5: another tenant or another person to act for removes the tokens of a credential', async () => {
      for (const options of [{ placeholders: { token_endpoint: `${fake.url}/other-tenant/token` } }, { actFor: 'boss@example.org' }]) {
        const other = await makeRefreshable(world, fake, `bound ${(n += 1)}`)
        await world.credentials.refresh(other, tester)
        const after = await world.credentials.change(other, { options }, tester)
        assert.deepEqual([after.hasSecret, after.hasRefreshToken, after.status], [false, false, 'incomplete'])
        const seen = fake.seen.length
        await assert.rejects(world.credentials.handOut(other, { purpose: 'token', actor: tester }), (error) => isProblem(error, 'incomplete'))
        assert.equal(fake.seen.length, seen)
      }
    })

    it('N5: another user name, and a further host, remove a password; a further host removes an API key', async () => {
      const changes: CredentialChange[] = [{ username: 'bob' }, { allowedHosts: ['smtp.example.org', 'foreign.example'] }, { allowedHosts: ['*.example.org'] }]
      for (const change of changes) {
        const made = await world.credentials.create(
          { name: `password ${(n += 1)}`, kind: 'basic', username: 'anna', secret: new Secret('open sesame'), allowedHosts: ['smtp.example.org'] },
          tester,
        )
        assert.equal((await world.credentials.change(made.id, change, tester)).hasSecret, false, JSON.stringify(change))
        await assert.rejects(
          world.credentials.handOut(made.id, { purpose: 'token', actor: tester }),
          (error) => isProblem(error, 'incomplete') && /Enter it/.test(error.nextStep),
        )
        await world.credentials.change(made.id, { secret: new Secret('again') }, tester)
        await world.credentials.handOut(made.id, { purpose: 'token', actor: tester })
      }
      const key = await world.credentials.create(
        { name: `key ${n}`, kind: 'api_key', secret: new Secret('k'), allowedHosts: ['a.example', 'b.example'] },
        tester,
      )
      assert.equal((await world.credentials.change(key.id, { allowedHosts: ['a.example'], description: 'fewer' }, tester)).hasSecret, true)
      assert.equal((await world.credentials.change(key.id, { allowedHosts: ['a.example', 'b.example'] }, tester)).hasSecret, false)
    })

    it('N5: a revocation that waits is not sent to another address that the registration names since', async () => {
      const id = await makeRefreshable(world, fake, `revoked ${n}`)
      await world.credentials.refresh(id, tester)
      const { registration } = await world.credentials.get(id)
      const answer = fake.answer
      fake.answer = () => ({ status: 503, body: '' })
      assert.equal((await world.credentials.revoke(id, tester)).revocation.outcome, 'will_retry')
      await world.registrations.change(
        registration!.id,
        {
          clientSecret: new Secret('another'),
          placeholders: {
            token_endpoint: `${foreign.url}/token`,
            authorization_endpoint: `${foreign.url}/authorize`,
            revocation_endpoint: `${foreign.url}/revoke`,
          },
        },
        tester,
      )
      await world.store.db.updateTable('jobs').set({ due_at: 0 }).execute()
      await world.schedule.housekeep()
      assert.deepEqual(await world.store.db.selectFrom('jobs').selectAll().execute(), [])
      foreignSawNothing()
      fake.answer = answer
    })

    it('N5: addresses inside a JSON file of Google count for nothing', async () => {
      const file = { installed: { client_id: 'x', client_secret: 'y', token_uri: `${foreign.url}/token`, auth_uri: `${foreign.url}/auth` } }
      const view = await world.credentials.create({ name: `google ${n}`, kind: 'oauth2', googleJson: new Secret(JSON.stringify(file)) }, tester)
      const consent = await world.consents.start(view.id, { mode: 'browser' }, tester)
      assert.equal((await makeJar().open(world, consent)).host, 'accounts.google.com')
      assert.ok(view.allowedHosts.every((host) => /(?:^|\.)(?:googleapis|gmail)\.com$/.test(host)))
    })
  })
}

test('N5: a sender led to another server sends no password there, neither the stored one nor one entered for the old server', async (t) => {
  const bed = await makeMailBed(t)
  const id = await bed.password('old-mail', ['localhost'])
  const sender = await bed.sender({ host: 'localhost', credential: id })
  await bed.world.credentials.change(id, { allowedHosts: ['127.0.0.1'] }, tester)
  await bed.senders.change(sender.id, { host: '127.0.0.1' }, somebody)
  const message = await bed.outbox.accept(letter, somebody)
  const waiting = await untilDelayed(bed, message.id)
  assert.equal(waiting.problem?.code, 'incomplete')
  assert.deepEqual([bed.server.connections, bed.server.logins.length], [0, 0])
})

describe('who may lead a token elsewhere', () => {
  let api: ApiWorld
  let manager = ''
  let reader = ''
  let id = ''
  before(async () => {
    api = await openApiWorld()
    await api.ask('POST', '/v1/registrations', {
      body: { name: 'app', provider: 'generic', client_id: 'c', client_secret: 's', placeholders: { token_endpoint: 'http://127.0.0.1:9/token' } },
    })
    const made = await api.ask('POST', '/v1/credentials', {
      body: { name: 'crm', grant: 'authorization_code', registration: 'app', allowed_hosts: ['api.example.org', '127.0.0.1'] },
    })
    assert.equal(made.status, 201, made.text)
    id = String(made.json.id)
    manager = await api.makeKey({ permissions: [], administration: ['manage'] })
    reader = await api.makeKey({ permissions: [{ credential: id, rights: ['token'] }], administration: ['manage'] })
  })
  after(() => api.close())

  it('N5: a key that may manage and not read the token cannot add a host that it is sent to', async () => {
    const hosts = { allowed_hosts: ['api.example.org', '127.0.0.1', 'evil.example'] }
    const refused = await api.ask('PATCH', `/v1/credentials/${id}`, { key: manager, body: hosts })
    assert.deepEqual([refused.status, refused.json.code], [403, 'not_allowed'])
    for (const body of [
      { name: 'x', grant: 'client_credentials', registration: 'app', allowed_hosts: ['evil.example'] },
      { name: 'x', grant: 'authorization_code', registration: 'app', allowed_hosts: ['evil.example'] },
    ])
      assert.equal((await api.ask('POST', '/v1/credentials', { key: manager, body })).json.code, 'not_allowed')
    const own = { name: 'own app', provider: 'generic', client_id: 'mine', client_secret: 'mine', placeholders: { token_endpoint: 'http://127.0.0.1:9/token' } }
    const mine = await api.ask('POST', '/v1/credentials', {
      key: manager,
      body: { name: 'mine', grant: 'client_credentials', registration: own, allowed_hosts: ['evil.example'] },
    })
    assert.equal(mine.status, 201, 'a secret that one has entered oneself')
    const moved = await api.ask('PATCH', '/v1/credentials/mine', { key: manager, body: { registration: 'app' } })
    assert.equal(moved.json.code, 'not_allowed', 'nor lead the tokens of another registration there')
    assert.equal((await api.ask('PATCH', `/v1/credentials/${id}`, { key: manager, body: { allowed_hosts: ['api.example.org', '127.0.0.1'] } })).status, 200)
    assert.equal((await api.ask('PATCH', `/v1/credentials/${id}`, { key: reader, body: hosts })).status, 200)
    const { items } = await api.services.audit.list({ action: 'api.refused' })
    assert.equal(items.filter((item) => item.reason === 'not_allowed').length, 4, 'and every refusal is recorded')
  })

  it('N5: nor a sender that trusts an authority of its own, or sends without TLS to any port', async () => {
    const ca = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'
    const sender = { name: 's', host: '127.0.0.1', credential: 'crm', from: 'a@example.org' }
    for (const body of [
      { ...sender, tls: 'none' },
      { ...sender, ca },
      { ...sender, tls: 'implicit', ca },
    ])
      assert.equal((await api.ask('POST', '/v1/senders', { key: manager, body })).json.code, 'not_allowed', JSON.stringify(body))
    assert.equal((await api.ask('POST', '/v1/senders', { key: manager, body: sender })).status, 201)
    for (const body of [{ tls: 'none' }, { ca }]) assert.equal((await api.ask('PATCH', '/v1/senders/s', { key: manager, body })).json.code, 'not_allowed')
    assert.equal((await api.ask('PATCH', '/v1/senders/s', { key: reader, body: { tls: 'none' } })).status, 200)
    assert.equal((await api.ask('PATCH', '/v1/senders/s', { key: manager, body: { port: 4444 } })).json.code, 'not_allowed', 'a port where he listens')
    assert.equal((await api.ask('PATCH', '/v1/senders/s', { key: manager, body: { from_name: 'A' } })).status, 200)
  })
})
