import { z } from 'zod'
import { foreignFroms } from '../mail/from-rules.ts'
import { endpoint } from './endpoint.ts'
import { count, named, optionalTime, page, pageQuery, ref, text, time, word, diagnosisSchema } from './schemas.ts'

const kind = z.enum(['smtp', 'graph', 'gmail'])
const tls = z.enum(['implicit', 'starttls', 'none'])
const mechanism = z.enum(['auto', 'XOAUTH2', 'OAUTHBEARER', 'PLAIN', 'LOGIN', 'none'])
const foreignFrom = z.enum(foreignFroms)
const port = z.int().min(1).max(65535)
/** One address, with a display name or without. What exactly is allowed, the mail part checks. */
const address = word(1000)

const newSender = z
  .strictObject({
    name: word(200),
    kind: kind.optional().meta({ description: 'smtp unless told; graph and gmail: the API of Microsoft or Google. It stays what it is.' }),
    host: word(253).optional().meta({ description: 'Mail server; for an API it is known from the provider, unless told' }),
    port: port.optional().meta({ description: '443 for an API; 465 for implicit TLS, otherwise 587, unless told' }),
    tls: tls.optional().meta({ description: 'starttls unless told, implicit for an API; none is for loopback only' }),
    mechanism: mechanism.optional().meta({ description: 'auto: chosen from what the server offers' }),
    credential: ref('credential').nullable().optional(),
    login: word(320)
      .nullable()
      .optional()
      .meta({ description: 'Whom to log in as; the account of the credential unless told. For an API: whose mailbox sends' }),
    from: address,
    from_name: word(200).nullable().optional(),
    takes_from: z
      .array(word(320))
      .max(200)
      .nullable()
      .optional()
      .meta({ description: 'Which From goes through it, beside its own: addresses, domains such as @example.org, * for any; none: those of its own domain' }),
    foreign_from: foreignFrom.nullable().optional().meta({ description: 'What becomes of mail with another From; KEYBEARER_RELAY_FROM decides unless told' }),
    ca: text(100_000).nullable().optional().meta({ description: 'Certificate of an own certificate authority, in PEM form' }),
    is_default: z.boolean().optional(),
  })
  .meta({ id: 'NewSender' })

const sender = z
  .object({
    id: z.string(),
    name: z.string(),
    kind,
    host: z.string(),
    port,
    tls,
    mechanism,
    credential: named.nullable(),
    login: z.string().nullable(),
    from: z.string(),
    from_name: z.string().nullable(),
    takes_from: z.array(z.string()).nullable(),
    foreign_from: foreignFrom.nullable(),
    ca: z.string().nullable(),
    is_default: z.boolean(),
    created_at: time,
    updated_at: time,
    revision: z.int(),
  })
  .meta({ id: 'Sender', description: 'A way to send mail' })

const priority = z.enum(['high', 'normal', 'low'])
const newPriority = priority
  .optional()
  .meta({ description: 'What goes first when much waits; unless told, the header of the message says it, and what goes to a list is low' })

const newMessage = z
  .strictObject({
    sender: ref('sender').optional().meta({ description: 'Id or name of a sender; the default one unless told' }),
    from: address.optional().meta({ description: "Another From address than the sender's, where the server allows it" }),
    to: z.array(address).max(1000),
    cc: z.array(address).max(1000).optional(),
    bcc: z.array(address).max(1000).optional(),
    reply_to: address.optional(),
    priority: newPriority,
    subject: z.string().max(2000),
    text: z.string().optional(),
    html: z.string().optional(),
    headers: z.record(word(100), z.string().max(10_000)).optional(),
    attachments: z
      .array(
        z.strictObject({
          filename: z.string().min(1).max(500),
          content_type: word(200).optional(),
          content: z.base64().meta({ description: 'base64' }),
          inline_id: word(200).optional().meta({ description: 'For pictures in the HTML: cid:…' }),
        }),
      )
      .max(200)
      .optional(),
  })
  .meta({ id: 'NewMessage' })

const newRawMessage = z
  .strictObject({
    mime: z.base64().meta({ description: 'The finished message with its headers, in base64' }),
    to: z.array(address).max(1000).optional().meta({ description: 'Everybody who gets it; whom To, Cc and Bcc of the message name unless told' }),
    priority: newPriority,
    mail_from: address.optional().meta({ description: 'Whom it comes from, where the message has no From' }),
    sender: ref('sender').optional().meta({ description: 'Id or name of a sender; unless told the one that fits From, else the default one' }),
  })
  .meta({ id: 'NewRawMessage' })

