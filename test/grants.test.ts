import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { makeJar } from './consent-jar.ts'
import { isProblem } from '../src/base/problem.ts'
import { Secret } from '../src/base/secret.ts'
import type { NewCredential, NewRegistration } from '../src/credentials/types.ts'
import { Agent, approve } from './rig/agent.ts'
import { clientSecrets, startAuthorizationServer, type AuthorizationServer } from './rig/authorization-server.ts'
import { databases, makePlace, openWorld, tester, type Place, type World } from './world.ts'

const scopes = ['openid', 'email', 'offline_access', 'smtp.send']

for (const database of databases) {
  describe(`grants against a real authorization server, on ${database}`, () => {
    let place: Place
    let world: World
    let server: AuthorizationServer
    let n = 0

    before(async () => {
      server = await startAuthorizationServer()
      place = await makePlace(database)
      world = await openWorld(place)
      const { description } = await world.providers.discover({ issuer: server.issuer, id: 'rig', name: 'Rig' }, tester)
      await world.providers.create(
        { ...description, assertion_audience: 'token_endpoint', grants: [...new Set([...description.grants, 'jwt_bearer' as const])] },
        tester,
      )
      world.schedule.start()
    })
    after(async () => {
      await world.close()
      await server.stop()
      await place.remove()
    })

    const register = (client: Partial<NewRegistration> & { clientId: string }): NewRegistration => ({ name: `r${(n += 1)}`, provider: 'rig', ...client })
    const make = async (input: Partial<NewCredential> & Pick<NewCredential, 'grant' | 'registration'>) =>
      await world.credentials.create({ name: `c${n}`, kind: 'oauth2', scopes, ...input }, tester)
    const redirectUri = async (credential: string) => (await world.registrations.get((await world.credentials.get(credential)).registration!.id)).redirectUri
    const refreshes = () => server.requests.filter((request) => request.grant === 'refresh_token').length
    const jar = makeJar()
    const answerOf = async (credential: string, user = 'alice', deny = false) => {
      const consent = await world.consents.start(credential, { mode: 'browser' }, tester)
      const answer = await approve((await jar.open(world, consent)).href, { user, stop: await redirectUri(credential), deny })
      return { consent, answer }
    }
    const finish = async (credential: string, answer: string) => {
      const url = new URL(answer)
      return await world.consents.callback(url.pathname.split('/').at(-1)!, url.searchParams, jar)
    }

    const clients: [string, Partial<NewRegistration> & { clientId: string }][] = [
      ['client_secret_basic', { clientId: 'web-basic', clientSecret: new Secret(clientSecrets['web-basic']), clientAuth: 'client_secret_basic' }],
      ['client_secret_post', { clientId: 'web-post', clientSecret: new Secret(clientSecrets['web-post']), clientAuth: 'client_secret_post' }],
      ['none', { clientId: 'native', clientAuth: 'none' }],
    ]
    for (const [method, client] of clients) {
      it(`authorization_code with ${method}: consent, token, rotation, account`, async () => {
        const { name } = await make({ grant: 'authorization_code', registration: register(client) })
        const { consent, answer } = await answerOf(name)
        await finish(name, answer)
        const view = await world.credentials.get(name)
        assert.deepEqual([view.status, view.username, view.subject, view.hasRefreshToken], ['ready', 'alice@rig.test', 'alice', true])
        assert.equal((await world.consents.get(consent.id)).status, 'done')
        const first = await world.credentials.handOut(name, { purpose: 'token', actor: tester })
        await world.credentials.refresh(name, tester)
        await world.credentials.refresh(name, tester)
        const second = await world.credentials.handOut(name, { purpose: 'token', actor: tester })
        assert.notEqual(first.accessToken.reveal(), second.accessToken.reveal())
      })
    }

    it('authorization_code with private_key_jwt, RS256 and ES256', async () => {
      for (const [kid, key] of [
        ['client-rs256', server.clientKeys.rs256],
        ['client-es256', server.clientKeys.es256],
      ] as const) {
        const { name } = await make({
          grant: 'authorization_code',
          registration: register({ clientId: 'web-pkjwt', clientAuth: 'private_key_jwt', privateKey: new Secret(key), privateKeyId: kid }),
        })
        await finish(name, (await answerOf(name, 'bob')).answer)
        await world.credentials.refresh(name, tester)
        assert.equal((await world.credentials.get(name)).username, 'bob@rig.test')
      }
    })

    it('paste-back: the address from the browser, pasted by hand', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      const consent = await world.consents.start(name, { mode: 'paste' }, tester)
      const answer = await approve(consent.authorizationUrl!, { user: 'alice', stop: await redirectUri(name) })
      await assert.rejects(world.consents.respond(consent.id, 'hello', tester), (error) => isProblem(error, 'consent_malformed'))
      await assert.rejects(world.consents.respond(consent.id, 'https://elsewhere.test/?code=x&state=y', tester), (error) =>
        isProblem(error, 'consent_malformed'),
      )
      assert.equal((await world.consents.respond(consent.id, ` ${answer}\n`, tester)).status, 'done')
    })

    it('client_credentials with basic (reserved characters encoded), post and private_key_jwt', async () => {
      const machines: (Partial<NewRegistration> & { clientId: string })[] = [
        { clientId: 'robot:basic', clientSecret: new Secret(clientSecrets['robot:basic']), clientAuth: 'client_secret_basic' },
        { clientId: 'robot-post', clientSecret: new Secret(clientSecrets['robot-post']), clientAuth: 'client_secret_post' },
        { clientId: 'robot-pkjwt', clientAuth: 'private_key_jwt', privateKey: new Secret(server.clientKeys.es256), privateKeyId: 'client-es256' },
      ]
      for (const client of machines) {
        const { name } = await make({
          grant: 'client_credentials',
          registration: register(client),
          scopes: ['smtp.send'],
          options: { resource: ['urn:rig:mail:jwt'] },
        })
        const token = await world.credentials.handOut(name, { purpose: 'token', actor: tester })
        assert.match(token.accessToken.reveal(), /^eyJ/)
        assert.equal((await world.credentials.get(name)).status, 'ready')
      }
    })

    it('jwt_bearer: a signed statement for a person', async () => {
      const { name } = await make({
        grant: 'jwt_bearer',
        scopes: ['smtp.send'],
        options: { actFor: 'alice' },
        registration: register({
          clientId: 'delegate',
          clientSecret: new Secret(clientSecrets.delegate),
          clientAuth: 'client_secret_basic',
          privateKey: new Secret(server.clientKeys.rs256),
          privateKeyId: 'client-rs256',
        }),
      })
      assert.ok((await world.credentials.handOut(name, { purpose: 'token', actor: tester })).accessToken.length > 10)
    })

    it('device_code: finishes by itself when the person has consented elsewhere', async () => {
      const { name } = await make({ grant: 'device_code', registration: register(clients[2]![1]) })
      const consent = await world.consents.start(name, { mode: 'device' }, tester)
      assert.equal(consent.interval, 5)
      const page = await new Agent({ user: 'bob' }).visit(consent.verificationUriComplete ?? consent.verificationUri!)
      assert.equal(page.status, 200)
      await waitFor(async () => (await world.consents.get(consent.id)).status === 'done', 15_000)
      assert.equal((await world.credentials.get(name)).username, 'bob@rig.test')
    })

    it('a person who refuses is told so, and the credential stays as it was', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      const { consent, answer } = await answerOf(name, 'alice', true)
      await assert.rejects(finish(name, answer), (error) => isProblem(error, 'consent_denied'))
      assert.equal((await world.consents.get(consent.id)).status, 'failed')
      assert.equal((await world.credentials.get(name)).status, 'incomplete')
    })

    it('O3: the same answer twenty times at once leads to one token request', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      const { answer } = await answerOf(name)
      const before = server.requests.filter((request) => request.grant === 'authorization_code').length
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => finish(name, answer)))
      assert.equal(server.requests.filter((request) => request.grant === 'authorization_code').length - before, 1)
      assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
      for (const result of results) if (result.status === 'rejected') assert.ok(isProblem(result.reason, 'consent_used'))
      assert.equal((await world.credentials.get(name)).status, 'ready')
    })

    it('O1: a state that is missing, empty, unknown, expired or used causes no token request', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      const { consent, answer } = await answerOf(name)
      const before = server.requests.length
      const url = new URL(answer)
      const withState = (change: (query: URLSearchParams) => void) => {
        const copy = new URL(url)
        change(copy.searchParams)
        return copy.href
      }
      await assert.rejects(
        finish(
          name,
          withState((query) => query.delete('state')),
        ),
        (error) => isProblem(error, 'consent_unknown'),
      )
      await assert.rejects(
        finish(
          name,
          withState((query) => query.set('state', '')),
        ),
        (error) => isProblem(error, 'consent_unknown'),
      )
      await assert.rejects(
        finish(
          name,
          withState((query) => query.set('state', 'x'.repeat(43))),
        ),
        (error) => isProblem(error, 'consent_unknown'),
      )
      const { db } = world.store
      await db
        .updateTable('consents')
        .set({ expires_at: Date.now() - 1 })
        .where('id', '=', consent.id)
        .execute()
      await assert.rejects(finish(name, answer), (error) => isProblem(error, 'consent_expired'))
      await assert.rejects(finish(name, answer), (error) => isProblem(error, 'consent_used'))
      assert.equal(server.requests.length, before)
      const rows = await db.selectFrom('consents').selectAll().execute()
      assert.ok(!JSON.stringify(rows).includes(url.searchParams.get('state')!), 'the state is not in the database')
    })

    it('O28: a parameter that comes twice causes no token request', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      const { answer } = await answerOf(name)
      const before = server.requests.length
      for (const twice of ['state', 'code', 'iss']) {
        const url = new URL(answer)
        url.searchParams.append(twice, url.searchParams.get(twice) ?? 'x')
        url.searchParams.append(twice, 'other')
        await assert.rejects(finish(name, url.href), (error) => isProblem(error, 'consent_malformed'))
      }
      assert.equal(server.requests.length, before)
    })

    it('O5: an answer that names another issuer, or none although it was announced, causes no token request', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      for (const change of [(query: URLSearchParams) => query.set('iss', `${server.issuer}/`), (query: URLSearchParams) => query.delete('iss')]) {
        const { answer } = await answerOf(name)
        const url = new URL(answer)
        assert.equal(url.searchParams.get('iss'), server.issuer)
        change(url.searchParams)
        const before = server.requests.length
        await assert.rejects(finish(name, url.href), (error) => isProblem(error, 'consent_issuer_mismatch'))
        assert.equal(server.requests.length, before)
      }
    })

    it('O6: an answer at the redirect URI of another registration causes no token request', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      const other = await make({ grant: 'authorization_code', registration: register(clients[1]![1]) })
      const { answer } = await answerOf(name)
      const before = server.requests.length
      await assert.rejects(world.consents.callback(other.registration!.id, new URL(answer).searchParams, jar), (error) => isProblem(error, 'consent_unknown'))
      assert.equal(server.requests.length, before)
      await finish(name, answer)
    })

    it('O14: another account than before is noticed and changes nothing', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      await finish(name, (await answerOf(name, 'alice')).answer)
      const token = await world.credentials.handOut(name, { purpose: 'token', actor: tester })
      const { answer } = await answerOf(name, 'bob')
      await assert.rejects(finish(name, answer), (error) => isProblem(error, 'account_mismatch'))
      const after = await world.credentials.handOut(name, { purpose: 'token', actor: tester })
      assert.equal(after.accessToken.reveal(), token.accessToken.reveal())
      assert.equal((await world.credentials.get(name)).username, 'alice@rig.test')
    })

    it('O22: revoking ends the tokens at the provider and here', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      await finish(name, (await answerOf(name)).answer)
      const { revocation, credential } = await world.credentials.revoke(name, tester)
      assert.equal(revocation.outcome, 'revoked')
      assert.deepEqual([credential.status, credential.hasSecret], ['needs_consent', false])
      assert.ok(server.requests.some((request) => request.path === '/token/revocation' && request.status === 200))
    })

    it('a refresh token that was used twice elsewhere ends as needs_consent, and reconnecting repairs it', async () => {
      const { name, id } = await make({ grant: 'authorization_code', registration: register(clients[0]![1]) })
      await finish(name, (await answerOf(name)).answer)
      // Another program used the same refresh token: the provider ends the family.
      const stolen = await stealRefreshToken(world, id)
      const other = await make({ grant: 'authorization_code', registration: register(clients[0]![1]), refreshToken: stolen })
      await world.credentials.refresh(other.id, tester)
      await assert.rejects(world.credentials.refresh(id, tester), (error) => isProblem(error, 'needs_consent'))
      await finish(name, (await answerOf(name)).answer)
      assert.equal((await world.credentials.get(name)).status, 'ready')
    })

    it('short-lived tokens are renewed ahead of need, and 50 callers at the moment of expiry cause one request', async () => {
      const { name } = await make({ grant: 'authorization_code', registration: register({ clientId: 'native-short', clientAuth: 'none' }) })
      await finish(name, (await answerOf(name)).answer)
      await waitFor(async () => (await world.credentials.get(name)).tokenObtainedAt! > Date.now() - 3000 && refreshes() > 0, 10_000)
      const view = await world.credentials.get(name)
      await world.schedule.stop()
      await new Promise((done) => setTimeout(done, Math.max(0, view.tokenExpiresAt! - Date.now() + 50)))
      const before = refreshes()
      const tokens = await Promise.all(Array.from({ length: 50 }, () => world.credentials.handOut(name, { purpose: 'token', actor: tester })))
      assert.equal(refreshes() - before, 1)
      assert.equal(new Set(tokens.map((token) => token.accessToken.reveal())).size, 1)
    })
  })
}

async function stealRefreshToken(world: World, id: string): Promise<Secret> {
  const { dataKeysOf } = await import('../src/storage/data-keys.ts')
  const { credentialPlace, readStoredSecret } = await import('../src/credentials/token-set.ts')
  const row = await world.store.db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const stored = readStoredSecret(await world.context.vault.open(dataKeysOf(world.store.db), credentialPlace(id, row.generation), row.secret!))
  if (stored.kind !== 'oauth2' || stored.refreshToken === null) throw new Error('there is no refresh token')
  return stored.refreshToken
}

async function waitFor(condition: () => Promise<boolean>, most: number): Promise<void> {
  const end = Date.now() + most
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come to be in time')
    await new Promise((done) => setTimeout(done, 100))
  }
}
