import { setTimeout as sleep } from 'node:timers/promises'
import type { Actor } from '../src/base/actor.ts'
import type { Clock } from '../src/base/clock.ts'
import { randomToken } from '../src/base/ids.ts'
import { Secret } from '../src/base/secret.ts'
import type { MailContext } from '../src/mail/context.ts'
import { MailOptions } from '../src/mail/mail-options.ts'
import { Outbox } from '../src/mail/outbox.ts'
import { Senders } from '../src/mail/senders.ts'
import { WebhookDeliveries } from '../src/mail/webhook-delivery.ts'
import { Webhooks } from '../src/mail/webhooks.ts'
import type { MessageView, NewSender, SenderView } from '../src/mail/types.ts'
import { gate } from './gate.ts'
import { MailServer, type MailServerOptions } from './mail-server.ts'
import { makePlace, openWorld, startFakeProvider, tester, type FakeProvider, type Place, type World } from './world.ts'

export type MailWorld = {
  world: World
  context: MailContext
  outbox: Outbox
  senders: Senders
  options: MailOptions
  deliveries: WebhookDeliveries
  webhooks: Webhooks
  counts: Map<string, number>
  close: () => Promise<void>
}

/** Puts the mail part over a world, as `main.ts` does. */
export function openMail(
  world: World,
  options: Partial<Pick<MailContext, 'mayConnect' | 'maxBytes' | 'maxAge' | 'fallbackAfter' | 'keepFor' | 'changeWait'>> & { ca?: string } = {},
): MailWorld {
  const counts = new Map<string, number>()
  const { db, dialect, clock, vault, audit, bus, log, wake, isFresh, catalogue, http } = world.context
  const context: MailContext = {
    db,
    dialect,
    clock,
    vault,
    audit,
    bus,
    log,
    wake,
    isFresh,
    credentials: world.credentials,
    catalogue,
    http,
    mayConnect: options.mayConnect ?? (() => true),
    ca: options.ca,
    maxBytes: options.maxBytes ?? 1_000_000,
    keepFor: options.keepFor ?? 30 * 86_400_000,
    fallbackAfter: options.fallbackAfter ?? 600_000,
    maxAge: options.maxAge ?? 72 * 3_600_000,
    changeWait: options.changeWait ?? 0,
    count: (outcome) => counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
  }
  const outbox = new Outbox(context)
  const deliveries = new WebhookDeliveries(context)
  return {
    world,
    context,
    outbox,
    senders: new Senders(context, outbox),
    options: new MailOptions(context),
    deliveries,
    webhooks: new Webhooks(context, deliveries),
    counts,
    close: () => outbox.stop(),
  }
}

export type MailBed = MailWorld & {
  place: Place
  server: MailServer
  fake: FakeProvider
  /** Makes a credential of kind oauth2 whose tokens come from the fake provider. */
  token(name?: string, hosts?: string[]): Promise<string>
  password(name?: string, hosts?: string[]): Promise<string>
  /** Makes a sender to the server. */
  sender(input?: Partial<NewSender>): Promise<SenderView>
}

type Closer = { after: (close: () => Promise<void>) => void }

