import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createSecureContext, DEFAULT_CIPHERS } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import type { Caller } from '../access/caller.ts'
import type { Refusals } from '../access/refusals.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Problem } from '../base/problem.ts'
import type { KeyLimits } from './key-limits.ts'
import { mostRecipients } from './message.ts'
import type { RawIntake } from './raw-intake.ts'
import { FailedLogins } from './failed-logins.ts'
import { endIdlers, hasTooMany, sessionTimes, type SessionTimes } from './relay-watch.ts'
import { relayHandlers, type Budget } from './relay-session.ts'

export type RelayContext = {
  log: Log
  intake: Pick<RawIntake, 'accept'>
  limits: KeyLimits
  /** Reads a key, and returns what finds out who calls with it, as often as it is asked. Both throw not_signed_in. */
  readKey: (authorization: string) => (address: string | null) => Promise<Caller>
  refusals: Pick<Refusals, 'record'>
  clock: Pick<Clock, 'monotonic'>
  count: (outcome: string) => void
  maxBytes: number
  /** Who may send without a login, and through which sender; null: nobody. */
  openTo: { networks: (address: string | null) => boolean; sender: string } | null
}

export type RelayOptions = {
  host: string
  /** What it calls itself. */
  name: string
  /** Null: not listened on. 0: a free one. */
  port: number | null
  /** For TLS from the first byte. */
  tlsPort: number | null
  /** The same two for devices that know nothing newer than TLS 1.0. */
  oldPort: number | null
  oldTlsPort: number | null
  /** PEM files; they are read again when they change. */
  tls: { certificateFile: string; keyFile: string } | null
  /** Milliseconds between two looks at the files and at the sessions. */
  lookEvery?: number
  times?: SessionTimes
}

export type RelayAddress = { host: string; port: number; tls: 'implicit' | 'starttls' | 'none'; takesOldTls: boolean }

