import type { SMTPServer } from 'smtp-server'
import type { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { networkOf } from '../access/sign-in-limit.ts'
import { isLoopback } from '../base/addresses.ts'

/** How long a session may take; in milliseconds. */
export type SessionTimes = {
  /** To log in. */
  login: number
  /** For one message, from DATA to its end. */
  message: number
}

export const sessionTimes: SessionTimes = { login: 60_000, message: 600_000 }

/** Sessions that one address may have without a login: one machine must not take every place. */
const mostStrangers = 100

type Watch = {
  servers: readonly SMTPServer[]
  /** Whether sessions from there need no login. */
  isKnown: (address: string) => boolean
  /** When the message of a session began to come in. */
  receiving: ReadonlyMap<string, number>
  /** When a session began. */
  begun: WeakMap<SMTPConnection, number>
  times: SessionTimes
}

const isStranger = (connection: SMTPConnection, { isKnown }: Pick<Watch, 'isKnown'>): boolean =>
  !(connection.session as { user?: unknown }).user && !isKnown(connection.remoteAddress)

/** Ends sessions that hold their place without getting on: it is needed by others. */
export function endIdlers(watch: Watch, now: number): void {
  const { servers, receiving, begun, times } = watch
  for (const { connections } of servers) {
    for (const connection of connections) {
      const since = receiving.get(connection.session.id)
      if (since !== undefined) {
        if (now - since > times.message) connection.send(421, '4.4.2 The message takes too long to come. Send it again.')
      } else if (now - (begun.get(connection) ?? now) > times.login && isStranger(connection, watch)) {
        connection.send(421, '4.4.2 Nobody has logged in. Connect again, and log in within a minute.')
      }
    }
  }
}

/** Returns whether the address has all the sessions without a login that it may have, this one not counted. */
export function hasTooMany(connection: SMTPConnection, server: SMTPServer, watch: Pick<Watch, 'isKnown'>): boolean {
  if (isLoopback(connection.remoteAddress)) return false
  const from = networkOf(connection.remoteAddress)
  let strangers = 0
  for (const other of server.connections) {
    if (other !== connection && isStranger(other, watch) && networkOf(other.remoteAddress) === from) strangers++
  }
  return strangers >= mostStrangers
}