const message = z
  .object({
    id: z.string(),
    sender: named,
    status: z.enum(['queued', 'sending', 'sent', 'failed', 'cancelled']),
    message_id: z.string(),
    subject: z.string(),
    from: z.string(),
    recipients: z.array(
      z.object({
        address: z.string(),
        state: z.enum(['waiting', 'sent', 'refused']),
        reply: z.string().nullable(),
        at: optionalTime.meta({ description: 'When the server last said something about it' }),
      }),
    ),
    priority,
    size: count,
    attempts: count,
    next_attempt_at: optionalTime,
    problem: z
      .object({ code: z.string(), message: z.string(), next_step: z.string(), reply: z.string().nullable(), diagnosis: diagnosisSchema.nullable() })
      .nullable(),
    created_at: time,
    created_by: z.string(),
    sent_at: optionalTime,
    sent_by: named.nullable().meta({ description: 'The sender that it really went out through; null: none yet' }),
    route: z
      .array(
        z.object({
          sender: named,
          outcome: z.enum(['sent', 'unreachable', 'refused', 'credential_not_ready', 'failed']),
          reason: z.string().nullable().meta({ description: 'A code of an error' }),
          at: time,
        }),
      )
      .meta({ description: 'The ways that were tried, the latest last' }),
    timeline: z
      .array(
        z.object({
          what: z.enum(['accepted', 'tried', 'retried', 'resent', 'cancelled', 'sent', 'failed']),
          at: time,
          by: z.string().nullable().meta({ description: 'Id of whoever did it' }),
          sender: named.nullable(),
          outcome: z.enum(['sent', 'unreachable', 'refused', 'credential_not_ready', 'failed']).nullable(),
          reason: z.string().nullable().meta({ description: 'A code of an error' }),
          reply: z.string().nullable().meta({ description: "The server's words" }),
          times: count.meta({ description: 'How often the same came of it, one after the other' }),
          last_at: optionalTime.meta({ description: 'When it last did' }),
        }),
      )
      .meta({ description: 'Everything that happened to it, the oldest first' }),
  })
  .meta({ id: 'Message', description: 'One outgoing mail; its content is not shown' })

const senderParams = z.strictObject({ sender: ref('sender') })
const messageParams = z.strictObject({ message: word(100).meta({ description: 'Id of the message' }) })