/** TLS 1.0 signs with SHA-1, which OpenSSL refuses unless it is told to look away. The ciphers themselves are Node's own. */
const oldTls = { minVersion: 'TLSv1', ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` } as const
const newTls = { minVersion: 'TLSv1.2' } as const

const mostSessions = 1000
const idleTime = 120_000
const closeTime = 3000

/** Takes mail over SMTP from programs that know nothing of OAuth, and gives it to the outbox. */
export class Relay {
  readonly #context: RelayContext
  readonly #options: RelayOptions
  readonly #servers: SMTPServer[] = []
  readonly #budget: Budget
  readonly #failedLogins: FailedLogins
  /** Sessions whose message is coming in or being written down. */
  readonly #receiving = new Map<string, number>()
  readonly #begun = new WeakMap<SMTPConnection, number>()
  #watching: NodeJS.Timeout | undefined

  constructor(context: RelayContext, options: RelayOptions) {
    this.#context = context
    this.#options = options
    this.#failedLogins = new FailedLogins(context.clock)
    this.#budget = { used: 0, most: Math.max(256_000_000, context.maxBytes * 4) }
  }

  /** Begins to listen and returns where. @throws Problem settings_invalid */
  async start(): Promise<RelayAddress[]> {
    const { port, tlsPort, oldPort, oldTlsPort, tls } = this.#options
    const pair = tls === null ? null : readPair(tls)
    const addresses: RelayAddress[] = []
    if (port !== null) addresses.push(await this.#listen(port, pair === null ? 'none' : 'starttls', pair))
    if (tlsPort !== null) addresses.push(await this.#listen(tlsPort, 'implicit', pair))
    if (oldPort !== null) addresses.push(await this.#listen(oldPort, 'starttls', pair, oldTls))
    if (oldTlsPort !== null) addresses.push(await this.#listen(oldTlsPort, 'implicit', pair, oldTls))
    this.#watching = setInterval(() => endIdlers(this.#watch, this.#context.clock.monotonic()), this.#options.lookEvery ?? 5000).unref()
    for (const one of addresses) if (one.takesOldTls) this.#context.log.warn('relay.old_tls', { host: one.host, port: one.port })
    if (tls !== null)
      for (const file of [tls.certificateFile, tls.keyFile]) watchFile(file, { persistent: false, interval: this.#options.lookEvery ?? 5000 }, this.#reload)
    return addresses
  }

  /** Takes no more connections, lets messages that are coming in end, and says goodbye to all others. */
  async stop(): Promise<void> {
    const { tls } = this.#options
    clearInterval(this.#watching)
    if (tls !== null) for (const file of [tls.certificateFile, tls.keyFile]) unwatchFile(file, this.#reload)
    await Promise.all(
      this.#servers.splice(0).map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            for (const connection of server.connections) {
              if (!this.#receiving.has(connection.session.id)) connection.send(421, '4.3.2 Keybearer is stopping. Send it again in a moment.')
            }
          }),
      ),
    )
  }

  readonly #reload = (): void => {
    const { tls } = this.#options
    if (tls === null) return
    try {
      const pair = readPair(tls)
      for (const server of this.#servers) server.updateSecureContext(pair)
      this.#context.log.info('relay.certificate_loaded', { file: tls.certificateFile })
    } catch (error) {
      // The files are written one after the other: until both fit, the old ones go on.
      this.#context.log.warn('relay.certificate_not_loaded', { error })
    }
  }

  get #watch() {
    const isKnown = (address: string) => this.#context.openTo?.networks(address) ?? false
    return { servers: this.#servers, isKnown, receiving: this.#receiving, begun: this.#begun, times: this.#options.times ?? sessionTimes }
  }

  async #listen(port: number, tls: RelayAddress['tls'], pair: Pair | null, versions: typeof oldTls | typeof newTls = newTls): Promise<RelayAddress> {
    const { host, name } = this.#options
    const server = new SMTPServer({
      name,
      banner: 'Keybearer',
      secure: tls === 'implicit',
      ...pair,
      ...versions,
      authMethods: ['PLAIN', 'LOGIN', 'XOAUTH2'],
      // Whether a login is allowed and needed depends on the session: its handlers decide.
      authOptional: true,
      allowInsecureAuth: true,
      hideSTARTTLS: tls === 'none',
      hideENHANCEDSTATUSCODES: false,
      size: this.#context.maxBytes,
      maxRecipients: mostRecipients,
      maxClients: mostSessions,
      socketTimeout: idleTime,
      closeTimeout: closeTime,
      disableReverseLookup: true,
      noDelay: true,
      logger: false,
      ...relayHandlers(this.#context, {
        budget: this.#budget,
        failedLogins: this.#failedLogins,
        receiving: this.#receiving,
        hasTls: pair !== null,
        host: name,
      }),
    })
    this.#greetAtOnce(server)
    // What goes wrong in one session is that client's affair.
    server.on('error', (error) => this.#context.log.debug('relay.session_failed', { error }))
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => reject(cannotListen(host, port, error))
      server.server.once('error', failed)
      server.listen({ port, host, backlog: mostSessions }, () => {
        server.server.removeListener('error', failed)
        resolve()
      })
    })
    this.#servers.push(server)
    return { host, port: (server.server.address() as AddressInfo).port, tls, takesOldTls: versions === oldTls }
  }

  /**
   * Has the server greet without the tenth of a second that it otherwise waits for clients that speak too early, and lets the
   * replies of the relay bring their own enhanced status codes.
   */
  #greetAtOnce(server: SMTPServer): void {
    server.connect = (socket, options) => {
      const connection = new SMTPConnection(server, socket, options)
      const send = connection.send.bind(connection)
      connection.send = (code, data, about) => send(code, data, typeof data === 'string' && /^[245]\.\d{1,3}\.\d{1,3} /.test(data) ? false : about)
      const ready = connection.connectionReady.bind(connection)
      let isReady = false
      connection.connectionReady = (next) => {
        if (isReady) return
        isReady = true
        ready(next)
      }
      server.connections.add(connection)
      connection.on('error', (error: Error) => server.emit('error', error))
      this.#begun.set(connection, this.#context.clock.monotonic())
      connection.init()
      if (hasTooMany(connection, server, this.#watch))
        connection.send(421, '4.3.2 Too many sessions from this address wait for a login. Try again in a moment.')
      else if (server.connections.size <= mostSessions) connection.connectionReady()
    }
  }
}

type Pair = { cert: string; key: string }

/** @throws Problem settings_invalid */
function readPair({ certificateFile, keyFile }: NonNullable<RelayOptions['tls']>): Pair {
  try {
    const pair = { cert: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
    createSecureContext(pair)
    return pair
  } catch (error) {
    throw new Problem(
      'settings_invalid',
      `The relay cannot use the certificate in ${certificateFile} with the key in ${keyFile}: ${(error as Error).message}.`,
      { cause: error, nextStep: 'Correct KEYBEARER_RELAY_CERTIFICATE_FILE and KEYBEARER_RELAY_KEY_FILE.' },
    )
  }
}

const cannotListen = (host: string, port: number, error: NodeJS.ErrnoException) =>
  new Problem('settings_invalid', `The relay cannot listen on ${host}:${port} (${error.code ?? error.message}).`, {
    cause: error,
    nextStep: 'Correct KEYBEARER_RELAY_HOST, or the setting of this port.',
  })
