import type { Actor } from '../base/actor.ts'
import type { AccessKeys } from '../access/access-keys.ts'
import type { AuditTrail } from '../access/audit.ts'
import type { IdempotentReplies } from '../access/idempotency.ts'
import type { Clock } from '../base/clock.ts'
import type { Event, EventBus } from '../base/events.ts'
import type { Log } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Consents } from '../credentials/consents.ts'
import type { Credentials } from '../credentials/credentials.ts'
import type { Registrations } from '../credentials/registrations.ts'
import type { Page } from '../credentials/types.ts'
import type { Provider } from '../providers/provider-schema.ts'

export type ProviderView = { description: Provider; own: boolean; revision: number | null }

export type Providers = {
  list(): Promise<ProviderView[]>
  /** @throws Problem not_found */
  get(id: string): Promise<ProviderView>
  create(description: Provider, actor: Actor): Promise<ProviderView>
  replace(id: string, description: Provider, actor: Actor): Promise<ProviderView>
  delete(id: string, actor: Actor): Promise<void>
  /** Fetches the metadata of an issuer and makes a description of it; stores nothing. */
  discover(order: { issuer: string; id?: string; name?: string }, actor: Actor): Promise<{ description: Provider; warnings: string[] }>
}

export type SenderView = {
  id: string
  name: string
  kind: 'smtp'
  host: string
  port: number
  tls: 'implicit' | 'starttls' | 'none'
  mechanism: 'auto' | 'XOAUTH2' | 'OAUTHBEARER' | 'PLAIN' | 'LOGIN' | 'none'
  credential: { id: string; name: string } | null
  login: string | null
  from: string
  fromName: string | null
  ca: string | null
  isDefault: boolean
  createdAt: number
  updatedAt: number
  revision: number
}

export type NewSender = {
  name: string
  host: string
  port?: number
  tls?: SenderView['tls']
  mechanism?: SenderView['mechanism']
  credential?: string | null
  login?: string | null
  from: string
  fromName?: string | null
  ca?: string | null
  isDefault?: boolean
}

export type MessageStatus = 'queued' | 'sending' | 'sent' | 'failed' | 'cancelled'

export type MessageView = {
  id: string
  sender: { id: string; name: string }
  status: MessageStatus
  messageId: string
  subject: string
  from: string
  recipients: { address: string; state: 'waiting' | 'sent' | 'refused'; reply: string | null }[]
  size: number
  attempts: number
  nextAttemptAt: number | null
  problem: { code: string; message: string; nextStep: string; reply: string | null } | null
  createdAt: number
  createdBy: string
  sentAt: number | null
}

export type NewMessage = {
  sender?: string
  from?: string
  to: string[]
  cc?: string[]
  bcc?: string[]
  replyTo?: string
  subject: string
  text?: string
  html?: string
  headers?: Record<string, string>
  attachments?: { filename: string; contentType?: string; content: string; inlineId?: string }[]
}

export type Senders = {
  list(): Promise<SenderView[]>
  get(ref: string): Promise<SenderView>
  create(input: NewSender, actor: Actor): Promise<SenderView>
  change(ref: string, patch: Partial<NewSender>, actor: Actor, ifRevision?: number): Promise<SenderView>
  delete(ref: string, actor: Actor): Promise<void>
  test(ref: string, order: { to: string }, actor: Actor): Promise<{ message: MessageView }>
}

export type Outbox = {
  accept(input: NewMessage, actor: Actor): Promise<MessageView>
  list(filter: { status?: MessageStatus; sender?: string; createdBy?: string; cursor?: string; limit?: number }): Promise<Page<MessageView>>
  get(id: string): Promise<MessageView>
  retry(id: string, actor: Actor): Promise<MessageView>
  cancel(id: string, actor: Actor): Promise<MessageView>
}

export type RotationView = {
  state: 'idle' | 'running' | 'failed'
  newestVersion: number
  versions: { version: number; fingerprint: string; dataKeys: number; createdAt: number; retiredAt: number | null }[]
  rewrapped: number
  remaining: number
  startedAt: number | null
  finishedAt: number | null
  problem: { code: string; detail: string; nextStep: string } | null
}

export type Check = { name: string; outcome: 'ok' | 'warning' | 'failed'; message: string; nextStep: string | null }

export type SettingView = { name: string; value: string | null; source: string; secret: boolean; summary: string }

/** Facts of the service that only `main.ts` knows. */
export type ServiceFacts = {
  version: string
  startedAt: number
  database: 'sqlite' | 'postgres'
  publicUrl: string
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
  log: Log
  bus: EventBus
  metrics: Metrics
  accessKeys: Pick<AccessKeys, 'authenticate' | 'create' | 'list' | 'get' | 'revoke'>
  audit: Pick<AuditTrail, 'record' | 'list' | 'verify' | 'blocked'>
  credentials: Pick<
    Credentials,
    'list' | 'counts' | 'get' | 'idOf' | 'create' | 'change' | 'delete' | 'pause' | 'resume' | 'handOut' | 'refresh' | 'test' | 'revoke' | 'usage'
  >
  consents: Pick<Consents, 'start' | 'get' | 'respond' | 'callback'>
  registrations: Pick<Registrations, 'list' | 'get' | 'create' | 'change' | 'delete'>
  providers: Providers
  senders: Senders
  outbox: Outbox
  rotation: { start(actor: Actor): Promise<RotationView>; get(): Promise<RotationView> }
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
}
