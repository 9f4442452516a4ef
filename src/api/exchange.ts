import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import type { Written } from './problem-reply.ts'
import { hasBody } from './request-body.ts'

/** One request and its reply on their way through the service. */
export type Exchange = {
  request: IncomingMessage
  response: ServerResponse
  /** Found in the reply, the log and every error. */
  requestId: string
  startedAt: number
  address: string | null
  path: string
  query: string
}

/** Makes the exchanges of one server. Their ids share a random beginning and count on, in digits that the ids have anyway. */
export function exchangeMaker(clock: Clock): (request: IncomingMessage, response: ServerResponse) => Exchange {
  const beginning = newId('req', clock.now()).slice(0, -countDigits)
  let count = 0
  return (request, response) => {
    count = (count + 1) % 16 ** countDigits
    return {
      request,
      response,
      requestId: beginning + count.toString(16).padStart(countDigits, '0'),
      startedAt: clock.monotonic(),
      address: null,
      path: '',
      query: '',
    }
  }
}

const countDigits = 8

/**
 * Splits the target into path and query, and refuses paths that two programs could read in two ways: dots, empty segments,
 * backslashes, encoded slashes and control characters. After that there is one reading, before any decision.
 *
 * @throws Problem not_found
 */
export function splitTarget(exchange: Exchange): void {
  const target = exchange.request.url ?? '/'
  const mark = target.indexOf('?')
  exchange.path = mark === -1 ? target : target.slice(0, mark)
  exchange.query = mark === -1 ? '' : target.slice(mark + 1)
  if (!isPlainPath(exchange.path)) throw new Problem('not_found', 'There is nothing at this address.', { nextStep: 'See /openapi.json for what there is.' })
}

function isPlainPath(path: string): boolean {
  if (!path.startsWith('/') || /[\\#]|\/\/|\/\.{1,2}(?:\/|$)/.test(path)) return false
  if (!path.includes('%')) return true
  if (/%2f|%5c|%00/i.test(path)) return false
  try {
    return path.split('/').every((segment) => {
      const decoded = decodeURIComponent(segment)
      return decoded !== '.' && decoded !== '..'
    })
  } catch {
    return false
  }
}

/** Returns a header that may come once only, such as the one that says who calls. @throws Problem invalid_request */
export function single(request: IncomingMessage, name: string): string | undefined {
  let found: string | undefined
  const raw = request.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length !== name.length || raw[i]!.toLowerCase() !== name) continue
    if (found !== undefined) throw new Problem('invalid_request', `The header ${name} came twice.`)
    found = raw[i + 1]!
  }
  return found
}

/** Writes a reply. A body that was not read to its end closes the connection, so that nobody sends the rest of it for nothing. */
export function writeReply(exchange: Exchange, written: Written): void {
  const { request, response } = exchange
  const headers: Record<string, string | number> = { ...written.headers, 'x-content-type-options': 'nosniff', 'x-request-id': exchange.requestId }
  if (written.status !== 204) headers['content-length'] = Buffer.byteLength(written.body)
  if (!request.complete && hasBody(request)) headers.connection = 'close'
  response.writeHead(written.status, headers)
  response.end(request.method === 'HEAD' ? undefined : written.body)
}
