import { problemCodes } from '../base/problem-codes.ts'
import type { FieldError } from '../base/problem.ts'
import type { ActionKind, Definition, EmailDefinition, RequestDefinition } from './action-types.ts'
import { parsePath } from './json-path.ts'
import { inputsOf, templateError, type Purpose } from './template.ts'

const mostAttached = 256 * 1024

/** A text of a definition, where it stands, and what it is for. */
type Text = { path: string; text: string; purpose: Purpose }

/** Returns everything that is wrong with what an action shall do, as far as it alone can tell. */
export function definitionErrors(kind: ActionKind, definition: Definition): FieldError[] {
  const { email, request, failure, onError } = definition
  const errors: FieldError[] = []
  if (kind === 'send_email' && (email === null || request !== null)) errors.push({ path: 'email', message: 'is what this kind needs, and nothing else' })
  if (kind === 'http_request' && (request === null || email !== null)) errors.push({ path: 'request', message: 'is what this kind needs, and nothing else' })
  for (const { path, text, purpose } of textsOf(definition)) {
    const message = templateError(text, purpose)
    if (message !== null) errors.push({ path, message })
  }
  if (email !== null) errors.push(...emailErrors(email))
  if (request !== null) errors.push(...requestErrors(request))
  failure.statuses.forEach((status, i) => {
    if (!/^[1-5](?:\d\d|xx)$/.test(status)) errors.push({ path: `failure.statuses.${i}`, message: 'must be a status such as 404, or a class such as 5xx' })
  })
  failure.codes.forEach((code, i) => {
    if (!Object.hasOwn(problemCodes, code)) errors.push({ path: `failure.codes.${i}`, message: 'is no code of an error' })
  })
  if (onError.retries > 0 && onError.retryDelaySeconds < 1) errors.push({ path: 'on_error.retry_delay_seconds', message: 'must be at least 1' })
  return errors
}

function emailErrors(email: EmailDefinition): FieldError[] {
  const errors: FieldError[] = []
  if (email.to.length + email.cc.length + email.bcc.length === 0) errors.push({ path: 'email.to', message: 'must name at least one recipient' })
  if (email.text === null && email.html === null && email.attachments.length === 0)
    errors.push({ path: 'email.text', message: 'is needed, or html, or an attachment' })
  if (email.sender !== null && email.credential !== null)
    errors.push({ path: 'email.credential', message: 'is the one of the sender: name either a sender or a credential' })
  let attached = 0
  email.attachments.forEach((file, i) => {
    if ((file.content === null) === (file.text === null)) errors.push({ path: `email.attachments.${i}`, message: 'must have either content or text' })
    attached += Math.ceil(((file.content?.length ?? 0) * 3) / 4) + (file.text?.length ?? 0)
  })
  if (attached > mostAttached)
    errors.push({ path: 'email.attachments', message: `may have ${mostAttached / 1024} KiB together; send larger files as a message` })
  return errors
}

function requestErrors({ url, method, body, paging }: RequestDefinition): FieldError[] {
  const errors: FieldError[] = []
  if (originOf(url) === null) {
    errors.push({ path: 'request.url', message: 'must begin with the host itself, such as https://api.example.org/: variables come after it' })
  }
  if (body !== null && (method === 'GET' || method === 'HEAD')) errors.push({ path: 'request.body', message: `${method} has none` })
  if (paging === null) return errors
  if (method !== 'GET') errors.push({ path: 'request.paging', message: 'is for GET' })
  if (paging.by !== 'link_header' && paging.path === null) errors.push({ path: 'request.paging.next', message: 'is needed' })
  if (paging.by === 'cursor' && paging.parameter === null) errors.push({ path: 'request.paging.parameter', message: 'is needed' })
  for (const [name, path] of [
    ['next', paging.path],
    ['items', paging.items],
  ] as const)
    if (path !== null && parsePath(path) === null)
      errors.push({ path: `request.paging.${name}`, message: 'must be a path such as paging.next or ["@odata.nextLink"]' })
  return errors
}

/**
 * Returns scheme, host and port that the text of an address begins with; null when they are not written out.
 *
 * Invariant: no value decides which host a request goes to.
 */
export function originOf(url: string): string | null {
  const found = /^\s*(https?:\/\/[^\s/?#{}%@\\]+)(?=[/?#]|\s*$)/i.exec(url)?.[1]
  if (found === undefined || !URL.canParse(found)) return null
  return new URL(found).origin
}

/** Returns the names of the input that the texts of an action ask for. */
export function inputNamesOf(definition: Definition): string[] {
  return [...new Set(textsOf(definition).flatMap(({ text }) => inputsOf(text)))].sort()
}

/** Returns all texts that are written anew for every run. */
function textsOf({ email, request }: Definition): Text[] {
  const texts: Text[] = []
  const add = (path: string, text: string | null, purpose: Purpose = 'text') => {
    if (text !== null) texts.push({ path, text, purpose })
  }
  const addAll = (path: string, some: Record<string, string>) => {
    for (const [name, text] of Object.entries(some)) add(`${path}.${name.slice(0, 60)}`, text)
  }
  if (email !== null) {
    for (const field of ['to', 'cc', 'bcc'] as const) email[field].forEach((text, i) => add(`email.${field}.${i}`, text, 'address'))
    add('email.from', email.from, 'address')
    add('email.reply_to', email.replyTo, 'address')
    add('email.subject', email.subject)
    add('email.text', email.text)
    add('email.html', email.html, 'html')
    addAll('email.headers', email.headers)
    email.attachments.forEach((file, i) => {
      add(`email.attachments.${i}.filename`, file.filename)
      add(`email.attachments.${i}.text`, file.text)
    })
  }
  if (request !== null) {
    add('request.url', request.url, 'url')
    addAll('request.headers', request.headers)
    addAll('request.query', request.query)
    if (request.body?.kind === 'text') add('request.body.text', request.body.text)
    if (request.body?.kind === 'form') addAll('request.body.form', request.body.form)
    if (request.body?.kind === 'json') for (const [path, text] of leavesOf(request.body.json, 'request.body.json')) add(path, text)
  }
  return texts
}

function leavesOf(value: unknown, path: string): [string, string][] {
  if (typeof value === 'string') return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, `${path}.${name.slice(0, 60)}`))
}
