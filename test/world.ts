import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { AccessKeys } from '../src/access/access-keys.ts'
import { AuditTrail } from '../src/access/audit.ts'
import type { Actor } from '../src/base/actor.ts'
import { addressRules } from '../src/base/addresses.ts'
import { systemClock, type Clock } from '../src/base/clock.ts'
import { EventBus, type Event } from '../src/base/events.ts'
import { createOutgoingHttp } from '../src/base/http.ts'
import { createLog } from '../src/base/log.ts'
import { randomToken } from '../src/base/ids.ts'
import { Secret } from '../src/base/secret.ts'
import { Consents } from '../src/credentials/consents.ts'
import type { CredentialContext } from '../src/credentials/context.ts'
import { Credentials } from '../src/credentials/credentials.ts'
import { ProviderClocks } from '../src/credentials/provider-clocks.ts'
import { DeletedCredentials } from '../src/credentials/deleted-credentials.ts'
import { EmergencyStops } from '../src/credentials/emergency-stops.ts'
import { Providers } from '../src/credentials/providers.ts'
import { Renewer } from '../src/credentials/refresh.ts'
import { Registrations } from '../src/credentials/registrations.ts'
import { Revoker } from '../src/credentials/revoke.ts'
import { Schedule } from '../src/credentials/schedule.ts'
import { UsageRecorder } from '../src/credentials/usage.ts'
import { Keyring } from '../src/crypto/keyring.ts'
import { createVault } from '../src/crypto/vault.ts'
import { readPasswordMail } from '../src/providers/password-mail.ts'
import { readPopular } from '../src/providers/popular.ts'
import { openCatalogue } from '../src/providers/catalogue.ts'
import { openDiagnoses } from '../src/providers/diagnoses.ts'
import { openDatabaseClock } from '../src/storage/database-clock.ts'
import { dataKeysOf } from '../src/storage/data-keys.ts'
import { EventTail } from '../src/storage/event-tail.ts'
import { openDatabase, type OpenedDatabase } from '../src/storage/open.ts'
import { fillFolder, makeBareDatabase, makeFilledDatabase, onServer } from './prepared-database.ts'

export const tester: Actor = { id: 'key_test', name: 'tester', kind: 'access_key', address: '127.0.0.1' }

const masterKey = Buffer.alloc(32).map((_, i) => i + 1)

/** A place for a database that several worlds may open one after the other, or on PostgreSQL at the same time. */
export type Place = { folder: string; url: string | undefined; remove: () => Promise<void> }

/** Makes a place for a store in which nothing is yet: a folder, or a database of its own on the PostgreSQL of KEYBEARER_TEST_POSTGRES. */
export const makePlace = (kind: 'sqlite' | 'postgres'): Promise<Place> => placeOf(kind, fillFolder, makeFilledDatabase)

/** The same without a single table. */
export const makeBarePlace = (kind: 'sqlite' | 'postgres'): Promise<Place> => placeOf(kind, () => undefined, makeBareDatabase)

async function placeOf(kind: 'sqlite' | 'postgres', fill: (folder: string) => unknown, makeDatabase: typeof makeFilledDatabase): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'keybearer-test-'))
  const removeFolder = () => rmSync(folder, { recursive: true, force: true })
  if (kind === 'sqlite') {
    await fill(folder)
    return { folder, url: undefined, remove: async () => removeFolder() }
  }
  const server = process.env.KEYBEARER_TEST_POSTGRES
  if (server === undefined) throw new Error('KEYBEARER_TEST_POSTGRES is not set')
  const { name, url } = await makeDatabase(server)
  return {
    folder,
    url,
    async remove() {
      await onServer(server, `drop database ${name} with (force)`)
      removeFolder()
    },
  }
}

/** The databases that storage tests run on: both, where a PostgreSQL is provided. */
export const databases: ('sqlite' | 'postgres')[] = process.env.KEYBEARER_TEST_POSTGRES === undefined ? ['sqlite'] : ['sqlite', 'postgres']

