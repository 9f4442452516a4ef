import type { AuditTrail } from '../access/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { Event, EventBus } from '../base/events.ts'
import type { OutgoingHttp } from '../base/http-types.ts'
import type { Log } from '../base/log.ts'
import type { Vault } from '../base/vault.ts'
import type { Credentials } from '../credentials/credentials.ts'
import type { Catalogue } from '../providers/catalogue.ts'
import type { Database } from '../storage/tables.ts'

/** What the files of this part work with; `main.ts` makes it. */
export type MailContext = {
  db: Database
  dialect: 'sqlite' | 'postgres'
  clock: Clock
  vault: Vault
  audit: AuditTrail
  bus: EventBus
  log: Log
  /** Tells the event tail that something was committed, or what; resolves when every listener of this node has heard of it. */
  wake: (committed?: Event[]) => Promise<void>
  /** Whether what other nodes changed has been heard of, but for the last second. */
  isFresh: () => boolean
  credentials: Pick<Credentials, 'handOut' | 'generationFor' | 'get' | 'recordUse' | 'diagnose' | 'diagnoseReply'>
  catalogue: Pick<Catalogue, 'get'>
  /** The way to mail APIs. */
  http: OutgoingHttp
  /** Whether a mail server at this address may be connected to. */
  mayConnect: (host: string, address: string, port: number) => boolean
  /** PEM of further certificate authorities. */
  ca: string | undefined
  maxBytes: number
  /** Milliseconds after which a message that could not be sent fails for good. */
  maxAge: number
  /** Milliseconds that a server must be out of reach before a fallback is used for that. */
  fallbackAfter: number
  /** Milliseconds for which a message is kept when nothing happens with it any more. */
  keepFor: number
  /** Milliseconds for which a change waits for what comes of a message that is being sent. */
  changeWait: number
  count: (outcome: string) => void
}
