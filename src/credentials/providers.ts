import type { Actor } from '../base/actor.ts'
import { Problem } from '../base/problem.ts'
import { discover } from '../oauth/discovery.ts'
import { parseProvider } from '../providers/catalogue.ts'
import type { PasswordMail } from '../providers/password-mail.ts'
import { detectProviders, domainOf, type Detected } from '../providers/detect.ts'
import type { Provider } from '../providers/provider-schema.ts'
import type { PopularConfiguration } from '../providers/popular.ts'
import { byName, searchSummaries, summaryOf, type ProviderSummary } from '../providers/provider-summary.ts'
import { appendEvents } from '../storage/events.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import type { Page } from './types.ts'

export type ProviderView = { description: Provider; own: boolean; revision: number | null }
export type ProviderListed = ProviderSummary & { own: boolean }
export type PopularListed = Omit<PopularConfiguration, 'provider'> & { provider: { id: string; name: string } }
export type ProviderFilter = { search?: string; category?: string; grant?: string; cursor?: string; limit?: number }
export type ProviderProposal = { provider: ProviderListed; by: Detected['by'] }

/** The providers of the catalogue and those that the user defined. */
export class Providers {
  readonly #context: CredentialContext

  constructor(context: CredentialContext) {
    this.#context = context
  }

  /** Returns the registrations that other applications publish; null where the settings do not offer them. */
  popular(): PopularListed[] | null {
    const names = new Map(this.#context.catalogue.summaries().map(({ id, name }) => [id, name]))
    return this.#context.popular?.map((one) => ({ ...one, provider: { id: one.provider, name: names.get(one.provider) ?? one.provider } })) ?? null
  }

  /** Lists them by name, a page at a time. @throws Problem invalid_request for a cursor that is none */
  async list(filter: ProviderFilter = {}): Promise<Page<ProviderListed>> {
    const limit = Math.min(filter.limit ?? 100, 500)
    const fitting = searchSummaries(await this.#all(), filter.search ?? '').filter(
      (one) =>
        (filter.category === undefined || one.category === filter.category) &&
        (filter.grant === undefined || one.grants.some((grant) => grant === filter.grant)),
    )
    const after = filter.cursor === undefined ? null : readCursor(filter.cursor)
    const rest = after === null ? fitting : fitting.filter((one) => byName(one, after) > 0)
    return { items: rest.slice(0, limit), next: rest.length > limit ? writeCursor(rest[limit - 1]!) : null }
  }

  /**
   * Proposes the provider of a mail domain by its name; with `lookUp` also by the servers that take its mail, which asks the
   * name servers and nobody else. Of a domain whose servers take passwords only, it says so.
   *
   * @throws Problem invalid_request when it is no domain
   */
  async detect(
    name: string,
    lookUp: boolean,
  ): Promise<{ domain: string; proposals: ProviderProposal[]; exchangers: string[] | null; passwordMail: PasswordMail | null }> {
    const domain = domainOf(`x@${name}`)
    if (domain === null) {
      throw new Problem('invalid_request', 'This is not a mail domain.', { errors: [{ path: 'domain', message: 'must be a domain such as example.org' }] })
    }
    const all = await this.#all()
    const byDomain = detectProviders(all, domain)
    const passwordMail = byDomain.length === 0 ? this.#context.passwordMail(domain) : null
    const exchangers = lookUp && byDomain.length === 0 && passwordMail === null ? await this.#context.mailExchangers(domain) : null
    const found = exchangers === null ? byDomain : detectProviders(all, domain, exchangers)
    return { domain, exchangers, passwordMail, proposals: found.map(({ summary, by }) => ({ provider: { ...summary, own: isOwn(summary) }, by })) }
  }

  async #all(): Promise<ProviderListed[]> {
    const rows = await this.#context.db.selectFrom('providers').selectAll().orderBy('id').execute()
    const own = rows.map((row) => ({ ...summaryOf(parseProvider(JSON.parse(row.definition), row.id)), own: true }))
    return [...own, ...this.#context.catalogue.summaries().map((summary) => ({ ...summary, own: false }))].sort(byName)
  }

  /** @throws Problem not_found */
  async get(id: string): Promise<ProviderView> {
    const listed = this.#context.catalogue.get(id)
    if (listed) return { description: listed, own: false, revision: null }
    const row = await this.#context.db.selectFrom('providers').selectAll().where('id', '=', id).executeTakeFirst()
    if (!row) throw new Problem('not_found', `There is no provider "${id.slice(0, 100)}".`, { nextStep: 'See "keybearer providers".' })
    return { description: parseProvider(JSON.parse(row.definition), id), own: true, revision: row.revision }
  }

  async create(description: Provider, actor: Actor): Promise<ProviderView> {
    const provider = parseProvider(description, 'the provider')
    if (this.#context.catalogue.get(provider.id)) throw new Problem('name_taken', `The catalogue has a provider "${provider.id}" already.`)
    const now = this.#context.clock.now()
    await this.#commit(actor, 'provider.created', provider, async (trx) => {
      await trx
        .insertInto('providers')
        .values({ id: provider.id, definition: JSON.stringify(provider), created_at: now, updated_at: now, revision: 1 })
        .execute()
    })
    return { description: provider, own: true, revision: 1 }
  }

