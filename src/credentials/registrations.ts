import { X509Certificate } from 'node:crypto'
import type { AuditEntry } from '../access/audit.ts'
import type { Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { Problem, type FieldError } from '../base/problem.ts'
import type { Sealed } from '../base/sealed.ts'
import type { Secret } from '../base/secret.ts'
import type { Transaction } from 'kysely'
import { nameKey } from '../storage/credential-derived.ts'
import { credentialsOfRegistration, updateCredential, warnCredentials } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { deleteDataKey } from '../storage/data-keys.ts'
import { appendEvents, type NewEvent } from '../storage/events.ts'
import {
  countCredentials,
  deleteRegistrationRow,
  findRegistration,
  insertRegistration,
  listRegistrationRows,
  updateRegistrationIf,
  type RegistrationRow,
} from '../storage/registrations.ts'
import type { NewRow, RowUpdate, Tables } from '../storage/tables.ts'
import { inTransaction, isUniqueViolation } from '../storage/transaction.ts'
import { parseProvider } from '../providers/catalogue.ts'
import { resolveProvider } from '../providers/provider-resolve.ts'
import type { Provider } from '../providers/provider-schema.ts'
import { providerTitle } from '../providers/provider-title.ts'
import type { CredentialContext } from './context.ts'
import { isThreeLegged, nextSteps, statusColumns } from './credential-status.ts'
import { cleanName, nameErrors } from './names.ts'
import { checkPrivateKey, describeProvider, popularProvider } from './provider-of.ts'
import { compareProvider, shownUpdate, type ProviderUpdate } from './provider-update.ts'
import { registrationPlace } from './token-set.ts'
import type { ClientAuth, NewRegistration, Page, RegistrationChange, RegistrationView } from './types.ts'

export type PreparedRegistration = { input: NewRegistration; snapshot: string; clientAuth: ClientAuth }

/** What an import knows beside the fields: a provider that comes with it, and that the secret is entered afterwards. */
export type RegistrationSource = { provider?: Provider; secretLater?: boolean }

/** Keeps the client registrations: client ID, secret or key, and the provider's description as it was confirmed. */
export class Registrations {
  readonly #context: CredentialContext

  constructor(context: CredentialContext) {
    this.#context = context
  }

  async list(filter: { cursor?: string; limit?: number }): Promise<Page<RegistrationView>> {
    const limit = Math.min(filter.limit ?? 100, 500)
    const rows = await listRegistrationRows(this.#context.db, filter.cursor, limit + 1)
    const items = rows.slice(0, limit)
    return { items: items.map((row) => this.#view(row, row.credentials)), next: rows.length > limit ? items.at(-1)!.name_key : null }
  }

  /** @throws Problem not_found */
  async get(ref: string): Promise<RegistrationView> {
    const row = await this.find(ref)
    return this.#view(row, await countCredentials(this.#context.db, row.id))
  }

  async find(ref: string): Promise<RegistrationRow> {
    const row = await findRegistration(this.#context.db, ref)
    if (!row) throw new Problem('not_found', `There is no registration "${ref.slice(0, 100)}".`)
    return row
  }

  async create(input: NewRegistration, actor: Actor): Promise<RegistrationView> {
    const prepared = await this.prepare(input)
    const row = await inTransaction(this.#context.db, (trx) => this.insert(trx, prepared, actor))
    await this.#context.wake()
    return this.#view(row, 0)
  }

  /** Checks a new registration and resolves its provider, before any transaction. @throws Problem invalid_request, not_found */
  async prepare(input: NewRegistration, from: RegistrationSource = {}): Promise<PreparedRegistration> {
    const errors: FieldError[] = [...nameErrors(input.name)]
    const given = input.popular === undefined ? from.provider : await popularProvider(this.#context, { ...input, popular: input.popular })
    const description = await describeProvider(this.#context, input.provider, input.placeholders ?? {}, given)
    const clientAuth = input.clientAuth ?? defaultAuth(input, description.clientAuths)
    errors.push(...fieldErrors({ ...input, clientAuth }, from.secretLater === true ? 'change' : 'new'), ...weakerErrors(clientAuth, description.clientAuths))
    if (errors.length > 0) throw new Problem('invalid_request', 'The registration cannot be made like this.', { errors })
    return { input, snapshot: description.snapshot, clientAuth }
  }

  /** Writes a prepared registration inside a transaction. @throws Problem name_taken */
  async insert(trx: Transaction<Tables>, prepared: PreparedRegistration, actor: Actor): Promise<RegistrationRow> {
    const { row, entry, event } = await this.insertUntold(trx, prepared, actor)
    await this.#context.audit.append(trx, [entry])
    await appendEvents(trx, this.#context.clock, [event])
    return row
  }

  /** The same, with the record and the event left to the caller, who writes many of them at the end. @throws Problem name_taken */
  async insertUntold(
    trx: Transaction<Tables>,
    prepared: PreparedRegistration,
    actor: Actor,
  ): Promise<{ row: RegistrationRow; entry: AuditEntry; event: NewEvent }> {
    const { input, snapshot, clientAuth } = prepared
    const now = this.#context.clock.now()
    const id = newId('reg', now)
    const row: NewRow<'registrations'> = {
      id,
      name: cleanName(input.name),
      name_key: nameKey(input.name),
      provider: input.provider,
      provider_snapshot: snapshot,
      placeholders: JSON.stringify(input.placeholders ?? {}),
      client_id: input.clientId.trim(),
      client_auth: clientAuth,
      client_secret: await this.#seal(trx, id, 'client_secret', input.clientSecret),
      previous_client_secret: null,
      private_key: await this.#seal(trx, id, 'private_key', input.privateKey),
      private_key_id: input.privateKeyId ?? null,
      certificate: input.certificate ?? null,
      secret_expires_at: input.secretExpiresAt ?? certificateEnd(input.certificate),
      created_at: now,
      updated_at: now,
      revision: 1,
    }
    const taken = await findRegistration(trx, row.name)
    if (taken) throw new Problem('name_taken', `There is already a registration "${row.name}".`)
    await insertRegistration(trx, row)
    return {
      row: { ...row, client_secret: row.client_secret ?? null } as RegistrationRow,
      entry: {
        actor,
        action: 'registration.created',
        subject: id,
        subjectName: row.name,
        outcome: 'done',
        detail: { provider: input.provider, client_auth: clientAuth },
      },
      event: { type: 'registration.changed', subject: id, data: { name: row.name, change: 'created' } },
    }
  }

  /**
   * Changes a registration. A new secret makes every credential that waits for it try again at once; a new client ID or
   * placeholder (a tenant, a token address) without its secret or key removes the stored one, which was entered for the old.
   */
  async change(ref: string, patch: RegistrationChange, actor: Actor, ifRevision?: number): Promise<RegistrationView> {
    const before = await this.find(ref)
    return await this.#write(before, patch, actor, { kept: before.provider_snapshot, snapshot: null, movesSecrets: false }, ifRevision)
  }

  /** Says what is known now of the provider of a registration, beside what it keeps. @throws Problem not_found */
  async compareProvider(ref: string): Promise<ProviderUpdate> {
    return await compareProvider(this.#context, await this.find(ref))
  }

  /**
   * Lets a registration go on with what is known now of its provider, because a person has seen what is different. Where
   * secrets would go to other servers, the stored ones are removed unless they are entered again.
   *
   * @throws Problem changed_meanwhile when something else is known by now than was shown
   */
  async acceptProvider(ref: string, digest: string, secrets: Pick<RegistrationChange, 'clientSecret' | 'privateKey'>, actor: Actor): Promise<RegistrationView> {
    const before = await this.find(ref)
    const { snapshot, movesSecrets } = shownUpdate(await compareProvider(this.#context, before), digest, before.name)
    return await this.#write(before, secrets, actor, { kept: snapshot, snapshot, movesSecrets })
  }

  async #write(
    before: RegistrationRow,
    patch: RegistrationChange,
    actor: Actor,
    provider: { kept: string; snapshot: string | null; movesSecrets: boolean },
    ifRevision?: number,
  ): Promise<RegistrationView> {
    const { db, clock } = this.#context
    const placeholders = patch.placeholders ?? (JSON.parse(before.placeholders) as Record<string, string>)
    const clientAuth = patch.clientAuth ?? (before.client_auth as ClientAuth)
    const errors = [
      ...(patch.name === undefined ? [] : nameErrors(patch.name)),
      ...(patch.clientAuth === undefined && provider.snapshot === null
        ? []
        : weakerErrors(clientAuth, (JSON.parse(provider.kept) as { client_auth: ClientAuth[] }).client_auth)),
      ...fieldErrors(
        {
          clientId: patch.clientId ?? before.client_id,
          clientAuth,
          ...(patch.clientSecret ? { clientSecret: patch.clientSecret } : {}),
          ...(patch.privateKey ? { privateKey: patch.privateKey } : {}),
          ...(patch.certificate === undefined ? {} : { certificate: patch.certificate }),
        },
        'change',
      ),
    ]
    if (errors.length > 0) throw new Problem('invalid_request', 'The registration cannot be changed like this.', { errors })
    if (patch.placeholders !== undefined || provider.snapshot !== null) resolveProvider(parseProvider(JSON.parse(provider.kept), before.name), placeholders)
    if (ifRevision !== undefined && ifRevision !== before.revision) throw changedMeanwhile(before.name)

    const now = clock.now()
    const identityChanged =
      provider.movesSecrets ||
      (patch.clientId !== undefined && patch.clientId.trim() !== before.client_id) ||
      (patch.placeholders !== undefined && JSON.stringify(placeholders) !== before.placeholders)
    const row = await inTransaction(db, async (trx) => {
      const change: RowUpdate<'registrations'> = { updated_at: now, ...(provider.snapshot === null ? {} : { provider_snapshot: provider.snapshot }) }
      if (patch.name !== undefined) Object.assign(change, { name: cleanName(patch.name), name_key: nameKey(patch.name) })
      if (patch.clientId !== undefined) change.client_id = patch.clientId.trim()
      if (patch.clientAuth !== undefined) change.client_auth = patch.clientAuth
      if (patch.placeholders !== undefined) change.placeholders = JSON.stringify(placeholders)
      if (patch.privateKeyId !== undefined) change.private_key_id = patch.privateKeyId
      if (patch.certificate !== undefined) change.certificate = patch.certificate
      if (patch.secretExpiresAt !== undefined) change.secret_expires_at = patch.secretExpiresAt
      else if (patch.certificate !== undefined) change.secret_expires_at = certificateEnd(patch.certificate)
      else if (patch.clientSecret !== undefined) change.secret_expires_at = null
      if (patch.clientSecret !== undefined) {
        change.client_secret = await this.#seal(trx, before.id, 'client_secret', patch.clientSecret)
        change.previous_client_secret = identityChanged ? null : await this.#reseal(trx, before, 'client_secret', 'previous_client_secret')
      } else if (identityChanged) {
        change.client_secret = null
        change.previous_client_secret = null
      }
      if (patch.privateKey !== undefined) change.private_key = await this.#seal(trx, before.id, 'private_key', patch.privateKey)
      else if (identityChanged) change.private_key = null
      try {
        if (!(await updateRegistrationIf(trx, before.id, { revision: before.revision }, change))) throw changedMeanwhile(before.name)
      } catch (error) {
        if (isUniqueViolation(error)) throw new Problem('name_taken', `There is already a registration "${change.name}".`)
        throw error
      }
      const after = { ...before, ...change, revision: before.revision + 1 }
      if (after.secret_expires_at !== before.secret_expires_at) await warnCredentials(trx, before.id, now)
      const told = await this.#changeCredentials(trx, after, identityChanged, now)
      const named = Object.keys(patch).filter((field) => patch[field as keyof RegistrationChange] !== undefined)
      const fields = provider.snapshot === null ? named : ['provider', ...named]
      await this.#context.audit.append(trx, [
        {
          actor,
          action: 'registration.changed',
          subject: before.id,
          subjectName: after.name,
          outcome: 'done',
          detail: { fields, secret_removed: removed(before, change) },
        },
      ])
      await appendEvents(trx, clock, [...told, { type: 'registration.changed', subject: before.id, data: { name: after.name, change: 'changed' } }])
      return after
    })
    await this.#context.wake()
    return this.#view(row, await countCredentials(db, row.id))
  }

  /** @throws Problem in_use when credentials still need it */
  async delete(ref: string, actor: Actor): Promise<void> {
    const row = await this.find(ref)
    await inTransaction(this.#context.db, async (trx) => {
      const users = await credentialsOfRegistration(trx, row.id)
      if (users.length > 0) {
        const names = users
          .slice(0, 5)
          .map((user) => `"${user.name}"`)
          .join(', ')
        throw new Problem(
          'in_use',
          `"${row.name}" is used by ${users.length} credential${users.length === 1 ? '' : 's'}: ${names}${users.length > 5 ? ' …' : ''}.`,
        )
      }
      await deleteRegistrationRow(trx, row.id)
      await deleteDataKey(trx, row.id)
      await this.#context.audit.append(trx, [{ actor, action: 'registration.deleted', subject: row.id, subjectName: row.name, outcome: 'done' }])
      await appendEvents(trx, this.#context.clock, [{ type: 'registration.changed', subject: row.id, data: { name: row.name, change: 'deleted' } }])
    })
    await this.#context.wake()
  }

  /**
   * Lets the credentials that stood still because of this registration try again, and returns what is to be told of them. It is told
   * last: whoever holds the heads of trail and events keeps everybody else from writing, and all take them in the same order.
   */
  async #changeCredentials(trx: Transaction<Tables>, registration: RegistrationRow, identityChanged: boolean, now: number): Promise<NewEvent[]> {
    const told: NewEvent[] = []
    for (const row of await credentialsOfRegistration(trx, registration.id)) {
      if (row.kind !== 'oauth2') continue
      const waits =
        row.status === 'misconfigured' ||
        row.status === 'retrying' ||
        (row.status === 'expiring' && row.status_reason?.includes('"client_secret_ends"') === true)
      if (identityChanged) {
        // Tokens of another client or tenant are of no use to this one.
        const status = isThreeLegged(row.grant_type)
          ? {
              status: 'incomplete' as const,
              reason: { code: 'registration_changed', message: 'The registration now names another client or tenant.', nextStep: nextSteps.connect },
            }
          : { status: 'incomplete' as const, reason: { code: 'no_token_yet', message: 'The first token has not been fetched yet.', nextStep: nextSteps.retry } }
        await updateCredential(trx, row.id, {
          ...statusColumns(row, status, now),
          secret: null,
          generation: row.generation + 1,
          has_refresh_token: 0,
          token_expires_at: null,
          token_obtained_at: null,
          refresh_token_expires_at: null,
          granted_scopes: null,
          refresh_due_at: isThreeLegged(row.grant_type) ? null : now,
        })
      } else if (waits) {
        const reason = { code: 'registration_changed', message: 'The registration was changed; it is tried again.', nextStep: nextSteps.retry }
        const renewable = !isThreeLegged(row.grant_type) || row.has_refresh_token === 1
        if (!renewable) continue
        await updateCredential(trx, row.id, { ...statusColumns(row, { status: 'retrying', reason }, now), refresh_due_at: now, failures: 0 })
      } else {
        continue
      }
      told.push({ type: 'credential.changed', subject: row.id, data: { name: row.name, change: 'registration' } })
    }
    return told
  }

  async #seal(trx: Transaction<Tables>, id: string, column: 'client_secret' | 'private_key', secret: Secret | undefined): Promise<Sealed | null> {
    if (secret === undefined) return null
    return await this.#context.vault.seal(dataKeysOf(trx), registrationPlace(id, column), secret.reveal())
  }

  async #reseal(trx: Transaction<Tables>, row: RegistrationRow, from: 'client_secret', to: 'previous_client_secret'): Promise<Sealed | null> {
    const sealed = row[from]
    if (sealed === null) return null
    const keys = dataKeysOf(trx)
    const opened = await this.#context.vault.open(keys, registrationPlace(row.id, from), sealed)
    return await this.#context.vault.seal(keys, registrationPlace(row.id, to), opened.reveal())
  }

  #view(row: RegistrationRow, credentials: number): RegistrationView {
    const snapshot = JSON.parse(row.provider_snapshot) as { name?: string; redirect_value?: string }
    const foreign = foreignRedirect(snapshot.redirect_value)
    const placeholders = JSON.parse(row.placeholders) as Record<string, string>
    return {
      id: row.id,
      name: row.name,
      provider: { id: row.provider, name: providerTitle({ id: row.provider, ...snapshot }, placeholders) },
      placeholders,
      clientId: row.client_id,
      clientAuth: row.client_auth as ClientAuth,
      hasClientSecret: row.client_secret !== null,
      hasPrivateKey: row.private_key !== null,
      privateKeyId: row.private_key_id,
      certificate: describeCertificate(row.certificate),
      secretExpiresAt: row.secret_expires_at,
      redirectUri: foreign ?? redirectUriOf(this.#context.publicUrl, row.id),
      ownRedirect: foreign === null,
      credentials,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      revision: row.revision,
    }
  }
}

/**
 * Returns the redirect URI of a registration. Each has its own, so that an answer of one provider can never be taken for
 * another's. @see RFC 9700 section 4.4.2.2
 */
export const redirectUriOf = (publicUrl: string, registrationId: string): string => `${publicUrl}/oauth/callback/${registrationId}`

/** Returns a redirect that leads to somebody else, such as another application's; null for one of our own or a name for it. */
export const foreignRedirect = (value: string | undefined): string | null => (value !== undefined && /^https?:\/\//.test(value) ? value : null)

const removed = (before: RegistrationRow, change: RowUpdate<'registrations'>): boolean =>
  (before.client_secret !== null && change.client_secret === null) || (before.private_key !== null && change.private_key === null)

const changedMeanwhile = (name: string) => new Problem('changed_meanwhile', `Somebody changed the registration "${name}" meanwhile.`)

function defaultAuth(input: NewRegistration, offered: ClientAuth[]): ClientAuth {
  if (input.privateKey !== undefined && input.clientSecret === undefined) return 'private_key_jwt'
  if (input.clientSecret === undefined) return 'none'
  return offered.find((auth) => auth === 'client_secret_basic' || auth === 'client_secret_post') ?? 'client_secret_basic'
}

/** A provider that wants a signature gets no secret and no bare client ID in its place. */
function weakerErrors(wanted: ClientAuth, offered: ClientAuth[]): FieldError[] {
  const isSecret = (auth: ClientAuth) => auth === 'client_secret_basic' || auth === 'client_secret_post'
  const isWeaker = isSecret(wanted) ? !offered.some(isSecret) : wanted === 'none' && offered.every((auth) => auth === 'private_key_jwt')
  return isWeaker ? [{ path: 'client_auth', message: `is not taken by this provider, which wants ${offered.join(' or ')}` }] : []
}

function fieldErrors(
  input: Pick<NewRegistration, 'clientId' | 'clientSecret' | 'privateKey' | 'certificate'> & { clientAuth: ClientAuth },
  how: 'new' | 'change' = 'new',
): FieldError[] {
  const errors: FieldError[] = []
  const id = input.clientId.trim()
  if (id.length < 1 || id.length > 500 || /[\p{Cc}]/u.test(id))
    errors.push({ path: 'client_id', message: 'must have 1 to 500 characters and no control characters' })
  const secret = input.clientSecret?.reveal()
  if (secret !== undefined && (secret.length < 1 || secret.length > 8000 || /[\r\n\0]/.test(secret))) {
    errors.push({ path: 'client_secret', message: 'must have 1 to 8,000 characters on one line' })
  }
  const wantsSecret = input.clientAuth === 'client_secret_basic' || input.clientAuth === 'client_secret_post'
  if (how === 'new' && wantsSecret && secret === undefined) errors.push({ path: 'client_secret', message: `is needed for ${input.clientAuth}` })
  if (how === 'new' && input.clientAuth === 'private_key_jwt' && input.privateKey === undefined) {
    errors.push({ path: 'private_key', message: 'is needed for private_key_jwt' })
  }
  if (input.privateKey !== undefined) errors.push(...checkPrivateKey(input.privateKey))
  if (input.certificate !== undefined && describeCertificate(input.certificate) === null) {
    errors.push({ path: 'certificate', message: 'is not a certificate in PEM form' })
  }
  return errors
}

function describeCertificate(pem: string | null | undefined): RegistrationView['certificate'] {
  if (pem == null) return null
  try {
    const certificate = new X509Certificate(pem)
    return { thumbprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(), expiresAt: Date.parse(certificate.validTo) }
  } catch {
    return null
  }
}

const certificateEnd = (pem: string | undefined): number | null => describeCertificate(pem)?.expiresAt ?? null
