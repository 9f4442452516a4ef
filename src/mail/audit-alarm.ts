import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Clock } from '../base/clock.ts'
import type { EventBus } from '../base/events.ts'
import { readAuditHead } from '../storage/audit.ts'
import { appendEvents } from '../storage/events.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { listWebhookRows } from '../storage/webhooks.ts'
import type { MailContext } from './context.ts'
import { auditNotice } from './notice.ts'
import { runNoticeCommand } from './notice-command.ts'
import { wantedBy } from './notice-orders.ts'
import { writePayload } from './notice-payload.ts'
import { newNoticeId, type OpenedWebhook, type WebhookDeliveries } from './webhook-delivery.ts'

/** A blockage that is over sooner is nobody's business. */
const patience = 10_000
const pauses = [5_000, 30_000, 60_000, 300_000]

/** Events after which others may want to be told. */
const changes: ReadonlySet<string> = new Set(['webhook.changed', 'webhook.disabled', 'events.missed'])

type Parts = { deliveries: WebhookDeliveries; command: string | null; publicUrl: string }

/**
 * Tells programs at once that the audit trail cannot be written. It keeps nothing in the database, because that is what most
 * likely is in trouble, and so it tells what is happening, not what has happened: that comes as an ordinary notice once the
 * trail can be written again, and then by mail too.
 */
export class AuditAlarm {
  readonly #context: MailContext
  readonly #parts: Parts
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #over: AbortController | undefined
  /** Those who want to hear of it, as far as was known before: the database may be away by then. */
  #receivers: OpenedWebhook[] = []

  constructor(context: MailContext, parts: Parts) {
    this.#context = context
    this.#parts = parts
    this.#listen(context.bus)
  }

  #listen(bus: EventBus): void {
    bus.listen((event) => {
      if (changes.has(event.type)) void this.learn()
      // Those that this process tells of itself; what stands in the database has a number.
      if (event.seq !== 0) return
      if (event.type === 'audit.unblocked') this.#over?.abort()
      if (event.type !== 'audit.blocked' || this.#stop.signal.aborted) return
      const over = new AbortController()
      this.#over = over
      const before = this.#running
      this.#running = (async () => {
        await before
        await this.#alarm(event.at, over.signal)
      })().catch((error: unknown) => this.#context.log.error('audit_alarm.failed', { error }))
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** Learns who wants to be told. */
  async learn(): Promise<void> {
    try {
      const rows = (await listWebhookRows(this.#context.db)).filter((row) => row.enabled === 1 && wantedBy(row).includes('audit.blocked'))
      this.#receivers = await Promise.all(rows.map((row) => this.#parts.deliveries.open(row)))
    } catch (error) {
      this.#context.log.warn('audit_alarm.not_learnt', { error })
    }
  }

  async #alarm(since: number, over: AbortSignal): Promise<void> {
    const { clock, log } = this.#context
    if (!(await this.#wait(patience, over))) return
    const body = writePayload('audit.blocked', [auditNotice(since, null)], clock.now(), this.#parts.publicUrl)
    const id = await this.#idOf(since)
    let missing = [...this.#receivers]
    let isRun = this.#parts.command === null
    for (let round = 0; ; round++) {
      const outcomes = await Promise.all(
        missing.map(async (webhook) => ({ webhook, ...(await this.#parts.deliveries.send(webhook, { id, body }, this.#stop.signal)) })),
      )
      missing = outcomes.filter((one) => one.kind === 'failed').map((one) => one.webhook)
      if (!isRun) {
        const outcome = await runNoticeCommand(this.#parts.command!, body, this.#stop.signal)
        isRun = outcome.ok
        if (!outcome.ok) log.warn('notice_command.failed', { reason: outcome.message })
      }
      if (missing.length === 0 && isRun) break
      if (!(await this.#wait(pauses[Math.min(round, pauses.length - 1)]!, over))) break
    }
    await this.#untilOver(over)
    if (!this.#stop.signal.aborted) await this.#remember(since)
  }

  /** Says in the database that it happened, so that it is told by mail and to whom it did not reach. */
  async #remember(since: number): Promise<void> {
    const { db, clock, log } = this.#context
    for (let round = 0; !this.#stop.signal.aborted; round++) {
      try {
        await inTransaction(db, (trx) => rememberBlockage(trx, clock, since))
        return await this.#context.wake()
      } catch (error) {
        log.warn('audit_alarm.not_remembered', { error })
        await this.#wait(pauses[Math.min(round, pauses.length - 1)]!, this.#stop.signal)
      }
    }
  }

  /** The same on every node that finds the same trail blocked, so that a receiver knows that it is one matter. */
  async #idOf(since: number): Promise<string> {
    try {
      const { seq, hash } = await readAuditHead(this.#context.db)
      return `ntc_${createHash('sha256').update(`audit.blocked ${seq} ${hash}`).digest('hex').slice(0, 26)}`
    } catch {
      return newNoticeId(since)
    }
  }

  /** Returns whether the whole time went by. */
  async #wait(milliseconds: number, over: AbortSignal): Promise<boolean> {
    const signal = AbortSignal.any([over, this.#stop.signal])
    return await this.#context.clock.sleep(milliseconds, signal).then(
      () => true,
      () => false,
    )
  }

  async #untilOver(over: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([over, this.#stop.signal])
    if (signal.aborted) return
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }
}

/** Writes down that the trail was blocked, unless another node, for which it was so at the same time, has done so. */
async function rememberBlockage(trx: Transaction<Tables>, clock: Clock, since: number): Promise<void> {
  // The events' head is locked by this: of several nodes one comes after the other.
  await appendEvents(trx, clock, [{ type: 'audit.unblocked', subject: null, data: { since: new Date(since).toISOString() } }])
  const told = await trx.selectFrom('events').select('seq').where('type', '=', 'audit.unblocked').where('at', '>=', since).orderBy('seq').execute()
  if (told.length > 1) await trx.deleteFrom('events').where('seq', '=', told.at(-1)!.seq).execute()
}
