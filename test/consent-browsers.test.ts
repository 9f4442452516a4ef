import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { bindConsent } from '../src/storage/consents.ts'
import { cookieOf, openApiWorld, signInAs, type ApiWorld, type Reply } from './api-world.ts'
import { approve } from './rig/agent.ts'
import { clientSecrets, startAuthorizationServer, type AuthorizationServer } from './rig/authorization-server.ts'
import { databases } from './world.ts'

const day = 24 * 3_600_000

for (const database of databases) {
  describe(`which browser may finish a consent, on ${database}`, () => {
    let api: ApiWorld
    let server: AuthorizationServer
    let credential = ''
    let redirect = ''
    before(async () => {
      server = await startAuthorizationServer()
      api = await openApiWorld({ database })
      credential = await make('work <mail>')
      const { registration } = (await api.ask('GET', `/v1/credentials/${credential}`)).json as { registration: { id: string } }
      redirect = String((await api.ask('GET', `/v1/registrations/${registration.id}`)).json.redirect_uri)
    })
    after(async () => {
      await api.close()
      await server.stop()
    })

    const make = async (name: string): Promise<string> => {
      const made = await api.ask('POST', '/v1/credentials', {
        body: {
          name,
          grant: 'authorization_code',
          scopes: ['openid', 'offline_access', 'email', 'smtp.send'],
          options: { authorize_parameters: { prompt: 'consent' } },
          registration: {
            name: `client of ${name}`,
            provider: 'generic',
            client_id: 'web-basic',
            client_secret: clientSecrets['web-basic'],
            placeholders: {
              authorization_endpoint: `${server.issuer}/auth`,
              token_endpoint: `${server.issuer}/token`,
              userinfo_endpoint: `${server.issuer}/me`,
            },
          },
        },
      })
      assert.equal(made.status, 201, made.text)
      return String(made.json.id)
    }
    type Mode = 'browser' | 'link' | 'paste'
    const start = async (mode: Mode = 'browser', session: string | null = null, more: object = {}) => {
      const reply = await api.ask('POST', `/v1/credentials/${credential}/consent`, {
        body: { mode, ...more },
        ...(session === null ? {} : { key: null, headers: { cookie: session } }),
      })
      assert.equal(reply.status, 201, reply.text)
      return { id: String(reply.json.id), path: new URL(String(reply.json.authorization_url ?? reply.json.link)).pathname, json: reply.json }
    }
    const visit = (path: string, cookie: string | null = null, method = 'GET') =>
      api.ask(method, path, { key: null, headers: cookie === null ? {} : { cookie } })
    /** Opens a start, and signs in at the real provider; returns the path of the answer and the cookie of that browser. */
    const answerOf = async (path: string, session: string | null = null, user = 'alice') => {
      const opened = await visit(path, session)
      assert.equal(opened.status, 303, opened.text)
      return { answer: await signInAt(String(opened.headers.location), user), cookie: cookieOf(opened) }
    }
    const signInAt = async (address: string, user: string) => {
      const url = new URL(await approve(address, { user, stop: redirect }))
      return `${url.pathname}${url.search}`
    }
    /** Follows a link as the browser of whoever was sent it. */
    const follow = async (path: string, user = 'alice') => {
      const going = await api.ask('POST', path, { key: null, headers: { origin: new URL(redirect).origin, 'sec-fetch-site': 'same-origin' } })
      assert.equal(going.status, 200, going.text)
      return { answer: await signInAt(leavesFor(going), user), cookie: cookieOf(going), page: going }
    }
    const leavesFor = (reply: Reply) =>
      /http-equiv="refresh" content="0;url=([^"]+)"/.exec(reply.text)![1]!.replace(/&#(\d+);/g, (_, n: string) => String.fromCodePoint(Number(n)))
    const resultOf = async (reply: Reply) => {
      assert.equal(reply.status, 303, reply.text)
      return (await visit(String(reply.headers.location))).text
    }
    const tokenRequests = () => server.requests.filter((request) => request.path === '/token').length
    const statusOf = async (id: string) => (await api.ask('GET', `/v1/consents/${id}`)).json.status
    const refusals = async () => (await api.services.audit.list({ action: 'consent.browser_refused', limit: 500 })).items
    const told = () => api.world.events.filter((event) => event.type === 'consent.browser_refused').length

    /** Another browser comes: it is refused, recorded and told, and the provider hears nothing of it. */
    const isRefused = async (come: () => Promise<string>, id: string) => {
      const [tokens, records, events] = [tokenRequests(), (await refusals()).length, told()]
      assert.match(await come(), /consent_wrong_browser/)
      assert.equal(tokenRequests(), tokens)
      const now = await refusals()
      assert.equal(now.length, records + 1)
      assert.deepEqual([now[0]!.outcome, now[0]!.subject?.id, now[0]!.detail.consent, now[0]!.address], ['refused', credential, id, '127.0.0.1'])
      for (let i = 0; i < 100 && told() === events; i++) await new Promise((done) => setTimeout(done, 20))
      assert.equal(told(), events + 1)
      assert.equal(await statusOf(id), 'waiting', 'it goes on waiting for its own browser')
    }

    it('O2: an answer counts only in the browser that began the consent; from every other one the provider is not asked', async () => {
      const begun = await start()
      const { answer, cookie } = await answerOf(begun.path)
      const other = await answerOf((await start()).path)
      const [name, proof] = cookie.split('=') as [string, string]
      const foreign = other.cookie.split('=')[1]!
      const wrong: Record<string, string | null> = {
        'no cookie': null,
        'the cookie of another consent': other.cookie,
        'what another consent has, under this name': `${name}=${foreign}`,
        'an empty one': `${name}=`,
        'a part of it': `${name}=${proof.slice(0, -1)}`,
        'two of the name': `${name}=${foreign}; ${cookie}`,
        'two of the name, the right one first': `${cookie}; ${name}=${foreign}`,
      }
      for (const [what, one] of Object.entries(wrong)) {
        await isRefused(async () => await resultOf(await visit(answer, one)), begun.id).catch((error: unknown) => {
          throw new Error(what, { cause: error })
        })
      }
      assert.match(await resultOf(await visit(answer, cookie)), /is connected/)
      assert.equal(await statusOf(begun.id), 'done')
      assert.match(await resultOf(await visit(answer, cookie)), /consent_used/)
    })

    it('O2: what a signed-in person starts is begun and finished in that session only: not by others, not signed out, not in another browser', async () => {
      const anna = await signInAs(api, 'manager', `anna ${database}`)
      const bert = await signInAs(api, 'manager', `bert ${database}`)
      const signedIn = await api.ask('POST', '/v1/session', { key: null, body: { name: `anna ${database}`, password: 'seven green lanterns drift' } })
      const elsewhere = cookieOf(signedIn)
      const begun = await start('browser', anna)
      for (const session of [null, bert, elsewhere]) {
        await isRefused(async () => {
          const page = await visit(begun.path, session)
          assert.deepEqual([page.status, page.headers['set-cookie']], [403, undefined])
          assert.match(page.text, /Sign in to Keybearer at http/)
          return page.text
        }, begun.id)
      }
      const { answer, cookie } = await answerOf(begun.path, anna)
      for (const cookies of [cookie, `${cookie}; ${bert}`, `${cookie}; ${elsewhere}`, anna]) {
        await isRefused(async () => await resultOf(await visit(answer, cookies)), begun.id)
      }
      assert.match(await resultOf(await visit(answer, `${anna}; ${cookie}`)), /is connected/)
    })

    it('O2: the cookie is for this host, hidden from scripts, and gone after ten minutes; the database holds hashes only', async () => {
      const begun = await start()
      const opened = await visit(begun.path)
      const [set] = opened.headers['set-cookie'] ?? []
      assert.match(set!, /^keybearer_con_\w{26}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/)
      const row = await api.world.store.db.selectFrom('consents').selectAll().where('id', '=', begun.id).executeTakeFirstOrThrow()
      const text = JSON.stringify(row)
      const state = new URL(String(opened.headers.location)).searchParams.get('state')!
      for (const secret of [cookieOf(opened).split('=')[1]!, begun.path.split('/').at(-1)!, state]) assert.ok(!text.includes(secret))
      assert.ok([row.ticket_hash, row.browser_hash, row.state_hash].every((hash) => /^[0-9a-f]{64}$/.test(hash!)))
    })

    it('O2: the address of a start opens once, however many open it at the same time; looking (HEAD) does not use it up', async () => {
      const begun = await start()
      assert.equal((await visit(begun.path, null, 'HEAD')).status, 200)
      const replies = await Promise.all(Array.from({ length: 8 }, () => visit(begun.path)))
      assert.deepEqual(
        replies.map((reply) => reply.status).sort((one, other) => one - other),
        [303, ...Array.from({ length: 7 }, () => 409)],
      )
      assert.ok(replies.every((reply) => reply.status === 303 || reply.headers['set-cookie'] === undefined))
      assert.equal((await visit(begun.path)).status, 409)
      assert.equal((await visit('/oauth/start/unknown')).status, 400)
      const link = await start('link')
      assert.equal((await visit(`/oauth/start/${link.path.split('/').at(-1)!}`)).status, 400, 'a link is followed by its page only')
    })

    it('O2: when two nodes bind a consent at the same moment, one of them is first and the other one is not', async () => {
      const { id } = await start()
      const bind = () => bindConsent(api.world.store.db, id, 'a'.repeat(64), Date.now() + 60_000)
      assert.equal((await Promise.all([bind(), bind()])).filter(Boolean).length, 1)
      assert.equal(await bind(), false)
    })

    it('O2: an answer to be pasted counts only from whoever started it, and never by the browser that comes back', async () => {
      const begun = await start('paste')
      const answer = await signInAt(String(begun.json.authorization_url), 'alice')
      const tokens = tokenRequests()
      const page = await visit(answer)
      assert.equal(page.status, 409)
      assert.match(page.text, /consent_to_paste/)
      const other = await api.makeKey({ permissions: [], administration: ['manage'] })
      const paste = (id: string, key?: string) =>
        api.ask('POST', `/v1/consents/${id}/response`, {
          body: { redirect_url: `${new URL(redirect).origin}${answer}` },
          ...(key === undefined ? {} : { key }),
        })
      assert.equal((await paste(begun.id, other)).json.code, 'not_allowed')
      const inBrowser = await start()
      const opened = await answerOf(inBrowser.path)
      const pasted = await api.ask('POST', `/v1/consents/${inBrowser.id}/response`, { body: { redirect_url: `${new URL(redirect).origin}${opened.answer}` } })
      assert.equal(pasted.json.code, 'wrong_kind')
      assert.equal(tokenRequests(), tokens)
      assert.equal((await paste(begun.id)).json.status, 'done')
    })

    it('O2: a start sent to somebody else on purpose is a link with a page that asks first; it needs no sign-in and binds the browser that agrees', async () => {
      const anna = await signInAs(api, 'manager', `carla ${database}`)
      const link = await start('link', anna)
      assert.equal(link.json.authorization_url, null)
      const page = await visit(link.path)
      assert.equal(page.status, 200)
      for (const words of [`carla ${database}`, 'work &#60;mail&#62;', 'smtp.send', new URL(server.issuer).host, 'Go on to'])
        assert.ok(page.text.includes(words), words)
      assert.equal(page.headers['set-cookie'], undefined)
      const foreign = await api.ask('POST', link.path, { key: null, headers: { origin: 'https://evil.example' } })
      assert.equal(foreign.json.code, 'origin_not_allowed')
      const { answer, cookie } = await follow(link.path)
      await isRefused(async () => await resultOf(await visit(answer, anna)), link.id)
      assert.match(await resultOf(await visit(answer, cookie)), /is connected/)
      assert.equal(await statusOf(link.id), 'done')
      for (const method of ['GET', 'POST']) assert.match((await visit(link.path, null, method)).text, /works once/)
    })

    it('a link works once, for seven days, and a newer one takes its place', async () => {
      const first = await start('link')
      const second = await start('link')
      assert.match((await visit(first.path)).text, /consent_expired/)
      assert.ok(Math.abs(Date.parse(String(second.json.expires_at)) - Date.now() - 7 * day) < 60_000)
      const replies = await Promise.all(Array.from({ length: 8 }, () => visit(second.path, null, 'POST')))
      assert.equal(replies.filter((reply) => reply.status === 200 && reply.headers['set-cookie'] !== undefined).length, 1)
      const late = await start('link')
      await api.world.store.db
        .updateTable('consents')
        .set({ expires_at: Date.now() - 1 })
        .where('id', '=', late.id)
        .execute()
      assert.match((await visit(late.path)).text, /consent_expired/)
      assert.match((await visit(late.path, null, 'POST')).text, /consent_expired/)
    })

    it('a link that was withdrawn opens nothing, and what came of it before is not taken; it is recorded, and can be done once', async () => {
      const anna = await signInAs(api, 'manager', `wanda ${database}`)
      const list = async () =>
        ((await api.ask('GET', `/v1/credentials/${credential}/consents`)).json.items as { id: string; mode: string; link: unknown }[]).filter(
          (one) => one.mode === 'link',
        )
      const withdraw = (id: string) => api.ask('DELETE', `/v1/consents/${id}`, { key: null, headers: { cookie: anna, origin: new URL(redirect).origin } })
      const link = await start('link')
      const [newest] = await list()
      assert.deepEqual([newest?.id, newest?.link], [link.id, null], 'that it waits is told, the link itself is not')
      assert.equal((await withdraw(link.id)).status, 204)
      assert.ok(!(await list()).some((one) => one.id === link.id))
      for (const method of ['GET', 'POST']) {
        const reply = await visit(link.path, null, method)
        assert.deepEqual([reply.status, /consent_withdrawn/.test(reply.text)], [410, true], reply.text)
      }
      const again = await withdraw(link.id)
      assert.deepEqual([again.status, again.json.code], [409, 'consent_used'])
      assert.equal((await withdraw('con_nobody')).status, 404)
      // Whoever follows it is at the provider already: the answer comes, and is not taken.
      const begun = await start('link')
      const { answer, cookie } = await follow(begun.path)
      const tokens = tokenRequests()
      assert.equal((await withdraw(begun.id)).status, 204)
      assert.match(await resultOf(await visit(answer, cookie)), /consent_withdrawn/)
      assert.equal(tokenRequests(), tokens, 'the provider is not asked')
      const { items } = await api.services.audit.list({ action: 'consent.withdrawn', limit: 10 })
      assert.deepEqual(
        items.map((one) => [one.actor.name, one.subject?.id, one.detail.consent]),
        [begun.id, link.id].map((id) => [`wanda ${database}`, credential, id]),
      )
    })

    it('a link is withdrawn or followed, whichever comes first, and never both', async () => {
      for (let i = 0; i < 10; i++) {
        const { id, path } = await start('link')
        const { answer, cookie } = await follow(path)
        const [gone, come] = await Promise.all([api.ask('DELETE', `/v1/consents/${id}`), visit(answer, cookie).then(resultOf)])
        assert.equal(gone.status === 204, /consent_withdrawn/.test(come), `${gone.status} ${come}`)
        assert.equal(await statusOf(id), gone.status === 204 ? 'failed' : 'done')
      }
    })

    it('O14: by a link too, another account than before changes nothing unless whoever sent it allowed that', async () => {
      const own = await follow((await start('link')).path)
      assert.match(await resultOf(await visit(own.answer, own.cookie)), /is connected/)
      const link = await start('link')
      assert.match((await visit(link.path)).text, /Account that must sign in<\/dt><dd><bdi>alice@rig\.test/)
      const token = async () => (await api.ask('POST', `/v1/credentials/${credential}/token`)).json.access_token
      const before = await token()
      const bob = await follow(link.path, 'bob')
      assert.match(await resultOf(await visit(bob.answer, bob.cookie)), /account_mismatch/)
      assert.equal(await token(), before)
      const free = await start('link', null, { allow_other_account: true })
      assert.doesNotMatch((await visit(free.path)).text, /must sign in/)
      const again = await follow(free.path, 'bob')
      assert.match(await resultOf(await visit(again.answer, again.cookie)), /is connected/)
      assert.equal((await api.ask('GET', `/v1/credentials/${credential}`)).json.username, 'bob@rig.test')
    })

    it('O25: every page of a start and of a link is static, loads nothing, is kept nowhere, framed by nobody, and tells no other site its address', async () => {
      const [begun, link] = [await start(), await start('link')]
      const replies: [string, Reply, string][] = [
        ['start', await visit(begun.path), "'none'"],
        ['opened start', await visit(begun.path), "'none'"],
        ['link', await visit(link.path), "'self'"],
        ['link followed', await visit(link.path, null, 'POST'), "'none'"],
        ['used link', await visit(link.path), "'none'"],
        ['unknown link', await visit('/connect/x'), "'none'"],
      ]
      for (const [name, { headers, text }, forms] of replies) {
        assert.match(
          String(headers['content-security-policy']),
          new RegExp(`^default-src 'none'; style-src 'sha256-[\\w+/=]+'; base-uri 'none'; form-action ${forms}; frame-ancestors 'none'$`),
          name,
        )
        assert.equal(headers['referrer-policy'], name === 'link' ? 'same-origin' : 'no-referrer', name)
        for (const [header, value] of [
          ['cache-control', 'no-store'],
          ['x-frame-options', 'DENY'],
          ['x-content-type-options', 'nosniff'],
          ['cross-origin-opener-policy', 'same-origin'],
        ] as const)
          assert.equal(headers[header], value, `${name}: ${header}`)
        assert.doesNotMatch(text.replace(/<style>.*<\/style>/, ''), /<(?:script|img|link|iframe)|\son\w+=|src=/i, name)
      }
    })

    it('O29: a start and a link send nobody anywhere but to the provider of the credential, whatever the request says', async () => {
      const hostile = ['//evil.example', 'https://evil.example', 'javascript:alert(1)', '%2f%2fevil.example']
      for (const name of ['redirect', 'redirect_uri', 'return_to', 'next', 'url', 'state']) {
        for (const text of hostile) {
          const query = new URLSearchParams({ [name]: text }).toString()
          for (const [mode, method] of [
            ['browser', 'GET'],
            ['link', 'POST'],
          ] as const) {
            const { path } = await start(mode)
            const refused = await api.ask(method, `${path}?${query}`, { key: null })
            assert.deepEqual([refused.json.code, refused.headers.location], ['invalid_request', undefined], 'no query is understood')
            const reply = await api.ask(method, path, { key: null, headers: { 'x-forwarded-host': 'evil.example', referer: 'https://evil.example/' } })
            const target = new URL(mode === 'browser' ? String(reply.headers.location) : leavesFor(reply))
            assert.equal(target.origin, server.issuer)
            assert.equal(target.searchParams.get('redirect_uri'), redirect)
          }
        }
      }
    })
  })
}
