import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { Problem } from '../base/problem.ts'
import { contract } from './contract.ts'
import type { Endpoint } from './endpoint.ts'
import { exchangeMaker, splitTarget, writeReply, type Exchange } from './exchange.ts'
import { makeHandlers } from './handlers.ts'
import { explainProblem } from '../credentials/diagnosis.ts'
import { listenOn, type ApiServer } from './listen.ts'
import { problemReply, toProblem } from './problem-reply.ts'
import { createReach } from './reach.ts'
import { Refusals } from '../access/refusals.ts'
import { createRoute, type Route } from './route.ts'
import type { ReachOptions, Services } from './services.ts'
import { createSessionCookie } from './session-cookie.ts'

/** Makes the HTTP server: every endpoint of the contract, and one shape of error for everything else. */
export function createServer(services: Services, options: ReachOptions): ApiServer {
  const { log, metrics, clock } = services
  const reach = createReach(services.facts.publicUrl, options)
  const refusals = new Refusals(services)
  const page = options.page ?? null
  const cookie = createSessionCookie(services.facts.publicUrl)
  const handlers = makeHandlers(services, refusals, options, cookie)
  const streams = new Set<() => void>()
  const makeExchange = exchangeMaker(clock)
  let closing: Problem | null = null

  const routes = (contract as readonly Endpoint[]).map((endpoint) =>
    createRoute(endpoint, handlers[endpoint.id as keyof typeof handlers] as never, { services, refusals, streams, mailMaxBytes: options.mailMaxBytes, cookie }),
  )
  const byTarget = compile(routes)
  const exchanges = new WeakMap<IncomingMessage, Exchange>()

  const app = new Hono<{ Bindings: HttpBindings }>()
  for (const route of routes) {
    app.on(route.endpoint.method, route.endpoint.path.replace(/\{(\w+)\}/g, ':$1'), async (context) => {
      await serve(route, exchanges.get(context.env.incoming)!, context.req.param() as Record<string, string>)
      return RESPONSE_ALREADY_SENT
    })
  }
  app.notFound((context) => {
    const exchange = exchanges.get(context.env.incoming)!
    fail(exchange, unknownTarget(byTarget, exchange), '(unknown)')
    return RESPONSE_ALREADY_SENT
  })
  app.onError((error, context) => {
    fail(exchanges.get(context.env.incoming)!, error, '(unknown)')
    return RESPONSE_ALREADY_SENT
  })
  const listenRest = getRequestListener(app.fetch, { overrideGlobalObjects: false, hostname: 'localhost' })

  // The hand-out is what automations call all day: it is dispatched before the router, through the same checks.
  const handOut = routes.find((route) => route.endpoint.id === 'handOutToken')!
  const handOutPath = /^\/v1\/credentials\/([^/]+)\/token$/

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = makeExchange(request, response)
    try {
      if (closing !== null && (closing.code !== 'locked' || request.url !== '/livez')) throw closing
      exchange.address = reach.addressOf(request)
      reach.check(request)
      splitTarget(exchange)
      const hot = request.method === 'POST' ? handOutPath.exec(exchange.path) : null
      if (hot) return await serve(handOut, exchange, { credential: decodeURIComponent(hot[1]!) })
      const file =
        page !== null && (request.method === 'GET' || request.method === 'HEAD')
          ? page.find(exchange.path, request.headers.accept, String(request.headers['accept-encoding'] ?? ''))
          : null
      if (file !== null) {
        writeReply(exchange, file)
        return finish(exchange, '(page)')
      }
      exchanges.set(request, exchange)
      await listenRest(request, response)
    } catch (error) {
      fail(exchange, error, '(unknown)')
    }
  }

  const serve = async (route: Route, exchange: Exchange, params: Record<string, string>): Promise<void> => {
    try {
      await route.answer(exchange, params)
      finish(exchange, route.endpoint.path)
    } catch (error) {
      fail(exchange, error, route.endpoint.path)
    }
  }

  const fail = (exchange: Exchange, error: unknown, route: string): void => {
    const problem = explainProblem(services.diagnoses, toProblem(error))
    if (problem.code === 'internal_error')
      log.error('request.failed', { request_id: exchange.requestId, method: exchange.request.method, route, error: problem.cause ?? problem })
    else if (problem.status >= 500) log.warn('request.refused', { request_id: exchange.requestId, route, code: problem.code, error: problem.cause })
    if (exchange.response.headersSent) {
      exchange.response.destroy()
    } else {
      const more: Record<string, string> = problem.code === 'method_not_allowed' ? { allow: String(problem.facts.allow) } : {}
      writeReply(exchange, problemReply(problem, exchange.requestId, more))
    }
    finish(exchange, route)
  }

  const finish = (exchange: Exchange, route: string): void => {
    const { request, response } = exchange
    metrics.count('http_requests_total', { method: knownMethod(request.method), route, status: String(response.statusCode) })
    // Never the query: a callback carries its code there.
    log.debug('request', () => ({
      request_id: exchange.requestId,
      method: request.method,
      path: exchange.path.slice(0, 200),
      status: response.statusCode,
      address: exchange.address,
      milliseconds: Math.round((clock.monotonic() - exchange.startedAt) * 10) / 10,
    }))
  }

  const server = createHttpServer(
    { headersTimeout: 10_000, requestTimeout: 120_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 5000, maxHeaderSize: 16_384 },
    (request, response) => void answer(request, response),
  )
  server.maxConnections = 5000
  server.on('clientError', refuseConnection)

  return {
    listen: (port, host) => listenOn(server, port, host),
    refuse(why) {
      closing = why
      for (const stop of streams) stop()
    },
    async close(why = new Problem('shutting_down', 'The service is stopping.', { retryAfter: 5 })) {
      closing = why
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const stop of streams) stop()
      server.closeIdleConnections()
      const late = setTimeout(() => server.closeAllConnections(), options.shutdownSeconds * 1000)
      late.unref()
      await closed
      clearTimeout(late)
    },
  }
}

type Target = { pattern: RegExp; methods: string[] }

function compile(routes: Route[]): Target[] {
  const targets = new Map<string, string[]>()
  for (const { endpoint } of routes) targets.set(endpoint.path, [...(targets.get(endpoint.path) ?? []), endpoint.method])
  return [...targets].map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    methods: methods.includes('GET') ? [...methods, 'HEAD'] : methods,
  }))
}

function unknownTarget(targets: Target[], exchange: Exchange): Problem {
  const methods = [...new Set(targets.filter((target) => target.pattern.test(exchange.path)).flatMap((target) => target.methods))]
  if (methods.length === 0) return new Problem('not_found', 'There is nothing at this address.', { nextStep: 'See /openapi.json for what there is.' })
  return new Problem('method_not_allowed', `This address knows ${methods.join(', ')}, not ${knownMethod(exchange.request.method)}.`, {
    facts: { allow: methods.join(', ') },
  })
}

const methodNames = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const knownMethod = (method: string | undefined) => (method !== undefined && methodNames.has(method) ? method : 'other')

/** Answers what is not even HTTP, or comes too slowly, in the same shape as every other error. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, reason, detail] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431', 'Request Header Fields Too Large', 'The headers are too large.']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408', 'Request Timeout', 'The request came too slowly.']
        : ['400', 'Bad Request', 'This is not a valid HTTP request.']
  const body = JSON.stringify({
    type: 'urn:keybearer:problem:invalid_request',
    title: 'The request is not understood',
    status: Number(status),
    code: 'invalid_request',
    detail,
    next_step: 'Send a valid HTTP/1.1 request.',
    request_id: '',
  })
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
