import type { AccessKeys } from '../access/access-keys.ts'
import type { Backups } from '../access/backups.ts'
import type { KeyDeliveries } from '../access/key-deliveries.ts'
import type { OidcSignIn } from '../access/oidc-sign-in.ts'
import type { Passkeys } from '../access/passkeys.ts'
import type { Persons } from '../access/persons.ts'
import type { Sessions } from '../access/sessions.ts'
import type { SignIn } from '../access/sign-in.ts'
import type { ServiceLock } from '../access/service-lock.ts'
import type { MasterKeyRotation } from '../access/master-key-rotation.ts'
import type { AuditTrail } from '../access/audit.ts'
import type { IdempotentReplies } from '../access/idempotency.ts'
import type { ActionRuns } from '../actions/action-runs.ts'
import type { Actions } from '../actions/actions.ts'
import type { Schedules } from '../actions/schedules.ts'
import type { ActionHooks } from '../actions/action-hooks.ts'
import type { HttpRequests } from '../actions/http-requests.ts'
import type { Clock } from '../base/clock.ts'
import type { Event, EventBus } from '../base/events.ts'
import type { Log } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Consents } from '../credentials/consents.ts'
import type { Credentials } from '../credentials/credentials.ts'
import type { DeletedCredentials } from '../credentials/deleted-credentials.ts'
import type { EmergencyStops } from '../credentials/emergency-stops.ts'
import type { Exporter } from '../credentials/export-credentials.ts'
import type { Importer } from '../credentials/import-credentials.ts'
import type { ProviderClocks } from '../credentials/provider-clocks.ts'
import type { Registrations } from '../credentials/registrations.ts'
import type { Diagnoses } from '../providers/diagnoses.ts'
import type { Providers } from '../credentials/providers.ts'
import type { KeyLimits } from '../mail/key-limits.ts'
import type { MailOptions } from '../mail/mail-options.ts'
import type { Outbox } from '../mail/outbox.ts'
import type { RawIntake } from '../mail/raw-intake.ts'
import type { PageFiles } from './page-files.ts'
import type { Senders } from '../mail/senders.ts'
import type { Webhooks } from '../mail/webhooks.ts'

export type Check = { name: string; outcome: 'ok' | 'warning' | 'failed'; message: string; nextStep: string | null }

export type SettingView = { name: string; value: string | null; source: string; secret: boolean; summary: string }

/** Facts of the service that only `main.ts` knows. */
export type ServiceFacts = {
  version: string
  startedAt: number
  database: 'sqlite' | 'postgres'
  publicUrl: string
  /** Days without a use after which something is stopped; 0: never. */
  unusedDays: number
  masterKeyVersion(): number
  /** The last number and hash of the audit trail. */
  auditHead(): Promise<{ seq: number; hash: string }>
  settings(): SettingView[]
  /** Checks of what lies outside the API's sight: key source, rights of files, database. */
  checks(): Promise<Check[]>
  /** Resolves when a token could be handed out now. @throws Problem storage_unavailable, audit_blocked, shutting_down */
  checkReady(): Promise<void>
}

export type KeptEvents = {
  read(after: number, limit: number): Promise<Event[]>
  /** The number of the newest one. */
  last(): Promise<number>
}

