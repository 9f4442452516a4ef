import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { isProblem } from '../src/base/problem.ts'
import { Secret } from '../src/base/secret.ts'
import type { NewRegistration } from '../src/credentials/types.ts'
import { makeJar } from './consent-jar.ts'
import { approve } from './rig/agent.ts'
import { clientSecrets, startAuthorizationServer, type AuthorizationServer } from './rig/authorization-server.ts'
import { makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type FakeProvider, type Place, type World } from './world.ts'

describe('what a provider demands', () => {
  let place: Place
  let world: World
  let server: AuthorizationServer
  let fake: FakeProvider
  before(async () => {
    place = await makePlace('sqlite')
    world = await openWorld(place)
    server = await startAuthorizationServer({ pushedOnly: true })
    fake = await startFakeProvider()
    const { description } = await world.providers.discover({ issuer: server.issuer, id: 'strict', name: 'Strict' }, tester)
    await world.providers.create(description, tester)
    const strict = { version: 1, token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize`, grants: ['authorization_code'] }
    await world.providers.create({ ...strict, id: 'signed', name: 'Signed', client_auth: ['private_key_jwt'] } as never, tester)
    await world.providers.create(
      {
        ...strict,
        id: 'pushed',
        name: 'Pushed',
        client_auth: ['client_secret_post'],
        require_pushed_authorization_requests: true,
        pushed_authorization_request_endpoint: `${fake.url}/par`,
      } as never,
      tester,
    )
  })
  after(async () => {
    await world.close()
    await server.stop()
    await fake.close()
    await place.remove()
  })

  const make = async (name: string, registration: Omit<NewRegistration, 'name'>) =>
    await world.credentials.create(
      { name, kind: 'oauth2', grant: 'authorization_code', scopes: ['openid', 'offline_access', 'smtp.send'], registration: { name, ...registration } },
      tester,
    )

  const clients: [string, Omit<NewRegistration, 'name' | 'provider'>][] = [
    ['basic', { clientId: 'web-basic', clientSecret: new Secret(clientSecrets['web-basic']) }],
    ['none', { clientId: 'native', clientAuth: 'none' }],
  ]
  for (const [method, client] of clients) {
    it(`O24: where requests must be sent ahead, the address of the person names the request and nothing else, with ${method}`, async () => {
      const { name } = await make(`ahead ${method}`, { provider: 'strict', ...client })
      const consent = await world.consents.start(name, { mode: 'browser' }, tester)
      const jar = makeJar()
      const address = await jar.open(world, consent)
      assert.deepEqual([...address.searchParams.keys()].sort(), ['client_id', 'request_uri'])
      const { redirectUri } = await world.registrations.get((await world.credentials.get(name)).registration!.id)
      const answer = new URL(await approve(address.href, { user: 'alice', stop: redirectUri }))
      await world.consents.callback(answer.pathname.split('/').at(-1)!, answer.searchParams, jar)
      assert.deepEqual([(await world.credentials.get(name)).status, (await world.credentials.get(name)).hasRefreshToken], ['ready', true])
      assert.ok(server.requests.some((request) => request.path === '/request' && request.status === 201))
    })
  }

  it('O24: a request that the provider does not take ahead is not sent through the browser instead', async () => {
    const { name } = await make('not taken', { provider: 'pushed', clientId: 'c', clientSecret: new Secret('CANARY-secret') })
    const answers = [
      { status: 400, body: { error: 'invalid_request', error_description: 'no' } },
      { status: 404, body: 'not here' },
      { status: 201, body: {} },
      { status: 201, body: { request_uri: 'urn:a b' } },
      { status: 201, body: { request_uri: 7 } },
      { status: 201, body: '{"request_uri":"urn:a","request_uri":"urn:b"}' },
      { status: 302, headers: { location: 'http://127.0.0.1:9/' }, body: { request_uri: 'urn:a' } },
      { status: 503, body: '' },
    ]
    for (const answer of answers) {
      fake.answer = () => answer
      const seen = fake.seen.length
      const mode = answers.indexOf(answer) % 2 === 0 ? ('browser' as const) : ('paste' as const)
      await assert.rejects(
        async () => {
          const consent = await world.consents.start(name, { mode }, tester)
          await makeJar().open(world, consent)
        },
        (error) => isProblem(error, answer.status === 503 ? 'provider_unavailable' : 'consent_failed') && !error.message.includes('CANARY'),
      )
      assert.equal(fake.seen.length, seen + 1)
    }
    assert.deepEqual(await world.store.db.selectFrom('consents').selectAll().where('status', '=', 'waiting').execute(), [])
  })

  it('O24: a client that must sign gets no secret and no bare name in its place', async () => {
    const clientSecret = new Secret('CANARY-weaker')
    for (const weaker of [
      { clientSecret },
      { clientSecret, clientAuth: 'client_secret_post' },
      { clientSecret, clientAuth: 'client_secret_basic' },
      { clientAuth: 'none' },
      {},
    ] as const)
      await assert.rejects(
        make('weaker', { provider: 'signed', clientId: 'c', ...weaker }),
        (error) => isProblem(error, 'invalid_request') && error.errors.some((one) => one.path === 'client_auth' && one.message.includes('private_key_jwt')),
      )
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const { registration } = await make('signs', { provider: 'signed', clientId: 'c', privateKey: new Secret(key) })
    assert.equal((await world.registrations.get(registration!.id)).clientAuth, 'private_key_jwt')
    await assert.rejects(world.registrations.change(registration!.id, { clientAuth: 'client_secret_post', clientSecret }, tester), (error) =>
      isProblem(error, 'invalid_request'),
    )
  })

  it('O24: a provider that wants tokens bound to a key is asked once, and the credential says what it wants', async () => {
    const id = await makeRefreshable(world, fake, 'bound')
    for (const error of ['use_dpop_nonce', 'invalid_dpop_proof']) {
      fake.answer = () => ({ status: 400, headers: { 'dpop-nonce': 'n' }, body: { error } })
      const seen = fake.seen.length
      await assert.rejects(world.credentials.refresh(id, tester), (failure) => isProblem(failure, 'misconfigured') && /DPoP/.test(failure.message))
      for (let i = 0; i < 3; i++) await assert.rejects(world.credentials.handOut(id, { purpose: 'token', actor: tester }))
      assert.equal(fake.seen.length, seen + 1)
    }
    fake.answer = () => ({ body: { access_token: 'bound', token_type: 'DPoP', expires_in: 3600 } })
    await assert.rejects(world.credentials.refresh(id, tester), (failure) => isProblem(failure, 'provider_unavailable') && /DPoP/.test(failure.message))
    await assert.rejects(world.credentials.handOut(id, { purpose: 'token', actor: tester }))
  })
})