export type World = {
  place: Place
  store: OpenedDatabase
  context: CredentialContext
  accessKeys: AccessKeys
  registrations: Registrations
  credentials: Credentials
  consents: Consents
  providers: Providers
  renewer: Renewer
  revoker: Revoker
  deletedCredentials: DeletedCredentials
  emergencyStops: EmergencyStops
  schedule: Schedule
  usage: UsageRecorder
  events: Event[]
  counts: Map<string, number>
  log: string[]
  close: () => Promise<void>
}

/** Puts the parts together as `main.ts` does, without a server: one node over a place. */
export async function openWorld(
  place: Place,
  options: {
    clock?: Clock
    /** The clock of this node's machine; PostgreSQL's own counts, as in the service. */ machine?: Clock
    publicUrl?: string
    concurrency?: number
    tailInterval?: number
    ca?: string
    popular?: boolean
    unusedDays?: number
    deletedDays?: number
  } = {},
): Promise<World> {
  const machine = options.clock ?? options.machine ?? systemClock
  const store = await openDatabase({ folder: place.folder, url: place.url, now: machine.now() })
  const shared =
    store.dialect === 'postgres' && options.clock === undefined
      ? await openDatabaseClock({ db: store.db, machine, onError: (error) => log.push(String(error)) })
      : null
  const clock = shared?.clock ?? machine
  const log: string[] = []
  const bus = new EventBus()
  const events: Event[] = []
  bus.listen((event) => events.push(event))
  const vault = createVault(new Keyring([[1, masterKey]]))
  const audit = new AuditTrail({ db: store.db, clock, bus, key: await vault.deriveKey(dataKeysOf(store.db), 'audit', 'audit chain') })
  const tail = new EventTail({ db: store.db, bus, clock, onError: (error) => log.push(String(error)), interval: options.tailInterval ?? 50 })
  const http = createOutgoingHttp({ addresses: addressRules(true), ca: options.ca })
  const counts = new Map<string, number>()
  const providerClocks = new ProviderClocks({ http, clock, log: createLog({ level: 'debug', output: { write: (line) => log.push(line) } }) })
  const context: CredentialContext = {
    db: store.db,
    dialect: store.dialect,
    clock,
    vault,
    audit,
    bus,
    http: providerClocks.http,
    providerClocks,
    catalogue: openCatalogue([join(import.meta.dirname, '..', 'providers')]),
    diagnoses: openDiagnoses(join(import.meta.dirname, '..', 'providers', 'diagnoses')),
    popular: options.popular === true ? readPopular(join(import.meta.dirname, '..', 'providers', 'popular', 'configurations.json')) : null,
    unusedDays: options.unusedDays ?? 0,
    deletedDays: options.deletedDays ?? 30,
    passwordMail: readPasswordMail(join(import.meta.dirname, '..', 'providers', 'mail-servers', 'passwords.json')),
    // No test asks a name server.
    mailExchangers: async (domain) => (domain === 'contoso.com' ? ['contoso-com.mail.protection.outlook.com'] : []),
    log: createLog({ level: 'debug', output: { write: (line) => log.push(line) } }),
    wake: (committed) => tail.wake(committed),
    isFresh: () => tail.isFresh,
    publicUrl: options.publicUrl ?? 'http://127.0.0.1:7420',
    allowLoopbackHttp: true,
    count: (what, outcome) => counts.set(`${what} ${outcome}`, (counts.get(`${what} ${outcome}`) ?? 0) + 1),
  }
  await tail.start()
  const accessKeys = new AccessKeys({ db: store.db, clock, audit, bus, isFresh: () => tail.isFresh })
  const registrations = new Registrations(context)
  const renewer = new Renewer(context)
  const revoker = new Revoker(context)
  const usage = new UsageRecorder({ db: store.db, clock, bus, log: context.log })
  const credentials = new Credentials(context, { registrations, renewer, usage, revoker })
  let isClosed = false
  const schedule = new Schedule(context, { renewer, revoker, concurrency: options.concurrency ?? 50 })
  return {
    place,
    store,
    context,
    accessKeys,
    registrations,
    credentials,
    consents: new Consents(context),
    providers: new Providers(context),
    renewer,
    revoker,
    deletedCredentials: new DeletedCredentials(context),
    emergencyStops: new EmergencyStops(context, credentials),
    schedule,
    usage,
    events,
    counts,
    log,
    async close() {
      // A test may end a node before its time.
      if (isClosed) return
      isClosed = true
      await schedule.stop()
      await usage.flush()
      await tail.stop()
      shared?.stop()
      http.close()
      await store.close()
    },
  }
}

