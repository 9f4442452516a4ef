import type { Actor } from '../base/actor.ts'
import type { Diagnosis } from '../base/diagnosis.ts'
import { isProblem, Problem, withDiagnosis } from '../base/problem.ts'
import { isSameText, Secret } from '../base/secret.ts'
import { shellWord } from '../base/shell-word.ts'
import { readAuthorizationResponse } from '../oauth/authorization-code.ts'
import { findConsentByState, findConsentByTicket, moveConsent, readConsent, waitingConsents } from '../storage/consents.ts'
import { findCredential, type CredentialWithRegistration } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import { appendEvents } from '../storage/events.ts'
import { findRegistration, type RegistrationRow } from '../storage/registrations.ts'
import type { Row } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { hashProof, isBound, isOfSession, refuseBrowser, starterOf, type ConsentBrowser } from './consent-browser.ts'
import { linkView, type LinkView } from './consent-link.ts'
import { classifyFailure, diagnosisOfReason } from './diagnosis.ts'
import { hashState, toConsentView, type ConsentSecret } from './consent-rows.ts'
import { alreadyOpened, beginInBrowser, startPaste, startWithTicket, type Opened } from './consent-start.ts'
import type { CredentialContext } from './context.ts'
import { isThreeLegged, nextSteps, type Reason } from './credential-status.ts'
import { missingScopes } from './credential-view.ts'
import { startDevice } from './device-consent.ts'
import { providerOf } from './provider-of.ts'
import { redirectUriOf } from './registrations.ts'
import type { Settlement } from './settle.ts'
import { requestTokens, type TokenRequestOutcome } from './token-request.ts'
import { tokenSources } from './token-sources.ts'
import { consentPlace } from './token-set.ts'
import type { ConsentOrder, ConsentView } from './types.ts'

/** What works now, and which scopes were asked for and not granted. */
export type Connected = { credential: { id: string; name: string }; missingScopes: string[] }

/** How an answer came: by the browser that comes back, or by hand. */
type Answering = { kind: 'browser'; browser: ConsentBrowser } | { kind: 'paste'; actor: Actor }

/** A person's consent: started, answered through the browser or by hand, exchanged for tokens once. */
export class Consents {
  readonly #context: CredentialContext

  constructor(context: CredentialContext) {
    this.#context = context
  }

