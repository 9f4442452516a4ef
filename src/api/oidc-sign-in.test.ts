import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { cookieOf, goodPassword, openApiWorld, signInAs, type ApiWorld, type Reply } from '../../test/api-world.ts'
import { Agent } from '../../test/rig/agent.ts'
import { clientSecrets, startAuthorizationServer, type AuthorizationServer } from '../../test/rig/authorization-server.ts'
import { databases, tester } from '../../test/world.ts'
import { Secret } from '../base/secret.ts'

const back = 'http://127.0.0.1:7420/oauth/sign-in/callback'

for (const database of databases) {
  describe(`signing in at an OpenID provider, on ${database}`, () => {
    let server: AuthorizationServer
    let api: ApiWorld
    const people: Record<string, string> = {}
    for (const name of ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'mallory']) people[name] = `${name}@rig.test`
    before(async () => {
      server = await startAuthorizationServer({ people, unverified: 'ivan' })
      api = await openApiWorld({
        database,
        oidc: { issuer: server.issuer, clientId: 'web-basic', clientSecret: new Secret(clientSecrets['web-basic']), claim: 'email', title: 'Rig' },
      })
    })
    after(async () => {
      await api.close()
      await server.stop()
    })

    const get = (path: string, cookie?: string) => api.ask('GET', path, { key: null, ...(cookie === undefined ? {} : { headers: { cookie } }) })
    const invite = async (user: string) => String((await api.ask('POST', '/v1/persons', { body: { name: people[user], role: 'viewer' } })).json.link)
    const begin = async (query = '') => {
      const reply = await get(`/oauth/sign-in${query}`)
      assert.equal(reply.status, 303, reply.text)
      return { cookie: cookieOf(reply), url: String(reply.headers.location) }
    }
    /** Signs in at the provider, and returns the address that it sends the browser back to. */
    const answerOf = async (url: string, user: string, deny = false): Promise<string> => {
      const visit = await new Agent({ user, stop: back, deny }).visit(url)
      assert.equal(visit.done, 'redirect', visit.text)
      return visit.url.slice('http://127.0.0.1:7420'.length)
    }
    const enter = async (user: string): Promise<Reply> => {
      const { cookie, url } = await begin()
      return await get(await answerOf(url, user), cookie)
    }
    const codeOf = (reply: Reply) => /<dt>Code<\/dt><dd><code>(\w+)/.exec(reply.text)?.[1]
    const personOf = async (reply: Reply) => {
      assert.equal(reply.status, 303, reply.text)
      assert.equal(reply.headers.location, '/')
      return (await get('/v1/session', cookieOf(reply))).json.person as { name: string; role: string }
    }

    it('who was invited by a mail address that the provider made sure of comes in, has joined, and his link is used up', async () => {
      assert.deepEqual((await get('/v1/session')).json.ways, { password: true, passkey: false, oidc: { title: 'Rig' } })
      const link = await invite('alice')
      const reply = await enter('alice')
      assert.deepEqual(await personOf(reply).then(({ name, role }) => [name, role]), ['alice@rig.test', 'viewer'])
      assert.match(String(reply.headers['set-cookie']), /^keybearer_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
      const people = (await api.ask('GET', '/v1/persons')).json.items as { name: string; status: string }[]
      assert.equal(people.find((one) => one.name === 'alice@rig.test')?.status, 'active')
      const late = await api.ask('POST', '/v1/invitations/open', { key: null, body: { code: link.split('#')[1] } })
      assert.equal(late.json.code, 'invitation_unknown')
      const { items } = await api.services.audit.list({ limit: 10 })
      assert.ok(items.some((item) => item.action === 'person.signed_in' && item.actor.name === 'alice@rig.test' && item.detail.way === 'oidc'))
      await personOf(await enter('alice'))
      const mine = cookieOf(reply)
      assert.deepEqual(
        (await get('/v1/session', mine)).json.ways,
        { password: false, passkey: false, oidc: { title: 'Rig' } },
        'he has no password to be asked for',
      )
      const asked = await api.ask('POST', '/v1/session/confirmation', { key: null, headers: { cookie: mine }, body: { password: 'anything at all' } })
      assert.equal(asked.json.code, 'password_missing')
    })

    it('the address carries code, state, nonce and PKCE, and the cookie is for this host, no script and five minutes', async () => {
      const reply = await get('/oauth/sign-in')
      const query = new URL(String(reply.headers.location)).searchParams
      assert.deepEqual(
        ['response_type', 'client_id', 'redirect_uri', 'scope', 'code_challenge_method'].map((name) => query.get(name)),
        ['code', 'web-basic', back, 'openid email', 'S256'],
      )
      for (const name of ['state', 'nonce', 'code_challenge']) assert.ok((query.get(name) ?? '').length >= 22, name)
      assert.match(String(reply.headers['set-cookie']), /^keybearer_sign_in=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=300$/)
    })

    it('Z3: whom nobody invited does not come in, and no person is made', async () => {
      const before = (await api.services.persons.list()).length
      const reply = await enter('mallory')
      assert.deepEqual([reply.status, codeOf(reply), reply.headers['set-cookie']], [401, 'sign_in_refused', undefined])
      assert.equal((await api.services.persons.list()).length, before)
      const { items } = await api.services.audit.list({ limit: 3 })
      assert.equal(items.filter((item) => item.action === 'person.sign_in_refused').length, 1)
    })

    it('Z3: an account counts by its subject: a name that another account carries later opens nothing', async () => {
      await invite('bob')
      await personOf(await enter('bob'))
      people.carol = 'bob@rig.test'
      assert.equal(codeOf(await enter('carol')), 'sign_in_refused')
      people.carol = 'carol@rig.test'
      people.bob = 'bob.new@rig.test'
      assert.equal((await personOf(await enter('bob'))).name, 'bob@rig.test')
    })

    it('Z3: a mail address that the provider has not made sure of is nobody', async () => {
      await invite('ivan')
      assert.equal(codeOf(await enter('ivan')), 'sign_in_refused')
      const { items } = await api.services.audit.list({ limit: 3 })
      assert.ok(items.some((item) => item.action === 'person.sign_in_refused' && item.reason === 'email_not_verified'))
    })

    it('O2: an answer is taken only in the browser that began, and the attempt of another one spoils nothing', async () => {
      await invite('dave')
      const [mine, other] = [await begin(), await begin()]
      const answer = await answerOf(mine.url, 'dave')
      assert.equal(codeOf(await get(answer)), 'sign_in_unknown', 'without the cookie')
      const good = await get(answer, mine.cookie)
      assert.equal((await personOf(good)).name, 'dave@rig.test')
      const theirs = await begin()
      assert.equal(codeOf(await get(await answerOf(theirs.url, 'dave'), other.cookie)), 'sign_in_unknown', 'with the cookie of another sign-in')
    })

    it('Z12: an answer works once', async () => {
      await invite('erin')
      const { cookie, url } = await begin()
      const answer = await answerOf(url, 'erin')
      await personOf(await get(answer, cookie))
      assert.equal(codeOf(await get(answer, cookie)), 'sign_in_unknown')
    })

    it('an answer with another state, nonce, issuer or code signs nobody in', async () => {
      await invite('frank')
      const changed = async (change: (url: URL) => void, name: string) => {
        const { cookie, url } = await begin()
        const answer = new URL(await answerOf(url, 'frank'), 'http://127.0.0.1:7420')
        change(answer)
        const reply = await get(`${answer.pathname}${answer.search}`, cookie)
        assert.ok(['sign_in_unknown', 'sign_in_failed'].includes(String(codeOf(reply))), `${name}: ${reply.text}`)
        assert.equal(reply.headers['set-cookie'], undefined, name)
      }
      await changed((url) => url.searchParams.set('state', 'A'.repeat(22)), 'state')
      await changed((url) => url.searchParams.append('state', url.searchParams.get('state')!), 'two states')
      await changed((url) => url.searchParams.set('code', 'wrong'), 'code')
      await changed((url) => url.searchParams.set('iss', 'https://evil.example'), 'issuer')
      // The provider is asked with another nonce and puts that one into its ID token.
      const { cookie, url } = await begin()
      const asked = new URL(url)
      asked.searchParams.set('nonce', 'another-nonce-than-ours')
      assert.equal(codeOf(await get(await answerOf(asked.href, 'frank'), cookie)), 'sign_in_failed')
      // A code that was given for another PKCE challenge.
      const stolen = await begin()
      const pkce = new URL(stolen.url)
      pkce.searchParams.set('code_challenge', 'A'.repeat(43))
      assert.equal(codeOf(await get(await answerOf(pkce.href, 'frank'), stolen.cookie)), 'sign_in_failed')
      await personOf(await enter('frank'))
    })

    it('who refuses at the provider is told so, and a suspended person stays out', async () => {
      const { cookie, url } = await begin()
      assert.equal(codeOf(await get(await answerOf(url, 'grace', true), cookie)), 'sign_in_refused')
      await invite('grace')
      await personOf(await enter('grace'))
      await api.ask('PATCH', '/v1/persons/grace@rig.test', { body: { suspended: true } })
      assert.equal(codeOf(await enter('grace')), 'sign_in_refused')
    })

    it('Z9: a sign-in that the provider asked for just now counts as fresh, and ends the session that the browser brought', async () => {
      const old = await signInAs(api, 'manager', 'heidi@rig.test')
      const { cookie, url } = await begin('?again=true')
      assert.deepEqual(
        ['prompt', 'max_age'].map((name) => new URL(url).searchParams.get(name)),
        ['login', '0'],
      )
      const reply = await get(await answerOf(url, 'heidi'), `${cookie}; ${old}`)
      assert.equal((await personOf(reply)).name, 'heidi@rig.test')
      assert.notEqual((await get('/v1/session', cookieOf(reply))).json.fresh_until, null)
      assert.equal((await get('/v1/credentials', old)).status, 401)
      assert.equal((await api.ask('POST', '/v1/session', { key: null, body: { name: 'heidi@rig.test', password: goodPassword } })).status, 200)
      const { link } = await api.services.persons.renewInvitation('heidi@rig.test', tester)
      assert.ok(link.reveal())
    })

    it('a provider that does not answer is named as the cause, on a page and not as JSON', async () => {
      const other = await openApiWorld({ database, oidc: { issuer: 'http://127.0.0.1:9', clientId: 'c', clientSecret: null, claim: 'email', title: 'Away' } })
      const reply = await other.ask('GET', '/oauth/sign-in', { key: null })
      await other.close()
      assert.deepEqual([reply.status, codeOf(reply)], [502, 'sign_in_failed'])
      assert.match(String(reply.headers['content-type']), /html/)
    })
  })
}

describe('without an OpenID provider', () => {
  it('nobody signs in that way', async (t) => {
    const api = await openApiWorld()
    t.after(() => api.close())
    for (const path of ['/oauth/sign-in', '/oauth/sign-in/callback?state=x&code=y']) assert.equal((await api.ask('GET', path, { key: null })).status, 404, path)
  })
})
