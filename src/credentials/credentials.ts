import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import type { Diagnosis } from '../base/diagnosis.ts'
import { Problem, withDiagnosis } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { nameKey } from '../storage/credential-derived.ts'
import { actionsUsing } from '../storage/actions.ts'
import { findCredential, updateCredentialIf, type CredentialWithRegistration } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { RowUpdate, Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import { readUsages } from '../storage/usages.ts'
import type { DiagnosisValues } from '../providers/diagnoses.ts'
import type { CredentialContext } from './context.ts'
import { optionErrors, credentialErrors, refuseHostsBeyond, secretIsBoundTo } from './credential-check.ts'
import {
  isThreeLegged,
  nextSteps,
  pausedColumns,
  resumedColumns,
  revokedColumns,
  statusColumns,
  statusOfWorking,
  withoutTokens,
  workingFacts,
} from './credential-status.ts'
import { createCredential } from './credential-create.ts'
import { listEnds, type CalendarEnd } from './calendar.ts'
import { diagnoseReply, diagnosisOfReason, diagnosisValues, type Failure } from './diagnosis.ts'
import { countCredentials, listCredentials, toViews, usageDays } from './credential-list.ts'
import { setAside } from './deleted-credentials.ts'
import { examineCredential, type Examined } from './examination.ts'
import { HandOuts, problemOfStatus, type HandOutOrder } from './hand-out.ts'
import { cleanName, nameErrors } from './names.ts'
import { providerHosts } from './provider-of.ts'
import type { Registrations } from './registrations.ts'
import type { Renewer } from './refresh.ts'
import type { RevocationOrder, Revoker } from './revoke.ts'
import { snoozeCredential } from './snooze.ts'
import { takeTokens } from './take-tokens.ts'
import { testCredential } from './test-credential.ts'
import { TokenCache } from './token-cache.ts'
import { credentialPlace, writeStoredSecret, type StoredSecret } from './token-set.ts'
import type {
  CredentialChange,
  CredentialCounts,
  CredentialFilter,
  CredentialMatch,
  CredentialOptions,
  CredentialView,
  HandedOut,
  Limits,
  NewCredential,
  Page,
  RevocationResult,
  TestReport,
  UsageDay,
  UsageView,
} from './types.ts'
import type { UsageRecorder } from './usage.ts'

/** The credentials: made, changed, listed, handed out, tested, paused, revoked, deleted. */
export class Credentials {
  readonly #context: CredentialContext
  readonly #registrations: Registrations
  readonly #renewer: Renewer
  readonly #usage: UsageRecorder
  readonly #handOuts: HandOuts
  readonly #revoker: Revoker

  constructor(context: CredentialContext, parts: { registrations: Registrations; renewer: Renewer; usage: UsageRecorder; revoker: Revoker }) {
    this.#context = context
    this.#registrations = parts.registrations
    this.#renewer = parts.renewer
    this.#usage = parts.usage
    this.#revoker = parts.revoker
    const cache = new TokenCache()
    context.bus.listen((event) => cache.heed(event))
    this.#handOuts = new HandOuts(context, cache, parts.renewer, parts.usage)
  }

  async list(filter: CredentialFilter): Promise<Page<CredentialView>> {
    return await listCredentials(this.#context, filter)
  }

  /** Counts credentials per status and kind, zeros included. */
  async counts(match: CredentialMatch = {}): Promise<CredentialCounts> {
    return await countCredentials(this.#context, match)
  }

  /** @throws Problem not_found */
  async get(ref: string): Promise<CredentialView> {
    return (await toViews(this.#context, [await this.#find(ref)]))[0]!
  }

  /** Lists everything known to end among the credentials that may be seen; undefined: all. */
  async ends(visible: string[] | undefined): Promise<CalendarEnd[]> {
    return await listEnds(this.#context, visible)
  }

  /** Returns what the reason of a credential's status means; null when there is nothing to explain. */
  diagnose(row: CredentialWithRegistration): Diagnosis | null {
    return diagnosisOfReason(this.#context, row)
  }

  /** Returns what the words of a mail server or of a connection to it mean, with the values of the credential that was used. */
  async diagnoseReply(id: string | null, failure: Pick<Failure, 'text' | 'surface' | 'judged'> & { host: string }): Promise<Diagnosis | null> {
    const row = id === null ? undefined : await findCredential(this.#context.db, id)
    return diagnoseReply(this.#context, row ?? null, failure)
  }

  /** Returns what the steps of a diagnosis can name of a credential. @throws Problem not_found */
  async diagnosisValues(ref: string): Promise<DiagnosisValues> {
    return diagnosisValues(this.#context.publicUrl, await this.#find(ref))
  }

  /** Returns the id behind an id or a name; null when there is none. See `HandOuts.idOf`. */
  async idOf(ref: string, mayBeKnown?: (id: string) => boolean): Promise<string | null> {
    return await this.#handOuts.idOf(ref, mayBeKnown)
  }

  /** Returns the id behind an id or a name if it is in memory. */
  knownId(ref: string): string | undefined {
    return this.#handOuts.knownId(ref)
  }

  /** Returns the name of a credential by its id; null when there is none. */
  async nameOf(id: string): Promise<string | null> {
    return await this.#handOuts.nameOf(id)
  }

  async create(input: NewCredential, actor: Actor, limits: Limits = {}): Promise<CredentialView> {
    return await this.get(await createCredential(this.#context, this.#registrations, input, actor, limits))
  }

  /**
   * Changes fields of a credential. What would let a stored secret go somewhere else than it was entered for (user name,
   * hosts, tenant, registration) removes the secret, unless it is given again.
   */
  async change(ref: string, patch: CredentialChange, actor: Actor, ifRevision?: number, limits: Limits = {}): Promise<CredentialView> {
    const { db, clock } = this.#context
    const before = await this.#find(ref)
    const registration = patch.registration === undefined ? null : await this.#registrations.find(patch.registration)
    const errors = [
      ...(patch.name === undefined ? [] : nameErrors(patch.name)),
      ...(patch.options === undefined ? [] : optionErrors(patch.options)),
      ...credentialErrors({ ...patch, kind: before.kind as NewCredential['kind'] }, 'change'),
    ]
    if (errors.length > 0) throw new Problem('invalid_request', 'The credential cannot be changed like this.', { errors })
    if (ifRevision !== undefined && ifRevision !== before.revision) throw changedMeanwhile(before.name)
    if (before.kind === 'oauth2' && (patch.options ?? patch.allowedHosts ?? registration)) await this.#checkReach(before, patch, registration, limits)

    const now = clock.now()
    const removes = patch.secret === undefined && secretIsBoundTo(before, patch, registration?.id ?? null)
    await inTransaction(db, async (trx) => {
      const change: RowUpdate<'credentials'> = { updated_at: now }
      if (patch.name !== undefined) Object.assign(change, { name: cleanName(patch.name), name_key: nameKey(cleanName(patch.name)) })
      if (patch.description !== undefined) change.description = patch.description
      if (patch.username !== undefined) change.username = patch.username
      if (patch.scopes !== undefined) change.scopes = JSON.stringify(patch.scopes)
      if (patch.options !== undefined) change.options = JSON.stringify(patch.options)
      if (patch.allowedHosts !== undefined) change.allowed_hosts = JSON.stringify(patch.allowedHosts)
      if (patch.tags !== undefined) change.tags = JSON.stringify(patch.tags)
      if (registration) change.registration_id = registration.id
      if (patch.secret !== undefined) Object.assign(change, await this.#sealNew(trx, before, patch.secret))
      else if (removes) Object.assign(change, withoutTokens(before))
      if (registration || removes) change.warn_at = now
      const after = { ...before, ...change } as CredentialWithRegistration
      if (removes || patch.secret !== undefined) {
        const next = statusOfWorking(workingFacts(after, registration?.secret_expires_at ?? before.secret_expires_at), now)
        Object.assign(change, statusColumns(before, next, now))
        if (before.kind === 'oauth2' && !isThreeLegged(before.grant_type)) change.refresh_due_at = now
      } else if (before.kind === 'oauth2' && (patch.scopes !== undefined || patch.options !== undefined) && before.status === 'misconfigured') {
        const reason = { code: 'changed', message: 'It was changed and is tried again.', nextStep: nextSteps.retry }
        Object.assign(change, statusColumns(before, { status: 'retrying', reason }, now), { refresh_due_at: now, failures: 0 })
      }
      try {
        if (!(await updateCredentialIf(trx, before.id, { revision: before.revision }, change))) throw changedMeanwhile(before.name)
      } catch (error) {
        if (isUniqueViolation(error)) throw new Problem('name_taken', `There is already a credential "${change.name}".`)
        throw error
      }
      const fields = Object.keys(patch).filter((field) => patch[field as keyof CredentialChange] !== undefined)
      await this.#context.audit.append(trx, [
        { actor, action: 'credential.changed', subject: before.id, subjectName: after.name, outcome: 'done', detail: { fields, secret_removed: removes } },
      ])
      await appendEvents(trx, clock, [
        { type: 'credential.changed', subject: before.id, data: { name: after.name, fields, status: change.status ?? before.status } },
      ])
    })
    await this.#context.wake()
    return await this.get(before.id)
  }

  /** Checks that placeholders stay at the registration's servers, and who adds a host for tokens that are not his. */
  async #checkReach(before: CredentialWithRegistration, patch: CredentialChange, other: RegistrationRow | null, limits: Limits): Promise<void> {
    const registration = other ?? (await this.#registrations.find(before.registration_id ?? ''))
    const options = patch.options ?? (JSON.parse(before.options) as CredentialOptions)
    const usual = providerHosts(this.#context, registration, options.placeholders)
    if (limits.mayWidenHosts !== false) return
    const had = JSON.parse(before.allowed_hosts) as string[]
    if (registration.id === before.registration_id) refuseHostsBeyond(had, patch.allowedHosts ?? [])
    else refuseHostsBeyond(usual, patch.allowedHosts ?? had)
  }

  async #sealNew(trx: Transaction<Tables>, row: CredentialWithRegistration, secret: Secret): Promise<RowUpdate<'credentials'>> {
    const stored: StoredSecret = row.kind === 'api_key' ? { kind: 'api_key', apiKey: secret } : { kind: 'basic', password: secret }
    const generation = row.generation + 1
    return { secret: await this.#context.vault.seal(dataKeysOf(trx), credentialPlace(row.id, generation), writeStoredSecret(stored)), generation }
  }

  /**
   * Takes a credential out of use, and revokes its tokens if asked; see `DeletedCredentials` for what becomes of it. `restorableUntil`:
   * until when it can come back; null: it is gone for good.
   */
  async delete(ref: string, options: { revoke: boolean }, actor: Actor): Promise<{ revocation: RevocationResult; restorableUntil: number | null }> {
    const found = await this.#find(ref)
    await this.#usage.flush()
    let restorableUntil: number | null = null
    const taken = await takeTokens(this.#context, {
      // By its id: another one may have got the name.
      read: () => this.#find(found.id),
      prepare: async (row) => (options.revoke ? await this.#revoker.prepare(row) : null),
      // What a refresh under way brings is taken back, or comes back with it: the provider may have replaced the token that is here.
      isBound: options.revoke || this.#context.deletedDays > 0,
      write: async (trx, row, order) => {
        await this.#refuseIfInUse(trx, row)
        await this.#revoker.enqueue(trx, order, row)
        restorableUntil = await setAside(this.#context, trx, row.id, { ...options, actor })
      },
    })
    if (taken === null) throw changedMeanwhile(found.name)
    await this.#context.wake()
    return { revocation: await this.#revoker.carryOut(taken.prepared), restorableUntil }
  }

  async #refuseIfInUse(trx: Transaction<Tables>, row: CredentialWithRegistration): Promise<void> {
    const senders = await trx.selectFrom('senders').select('name').where('credential_id', '=', row.id).execute()
    const actions = await actionsUsing(trx, 'credential_id', row.id)
    if (senders.length === 0 && actions.length > 0)
      throw new Problem('in_use', `"${row.name}" is used by the action ${actions.map((name) => `"${name}"`).join(', ')}.`)
    if (senders.length === 0) return
    throw new Problem('in_use', `"${row.name}" is used by the sender ${senders.map((sender) => `"${sender.name}"`).join(', ')}.`)
  }

  /** Takes the tokens back at the provider and removes them here, in one transaction with what `beside` writes. */
  async revoke(
    ref: string,
    actor: Actor,
    beside?: (trx: Transaction<Tables>, order: RevocationOrder) => Promise<void>,
  ): Promise<{ revocation: RevocationResult; credential: CredentialView }> {
    const found = await this.#find(ref)
    if (found.kind !== 'oauth2') throw new Problem('wrong_kind', `"${found.name}" has no tokens that could be revoked.`)
    const taken = await takeTokens(this.#context, {
      read: () => this.#find(found.id),
      prepare: (row) => this.#revoker.prepare(row),
      isBound: true,
      write: async (trx, row, order) => {
        const now = this.#context.clock.now()
        await this.#revoker.enqueue(trx, order, row)
        await beside?.(trx, order)
        const change = { ...revokedColumns(row, now), updated_at: now }
        if (!(await updateCredentialIf(trx, row.id, { revision: row.revision }, change))) throw changedMeanwhile(row.name)
        await this.#context.audit.append(trx, [{ actor, action: 'credential.revoked', subject: row.id, subjectName: row.name, outcome: 'done' }])
        await appendEvents(trx, this.#context.clock, [{ type: 'credential.revoked', subject: row.id, data: { name: row.name, status: 'needs_consent' } }])
      },
    })
    if (taken === null) throw changedMeanwhile(found.name)
    await this.#context.wake()
    return { revocation: await this.#revoker.carryOut(taken.prepared), credential: await this.get(found.id) }
  }

  async pause(ref: string, actor: Actor): Promise<CredentialView> {
    return await this.#switch(ref, actor, 'pause')
  }

  async resume(ref: string, actor: Actor): Promise<CredentialView> {
    return await this.#switch(ref, actor, 'resume')
  }

  /** Has nobody told of it until then; null: tell again. @throws Problem invalid_request */
  async snooze(ref: string, until: number | null, actor: Actor): Promise<CredentialView> {
    const row = await this.#find(ref)
    await snoozeCredential(this.#context, row, until, actor)
    return await this.get(row.id)
  }

  async #switch(ref: string, actor: Actor, to: 'pause' | 'resume'): Promise<CredentialView> {
    const row = await this.#find(ref)
    if (row.paused === 1 && to === 'pause') return await this.get(row.id)
    if (row.paused === 0 && to === 'resume') return await this.#keep(row, actor)
    const now = this.#context.clock.now()
    const change = to === 'pause' ? pausedColumns(row, now) : resumedColumns(row, now)
    await inTransaction(this.#context.db, async (trx) => {
      if (!(await updateCredentialIf(trx, row.id, { revision: row.revision }, change))) throw changedMeanwhile(row.name)
      await this.#context.audit.append(trx, [
        { actor, action: to === 'pause' ? 'credential.paused' : 'credential.resumed', subject: row.id, subjectName: row.name, outcome: 'done' },
      ])
      await appendEvents(trx, this.#context.clock, [
        { type: to === 'pause' ? 'credential.paused' : 'credential.resumed', subject: row.id, data: { name: row.name, status: change.status } },
      ])
    })
    await this.#context.wake()
    return await this.get(row.id)
  }

  /** Keeps a credential that nobody uses: it is not stopped for that until as much time has passed again. */
  async #keep(row: CredentialWithRegistration, actor: Actor): Promise<CredentialView> {
    const now = this.#context.clock.now()
    await inTransaction(this.#context.db, async (trx) => {
      if (!(await updateCredentialIf(trx, row.id, { revision: row.revision }, { kept_from: now }))) throw changedMeanwhile(row.name)
      await this.#context.audit.append(trx, [
        { actor, action: 'credential.changed', subject: row.id, subjectName: row.name, outcome: 'done', detail: { fields: ['kept'] } },
      ])
    })
    return await this.get(row.id)
  }

  /** Hands a token out. @throws Problem see `HandOuts.handOut` */
  async handOut(ref: string, order: HandOutOrder): Promise<HandedOut> {
    const id = this.knownId(ref) ?? (await this.idOf(ref))
    if (id === null) throw notFound(ref)
    return await this.#handOuts.handOut(id, order)
  }

  /** Tells which token a hand-out would give, without giving it. @throws Problem see `HandOuts.handOut` */
  async generationFor(ref: string, order: HandOutOrder): Promise<number> {
    const id = await this.idOf(ref)
    if (id === null) throw notFound(ref)
    return await this.#handOuts.generationFor(id, order)
  }

  /** Remembers what a server said of a token that was handed to a part of Keybearer. */
  recordUse(credentialId: string, actor: Actor, outcome: 'ok' | 'issue'): void {
    this.#usage.add(credentialId, actor, outcome)
  }

  /** Fetches a new token now, whatever the plan says. @throws Problem that says why it did not work */
  async refresh(ref: string, actor: Actor): Promise<CredentialView> {
    const row = await this.#find(ref)
    if (row.kind !== 'oauth2') throw new Problem('wrong_kind', `"${row.name}" has no tokens that could be renewed.`)
    const outcome = await this.#renewer.renew(row.id, { generation: row.generation, actor, asked: 'by_person' })
    const after = await this.#find(row.id)
    if (outcome.kind === 'not_possible') {
      throw new Problem(
        after.paused === 1 ? 'paused' : 'incomplete',
        `"${row.name}": ${outcome.reason.message}`,
        outcome.reason.nextStep ? { nextStep: outcome.reason.nextStep.text } : {},
      )
    }
    if (outcome.kind === 'busy' || (outcome.kind === 'settled' && outcome.settlement.kind !== 'granted')) {
      const busy = outcome.kind === 'busy' ? 'Another node has been at it for a minute.' : null
      throw withDiagnosis(problemOfStatus(after, busy, this.#context.clock.now()), diagnosisOfReason(this.#context, after))
    }
    return await this.get(row.id)
  }

  /** Tries the credential for real and says step by step what worked. */
  async test(ref: string, actor: Actor): Promise<TestReport> {
    const row = await this.#find(ref)
    const report = await testCredential(this.#context, row, (order: HandOutOrder) => this.#handOuts.handOut(row.id, order), actor)
    await this.#context.audit.record({
      actor,
      action: 'credential.tested',
      subject: row.id,
      subjectName: row.name,
      outcome: report.ok ? 'done' : 'failed',
      detail: { failed: report.steps.filter((step) => !step.ok).map((step) => step.name) },
    })
    return report
  }

  /** Goes through a credential from the outside in; `mailHosts`: the mail servers that it is used at. */
  async examine(ref: string, mailHosts: string[], actor: Actor): Promise<Examined> {
    const row = await this.#find(ref)
    const handOut = (order: HandOutOrder) => this.#handOuts.handOut(row.id, order)
    const examined = await examineCredential(this.#context, row, { renewer: this.#renewer, handOut }, mailHosts, actor)
    await this.#context.audit.record({
      actor,
      action: 'credential.examined',
      subject: row.id,
      subjectName: row.name,
      outcome: examined.steps.some((step) => step.outcome === 'failed') ? 'failed' : 'done',
      detail: { failed: examined.steps.filter((step) => step.outcome === 'failed').map((step) => step.name) },
    })
    return examined
  }

  /** Lists who used it, the latest first. */
  async usage(ref: string): Promise<UsageView[]> {
    const row = await this.#find(ref)
    await this.#usage.flush()
    return (await readUsages(this.#context.db, row.id)).map((use) => ({
      accessKey: { id: use.access_key_id, name: use.name ?? use.access_key_id },
      firstAt: use.first_at,
      lastAt: use.last_at,
      count: use.count,
      lastOutcome: use.last_outcome as UsageView['lastOutcome'],
    }))
  }

  /** Counts the uses of the last days, today last. */
  async usageDays(ref: string, days: number): Promise<UsageDay[]> {
    const row = await this.#find(ref)
    await this.#usage.flush()
    return await usageDays(this.#context, row.id, days)
  }

  async #find(ref: string): Promise<CredentialWithRegistration> {
    const row = await findCredential(this.#context.db, ref)
    if (!row) throw notFound(ref)
    return row
  }
}

const notFound = (ref: string) => new Problem('not_found', `There is no credential "${ref.slice(0, 100)}".`)
const changedMeanwhile = (name: string) => new Problem('changed_meanwhile', `Somebody changed "${name}" meanwhile.`)
