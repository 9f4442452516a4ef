import { AccessKeys } from '../src/access/access-keys.ts'
import { networkTest } from '../src/access/caller.ts'
import { Refusals } from '../src/access/refusals.ts'
import { RawIntake, type ForeignFrom } from '../src/mail/raw-intake.ts'
import { Relay, type RelayAddress, type RelayOptions } from '../src/mail/relay.ts'
import { makeMailBed, type MailBed } from './mail-world.ts'
import { tester } from './world.ts'

export type RelayBed = MailBed & {
  relay: Relay
  addresses: RelayAddress[]
  port: number
  /** An access key with the right mail on everything. */
  key: string
  keys: AccessKeys
  counts: Map<string, number>
}

type Closer = Parameters<typeof makeMailBed>[0]

/** Puts the relay over a mail bed, as `main.ts` does. */
export async function makeRelayBed(
  t: Closer,
  options: NonNullable<Parameters<typeof makeMailBed>[1]> & {
    foreignFrom?: ForeignFrom
    open?: { networks: string[]; sender: string }
    relay?: Partial<RelayOptions>
  } = {},
): Promise<RelayBed> {
  const bed = await makeMailBed(t, { server: { mechanisms: ['PLAIN'] }, ...options })
  const { db, clock, audit, bus, log } = bed.context
  const keys = new AccessKeys({ db, clock, audit, bus, isFresh: () => true })
  const made = await keys.create({ name: 'mailer', permissions: [{ credential: '*', rights: ['mail'] }] }, tester)
  const counts = new Map<string, number>()
  const relay = new Relay(
    {
      log,
      intake: new RawIntake(bed.context, bed.outbox, { foreignFrom: options.foreignFrom ?? 'refuse' }),
      authenticate: (authorization, address) => keys.authenticate(authorization, address),
      refusals: new Refusals({ audit, clock, log }),
      count: (outcome) => counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
      maxBytes: bed.context.maxBytes,
      openTo: options.open === undefined ? null : { networks: networkTest(options.open.networks), sender: options.open.sender },
    },
    { host: '127.0.0.1', port: 0, tlsPort: null, tls: null, ...options.relay },
  )
  const addresses = await relay.start()
  t.after(() => relay.stop())
  return { ...bed, relay, addresses, port: addresses[0]!.port, key: made.key.reveal(), keys, counts }
}

export const plain = (key: string): string => `AUTH PLAIN ${Buffer.from(`\0any\0${key}`).toString('base64')}`
