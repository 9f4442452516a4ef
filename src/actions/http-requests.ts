import type { Actor } from '../base/actor.ts'
import type { OutgoingResponse } from '../base/http-types.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { readRetryAfter } from '../base/retry-after.ts'
import type { Secret } from '../base/secret.ts'
import type { CredentialContext } from '../credentials/context.ts'
import type { Credentials } from '../credentials/credentials.ts'
import { requestHeaders, type ShownToken } from '../credentials/request-headers.ts'
import type { HandedOut } from '../credentials/types.ts'
import { hiderOf } from './hide-secrets.ts'
import { showAnswer } from './http-answer.ts'
import { checkRequest, type CheckedRequest } from './request-check.ts'
import type { HttpAnswer, NewHttpRequest } from './types.ts'

/** Answers are held in memory until they are given on. */
const mostUnderWay = 50
const mostAttempts = 4
const leastWait = 100
/** What is left of the time must suffice for one more attempt after a wait. */
const leastRest = 1000
/** Methods that may be repeated without harm. @see RFC 9110 section 9.2.2 */
const repeatable = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

type Sent = { response: OutgoingResponse; attempts: number; secrets: Secret[] }

/** Sends HTTP requests with credentials, for callers who never see the token. */
export class HttpRequests {
  readonly #context: CredentialContext
  readonly #credentials: Pick<Credentials, 'handOut' | 'recordUse'>
  readonly #countSent: (outcome: string) => void
  #underWay = 0

  constructor(context: CredentialContext, parts: { credentials: Pick<Credentials, 'handOut' | 'recordUse'>; countSent: (outcome: string) => void }) {
    this.#context = context
    this.#credentials = parts.credentials
    this.#countSent = parts.countSent
  }

