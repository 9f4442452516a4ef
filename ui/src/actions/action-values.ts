import type { Action, NewAction, NewActionEmail, NewActionRequest } from '@keybearer/client'
import type { ActionKind } from './action-words.ts'

/** A name and its value, in the order of the form. The key tells rows apart while they are changed. */
export type Pair = { key: string; name: string; value: string }
export type Attachment = { key: string; filename: string; content_type: string; content: string | null; text: string | null }
export type EmailValues = {
  sender: string | null
  credential: string | null
  from: string
  to: string[]
  cc: string[]
  bcc: string[]
  reply_to: string
  subject: string
  text: string
  html: string
  headers: Pair[]
  attachments: Attachment[]
  until: 'accepted' | 'sent'
}
export type BodyKind = 'none' | 'json' | 'text' | 'form'
export type RequestValues = {
  credential: string | null
  method: NonNullable<NewActionRequest['method']>
  url: string
  headers: Pair[]
  query: Pair[]
  bodyKind: BodyKind
  json: string
  text: string
  form: Pair[]
  key_header: string
  timeout_seconds: number | string
  max_bytes: number | string
  paging: '' | 'next_link' | 'link_header' | 'cursor'
  pageNext: string
  pageParameter: string
  pageItems: string
  max_pages: number | string
}
export type FailureValues = { anything: boolean; statuses: string[]; codes: string[] }
export type OnErrorValues = {
  retries: number | string
  retry_delay_seconds: number | string
  report: 'no' | 'options' | 'these'
  report_to: string[]
  run: string | null
  continue_with: string | null
}
export type ActionValues = {
  name: string
  kind: ActionKind
  description: string
  email: EmailValues
  request: RequestValues
  failure: FailureValues
  on_error: OnErrorValues
  next: string | null
}

let rows = 0
export const newRow = (): string => `row-${++rows}`
const pairsOf = (named: Record<string, string> | undefined): Pair[] => Object.entries(named ?? {}).map(([name, value]) => ({ key: newRow(), name, value }))
const namedOf = (pairs: Pair[]): Record<string, string> =>
  Object.fromEntries(pairs.filter(({ name }) => name.trim() !== '').map(({ name, value }) => [name.trim(), value]))
const orNull = (text: string): string | null => (text.trim() === '' ? null : text.trim())
/** A text keeps its blanks and its last line's end. */
const wholeOrNull = (text: string): string | null => (text === '' ? null : text)
const numberOf = (value: number | string): { value?: number } => (typeof value === 'number' ? { value } : {})

export function valuesOf(action: Action | null): ActionValues {
  const { email, request, failure, on_error: onError } = action ?? {}
  const body = request?.body
  return {
    name: action?.name ?? '',
    kind: action?.kind ?? 'send_email',
    description: action?.description ?? '',
    email: {
      sender: email?.sender?.id ?? null,
      credential: email?.credential?.id ?? null,
      from: email?.from ?? '',
      to: email?.to ?? [],
      cc: email?.cc ?? [],
      bcc: email?.bcc ?? [],
      reply_to: email?.reply_to ?? '',
      subject: email?.subject ?? '',
      text: email?.text ?? '',
      html: email?.html ?? '',
      headers: pairsOf(email?.headers),
      attachments: (email?.attachments ?? []).map((file) => ({ ...file, key: newRow(), content_type: file.content_type ?? '' })),
      until: email?.until ?? 'accepted',
    },
    request: {
      credential: request?.credential.id ?? null,
      method: request?.method ?? 'GET',
      url: request?.url ?? '',
      headers: pairsOf(request?.headers),
      query: pairsOf(request?.query),
      bodyKind: body == null ? 'none' : 'json' in body ? 'json' : 'text' in body ? 'text' : 'form',
      json: body != null && 'json' in body ? JSON.stringify(body.json, null, 2) : '',
      text: body != null && 'text' in body ? body.text : '',
      form: body != null && 'form' in body ? pairsOf(body.form) : [],
      key_header: request?.key_header ?? '',
      timeout_seconds: request?.timeout_seconds ?? '',
      max_bytes: request?.max_bytes ?? '',
      paging: request?.paging?.by ?? '',
      pageNext: request?.paging?.next ?? '',
      pageParameter: request?.paging?.parameter ?? '',
      pageItems: request?.paging?.items ?? '',
      max_pages: request?.paging?.max_pages ?? 10,
    },
    failure: failure ?? { anything: true, statuses: [], codes: [] },
    on_error: {
      retries: onError?.retries ?? 0,
      retry_delay_seconds: onError?.retry_delay_seconds ?? 60,
      report: onError?.report == null ? 'no' : onError.report.to.length === 0 ? 'options' : 'these',
      report_to: onError?.report?.to ?? [],
      run: onError?.run?.id ?? null,
      continue_with: onError?.continue_with?.id ?? null,
    },
    next: action?.next?.id ?? null,
  }
}

