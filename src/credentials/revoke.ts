import type { Transaction } from 'kysely'
import { service } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { judgeRevocation, revocationRequest, type RevocationOutcome } from '../oauth/revoke.ts'
import { sendTokenRequest } from '../oauth/token-endpoint.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { dataKeysOf, deleteDataKey } from '../storage/data-keys.ts'
import { settleStopped } from '../storage/emergency-stops.ts'
import { findRegistration } from '../storage/registrations.ts'
import type { Row, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { jitter } from '../base/ids.ts'
import type { CredentialContext } from './context.ts'
import { providerOf } from './provider-of.ts'
import { openRegistrationSecrets } from './registration-secrets.ts'
import { credentialPlace, readStoredSecret } from './token-set.ts'
import { clientOf } from './token-sources.ts'
import type { RevocationResult } from './types.ts'

const minute = 60_000
/** After so long a provider that does not answer is no longer asked. */
const giveUpAfter = 3 * 24 * 60 * minute

/** What there is to take back, or that there is nothing. */
export type RevocationOrder =
  | { kind: 'nothing'; result: RevocationResult }
  | {
      kind: 'tokens'
      jobId: string
      name: string
      registrationId: string
      options: string
      /** The address the tokens were meant for: a registration that names another one since does not get them. */
      endpoint: string
      tokens: { token: Secret; hint: 'refresh_token' | 'access_token' }[]
    }

type JobSecret = { tokens: { token: string; hint: 'refresh_token' | 'access_token' }[] }

const jobPlace = (id: string) => ({ owner: id, column: 'jobs.secret' })

/**
 * Takes tokens back at the provider. The order is written down, sealed, in the transaction that removes the tokens here, so
 * that a crash or an unreachable provider only delays it.
 *
 * @see RFC 7009
 */
export class Revoker {
  readonly #context: CredentialContext

  constructor(context: CredentialContext) {
    this.#context = context
  }

  /** Finds out what there is to revoke, before the tokens are removed. */
  async prepare(row: CredentialWithRegistration): Promise<RevocationOrder> {
    const nothing = (outcome: RevocationResult['outcome'], message: string): RevocationOrder => ({ kind: 'nothing', result: { outcome, message } })
    if (row.kind !== 'oauth2' || row.secret === null || row.registration_id === null) {
      return nothing('nothing_to_revoke', 'There was no token that could be revoked.')
    }
    const registration = await findRegistration(this.#context.db, row.registration_id)
    if (!registration) return nothing('nothing_to_revoke', 'There was no token that could be revoked.')
    const provider = providerOf(this.#context, registration, row)
    if (provider.revocationEndpoint === null) {
      const hint = provider.data.revocation_hint ?? 'Remove the access in the settings of the account.'
      return nothing('not_supported', `${provider.name} has no revocation address. ${hint}`)
    }
    const stored = readStoredSecret(await this.#context.vault.open(dataKeysOf(this.#context.db), credentialPlace(row.id, row.generation), row.secret))
    if (stored.kind !== 'oauth2') return nothing('nothing_to_revoke', 'There was no token that could be revoked.')
    const tokens = [
      ...(stored.refreshToken ? [{ token: stored.refreshToken, hint: 'refresh_token' as const }] : []),
      ...(stored.accessToken ? [{ token: stored.accessToken, hint: 'access_token' as const }] : []),
    ]
    if (tokens.length === 0) return nothing('nothing_to_revoke', 'There was no token that could be revoked.')
    const jobId = newId('job', this.#context.clock.now())
    return { kind: 'tokens', jobId, name: row.name, registrationId: registration.id, options: row.options, endpoint: provider.revocationEndpoint, tokens }
  }

  /** Writes the order down in the transaction that removes the tokens. */
  async enqueue(trx: Transaction<Tables>, order: RevocationOrder | null, row: CredentialWithRegistration): Promise<void> {
    if (order?.kind !== 'tokens') return
    const secret: JobSecret = { tokens: order.tokens.map(({ token, hint }) => ({ token: token.reveal(), hint })) }
    const now = this.#context.clock.now()
    await trx
      .insertInto('jobs')
      .values({
        id: order.jobId,
        kind: 'revoke',
        subject: order.jobId,
        payload: JSON.stringify({ registration: order.registrationId, options: order.options, endpoint: order.endpoint, name: row.name, credential: row.id }),
        secret: await this.#context.vault.seal(dataKeysOf(trx), jobPlace(order.jobId), JSON.stringify(secret)),
        due_at: now + minute,
        attempts: 0,
        lease: null,
        lease_until: null,
        last_error: null,
        created_at: now,
      })
      .execute()
  }

  /** Asks the provider right after the commit; what fails for a reason that may pass stays written down. */
  async carryOut(order: RevocationOrder | null): Promise<RevocationResult> {
    if (order === null) return { outcome: 'nothing_to_revoke', message: 'The tokens were not revoked at the provider.' }
    if (order.kind === 'nothing') return order.result
    const outcome = await this.#send(order, order.tokens)
    switch (outcome.kind) {
      case 'revoked':
        return await this.#end(order.jobId, { outcome: 'revoked', message: 'The provider revoked the tokens.' })
      case 'refused':
        return await this.#end(order.jobId, { outcome: 'failed', message: notRevoked(outcome.reason) })
      case 'unavailable':
        return { outcome: 'will_retry', message: `The provider could not be reached (${outcome.reason}). It is tried again by itself.` }
    }
  }

  /** Goes on with the orders whose time has come. */
  async carryOutDue(): Promise<void> {
    const { db, clock, log } = this.#context
    const now = clock.now()
    const jobs = await db
      .selectFrom('jobs')
      .selectAll()
      .where('kind', '=', 'revoke')
      .where('due_at', '<=', now)
      .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<=', now)]))
      .limit(20)
      .execute()
    for (const job of jobs) {
      const lease = newId('lease', now)
      const taken = await db
        .updateTable('jobs')
        .set({ lease, lease_until: now + 2 * minute })
        .where('id', '=', job.id)
        .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<=', now)]))
        .executeTakeFirst()
      if (taken.numUpdatedRows !== 1n) continue
      await this.#carryOutJob(job, now).catch((error: unknown) => {
        // Its lease ends by itself; the next order does not wait for it.
        log.error('revocation.failed', { job: job.id, error })
      })
    }
  }

  async #carryOutJob(job: Row<'jobs'>, now: number): Promise<void> {
    const { db, vault, log } = this.#context
    const payload = JSON.parse(job.payload) as { registration: string; options: string; endpoint: string; name: string; credential?: string }
    let outcome: RevocationOutcome
    try {
      if (job.secret === null) throw new Problem('decrypt_failed', 'The tokens are not there any more.')
      const secret = JSON.parse((await vault.open(dataKeysOf(db), jobPlace(job.id), job.secret)).reveal()) as JobSecret
      outcome = await this.#send(
        { registrationId: payload.registration, options: payload.options, endpoint: payload.endpoint },
        secret.tokens.map(({ token, hint }) => ({ token: new Secret(token), hint })),
      )
    } catch (error) {
      if (!isProblem(error, 'decrypt_failed')) throw error
      outcome = { kind: 'refused', reason: error.message }
    }
    if (outcome.kind === 'unavailable' && now - job.created_at < giveUpAfter) {
      const wait = jitter(Math.min(minute * 2 ** Math.min(job.attempts, 6), 60 * minute))
      await db
        .updateTable('jobs')
        .set({ attempts: job.attempts + 1, due_at: now + wait, lease: null, lease_until: null, last_error: outcome.reason })
        .where('id', '=', job.id)
        .execute()
      return
    }
    if (outcome.kind !== 'revoked') log.warn('revocation.given_up', { credential: payload.name, reason: outcome.reason })
    const ended = outcome.kind === 'revoked' ? { outcome: 'done' as const } : { outcome: 'failed' as const, reason: outcome.kind }
    await inTransaction(db, async (trx) => {
      await this.#context.audit.append(trx, [
        {
          actor: service,
          action: 'credential.revoked',
          subject: payload.credential ?? null,
          subjectName: payload.name,
          ...ended,
          detail: { attempts: job.attempts + 1 },
        },
      ])
      await this.#forget(job.id, trx, outcome.kind === 'revoked' ? 'revoked' : 'not_revoked', outcome.kind === 'revoked' ? null : notRevoked(outcome.reason))
    })
  }

  async #end(jobId: string, result: RevocationResult): Promise<RevocationResult> {
    await inTransaction(this.#context.db, (trx) =>
      this.#forget(jobId, trx, result.outcome === 'revoked' ? 'revoked' : 'not_revoked', result.outcome === 'revoked' ? null : result.message),
    )
    return result
  }

  async #send(
    { registrationId, options, endpoint }: { registrationId: string; options: string; endpoint: string },
    tokens: { token: Secret; hint: 'refresh_token' | 'access_token' }[],
  ): Promise<RevocationOutcome> {
    const registration = await findRegistration(this.#context.db, registrationId)
    if (!registration) return { kind: 'refused', reason: 'the registration was deleted' }
    let result: RevocationOutcome = { kind: 'revoked' }
    try {
      const provider = providerOf(this.#context, registration, { options })
      if (provider.revocationEndpoint !== endpoint) return { kind: 'refused', reason: 'the registration names another provider since' }
      const secrets = await openRegistrationSecrets(this.#context, registration)
      const client = clientOf(registration, secrets, secrets.clientSecret)
      for (const { token, hint } of tokens) {
        if (client.method === 'private_key_jwt') await this.#context.providerClocks.checkBeforeSigning(endpoint)
        const request = await revocationRequest(provider, endpoint, client, { token, hint }, this.#context.clock.now())
        if (request === null) continue
        const outcome = judgeRevocation(await sendTokenRequest(this.#context.http, request))
        if (outcome.kind === 'unavailable') return outcome
        // An access token that cannot be revoked dies by itself within the hour; the refresh token is what counts.
        if (outcome.kind === 'refused' && hint === 'refresh_token') result = outcome
        if (outcome.kind === 'refused' && tokens.length === 1) result = outcome
      }
    } catch (error) {
      if (!isProblem(error)) throw error
      return error.code === 'outgoing_failed' || error.code === 'clock_skew'
        ? { kind: 'unavailable', reason: error.message }
        : { kind: 'refused', reason: error.message }
    }
    return result
  }

  /** Removes an order that has ended, and tells the stop that it belonged to. */
  async #forget(jobId: string, trx: Transaction<Tables>, state: 'revoked' | 'not_revoked', message: string | null): Promise<void> {
    await trx.deleteFrom('jobs').where('id', '=', jobId).execute()
    await deleteDataKey(trx, jobId)
    await settleStopped(trx, jobId, { state, message, at: this.#context.clock.now() })
  }
}

const notRevoked = (reason: string) => `The provider did not revoke the tokens: ${reason}. Remove the access in the settings of the account.`
