import type { z } from 'zod'
import type { AuditAction } from '../access/audit-actions.ts'
import type { Administration, Right } from '../access/types.ts'
import type { ProblemCode } from '../base/problem-codes.ts'

/**
 * Who may call an endpoint. Whatever is not said here is refused.
 *
 * - `public`: everybody, without a key.
 * - `any`: every valid access key and every signed-in person.
 * - `person`: every signed-in person, about himself.
 * - `{ credential }`: a key with this right on the credential that `{credential}` in the path names.
 * - `{ anyCredential }`: a key with this right on at least one credential; the handler shows only what belongs to those.
 * - `{ anyAction }`: a key that may run at least one action, or may manage; the handler shows only those.
 * - `{ administration }`: a key that administers this.
 *
 * A key that may `manage` may also read the facts of every credential; it does not get tokens by that.
 */
export type Permission =
  | 'public'
  | 'any'
  | 'person'
  | { credential: Right }
  | { anyCredential: Right }
  | { anyAction: 'run' }
  | { administration: Administration }

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type Method = (typeof methods)[number]

/** What the reply is made of. */
export type ReplyKind = 'json' | 'nothing' | 'events' | 'html' | 'text' | 'lines' | 'file'

/** One row of the contract. Everything about an endpoint but its work: routes, checks, OpenAPI and the client come from it. */
export type Endpoint = {
  /** The operation's name in OpenAPI and the method's name in the client. */
  id: string
  method: Method
  /** Parameters stand in braces. */
  path: string
  /** One line, a verb in the third person. */
  summary: string
  /** What would surprise. */
  description?: string
  tag: Tag
  permission: Permission
  /** What the audit trail says of a call; null must be written out and is only for what touches no secret and changes nothing. */
  audit: AuditAction | null
  params?: z.ZodObject
  query?: z.ZodObject
  body?: z.ZodType
  /** The body may be left out; then it is an empty object. */
  bodyOptional?: boolean
  status: number
  kind: ReplyKind
  reply?: z.ZodType
  /** The reply has an ETag made of the revision. */
  hasEtag?: boolean
  /** If-Match is heeded. */
  takesIfMatch?: boolean
  /** Idempotency-Key is heeded: the same request with the same key is done once. */
  takesIdempotencyKey?: boolean
  /** The key is kept with what the request makes, in one commit: it lives as long as that, and a request that was cut off may come again. */
  keepsIdempotencyKey?: boolean
  /** A person must have proven himself within the last minutes. */
  fresh?: boolean
  /** The reply must not be kept anywhere. */
  noStore?: boolean
  /** The body is a message, or holds something as large, and may be as large as messages may be. */
  largeBody?: boolean
  /** Whoever calls has signed the bytes of the body: it is not parsed before that was checked. */
  rawBody?: boolean
  /** Problems of its own, beside those that every endpoint can have. */
  problems?: ProblemCode[]
}

/** The groups of the reference page and of OpenAPI. */
export const tags = {
  Credentials: 'Named things that automations use.',
  Consents: 'Attempts of a person to authorize a credential.',
  Registrations: 'OAuth client registrations at providers.',
  Providers: 'Authorization servers: those of the catalogue and your own.',
  'Access keys': 'What automations call Keybearer with.',
  Persons: 'Who may sign in to the web page, and as what.',
  Senders: 'Ways to send mail.',
  Notifications: 'Who is told when something needs a person: webhooks, and what is put off.',
  Messages: 'Outgoing mail in the outbox.',
  Requests: 'HTTP requests that Keybearer sends with a credential.',
  Actions: 'Saved mails and HTTP requests that are run by name.',
  Audit: 'Who did what.',
  Events: 'What happens, as it happens.',
  Service: 'The service itself.',
} as const
export type Tag = keyof typeof tags

/** Keeps the exact types of a row, so that its handler knows its input and reply. */
export function endpoint<const Row extends Endpoint>(row: Row): Row {
  return row
}

type Out<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<string, never>

export type Params<Row extends Endpoint> = Out<Row['params']>
export type Query<Row extends Endpoint> = Out<Row['query']>
export type Body<Row extends Endpoint> = Out<Row['body']>
export type ReplyBody<Row extends Endpoint> = Row['reply'] extends z.ZodType ? z.input<Row['reply']> : null
