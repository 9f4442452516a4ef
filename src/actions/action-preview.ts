import { Problem } from '../base/problem.ts'
import type { ActionKind, Definition } from './action-types.ts'
import type { ActionContext } from './context.ts'
import { definitionErrors } from './definition-check.ts'
import { writeEmail } from './perform-email.ts'
import { writeRequest } from './perform-request.ts'
import { checkRequest } from './request-check.ts'
import { Renderer } from './template.ts'
import type { NewHttpRequest } from './types.ts'

/** What a run would send with these values. */
export type ActionPreview = {
  email: null | {
    sender: { id: string; name: string }
    from: string
    to: string[]
    cc: string[]
    bcc: string[]
    replyTo: string | null
    /** Everybody who would get it, each once. */
    recipients: string[]
    subject: string
    text: string | null
    html: string | null
    headers: Record<string, string>
    attachments: { filename: string; contentType: string | null; size: number }[]
    size: number
  }
  request: null | { method: NewHttpRequest['method']; url: string; headers: Record<string, string>; body: string | null }
}

export type PreviewValues = { name: string; input: Record<string, unknown>; previous: Record<string, unknown> | null }

/**
 * Writes the texts of an action with the given values, checks what comes of it as a run would, and sends nothing.
 *
 * Invariant: what the environment holds is not shown; its name stands in its place. Who sees a preview need not be who gets the mail.
 *
 * @throws Problem invalid_request, template_failed, mail_invalid, payload_too_large, no_sender, not_found
 */
export async function previewAction(
  context: Pick<ActionContext, 'senders' | 'outbox' | 'clock' | 'environment'>,
  kind: ActionKind,
  definition: Definition,
  { name, input, previous }: PreviewValues,
): Promise<ActionPreview> {
  const errors = definitionErrors(kind, definition)
  if (errors.length > 0) throw new Problem('invalid_request', 'The action cannot be like this.', { errors })
  const { email, request } = definition
  const renderer = new Renderer({
    input,
    previous,
    env: Object.fromEntries(Object.keys(context.environment).map((one) => [one, `[env.${one}]`])),
    now: new Date(context.clock.now()).toISOString(),
    run: { id: 'run_preview', trigger: 'api' },
    action: { name },
  })
  if (request !== null) {
    const { method, url, headers, body } = checkRequest(writeRequest(request, renderer))
    return { email: null, request: { method, url: url.href, headers, body: body === undefined ? null : String(body) } }
  }
  if (email === null) throw new Problem('internal_error', 'The action does nothing.')
  const written = await writeEmail(context, email, renderer)
  const { sender, message } = await context.outbox.compose(written)
  return {
    request: null,
    email: {
      sender: { id: sender.id, name: sender.name },
      from: message.from.name === '' ? message.from.address : `${message.from.name} <${message.from.address}>`,
      to: written.to,
      cc: written.cc ?? [],
      bcc: written.bcc ?? [],
      replyTo: written.replyTo ?? null,
      recipients: message.recipients,
      subject: written.subject,
      text: written.text ?? null,
      html: written.html ?? null,
      headers: written.headers ?? {},
      attachments: (written.attachments ?? []).map((file) => ({
        filename: file.filename,
        contentType: file.contentType ?? null,
        size: Buffer.byteLength(file.content, 'base64'),
      })),
      size: message.size,
    },
  }
}
