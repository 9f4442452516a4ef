import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { isLoopback } from '../base/addresses.ts'
import { newId } from '../base/ids.ts'
import { Problem, type FieldError } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { cleanName, nameErrors } from '../credentials/names.ts'
import { nameKey } from '../storage/credential-derived.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import type { Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import { deleteWebhookRow, findWebhook, insertWebhook, listWebhookRows, updateWebhookIf, type WebhookRow } from '../storage/webhooks.ts'
import type { MailContext } from './context.ts'
import { noticeEvents, type NoticeEvent } from '../base/notice-events.ts'
import { newNoticeId, webhookPlaces, type WebhookDeliveries, type WebhookOutcome } from './webhook-delivery.ts'
import { makeWebhookSecret } from './webhook-signature.ts'

const mostWebhooks = 50
/** A receiver may take so long to learn a new secret: until then both sign. */
const previousLife = 24 * 3_600_000

export type WebhookView = {
  id: string
  name: string
  /** Scheme and host; the rest of an address may be a secret, and is never shown. */
  origin: string
  events: NoticeEvent[]
  enabled: boolean
  /** Why the service switched it off; null: it did not. */
  disabledReason: string | null
  failingSince: number | null
  failures: number
  lastSuccessAt: number | null
  lastFailureAt: number | null
  lastError: string | null
  createdAt: number
  updatedAt: number
  revision: number
}

export type NewWebhook = { name: string; url: Secret; events: NoticeEvent[] }
export type WebhookChange = Partial<NewWebhook & { enabled: boolean }>

type Action = 'webhook.created' | 'webhook.changed' | 'webhook.deleted' | 'webhook.secret_renewed'

/** The addresses of other programs that are told what needs a person. */
export class Webhooks {
  readonly #context: MailContext
  readonly #deliveries: WebhookDeliveries

  constructor(context: MailContext, deliveries: WebhookDeliveries) {
    this.#context = context
    this.#deliveries = deliveries
  }

