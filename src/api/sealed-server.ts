import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Caller } from '../access/caller.ts'
import type { Clock } from '../base/clock.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Log } from '../base/log.ts'
import { Secret } from '../base/secret.ts'
import { unlockBody } from './contract-service.ts'
import { exchangeMaker, single, splitTarget, writeReply, type Exchange } from './exchange.ts'
import { identify, mayManage } from './guard.ts'
import { checkInput } from './input.ts'
import { listenOn, type ApiServer } from './listen.ts'
import { formHeaders } from './pages.ts'
import { problemReply, toProblem } from './problem-reply.ts'
import { createReach } from './reach.ts'
import { readFormOrJson } from './request-body.ts'
import { lockedPage, unlockingPage } from './sealed-pages.ts'
import type { ReachOptions, Services } from './services.ts'
import { createSessionCookie } from './session-cookie.ts'

/** What a locked service can do. */
export type SealedServices = Pick<Services, 'accessKeys' | 'sessions'> & {
  clock: Clock
  log: Log
  publicUrl: string
  /** Whether the master key is made of a passphrase, which must be entered. */
  needsPassphrase(): Promise<boolean>
  /** Finds the master key again. @throws Problem master_key_missing, master_key_wrong, master_key_invalid, rate_limited */
  unlock(caller: Caller, passphrase: Secret | null): Promise<void>
  /** A try that was refused, for the record that is written when the trail can be. */
  refused(): void
}

const json = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/**
 * Makes the server of a locked service. It knows who lives, who asks and how to unlock; it has no part that could open
 * anything, so that no mistake in a handler can.
 */
export function createSealedServer(services: SealedServices, options: Pick<ReachOptions, 'allowedHosts' | 'trustedProxies'>): Omit<ApiServer, 'refuse'> {
  const { log } = services
  const reach = createReach(services.publicUrl, options)
  const cookie = createSessionCookie(services.publicUrl)
  const makeExchange = exchangeMaker(services.clock)

  const whoAsks = async ({ request, address }: Exchange, quiet: boolean): Promise<Caller> =>
    await identify(services, { authorization: single(request, 'authorization'), session: cookie.read(request), address }, { quiet })

  const manager = async (exchange: Exchange): Promise<Caller> => {
    try {
      const caller = await whoAsks(exchange, false)
      if (mayManage(caller)) return caller
      throw new Problem('not_allowed', `${caller.title} lacks the administration "manage".`)
    } catch (error) {
      if (isProblem(error)) services.refused()
      throw error
    }
  }

  const unlock = async (exchange: Exchange): Promise<void> => {
    const caller = await manager(exchange)
    const { fields, isForm } = await readFormOrJson(exchange.request, 10_000)
    const { passphrase } = checkInput(unlockBody, fields, 'body')
    await services.unlock(caller, passphrase === undefined || passphrase === '' ? null : new Secret(passphrase))
    if (isForm) writeReply(exchange, { status: 200, headers: formHeaders, body: unlockingPage() })
    else writeReply(exchange, { status: 202, headers: json, body: JSON.stringify({ locked: false }) })
  }

  const page = async (exchange: Exchange): Promise<void> => {
    const mayUnlock = await whoAsks(exchange, true).then(mayManage, () => false)
    writeReply(exchange, { status: 503, headers: formHeaders, body: lockedPage({ mayUnlock, needsPassphrase: await services.needsPassphrase() }) })
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = makeExchange(request, response)
    try {
      exchange.address = reach.addressOf(request)
      reach.check(request)
      splitTarget(exchange)
      const asks = request.method === 'GET' || request.method === 'HEAD'
      if (asks && exchange.path === '/livez') return writeReply(exchange, { status: 200, headers: json, body: JSON.stringify({ status: 'ok' }) })
      if (request.method === 'POST' && exchange.path === '/v1/unlock') return await unlock(exchange)
      if (asks && exchange.path === '/' && /\btext\/html\b/.test(request.headers.accept ?? '')) return await page(exchange)
      throw new Problem('locked', 'The service is locked: nothing is opened, and no job runs.', { facts: { sealed: true } })
    } catch (error) {
      const problem = toProblem(error)
      if (problem.code === 'internal_error') log.error('request.failed', { request_id: exchange.requestId, error: problem.cause ?? problem })
      if (response.headersSent) response.destroy()
      else writeReply(exchange, problemReply(problem, exchange.requestId))
    }
  }

  const server = createHttpServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5000, maxHeaderSize: 16_384 },
    (request, response) => void answer(request, response),
  )
  server.maxConnections = 1000
  return {
    listen: (port, host) => listenOn(server, port, host),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const late = setTimeout(() => server.closeAllConnections(), 2000)
      await closed
      clearTimeout(late)
    },
  }
}
