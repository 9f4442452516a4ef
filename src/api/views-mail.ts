import type { MessageView, NewMessage, NewSender, SenderView } from '../mail/types.ts'
import type { EndpointOf } from './contract.ts'
import type { Body } from './endpoint.ts'
import { iso, isoOrNull, withoutUndefined, type Reply } from './views.ts'

export function senderBody(view: SenderView): Reply<'getSender'> {
  return {
    id: view.id,
    name: view.name,
    kind: view.kind,
    host: view.host,
    port: view.port,
    tls: view.tls,
    mechanism: view.mechanism,
    credential: view.credential,
    login: view.login,
    from: view.from,
    from_name: view.fromName,
    takes_from: view.takesFrom,
    foreign_from: view.foreignFrom,
    ca: view.ca,
    is_default: view.isDefault,
    created_at: iso(view.createdAt),
    updated_at: iso(view.updatedAt),
    revision: view.revision,
  }
}

export function toNewSender(body: Body<EndpointOf<'createSender'>>): NewSender {
  return { ...toSenderChange(body), ...(body.kind === undefined ? {} : { kind: body.kind }), name: body.name, from: body.from }
}

export function toSenderChange(body: Body<EndpointOf<'changeSender'>>): Partial<NewSender> {
  return withoutUndefined({
    name: body.name,
    host: body.host,
    port: body.port,
    tls: body.tls,
    mechanism: body.mechanism,
    credential: body.credential,
    login: body.login,
    from: body.from,
    fromName: body.from_name,
    takesFrom: body.takes_from,
    foreignFrom: body.foreign_from,
    ca: body.ca,
    isDefault: body.is_default,
  })
}

export function toNewMessage(body: Body<EndpointOf<'sendMessage'>>): NewMessage {
  return withoutUndefined({
    sender: body.sender,
    from: body.from,
    to: body.to,
    cc: body.cc,
    bcc: body.bcc,
    replyTo: body.reply_to,
    priority: body.priority,
    subject: body.subject,
    text: body.text,
    html: body.html,
    headers: body.headers,
    attachments: body.attachments?.map((file) =>
      withoutUndefined({ filename: file.filename, contentType: file.content_type, content: file.content, inlineId: file.inline_id }),
    ),
  })
}

export function messageBody(view: MessageView): Reply<'getMessage'> {
  return {
    id: view.id,
    sender: view.sender,
    status: view.status,
    message_id: view.messageId,
    subject: view.subject,
    from: view.from,
    recipients: view.recipients.map((one) => ({ ...one, at: isoOrNull(one.at ?? null) })),
    priority: view.priority,
    size: view.size,
    attempts: view.attempts,
    next_attempt_at: isoOrNull(view.nextAttemptAt),
    problem: view.problem && {
      code: view.problem.code,
      message: view.problem.message,
      next_step: view.problem.nextStep,
      reply: view.problem.reply,
      diagnosis: view.problem.diagnosis ?? null,
    },
    created_at: iso(view.createdAt),
    created_by: view.createdBy,
    sent_at: isoOrNull(view.sentAt),
    sent_by: view.sentBy,
    timeline: view.timeline.map(({ lastAt, ...entry }) => ({ ...entry, at: iso(entry.at), last_at: isoOrNull(lastAt) })),
    route: view.route.map((step) => ({ sender: step.sender, outcome: step.outcome, reason: step.reason, at: iso(step.at) })),
  }
}