/** What the handlers work with; `main.ts` puts it together. */
export type Services = {
  clock: Clock
  providerClocks: Pick<ProviderClocks, 'list'>
  log: Log
  bus: EventBus
  metrics: Metrics
  accessKeys: Pick<AccessKeys, 'authenticate' | 'authenticateAgain' | 'reader' | 'create' | 'createForDelivery' | 'list' | 'get' | 'revoke' | 'resume'>
  deliveries: Pick<KeyDeliveries, 'look' | 'open'>
  sessions: Pick<Sessions, 'authenticate' | 'list' | 'end' | 'endOf'>
  signIn: Pick<SignIn, 'withPassword' | 'hasPassword' | 'confirm' | 'changePassword' | 'isSetUpNeeded' | 'setUp' | 'openInvitation' | 'acceptInvitation'>
  passkeys: Pick<Passkeys, 'areThere' | 'list' | 'startAdding' | 'add' | 'remove' | 'startSignIn' | 'signIn'>
  /** Null: persons sign in here only. */
  oidc: Pick<OidcSignIn, 'title' | 'begin' | 'finish'> | null
  persons: Pick<Persons, 'list' | 'invite' | 'renewInvitation' | 'change' | 'delete'>
  audit: Pick<AuditTrail, 'record' | 'list' | 'all' | 'mark' | 'verify' | 'blocked'>
  credentials: Pick<
    Credentials,
    | 'list'
    | 'counts'
    | 'get'
    | 'idOf'
    | 'knownId'
    | 'nameOf'
    | 'create'
    | 'change'
    | 'delete'
    | 'pause'
    | 'resume'
    | 'snooze'
    | 'handOut'
    | 'refresh'
    | 'test'
    | 'revoke'
    | 'usage'
    | 'usageDays'
    | 'diagnosisValues'
    | 'examine'
    | 'ends'
  >
  deletedCredentials: Pick<DeletedCredentials, 'days' | 'list' | 'restore' | 'purge'>
  emergencyStops: Pick<EmergencyStops, 'begin' | 'get' | 'list' | 'stopped' | 'undo'>
  exporter: Pick<Exporter, 'idsOf' | 'export'>
  importer: Pick<Importer, 'run'>
  consents: Pick<Consents, 'start' | 'open' | 'describeLink' | 'get' | 'waiting' | 'withdraw' | 'respond' | 'callback' | 'credentialBehind'>
  registrations: Pick<Registrations, 'compareProvider' | 'acceptProvider' | 'list' | 'get' | 'create' | 'change' | 'delete'>
  providers: Pick<Providers, 'popular' | 'list' | 'detect' | 'get' | 'create' | 'replace' | 'delete' | 'discover'>
  diagnoses: Pick<Diagnoses, 'classify' | 'describe'>
  mailOptions: Pick<MailOptions, 'get' | 'set'>
  senders: Pick<Senders, 'list' | 'get' | 'create' | 'change' | 'delete' | 'test' | 'examine' | 'hostsOf'>
  webhooks: Pick<Webhooks, 'list' | 'get' | 'create' | 'change' | 'renewSecret' | 'delete' | 'test'>
  outbox: Pick<Outbox, 'accept' | 'submitted' | 'list' | 'get' | 'retry' | 'resend' | 'cancel' | 'waiting'>
  requests: Pick<HttpRequests, 'send'>
  actions: Pick<Actions, 'list' | 'get' | 'create' | 'change' | 'delete' | 'preview'>
  actionRuns: Pick<ActionRuns, 'run' | 'list' | 'get'>
  schedules: Pick<Schedules, 'set' | 'remove' | 'of' | 'preview'>
  actionHooks: Pick<ActionHooks, 'make' | 'remove' | 'of' | 'receive'>
  rawIntake: Pick<RawIntake, 'accept'>
  keyLimits: KeyLimits
  rotation: Pick<MasterKeyRotation, 'start' | 'get'>
  lock: Pick<ServiceLock, 'lock'>
  backups: Pick<Backups, 'make' | 'get'>
  idempotency: Pick<IdempotentReplies, 'once'>
  events: KeptEvents
  facts: ServiceFacts
  /** Signs the addresses of the pages that tell a person how a consent ended: 32 bytes, the same on every node. */
  pageKey: Uint8Array
}

/** How the service may be reached. */
export type ReachOptions = {
  /** Host names beside loopback and the public URL's that requests may name. */
  allowedHosts: string[]
  /** Networks of reverse proxies whose X-Forwarded-For is believed. */
  trustedProxies: string[]
  /** The largest message; a request with one may be 1.4 times as large. */
  mailMaxBytes: number
  /** Who may read the metrics: callers on loopback and those with a key, only those with a key, or nobody. */
  metrics: 'loopback' | 'key' | 'off'
  /** How long a stop waits for calls under way. */
  shutdownSeconds: number
  /** The built web page; without it a plain page says where the API is. */
  page?: PageFiles | null
}
