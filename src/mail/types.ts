import type { Submission } from '../access/idempotency.ts'
import type { Diagnosis } from '../base/diagnosis.ts'
import type { ForeignFrom } from './from-rules.ts'

export type SenderView = {
  id: string
  name: string
  /** `graph` and `gmail`: the API of Microsoft or Google in place of a mail server. */
  kind: 'smtp' | 'graph' | 'gmail'
  host: string
  port: number
  /** `none` is for loopback only. An API has no STARTTLS. */
  tls: 'implicit' | 'starttls' | 'none'
  mechanism: 'auto' | 'XOAUTH2' | 'OAUTHBEARER' | 'PLAIN' | 'LOGIN' | 'none'
  credential: { id: string; name: string } | null
  /** Whom to log in as, where that is not the credential's account: a shared mailbox is sent as, not logged in as. */
  login: string | null
  from: string
  fromName: string | null
  /** Which From goes through it, beside its own: addresses, domains such as @example.org, * for any; null: those of its own domain. */
  takesFrom: string[] | null
  /** What becomes of mail with another From that ends up here; null: as the setting says. */
  foreignFrom: ForeignFrom | null
  ca: string | null
  isDefault: boolean
  createdAt: number
  updatedAt: number
  revision: number
}

export type NewSender = {
  name: string
  /** `smtp` unless told; it stays what it is. */
  kind?: SenderView['kind']
  /** An API's is known from the provider, unless told. */
  host?: string
  port?: number
  tls?: SenderView['tls']
  mechanism?: SenderView['mechanism']
  /** Id or name. */
  credential?: string | null
  login?: string | null
  from: string
  fromName?: string | null
  takesFrom?: string[] | null
  foreignFrom?: ForeignFrom | null
  ca?: string | null
  isDefault?: boolean
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
  /** `content` is base64. */
  attachments?: { filename: string; contentType?: string; content: string; inlineId?: string }[]
  /** Which request it came with, so that a repetition of it makes no second message. */
  submission?: Submission
  /** By its header, unless told. */
  priority?: Priority
}

/** A finished message, with whom it goes to. */
export type ReadyMessage = {
  mime: Buffer
  messageId: string
  subject: string
  sender: { id: string; name: string }
  envelopeFrom: string
  /** Everybody who gets it, each once: the envelope. */
  recipients: string[]
  /** By which door it came, for the audit trail; null: composed here. */
  by: 'relay' | 'raw' | null
  submission?: Submission
  /** By its header, unless told. */
  priority?: Priority
}

/** What goes first when much waits. */
export type Priority = 'high' | 'normal' | 'low'

export type MessageStatus = 'queued' | 'sending' | 'sent' | 'failed' | 'cancelled'

/** `at`: when the server last said something about it. */
export type Recipient = { address: string; state: 'waiting' | 'sent' | 'refused'; reply: string | null; at?: number }

export type MessageProblem = { code: string; message: string; nextStep: string; reply: string | null; diagnosis?: Diagnosis | null }

/** One way that was tried. `failed`: for a reason that another way would not help against. */
export type RouteStep = {
  sender: { id: string; name: string }
  outcome: 'sent' | 'unreachable' | 'refused' | 'credential_not_ready' | 'failed'
  reason: string | null
  at: number
  /** The server's words, the latest ones. */
  reply?: string | null
  /** How often it went the same way one after the other, and when it last did. */
  times?: number
  lastAt?: number
}

/** What a person did with a message, and when it was given up. */
export type MessageChange =
  | { what: 'retried' | 'cancelled'; at: number; by: string }
  | { what: 'resent'; at: number; by: string; sender: { id: string; name: string } }
  | { what: 'failed'; at: number; reason: string | null }

/** One thing that happened to a message. */
export type TimelineEntry = {
  what: 'accepted' | 'tried' | 'retried' | 'resent' | 'cancelled' | 'sent' | 'failed'
  at: number
  by: string | null
  sender: { id: string; name: string } | null
  outcome: RouteStep['outcome'] | null
  reason: string | null
  reply: string | null
  times: number
  lastAt: number | null
}

export type MessageView = {
  id: string
  sender: { id: string; name: string }
  status: MessageStatus
  messageId: string
  subject: string
  from: string
  recipients: Recipient[]
  size: number
  attempts: number
  nextAttemptAt: number | null
  problem: MessageProblem | null
  createdAt: number
  createdBy: string
  sentAt: number | null
  /** Which sender it really went out through. */
  sentBy: { id: string; name: string } | null
  route: RouteStep[]
  priority: Priority
  timeline: TimelineEntry[]
}

/**
 * What became of one try to send a message. `diagnosis`: what the server's words mean. `closedFor`: for how many milliseconds the
 * account is left alone, because every message for it meets the same; `notAsked`: it was left alone this time.
 */
export type Delivery = { diagnosis?: Diagnosis | null; closedFor?: number; notAsked?: boolean } & (
  | { kind: 'sent'; reply: string; refused: { address: string; reply: string; permanent: boolean }[] }
  /** Nobody got it. */
  | {
      kind: 'refused'
      code: 'mail_refused' | 'mail_auth_refused' | 'decrypt_failed'
      reply: string | null
      message: string
      nextStep?: string
      permanent: boolean
      /** Set when the server would not take mail from this sender's address. */
      about?: 'sender'
      recipients?: { address: string; reply: string; permanent: boolean }[]
    }
  | {
      kind: 'unavailable'
      code: string
      message: string
      reply: string | null
      nextStep?: string
      retryAfter?: number
      /** Set when it has nothing to do with this message: the server is away, or takes no more from the account. Nothing was sent. */
      about?: 'account'
    }
)
