import type { Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { buildAuthorizationRequest, readAuthorizationResponse, type AuthorizationRequest } from '../oauth/authorization-code.ts'
import { authenticatedRequest } from '../oauth/client-authentication.ts'
import { readPushedRequest } from '../oauth/pushed-request.ts'
import { sendTokenRequest } from '../oauth/token-endpoint.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { findConsentByState, moveConsent, readConsent } from '../storage/consents.ts'
import { findCredential, type CredentialWithRegistration } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import { findRegistration, type RegistrationRow } from '../storage/registrations.ts'
import type { Row } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { hashState, insertStartedConsent, toConsentView, type ConsentSecret } from './consent-rows.ts'
import type { CredentialContext } from './context.ts'
import { isThreeLegged, type Reason } from './credential-status.ts'
import { missingScopes } from './credential-view.ts'
import { startDevice } from './device-consent.ts'
import { providerOf } from './provider-of.ts'
import { openRegistrationSecrets } from './registration-secrets.ts'
import { redirectUriOf } from './registrations.ts'
import type { Settlement } from './settle.ts'
import { requestTokens, type TokenRequestOutcome } from './token-request.ts'
import { authorizeParameters, clientOf, tokenSources } from './token-sources.ts'
import { consentPlace } from './token-set.ts'
import type { ConsentMode, ConsentView } from './types.ts'

const browserLife = 10 * 60_000

/** What works now, and which scopes were asked for and not granted. */
export type Connected = { credential: { id: string; name: string }; missingScopes: string[] }

/** A person's consent: started, answered through the browser or by hand, exchanged for tokens once. */
export class Consents {
  readonly #context: CredentialContext

  constructor(context: CredentialContext) {
    this.#context = context
  }

  /** Starts a consent and returns where the person has to go. The address is in this answer only. */
  async start(ref: string, order: { mode: ConsentMode; allowOtherAccount?: boolean }, actor: Actor): Promise<ConsentView> {
    const { db } = this.#context
    const row = await findCredential(db, ref)
    if (!row) throw new Problem('not_found', `There is no credential "${ref.slice(0, 100)}".`)
    if (!isThreeLegged(row.grant_type)) {
      throw new Problem('wrong_kind', `"${row.name}" needs no consent: it works without a person.`, { nextStep: `Try it: keybearer test ${row.name}` })
    }
    if (row.paused === 1) throw new Problem('paused', `"${row.name}" is paused.`)
    const registration = await findRegistration(db, row.registration_id ?? '')
    if (!registration) throw new Problem('misconfigured', `"${row.name}" has no registration.`)
    if (order.mode === 'device') return await startDevice(this.#context, row, registration, order.allowOtherAccount ?? false, actor)
    return await this.#startBrowser(row, registration, order, actor)
  }

  async #startBrowser(
    row: CredentialWithRegistration,
    registration: RegistrationRow,
    order: { mode: ConsentMode; allowOtherAccount?: boolean },
    actor: Actor,
  ): Promise<ConsentView> {
    const { clock, publicUrl } = this.#context
    const provider = providerOf(this.#context, registration, row)
    const redirectUri = redirectUriOf(publicUrl, registration.id)
    const request = buildAuthorizationRequest(provider, {
      clientId: registration.client_id,
      redirectUri,
      scope: JSON.parse(row.scopes) as string[],
      ...authorizeParameters(row),
    })
    const url = provider.pushedRequestEndpoint === null ? request.url : await this.#pushAhead(provider, provider.pushedRequestEndpoint, registration, request)
    const now = clock.now()
    const id = newId('con', now)
    const secret: ConsentSecret = { codeVerifier: request.codeVerifier.reveal(), nonce: request.nonce, allowOtherAccount: order.allowOtherAccount ?? false }
    const consent = await insertStartedConsent(
      this.#context,
      row,
      {
        id,
        credential_id: row.id,
        mode: order.mode,
        state_hash: hashState(request.state.reveal()),
        redirect_uri: redirectUri,
        issuer: provider.issuer,
        user_code: null,
        verification_uri: null,
        poll_interval: null,
        next_poll_at: null,
        started_by: actor.id,
        created_at: now,
        expires_at: now + browserLife,
      },
      secret,
      actor,
    )
    return { ...toConsentView(consent, row.name), authorizationUrl: url }
  }

  /** Sends the request to the provider itself, where the provider takes it no other way. @see RFC 9126 */
  async #pushAhead(provider: ResolvedProvider, endpoint: string, registration: RegistrationRow, request: AuthorizationRequest): Promise<string> {
    const secrets = await openRegistrationSecrets(this.#context, registration)
    const client = clientOf(registration, secrets, secrets.clientSecret)
    const sent = await authenticatedRequest(provider, endpoint, client, request.parameters(), this.#context.clock.now())
    return readPushedRequest(await sendTokenRequest(this.#context.http, sent), provider, registration.client_id)
  }

  /** @throws Problem not_found */
  async get(id: string): Promise<ConsentView> {
    const consent = await readConsent(this.#context.db, id)
    const row = consent && (await findCredential(this.#context.db, consent.credential_id))
    if (!consent || !row) throw new Problem('not_found', 'There is no such consent.')
    const view = toConsentView(consent, row.name)
    return view.status === 'waiting' && consent.expires_at <= this.#context.clock.now() ? { ...view, status: 'expired' } : view
  }

  /** Takes the address that the person's browser was sent to, pasted by hand. */
  async respond(id: string, redirectUrl: string, actor: Actor): Promise<ConsentView> {
    const consent = await readConsent(this.#context.db, id)
    if (!consent) throw new Problem('not_found', 'There is no such consent.')
    if (consent.mode === 'device') throw new Problem('wrong_kind', 'A consent by device code needs no answer: it finishes by itself.')
    let url: URL
    try {
      url = new URL(redirectUrl.trim())
    } catch {
      throw new Problem('consent_malformed', 'What was pasted is not an address.')
    }
    const expected = new URL(consent.redirect_uri ?? 'http://invalid')
    if (url.origin !== expected.origin || url.pathname !== expected.pathname) {
      throw new Problem('consent_malformed', `The address must begin with ${expected.origin}${expected.pathname}.`)
    }
    const state = url.searchParams.get('state')
    if (state !== null && state !== '' && consent.state_hash !== hashState(state)) {
      throw new Problem('consent_unknown', 'This address belongs to another consent.')
    }
    await this.#answer(url.searchParams, consent.redirect_uri ?? '', actor)
    return await this.get(id)
  }

  /** Takes the browser that comes back from the provider to this registration's redirect URI. */
  async callback(registrationId: string, query: URLSearchParams): Promise<Connected> {
    return await this.#answer(query, redirectUriOf(this.#context.publicUrl, registrationId), null)
  }

  async #answer(query: URLSearchParams, redirectUri: string, actor: Actor | null): Promise<Connected> {
    const { db, clock, vault } = this.#context
    // Duplicate parameters are refused before anything is looked up. @see RFC 6749 section 3.1
    for (const name of new Set(query.keys())) {
      if (query.getAll(name).length > 1) throw new Problem('consent_malformed', `The answer contains "${name.slice(0, 40)}" twice.`)
    }
    const state = query.get('state')
    if (state === null || state === '') throw new Problem('consent_unknown', 'The answer carries no state.')
    const consent = await findConsentByState(db, hashState(state))
    if (!consent) throw new Problem('consent_unknown', 'The state in the answer is not known here: the consent is old, or was started elsewhere.')
    // Invariant: an answer counts only at the redirect URI of the registration that the consent was started with.
    if (consent.redirect_uri !== redirectUri) throw new Problem('consent_unknown', 'The answer came to the redirect URI of another registration.')
    const row = await findCredential(db, consent.credential_id)
    const registration = row?.registration_id == null ? undefined : await findRegistration(db, row.registration_id)
    if (!row || !registration) throw new Problem('consent_unknown', 'The credential of this consent was deleted.')
    const who: Actor = actor ?? { id: consent.started_by, name: 'consent', kind: 'nobody', address: null }

    if (consent.status === 'done')
      throw new Problem('consent_used', `This answer was used already: "${row.name}" is connected.`, { facts: { credential: row.name } })
    if (consent.status !== 'waiting') throw new Problem('consent_used', `This consent has ended (${consent.status}).`, { facts: { credential: row.name } })
    if (consent.expires_at <= clock.now()) {
      await moveConsent(db, consent.id, 'waiting', { status: 'expired', secret: null, finished_at: clock.now() })
      throw new Problem('consent_expired', `The consent for "${row.name}" ran out after ten minutes.`)
    }
    const provider = providerOf(this.#context, registration, row)
    // Invariant: one answer wins. Whoever moves the row from waiting to exchanging sends the code, nobody else.
    if (!(await moveConsent(db, consent.id, 'waiting', { status: 'exchanging' }))) {
      throw new Problem('consent_used', `This answer is being used already for "${row.name}".`, { facts: { credential: row.name } })
    }
    let code: Secret
    let secret: ConsentSecret
    try {
      code = readAuthorizationResponse(query, provider).code
      if (consent.secret === null) throw new Problem('consent_expired', 'The consent has no secret any more.')
      secret = JSON.parse((await vault.open(dataKeysOf(db), consentPlace(row.id, consent.id), consent.secret)).reveal()) as ConsentSecret
    } catch (error) {
      await this.#fail(consent, row, error, who)
      throw error
    }
    const outcome = await this.#exchange(row, consent, code, secret, who)
    await this.#context.wake()
    const { scope } = grantedOf(outcome, row.name)
    return { credential: { id: row.id, name: row.name }, missingScopes: missingScopes(JSON.parse(row.scopes) as string[], scope) }
  }

  async #exchange(row: CredentialWithRegistration, consent: Row<'consents'>, code: Secret, secret: ConsentSecret, actor: Actor): Promise<TokenRequestOutcome> {
    try {
      return await requestTokens(this.#context, {
        credentialId: row.id,
        actor,
        generation: row.generation,
        choose: (current) => tokenSources.code(current, { code, codeVerifier: new Secret(secret.codeVerifier ?? ''), redirectUri: consent.redirect_uri ?? '' }),
        consentId: consent.id,
        allowOtherAccount: secret.allowOtherAccount,
        nonce: secret.nonce ?? null,
        provider: (registration, current) => providerOf(this.#context, registration, current),
      })
    } catch (error) {
      await this.#fail(consent, row, error, actor)
      throw error
    }
  }

  async #fail(consent: Row<'consents'>, row: CredentialWithRegistration, error: unknown, actor: Actor): Promise<void> {
    const { db, clock } = this.#context
    const problem = isProblem(error) ? error : new Problem('internal_error', 'The consent could not be finished.', { cause: error })
    const reason: Reason = { code: problem.code, message: problem.message, nextStep: { action: 'connect', text: problem.nextStep } }
    await inTransaction(db, async (trx) => {
      await moveConsent(trx, consent.id, 'exchanging', { status: 'failed', secret: null, finished_at: clock.now(), problem: JSON.stringify(reason) })
      await this.#context.audit.append(trx, [
        { actor, action: 'consent.failed', subject: row.id, subjectName: row.name, outcome: 'failed', reason: problem.code, detail: { consent: consent.id } },
      ])
      await appendEvents(trx, clock, [{ type: 'consent.finished', subject: row.id, data: { consent: consent.id, name: row.name, outcome: problem.code } }])
    })
    await this.#context.wake()
  }
}

/** @throws Problem when there is no token */
function grantedOf(outcome: TokenRequestOutcome, name: string): Extract<Settlement, { kind: 'granted' }> {
  switch (outcome.kind) {
    case 'changed_meanwhile':
      throw new Problem('changed_meanwhile', `"${name}" was changed while the consent was finished. Start it again.`)
    case 'busy':
      throw new Problem('provider_unavailable', `"${name}" is being worked on by another node. Start the consent again.`, { retryAfter: 30 })
    case 'not_possible':
      throw new Problem('consent_failed', `"${name}": ${outcome.reason.message}`)
    case 'settled':
      break
  }
  const { settlement } = outcome
  switch (settlement.kind) {
    case 'granted':
      return settlement
    case 'account_mismatch':
      throw new Problem('account_mismatch', `"${name}": ${settlement.reason.message}`)
    case 'refused':
    case 'unavailable':
      throw new Problem(
        'consent_failed',
        `"${name}": ${settlement.reason.message}`,
        settlement.reason.nextStep ? { nextStep: settlement.reason.nextStep.text } : {},
      )
    case 'device_waits':
    case 'changed_meanwhile':
      throw new Problem('consent_failed', `"${name}": the consent was overtaken by another one.`)
  }
}
