import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { submissionOf } from '../access/idempotency.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { AnsweredFile, Call, EventSink } from './call.ts'
import type { Endpoint } from './endpoint.ts'
import { single, writeReply, type Exchange } from './exchange.ts'
import { admit, type Admitted, type Proof } from './guard.ts'
import { checkInput, readQuery } from './input.ts'
import type { Written } from './problem-reply.ts'
import type { Refusals } from '../access/refusals.ts'
import { defaultBodyLimit, noBody, readJsonBody, readRawBody } from './request-body.ts'
import type { Services } from './services.ts'
import type { SessionCookie } from './session-cookie.ts'

/** Most callers that may follow the events at once. */
const mostStreams = 500
/** Somebody who takes a file and then nothing of it for so long does not get the rest. */
const longestStandstill = 60_000

export type Route = {
  endpoint: Endpoint
  /** Does everything between the request and its reply. @throws Problem */
  answer(exchange: Exchange, params: Record<string, string>): Promise<void>
}

type Surroundings = { services: Services; refusals: Refusals; streams: Set<() => void>; mailMaxBytes: number; cookie: SessionCookie }

/** Whatever kind of answer it is: which one comes, the contract says. */
type AnyAnswer = {
  body?: unknown
  text?: string
  revision?: number
  status?: number
  headers?: Record<string, string>
  stream?: (sink: EventSink) => Promise<void>
  lines?: AsyncIterable<unknown>
  file?: AnsweredFile
}

type AnyHandler = (call: Call) => Promise<AnyAnswer>

/**
 * Makes the way of one endpoint: who calls, may he, is the input what the contract says, the work, and a reply in which
 * nothing is that the contract does not name.
 */
export function createRoute(endpoint: Endpoint, handler: AnyHandler, surroundings: Surroundings): Route {
  const { services, refusals, streams } = surroundings
  const limit = endpoint.largeBody ? Math.ceil(surroundings.mailMaxBytes * 1.4) : defaultBodyLimit

  // What a body without fields comes to is the same each time.
  const emptyBody = endpoint.body?.safeParse(noBody)

  const toCall = async (exchange: Exchange, rawParams: Record<string, string>, admitted: Admitted, proof: Proof): Promise<Call> => {
    const { request } = exchange
    const params = endpoint.params ? checkInput(endpoint.params, rawParams, 'path') : {}
    const query = isForeign(endpoint) ? {} : readQuery(exchange.query)
    const checkedQuery = endpoint.query ? checkInput(endpoint.query, query, 'query') : query
    if (!endpoint.query) refuseAny(query, 'query')
    const signed = endpoint.rawBody === true ? await readSigned(request, limit) : nothingSigned
    const raw = isForeign(endpoint) || endpoint.rawBody === true ? {} : await readJsonBody(request, limit)
    const body = raw === noBody && emptyBody?.success ? emptyBody.data : endpoint.body ? checkInput(endpoint.body, raw, 'body') : raw
    if (!endpoint.body) refuseAny(raw as object, 'body')
    return {
      params: params as never,
      query: checkedQuery as never,
      body: body as never,
      caller: admitted.caller as never,
      actor: admitted.actor,
      credentialId: admitted.credentialId,
      ifRevision: endpoint.takesIfMatch ? readIfMatch(single(request, 'if-match')) : undefined,
      submission: null,
      requestId: exchange.requestId,
      address: exchange.address,
      isHead: request.method === 'HEAD',
      rawQuery: exchange.query,
      authorization: proof.authorization,
      session: proof.session,
      userAgent: request.headers['user-agent'] ?? null,
      cookies: request.headers.cookie ?? null,
      ...signed,
      lastEventId: endpoint.kind === 'events' ? single(request, 'last-event-id') : undefined,
    }
  }

  const work = async (call: Call): Promise<Written> => {
    try {
      return toWritten(endpoint, await handler(call))
    } catch (error) {
      // What only the work itself can judge, such as whose sender it is, is recorded like what the door refuses.
      if (isProblem(error, 'not_allowed')) {
        await refusals.record({
          actor: call.actor,
          action: 'api.refused',
          subject: call.credentialId === '' ? null : call.credentialId,
          subjectName: call.credentialId === '' ? null : await services.credentials.nameOf(call.credentialId),
          outcome: 'refused',
          reason: error.code,
          detail: { endpoint: endpoint.id },
        })
      }
      throw error
    }
  }

  return {
    endpoint,
    async answer(exchange, rawParams) {
      const { request } = exchange
      const proof: Proof = {
        authorization: readAuthorization(exchange),
        session: surroundings.cookie.read(request),
        address: exchange.address,
        connection: request.socket,
        program: request.headers['user-agent'],
      }
      const admitted = await admit(services, refusals, endpoint, proof, rawParams.credential)
      const call = await toCall(exchange, rawParams, admitted, proof)
      if (endpoint.kind === 'events') {
        if (call.isHead) return writeReply(exchange, { status: 200, headers: { 'content-type': 'text/event-stream' }, body: '' })
        if (streams.size >= mostStreams) throw new Problem('rate_limited', `${mostStreams} callers follow the events already.`, { retryAfter: 30 })
        return await stream(exchange, (await handler(call)).stream!, streams)
      }
      if (endpoint.kind === 'lines') return await writeLines(endpoint, exchange, await handler(call))
      if (endpoint.kind === 'file') return await writeFile(endpoint, exchange, (await handler(call)).file!)
      const key = endpoint.takesIdempotencyKey ? single(request, 'idempotency-key') : undefined
      if (key === undefined) return writeReply(exchange, await work(call))
      const fingerprint = createHash('sha256')
        .update(JSON.stringify([endpoint.id, call.params, call.query, call.body]))
        .digest('hex')
      if (endpoint.keepsIdempotencyKey) return writeReply(exchange, await work({ ...call, submission: submissionOf(call.actor.id, key, fingerprint) }))
      const done = await services.idempotency.once(call.actor.id, key, fingerprint, async () => {
        const written = await work(call)
        return { status: written.status, body: JSON.stringify(written) }
      })
      const written = JSON.parse(done.body) as Written
      writeReply(exchange, done.repeated ? { ...written, headers: { ...written.headers, 'idempotent-replayed': 'true' } } : written)
    },
  }
}

