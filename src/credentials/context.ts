import type { AuditTrail } from '../access/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { Event, EventBus } from '../base/events.ts'
import type { OutgoingHttp } from '../base/http-types.ts'
import type { Log } from '../base/log.ts'
import type { Vault } from '../base/vault.ts'
import type { PasswordMail } from '../providers/password-mail.ts'
import type { PopularConfiguration } from '../providers/popular.ts'
import type { Catalogue } from '../providers/catalogue.ts'
import type { Diagnoses } from '../providers/diagnoses.ts'
import type { Database } from '../storage/tables.ts'
import type { ProviderClocks } from './provider-clocks.ts'

/** What the files of this part work with; `main.ts` makes it. */
export type CredentialContext = {
  db: Database
  dialect: 'sqlite' | 'postgres'
  clock: Clock
  vault: Vault
  audit: AuditTrail
  bus: EventBus
  /** The way out to providers, on which their clocks are compared with ours. */
  http: OutgoingHttp
  providerClocks: ProviderClocks
  catalogue: Catalogue
  diagnoses: Diagnoses
  /** Registrations that other applications publish; null: not to be offered here. */
  popular: PopularConfiguration[] | null
  /** Days without a use after which a credential is switched off; 0: never. */
  unusedDays: number
  /** Days that a deleted credential can be restored; 0: it is gone at once. */
  deletedDays: number
  /** Finds the mail service of a domain that takes passwords only; null: none is known. */
  passwordMail: (domain: string) => PasswordMail | null
  /** Asks the name servers who takes the mail of a domain; nobody when they do not say. */
  mailExchangers: (domain: string) => Promise<string[]>
  log: Log
  /** Tells the event tail that something was committed; resolves when every listener and cache of this node has heard of it. */
  wake: (committed?: Event[]) => Promise<void>
  /** Whether this node has seen the other nodes' changes within the last second. */
  isFresh: () => boolean
  /** Where browsers reach this service, without a slash at the end. */
  publicUrl: string
  /** Whether http on loopback is allowed for providers: for tests, the demo and development. */
  allowLoopbackHttp: boolean
  /** Counts outcomes for the metrics. */
  count: (what: 'hand_outs' | 'refreshes' | 'token_requests', outcome: string) => void
}
