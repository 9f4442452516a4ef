import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { AccessKeys } from '../src/access/access-keys.ts'
import { networkTest } from '../src/access/caller.ts'
import { Refusals } from '../src/access/refusals.ts'
import type { ForeignFrom } from '../src/mail/from-rules.ts'
import { KeyLimits } from '../src/mail/key-limits.ts'
import { RawIntake } from '../src/mail/raw-intake.ts'
import { Relay, type RelayAddress, type RelayOptions } from '../src/mail/relay.ts'
import { makeMailBed, type MailBed } from './mail-world.ts'
import { openRaw, type RawClient } from './smtp-client.ts'
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
      limits: new KeyLimits(bed.context),
      clock,
      readKey: (authorization) => keys.reader(authorization),
      refusals: new Refusals({ audit, clock, log }),
      count: (outcome) => counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
      maxBytes: bed.context.maxBytes,
      openTo: options.open === undefined ? null : { networks: networkTest(options.open.networks), sender: options.open.sender },
    },
    { host: '127.0.0.1', name: 'relay.test', port: 0, tlsPort: null, oldPort: null, oldTlsPort: null, tls: null, ...options.relay },
  )
  const addresses = await relay.start()
  t.after(() => relay.stop())
  return { ...bed, relay, addresses, port: addresses[0]!.port, key: made.key.reveal(), keys, counts }
}

export const plain = (key: string): string => `AUTH PLAIN ${Buffer.from(`\0any\0${key}`).toString('base64')}`

export const mail = (...lines: string[]): string => [...lines, '', 'All is well.', ''].join('\r\n')
export const report = mail('From: Anna <anna@example.org>', 'To: bob@example.net', 'Subject: Report')

/** Says everything up to the end of a message and returns the last reply. */
export async function hand(client: RawClient, to: string[], message: string | Buffer, from = 'anna@example.org'): Promise<string> {
  assert.match(await client.say(`MAIL FROM:<${from}>`), /^250 2\.1\.0/)
  for (const one of to) assert.match(await client.say(`RCPT TO:<${one}>`), /^250 2\.1\.5/)
  assert.match(await client.say('DATA'), /^354/)
  client.write(message)
  client.write('.\r\n')
  return await client.next()
}

export async function logIn(bed: RelayBed): Promise<RawClient> {
  const client = await openRaw(bed.port)
  await client.say('EHLO printer.example.org')
  assert.match(await client.say(plain(bed.key)), /^235 2\.7\.0/)
  return client
}

/** A relay with a default sender from anna@example.org. */
export const relayBedOf = async (t: TestContext, options: Parameters<typeof makeRelayBed>[1] = {}): Promise<RelayBed> => {
  const bed = await makeRelayBed(t, options)
  await bed.sender({ credential: await bed.password(), isDefault: true })
  return bed
}

/** Returns the id of the message that was accepted. */
export const accepted = (reply: string): string => /^250 2\.6\.0 Accepted as (msg_\w+)/.exec(reply)?.[1] ?? assert.fail(reply)
