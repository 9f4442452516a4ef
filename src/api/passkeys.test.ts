import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { PublicKeyCredentialCreationOptionsJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import { cookieOf, goodPassword, openApiWorld, signInAs, type ApiWorld, type Ask, type Reply } from '../../test/api-world.ts'
import { Authenticator } from '../../test/authenticator.ts'
import { makeCertificate } from '../../test/certificates.ts'
import { databases, tester } from '../../test/world.ts'
import { createTestClock, type TestClock } from '../base/clock.ts'
import { relyingPartyOf } from '../access/webauthn.ts'

const minute = 60_000
const origin = 'http://localhost:7420'

describe('the name that passkeys belong to', () => {
  it('is that of the public address, localhost on loopback, and none where there is only an address', () => {
    assert.deepEqual(relyingPartyOf('https://keys.example.org'), { id: 'keys.example.org', origin: 'https://keys.example.org' })
    assert.deepEqual(relyingPartyOf('https://keys.example.org:8443'), { id: 'keys.example.org', origin: 'https://keys.example.org:8443' })
    assert.deepEqual(relyingPartyOf('http://127.0.0.1:7420'), { id: 'localhost', origin })
    assert.deepEqual(relyingPartyOf('http://[::1]'), { id: 'localhost', origin: 'http://localhost' })
    assert.equal(relyingPartyOf('https://192.0.2.1'), null)
  })
})

for (const database of databases) {
  describe(`passkeys, on ${database}`, () => {
    let api: ApiWorld
    let clock: TestClock
    before(async () => {
      clock = createTestClock()
      api = await openApiWorld({ database, world: { clock } })
    })
    after(() => api.close())
    // Failures of one test slow the next one down no more.
    const forgetFailures = () => clock.advance(61 * minute)
    beforeEach(forgetFailures)

    const as = (cookie: string, method: string, path: string, more: Ask = {}) => api.ask(method, path, { ...more, key: null, headers: { cookie } })
    const nobody = (method: string, path: string, body: object, cookie?: string) =>
      api.ask(method, path, { key: null, body, ...(cookie === undefined ? {} : { headers: { cookie } }) })
    const begin = async (cookie?: string) => {
      const { json } = await nobody('POST', '/v1/session/passkey/challenge', {}, cookie)
      return { challenge_id: String(json.challenge_id), options: json.options as PublicKeyCredentialRequestOptionsJSON }
    }
    const signIn = async (device: Authenticator, flags: Parameters<Authenticator['get']>[1] = {}, cookie?: string): Promise<Reply> => {
      const { challenge_id, options } = await begin(cookie)
      return await nobody('POST', '/v1/session/passkey', { challenge_id, response: device.get(options, flags) }, cookie)
    }
    const startAdding = async (cookie: string) => {
      const reply = await as(cookie, 'POST', '/v1/passkeys/challenge', { body: {} })
      assert.equal(reply.status, 200, reply.text)
      return { challenge_id: String(reply.json.challenge_id), options: reply.json.options as PublicKeyCredentialCreationOptionsJSON }
    }
    const add = async (cookie: string, device: Authenticator, flags: Parameters<Authenticator['create']>[1] = {}): Promise<Reply> => {
      const { challenge_id, options } = await startAdding(cookie)
      return await as(cookie, 'POST', '/v1/passkeys', { body: { challenge_id, response: device.create(options, flags), name: 'laptop' } })
    }
    const person = async (name: string) => {
      const cookie = await signInAs(api, 'manager', name)
      const device = new Authenticator(origin)
      const added = await add(cookie, device)
      assert.equal(added.status, 201, added.text)
      return { cookie, device, passkey: String(added.json.id) }
    }
    const nameOf = (reply: Reply) => (reply.json.person as { name: string } | null)?.name

    it('a person adds a passkey, signs in with it without a name, sees when, and removes it', async () => {
      assert.deepEqual((await nobody('GET', '/v1/session', {})).json.ways, { password: true, passkey: false, oidc: null })
      const { cookie, device, passkey } = await person('pia')
      assert.deepEqual((await as(cookie, 'GET', '/v1/session')).json.ways, { password: true, passkey: true, oidc: null })
      const reply = await signIn(device)
      assert.equal(reply.status, 200, reply.text)
      assert.equal(nameOf(reply), 'pia')
      const mine = cookieOf(reply)
      assert.equal((await as(mine, 'GET', '/v1/credentials')).status, 200)
      const [listed] = (await as(mine, 'GET', '/v1/passkeys')).json.items as { id: string; name: string; last_used_at: string }[]
      assert.deepEqual([listed?.id, listed?.name, listed?.last_used_at], [passkey, 'laptop', new Date(clock.now()).toISOString()])
      const people = (await api.ask('GET', '/v1/persons')).json.items as { name: string; passkeys: number }[]
      assert.equal(people.find((one) => one.name === 'pia')?.passkeys, 1)
      assert.equal((await as(mine, 'DELETE', `/v1/passkeys/${passkey}`)).status, 204)
      assert.equal((await as(cookie, 'GET', '/v1/credentials')).status, 401, 'other sessions end: the device may have opened them')
      assert.equal((await as(mine, 'GET', '/v1/credentials')).status, 200)
      assert.equal((await signIn(device)).json.code, 'sign_in_refused')
      const { items } = await api.services.audit.list({ limit: 20 })
      const said = items.filter((item) => item.subject?.name === 'pia').map((item) => item.action)
      for (const action of ['person.passkey_added', 'person.signed_in', 'person.passkey_removed'] as const) assert.ok(said.includes(action), action)
    })

    it('Z9: a passkey is added and removed with a fresh sign-in only, and in the session that asked for it', async () => {
      const { cookie, passkey } = await person('quentin')
      const other = cookieOf(await nobody('POST', '/v1/session', { name: 'quentin', password: goodPassword }))
      const { challenge_id, options } = await startAdding(cookie)
      const elsewhere = await as(other, 'POST', '/v1/passkeys', { body: { challenge_id, response: new Authenticator(origin).create(options), name: 'x' } })
      assert.equal(elsewhere.json.code, 'passkey_refused')
      await clock.advance(5 * minute + 1000)
      assert.equal((await as(cookie, 'POST', '/v1/passkeys/challenge', { body: {} })).json.code, 'sign_in_stale')
      assert.equal((await as(cookie, 'DELETE', `/v1/passkeys/${passkey}`)).json.code, 'sign_in_stale')
    })

    it('Z9: a passkey proves again who is there, in the same session; one of somebody else does not', async () => {
      const [rita, sam] = [await person('rita'), await person('sam')]
      await clock.advance(6 * minute)
      const challenge = await begin(rita.cookie)
      assert.deepEqual(
        challenge.options.allowCredentials?.map((one) => one.id),
        [rita.device.passkeys[0]!.id],
      )
      const foreign = await nobody(
        'POST',
        '/v1/session/passkey',
        { challenge_id: challenge.challenge_id, response: sam.device.get(challenge.options) },
        rita.cookie,
      )
      assert.equal(foreign.json.code, 'sign_in_refused')
      const { challenge_id, options } = await begin(rita.cookie)
      const fromOutside = await nobody('POST', '/v1/session/passkey', { challenge_id, response: rita.device.get(options) })
      assert.equal(fromOutside.json.code, 'sign_in_refused', 'the answer comes in the session that asked')
      assert.equal((await as(rita.cookie, 'POST', '/v1/passkeys/challenge', { body: {} })).json.code, 'sign_in_stale')
      const confirmed = await signIn(rita.device, {}, rita.cookie)
      assert.equal(confirmed.status, 200, confirmed.text)
      assert.equal(confirmed.headers['set-cookie'], undefined)
      assert.equal((await as(rita.cookie, 'POST', '/v1/passkeys/challenge', { body: {} })).status, 200)
    })

    it('Z12: a challenge is answered once, within five minutes, for this name, by a person that the device made sure of', async () => {
      const { device } = await person('tom')
      const answer = (challenge_id: string, response: object) => nobody('POST', '/v1/session/passkey', { challenge_id, response })
      const { challenge_id, options } = await begin()
      const response = device.get(options)
      assert.equal((await answer(challenge_id, response)).status, 200)
      assert.equal((await answer(challenge_id, response)).json.code, 'sign_in_refused', 'once')
      const late = await begin()
      await clock.advance(5 * minute)
      assert.equal((await answer(late.challenge_id, device.get(late.options))).json.code, 'sign_in_refused', 'within five minutes')
      const failed = await begin()
      assert.equal(
        (await answer(failed.challenge_id, device.get(failed.options, { origin: 'https://evil.example' }))).json.code,
        'sign_in_refused',
        'another origin',
      )
      assert.equal((await answer(failed.challenge_id, device.get(failed.options))).json.code, 'sign_in_refused', 'a failed answer uses it up, too')
      await forgetFailures()
      assert.equal((await signIn(device, { userVerified: false })).json.code, 'sign_in_refused', 'without the person')
      assert.equal((await signIn(device, { type: 'webauthn.create' })).json.code, 'sign_in_refused', 'another kind of answer')
      const nameless = await begin()
      const silent = device.get(nameless.options)
      delete silent.response.userHandle
      assert.equal((await answer(nameless.challenge_id, silent)).json.code, 'sign_in_refused', 'nobody is named')
      const forged = await begin()
      const proof = device.get(forged.options)
      proof.response.signature = device.get({ ...forged.options, challenge: 'b3RoZXI' }).response.signature
      assert.equal((await answer(forged.challenge_id, proof)).json.code, 'sign_in_refused', 'a signature of something else')
      assert.equal((await signIn(device)).status, 200)
    })

    it('Z12: of many answers to one challenge at the same time one passes', async () => {
      const { device } = await person('uma')
      const { challenge_id, options } = await begin()
      const response = device.get(options)
      const replies = await Promise.all(Array.from({ length: 4 }, () => nobody('POST', '/v1/session/passkey', { challenge_id, response })))
      assert.equal(replies.filter((reply) => reply.status === 200).length, 1)
    })

    it('a counter that went back means a copy: neither signs in any more, and the audit trail says why', async () => {
      const { device } = await person('vic')
      assert.equal((await signIn(device, { counter: 10 })).status, 200)
      assert.equal((await signIn(device, { counter: 10 })).json.code, 'sign_in_refused')
      assert.equal((await signIn(device, { counter: 9 })).json.code, 'sign_in_refused')
      const { items } = await api.services.audit.list({ limit: 5 })
      assert.deepEqual(
        items.filter((item) => item.action === 'person.sign_in_refused').map((item) => [item.reason, item.subject?.name]),
        [
          ['passkey_copied', 'vic'],
          ['passkey_copied', 'vic'],
        ],
      )
      assert.equal((await signIn(device, { counter: 11 })).status, 200)
    })

    it('a passkey without a counter works every time', async () => {
      const { device } = await person('wim')
      device.passkeys[0]!.counter = 0
      await api.world.store.db.updateTable('passkeys').set({ counter: 0 }).where('credential_id', '=', device.passkeys[0]!.id).execute()
      for (let i = 0; i < 2; i++) assert.equal((await signIn(device, { counter: 0 })).status, 200)
    })

    it('Z10: who is suspended does not come in by a passkey, and who joins anew has none of before', async () => {
      const { device } = await person('xaver')
      await api.ask('PATCH', '/v1/persons/xaver', { body: { suspended: true } })
      assert.equal((await signIn(device)).json.code, 'sign_in_refused')
      await api.ask('PATCH', '/v1/persons/xaver', { body: { suspended: false } })
      assert.equal((await signIn(device)).status, 200)
      const { link } = await api.services.persons.renewInvitation('xaver', tester)
      const code = link.reveal().split('#')[1]!
      assert.equal((await nobody('POST', '/v1/invitations/accept', { code, name: 'xaver', password: goodPassword })).status, 200)
      assert.equal((await signIn(device)).json.code, 'sign_in_refused')
    })

    it('what is no passkey for this service is refused, and so is the certificate of a maker, which nobody asked for', async () => {
      const cookie = await signInAs(api, 'viewer', 'yann')
      const maker = makeCertificate({ subject: 'maker', maker: true, issuer: makeCertificate({ subject: 'authority' }) })
      for (const flags of [{ origin: 'https://evil.example' }, { userVerified: false }, { type: 'webauthn.get' }, { maker }]) {
        assert.equal((await add(cookie, new Authenticator(origin), flags)).json.code, 'passkey_refused', Object.keys(flags)[0])
      }
      const { challenge_id, options } = await startAdding(cookie)
      const response = new Authenticator(origin).create({ ...options, rp: { ...options.rp, id: 'evil.example' } })
      assert.equal((await as(cookie, 'POST', '/v1/passkeys', { body: { challenge_id, response, name: 'x' } })).json.code, 'passkey_refused')
      assert.deepEqual((await as(cookie, 'GET', '/v1/passkeys')).json.items, [])
    })

    it('Z2: nobody removes a passkey of somebody else', async () => {
      const [zoe, adam] = [await person('zoe'), await person('adam')]
      assert.equal((await as(adam.cookie, 'DELETE', `/v1/passkeys/${zoe.passkey}`)).json.code, 'not_found')
      assert.equal((await signIn(zoe.device)).status, 200)
    })

    it('P8: whoever begins sign-ins without end is slowed down, and only from where he is', async () => {
      const start = (address: string) => api.services.passkeys.startSignIn(null, address)
      for (let i = 0; i < 30; i++) await start('198.51.100.9')
      await assert.rejects(start('198.51.100.9'), { code: 'rate_limited' })
      await start('198.51.100.10')
      await clock.advance(5 * minute)
      await start('198.51.100.9')
    })
  })
}
