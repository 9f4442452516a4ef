// A process of its own: relay and outbox over a database of their own, as the service runs them.
import { AccessKeys } from '../src/access/access-keys.ts'
import { Refusals } from '../src/access/refusals.ts'
import { Secret } from '../src/base/secret.ts'
import { KeyLimits } from '../src/mail/key-limits.ts'
import { RawIntake } from '../src/mail/raw-intake.ts'
import { Relay } from '../src/mail/relay.ts'
import { openMail } from '../test/mail-world.ts'
import { makePlace, openWorld, tester } from '../test/world.ts'

export type RelayOrder = { kind: 'start'; upstream: number; password: string; delivers: boolean } | { kind: 'memory' } | { kind: 'stop' }
export type RelayAnswer = { port: number; key: string; memory: number; waiting: number }

let answer: RelayAnswer = { port: 0, key: '', memory: 0, waiting: 0 }
let count = async (): Promise<number> => 0
let stop = async (): Promise<void> => undefined

async function start({ upstream, password, delivers }: RelayOrder & { kind: 'start' }): Promise<void> {
  const place = await makePlace('sqlite')
  const world = await openWorld(place)
  const { db, clock, audit, bus, log } = world.context
  // As in the service, where nobody collects the lines of the log.
  world.log.push = () => 0
  const mail = openMail(world)
  const keys = new AccessKeys({ db, clock, audit, bus, isFresh: () => true })
  await world.credentials.create(
    { name: 'mail', kind: 'basic', username: 'anna@example.org', secret: new Secret(password), allowedHosts: ['127.0.0.1'] },
    tester,
  )
  await mail.senders.create({ name: 'bench', host: '127.0.0.1', port: upstream, tls: 'none', credential: 'mail', from: 'anna@example.org' }, tester)
  const { key } = await keys.create({ name: 'bench', permissions: [{ credential: '*', rights: ['mail'] }] }, tester)
  const relay = new Relay(
    {
      log,
      intake: new RawIntake(mail.context, mail.outbox, { foreignFrom: 'refuse' }),
      limits: new KeyLimits(mail.context),
      clock,
      readKey: (authorization) => keys.reader(authorization),
      refusals: new Refusals({ audit, clock, log }),
      count: () => undefined,
      maxBytes: 1_000_000,
      openTo: null,
    },
    { host: '127.0.0.1', name: 'bench', port: 0, tlsPort: null, oldPort: null, oldTlsPort: null, tls: null },
  )
  const [address] = await relay.start()
  if (delivers) mail.outbox.start()
  answer = { ...answer, port: address!.port, key: key.reveal() }
  count = () => mail.outbox.waiting()
  stop = async () => {
    await relay.stop()
    await mail.close()
    await world.close()
    await place.remove()
  }
}

process.on('message', (order: RelayOrder) => {
  void (async () => {
    if (order.kind === 'start') await start(order)
    if (order.kind === 'stop') await stop()
    else answer = { ...answer, waiting: await count(), memory: process.memoryUsage.rss() / 1_048_576 }
    process.send?.(answer)
  })()
})
process.on('disconnect', () => process.exit(0))
