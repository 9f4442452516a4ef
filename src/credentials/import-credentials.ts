import type { Transaction } from 'kysely'
import type { AuditEntry } from '../access/audit.ts'
import type { Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { parseProvider } from '../providers/catalogue.ts'
import type { Provider } from '../providers/provider-schema.ts'
import type { NewCredentialRow } from '../storage/credential-derived.ts'
import { updateCredentialIf } from '../storage/credentials.ts'
import { appendEvents, type NewEvent } from '../storage/events.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { RowUpdate, Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import { insertNamed, newCredentialRow } from './credential-create.ts'
import { damaged, providerLookup, type ImportFormat } from './import-draft.ts'
import { readImportFile } from './import-file.ts'
import { planImport, type ImportItem, type ImportPlan, type OnClash, type PlannedCredential } from './import-plan.ts'
import type { PreparedRegistration, Registrations } from './registrations.ts'
import type { Limits } from './types.ts'

export type ImportOrder = {
  content: Secret
  passphrase?: Secret
  onClash: OnClash
  format: ImportFormat | 'auto'
  /** Says what would become of everything, and writes nothing. */
  dryRun: boolean
}

export type ImportResult = { format: ImportFormat; applied: boolean; items: ImportItem[] }

/** More would hold the store up for everybody else. */
const mostItems = 2000

/** Brings credentials in from files: all that a file holds, or nothing of it. */
export class Importer {
  readonly #context: CredentialContext
  readonly #registrations: Registrations

  constructor(context: CredentialContext, registrations: Registrations) {
    this.#context = context
    this.#registrations = registrations
  }

  /**
   * Imports a file. Everything in it is checked like what a person types; when one item is refused, nothing is written.
   *
   * @throws Problem import_invalid, import_passphrase when the file as a whole cannot be read
   */
  async run(order: ImportOrder, actor: Actor, limits: Limits = {}): Promise<ImportResult> {
    const { audit, wake } = this.#context
    try {
      const known = await this.#providers()
      const file = await readImportFile(order.content, order, providerLookup(known))
      if (file.drafts.length > mostItems)
        throw damaged(`The file holds ${file.drafts.length} items; at most ${mostItems} are imported at a time.`, [], 'Split it.')
      const plan = await planImport({ context: this.#context, registrations: this.#registrations, known, limits }, file, order.onClash)
      const refused = plan.items.filter((item) => item.action === 'refused')
      if (order.dryRun) return { format: file.format, applied: false, items: plan.items }
      if (refused.length > 0) {
        await audit.record({
          actor,
          action: 'credential.imported',
          outcome: 'refused',
          reason: refused[0]!.problem!.code,
          detail: { format: file.format, refused: refused.length },
        })
        return { format: file.format, applied: false, items: plan.items }
      }
      await this.#apply(plan, file.format, actor)
      await wake()
      return { format: file.format, applied: true, items: plan.items }
    } catch (error) {
      if (isProblem(error, 'import_invalid') || isProblem(error, 'import_passphrase')) {
        await audit.record({ actor, action: 'credential.imported', outcome: 'refused', reason: error.code })
      }
      throw error
    }
  }

  async #providers(): Promise<Provider[]> {
    const own = await this.#context.db.selectFrom('providers').select(['id', 'definition']).execute()
    const catalogue = this.#context.catalogue.list()
    const listed = new Set(catalogue.map((provider) => provider.id))
    return [...catalogue, ...own.filter((row) => !listed.has(row.id)).map((row) => parseProvider(JSON.parse(row.definition), row.id))]
  }

  /**
   * Writes a plan in one transaction. The trail and the events, which everybody else waits for, are touched at its end only.
   *
   * @throws Problem changed_meanwhile, name_taken when somebody was quicker; then nothing is written
   */
  async #apply(plan: ImportPlan, format: ImportFormat, actor: Actor): Promise<void> {
    const { db, clock, audit } = this.#context
    await inTransaction(db, async (trx) => {
      const now = clock.now()
      const entries: AuditEntry[] = []
      const events: NewEvent[] = []
      for (const provider of plan.providers) {
        await insertProvider(trx, provider, now)
        entries.push({ actor, action: 'provider.created', subject: provider.id, subjectName: provider.name, outcome: 'done' })
        events.push({ type: 'provider.changed', subject: provider.id, data: { name: provider.name, change: 'created' } })
      }
      const made = new Map<PreparedRegistration, RegistrationRow>()
      for (const { registration } of plan.credentials) {
        if (registration?.kind !== 'new' || made.has(registration.prepared)) continue
        const { row, entry, event } = await this.#registrations.insertUntold(trx, registration.prepared, actor)
        made.set(registration.prepared, row)
        entries.push(entry)
        events.push(event)
      }
      for (const planned of plan.credentials) {
        const { id, name, status } = await this.#write(trx, planned, registrationOf(planned, made), now)
        const replaced = planned.replaces !== null
        const detail = { format, change: replaced ? 'replaced' : 'created', kind: planned.input.kind, grant: planned.input.grant ?? null }
        entries.push({ actor, action: 'credential.imported', subject: id, subjectName: name, outcome: 'done', detail })
        events.push({ type: replaced ? 'credential.changed' : 'credential.created', subject: id, data: { name, status, imported: true } })
      }
      // A file of which nothing came is an import too.
      if (plan.credentials.length === 0) entries.push({ actor, action: 'credential.imported', outcome: 'done', detail: { format, items: 0 } })
      await audit.append(trx, entries)
      await appendEvents(trx, clock, events)
    })
  }

  async #write(
    trx: Transaction<Tables>,
    { input, replaces, keepsSecret }: PlannedCredential,
    registration: RegistrationRow | null,
    now: number,
  ): Promise<{ id: string; name: string; status: string }> {
    if (replaces === null) {
      const row = await newCredentialRow(this.#context, trx, { id: newId('cred', now), generation: 1 }, input, registration, now)
      await insertNamed(trx, row)
      return row
    }
    const row = await newCredentialRow(this.#context, trx, { id: replaces.id, generation: replaces.generation + 2 }, input, registration, now)
    const change = keepsSecret ? withoutSecret(row) : replacing(row)
    if (!(await updateCredentialIf(trx, replaces.id, { revision: replaces.revision }, change))) {
      throw new Problem('changed_meanwhile', `Somebody changed "${replaces.name}" meanwhile.`)
    }
    return { id: replaces.id, name: row.name, status: change.status ?? replaces.status }
  }
}

async function insertProvider(trx: Transaction<Tables>, provider: Provider, now: number): Promise<void> {
  try {
    await trx
      .insertInto('providers')
      .values({ id: provider.id, definition: JSON.stringify(provider), created_at: now, updated_at: now, revision: 1 })
      .execute()
  } catch (error) {
    if (isUniqueViolation(error)) throw new Problem('name_taken', `There is already a provider "${provider.id}".`)
    throw error
  }
}

function registrationOf({ registration }: PlannedCredential, made: Map<PreparedRegistration, RegistrationRow>): RegistrationRow | null {
  if (registration === null) return null
  return registration.kind === 'existing' ? registration.row : made.get(registration.prepared)!
}

/** What a replaced credential takes over from the new one; its id, its history and its uses stay. */
function replacing(row: NewCredentialRow): RowUpdate<'credentials'> {
  const {
    id: _,
    created_at: _1,
    revision: _2,
    last_used_at: _3,
    last_used_by: _4,
    last_use_outcome: _5,
    last_success_at: _6,
    lease: _7,
    lease_until: _8,
    ...change
  } = row
  return change
}

/** The same without anything that belongs to the secret, which stays with its state. */
function withoutSecret(row: NewCredentialRow): RowUpdate<'credentials'> {
  const { name, name_key, description, username, subject, scopes, options, allowed_hosts, tags, updated_at, registration_id } = row
  return { name, name_key, description, username, scopes, options, allowed_hosts, tags, updated_at, registration_id, ...(subject === null ? {} : { subject }) }
}
