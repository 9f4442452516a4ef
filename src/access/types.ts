import type { Secret } from '../base/secret.ts'

/** What a key may do with a credential. Reading facts, reading tokens, sending mail and sending requests are four rights. */
export const rights = ['read', 'token', 'mail', 'request'] as const
export type Right = (typeof rights)[number]

/** What each right allows, as the reference page says it. */
export const rightMeanings: Record<Right, string> = {
  read: 'See the facts of the credential: status, until when, last use, events. Never a secret.',
  token: 'Get access tokens of the credential.',
  mail: 'Send mail through senders that log in with the credential.',
  request: 'Send HTTP requests that carry the credential, without getting its token.',
}

/** What a caller may do beside using credentials. */
export const administrations = ['manage', 'keys', 'audit', 'persons', 'purge', 'calendar'] as const
export type Administration = (typeof administrations)[number]

/** What each kind of administration allows, as the reference page says it. */
export const administrationMeanings: Record<Administration, string> = {
  manage:
    'Make, change, connect, test, delete and restore credentials; make, change and delete registrations, providers, senders and actions; see the settings; replace the master key.',
  keys: 'Make, list and revoke access keys, with no more rights than the calling key has.',
  audit: 'Read and verify the audit trail.',
  persons: 'Invite persons, change their roles, suspend and remove them.',
  purge: 'Destroy deleted credentials for good, before their time is over.',
  calendar: 'Read the calendar of what ends, by the address of its feed, and nothing else.',
}

export type Permission = {
  /** Id of a credential, or `*` for all. */
  credential: string
  rights: Right[]
}

/** What a caller may send at most; null: no limit of its own. */
export type MailLimits = { messagesPerHour: number | null; recipientsPerMessage: number | null; bytesPerMessage: number | null }

/** What a caller may do. Everything it does not name is refused. */
export type Rights = {
  permissions: Permission[]
  administration: Administration[]
  /** Ids of the actions that it may run, or `*` for all. */
  actions?: readonly string[]
  /** Rights on credentials that it may give to a new access key without having them itself. */
  gives?: readonly Right[]
  mailLimits?: MailLimits | null
}

export type NewAccessKey = {
  name: string
  permissions: Permission[]
  administration?: Administration[]
  /** Ids of the actions that it may run, or `*` for all. */
  actions?: string[]
  /** CIDR networks the key may be used from; empty: anywhere. */
  networks?: string[]
  mailLimits?: MailLimits | null
  expiresAt?: number
}

export type AccessKeyView = {
  id: string
  name: string
  hint: string
  permissions: Permission[]
  administration: Administration[]
  actions: string[]
  networks: string[]
  mailLimits: MailLimits | null
  expiresAt: number | null
  revokedAt: number | null
  createdAt: number
  createdBy: string
  lastUsedAt: number | null
  lastUsedFrom: string | null
  /** When somebody said last that it is to be kept, and when it was noted that nobody uses it. */
  keptFrom: number | null
  toldAt: number | null
  /** When it was stopped because nobody used it. */
  stoppedAt: number | null
  /** Whether it is stopped when nobody uses it. */
  mayBeStopped: boolean
  /** How the key reaches its machine, where that is by a link. */
  delivery: { status: 'waiting' | 'opened' | 'expired'; expiresAt: number; openedAt: number | null; openedFrom: string | null; repeats: number } | null
}

export type MadeAccessKey = { view: AccessKeyView; key: Secret }
