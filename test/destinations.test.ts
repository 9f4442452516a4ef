import assert from 'node:assert/strict'
import { after, before, describe, it, test } from 'node:test'
import { makeJar } from './consent-jar.ts'
import { isProblem } from '../src/base/problem.ts'
import { Secret } from '../src/base/secret.ts'
import { letter, makeMailBed, somebody, untilDelayed } from './mail-world.ts'
import { databases, makePlace, openWorld, startFakeProvider, tester, type FakeProvider, type Place, type World } from './world.ts'

for (const database of databases) {
  describe(`where tokens may go, on ${database}`, () => {
    let place: Place
    let world: World
    let fake: FakeProvider
    let foreign: FakeProvider
    before(async () => {
      place = await makePlace(database)
      world = await openWorld(place)
      fake = await startFakeProvider()
      foreign = await startFakeProvider()
      await world.providers.create(
        {
          id: 'split',
          version: 1,
          name: 'Split',
          token_endpoint: `${fake.url}/token`,
          authorization_endpoint: `${fake.url}/authorize`,
          userinfo_endpoint: `${foreign.url}/me`,
          test_request: { url: `${foreign.url}/test` },
          grants: ['authorization_code'],
          client_auth: ['client_secret_basic'],
          mail: { smtp: [{ host: 'smtp.split.test', port: 465, tls: 'implicit', mechanisms: ['XOAUTH2'], scopes: ['https://split.test/mail'] }] },
        } as never,
        tester,
      )
    })
    after(async () => {
      await world.close()
      await fake.close()
      await foreign.close()
      await place.remove()
    })

    const make = async (name: string, hosts?: string[]) =>
      await world.credentials.create(
        {
          name,
          kind: 'oauth2',
          grant: 'authorization_code',
          scopes: ['openid', 'https://split.test/files'],
          registration: { name, provider: 'split', clientId: 'c', clientSecret: new Secret('s') },
          refreshToken: new Secret(`rt-${name}`),
          ...(hosts ? { allowedHosts: hosts } : {}),
        },
        tester,
      )
    const refused = async (id: string) =>
      (await world.context.audit.list({ subject: id, outcome: 'refused' })).items.filter((item) => item.reason === 'destination_not_allowed')

    it('N4: the test request goes to an allowed host, and to no other, whatever was saved before', async () => {
      const { id } = await make('test-request')
      assert.equal((await world.credentials.test(id, tester)).ok, true)
      const seen = foreign.seen.length
      assert.ok(seen > 0)
      await world.credentials.change(id, { allowedHosts: ['elsewhere.example'] }, tester)
      const report = await world.credentials.test(id, tester)
      assert.equal(report.ok, false)
      assert.match(report.steps.at(-1)!.message, /may not be sent to 127\.0\.0\.1/)
      assert.equal(foreign.seen.length, seen)
      assert.equal((await refused(id)).length, 1)
    })

    it('N4: a consent asks for the account only at an allowed host', async () => {
      const connect = async (name: string) => {
        const consent = await world.consents.start(name, { mode: 'browser' }, tester)
        const { registration } = await world.credentials.get(name)
        const jar = makeJar()
        const state = (await jar.open(world, consent)).searchParams.get('state')!
        await world.consents.callback(registration!.id, new URLSearchParams({ code: 'c', state }), jar)
        return await world.credentials.get(name)
      }
      foreign.answer = () => ({ body: { sub: '17', email: 'anna@split.test' } })
      await make('asks')
      assert.equal((await connect('asks')).username, 'anna@split.test')
      const seen = foreign.seen.length
      await make('asks-not', [new URL(fake.url).host])
      const view = await connect('asks-not')
      assert.deepEqual([view.username, view.hasSecret], [null, true])
      assert.equal(foreign.seen.length, seen)
    })

    it('N4: a host that is taken off the list while the token is fetched does not get it', async () => {
      const { id } = await make('meanwhile')
      const { answer } = fake
      fake.answer = async (request, count) => {
        await world.credentials.change(id, { allowedHosts: ['elsewhere.example'] }, tester)
        return await answer(request, count)
      }
      await assert.rejects(world.credentials.handOut(id, { purpose: 'test', destination: { host: new URL(foreign.url).host }, actor: tester }), (error) =>
        isProblem(error, 'destination_not_allowed'),
      )
      fake.answer = answer
      assert.equal((await refused(id)).length, 1)
    })

    it('O30: a token is refused to a foreign host, and to a mail server it was not issued for, before anything is called', async () => {
      const { id } = await make('files')
      const seen = fake.seen.length + foreign.seen.length
      for (const host of ['foreign.example', 'smtp.split.test']) {
        await assert.rejects(
          world.credentials.handOut(id, { purpose: 'mail', destination: { host, port: 465 }, actor: tester }),
          (error) => isProblem(error, 'destination_not_allowed') && error.nextStep.includes(host),
        )
      }
      assert.equal(fake.seen.length + foreign.seen.length, seen)
      const records = await refused(id)
      assert.deepEqual(records.map((record) => String(record.detail.destination)).toSorted(), ['foreign.example:465', 'smtp.split.test:465'])
      // Once there is a token, the same holds.
      await world.credentials.handOut(id, { purpose: 'token', actor: tester })
      await assert.rejects(world.credentials.handOut(id, { purpose: 'mail', destination: { host: 'smtp.split.test', port: 465 }, actor: tester }), (error) =>
        isProblem(error, 'destination_not_allowed'),
      )
    })
  })
}

test('N4: mail is not sent through a server that was taken off the list after the sender was saved: it sees no byte', async (t) => {
  const bed = await makeMailBed(t)
  const id = await bed.token()
  await bed.sender({ credential: id })
  await bed.world.credentials.change(id, { allowedHosts: ['elsewhere.example'] }, tester)
  const message = await bed.outbox.accept(letter, somebody)
  const waiting = await untilDelayed(bed, message.id)
  assert.equal(waiting.problem?.code, 'destination_not_allowed')
  assert.equal(bed.server.connections, 0)
  await bed.world.credentials.change(id, { allowedHosts: [`127.0.0.1:${bed.server.port + 1}`] }, tester)
  await bed.outbox.retry(message.id, somebody)
  await untilDelayed(bed, message.id, 2)
  assert.equal(bed.server.connections, 0, 'a port of the list is that port alone')
})

test('N4: a sender to a host that the credential does not list cannot be saved or changed to', async (t) => {
  const bed = await makeMailBed(t)
  const credential = await bed.token('work-mail', ['127.0.0.1'])
  const foreign = { host: 'localhost', credential }
  await assert.rejects(bed.sender(foreign), (error) => isProblem(error, 'destination_not_allowed'))
  const sender = await bed.sender({ credential })
  await assert.rejects(bed.senders.change(sender.id, { host: 'localhost' }, somebody), (error) => isProblem(error, 'destination_not_allowed'))
  const other = await bed.token('other-mail', ['localhost'])
  await assert.rejects(bed.senders.change(sender.id, { credential: other }, somebody), (error) => isProblem(error, 'destination_not_allowed'))
})