const emailOf = (email: EmailValues): NewActionEmail => ({
  sender: email.sender,
  credential: email.credential,
  from: orNull(email.from),
  to: email.to,
  cc: email.cc,
  bcc: email.bcc,
  reply_to: orNull(email.reply_to),
  subject: email.subject,
  text: wholeOrNull(email.text),
  html: wholeOrNull(email.html),
  headers: namedOf(email.headers),
  attachments: email.attachments.map(({ filename, content_type, content, text }) => ({
    filename,
    content_type: orNull(content_type),
    ...(content === null ? { text: text ?? '' } : { content }),
  })),
  until: email.until,
})

function requestPart(request: RequestValues): NewActionRequest {
  const timeout = numberOf(request.timeout_seconds).value
  const bytes = numberOf(request.max_bytes).value
  return {
    credential: request.credential ?? '',
    method: request.method,
    url: request.url.trim(),
    headers: namedOf(request.headers),
    query: namedOf(request.query),
    body: bodyOf(request),
    key_header: orNull(request.key_header),
    ...(timeout === undefined ? {} : { timeout_seconds: timeout }),
    ...(bytes === undefined ? {} : { max_bytes: bytes }),
    paging:
      request.paging === ''
        ? null
        : {
            by: request.paging,
            next: request.paging === 'link_header' ? null : orNull(request.pageNext),
            parameter: request.paging === 'cursor' ? orNull(request.pageParameter) : null,
            items: orNull(request.pageItems),
            max_pages: numberOf(request.max_pages).value ?? 10,
          },
  }
}

/** Whether a request of this method carries a body. */
export const mayHaveBody = (method: RequestValues['method']): boolean => method !== 'GET' && method !== 'HEAD'

function bodyOf(request: RequestValues): NonNullable<NewActionRequest['body']> | null {
  if (!mayHaveBody(request.method)) return null
  switch (request.bodyKind) {
    case 'none':
      return null
    case 'json':
      // The form is not sent with JSON that cannot be read.
      return { json: JSON.parse(request.json) as unknown }
    case 'text':
      return { text: request.text }
    case 'form':
      return { form: namedOf(request.form) }
  }
}

/** What the service is asked for: what is empty in the form is nothing. */
export function requestOf(values: ActionValues): NewAction {
  const { failure, on_error: onError } = values
  return {
    name: values.name.trim(),
    kind: values.kind,
    description: values.description.trim(),
    ...(values.kind === 'send_email' ? { email: emailOf(values.email) } : { request: requestPart(values.request) }),
    failure: failure.anything ? { anything: true, statuses: [], codes: [] } : failure,
    on_error: {
      retries: numberOf(onError.retries).value ?? 0,
      retry_delay_seconds: numberOf(onError.retry_delay_seconds).value ?? 60,
      report: onError.report === 'no' ? null : { to: onError.report === 'these' ? onError.report_to : [] },
      run: onError.run,
      continue_with: onError.continue_with,
    },
    next: values.next,
  }
}