/** Starts a mail server, a provider, a database and the mail part; all of it ends with the test. */
export async function makeMailBed(
  t: Closer,
  options: { server?: MailServerOptions; kind?: 'sqlite' | 'postgres'; clock?: Clock; mail?: Parameters<typeof openMail>[1]; start?: boolean } = {},
): Promise<MailBed> {
  const server = await new MailServer(options.server ?? { mechanisms: ['XOAUTH2', 'OAUTHBEARER', 'PLAIN', 'LOGIN'] }).listen()
  const fake = await startFakeProvider()
  const place = await makePlace(options.kind ?? 'sqlite')
  const world = await openWorld(place, options.clock ? { clock: options.clock } : {})
  const mail = openMail(world, options.mail)
  if (options.start !== false) mail.outbox.start()
  t.after(async () => {
    // First the server: what hangs there ends with it.
    await server.close()
    await mail.close()
    await world.close()
    await fake.close()
    await place.remove()
  })
  return {
    ...mail,
    place,
    server,
    fake,
    async token(name = 'work-mail', hosts = ['127.0.0.1']) {
      const view = await world.credentials.create(
        {
          name,
          kind: 'oauth2',
          grant: 'authorization_code',
          username: 'anna@example.org',
          allowedHosts: hosts,
          scopes: ['mail.send'],
          registration: {
            name: `${name} registration`,
            provider: 'generic',
            clientId: 'client',
            clientSecret: new Secret('client-secret'),
            placeholders: { token_endpoint: `${fake.url}/token`, authorization_endpoint: `${fake.url}/authorize`, revocation_endpoint: `${fake.url}/revoke` },
          },
          refreshToken: new Secret(`rt-${randomToken(8)}`),
        },
        tester,
      )
      return view.id
    },
    async password(name = 'old-mail', hosts = ['127.0.0.1']) {
      const view = await world.credentials.create({ name, kind: 'basic', username: 'anna', secret: new Secret('open sesame'), allowedHosts: hosts }, tester)
      return view.id
    },
    sender: (input = {}) =>
      mail.senders.create({ name: 'office', host: '127.0.0.1', port: server.port, tls: 'none', from: 'anna@example.org', ...input }, tester),
  }
}

/** Has the server keep back what it says of a message: `begun` when it has the first, until `open` is called. */
export function holdMessages({ server }: Pick<MailBed, 'server'>, reply?: string): { begun: Promise<void>; open: () => void } {
  const begun = gate()
  const held = gate()
  server.on.message = async () => {
    begun.open()
    await held.opened
    return reply
  }
  return { begun: begun.opened, open: held.open }
}

/** Waits until something is so, and says what was not when it does not come. Time in which nothing ran here hardly counts. */
export async function until<Result>(what: string, look: () => Result | Promise<Result>, seconds = 30): Promise<NonNullable<Result>> {
  for (let waited = 0, last = performance.now(); ;) {
    const found = await look()
    if (found) return found
    if (waited > seconds * 1000) throw new Error(`waited ${seconds} s in vain: ${what}`)
    await sleep(10)
    const now = performance.now()
    waited += Math.min(now - last, 500)
    last = now
  }
}

/** Waits until the message has this status. */
export async function untilStatus(mail: Pick<MailWorld, 'outbox'>, id: string, status: MessageView['status'], seconds = 30): Promise<MessageView> {
  let last: MessageView | undefined
  try {
    return await until(
      `message ${status}`,
      async () => {
        last = await mail.outbox.get(id)
        return last.status === status ? last : undefined
      },
      seconds,
    )
  } catch (error) {
    throw new Error(`${(error as Error).message}; it is ${JSON.stringify(last)}`, { cause: error })
  }
}

/** Waits until an attempt has ended without success and returns the message as it waits. */
export async function untilDelayed(mail: Pick<MailWorld, 'outbox'>, id: string, attempts = 1, seconds = 30): Promise<MessageView> {
  return await until(
    'message delayed',
    async () => {
      const view = await mail.outbox.get(id)
      return view.status === 'queued' && view.attempts >= attempts && view.problem !== null ? view : undefined
    },
    seconds,
  )
}

export const letter = { to: ['bob@example.net'], subject: 'Report', text: 'All is well.\n' }
export const somebody: Actor = tester

/** How far numbers are out of order: 0 for a sorted list, about a half for a shuffled one. */
export function disorderOf(numbers: number[]): number {
  let wrong = 0
  for (const [place, number] of numbers.entries()) for (let after = place + 1; after < numbers.length; after++) if (numbers[after]! < number) wrong += 1
  return (2 * wrong) / (numbers.length * (numbers.length - 1))
}