/** The callback's query is the provider's: it is checked by whoever knows what was asked. */
const isForeign = (endpoint: Endpoint) => endpoint.id === 'finishConsent' || endpoint.id === 'finishSignIn'

type Signed = Pick<Call, 'rawBody' | 'webhook'>

/** For the endpoints, all but one, whose callers do not sign. */
const nothingSigned: Signed = { rawBody: Buffer.alloc(0), webhook: { id: undefined, timestamp: undefined, signature: undefined } }

async function readSigned(request: IncomingMessage, limit: number): Promise<Signed> {
  return {
    rawBody: await readRawBody(request, limit),
    webhook: { id: single(request, 'webhook-id'), timestamp: single(request, 'webhook-timestamp'), signature: single(request, 'webhook-signature') },
  }
}

function readAuthorization(exchange: Exchange): string | undefined {
  try {
    return single(exchange.request, 'authorization')
  } catch {
    // Two keys: which one counts is nobody's to guess. An empty one is refused as such, and recorded.
    return ''
  }
}

function refuseAny(given: object, part: 'query' | 'body'): void {
  const errors = Object.keys(given)
    .slice(0, 20)
    .map((name) => ({ path: name.slice(0, 60), message: `is not a field of this ${part}` }))
  if (errors.length > 0) throw new Problem('invalid_request', `The ${part} is not understood.`, { errors })
}

function readIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined
  const revision = /^"r(\d{1,12})"$/.exec(header.trim())?.[1]
  if (revision === undefined) throw new Problem('changed_meanwhile', 'If-Match is not an ETag of this service: it must be one, such as "r7".')
  return Number(revision)
}

function toWritten(endpoint: Endpoint, answer: AnyAnswer): Written {
  const status = answer.status ?? endpoint.status
  if (endpoint.kind === 'nothing') return { status, headers: answer.headers ?? {}, body: '' }
  if (endpoint.kind !== 'json') return { status, headers: answer.headers ?? {}, body: answer.text ?? '' }
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  if (answer.headers) Object.assign(headers, answer.headers)
  if (answer.revision !== undefined) headers.etag = `"r${answer.revision}"`
  // Invariant: only what the contract names leaves. A reply that does not fit is our mistake and becomes an internal error.
  return { status, headers, body: textOf(endpoint, answer.body) }
}

/** Bodies that were written before, and cannot have changed since. */
const texts = new WeakMap<object, string>()

function textOf(endpoint: Endpoint, body: unknown): string {
  const mayKeep = typeof body === 'object' && body !== null && Object.isFrozen(body)
  const known = mayKeep ? texts.get(body) : undefined
  if (known !== undefined) return known
  const text = JSON.stringify(endpoint.reply!.parse(body))
  if (mayKeep) texts.set(body, text)
  return text
}

/** Writes one object per line, each through the contract like any other reply, and no faster than they are taken. */
async function writeLines(endpoint: Endpoint, exchange: Exchange, answer: AnyAnswer): Promise<void> {
  const { request, response } = exchange
  response.writeHead(endpoint.status, {
    'content-type': 'application/jsonl; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': exchange.requestId,
    ...answer.headers,
  })
  if (request.method !== 'HEAD') {
    for await (const line of answer.lines!) {
      if (response.destroyed) return
      if (!response.write(`${JSON.stringify(endpoint.reply!.parse(line))}\n`)) await drained(response)
    }
  }
  response.end()
}

/** Writes a file no faster than it is taken, and cuts off whoever stops taking it. */
async function writeFile(endpoint: Endpoint, { response, requestId }: Exchange, { name, size, chunks }: AnsweredFile): Promise<void> {
  response.writeHead(endpoint.status, {
    'content-type': 'application/octet-stream',
    'content-length': String(size),
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
  })
  response.setTimeout(longestStandstill, () => response.destroy())
  for await (const chunk of chunks) {
    if (!response.destroyed && !response.write(chunk)) await drained(response)
    // Leaving the loop ends the iterator, which then knows that not all was taken.
    if (response.destroyed) return
  }
  response.end()
}

/** Resolves when more can be written, or when nobody is there to take it. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go)
      response.off('close', go)
      resolve()
    }
    response.once('drain', go)
    response.once('close', go)
  })
}

async function stream(exchange: Exchange, run: (sink: EventSink) => Promise<void>, streams: Set<() => void>): Promise<void> {
  const { response } = exchange
  const listeners: (() => void)[] = []
  const close = () => {
    streams.delete(close)
    for (const listener of listeners.splice(0)) listener()
    response.end()
  }
  streams.add(close)
  response.on('close', close)
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': exchange.requestId,
    'x-accel-buffering': 'no',
  })
  exchange.request.socket.setNoDelay(true)
  try {
    await run({
      write: (chunk) => void response.write(chunk),
      get waiting() {
        return response.writableLength
      },
      end: close,
      onClose: (listener) => void listeners.push(listener),
    })
  } finally {
    close()
  }
}
