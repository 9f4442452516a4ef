import assert from 'node:assert/strict'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ServiceLock } from '../src/access/service-lock.ts'
import { contract } from '../src/api/contract.ts'
import type { Endpoint } from '../src/api/endpoint.ts'
import { VaultLocked } from '../src/base/vault.ts'
import type { LockableVault } from '../src/crypto/vault.ts'
import { readAttempt } from '../src/storage/refresh-attempts.ts'
import { send, type Ask, type Reply } from './api-world.ts'
import { addApp, makeService, type TestService } from './service.ts'
import { databases, makePlace, makeRefreshable, openWorld, startFakeProvider, tester, type FakeProvider, type World } from './world.ts'

const passphrase = 'five quiet lanterns over water'

type Bed = { service: TestService; fake: FakeProvider; ask: (method: string, path: string, ask?: Ask) => Promise<Reply>; ready: () => Promise<string> }

async function makeBed(t: TestContext, settings: Record<string, string> = {}): Promise<Bed> {
  const fake = await startFakeProvider()
  const service = await makeService(settings)
  t.after(async () => {
    await service.remove()
    await fake.close()
  })
  await service.start()
  const port = Number(new URL(service.url).port)
  const ask: Bed['ask'] = async (method, path, given = {}) =>
    await send(port, method, path, { ...given, key: given.key === undefined ? readFileSync(join(service.config, 'access-key'), 'utf8').trim() : given.key })
  return {
    service,
    fake,
    ask,
    ready: async () =>
      await ask('GET', '/readyz').then(
        ({ status, json }) => (status === 200 ? 'ready' : json.facts === undefined ? 'on its way' : String(json.code)),
        () => 'away',
      ),
  }
}

async function addRobot({ service, fake }: Bed): Promise<void> {
  await addApp(service, [`token_endpoint=${fake.url}/token`])
  await service.get('add', 'robot', '--registration', 'app', '--grant', 'client_credentials')
}

async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await is()) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`not within 20 s: ${what}`)
}

const managed = (row: Endpoint) => row.path !== '/v1/unlock'

