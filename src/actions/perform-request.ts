import type { Actor } from '../base/actor.ts'
import { Problem } from '../base/problem.ts'
import type { RequestDefinition, Result } from './action-types.ts'
import type { ActionContext } from './context.ts'
import { originOf } from './definition-check.ts'
import { attemptOf, type Attempt } from './failure-rule.ts'
import { nextPage, pageItems } from './request-paging.ts'
import type { Renderer } from './template.ts'
import type { HttpAnswer, NewHttpRequest } from './types.ts'

/** Methods that may be repeated without harm. @see RFC 9110 section 9.2.2 */
export const repeatableMethods = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/** Writes the request of an action. @throws Problem template_failed */
export function writeRequest(request: RequestDefinition, renderer: Renderer): NewHttpRequest {
  const all = (path: string, texts: Record<string, string>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, renderer.text(`${path}.${name}`, text)]))
  const body = writeBody(request, renderer, all)
  const isForm = request.body?.kind === 'form' && !Object.keys(request.headers).some((name) => name.toLowerCase() === 'content-type')
  return {
    method: request.method,
    url: writeUrl(request.url, renderer),
    headers: { ...all('request.headers', request.headers), ...(isForm ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
    query: all('request.query', request.query),
    ...(body === undefined ? {} : { body }),
    ...(request.keyHeader === null ? {} : { keyHeader: request.keyHeader }),
    timeoutSeconds: request.timeoutSeconds,
    maxBytes: request.maxBytes,
  }
}

/**
 * Writes the address of a request.
 *
 * Invariant: values add to the path and the query, and change neither host nor the steps of the path.
 */
function writeUrl(text: string, renderer: Renderer): string {
  const url = renderer.text('request.url', text, 'url').trim()
  const refuse = (what: string) => new Problem('template_failed', `The text "request.url" ${what}.`, { facts: { template: 'request.url' } })
  if (/[\p{Cc}\\\s]/u.test(url) || !URL.canParse(url)) throw refuse('is no address with these values')
  if (new URL(url).origin !== originOf(text)) throw refuse('leads to another host with these values')
  const [, path = ''] = /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(url) ?? []
  if (path.split('/').some((step) => /^(?:\.|%2e){1,2}$/i.test(step))) throw refuse('leads out of its path with these values')
  return url
}

function writeBody(
  { body }: RequestDefinition,
  renderer: Renderer,
  all: (path: string, texts: Record<string, string>) => Record<string, string>,
): NewHttpRequest['body'] {
  if (body === null) return undefined
  switch (body.kind) {
    case 'json':
      return { kind: 'json', json: writeJson(body.json, 'request.body.json', renderer) }
    case 'text':
      return { kind: 'text', text: renderer.text('request.body.text', body.text) }
    case 'form':
      return { kind: 'text', text: new URLSearchParams(all('request.body.form', body.form)).toString() }
  }
}

/** Writes the texts in a JSON value; what is in them stays in them, and cannot add a field. */
function writeJson(value: unknown, path: string, renderer: Renderer): unknown {
  if (typeof value === 'string') return value.includes('{') ? renderer.value(path, value) : value
  if (Array.isArray(value)) return value.map((item, i) => writeJson(item, `${path}.${i}`, renderer))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, writeJson(inner, `${path}.${name.slice(0, 60)}`, renderer)]))
}

/** Sends the request of an action, and those for the further pages. */
export async function sendRequest({ requests, clock }: ActionContext, request: RequestDefinition, written: NewHttpRequest, actor: Actor): Promise<Attempt> {
  const host = new URL(written.url).host
  const { paging } = request
  let answer = await requests.send(request.credential, written, actor)
  let result = toResult(answer)
  if (paging === null || attemptOf(result, host, clock.now()).problem !== null) return attemptOf(result, host, clock.now())
  const items: unknown[] = pageItems(paging, result)
  let current = written
  let size = answer.body.content.length
  for (let pages = 1; ; pages++) {
    const next = nextPage(paging, current, answer, result)
    if (next === null) return { problem: null, result: { ...result, pages, json: items } }
    if (pages >= paging.mostPages) {
      return { problem: null, result: { ...result, pages, json: items, truncated: true } }
    }
    answer = await requests.send(request.credential, next, actor)
    result = toResult(answer)
    const attempt = attemptOf(result, host, clock.now())
    if (attempt.problem !== null) return attempt
    size += answer.body.content.length
    if (size > request.maxBytes) return { problem: null, result: { ...result, pages: pages + 1, json: items, truncated: true } }
    items.push(...pageItems(paging, result))
    current = next
  }
}

function toResult(answer: HttpAnswer): Result {
  return {
    status: answer.status,
    headers: answer.headers,
    body: answer.body.content,
    bodyEncoding: answer.body.kind,
    truncated: answer.truncated,
    json: answer.body.kind === 'text' && !answer.truncated ? readJson(answer.body.content) : null,
    pages: 1,
    message: null,
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
