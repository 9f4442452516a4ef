import type { Role } from '../src/access/roles.ts'
import { Backups } from '../src/access/backups.ts'
import { KeyDeliveries } from '../src/access/key-deliveries.ts'
import { PasswordChecks } from '../src/access/password-check.ts'
import { OidcClient, type OidcSettings } from '../src/access/oidc-client.ts'
import { OidcSignIn } from '../src/access/oidc-sign-in.ts'
import { Passkeys } from '../src/access/passkeys.ts'
import { Persons } from '../src/access/persons.ts'
import { ServiceLock } from '../src/access/service-lock.ts'
import { Sessions } from '../src/access/sessions.ts'
import { SignIn } from '../src/access/sign-in.ts'
import { SignInLimit } from '../src/access/sign-in-limit.ts'
import { randomBytes } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { IdempotentReplies } from '../src/access/idempotency.ts'
import type { NewAccessKey } from '../src/access/types.ts'
import { HttpRequests } from '../src/actions/http-requests.ts'
import { openActionsOver } from './action-world.ts'
import type { ApiServer } from '../src/api/listen.ts'
import { createServer } from '../src/api/server.ts'
import type { ReachOptions, Services } from '../src/api/services.ts'
import { createMetrics } from '../src/base/metrics.ts'
import { Exporter } from '../src/credentials/export-credentials.ts'
import { Importer } from '../src/credentials/import-credentials.ts'
import type { MailContext } from '../src/mail/context.ts'
import { KeyLimits } from '../src/mail/key-limits.ts'
import { MailOptions } from '../src/mail/mail-options.ts'
import { Outbox } from '../src/mail/outbox.ts'
import { RawIntake } from '../src/mail/raw-intake.ts'
import { Senders } from '../src/mail/senders.ts'
import { WebhookDeliveries } from '../src/mail/webhook-delivery.ts'
import { Webhooks } from '../src/mail/webhooks.ts'
import { readAuditHead } from '../src/storage/audit.ts'
import { lastEventSeq, readEvents } from '../src/storage/events.ts'
import { makePlace, openWorld, tester, type World } from './world.ts'

export type Reply = { status: number; headers: IncomingHttpHeaders; text: string; json: Record<string, unknown> & { code?: string } }
export type Ask = { key?: string | null; body?: unknown; headers?: Record<string, string | string[]>; raw?: string | Buffer }

/** A whole service behind its real HTTP server, without a process of its own. */
export type ApiWorld = {
  world: World
  services: Services
  server: ApiServer
  port: number
  /** The key of whoever owns the service: it may everything. */
  ownerKey: string
  /** Makes the one-time link of the first start. */
  setUpLink(): Promise<string | null>
  makeKey(input: Omit<NewAccessKey, 'name'> & { name?: string }): Promise<string>
  /** Sends a request with the owner's key unless told otherwise. */
  ask(method: string, path: string, ask?: Ask): Promise<Reply>
  close(): Promise<void>
}

let keys = 0

