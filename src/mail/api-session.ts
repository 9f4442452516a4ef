import type { Actor } from '../base/actor.ts'
import type { OutgoingRequest, OutgoingResponse } from '../base/http-types.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { redactText } from '../base/redact.ts'
import { readRetryAfter } from '../base/retry-after.ts'
import { shellWord } from '../base/shell-word.ts'
import { isAllowedHost } from '../credentials/credential-check.ts'
import type { CredentialView, HandedOut } from '../credentials/types.ts'
import type { MailContext } from './context.ts'
import { deliveryOfError } from './settlement.ts'
import type { Delivery, SenderView } from './types.ts'

/** Long enough for a whole part of a large message on a slow line. */
const callTimeout = 120_000

type Call = { method: OutgoingRequest['method']; headers?: Record<string, string>; body?: string | Uint8Array }

/** The calls to a mail API that belong to one message, all with the same token as long as that one is taken. */
export class ApiSession {
  readonly credential: CredentialView
  readonly #context: MailContext
  readonly #sender: SenderView
  readonly #actor: Actor
  #token: HandedOut | null = null

  private constructor(context: MailContext, sender: SenderView, credential: CredentialView, actor: Actor) {
    this.#context = context
    this.#sender = sender
    this.credential = credential
    this.#actor = actor
  }

  /** @throws Problem not_found */
  static async begin(context: MailContext, sender: SenderView, actor: Actor): Promise<ApiSession> {
    return new ApiSession(context, sender, await context.credentials.get(sender.credential?.id ?? ''), actor)
  }

  /**
   * Calls the sender's server. A token that it does not take is renewed, and the call made once more: what is answered with
   * 401 was not carried out.
   *
   * @throws Problem as `handOut` and `OutgoingHttp` do
   */
  async call(path: string, call: Call): Promise<OutgoingResponse> {
    this.#token ??= await this.#handOut()
    const first = await this.#send(path, call, this.#token)
    if (first.status !== 401) return first
    const second = await this.#handOut(this.#token.generation)
    if (second.generation === this.#token.generation) return first
    this.#token = second
    return await this.#send(path, call, second)
  }

  /**
   * Sends a part of a message to an address that the server named for it. The address itself is the key to it, so the token
   * stays here; and the part goes only where the token might go.
   */
  async upload(url: string, call: Call): Promise<OutgoingResponse> {
    const { host, hostname } = new URL(url)
    const isOwn = host === new URL(baseOf(this.#sender)).host
    if (!isOwn && !isAllowedHost(hostname, this.credential.allowedHosts) && !isAllowedHost(host, this.credential.allowedHosts)) {
      throw new Problem('destination_not_allowed', `${this.#sender.host} wants the message at ${hostname}, where "${this.credential.name}" is not used.`, {
        nextStep: `If you trust this server: keybearer edit ${shellWord(this.credential.name)} --add-host ${hostname}`,
        facts: { sent: false },
      })
    }
    return await this.#context.http({ url, timeout: callTimeout, ...call })
  }

  recordIssue(): void {
    this.#context.credentials.recordUse(this.credential.id, this.#actor, 'issue')
  }

  async #send(path: string, call: Call, token: HandedOut): Promise<OutgoingResponse> {
    return await this.#context.http({
      url: `${baseOf(this.#sender)}${path}`,
      timeout: callTimeout,
      ...call,
      headers: { authorization: `Bearer ${token.accessToken.reveal()}`, ...call.headers },
    })
  }

  async #handOut(refusedGeneration?: number): Promise<HandedOut> {
    const { host, port } = this.#sender
    const order = { purpose: 'mail' as const, destination: { host, port }, actor: this.#actor }
    return await this.#context.credentials.handOut(this.credential.id, refusedGeneration === undefined ? order : { ...order, refusedGeneration })
  }
}

/** Invariant: without TLS on loopback only; `check` of the senders sees to it, and outgoing HTTP once more. */
function baseOf({ host, port, tls }: SenderView): string {
  return tls === 'none' ? `http://${host}:${port}` : `https://${host}${port === 443 ? '' : `:${port}`}`
}

/** The server's words, with its status in front: diagnoses read both. */
export function replyOf(answer: OutgoingResponse): string {
  const { error } = jsonOf(answer)
  const said = typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : undefined
  // As JSON its codes would look like secrets, and be left out.
  const words = typeof said === 'string' ? `${codesOf(answer).join(' ')}: ${said}` : new TextDecoder().decode(answer.body)
  return redactText(`HTTP ${answer.status} ${words.replace(/\s+/g, ' ')}`.trim(), 500)
}

/** Returns the codes in an answer: Graph has one, Google a status and a reason for each error. */
export function codesOf(answer: OutgoingResponse): string[] {
  const { error } = jsonOf(answer)
  if (typeof error !== 'object' || error === null) return []
  const { code, status, errors } = error as { code?: unknown; status?: unknown; errors?: unknown }
  const reasons = Array.isArray(errors) ? errors.map((one: unknown) => (one as { reason?: unknown } | null)?.reason) : []
  return [code, status, ...reasons].filter((one): one is string => typeof one === 'string')
}

/** Returns an answer's JSON; an empty object when it is none. */
export function jsonOf(answer: OutgoingResponse): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(answer.body))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export const retryAfterOf = (answer: OutgoingResponse, now: number): number | null =>
  readRetryAfter({ retryAfter: answer.headers['retry-after'] ?? '', date: answer.headers.date ?? '' }, now)

/** The connection ended before an answer came: the message may be on its way, or not. */
export const outcomeUnknown = (sender: SenderView, reply: string | null): Delivery => ({
  kind: 'unavailable',
  code: 'mail_outcome_unknown',
  message: `${sender.host} was given the message, and did not say whether it sends it.`,
  reply,
  nextStep: 'Nothing: it is tried again by itself, with the same Message-ID. It may arrive twice; the sent items of the mailbox show whether it did.',
})

/** Whether a call that failed may have reached the server all the same. */
export const mayHaveArrived = (error: unknown): boolean => isProblem(error, 'outgoing_failed') && error.facts.sent !== false

/** Returns what the work returns, and a delivery in place of a problem that it throws. */
export async function orCallFailure<Result>(sender: SenderView, work: () => Promise<Result>): Promise<Result | Delivery> {
  try {
    return await work()
  } catch (error) {
    if (!isProblem(error)) throw error
    return callFailure(sender, error)
  }
}

/** Makes a delivery of a call that was not answered, or not even made. Nothing of the message was sent. */
function callFailure(sender: SenderView, error: Problem): Delivery {
  if (error.code !== 'outgoing_failed') return deliveryOfError(error)
  const about = error.facts.sent === false ? { about: 'account' as const } : {}
  return { kind: 'unavailable', code: 'mail_unavailable', message: `${sender.host} cannot be reached: ${error.message}`, reply: null, ...about }
}
