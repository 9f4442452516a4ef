import { Problem, type FieldError } from '../base/problem.ts'
import type { NewHttpRequest } from './types.ts'

export const longestTimeout = 100
export const mostBytes = 10 * 1024 * 1024
export const usualBytes = 1024 * 1024
export const usualTimeout = 30

/** Headers that Keybearer sets itself, or that would change where a request goes or how it is read. */
const ownHeaders =
  /^(?:authorization|proxy-.*|host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|cookie2?|accept-encoding|forwarded|via|x-forwarded-.*|x-real-ip|:.*)$/
const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/

/** A request that may be sent as far as it alone can tell. */
export type CheckedRequest = {
  method: NewHttpRequest['method']
  url: URL
  /** Lower-case names. */
  headers: Record<string, string>
  body: string | Uint8Array | undefined
  keyHeader: string | null
  /** Milliseconds. */
  timeout: number
  maxBytes: number
}

/**
 * Checks a request before a token is asked for, and puts address, headers and body together.
 *
 * @throws Problem invalid_request
 */
export function checkRequest(input: NewHttpRequest): CheckedRequest {
  const errors: FieldError[] = []
  const url = readUrl(input, errors)
  const headers = readHeaders(input, errors)
  const body = readBody(input, headers, errors)
  const { keyHeader = null, timeoutSeconds = usualTimeout, maxBytes = usualBytes } = input
  if (keyHeader !== null && (!headerName.test(keyHeader) || (ownHeaders.test(keyHeader.toLowerCase()) && keyHeader.toLowerCase() !== 'authorization')))
    errors.push({ path: 'key_header', message: 'must be the name of a header for an API key' })
  if (keyHeader !== null && headers[keyHeader.toLowerCase()] !== undefined)
    errors.push({ path: 'headers', message: `${keyHeader} carries the API key and cannot be set` })
  if (errors.length > 0) throw new Problem('invalid_request', 'The request cannot be sent like this.', { errors })
  return { method: input.method, url: url!, headers, body, keyHeader, timeout: timeoutSeconds * 1000, maxBytes }
}

function readUrl(input: NewHttpRequest, errors: FieldError[]): URL | null {
  let url: URL
  try {
    url = new URL(input.url)
  } catch {
    errors.push({ path: 'url', message: 'must be an absolute address such as https://api.example.org/things' })
    return null
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') errors.push({ path: 'url', message: 'must begin with https://' })
  if (url.username !== '' || url.password !== '') errors.push({ path: 'url', message: 'must not hold a user name: the credential says who calls' })
  url.hash = ''
  for (const [name, value] of Object.entries(input.query ?? {})) url.searchParams.append(name, value)
  if (url.href.length > 16_000) errors.push({ path: 'url', message: 'must have at most 16,000 characters, with the query' })
  return url
}

function readHeaders(input: NewHttpRequest, errors: FieldError[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [given, value] of Object.entries(input.headers ?? {})) {
    const name = given.toLowerCase()
    if (!headerName.test(given)) errors.push({ path: 'headers', message: `"${given.slice(0, 60)}" is not the name of a header` })
    else if (ownHeaders.test(name)) errors.push({ path: 'headers', message: `${name} is set by Keybearer` })
    else if (Object.hasOwn(headers, name)) errors.push({ path: 'headers', message: `${name} comes twice` })
    else if (!/^[\t\x20-\x7e\xa0-\xff]*$/.test(value)) errors.push({ path: 'headers', message: `${name} has characters that no header may have` })
    else headers[name] = value
  }
  return headers
}

function readBody(input: NewHttpRequest, headers: Record<string, string>, errors: FieldError[]): string | Uint8Array | undefined {
  const { body } = input
  if (body === undefined) return undefined
  if (input.method === 'GET' || input.method === 'HEAD') errors.push({ path: 'body', message: `${input.method} has none` })
  switch (body.kind) {
    case 'json':
      headers['content-type'] ??= 'application/json'
      return JSON.stringify(body.json)
    case 'text':
      headers['content-type'] ??= 'text/plain; charset=utf-8'
      return body.text
    case 'base64':
      headers['content-type'] ??= 'application/octet-stream'
      return Buffer.from(body.base64, 'base64')
  }
}