describe('a locked service', () => {
  it(
    'K9: answers for its health, tells that it is locked, and takes the unlocking; every other route is refused for everybody',
    { timeout: 120_000 },
    async (t) => {
      const bed = await makeBed(t)
      const { service, ask } = bed
      await addRobot(bed)
      assert.match(await service.get('token', 'robot'), /^at-/)
      assert.equal(await service.get('lock'), 'Locked. To go on: keybearer unlock\n')

      const answering: string[] = []
      for (const row of (contract as readonly Endpoint[]).filter(managed)) {
        const path = row.path.replace('{credential}', 'robot').replace(/\{\w+\}/g, 'x')
        for (const key of [undefined, null]) {
          const reply = await ask(row.method, path, { ...(key === null ? { key } : {}), ...(row.method === 'GET' ? {} : { body: {} }) })
          if (reply.status !== 503 || reply.json.code !== 'locked') answering.push(`${row.id} ${reply.status}`)
        }
      }
      assert.deepEqual(answering, ['getLiveness 200', 'getLiveness 200'])
      assert.equal((await ask('POST', '/v1/unlock', { key: null })).status, 401)
      assert.equal((await ask('POST', '/v1/unlock', { headers: { origin: 'https://evil.example' } })).json.code, 'origin_not_allowed')

      // It is still locked after a restart.
      await service.kill9()
      await service.start('/livez')
      assert.equal(await bed.ready(), 'locked')
      assert.match(service.output(), /^ {2}locked {6}nothing is opened/m)
      assert.equal((await service.cli(['token', 'robot'])).status, 75)
      assert.equal(await service.get('unlock'), 'Unlocked.\n')
      assert.match(await service.get('token', 'robot'), /^at-/)
      const { items } = (await ask('GET', '/v1/audit?limit=100')).json as { items: { action: string; outcome: string; actor: { name: string } }[] }
      assert.deepEqual(
        items.filter(({ action }) => /^service\.(?:un)?locked$/.test(action)).map(({ action, actor }) => `${action} ${actor.name}`),
        ['service.unlocked local command line', 'service.locked local command line'],
      )
      assert.match(await service.get('audit', 'verify'), /records fit together/)
    },
  )

  it('K9: takes its key only for somebody who manages, and says what is wrong with a key that is not the one', { timeout: 120_000 }, async (t) => {
    const bed = await makeBed(t)
    const { service, ask } = bed
    await addRobot(bed)
    const reader = (await service.get('key', 'create', 'reader', '--credential', 'robot', '--right', 'token')).trim()
    assert.equal((await ask('POST', '/v1/lock', { key: reader })).status, 403)
    await service.get('lock')
    assert.equal((await ask('POST', '/v1/unlock', { key: reader })).status, 403)
    const file = join(service.config, 'master.key')
    renameSync(file, `${file}.away`)
    assert.equal((await ask('POST', '/v1/unlock')).json.code, 'master_key_missing')
    writeFileSync(file, `${Buffer.alloc(32, 'ab').toString('base64').replace(/^./, 'Q')}\n`, { mode: 0o600 })
    assert.equal((await ask('POST', '/v1/unlock')).json.code, 'master_key_wrong')
    assert.equal(await bed.ready(), 'locked')
    renameSync(`${file}.away`, file)
    assert.equal((await ask('POST', '/v1/unlock')).status, 202)
    await until('it is ready', async () => (await bed.ready()) === 'ready')
    const { items } = (await ask('GET', '/v1/audit?action=service.unlocked')).json as { items: { detail: Record<string, number> }[] }
    assert.equal(items[0]?.detail.refused_before, 3)
  })

  it('K9: runs no job: nothing is renewed until it is unlocked', { timeout: 120_000 }, async (t) => {
    const bed = await makeBed(t)
    const { fake, service } = bed
    fake.answer = () => ({ body: { access_token: `at-${fake.seen.length}`, expires_in: 3 } })
    await addRobot(bed)
    await service.get('token', 'robot')
    await until('it renews by itself', () => fake.seen.length >= 3)
    await service.get('lock')
    const seen = fake.seen.length
    await new Promise((done) => setTimeout(done, 6000))
    assert.equal(fake.seen.length, seen)
    await service.get('unlock')
    await until('it renews by itself again', () => fake.seen.length >= seen + 2)
  })

  it('K9: keeps the refresh token that comes while it is being locked, and opens nothing meanwhile', { timeout: 120_000 }, async (t) => {
    const bed = await makeBed(t)
    const { fake, service, ask } = bed
    const given: (string | null)[] = []
    fake.answer = ({ parameters }) => {
      given.push(parameters.get('refresh_token'))
      return { body: { access_token: `at-${given.length}`, expires_in: 3600, refresh_token: `rt-${given.length}` }, wait: given.length === 2 ? 2500 : 0 }
    }
    await addApp(service, [`token_endpoint=${fake.url}/token`, `authorization_endpoint=${fake.url}/authorize`])
    const body = { name: 'mail', kind: 'oauth2', grant: 'authorization_code', registration: 'app', refresh_token: 'rt-0' }
    assert.equal((await ask('POST', '/v1/credentials', { body })).status, 201)
    await until('it is renewed', () => given.length === 1)
    await until('it works', async () => (await ask('GET', '/v1/credentials/mail')).json.status === 'ready')
    const refreshing = ask('POST', '/v1/credentials/mail/refresh').catch(() => null)
    await until('the provider is asked', () => given.length === 2)
    assert.equal((await ask('POST', '/v1/lock')).status, 202)
    // Health is told while the answer is waited for, and nothing else is done.
    assert.equal((await ask('GET', '/livez')).status, 200)
    assert.equal((await ask('POST', '/v1/credentials/mail/token', { body: {} })).json.code, 'locked')
    await refreshing
    await until('it is locked', async () => (await bed.ready()) === 'locked')
    assert.deepEqual(given, ['rt-0', 'rt-1'])
    assert.equal((await ask('POST', '/v1/unlock')).status, 202)
    await until('it is ready', async () => (await bed.ready()) === 'ready')
    assert.equal((await ask('POST', '/v1/credentials/mail/refresh')).status, 200)
    assert.deepEqual(given, ['rt-0', 'rt-1', 'rt-2'])
  })

  it('K9: whose key is made of a passphrase takes the passphrase, entered again, and starts locked without it', { timeout: 120_000 }, async (t) => {
    const bed = await makeBed(t, { KEYBEARER_MASTER_KEY_PASSPHRASE: passphrase })
    const { service, ask } = bed
    await addRobot(bed)
    await service.get('lock')
    const unlock = async (given?: string) => await ask('POST', '/v1/unlock', { body: given === undefined ? {} : { passphrase: given } })
    assert.equal((await unlock()).json.code, 'invalid_request')
    const started = performance.now()
    assert.equal((await unlock('another quiet lantern over water')).json.code, 'master_key_wrong')
    assert.ok(performance.now() - started >= 1000, 'guessing is slow')
    assert.equal((await unlock(passphrase)).status, 202)
    await until('it is ready', async () => (await bed.ready()) === 'ready')
    assert.match(await service.get('token', 'robot'), /^at-/)

    await service.stop()
    delete service.environment.KEYBEARER_MASTER_KEY_PASSPHRASE
    await service.start('/livez')
    assert.equal(await bed.ready(), 'locked')
    const file = join(service.folder, 'passphrase')
    writeFileSync(file, `${passphrase}\n`)
    assert.equal(await service.get('unlock', '--passphrase-file', file), 'Unlocked.\n')
    rmSync(file)
    assert.match(await service.get('token', 'robot'), /^at-/)
    assert.ok(!service.output().includes(passphrase))
  })

  it('K9: shows a browser whose session manages the service the button that unlocks it, and others how to', { timeout: 120_000 }, async (t) => {
    const bed = await makeBed(t)
    const { service, ask } = bed
    // It is printed a moment after the service answers.
    await until('the link is printed', async () => /#\S+/.test(service.output()))
    const code = /#(\S+)/.exec(service.output())?.[1] ?? ''
    const joined = await ask('POST', '/v1/setup', { key: null, body: { code, name: 'Ada', password: 'seven green lanterns drift' } })
    const cookie = joined.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    assert.equal((await ask('POST', '/v1/lock', { key: null, headers: { cookie, origin: service.url } })).status, 202)
    const page = async (headers: Record<string, string>) => await ask('GET', '/', { key: null, headers: { accept: 'text/html', ...headers } })
    // The server that ends refuses as well, but has no page for it.
    await until('it is locked', async () => /^<!doctype html/i.test((await page({}).catch(() => null))?.text ?? ''))
    const stranger = await page({})
    assert.match(stranger.text, /is locked[\s\S]*keybearer unlock/)
    assert.doesNotMatch(stranger.text, /<form/)
    const shown = await page({ cookie })
    assert.match(shown.text, /<form method="post" action="\/v1\/unlock"><button>Unlock/)
    assert.match(String(shown.headers['content-security-policy']), /default-src 'none'.*form-action 'self'/)
    const form = { key: null, raw: '', headers: { 'content-type': 'application/x-www-form-urlencoded', cookie } }
    assert.equal((await ask('POST', '/v1/unlock', { ...form, headers: { ...form.headers, origin: 'https://evil.example' } })).json.code, 'origin_not_allowed')
    assert.equal((await ask('POST', '/v1/unlock', { ...form, headers: { ...form.headers, origin: service.url } })).status, 200)
    await until('it is ready', async () => (await bed.ready()) === 'ready')
  })
})

/** One node, and a credential that was renewed. */
async function openRefreshed(t: TestContext): Promise<{ world: World; fake: FakeProvider; id: string }> {
  const fake = await startFakeProvider()
  const place = await makePlace('sqlite')
  const world = await openWorld(place)
  t.after(async () => {
    await world.close()
    await fake.close()
    await place.remove()
  })
  const id = await makeRefreshable(world, fake)
  await world.credentials.refresh(id, tester)
  return { world, fake, id }
}

describe('a renewal that meets the lock', () => {
  it('K9: before it opened the refresh token is not sent, and goes on afterwards as if it had never begun', async (t) => {
    const { world, fake, id } = await openRefreshed(t)
    const before = await world.credentials.get(id)
    const seen = fake.seen.length
    const vault = world.context.vault as LockableVault
    vault.refuseOpening()
    await assert.rejects(world.renewer.renew(id, { generation: 10, actor: tester, asked: 'by_person' }), VaultLocked)
    assert.equal(fake.seen.length, seen)
    assert.equal(await readAttempt(world.context.db, id), undefined)
    assert.equal((await world.credentials.get(id)).status, before.status)
    await assert.rejects(world.credentials.handOut(id, { purpose: 'token', actor: tester }), VaultLocked)
  })

  it('K9: gets no token out of the memory once the lock is heard of', async (t) => {
    const { world, id } = await openRefreshed(t)
    const handOut = () => world.credentials.handOut(id, { purpose: 'token', actor: tester })
    await handOut()
    ;(world.context.vault as LockableVault).refuseOpening()
    assert.ok(await handOut(), 'it is remembered')
    const { db, clock, audit } = world.context
    await new ServiceLock({ db, clock, audit, wake: world.context.wake }).lock(tester)
    await assert.rejects(handOut(), VaultLocked)
  })
})

describe('several nodes', { skip: databases.includes('postgres') ? false : 'needs PostgreSQL' }, () => {
  it('K9: are locked and unlocked together, whichever is asked', { timeout: 120_000 }, async (t) => {
    const place = await makePlace('postgres')
    const key = Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64')
    const settings = { KEYBEARER_DATABASE_URL: place.url!, KEYBEARER_MASTER_KEY: key }
    const [one, other] = [await makeService(settings), await makeService(settings)]
    t.after(async () => {
      await one.remove()
      await other.remove()
      await place.remove()
    })
    await one.start()
    await other.start()
    const accessKey = readFileSync(join(one.config, 'access-key'), 'utf8').trim()
    const ask = async (service: TestService, method: string, path: string) => await send(Number(new URL(service.url).port), method, path, { key: accessKey })
    const are = async (status: number) =>
      (await Promise.all([one, other].map(async (each) => (await ask(each, 'GET', '/readyz').catch(() => null))?.status === status))).every(Boolean)
    assert.equal((await ask(one, 'POST', '/v1/lock')).status, 202)
    await until('both are locked', () => are(503))
    await until('both take the unlocking', async () => (await ask(other, 'GET', '/v1/status').catch(() => null))?.json.code === 'locked')
    await until('it is unlocked', async () => (await ask(other, 'POST', '/v1/unlock').catch(() => null))?.status === 202)
    await until('both are ready', () => are(200))
  })
})
