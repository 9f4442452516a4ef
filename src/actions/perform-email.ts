import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { Problem } from '../base/problem.ts'
import { isProblemCode } from '../base/problem-codes.ts'
import type { MessageView, NewMessage } from '../mail/types.ts'
import type { Tables } from '../storage/tables.ts'
import type { EmailDefinition, Result } from './action-types.ts'
import type { ActionContext } from './context.ts'
import type { Attempt } from './failure-rule.ts'
import type { Renderer } from './template.ts'

const look = 250

/** Writes the mail of an action. @throws Problem template_failed, no_sender, not_found */
export async function writeEmail(context: Pick<ActionContext, 'senders'>, email: EmailDefinition, renderer: Renderer): Promise<NewMessage> {
  const many = (field: 'to' | 'cc' | 'bcc') => email[field].flatMap((text, i) => addresses(renderer, `email.${field}.${i}`, text))
  const one = (path: string, text: string | null) => (text === null ? undefined : renderer.text(path, text, 'address'))
  const from = one('email.from', email.from)
  const replyTo = one('email.reply_to', email.replyTo)
  const sender = await senderOf(context, email)
  return {
    ...(sender === null ? {} : { sender }),
    ...(from === undefined ? {} : { from }),
    ...(replyTo === undefined ? {} : { replyTo }),
    to: many('to'),
    cc: many('cc'),
    bcc: many('bcc'),
    subject: renderer.text('email.subject', email.subject),
    ...(email.text === null ? {} : { text: renderer.text('email.text', email.text) }),
    ...(email.html === null ? {} : { html: renderer.text('email.html', email.html, 'html') }),
    headers: Object.fromEntries(Object.entries(email.headers).map(([name, text]) => [name, renderer.text(`email.headers.${name}`, text)])),
    attachments: email.attachments.map((file, i) => ({
      filename: renderer.text(`email.attachments.${i}.filename`, file.filename),
      ...(file.contentType === null ? {} : { contentType: file.contentType }),
      content: file.content ?? Buffer.from(renderer.text(`email.attachments.${i}.text`, file.text ?? ''), 'utf8').toString('base64'),
    })),
  }
}

/** A variable that is a list of addresses stands for all of them. */
function addresses(renderer: Renderer, path: string, text: string): string[] {
  const value = renderer.value(path, text, 'address')
  if (!Array.isArray(value)) return [renderer.text(path, text, 'address')]
  return value.map((one: unknown) => {
    if (typeof one !== 'string' || /[\p{Cc},;:<>()[\]"\\]/u.test(one)) {
      throw new Problem('template_failed', `The text "${path}" holds something that is not one mail address.`, { facts: { template: path } })
    }
    return one
  })
}

/** Returns the id of the sender; null: the default one. */
async function senderOf({ senders }: Pick<ActionContext, 'senders'>, { sender, credential }: EmailDefinition): Promise<string | null> {
  if (sender !== null || credential === null) return sender
  const usable = (await senders.list()).filter((one) => one.credential?.id === credential)
  const found = usable.find((one) => one.isDefault) ?? usable[0]
  if (!found)
    throw new Problem('no_sender', 'No sender logs in with the credential of this action.', { nextStep: 'Make a sender with it, or choose another one.' })
  return found.id
}

/**
 * Takes the mail of an action into the outbox, together with what `beside` writes, and waits for a mail server to take it where
 * that is asked for.
 */
export async function sendEmail(
  context: ActionContext,
  email: EmailDefinition,
  message: NewMessage,
  actor: Actor,
  beside: (trx: Transaction<Tables>, messageId: string) => Promise<void>,
): Promise<Attempt> {
  const accepted = await context.outbox.accept(message, actor, beside)
  return await followEmail(context, email, accepted.id)
}

/** Returns what became of a message that was taken into the outbox. */
export async function followEmail({ outbox, clock, mailPatience }: ActionContext, email: EmailDefinition, messageId: string): Promise<Attempt> {
  const end = clock.monotonic() + mailPatience
  let view = await outbox.get(messageId)
  while (email.until === 'sent' && (view.status === 'queued' || view.status === 'sending') && clock.monotonic() < end) {
    await clock.sleep(look)
    view = await outbox.get(messageId)
  }
  return { problem: email.until === 'sent' ? problemOf(view) : null, result: resultOf(view) }
}

function problemOf(view: MessageView): Problem | null {
  if (view.status === 'sent') return null
  const { problem } = view
  if (view.status === 'cancelled') return new Problem('mail_refused', 'The message was taken out of the outbox by a person.')
  if (problem !== null && isProblemCode(problem.code)) return new Problem(problem.code, problem.message, { nextStep: problem.nextStep })
  if (view.status === 'failed') return new Problem('mail_refused', problem?.message ?? 'The message could not be sent.')
  return new Problem('mail_unavailable', 'The message waits in the outbox, and was not sent yet.')
}

const resultOf = (view: MessageView): Result => ({
  status: null,
  headers: {},
  body: null,
  bodyEncoding: null,
  truncated: false,
  json: null,
  pages: 0,
  message: { id: view.id, status: view.status },
})