  async list(): Promise<WebhookView[]> {
    return (await listWebhookRows(this.#context.db)).map(toView)
  }

  /** @throws Problem not_found */
  async get(ref: string): Promise<WebhookView> {
    return toView(await this.#find(ref))
  }

  /** Makes one and returns the secret that its messages are signed with, once. @throws Problem invalid_request, name_taken */
  async create(input: NewWebhook, actor: Actor): Promise<{ webhook: WebhookView; secret: Secret }> {
    const { db, clock, vault } = this.#context
    const errors = check(input)
    if ((await listWebhookRows(db)).length >= mostWebhooks) errors.push({ path: 'name', message: `is one too many: there may be ${mostWebhooks} webhooks` })
    refuse(errors)
    const now = clock.now()
    const id = newId('whk', now)
    const secret = makeWebhookSecret()
    const name = cleanName(input.name)
    const { origin } = new URL(input.url.reveal())
    await inTransaction(db, async (trx) => {
      const keys = dataKeysOf(trx)
      const row = {
        id,
        name,
        name_key: nameKey(name),
        origin,
        url: await vault.seal(keys, webhookPlaces.url(id), input.url.reveal()),
        secret: await vault.seal(keys, webhookPlaces.secret(id), secret.reveal()),
        previous_secret: null,
        previous_until: null,
        events: JSON.stringify(inOrder(input.events)),
        enabled: 1,
        disabled_reason: null,
        failing_since: null,
        failures: 0,
        last_success_at: null,
        last_failure_at: null,
        last_error: null,
        created_at: now,
        updated_at: now,
        revision: 1,
      }
      await this.#named(name, () => insertWebhook(trx, row))
      await this.#tell(trx, actor, 'webhook.created', { id, name }, { origin, events: row.events })
    })
    await this.#context.wake()
    return { webhook: await this.get(id), secret }
  }

  /** A field left out stays. Whoever switches it on again begins to count its failures anew. */
  async change(ref: string, change: WebhookChange, actor: Actor, ifRevision?: number): Promise<WebhookView> {
    const { db, clock, vault } = this.#context
    const row = await this.#find(ref)
    const changed = () => new Problem('changed_meanwhile', `Somebody changed the webhook "${row.name}" meanwhile.`)
    if (ifRevision !== undefined && ifRevision !== row.revision) throw changed()
    refuse(check(change))
    const name = change.name === undefined ? row.name : cleanName(change.name)
    const { url, events, enabled } = change
    await inTransaction(db, async (trx) => {
      const done = await this.#named(name, async () =>
        updateWebhookIf(trx, row.id, row.revision, {
          name,
          name_key: nameKey(name),
          ...(url === undefined
            ? {}
            : { origin: new URL(url.reveal()).origin, url: await vault.seal(dataKeysOf(trx), webhookPlaces.url(row.id), url.reveal()) }),
          ...(events === undefined ? {} : { events: JSON.stringify(inOrder(events)) }),
          ...(enabled === undefined ? {} : { enabled: enabled ? 1 : 0, disabled_reason: null }),
          ...(enabled === true || url !== undefined ? { failing_since: null, failures: 0, last_error: null } : {}),
          updated_at: clock.now(),
        }),
      )
      if (!done) throw changed()
      const fields = Object.keys(change).filter((field) => change[field as keyof WebhookChange] !== undefined)
      await this.#tell(trx, actor, 'webhook.changed', row, { fields })
    })
    await this.#context.wake()
    return await this.get(row.id)
  }

  /** Makes a new secret and returns it, once. The old one signs as well for a day, so that the receiver can be changed in peace. */
  async renewSecret(ref: string, actor: Actor): Promise<{ webhook: WebhookView; secret: Secret }> {
    const { db, clock, vault } = this.#context
    const row = await this.#find(ref)
    const secret = makeWebhookSecret()
    const old = await vault.open(dataKeysOf(db), webhookPlaces.secret(row.id), row.secret)
    const now = clock.now()
    await inTransaction(db, async (trx) => {
      const keys = dataKeysOf(trx)
      const done = await updateWebhookIf(trx, row.id, row.revision, {
        secret: await vault.seal(keys, webhookPlaces.secret(row.id), secret.reveal()),
        previous_secret: await vault.seal(keys, webhookPlaces.previous(row.id), old.reveal()),
        previous_until: now + previousLife,
        updated_at: now,
      })
      if (!done) throw new Problem('changed_meanwhile', `Somebody changed the webhook "${row.name}" meanwhile.`)
      await this.#tell(trx, actor, 'webhook.secret_renewed', row, {})
    })
    await this.#context.wake()
    return { webhook: await this.get(row.id), secret }
  }

  async delete(ref: string, actor: Actor): Promise<void> {
    const row = await this.#find(ref)
    await inTransaction(this.#context.db, async (trx) => {
      await deleteWebhookRow(trx, row.id)
      await this.#tell(trx, actor, 'webhook.deleted', row, {})
    })
    await this.#context.wake()
  }

  /** Sends a message that says that it is a test, now, also to one that is switched off, and returns what came of it. */
  async test(ref: string, actor: Actor): Promise<{ outcome: WebhookOutcome; milliseconds: number }> {
    const { clock, audit } = this.#context
    const row = await this.#find(ref)
    const now = clock.now()
    const body = JSON.stringify({
      type: 'webhook.test',
      timestamp: new Date(now).toISOString(),
      data: { text: `This is a test from Keybearer: the webhook "${row.name}" works.`, webhook: { id: row.id, name: row.name } },
    })
    const began = clock.monotonic()
    const outcome = await this.#deliveries.send(await this.#deliveries.open(row), { id: newNoticeId(now), body })
    const milliseconds = Math.round(clock.monotonic() - began)
    await audit.record({
      actor,
      action: 'webhook.tested',
      subject: row.id,
      subjectName: row.name,
      outcome: outcome.kind === 'delivered' ? 'done' : 'failed',
      detail: { status: outcome.status },
    })
    return { outcome, milliseconds }
  }

  async #find(ref: string): Promise<WebhookRow> {
    const row = await findWebhook(this.#context.db, ref)
    if (!row) throw new Problem('not_found', `There is no webhook "${ref.slice(0, 100)}".`)
    return row
  }

  async #named<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (isUniqueViolation(error)) throw new Problem('name_taken', `There is already a webhook "${name}".`)
      throw error
    }
  }

  async #tell(
    trx: Transaction<Tables>,
    actor: Actor,
    action: Action,
    row: { id: string; name: string },
    detail: Record<string, string | string[]>,
  ): Promise<void> {
    await this.#context.audit.append(trx, [{ actor, action, subject: row.id, subjectName: row.name, outcome: 'done', detail }])
    await appendEvents(trx, this.#context.clock, [{ type: 'webhook.changed', subject: row.id, data: { name: row.name, change: action.split('.')[1] } }])
  }
}

const inOrder = (events: NoticeEvent[]): NoticeEvent[] => noticeEvents.filter((event) => events.includes(event))

function refuse(errors: FieldError[]): void {
  if (errors.length > 0) throw new Problem('invalid_request', 'The webhook cannot be like this.', { errors })
}

function check(input: WebhookChange): FieldError[] {
  const errors: FieldError[] = input.name === undefined ? [] : nameErrors(input.name)
  if (input.url !== undefined) {
    const wrong = mistakeIn(input.url.reveal())
    if (wrong !== null) errors.push({ path: 'url', message: wrong })
  }
  if (input.events?.length === 0) errors.push({ path: 'events', message: `must name at least one of ${noticeEvents.join(', ')}` })
  return errors
}

/** Which addresses may be called is asked at every call, when the name is looked up; here only what can never be right. */
function mistakeIn(text: string): string | null {
  const url = URL.parse(text)
  if (url === null || /\s/.test(text)) return 'must be an address such as https://example.org/hook'
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, '')))) return 'must begin with https://'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  return url.hash === '' ? null : 'must not have a part behind #'
}

function toView(row: WebhookRow): WebhookView {
  return {
    id: row.id,
    name: row.name,
    origin: row.origin,
    events: JSON.parse(row.events) as NoticeEvent[],
    enabled: row.enabled === 1,
    disabledReason: row.disabled_reason,
    failingSince: row.failing_since,
    failures: row.failures,
    lastSuccessAt: row.last_success_at,
    lastFailureAt: row.last_failure_at,
    lastError: row.last_error,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
  }
}
