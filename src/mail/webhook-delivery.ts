import { service } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { isProblem } from '../base/problem.ts'
import { readRetryAfter } from '../base/retry-after.ts'
import type { Secret } from '../base/secret.ts'
import type { Job, JobHandler, JobOutcome } from '../jobs/job-runner.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import { disableWebhook, findWebhook, noteWebhookFailure, noteWebhookSuccess, type WebhookRow } from '../storage/webhooks.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { MailContext } from './context.ts'
import { signedHeaders } from './webhook-signature.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const timeout = 20 * second
/** What an answer says is of no interest, so that a long one is not read. */
const mostRead = 2000

/** So long after each failure it is tried again; after the last one the delivery is given up. */
export const retryPauses = [5 * second, minute, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour]
/** A webhook that has failed for so long, and so often, is switched off: a clock that jumps is no failure. */
const longestFailing = 3 * day
const mostFailures = 8

export const webhookJob = 'webhook.deliver'
export type WebhookPayload = { webhook: string; id: string; body: string }

/** What came of one try to deliver. */
export type WebhookOutcome =
  | { kind: 'delivered'; status: number }
  /** The receiver says that nobody wants it any more. */
  | { kind: 'gone'; status: number; message: string }
  | { kind: 'failed'; status: number | null; message: string; retryAfter: number | null }

type Context = Pick<MailContext, 'db' | 'clock' | 'vault' | 'audit' | 'http' | 'log' | 'wake'>
/** An address with what its messages are signed with, opened. */
export type OpenedWebhook = { id: string; name: string; url: Secret; secrets: Secret[] }

export const webhookPlaces = {
  url: (id: string) => ({ owner: id, column: 'webhooks.url' }),
  secret: (id: string) => ({ owner: id, column: 'webhooks.secret' }),
  previous: (id: string) => ({ owner: id, column: 'webhooks.previous_secret' }),
}

/** Brings signed messages to webhooks, and switches one off that takes none for days. */
export class WebhookDeliveries {
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  /** What does the deliveries that were ordered as jobs. */
  get handler(): JobHandler {
    return { run: (job) => this.#carryOut(job) }
  }

  /** Opens what a delivery takes. */
  async open(row: WebhookRow): Promise<OpenedWebhook> {
    const { vault, db, clock } = this.#context
    const keys = dataKeysOf(db)
    const secrets = [await vault.open(keys, webhookPlaces.secret(row.id), row.secret)]
    if (row.previous_secret !== null && row.previous_until !== null && clock.now() < row.previous_until) {
      secrets.push(await vault.open(keys, webhookPlaces.previous(row.id), row.previous_secret))
    }
    return { id: row.id, name: row.name, url: await vault.open(keys, webhookPlaces.url(row.id), row.url), secrets }
  }

  /** Sends a message once and says what came of it; nothing is written down. */
  async send(webhook: OpenedWebhook, message: { id: string; body: string }, signal?: AbortSignal): Promise<WebhookOutcome> {
    const { http, clock } = this.#context
    const now = clock.now()
    try {
      const { status, headers } = await http({
        method: 'POST',
        url: webhook.url.reveal(),
        headers: { 'content-type': 'application/json', ...signedHeaders({ ...message, at: now }, webhook.secrets) },
        body: message.body,
        timeout,
        maxBytes: mostRead,
        beyondMax: 'cut',
        ...(signal ? { signal } : {}),
      })
      if (status >= 200 && status < 300) return { kind: 'delivered', status }
      if (status === 410) return { kind: 'gone', status, message: 'It answered 410: it does not want to be told any more.' }
      const retryAfter = readRetryAfter({ retryAfter: headers['retry-after'] ?? '', date: headers.date ?? '' }, now)
      if (status >= 300 && status < 400) {
        return { kind: 'failed', status, message: `It answered ${status}, a redirect. Those are not followed: enter the address that it leads to.`, retryAfter }
      }
      return { kind: 'failed', status, message: `It answered ${status} in place of 2xx.`, retryAfter }
    } catch (error) {
      if (!isProblem(error)) throw error
      return { kind: 'failed', status: null, message: error.message, retryAfter: null }
    }
  }

  async #carryOut(job: Job): Promise<JobOutcome> {
    const { db } = this.#context
    const { webhook: id, ...message } = job.payload as WebhookPayload
    const row = await findWebhook(db, id)
    if (row?.enabled !== 1) return { outcome: 'done' }
    const outcome = await this.send(await this.open(row), message, job.signal)
    if (outcome.kind === 'delivered') {
      await noteWebhookSuccess(db, id, this.#context.clock.now())
      return { outcome: 'done' }
    }
    // A stop of this service says nothing of the receiver.
    if (job.signal.aborted) return { outcome: 'retry', reason: 'cut off', after: 0 }
    if (await this.#noteFailure(id, outcome)) return { outcome: 'done' }
    const pause = retryPauses[job.attempt - 1]
    if (pause === undefined) return { outcome: 'given_up', reason: outcome.message }
    return { outcome: 'retry', reason: outcome.message, after: Math.max(pause, outcome.kind === 'failed' ? (outcome.retryAfter ?? 0) : 0) }
  }

  /** Counts a failure; returns whether the webhook is switched off for it. */
  async #noteFailure(id: string, outcome: Exclude<WebhookOutcome, { kind: 'delivered' }>): Promise<boolean> {
    const { db, clock, audit, log } = this.#context
    const now = clock.now()
    const isOff = await inTransaction(db, async (trx) => {
      const row = await noteWebhookFailure(trx, id, now, outcome.message)
      if (!row || row.enabled === 0) return true
      const isHopeless = row.failures >= mostFailures && now - (row.failing_since ?? now) >= longestFailing
      if (outcome.kind !== 'gone' && !isHopeless) return false
      const reason =
        outcome.kind === 'gone' ? outcome.message : `Nothing came through for ${Math.floor((now - row.failing_since!) / day)} days. ${outcome.message}`
      if (!(await disableWebhook(trx, id, reason, now))) return true
      const code = outcome.kind === 'gone' ? 'gone' : 'failing'
      await audit.append(trx, [{ actor: service, action: 'webhook.disabled', subject: id, subjectName: row.name, outcome: 'done', reason: code }])
      await appendEvents(trx, clock, [{ type: 'webhook.disabled', subject: id, data: { name: row.name, reason: code, message: reason } }])
      return true
    })
    log.warn('webhook.failed', { webhook: id, reason: outcome.message, off: isOff })
    if (isOff) await this.#context.wake()
    return isOff
  }
}

/** Makes the id of a message to webhooks: the same at every try, so that a receiver knows what it has had. */
export const newNoticeId = (now: number): string => newId('ntc', now)
