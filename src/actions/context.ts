import type { AuditTrail } from '../access/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Vault } from '../base/vault.ts'
import type { MailOptions } from '../mail/mail-options.ts'
import type { Outbox } from '../mail/outbox.ts'
import type { Senders } from '../mail/senders.ts'
import type { Database } from '../storage/tables.ts'
import type { HttpRequests } from './http-requests.ts'

/** What the files about saved actions work with; `main.ts` makes it. */
export type ActionContext = {
  db: Database
  dialect: 'sqlite' | 'postgres'
  clock: Clock
  vault: Vault
  audit: AuditTrail
  log: Log
  wake: () => Promise<void>
  senders: Pick<Senders, 'get' | 'list'>
  outbox: Pick<Outbox, 'accept' | 'compose' | 'get'>
  mailOptions: Pick<MailOptions, 'get'>
  requests: Pick<HttpRequests, 'send'>
  /** The variables of the environment that texts may use. */
  environment: Readonly<Record<string, string>>
  /** Milliseconds that a run waits for a mail server to take its message. */
  mailPatience: number
  /** Milliseconds that runs stay in the list after they have ended. */
  keepRuns: number
  count: (outcome: string) => void
}
