import type { Actor } from '../base/actor.ts'
import { Problem, type FieldError } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import { encryptWithPassphrase } from '../crypto/passphrase-file.ts'
import { parseProvider } from '../providers/catalogue.ts'
import type { Provider } from '../providers/provider-schema.ts'
import { credentialsById, findCredential, readCredentialIds, type CredentialWithRegistration } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { registrationsById, type RegistrationRow } from '../storage/registrations.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import { portableOptions, writePortableFile, type PortableCredential, type PortableFile, type PortableRegistration } from './portable-file.ts'
import { openRegistrationSecrets } from './registration-secrets.ts'
import { credentialPlace, readStoredSecret } from './token-set.ts'
import type { CredentialOptions } from './types.ts'

export type ExportOrder = {
  /** Ids or names; left out: all. */
  credentials?: string[]
  secrets: 'none' | 'encrypted'
  passphrase?: Secret
}

export type ExportedFile = { fileName: string; content: string; count: number }

/** What one import takes. */
const mostItems = 2000
const shortestPassphrase = 12

/** Writes credentials to a file that another Keybearer imports. */
export class Exporter {
  readonly #context: CredentialContext
  /** How hard the passphrase is to guess: what `age -p` uses unless told. */
  readonly #work: number | undefined

  constructor(context: CredentialContext, work?: number) {
    this.#context = context
    this.#work = work
  }

  /** Returns the ids behind the ids and names of an order, all of them where it names none. @throws Problem not_found */
  async idsOf(refs: string[] | undefined): Promise<string[]> {
    const { db } = this.#context
    if (refs === undefined) {
      const ids = await readCredentialIds(db, mostItems + 1)
      if (ids.length > mostItems) {
        throw new Problem('invalid_request', `There are more than ${mostItems} credentials.`, {
          nextStep: 'Name those that are wanted, and export the others in another file.',
        })
      }
      return ids
    }
    const ids: string[] = []
    for (const [i, ref] of refs.entries()) {
      const row = await findCredential(db, ref)
      if (!row)
        throw new Problem('not_found', `There is no credential "${ref.slice(0, 100)}".`, {
          errors: [{ path: `credentials.${i}`, message: 'names no credential' }],
        })
      ids.push(row.id)
    }
    return [...new Set(ids)]
  }