/** One request that the fake provider got. */
export type SeenRequest = { method: string; path: string; headers: IncomingMessage['headers']; parameters: URLSearchParams; body: string }
export type Answer = { status?: number; headers?: Record<string, string>; body: string | object; wait?: number; cut?: boolean }

export type FakeProvider = {
  url: string
  seen: SeenRequest[]
  /** Decides what the next requests get. */
  answer: (request: SeenRequest, count: number) => Answer | Promise<Answer>
  close: () => Promise<void>
}

/** Starts a token endpoint that answers what the test wants: for answers that no real authorization server would give. */
export async function startFakeProvider(): Promise<FakeProvider> {
  const fake: FakeProvider = {
    url: '',
    seen: [],
    answer: () => ({ body: { access_token: `at-${randomToken(8)}`, token_type: 'Bearer', expires_in: 3600 } }),
    close: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const seen: SeenRequest = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, parameters: new URLSearchParams(body), body }
    fake.seen.push(seen)
    const answer = await fake.answer(seen, fake.seen.length)
    if (answer.wait !== undefined) await new Promise((done) => setTimeout(done, answer.wait))
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    // It tells its time only where the test says so: many tests turn their own.
    response.sendDate = false
    if (answer.cut === true) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(text.length + 100) })
      response.write(text.slice(0, Math.floor(text.length / 2)), () => response.destroy())
      return
    }
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers }).end(text)
  }
  const server: Server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return fake
}

/** Opens a world that ends with the test. */
export async function openWorldFor(t: Pick<TestContext, 'after'>, kind: 'sqlite' | 'postgres'): Promise<{ place: Place; world: World }> {
  const place = await makePlace(kind)
  const world = await openWorld(place)
  t.after(async () => {
    await world.close()
    await place.remove()
  })
  return { place, world }
}

/** The same, with a provider that ends before it. */
export async function openWorldWithProvider(t: Pick<TestContext, 'after'>, kind: 'sqlite' | 'postgres'): Promise<{ world: World; fake: FakeProvider }> {
  const fake = await startFakeProvider()
  t.after(() => fake.close())
  const { world } = await openWorldFor(t, kind)
  return { world, fake }
}

/** Makes a credential over the fake provider that has a refresh token and, once asked, an access token. */
export async function makeRefreshable(world: World, fake: Pick<FakeProvider, 'url'>, name = 'work-mail', refreshToken = 'rt-0'): Promise<string> {
  const view = await world.credentials.create(
    {
      name,
      kind: 'oauth2',
      grant: 'authorization_code',
      username: 'anna@example.org',
      registration: {
        name: `${name} registration`,
        provider: 'generic',
        clientId: 'client',
        clientSecret: new Secret('client-secret'),
        placeholders: { token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize`, revocation_endpoint: `${fake.url}/revoke` },
      },
      refreshToken: new Secret(refreshToken),
      scopes: ['mail.send'],
    },
    tester,
  )
  return view.id
}

/** Lets something happen right before the transaction that is the `nth` from now on, after all that was read for it. */
export function beforeTransaction(world: World, nth: number, happen: () => Promise<unknown>): void {
  const { db } = world.store
  const begin = db.transaction.bind(db)
  let count = 0
  db.transaction = () => {
    const builder = begin()
    count += 1
    if (count < nth) return builder
    db.transaction = begin
    const execute = builder.execute.bind(builder)
    builder.execute = async (work) => {
      await happen()
      return await execute(work)
    }
    return builder
  }
}