  /** Starts a consent and returns where the person has to go. The address is in this answer only. */
  async start(ref: string, order: ConsentOrder, actor: Actor): Promise<ConsentView> {
    const { db } = this.#context
    const row = await findCredential(db, ref)
    if (!row) throw new Problem('not_found', `There is no credential "${ref.slice(0, 100)}".`)
    if (!isThreeLegged(row.grant_type)) {
      throw new Problem('wrong_kind', `"${row.name}" needs no consent: it works without a person.`, {
        nextStep: `Try it: keybearer test ${shellWord(row.name)}`,
      })
    }
    if (row.paused === 1) throw new Problem('paused', `"${row.name}" is paused.`)
    const registration = await findRegistration(db, row.registration_id ?? '')
    if (!registration) throw new Problem('misconfigured', `"${row.name}" has no registration.`)
    switch (order.mode) {
      case 'device':
        return await startDevice(this.#context, row, registration, order.allowOtherAccount ?? false, actor)
      case 'paste':
        return await startPaste(this.#context, row, registration, order, actor)
      case 'browser':
      case 'link':
        return await startWithTicket(this.#context, row, registration, { ...order, mode: order.mode }, actor)
    }
  }

  /** Begins a consent in the browser that opened its address, and returns where that browser goes. It works once. */
  async open(ticket: string, mode: 'browser' | 'link', browser: ConsentBrowser): Promise<Opened> {
    const { consent, row, registration } = await this.#findByTicket(ticket, mode)
    if (consent.browser_hash !== null) throw alreadyOpened(consent)
    // Invariant: what a signed-in person starts on the page is begun in that person's browser.
    if (!isOfSession(consent, browser)) throw await refuseBrowser(this.#context, consent, row.name, browser)
    try {
      return await beginInBrowser(this.#context, consent, row, registration, browser)
    } catch (error) {
      if (!isProblem(error, 'consent_used')) await this.#fail(consent, row, error, starterOf(consent, browser), 'waiting')
      throw error
    }
  }

  /** Returns what a link asks for. Looking does not use it up. */
  async describeLink(ticket: string): Promise<LinkView> {
    const { consent, row, registration } = await this.#findByTicket(ticket, 'link')
    if (consent.browser_hash !== null) throw alreadyOpened(consent)
    return await linkView(this.#context, consent, row, registration)
  }

  /** @throws Problem for an address that begins nothing, or nothing any more */
  async #findByTicket(
    ticket: string,
    mode: 'browser' | 'link',
  ): Promise<{ consent: Row<'consents'>; row: CredentialWithRegistration; registration: RegistrationRow }> {
    const { db, clock } = this.#context
    const consent = await findConsentByTicket(db, hashProof(ticket))
    if (!consent || consent.mode !== mode) throw new Problem('consent_unknown', 'There is no consent that begins at this address.')
    const row = await findCredential(db, consent.credential_id)
    const registration = row?.registration_id == null ? undefined : await findRegistration(db, row.registration_id)
    if (!row || !registration) throw new Problem('consent_unknown', 'The credential of this consent was deleted.')
    if (consent.status === 'waiting' && consent.expires_at <= clock.now()) {
      await moveConsent(db, consent.id, 'waiting', { status: 'expired', secret: null, finished_at: clock.now() })
      throw new Problem('consent_expired', 'Nobody opened this address in time.')
    }
    if (consent.status === 'expired') throw new Problem('consent_expired', 'The time for this consent is over.')
    if (isWithdrawn(consent)) throw withdrawn(row.name)
    if (consent.status !== 'waiting') throw alreadyOpened(consent)
    if (row.paused === 1) throw new Problem('paused', `"${row.name}" is paused.`)
    return { consent, row, registration }
  }

  /** @throws Problem not_found */
  async get(id: string): Promise<ConsentView> {
    const consent = await readConsent(this.#context.db, id)
    const row = consent && (await findCredential(this.#context.db, consent.credential_id))
    if (!consent || !row) throw new Problem('not_found', 'There is no such consent.')
    const view = toConsentView(this.#context, consent, row)
    return view.status === 'waiting' && consent.expires_at <= this.#context.clock.now() ? { ...view, status: 'expired' } : view
  }

  /** Returns the consents of a credential that somebody may still finish. @throws Problem not_found */
  async waiting(ref: string): Promise<ConsentView[]> {
    const row = await findCredential(this.#context.db, ref)
    if (!row) throw new Problem('not_found', `There is no credential "${ref.slice(0, 100)}".`)
    const found = await waitingConsents(this.#context.db, row.id, this.#context.clock.now())
    return found.map((consent) => toConsentView(this.#context, consent, row))
  }

  /**
   * Ends a consent that nobody has finished: its link opens nothing any more, and an answer that comes later is not taken.
   *
   * @throws Problem not_found, consent_used when it came too late
   */
  async withdraw(id: string, actor: Actor): Promise<void> {
    const { db, clock, audit } = this.#context
    const consent = await readConsent(db, id)
    const row = consent && (await findCredential(db, consent.credential_id))
    if (!consent || !row) throw new Problem('not_found', 'There is no such consent.')
    const reason: Reason = { code: 'consent_withdrawn', message: `${actor.name} withdrew it before anybody had finished it.`, nextStep: nextSteps.connect }
    await inTransaction(db, async (trx) => {
      const change = { status: 'failed', secret: null, finished_at: clock.now(), problem: JSON.stringify(reason) }
      if (!(await moveConsent(trx, id, 'waiting', change))) {
        throw new Problem('consent_used', 'It is over already: there is nothing to withdraw.', { nextStep: 'To take tokens back, revoke the credential.' })
      }
      await audit.append(trx, [
        { actor, action: 'consent.withdrawn', subject: row.id, subjectName: row.name, outcome: 'done', detail: { consent: id, mode: consent.mode } },
      ])
      await appendEvents(trx, clock, [{ type: 'consent.finished', subject: row.id, data: { consent: id, name: row.name, outcome: 'consent_withdrawn' } }])
    })
    await this.#context.wake()
  }

  /** Takes the address that the person's browser was sent to, pasted by hand. */
  async respond(id: string, redirectUrl: string, actor: Actor): Promise<ConsentView> {
    const consent = await readConsent(this.#context.db, id)
    if (!consent) throw new Problem('not_found', 'There is no such consent.')
    // Invariant: an answer by hand counts only where one was asked for, and from whoever asked for it.
    if (consent.mode !== 'paste') throw new Problem('wrong_kind', 'This consent needs no answer by hand: it finishes by itself.')
    if (consent.started_by !== actor.id) throw new Problem('not_allowed', 'Only whoever started this consent can finish it.')
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
    if (state !== null && state !== '' && !isSameText(consent.state_hash ?? '', hashState(state))) {
      throw new Problem('consent_unknown', 'This address belongs to another consent.')
    }
    await this.#answer(url.searchParams, consent.redirect_uri ?? '', { kind: 'paste', actor })
    return await this.get(id)
  }

  /** Takes the browser that comes back from the provider to this registration's redirect URI. */
  async callback(registrationId: string, query: URLSearchParams, browser: ConsentBrowser): Promise<Connected> {
    return await this.#answer(query, redirectUriOf(this.#context.publicUrl, registrationId), { kind: 'browser', browser })
  }

  /** Returns the id of the credential from whose page this browser, in which a person is signed in, went to the provider; null for any other. */
  async credentialBehind(query: URLSearchParams, browser: ConsentBrowser): Promise<string | null> {
    const consent = await findConsentByState(this.#context.db, hashState(query.get('state') ?? ''))
    return consent !== undefined && consent.session_id !== null && consent.mode === 'browser' && isBound(consent, browser) ? consent.credential_id : null
  }

  async #answer(query: URLSearchParams, redirectUri: string, from: Answering): Promise<Connected> {
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
    if (from.kind === 'browser') {
      if (consent.mode === 'paste') {
        throw new Problem('consent_to_paste', `The answer for "${row.name}" is to be pasted where the consent was started.`)
      }
      // Invariant: an answer counts only in the browser that began the consent; nothing is asked of the provider before that is sure.
      if (!isBound(consent, from.browser)) throw await refuseBrowser(this.#context, consent, row.name, from.browser)
    }
    const who = from.kind === 'paste' ? from.actor : starterOf(consent, from.browser)

    if (consent.status === 'done')
      throw new Problem('consent_used', `This answer was used already: "${row.name}" is connected.`, { facts: { credential: row.name } })
    if (isWithdrawn(consent)) throw withdrawn(row.name)
    if (consent.status !== 'waiting') throw new Problem('consent_used', `This consent has ended (${consent.status}).`, { facts: { credential: row.name } })
    if (consent.expires_at <= clock.now()) {
      await moveConsent(db, consent.id, 'waiting', { status: 'expired', secret: null, finished_at: clock.now() })
      throw new Problem('consent_expired', `The consent for "${row.name}" ran out after ten minutes.`)
    }
    const provider = providerOf(this.#context, registration, row)
    // Invariant: one answer wins. Whoever moves the row from waiting to exchanging sends the code, nobody else.
    if (!(await moveConsent(db, consent.id, 'waiting', { status: 'exchanging' }))) {
      const meanwhile = await readConsent(db, consent.id)
      if (meanwhile !== undefined && isWithdrawn(meanwhile)) throw withdrawn(row.name)
      throw new Problem('consent_used', `This answer is being used already for "${row.name}".`, { facts: { credential: row.name } })
    }
    let answer: ReturnType<typeof readAuthorizationResponse>
    let secret: ConsentSecret
    try {
      answer = readAuthorizationResponse(query, provider)
      if (consent.secret === null) throw new Problem('consent_expired', 'The consent has no secret any more.')
      secret = JSON.parse((await vault.open(dataKeysOf(db), consentPlace(row.id, consent.id), consent.secret)).reveal()) as ConsentSecret
    } catch (error) {
      throw await this.#fail(consent, row, error, who, 'exchanging', answerText(query))
    }
    const outcome = await this.#exchange(row, consent, answer, secret, who)
    await this.#context.wake()
    const { scope } = grantedOf(outcome, row.name, (reason) => diagnosisOfReason(this.#context, row, reason))
    return { credential: { id: row.id, name: row.name }, missingScopes: missingScopes(JSON.parse(row.scopes) as string[], scope) }
  }

  async #exchange(
    row: CredentialWithRegistration,
    consent: Row<'consents'>,
    answer: ReturnType<typeof readAuthorizationResponse>,
    secret: ConsentSecret,
    actor: Actor,
  ): Promise<TokenRequestOutcome> {
    try {
      return await requestTokens(this.#context, {
        credentialId: row.id,
        actor,
        generation: row.generation,
        choose: (current) =>
          tokenSources.code(current, { ...answer, codeVerifier: new Secret(secret.codeVerifier ?? ''), redirectUri: consent.redirect_uri ?? '' }),
        consentId: consent.id,
        allowOtherAccount: secret.allowOtherAccount,
        nonce: secret.nonce ?? null,
        provider: (registration, current) => providerOf(this.#context, registration, current),
      })
    } catch (error) {
      await this.#fail(consent, row, error, actor, 'exchanging')
      throw error
    }
  }

  async #fail(
    consent: Row<'consents'>,
    row: CredentialWithRegistration,
    error: unknown,
    actor: Actor,
    from: 'waiting' | 'exchanging',
    said?: string,
  ): Promise<unknown> {
    const { db, clock } = this.#context
    const problem = isProblem(error) ? error : new Problem('internal_error', 'The consent could not be finished.', { cause: error })
    const diagnosis =
      said === undefined || problem.code === 'consent_issuer_mismatch'
        ? undefined
        : classifyFailure(this.#context, { text: said, surface: 'authorize_redirect', provider: row.provider, judged: 'unjudged' })
    const reason: Reason = {
      code: problem.code,
      message: problem.message,
      nextStep: { action: 'connect', text: problem.nextStep },
      ...(diagnosis === undefined ? {} : { diagnosis }),
    }
    await inTransaction(db, async (trx) => {
      await moveConsent(trx, consent.id, from, { status: 'failed', secret: null, finished_at: clock.now(), problem: JSON.stringify(reason) })
      await this.#context.audit.append(trx, [
        { actor, action: 'consent.failed', subject: row.id, subjectName: row.name, outcome: 'failed', reason: problem.code, detail: { consent: consent.id } },
      ])
      await appendEvents(trx, clock, [{ type: 'consent.finished', subject: row.id, data: { consent: consent.id, name: row.name, outcome: problem.code } }])
    })
    await this.#context.wake()
    return isProblem(error) ? withDiagnosis(error, diagnosisOfReason(this.#context, row, reason)) : error
  }
}

const isWithdrawn = (consent: Row<'consents'>): boolean =>
  consent.status === 'failed' && consent.problem !== null && (JSON.parse(consent.problem) as Reason).code === 'consent_withdrawn'

const withdrawn = (name: string): Problem =>
  new Problem('consent_withdrawn', `Whoever asked to connect "${name}" has withdrawn it.`, { facts: { credential: name } })

/** What an answer says of a failure; a code or state in it is left out. */
const answerText = (query: URLSearchParams): string | undefined => {
  const error = query.get('error')
  return error === null ? undefined : `?error=${error}&error_description=${encodeURIComponent(query.get('error_description') ?? '')}`
}

/** @throws Problem when there is no token */
function grantedOf(outcome: TokenRequestOutcome, name: string, diagnose: (reason: Reason) => Diagnosis | null): Extract<Settlement, { kind: 'granted' }> {
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
      throw new Problem('account_mismatch', `"${name}": ${settlement.reason.message}`, { diagnosis: diagnose(settlement.reason) })
    case 'refused':
    case 'unavailable':
      throw new Problem('consent_failed', `"${name}": ${settlement.reason.message}`, {
        diagnosis: diagnose(settlement.reason),
        ...(settlement.reason.nextStep ? { nextStep: settlement.reason.nextStep.text } : {}),
      })
    case 'device_waits':
    case 'changed_meanwhile':
      throw new Problem('consent_failed', `"${name}": the consent was overtaken by another one.`)
  }
}