  /**
   * Writes these credentials with their registrations and providers. Secrets leave only inside of a file that is encrypted.
   *
   * Invariant: the audit records are on disk before the file is given away.
   *
   * @throws Problem invalid_request, decrypt_failed
   */
  async export(ids: string[], order: ExportOrder, actor: Actor): Promise<ExportedFile> {
    checkOrder(order)
    const { db, clock, audit } = this.#context
    const rows = await credentialsById(db, ids)
    const registrationIds = [...new Set(rows.map((row) => row.registration_id).filter((id) => id !== null))]
    const registrations = await registrationsById(db, registrationIds)
    const withSecrets = order.secrets === 'encrypted'
    const file: PortableFile = {
      format: 'keybearer-export',
      version: 1,
      exported_at: new Date(clock.now()).toISOString(),
      secrets: withSecrets ? 'included' : 'none',
      providers: this.#ownProviders(registrations),
      registrations: [],
      credentials: [],
    }
    for (const row of registrations) file.registrations.push(await this.#registration(row, withSecrets))
    for (const row of rows.toSorted((a, b) => (a.name_key < b.name_key ? -1 : 1))) file.credentials.push(await this.#credential(row, withSecrets))
    const text = writePortableFile(file)
    const content = withSecrets ? await encryptWithPassphrase(text, order.passphrase!, this.#work) : text
    await inTransaction(db, (trx) =>
      audit.append(
        trx,
        rows.map((row) => ({
          actor,
          action: 'credential.exported' as const,
          subject: row.id,
          subjectName: row.name,
          outcome: 'done' as const,
          detail: { secrets: order.secrets, items: rows.length },
        })),
      ),
    )
    const day = file.exported_at.slice(0, 10)
    return { fileName: withSecrets ? `keybearer-${day}.age` : `keybearer-${day}.json`, content, count: rows.length }
  }

  /** The catalogue's providers are everywhere; those that a user made have to come along. */
  #ownProviders(registrations: RegistrationRow[]): Provider[] {
    const own = new Map<string, Provider>()
    for (const row of registrations) {
      if (this.#context.catalogue.get(row.provider) || own.has(row.provider)) continue
      own.set(row.provider, parseProvider(JSON.parse(row.provider_snapshot), row.provider))
    }
    return [...own.values()]
  }

  async #registration(row: RegistrationRow, withSecrets: boolean): Promise<PortableRegistration> {
    const secrets = withSecrets ? await openRegistrationSecrets(this.#context, row) : null
    return {
      name: row.name,
      provider: row.provider,
      placeholders: JSON.parse(row.placeholders) as Record<string, string>,
      client_id: row.client_id,
      client_auth: row.client_auth as PortableRegistration['client_auth'],
      ...(row.private_key_id === null ? {} : { private_key_id: row.private_key_id }),
      ...(row.certificate === null ? {} : { certificate: row.certificate }),
      ...(row.secret_expires_at === null ? {} : { secret_expires_at: new Date(row.secret_expires_at).toISOString() }),
      ...(secrets?.clientSecret ? { client_secret: secrets.clientSecret.reveal() } : {}),
      ...(secrets?.privateKey ? { private_key: secrets.privateKey.reveal() } : {}),
    }
  }

  async #credential(row: CredentialWithRegistration, withSecrets: boolean): Promise<PortableCredential> {
    return {
      name: row.name,
      kind: row.kind as PortableCredential['kind'],
      ...(row.grant_type === null ? {} : { grant: row.grant_type as NonNullable<PortableCredential['grant']> }),
      ...(row.registration_name === null ? {} : { registration: row.registration_name }),
      ...(row.description === '' ? {} : { description: row.description }),
      ...(row.username === null ? {} : { username: row.username }),
      ...(row.subject === null ? {} : { subject: row.subject }),
      scopes: JSON.parse(row.scopes) as string[],
      options: portableOptions(JSON.parse(row.options) as CredentialOptions),
      allowed_hosts: JSON.parse(row.allowed_hosts) as string[],
      tags: JSON.parse(row.tags) as string[],
      ...(row.paused === 1 ? { paused: true } : {}),
      ...(withSecrets ? await this.#secret(row) : {}),
    }
  }

  async #secret(row: CredentialWithRegistration): Promise<Pick<PortableCredential, 'secret' | 'refresh_token' | 'access_token'>> {
    if (row.secret === null) return {}
    const { db, vault } = this.#context
    const stored = readStoredSecret(await vault.open(dataKeysOf(db), credentialPlace(row.id, row.generation), row.secret))
    switch (stored.kind) {
      case 'api_key':
        return { secret: stored.apiKey.reveal() }
      case 'basic':
        return { secret: stored.password.reveal() }
      case 'oauth2': {
        const time = (value: number | null) => (value === null ? null : new Date(value).toISOString())
        // A short-lived token beside a refresh token is of no use elsewhere: a new one is fetched there.
        if (stored.refreshToken) return { refresh_token: stored.refreshToken.reveal() }
        if (!stored.accessToken || row.grant_type === 'client_credentials' || row.grant_type === 'jwt_bearer') return {}
        return {
          access_token: {
            token: stored.accessToken.reveal(),
            type: stored.tokenType,
            obtained_at: time(row.token_obtained_at),
            expires_at: time(row.token_expires_at),
            scope: row.granted_scopes === null ? null : (JSON.parse(row.granted_scopes) as string[]),
            extra: stored.extra,
          },
        }
      }
    }
  }
}

function checkOrder({ secrets, passphrase }: ExportOrder): void {
  const errors: FieldError[] = []
  if (secrets === 'encrypted' && (passphrase === undefined || passphrase.length < shortestPassphrase)) {
    errors.push({ path: 'passphrase', message: `is needed for the secrets, with at least ${shortestPassphrase} characters; several random words are best` })
  }
  if (secrets === 'none' && passphrase !== undefined) errors.push({ path: 'passphrase', message: 'is for exports with secrets' })
  if (errors.length > 0) throw new Problem('invalid_request', 'The export cannot be made like this.', { errors })
}