export const mailEndpoints = [
  endpoint({
    id: 'listSenders',
    method: 'GET',
    path: '/v1/senders',
    tag: 'Senders',
    summary: 'Lists the senders that the key may send through.',
    permission: { anyCredential: 'mail' },
    audit: null,
    status: 200,
    kind: 'json',
    reply: page(sender).meta({ id: 'SenderPage' }),
  }),
  endpoint({
    id: 'createSender',
    method: 'POST',
    path: '/v1/senders',
    tag: 'Senders',
    summary: 'Makes a sender.',
    permission: { administration: 'manage' },
    audit: 'sender.created',
    body: newSender,
    takesIdempotencyKey: true,
    status: 201,
    kind: 'json',
    reply: sender,
    hasEtag: true,
    problems: ['name_taken', 'not_found', 'wrong_kind', 'destination_not_allowed', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'getSender',
    method: 'GET',
    path: '/v1/senders/{sender}',
    tag: 'Senders',
    summary: 'Shows a sender.',
    permission: { anyCredential: 'mail' },
    audit: null,
    params: senderParams,
    status: 200,
    kind: 'json',
    reply: sender,
    hasEtag: true,
  }),
  endpoint({
    id: 'changeSender',
    method: 'PATCH',
    path: '/v1/senders/{sender}',
    tag: 'Senders',
    summary: 'Changes a sender.',
    permission: { administration: 'manage' },
    audit: 'sender.changed',
    params: senderParams,
    takesIfMatch: true,
    body: newSender.omit({ kind: true }).partial().meta({ id: 'SenderChange', description: 'A field left out stays as it is' }),
    status: 200,
    kind: 'json',
    reply: sender,
    hasEtag: true,
    problems: ['name_taken', 'changed_meanwhile', 'wrong_kind', 'destination_not_allowed'],
  }),
  endpoint({
    id: 'deleteSender',
    method: 'DELETE',
    path: '/v1/senders/{sender}',
    tag: 'Senders',
    summary: 'Deletes a sender.',
    permission: { administration: 'manage' },
    audit: 'sender.deleted',
    params: senderParams,
    status: 204,
    kind: 'nothing',
    problems: ['in_use'],
  }),
  endpoint({
    id: 'testSender',
    method: 'POST',
    path: '/v1/senders/{sender}/test',
    tag: 'Senders',
    summary: 'Sends a test message.',
    permission: { administration: 'manage' },
    audit: 'message.accepted',
    params: senderParams,
    body: z.strictObject({ to: address }).meta({ id: 'SenderTest' }),
    status: 202,
    kind: 'json',
    reply: z.object({ message }).meta({ id: 'SenderTestResult' }),
    problems: ['mail_invalid', 'mail_refused', 'mail_unavailable', 'mail_auth_refused'],
  }),
  endpoint({
    id: 'sendMessage',
    method: 'POST',
    path: '/v1/mail/messages',
    tag: 'Messages',
    summary: 'Takes a message into the outbox; it is on disk when the answer comes.',
    permission: { anyCredential: 'mail' },
    audit: 'message.accepted',
    body: newMessage,
    largeBody: true,
    takesIdempotencyKey: true,
    keepsIdempotencyKey: true,
    status: 202,
    kind: 'json',
    reply: message,
    problems: ['mail_invalid', 'no_sender', 'payload_too_large', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'sendRawMessage',
    method: 'POST',
    path: '/v1/mail/messages/raw',
    tag: 'Messages',
    summary: 'Takes a finished message into the outbox; it is on disk when the answer comes.',
    description:
      'Only those in `to` get it. Bcc and Return-Path are taken out, Date and Message-ID are added where they are missing; all else stays byte for byte.',
    permission: { anyCredential: 'mail' },
    audit: 'message.accepted',
    body: newRawMessage,
    largeBody: true,
    takesIdempotencyKey: true,
    keepsIdempotencyKey: true,
    status: 202,
    kind: 'json',
    reply: message,
    problems: ['mail_invalid', 'no_sender', 'payload_too_large', 'idempotency_conflict'],
  }),
  endpoint({
    id: 'listMessages',
    method: 'GET',
    path: '/v1/mail/messages',
    tag: 'Messages',
    summary: 'Lists the messages that the key sent; all of them for a key that may manage.',
    permission: { anyCredential: 'mail' },
    audit: null,
    query: z.strictObject({ status: z.enum(['queued', 'sending', 'sent', 'failed', 'cancelled']).optional(), sender: ref('sender').optional(), ...pageQuery }),
    status: 200,
    kind: 'json',
    reply: page(message).meta({ id: 'MessagePage' }),
  }),
  endpoint({
    id: 'getMessage',
    method: 'GET',
    path: '/v1/mail/messages/{message}',
    tag: 'Messages',
    summary: 'Shows what became of a message.',
    permission: { anyCredential: 'mail' },
    audit: null,
    params: messageParams,
    status: 200,
    kind: 'json',
    reply: message,
  }),
  endpoint({
    id: 'retryMessage',
    method: 'POST',
    path: '/v1/mail/messages/{message}/retry',
    tag: 'Messages',
    summary: 'Tries a message again now.',
    permission: { anyCredential: 'mail' },
    audit: 'message.retried',
    params: messageParams,
    status: 202,
    kind: 'json',
    reply: message,
  }),
  endpoint({
    id: 'resendMessage',
    method: 'POST',
    path: '/v1/mail/messages/{message}/resend',
    tag: 'Messages',
    summary: 'Sends a message through another sender to everybody who does not have it yet.',
    description: "From becomes the other sender's address, answers go to the old one; the Message-ID stays.",
    permission: { anyCredential: 'mail' },
    audit: 'message.resent',
    params: messageParams,
    body: z.strictObject({ sender: ref('sender') }).meta({ id: 'MessageResend' }),
    status: 202,
    kind: 'json',
    reply: message,
    problems: ['message_not_cancellable', 'decrypt_failed'],
  }),
  endpoint({
    id: 'cancelMessage',
    method: 'POST',
    path: '/v1/mail/messages/{message}/cancel',
    tag: 'Messages',
    summary: 'Takes a message that still waits out of the outbox; one that is being sent, as soon as it is known that it was not taken.',
    permission: { anyCredential: 'mail' },
    audit: 'message.cancelled',
    params: messageParams,
    status: 200,
    kind: 'json',
    reply: message,
    problems: ['message_not_cancellable'],
  }),
] as const
