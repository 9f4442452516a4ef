import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isProblem } from '../src/base/problem.ts'
import { Secret } from '../src/base/secret.ts'
import { makePlace, openWorld, tester, type Place, type World } from './world.ts'

const thunderbird = { provider: 'microsoft', clientId: '9e5f94bc-e8a4-4e73-b8be-63364c29d753', popular: 'thunderbird-microsoft' }

describe('the client of another application', () => {
  let place: Place
  let world: World
  before(async () => {
    place = await makePlace('sqlite')
    world = await openWorld(place, { popular: true })
  })
  after(async () => {
    await world.close()
    await place.remove()
  })

  it('is used with its redirect, without a secret, and with its answer pasted by hand', async () => {
    const registration = await world.registrations.create({ name: 'borrowed', ...thunderbird }, tester)
    assert.deepEqual([registration.redirectUri, registration.ownRedirect, registration.clientAuth], ['http://localhost', false, 'none'])
    const { name } = await world.credentials.create(
      {
        name: 'mail',
        kind: 'oauth2',
        grant: 'authorization_code',
        scopes: ['offline_access', 'https://outlook.office.com/SMTP.Send'],
        registration: 'borrowed',
      },
      tester,
    )
    for (const mode of ['browser', 'link'] as const) {
      await assert.rejects(world.consents.start(name, { mode }, tester), (error) => isProblem(error, 'wrong_kind') && /--paste/.test(error.nextStep))
    }
    const consent = await world.consents.start(name, { mode: 'paste' }, tester)
    const asked = new URL(consent.authorizationUrl!)
    assert.equal(asked.searchParams.get('redirect_uri'), 'http://localhost')
    assert.equal(asked.searchParams.get('client_id'), thunderbird.clientId)
    assert.equal(asked.searchParams.get('code_challenge_method'), 'S256')
    const state = asked.searchParams.get('state')!
    await assert.rejects(
      world.consents.respond(consent.id, `https://evil.example/?code=c&state=${state}`, tester),
      (error) => isProblem(error, 'consent_malformed') && error.message.includes('http://localhost/'),
    )
    await assert.rejects(world.consents.respond(consent.id, `http://localhost/?error=access_denied&state=${state}`, tester), (error) =>
      isProblem(error, 'consent_denied'),
    )
  })

  it('is for its own client ID and its own provider only', async () => {
    for (const [change, path] of [
      [{ clientId: 'mine' }, 'client_id'],
      [{ provider: 'google' }, 'provider'],
    ] as const) {
      await assert.rejects(
        world.registrations.create({ name: `other ${path}`, ...thunderbird, ...change }, tester),
        (error) => isProblem(error, 'invalid_request') && error.errors[0]!.path === path,
      )
    }
    await assert.rejects(world.registrations.create({ name: 'none', ...thunderbird, popular: 'no-such' }, tester), (error) => isProblem(error, 'not_found'))
  })

  it('needs the secret that its publisher has, where there is one, from the person', async () => {
    const google = world.context.popular!.find(({ id }) => id === 'thunderbird-google')!
    const input = { name: 'google', provider: 'google', clientId: google.client_id, popular: google.id }
    await assert.rejects(
      world.registrations.create({ ...input, clientAuth: 'client_secret_post' }, tester),
      (error) => isProblem(error, 'invalid_request') && error.errors[0]!.path === 'client_secret',
    )
    const made = await world.registrations.create({ ...input, clientSecret: new Secret('from the source') }, tester)
    assert.equal(made.hasClientSecret, true)
  })

  it('is not offered and not taken unless the settings say so', async () => {
    const other = await makePlace('sqlite')
    const strict = await openWorld(other)
    try {
      assert.equal(strict.providers.popular(), null)
      await assert.rejects(strict.registrations.create({ name: 'borrowed', ...thunderbird }, tester), (error) => isProblem(error, 'not_allowed'))
    } finally {
      await strict.close()
      await other.remove()
    }
  })
})