  /**
   * Sends a request with a credential and returns what the server answered, whatever its status.
   *
   * A token that the server refuses is renewed once. GET and HEAD are repeated when the server says when to come again.
   * Redirects are returned and not followed.
   *
   * Invariant: the token goes only to a host that the credential lists, and does not come back to the caller.
   *
   * @throws Problem invalid_request, wrong_kind, outgoing_failed, address_not_allowed, rate_limited, and as `HandOuts.handOut`
   */
  async send(credentialId: string, input: NewHttpRequest, actor: Actor): Promise<HttpAnswer> {
    const request = checkRequest(input)
    if (this.#underWay >= mostUnderWay) throw new Problem('rate_limited', `${mostUnderWay} requests are under way already.`, { retryAfter: 5 })
    this.#underWay++
    const started = this.#context.clock.monotonic()
    try {
      const { response, attempts, secrets } = await this.#sendUntilSettled(credentialId, request, actor)
      this.#countSent(`${Math.floor(response.status / 100)}xx`)
      if (response.status === 401) this.#credentials.recordUse(credentialId, actor, 'issue')
      await this.#record(credentialId, request, actor, { status: response.status, attempts })
      const duration = Math.round(this.#context.clock.monotonic() - started)
      return { ...showAnswer(response, hiderOf(secrets), request.maxBytes), duration, attempts }
    } catch (error) {
      this.#countSent(isProblem(error) ? error.code : 'error')
      if (isProblem(error, 'outgoing_failed') || isProblem(error, 'address_not_allowed')) {
        this.#credentials.recordUse(credentialId, actor, 'issue')
        await this.#record(credentialId, request, actor, { problem: error.code })
        throw withAdvice(error, request)
      }
      throw error
    } finally {
      this.#underWay--
    }
  }

  async #sendUntilSettled(id: string, request: CheckedRequest, actor: Actor): Promise<Sent> {
    const { clock } = this.#context
    let token = await this.#handOut(id, request, actor)
    const end = clock.monotonic() + request.timeout
    const secrets: Secret[] = []
    let renewed = false
    for (let attempts = 1; ; attempts++) {
      const shown = await requestHeaders(this.#context, token, request.keyHeader)
      secrets.push(...shown.secrets)
      const response = await this.#exchange(request, shown, end - clock.monotonic(), hiderOf(secrets).longest)
      if (attempts >= mostAttempts) return { response, attempts, secrets }
      if (response.status === 401 && !renewed && mayRenew(request, response, token)) {
        renewed = true
        const next = await this.#renewed(id, request, actor, token.generation)
        if (next === null || end - clock.monotonic() < leastRest) return { response, attempts, secrets }
        token = next
        continue
      }
      const wait = waitBefore(request, response, clock.now())
      if (wait === null || clock.monotonic() + wait + leastRest > end) return { response, attempts, secrets }
      await clock.sleep(wait)
    }
  }

  async #handOut(id: string, request: CheckedRequest, actor: Actor, refusedGeneration?: number): Promise<HandedOut> {
    const { url } = request
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    return await this.#credentials.handOut(id, {
      purpose: 'request',
      destination: { host: url.hostname, port },
      actor,
      ...(refusedGeneration === undefined ? {} : { refusedGeneration }),
    })
  }

  /** Returns a newer token than the one that was refused; null when there is none, so that the caller gets the server's words. */
  async #renewed(id: string, request: CheckedRequest, actor: Actor, refused: number): Promise<HandedOut | null> {
    try {
      const next = await this.#handOut(id, request, actor, refused)
      return next.generation > refused ? next : null
    } catch (error) {
      if (isProblem(error) && error.code !== 'audit_blocked' && error.code !== 'storage_unavailable') return null
      throw error
    }
  }

  async #exchange(request: CheckedRequest, shown: ShownToken, timeout: number, spare: number): Promise<OutgoingResponse> {
    return await this.#context.http({
      method: request.method,
      url: request.url.href,
      // The token last: whatever the caller wrote, this is who he is.
      headers: { accept: '*/*', ...shown.usual, ...request.headers, ...shown.headers },
      timeout: Math.max(1, Math.ceil(timeout)),
      // A little more is read than is given on, so that a secret across the limit is seen whole.
      maxBytes: request.maxBytes + spare,
      beyondMax: 'cut',
      ...(request.body === undefined ? {} : { body: request.body }),
    })
  }

  /** Addresses and bodies are the caller's own affair, and may hold what the trail must not keep. */
  async #record(id: string, request: CheckedRequest, actor: Actor, told: { status: number; attempts: number } | { problem: string }): Promise<void> {
    const detail = { method: request.method, host: request.url.host, ...('status' in told ? told : {}) }
    const ended = 'status' in told ? { outcome: 'done' as const } : { outcome: 'failed' as const, reason: told.problem }
    try {
      await this.#context.audit.record({ actor, action: 'request.sent', subject: id, ...ended, detail })
    } catch (error) {
      // The hand-out is in the trail already. Whoever is told of a failure now would send the request again.
      if (!isProblem(error)) throw error
      this.#context.log.error('request.not_recorded', { error })
    }
  }
}

/** A server that says `invalid_token` has done nothing with the request. @see RFC 6750 section 3.1 */
function mayRenew(request: CheckedRequest, response: OutgoingResponse, token: HandedOut): boolean {
  if (token.tokenType === 'ApiKey' || token.tokenType === 'Basic') return false
  return repeatable.has(request.method) || /\berror\s*=\s*"?invalid_token\b/i.test(response.headers['www-authenticate'] ?? '')
}

/** Returns how long to wait before the same request is sent again; null when it is not to be. */
function waitBefore(request: CheckedRequest, response: OutgoingResponse, now: number): number | null {
  if (request.method !== 'GET' && request.method !== 'HEAD') return null
  if (response.status !== 429 && response.status !== 503) return null
  const wait = readRetryAfter({ retryAfter: response.headers['retry-after'] ?? '', date: response.headers.date ?? '' }, now)
  return wait === null ? null : Math.max(leastWait, wait)
}

function withAdvice(problem: Problem, request: CheckedRequest): Problem {
  if (problem.code !== 'outgoing_failed' || problem.facts.sent === false || request.method === 'GET' || request.method === 'HEAD') return problem
  return new Problem(problem.code, problem.message, {
    facts: problem.facts,
    cause: problem.cause,
    nextStep: 'The request may have arrived: look at the server what became of it before you send it again.',
  })
}
