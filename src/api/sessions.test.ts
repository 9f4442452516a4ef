import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { cookieOf, goodPassword, openApiWorld, signInAs, type ApiWorld, type Ask } from '../../test/api-world.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { Secret } from '../base/secret.ts'
import { databases, tester } from '../../test/world.ts'

const minute = 60_000
const hour = 60 * minute

for (const database of databases) {
  describe(`sessions of persons, on ${database}`, () => {
    let api: ApiWorld
    let clock: TestClock
    let cookie: string
    before(async () => {
      clock = createTestClock()
      api = await openApiWorld({ database, world: { clock } })
      cookie = await signInAs(api, 'administrator', 'anna')
    })
    after(() => api.close())

    const as = (one: string, method: string, path: string, more: Ask = {}) =>
      api.ask(method, path, { ...more, key: null, headers: { cookie: one, ...more.headers } })
    const signIn = (name: string, password: string, more: Ask = {}) => api.ask('POST', '/v1/session', { key: null, body: { name, password }, ...more })

    it('a person signs in, is known, and signs out', async () => {
      const reply = await signIn('Anna', goodPassword)
      assert.equal(reply.status, 200)
      assert.equal((reply.json.person as { name: string }).name, 'anna')
      const mine = cookieOf(reply)
      assert.match(String(reply.headers['set-cookie']), /^keybearer_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
      assert.equal((await as(mine, 'GET', '/v1/credentials')).status, 200)
      const out = await as(mine, 'DELETE', '/v1/session')
      assert.equal(out.status, 204)
      assert.match(String(out.headers['set-cookie']), /Max-Age=0/)
      assert.equal((await as(mine, 'GET', '/v1/credentials')).status, 401)
      const { items } = await api.services.audit.list({ limit: 3 })
      assert.ok(items.some((item) => item.action === 'person.signed_out' && item.actor.name === 'anna'))
    })

    it('Z9: signing in makes a new session and ends the one that the browser brought, whoever prepared it', async () => {
      const prepared = cookieOf(await signIn('anna', goodPassword))
      const reply = await signIn('anna', goodPassword, { headers: { cookie: prepared } })
      assert.notEqual(cookieOf(reply), prepared)
      assert.equal((await as(prepared, 'GET', '/v1/credentials')).status, 401)
      assert.equal((await as(`keybearer_session=${'A'.repeat(43)}`, 'GET', '/v1/credentials')).status, 401)
    })

    it('Z9: a copied cookie is worth nothing after signing out', async () => {
      const mine = cookieOf(await signIn('anna', goodPassword))
      const copied = mine
      await as(mine, 'DELETE', '/v1/session')
      assert.equal((await as(copied, 'GET', '/v1/session')).json.person, null)
      assert.equal((await as(copied, 'GET', '/v1/status')).status, 401)
    })

    it('Z9: a new password ends all other sessions at once', async () => {
      const [one, other] = [await signInAs(api, 'viewer', 'paula'), cookieOf(await signIn('paula', goodPassword))]
      const next = 'another quiet orange river'
      assert.equal((await as(one, 'POST', '/v1/session/password', { body: { current: 'wrong password here', password: next } })).json.code, 'sign_in_refused')
      assert.equal((await as(one, 'POST', '/v1/session/password', { body: { current: goodPassword, password: 'short' } })).json.code, 'password_weak')
      const changed = await as(one, 'POST', '/v1/session/password', { body: { current: goodPassword, password: next } })
      assert.equal(changed.status, 200, changed.text)
      assert.equal((await as(one, 'GET', '/v1/credentials')).status, 200)
      assert.equal((await as(other, 'GET', '/v1/credentials')).status, 401)
      assert.equal((await signIn('paula', goodPassword)).json.code, 'sign_in_refused')
      assert.equal((await signIn('paula', next)).status, 200)
    })

    it('Z9: what is hard to undo needs a sign-in of the last five minutes; a key is not concerned', async () => {
      const mine = cookieOf(await signIn('anna', goodPassword))
      const invite = (name: string, more: Ask = {}) => as(mine, 'POST', '/v1/persons', { body: { name, role: 'viewer' }, ...more })
      assert.equal((await invite('early')).status, 201)
      await clock.advance(5 * minute + 1000)
      const late = await invite('late')
      assert.equal(late.status, 403)
      assert.equal(late.json.code, 'sign_in_stale')
      assert.equal((await as(mine, 'POST', '/v1/session/confirmation', { body: { password: 'not the one it is' } })).json.code, 'sign_in_refused')
      assert.equal((await as(mine, 'POST', '/v1/session/confirmation', { body: { password: goodPassword } })).status, 200)
      assert.equal((await invite('late')).status, 201)
      await clock.advance(10 * minute)
      assert.equal((await api.ask('POST', '/v1/persons', { body: { name: 'by key', role: 'viewer' } })).status, 201)
    })

    it('Z9: an export, access keys, persons, webhooks and an emergency stop need a fresh sign-in; what a person may not do at all is not asked for twice', async () => {
      const [mine, viewer] = [cookieOf(await signIn('anna', goodPassword)), await signInAs(api, 'viewer')]
      const calls: [method: string, path: string, body?: object][] = [
        ['POST', '/v1/credentials/export', { secrets: 'none' }],
        ['POST', '/v1/access-keys', { name: 'made by hand', permissions: [] }],
        ['DELETE', '/v1/access-keys/key_01kcw3x8000000000000000000'],
        ['GET', '/v1/audit/export'],
        ['POST', '/v1/persons', { name: 'by hand', role: 'viewer' }],
        ['PATCH', '/v1/persons/nobody-at-all', { role: 'viewer' }],
        ['DELETE', '/v1/persons/nobody-at-all'],
        ['POST', '/v1/persons/nobody-at-all/invitation'],
        ['POST', '/v1/emergency-stops', { match: { tag: 'of nothing' }, revoke: true }],
        ['POST', '/v1/emergency-stops/stop_01kcw3x8000000000000000000/undo', {}],
        ['POST', '/v1/webhooks', { name: 'pager', url: 'https://hooks.example/x', events: ['credential.broken'] }],
        ['PATCH', '/v1/webhooks/nobody-at-all', { enabled: false }],
        ['POST', '/v1/webhooks/nobody-at-all/secret', {}],
      ]
      const codes = async (one: string) =>
        await Promise.all(calls.map(async ([method, path, body]) => String((await as(one, method, path, body === undefined ? {} : { body })).json.code)))
      await clock.advance(5 * minute + 1000)
      assert.deepEqual(
        await codes(mine),
        calls.map(() => 'sign_in_stale'),
      )
      assert.deepEqual(
        await codes(viewer),
        calls.map(() => 'not_allowed'),
      )
      assert.equal((await as(mine, 'POST', '/v1/session/confirmation', { body: { password: goodPassword } })).status, 200)
      assert.ok(!(await codes(mine)).includes('sign_in_stale'))
    })

    it('Z9: a session ends without requests after eight hours, and in any case after seven days; an open page keeps none alive', async () => {
      const idle = cookieOf(await signIn('anna', goodPassword))
      await clock.advance(7 * hour)
      await as(idle, 'GET', '/v1/session')
      await clock.advance(hour + minute)
      assert.equal((await as(idle, 'GET', '/v1/credentials')).status, 401)
      const busy = cookieOf(await signIn('anna', goodPassword))
      for (let passed = 0; passed < 167; passed += 7) {
        assert.equal((await as(busy, 'GET', '/v1/credentials')).status, 200, `after ${passed} hours`)
        await clock.advance(7 * hour)
      }
      assert.equal((await as(busy, 'GET', '/v1/credentials')).status, 401)
      cookie = cookieOf(await signIn('anna', goodPassword))
    })

    it('Z10: another role, a suspension and a removal work at the next request, on open sessions too', async () => {
      const bob = await signInAs(api, 'manager', 'bob')
      const change = (body: object) => api.ask('PATCH', '/v1/persons/bob', { body })
      assert.equal((await as(bob, 'GET', '/v1/registrations')).status, 200)
      assert.equal((await change({ role: 'viewer' })).status, 200)
      assert.equal((await as(bob, 'GET', '/v1/registrations')).status, 403)
      assert.equal((await as(bob, 'GET', '/v1/credentials')).status, 200)
      await change({ suspended: true })
      assert.equal((await as(bob, 'GET', '/v1/credentials')).status, 401)
      assert.equal((await signIn('bob', goodPassword)).json.code, 'sign_in_refused')
      await change({ suspended: false })
      const again = cookieOf(await signIn('bob', goodPassword))
      assert.equal((await api.ask('DELETE', '/v1/persons/bob')).status, 204)
      assert.equal((await as(again, 'GET', '/v1/credentials')).status, 401)
    })

    it('the last administrator can neither be removed, nor suspended, nor made less', async () => {
      for (const [method, body] of [
        ['DELETE', undefined],
        ['PATCH', { suspended: true }],
        ['PATCH', { role: 'viewer' }],
      ] as const) {
        const reply = await api.ask(method, '/v1/persons/anna', body === undefined ? {} : { body })
        assert.equal(reply.json.code, 'last_administrator', `${method} ${JSON.stringify(body)}`)
      }
    })

    it('Z4: no answer holds a password, its hash, the code of a link or what the cookie holds, but once to whom it belongs', async () => {
      const invited = await as(cookie, 'POST', '/v1/persons', { body: { name: 'carl', role: 'viewer' } })
      const code = (invited.json.link as string).split('#')[1]!
      const texts = [
        ...(await Promise.all(
          ['/v1/persons', '/v1/session', '/v1/sessions', '/v1/audit', '/v1/settings', '/v1/status'].map((path) => as(cookie, 'GET', path)),
        )),
        await as(cookie, 'PATCH', '/v1/persons/carl', { body: { role: 'manager' } }),
      ].map((reply) => reply.text)
      for (const text of texts) {
        for (const secret of [goodPassword, code, cookie.split('=')[1]!, 'argon2']) assert.ok(!text.includes(secret), secret)
      }
    })

    it('Z5: a page of another site changes nothing with the cookie of a person, whatever form it posts', async () => {
      const view = await api.world.credentials.create({ name: 'target', kind: 'api_key', secret: new Secret('CANARY') }, tester)
      const tries: Ask[] = [
        { headers: { origin: 'https://evil.example' } },
        { headers: { origin: 'null' } },
        { headers: { 'sec-fetch-site': 'cross-site' } },
        { headers: { 'sec-fetch-site': 'same-site' } },
        { headers: { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' } },
        { raw: '{}', headers: { 'content-type': 'text/plain', 'content-length': '2', origin: 'https://evil.example' } },
      ]
      for (const attempt of tries) {
        const reply = await as(cookie, 'POST', `/v1/credentials/${view.id}/pause`, attempt)
        assert.equal(reply.status, 403, JSON.stringify(attempt))
        const out = await as(cookie, 'DELETE', '/v1/session', attempt)
        assert.equal(out.status, 403)
      }
      assert.equal((await api.world.credentials.get(view.id)).status, 'ready')
      const own = await as(cookie, 'POST', `/v1/credentials/${view.id}/pause`, {
        headers: { origin: 'http://127.0.0.1:7420', 'sec-fetch-site': 'same-origin' },
      })
      assert.equal(own.status, 200)
    })

    it('Z5: a viewer tests nothing and sends nothing', async () => {
      const viewer = await signInAs(api, 'viewer')
      for (const path of ['/v1/credentials/target/test', '/v1/credentials/target/token', '/v1/senders/x/test', '/v1/mail/messages']) {
        assert.equal((await as(viewer, 'POST', path, { body: {} })).status, 403, path)
      }
    })

    it('Z6: only the fields that are named can be set', async () => {
      const viewer = await signInAs(api, 'viewer', 'vera')
      for (const extra of [{ role: 'administrator' }, { id: 'per_1' }, { person: { role: 'administrator' } }, { constructor: {} }]) {
        const reply = await as(viewer, 'POST', '/v1/session/confirmation', { body: { password: goodPassword, ...extra } })
        assert.equal(reply.json.code, 'invalid_request', JSON.stringify(extra))
      }
      const raw = '{"role":"viewer","__proto__":{"suspended":true}}'
      const polluted = await api.ask('PATCH', '/v1/persons/vera', {
        raw,
        headers: { 'content-type': 'application/json', 'content-length': String(raw.length) },
      })
      assert.notEqual(polluted.status, 500)
      assert.equal((await as(viewer, 'GET', '/v1/credentials')).status, 200)
    })

    it('Z12: after some wrong passwords this address waits, longer each time, and the owner gets in from another one', async () => {
      await signInAs(api, 'viewer', 'walter')
      const { signIn: inner } = api.services
      const attempt = (address: string, password: string) =>
        inner.withPassword({ name: 'walter', password: new Secret(password) }, { address, userAgent: null, replaces: null })
      for (let i = 0; i < 5; i++) assert.equal((await attempt('198.51.100.7', `wrong password ${i}`)).kind, 'refused')
      await assert.rejects(attempt('198.51.100.7', goodPassword), { code: 'rate_limited' })
      assert.equal((await attempt('203.0.113.9', goodPassword)).kind, 'signed_in')
      await clock.advance(2 * minute)
      assert.equal((await attempt('198.51.100.7', goodPassword)).kind, 'signed_in')
    })

    it('Z12: nobody learns from the answer or its time whether there is a person of this name', async () => {
      const { signIn: inner } = api.services
      const time = async (name: string, from: number) => {
        const started = performance.now()
        const outcome = await inner.withPassword(
          { name, password: new Secret('some wrong password') },
          { address: `192.0.2.${from}`, userAgent: null, replaces: null },
        )
        assert.equal(outcome.kind, 'refused')
        return performance.now() - started
      }
      const known: number[] = []
      const unknown: number[] = []
      for (let i = 0; i < 8; i++) {
        known.push(await time('anna', i))
        unknown.push(await time(`nobody ${i}`, 100 + i))
      }
      const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!
      const ratio = middle(known) / middle(unknown)
      assert.ok(ratio > 0.5 && ratio < 2, `${middle(known)} ms for a known name, ${middle(unknown)} ms for an unknown one`)
      const [one, other] = [await signIn('anna', 'some wrong password'), await signIn('nobody at all', 'some wrong password')]
      const said = (text: string) => text.replace(/"request_id":"[^"]*"/, '')
      assert.equal(said(one.text), said(other.text))
    })

    it('Z13: a name has one meaning, however it is written', async () => {
      await signInAs(api, 'viewer', 'Jörg Admin')
      for (const name of ['jörg admin', 'JÖRG  ADMIN', ' Jörg Admin ', 'Jo\u0308rg Admin', 'ｊörg admin']) {
        const reply = await as(cookie, 'POST', '/v1/persons', { body: { name, role: 'administrator' } })
        assert.ok(['name_taken', 'sign_in_stale'].includes(String(reply.json.code)), `${name}: ${reply.text}`)
        const byKey = await api.ask('POST', '/v1/persons', { body: { name, role: 'administrator' } })
        assert.equal(byKey.json.code, 'name_taken', name)
      }
      for (const name of ['ad\u200bmin', 'admin\u202e', '../admin', 'a%2fb', 'per_01kcw3x8000000000000000000', 'service', '']) {
        assert.equal((await api.ask('POST', '/v1/persons', { body: { name, role: 'viewer' } })).json.code, 'invalid_request', JSON.stringify(name))
      }
    })

    it('two cookies of the name, or one with a key beside it, are not guessed about', async () => {
      const both = await as(`${cookie}; ${cookie.slice(0, -1)}A`, 'GET', '/v1/credentials')
      assert.equal(both.status, 401)
      const keyed = await api.ask('GET', '/v1/session', { headers: { cookie } })
      assert.equal(keyed.status, 200)
      const wrongKey = await api.ask('GET', '/v1/credentials', { key: `kb_${'A'.repeat(46)}`, headers: { cookie } })
      assert.equal(wrongKey.status, 401, 'a key that is sent counts, and a wrong one is not made good by a cookie')
    })

    it('an invitation is good once, until a newer one, and for seven days', async () => {
      const first = (await api.ask('POST', '/v1/persons', { body: { name: 'dora', role: 'viewer' } })).json.link as string
      const second = (await api.ask('POST', '/v1/persons/dora/invitation')).json.link as string
      const code = (link: string) => link.split('#')[1]!
      const accept = (link: string) =>
        api.ask('POST', '/v1/invitations/accept', { key: null, body: { code: code(link), name: 'dora', password: goodPassword } })
      assert.equal((await accept(first)).json.code, 'invitation_unknown')
      assert.equal((await api.ask('POST', '/v1/invitations/open', { key: null, body: { code: code(second) } })).json.name, 'dora')
      const outcomes = await Promise.all([accept(second), accept(second), accept(second)])
      assert.deepEqual(
        outcomes.map((one) => one.status).sort((a, b) => a - b),
        [200, 400, 400],
      )
      const third = (await api.ask('POST', '/v1/persons/dora/invitation')).json.link as string
      await clock.advance(7 * 24 * hour + 1000)
      assert.equal((await accept(third)).json.code, 'invitation_unknown')
    })
  })

  describe(`the first set-up, on ${database}`, () => {
    it('Z11: nobody gets in before the one-time code was used, one of several at once wins, and it is closed for good', async (t) => {
      const api = await openApiWorld({ database })
      t.after(() => api.close())
      assert.equal((await api.ask('GET', '/v1/session', { key: null })).json.setup_needed, true)
      assert.equal((await api.ask('POST', '/v1/session', { key: null, body: { name: 'admin', password: 'admin' } })).json.code, 'sign_in_refused')
      const setUp = (code: string, name: string) => api.ask('POST', '/v1/setup', { key: null, body: { code, name, password: goodPassword } })
      assert.equal((await setUp('guess', 'eve')).json.code, 'invitation_unknown')
      const link = (await api.setUpLink())!
      const code = link.split('#')[1]!
      assert.match(link, /\/set-up#[\w-]{43}$/)
      const weak = await api.ask('POST', '/v1/setup', { key: null, body: { code, name: 'anna', password: 'passwordpassword' } })
      assert.equal(weak.json.code, 'password_weak')
      const outcomes = await Promise.all(['anna', 'bert', 'carl'].map((name) => setUp(code, name)))
      assert.deepEqual(
        outcomes.map((one) => one.status).sort((a, b) => a - b),
        [200, 409, 409],
      )
      const cookie = cookieOf(outcomes.find((one) => one.status === 200)!)
      assert.equal((await api.ask('GET', '/v1/persons', { key: null, headers: { cookie } })).status, 200)
      assert.equal((await setUp(code, 'again')).json.code, 'setup_done')
      assert.equal((await api.ask('GET', '/v1/session', { key: null })).json.setup_needed, false)
      assert.equal(await api.setUpLink(), null)
    })
  })
}
