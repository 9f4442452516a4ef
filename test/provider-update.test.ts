import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isProblem } from '../src/base/problem.ts'
import { Secret } from '../src/base/secret.ts'
import { parseProvider } from '../src/providers/catalogue.ts'
import type { ProviderInput } from '../src/providers/provider-schema.ts'
import { databases, makePlace, openWorld, startFakeProvider, tester, type FakeProvider, type Place, type World } from './world.ts'

for (const database of databases) {
  describe(`what is known of a provider changes, on ${database}`, () => {
    let place: Place
    let world: World
    let old: FakeProvider
    let other: FakeProvider
    let n = 0
    before(async () => {
      place = await makePlace(database)
      world = await openWorld(place)
      old = await startFakeProvider()
      other = await startFakeProvider()
    })
    after(async () => {
      await world.close()
      await old.close()
      await other.close()
      await place.remove()
    })

    const describeAt = (id: string, url: string, change: Partial<ProviderInput> = {}) =>
      parseProvider(
        {
          id,
          version: 1,
          name: id,
          token_endpoint: `${url}/token`,
          grants: ['client_credentials'],
          client_auth: ['client_secret_post'],
          hosts: ['127.0.0.1'],
          ...change,
        },
        'the test',
      )
    const make = async () => {
      const id = `p${(n += 1)}`
      await world.providers.create(describeAt(id, old.url), tester)
      const registration = { name: `r${n}`, provider: id, clientId: 'client', clientSecret: new Secret('s3cret') }
      const made = await world.credentials.create({ name: `c${n}`, kind: 'oauth2', grant: 'client_credentials', registration, scopes: [] }, tester)
      return { id, registration: registration.name, credential: made.id }
    }
    const renew = async (credential: string) => await world.credentials.refresh(credential, tester)

    it('a credential goes on with the addresses it was made with', async () => {
      const { id, registration, credential } = await make()
      assert.equal((await world.registrations.compareProvider(registration)).digest, null)
      await world.providers.replace(id, describeAt(id, other.url, { version: 2 }), tester)
      const seen = [old.seen.length, other.seen.length]
      await renew(credential)
      assert.deepEqual([old.seen.length, other.seen.length], [seen[0]! + 1, seen[1]])
      const update = await world.registrations.compareProvider(registration)
      assert.deepEqual([update.keptVersion, update.version, update.movesSecrets], [1, 2, true])
      assert.deepEqual(update.differences, [{ field: 'token_endpoint', before: `${old.url}/token`, after: `${other.url}/token` }])
    })

    it('what is accepted is what was shown, and nothing that came after', async () => {
      const { id, registration } = await make()
      await world.providers.replace(id, describeAt(id, old.url, { version: 2, scope_separator: ',' }), tester)
      const { digest } = await world.registrations.compareProvider(registration)
      await world.providers.replace(id, describeAt(id, other.url, { version: 3 }), tester)
      await assert.rejects(world.registrations.acceptProvider(registration, digest!, {}, tester), (error) => isProblem(error, 'changed_meanwhile'))
    })

    it('at the same servers the secret stays and everything goes on', async () => {
      const { id, registration, credential } = await make()
      await world.providers.replace(id, describeAt(id, old.url, { version: 2, token_endpoint: `${old.url}/token/v2` }), tester)
      const update = await world.registrations.compareProvider(registration)
      assert.equal(update.movesSecrets, false)
      const view = await world.registrations.acceptProvider(registration, update.digest!, {}, tester)
      assert.equal(view.hasClientSecret, true)
      await renew(credential)
      assert.equal(old.seen.at(-1)!.path, '/token/v2')
      assert.equal(old.seen.at(-1)!.parameters.get('client_secret'), 's3cret')
      assert.equal((await world.registrations.compareProvider(registration)).digest, null)
    })

    it('N5: at other servers the stored secret is removed unless it is entered again', async () => {
      const { id, registration, credential } = await make()
      await world.providers.replace(id, describeAt(id, other.url, { version: 2 }), tester)
      const seen = other.seen.length
      const update = await world.registrations.compareProvider(registration)
      const view = await world.registrations.acceptProvider(registration, update.digest!, {}, tester)
      assert.equal(view.hasClientSecret, false)
      await renew(credential).catch(() => undefined)
      assert.equal(other.seen.length, seen, 'nothing was sent')
      await world.registrations.change(registration, { clientSecret: new Secret('again') }, tester)
      await renew(credential)
      assert.equal(other.seen.at(-1)!.parameters.get('client_secret'), 'again')
    })

    it('the secret that is entered with it goes to the new servers at once', async () => {
      const { id, registration, credential } = await make()
      await world.providers.replace(id, describeAt(id, other.url, { version: 2 }), tester)
      const update = await world.registrations.compareProvider(registration)
      await world.registrations.acceptProvider(registration, update.digest!, { clientSecret: new Secret('entered') }, tester)
      await renew(credential)
      assert.equal(other.seen.at(-1)!.parameters.get('client_secret'), 'entered')
    })

    it('words alone are no change', async () => {
      const { id, registration } = await make()
      await world.providers.replace(id, describeAt(id, old.url, { version: 2, notes: 'Said better.', docs_url: 'https://docs.example' }), tester)
      assert.equal((await world.registrations.compareProvider(registration)).digest, null)
    })
  })
}