/** Starts the API over real parts, on a free port of loopback. */
export async function openApiWorld(
  options: Partial<ReachOptions> & {
    database?: 'sqlite' | 'postgres'
    replace?: (services: Services) => Partial<Services>
    world?: Parameters<typeof openWorld>[1]
    oidc?: OidcSettings
  } = {},
): Promise<ApiWorld> {
  const place = await makePlace(options.database ?? 'sqlite')
  const world = await openWorld(place, options.world)
  const { context } = world
  const mail: MailContext = {
    db: context.db,
    dialect: context.dialect,
    clock: context.clock,
    vault: context.vault,
    audit: context.audit,
    bus: context.bus,
    log: context.log,
    wake: (committed) => context.wake(committed),
    isFresh: context.isFresh,
    credentials: world.credentials,
    catalogue: context.catalogue,
    http: context.http,
    mayConnect: () => true,
    ca: undefined,
    maxBytes: 1_000_000,
    maxAge: 3_600_000,
    changeWait: 0,
    keepFor: 30 * 86_400_000,
    fallbackAfter: 600_000,
    count: () => undefined,
  }
  // Not started: messages are taken and stay where they are.
  const outbox = new Outbox(mail)
  const sessions = new Sessions({
    db: context.db,
    clock: context.clock,
    audit: context.audit,
    bus: context.bus,
    isFresh: context.isFresh,
    wake: async () => context.wake(),
    idle: 8 * 3_600_000,
    longest: 168 * 3_600_000,
  })
  const access = {
    db: context.db,
    dialect: context.dialect,
    clock: context.clock,
    vault: context.vault,
    audit: context.audit,
    sessions,
    passwords: new PasswordChecks(context.db, context.vault),
    limit: new SignInLimit(context.clock),
    publicUrl: context.publicUrl,
  }
  const signIn = new SignIn(access)
  const senders = new Senders(mail, outbox)
  const mailOptions = new MailOptions(mail)
  const requests = new HttpRequests(context, { credentials: world.credentials, countSent: () => undefined })
  const action = await openActionsOver({ ...mail, senders, outbox, mailOptions, requests })
  const base: Services = {
    clock: context.clock,
    log: context.log,
    bus: context.bus,
    metrics: createMetrics(),
    accessKeys: world.accessKeys,
    deliveries: new KeyDeliveries({ db: context.db, clock: context.clock, audit: context.audit, wake: async () => context.wake() }),
    sessions,
    signIn,
    passkeys: new Passkeys(access),
    oidc: options.oidc ? new OidcSignIn(access, new OidcClient(options.oidc, context)) : null,
    persons: new Persons(access),
    audit: context.audit,
    credentials: world.credentials,
    deletedCredentials: world.deletedCredentials,
    emergencyStops: world.emergencyStops,
    exporter: new Exporter(context, 4),
    importer: new Importer(context, world.registrations),
    consents: world.consents,
    registrations: world.registrations,
    providers: world.providers,
    diagnoses: context.diagnoses,
    senders,
    mailOptions,
    providerClocks: context.providerClocks,
    webhooks: new Webhooks(mail, new WebhookDeliveries(mail)),
    outbox,
    requests,
    actions: action.actions,
    actionRuns: action.runs,
    schedules: action.schedules,
    actionHooks: action.hooks,
    rawIntake: new RawIntake(mail, outbox, { foreignFrom: 'refuse' }),
    keyLimits: new KeyLimits(mail),
    lock: new ServiceLock({ db: context.db, clock: context.clock, audit: context.audit, wake: async () => context.wake() }),
    rotation: { get: async () => rotationView, start: async () => rotationView },
    backups: new Backups({ db: context.db, clock: context.clock, audit: context.audit, dataFolder: place.folder, dialect: context.dialect, version: '0.0.0' }),
    idempotency: new IdempotentReplies({ db: context.db, clock: context.clock, vault: context.vault }),
    events: { read: (after, limit) => readEvents(context.db, after, limit), last: () => lastEventSeq(context.db) },
    facts: {
      version: '0.0.0',
      startedAt: context.clock.now(),
      database: context.dialect,
      publicUrl: context.publicUrl,
      unusedDays: context.unusedDays,
      masterKeyVersion: () => 1,
      auditHead: () => readAuditHead(context.db),
      settings: () => [],
      checks: async () => [],
      checkReady: async () => undefined,
    },
    pageKey: randomBytes(32),
  }
  const services = { ...base, ...options.replace?.(base) }
  const server = createServer(services, { allowedHosts: [], trustedProxies: [], mailMaxBytes: 1_000_000, metrics: 'loopback', shutdownSeconds: 2, ...options })
  const { port } = await server.listen(0, '127.0.0.1')
  const makeKey: ApiWorld['makeKey'] = async (input) => (await world.accessKeys.create({ ...input, name: input.name ?? `key ${++keys}` }, tester)).key.reveal()
  const ownerKey = await makeKey({
    permissions: [{ credential: '*', rights: ['read', 'token', 'mail', 'request'] }],
    administration: ['manage', 'keys', 'audit', 'persons', 'purge'],
    actions: ['*'],
  })
  return {
    world,
    services,
    server,
    port,
    ownerKey,
    makeKey,
    setUpLink: async () => (await signIn.newSetUpLink())?.reveal() ?? null,
    ask: (method, path, ask = {}) => send(port, method, path, { ...ask, key: ask.key === undefined ? ownerKey : ask.key }),
    async close() {
      await server.close()
      await action.stop()
      await world.close()
      await place.remove()
    },
  }
}

export const goodPassword = 'seven green lanterns drift'

/** Makes a person of a role, who joins by the link of an invitation, and returns the cookie of the session. */
export async function signInAs(api: ApiWorld, role: Role, name = `${role} ${++people}`): Promise<string> {
  const { link } = await api.services.persons.invite({ name, role }, tester)
  const code = link.reveal().split('#')[1]!
  const reply = await api.ask('POST', '/v1/invitations/accept', { key: null, body: { code, name, password: goodPassword } })
  return cookieOf(reply)
}

let people = 0

/** The cookie that a reply sets, as the browser sends it back. */
export function cookieOf(reply: Reply): string {
  const [cookie] = reply.headers['set-cookie'] ?? []
  if (cookie === undefined) throw new Error(`no cookie came: ${reply.status} ${reply.text}`)
  return cookie.split(';')[0]!
}

/** Sends one request exactly as it is told, without the help that `fetch` gives. */
export function send(port: number, method: string, path: string, ask: Ask = {}): Promise<Reply> {
  const payload = ask.raw ?? (ask.body === undefined ? undefined : JSON.stringify(ask.body))
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        headers: {
          ...(ask.key ? { authorization: `Bearer ${ask.key}` } : {}),
          ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
          ...ask.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          const isJson = /json\b/.test(response.headers['content-type'] ?? '') && text !== ''
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: isJson ? (JSON.parse(text) as Reply['json']) : {} })
        })
        response.on('error', reject)
      },
    )
    request.on('error', reject)
    request.end(payload)
  })
}

const rotationView: Awaited<ReturnType<Services['rotation']['get']>> = {
  state: 'idle',
  newestVersion: 1,
  versions: [],
  rewrapped: 0,
  remaining: 0,
  startedAt: null,
  finishedAt: null,
  problem: null,
}
