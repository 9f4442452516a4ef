import type { Transaction } from 'kysely'
import type { Actor } from '../base/actor.ts'
import { jitter, newId } from '../base/ids.ts'
import { isProblem, Problem } from '../base/problem.ts'
import type { Secret } from '../base/secret.ts'
import type { OutgoingRequest } from '../base/http-types.ts'
import type { CallbackFacts } from '../oauth/authorization-code.ts'
import { judgeTokenAnswer, parseAnswer, sendTokenRequest, serializeAnswer, type RawAnswer, type TokenSet } from '../oauth/token-endpoint.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { lockCredential, prolongLease, readCredential, takeLease, updateCredential } from '../storage/credentials.ts'
import { VaultLocked, type DataKeyStore } from '../base/vault.ts'
import { dataKeysOf, readOnce } from '../storage/data-keys.ts'
import { deleteAttempt, keepAnswer, putAttempt, readAttempt } from '../storage/refresh-attempts.ts'
import { findRegistration, type RegistrationRow } from '../storage/registrations.ts'
import type { Row, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { CredentialContext } from './context.ts'
import type { Reason } from './credential-status.ts'
import { exchangeRequest } from './exchange.ts'
import { openRegistrationSecrets, type RegistrationSecrets } from './registration-secrets.ts'
import { redirectUriOf } from './registrations.ts'
import { wordsOfError } from './diagnosis.ts'
import { describeClockError, harmfulClockError, tolerableClockError } from './provider-clocks.ts'
import { settle, type AskOutcome, type Settlement } from './settle.ts'
import { clientOf } from './token-sources.ts'
import { answerPlace, credentialPlace, readStoredSecret, type StoredSecret } from './token-set.ts'

const leaseTime = 20_000
const heartbeat = 5_000
/** How long a caller waits for another node that is at it. */
const longestWait = 60_000

export type Material = {
  row: Row<'credentials'>
  registration: RegistrationRow
  provider: ResolvedProvider
  stored: (StoredSecret & { kind: 'oauth2' }) | null
  secrets: RegistrationSecrets
  redirectUri: string
}

/** One way to ask the token endpoint: what is sent, and whether it may be sent once more when nobody knows what became of it. */
export type TokenSource = {
  grantType: 'refresh_token' | 'client_credentials' | 'jwt_bearer' | 'authorization_code' | 'device_code'
  scope: string[]
  /** What came through the browser; kept with the answer. */
  callback?: CallbackFacts
  /** Makes the request anew for every try, so that assertions are never sent twice. `secret` is the one to authenticate with, `now` the provider's time. */
  request: (material: Material, secret: Secret | null, now: number) => Promise<OutgoingRequest>
}

export type TokenRequestOutcome =
  | { kind: 'settled'; settlement: Settlement }
  | { kind: 'changed_meanwhile' }
  | { kind: 'not_possible'; reason: Reason }
  /** Another node works on it and has not finished within a minute. */
  | { kind: 'busy' }

export type TokenRequestOrder = {
  credentialId: string
  actor: Actor
  /** Do nothing if the credential has a newer token set than this. */
  generation: number
  /** Decides, under the lease, what to send: null means that nothing can be sent. */
  choose: (row: Row<'credentials'>) => TokenSource | { reason: Reason }
  /** Who the tokens belong to, for a consent; see `settle`. */
  consentId?: string
  allowOtherAccount?: boolean
  /** The nonce of the consent, for its ID token. */
  nonce?: string | null
  provider: (registration: RegistrationRow, row: Row<'credentials'>) => ResolvedProvider
}

type Claim = {
  lease: string
  attempt: string
  row: Row<'credentials'>
  registration: RegistrationRow
  source: TokenSource
  startedAt: number
  /** An answer kept from before: of a process that died, or one that could not be understood. */
  kept: { answer: RawAnswer; startedAt: number; final: boolean } | null
  /** How often the same refresh token was sent without anybody learning what became of it. */
  repeated: number
  /** The credential's data key, read once: nothing that is sealed under it counts when the credential was deleted meanwhile. */
  keys: DataKeyStore
}

/**
 * Carries out one token request for a credential: takes its lease, writes down that the request is about to be sent, sends
 * it, keeps the raw answer, and only then judges and settles it.
 *
 * Invariant: at most one token request per credential is under way over all nodes, and no answer is judged before it is on
 * disk: a provider that rotates has thrown the old refresh token away when it answers.
 */
export async function requestTokens(context: CredentialContext, order: TokenRequestOrder): Promise<TokenRequestOutcome> {
  const deadline = context.clock.monotonic() + longestWait
  for (;;) {
    const claim = await takeClaim(context, order)
    if (claim.kind === 'claimed') return await carryOut(context, order, claim.claim)
    if (claim.kind !== 'wait') return claim
    if (context.clock.monotonic() > deadline) return { kind: 'busy' }
    await context.clock.sleep(jitter(150))
  }
}

async function takeClaim(
  context: CredentialContext,
  order: TokenRequestOrder,
): Promise<{ kind: 'claimed'; claim: Claim } | { kind: 'wait' } | { kind: 'changed_meanwhile' } | { kind: 'not_possible'; reason: Reason }> {
  const { db, clock, dialect } = context
  return await inTransaction(db, async (trx) => {
    const row = await lockCredential(trx, order.credentialId, dialect)
    if (!row) throw new Problem('not_found', 'The credential was deleted meanwhile.')
    if (row.generation > order.generation) return { kind: 'changed_meanwhile' }
    const source = order.choose(row)
    if ('reason' in source) return { kind: 'not_possible', reason: source.reason }
    const registration = row.registration_id === null ? undefined : await findRegistration(trx, row.registration_id)
    if (!registration) throw new Problem('misconfigured', 'The credential has no registration.')

    const now = clock.now()
    const lease = newId('lease', now)
    if (!(await takeLease(trx, row.id, lease, now, now + leaseTime))) return { kind: 'wait' }
    const before = await readAttempt(trx, row.id)
    let kept: Claim['kept'] = null
    let repeated = 0
    if (before && before.generation === row.generation) {
      kept = await openKept(context, trx, before)
      // Sent, and nobody knows what became of it: its process died, or the answer was lost on the way or damaged here.
      const isLost = before.state === 'sent' || before.state === 'lost' || (before.state === 'answered' && kept === null)
      repeated = before.repeated + (isLost ? 1 : 0)
    }
    const attempt = kept?.final ? before!.attempt : newId('att', now)
    if (!kept?.final) {
      await putAttempt(trx, {
        credential_id: row.id,
        attempt,
        generation: row.generation,
        grant_type: source.grantType,
        state: 'sent',
        started_at: now,
        repeated,
      })
    }
    const keys = readOnce(dataKeysOf(db))
    return { kind: 'claimed', claim: { lease, attempt, row: { ...row, lease }, registration, source, startedAt: now, kept, repeated, keys } }
  })
}

async function openKept(context: CredentialContext, trx: Transaction<Tables>, before: Row<'refresh_attempts'>): Promise<Claim['kept']> {
  if (before.answer === null || (before.state !== 'answered' && before.state !== 'unusable')) return null
  try {
    const text = await context.vault.open(dataKeysOf(trx), answerPlace(before.credential_id, before.generation), before.answer)
    return { answer: parseAnswer(text.reveal()), startedAt: before.started_at, final: before.state === 'answered' }
  } catch (error) {
    if (!isProblem(error, 'decrypt_failed')) throw error
    context.log.error('answer.damaged', { credential: before.credential_id, error })
    return null
  }
}

async function carryOut(context: CredentialContext, order: TokenRequestOrder, claim: Claim): Promise<TokenRequestOutcome> {
  const { clock, db } = context
  const beat = setInterval(() => {
    prolongLease(db, claim.row.id, claim.lease, clock.now() + leaseTime).catch((error: unknown) => {
      context.log.warn('lease.not_prolonged', { credential: claim.row.id, error })
    })
  }, heartbeat)
  beat.unref()
  try {
    const provider = order.provider(claim.registration, claim.row)
    const result = await askProvider(context, order, claim, provider)
    const settlement = await settle(context, {
      row: claim.row,
      registration: claim.registration,
      provider,
      attempt: claim.attempt,
      lease: claim.lease,
      grantType: claim.source.grantType,
      outcome: result.outcome,
      startedAt: result.startedAt,
      repeated: claim.repeated,
      actor: order.actor,
      consentId: order.consentId,
      allowOtherAccount: order.allowOtherAccount ?? false,
      nonce: order.nonce ?? null,
      warning: result.warning,
      keys: claim.keys,
      stored: result.stored ?? null,
    })
    await context.wake()
    return settlement.kind === 'changed_meanwhile' ? { kind: 'changed_meanwhile' } : { kind: 'settled', settlement }
  } catch (error) {
    // Nothing was sent, or the answer lies kept in the attempt: whoever comes next goes on from there.
    await giveBack(context, claim)
    throw error
  } finally {
    clearInterval(beat)
  }
}

type Answered = { outcome: AskOutcome; startedAt: number; warning: string | null; stored?: Material['stored'] }

async function askProvider(context: CredentialContext, order: TokenRequestOrder, claim: Claim, provider: ResolvedProvider): Promise<Answered> {
  const scope = claim.source.scope
  if (claim.kept) {
    const outcome = judgeTokenAnswer(claim.kept.answer, provider, { now: claim.kept.startedAt, requestedScope: scope, grantType: claim.source.grantType })
    if (claim.kept.final || outcome.kind === 'granted') return { outcome, startedAt: claim.kept.startedAt, warning: null }
  }
  let material: Material
  try {
    material = await openMaterial(context, claim, provider)
  } catch (error) {
    // Locked before it was sent: nobody must take it for a request of which the answer was lost.
    if (error instanceof VaultLocked && claim.kept === null && claim.repeated === 0) await deleteAttempt(context.db, claim.row.id, claim.attempt)
    if (!isProblem(error)) throw error
    return { outcome: { kind: 'local', problem: error }, startedAt: claim.startedAt, warning: null }
  }
  const ask = (secret: Secret | null, skew = 0) => tryOnce(context, claim, provider, material, { secret, skew })
  const { clientSecret, previousClientSecret } = material.secrets
  const { outcome, host } = await ask(clientSecret)
  const { startedAt } = claim
  const { stored } = material
  if (outcome.kind !== 'refused' || host === null) return { outcome, startedAt, warning: null, stored }
  const skew = context.providerClocks.aheadOf(host)
  const isOff = Math.abs(skew) > tolerableClockError
  if (isOff && provesItselfByTime(claim, outcome)) {
    // Nothing was used up: whoever is not believed to be the client has not shown a token or code yet.
    if (Math.abs(skew) > harmfulClockError) return { outcome: { kind: 'clock', problem: context.providerClocks.problemOf(host) }, startedAt, warning: null }
    const corrected = await ask(clientSecret, skew)
    if (corrected.outcome.kind === 'granted') return { outcome: corrected.outcome, startedAt, warning: clockWarning(host, skew), stored }
  }
  if (outcome.class === 'client' && previousClientSecret !== null) {
    // A new secret takes a while until every server of a provider knows it; a code or refresh token is not used up by the refusal.
    const before = await ask(previousClientSecret)
    const warning = 'The provider refused the new client secret and took the one before it. Check the new secret.'
    if (before.outcome.kind === 'granted') return { outcome: before.outcome, startedAt, warning, stored }
  }
  return { outcome, startedAt, warning: isOff ? clockWarning(host, skew) : null }
}

/** Whether what is sent is signed with the time of now. */
const isSigned = ({ source, registration }: Claim): boolean => source.grantType === 'jwt_bearer' || registration.client_auth === 'private_key_jwt'

/** Whether what was refused stands or falls with the time that was signed. */
const provesItselfByTime = (claim: Claim, refusal: AskOutcome & { kind: 'refused' }): boolean =>
  isSigned(claim) && (claim.source.grantType === 'jwt_bearer' || refusal.class === 'client')

const clockWarning = (host: string, skew: number): string => `${describeClockError(host, skew)}: set it right.`

async function tryOnce(
  context: CredentialContext,
  claim: Claim,
  provider: ResolvedProvider,
  material: Material,
  /** What to authenticate with, and by how much our clock is ahead of the provider's time that is signed. */
  { secret, skew }: { secret: Secret | null; skew: number },
): Promise<{ outcome: AskOutcome; /** Who answered; null: nobody was asked, or nobody answered. */ host: string | null }> {
  const notAsked = (outcome: AskOutcome) => ({ outcome, host: null })
  let request: OutgoingRequest
  try {
    // Invariant: with a clock that is known to be wrong nothing is signed.
    if (isSigned(claim)) await context.providerClocks.checkBeforeSigning(endpointOf(claim, provider))
    request = await claim.source.request(material, secret, context.clock.now() - skew)
  } catch (error) {
    if (!isProblem(error)) throw error
    if (error.code === 'clock_skew') return notAsked({ kind: 'clock', problem: error })
    if (error.code === 'outgoing_failed') return notAsked(unreachable(error, false))
    return notAsked({ kind: 'local', problem: error })
  }
  let raw: RawAnswer
  const { callback } = claim.source
  const send = async (what: OutgoingRequest): Promise<RawAnswer> => ({ ...(await sendTokenRequest(context.http, what)), ...(callback ? { callback } : {}) })
  try {
    raw = await send(request)
  } catch (error) {
    if (!isProblem(error)) throw error
    context.count('token_requests', 'unavailable')
    if (error.code === 'address_not_allowed') return notAsked({ kind: 'local', problem: error })
    return notAsked(unreachable(error, error.facts.sent !== false))
  }
  // Invariant: keep first, judge second.
  await keepStubbornly(context, claim, raw)
  const outcome = judgeTokenAnswer(raw, provider, { now: claim.startedAt, requestedScope: claim.source.scope, grantType: claim.source.grantType })
  context.count('token_requests', outcome.kind)
  const { host } = new URL(request.url)
  if (outcome.kind !== 'granted' || claim.source.grantType === 'refresh_token' || provider.data.exchange === undefined) return { outcome, host }
  const longer = await tradeForLonger(context, claim, provider, { material, secret, tokenSet: outcome.tokenSet, send })
  return { outcome: longer ?? outcome, host }
}

const endpointOf = ({ source }: Claim, provider: ResolvedProvider): string =>
  source.grantType === 'refresh_token' ? provider.refreshEndpoint : provider.tokenEndpoint

const unreachable = (error: Problem, sent: boolean): AskOutcome => ({
  kind: 'unavailable',
  reason: error.message,
  retryAfter: null,
  sent,
  words: wordsOfError(error),
})

/** Trades the token that came for one that lives longer; null when that fails: the first one is good for a while. */
async function tradeForLonger(
  context: CredentialContext,
  claim: Claim,
  provider: ResolvedProvider,
  work: { material: Material; secret: Secret | null; tokenSet: TokenSet; send: (request: OutgoingRequest) => Promise<RawAnswer> },
): Promise<(AskOutcome & { kind: 'granted' }) | null> {
  const { material, secret, tokenSet, send } = work
  try {
    const client = clientOf(material.registration, material.secrets, secret)
    if (isSigned(claim)) await context.providerClocks.checkBeforeSigning(provider.data.exchange?.endpoint ?? provider.tokenEndpoint)
    const request = await exchangeRequest(provider, client, tokenSet.accessToken, context.clock.now())
    if (request === null) return null
    const raw = await send(request)
    const outcome = judgeTokenAnswer(raw, provider, { now: claim.startedAt, requestedScope: claim.source.scope })
    if (outcome.kind !== 'granted') {
      context.log.warn('exchange.failed', { credential: claim.row.id, outcome: outcome.kind })
      return null
    }
    await keepStubbornly(context, claim, raw)
    const { extra, account, scope } = tokenSet
    return {
      kind: 'granted',
      tokenSet: {
        ...outcome.tokenSet,
        extra: { ...extra, ...outcome.tokenSet.extra },
        account: outcome.tokenSet.account ?? account,
        scope: outcome.tokenSet.scope ?? scope,
      },
    }
  } catch (error) {
    if (!isProblem(error)) throw error
    context.log.warn('exchange.failed', { credential: claim.row.id, error })
    return null
  }
}

/**
 * Writes the answer down, and does not give up as long as the process lives: the refresh token in it may be the only one
 * that still counts.
 */
async function keepStubbornly(context: CredentialContext, claim: Claim, raw: RawAnswer): Promise<void> {
  const text = serializeAnswer(raw)
  for (let wait = 100; ; wait = Math.min(wait * 2, 5_000)) {
    try {
      const sealed = await context.vault.seal(claim.keys, answerPlace(claim.row.id, claim.row.generation), text)
      const ours = await keepAnswer(context.db, claim.row.id, claim.attempt, sealed)
      if (!ours) context.log.warn('answer.attempt_gone', { credential: claim.row.id })
      return
    } catch (error) {
      context.log.error('answer.not_kept_yet', { credential: claim.row.id, error })
      await context.clock.sleep(wait)
    }
  }
}

async function openMaterial(context: CredentialContext, claim: Claim, provider: ResolvedProvider): Promise<Material> {
  const { row, registration } = claim
  const secrets = await openRegistrationSecrets(context, registration)
  let stored: Material['stored'] = null
  // Only a refresh needs what is stored: a damaged secret is healed by a new consent, or by asking anew where no person is needed.
  if (row.secret !== null && claim.source.grantType === 'refresh_token') {
    const opened = readStoredSecret(await context.vault.open(claim.keys, credentialPlace(row.id, row.generation), row.secret))
    if (opened.kind !== 'oauth2') throw new Problem('wrong_kind', `"${row.name}" is not an OAuth 2.0 credential.`)
    stored = opened
  }
  return { row, registration, provider, stored, secrets, redirectUri: redirectUriOf(context.publicUrl, registration.id) }
}

async function giveBack(context: CredentialContext, claim: Claim): Promise<void> {
  try {
    const row = await readCredential(context.db, claim.row.id)
    if (row?.lease === claim.lease) await updateCredential(context.db, claim.row.id, { lease: null, lease_until: null })
  } catch (error) {
    // The lease ends by itself.
    context.log.warn('lease.not_given_back', { credential: claim.row.id, error })
  }
}