  /** Replaces a provider of the user's own. Registrations keep what they were made with. */
  async replace(id: string, description: Provider, actor: Actor): Promise<ProviderView> {
    const provider = parseProvider(description, 'the provider')
    if (provider.id !== id) throw new Problem('invalid_request', 'The id cannot be changed.', { errors: [{ path: 'id', message: `must be ${id}` }] })
    const before = await this.get(id)
    if (!before.own)
      throw new Problem('in_use', `"${id}" belongs to the catalogue and cannot be changed.`, { nextStep: 'Make a provider of your own under another id.' })
    const revision = (before.revision ?? 0) + 1
    await this.#commit(actor, 'provider.changed', provider, async (trx) => {
      await trx
        .updateTable('providers')
        .set({ definition: JSON.stringify(provider), updated_at: this.#context.clock.now(), revision })
        .where('id', '=', id)
        .execute()
    })
    return { description: provider, own: true, revision }
  }

  async delete(id: string, actor: Actor): Promise<void> {
    const before = await this.get(id)
    if (!before.own) throw new Problem('in_use', `"${id}" belongs to the catalogue and cannot be deleted.`)
    await this.#commit(actor, 'provider.deleted', before.description, async (trx) => {
      await trx.deleteFrom('providers').where('id', '=', id).execute()
    })
  }

  /** Fetches the metadata of an issuer and makes a description of it; stores nothing. @throws Problem discovery_failed */
  async discover(order: { issuer: string; id?: string; name?: string }, actor: Actor): Promise<{ description: Provider; warnings: string[] }> {
    const { issuer } = order
    const found = await discover(this.#context.http, issuer)
    const host = new URL(issuer).hostname
    const id =
      order.id ??
      host
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '')
        .slice(0, 60)
    const description = parseProvider({ ...found, id, version: 1, name: order.name ?? host }, `the metadata of ${issuer}`)
    const away = Object.entries(found).filter(
      ([field, value]) => (field.endsWith('_endpoint') || field === 'jwks_uri') && typeof value === 'string' && new URL(value).hostname !== host,
    )
    await this.#context.audit.record({ actor, action: 'provider.discovered', outcome: 'done', detail: { host } })
    return {
      description,
      warnings: away.map(([field, value]) => `${field} lies on another host: ${new URL(value as string).host}. Use it only if you trust that host too.`),
    }
  }

  async #commit(
    actor: Actor,
    action: 'provider.created' | 'provider.changed' | 'provider.deleted',
    provider: Provider,
    work: (trx: Parameters<Parameters<typeof inTransaction>[1]>[0]) => Promise<void>,
  ): Promise<void> {
    try {
      await inTransaction(this.#context.db, async (trx) => {
        await work(trx)
        await this.#context.audit.append(trx, [{ actor, action, subject: provider.id, subjectName: provider.name, outcome: 'done' }])
        await appendEvents(trx, this.#context.clock, [
          { type: 'provider.changed', subject: provider.id, data: { name: provider.name, change: action.split('.')[1] } },
        ])
      })
    } catch (error) {
      if (isUniqueViolation(error)) throw new Problem('name_taken', `There is already a provider "${provider.id}".`)
      throw error
    }
    await this.#context.wake()
  }
}

const isOwn = (summary: ProviderSummary & { own?: boolean }): boolean => summary.own === true

const writeCursor = (one: ProviderListed): string => Buffer.from(JSON.stringify([one.name, one.id]), 'utf8').toString('base64url')

function readCursor(cursor: string): { name: string; id: string } {
  try {
    const [name, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    if (typeof name === 'string' && typeof id === 'string') return { name, id }
  } catch {
    // Told below.
  }
  throw new Problem('invalid_request', 'This cursor belongs to another list.', { errors: [{ path: 'cursor', message: 'is not one of this list' }] })
}
