import { service, type Actor } from '../base/actor.ts'
import { Problem } from '../base/problem.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { Row } from '../storage/tables.ts'
import type { CredentialContext } from './context.ts'
import { longestRetry } from './refresh-plan.ts'
import { isThreeLegged, nextSteps, pausedReason, readReason, type Reason } from './credential-status.ts'
import { tokenSources } from './token-sources.ts'
import { requestTokens, type TokenRequestOutcome, type TokenSource } from './token-request.ts'
import { providerOf } from './provider-of.ts'

export type RenewOrder = {
  /** Renew unless the credential has a newer generation than this one. */
  generation: number
  actor: Actor
  /**
   * `by_use` keeps to the plan: it does not repeat what the provider refused for good, nor before the time it asked for.
   * `by_schedule` comes when the plan says so; `by_person` tries in any case.
   */
  asked: 'by_use' | 'by_schedule' | 'by_person'
}

/**
 * Renews tokens. Callers of one credential share one flight in this process; over processes and nodes the lease in the
 * credential's row lets one at a time through, and the others find the newer generation when their turn comes.
 */
export class Renewer {
  readonly #context: CredentialContext
  readonly #flights = new Map<string, { asked: RenewOrder['asked']; outcome: Promise<TokenRequestOutcome> }>()

  constructor(context: CredentialContext) {
    this.#context = context
  }

  async renew(credentialId: string, order: RenewOrder): Promise<TokenRequestOutcome> {
    for (;;) {
      const running = this.#flights.get(credentialId)
      if (!running) return await this.#begin(credentialId, order)
      const outcome = await running.outcome
      // A person may ask what the plan forbids; whoever began this flight might not.
      const mayAskMore = order.asked === 'by_person' && running.asked !== 'by_person'
      if (outcome.kind !== 'not_possible' || !mayAskMore) return outcome
    }
  }

  #begin(credentialId: string, order: RenewOrder): Promise<TokenRequestOutcome> {
    const outcome = requestTokens(this.#context, {
      credentialId,
      actor: order.actor,
      generation: order.generation,
      choose: (row) => (order.asked === 'by_person' ? null : whyNotNow(this.#context, row)) ?? chooseSource(row),
      provider: (registration: RegistrationRow, row: Row<'credentials'>) => providerOf(this.#context, registration, row),
    }).finally(() => this.#flights.delete(credentialId))
    this.#flights.set(credentialId, { asked: order.asked, outcome })
    return outcome
  }

  /**
   * Settles an answer to a code that was kept before its process died. Nothing is sent: the source below is only asked when
   * there is no kept answer, and then refuses.
   */
  async settleKept(credentialId: string, consentId: string | undefined): Promise<void> {
    await requestTokens(this.#context, {
      credentialId,
      actor: service,
      generation: Number.MAX_SAFE_INTEGER,
      choose: (row) => ({
        grantType: 'authorization_code',
        scope: JSON.parse(row.scopes) as string[],
        request: () => Promise.reject(new Problem('consent_failed', 'The code was used already. Start the consent again.')),
      }),
      ...(consentId === undefined ? {} : { consentId }),
      provider: (registration, row) => providerOf(this.#context, registration, row),
    })
  }

  /** Waits until nothing is under way any more. */
  async settled(): Promise<void> {
    // One that ends may be followed by one that waited for it.
    while (this.#flights.size > 0) await Promise.allSettled(Array.from(this.#flights.values(), ({ outcome }) => outcome))
  }

  get underWay(): number {
    return this.#flights.size
  }
}

/** Returns why the plan says not to ask the provider now; null when nothing speaks against it. */
function whyNotNow({ clock, providerClocks }: CredentialContext, row: Row<'credentials'>): { reason: Reason } | null {
  const reason = readReason(row.status_reason)
  if (row.status === 'needs_consent' || row.status === 'misconfigured') {
    return { reason: reason ?? { code: row.status, message: 'The provider refused it for good.', nextStep: nextSteps.fix } }
  }
  // Invariant: a provider that is away is not asked more often because many ask us.
  const wait = row.status === 'retrying' && row.refresh_due_at !== null ? row.refresh_due_at - clock.now() : 0
  if (reason?.code === 'clock_skew' && !providerClocks.isHarmful) return null
  if (wait > 0 && wait <= longestRetry) {
    return { reason: reason ?? { code: 'provider_unavailable', message: 'The provider is away.', nextStep: nextSteps.retry } }
  }
  return null
}

/** Decides how a credential gets its next token without a person, or why it cannot. */
export function chooseSource(row: Row<'credentials'>): TokenSource | { reason: Reason } {
  if (row.paused === 1) return { reason: pausedReason }
  if (row.kind !== 'oauth2') {
    return { reason: { code: 'wrong_kind', message: 'This kind of credential has no tokens to renew.', nextStep: null } }
  }
  if (isThreeLegged(row.grant_type)) {
    if (row.has_refresh_token === 0) {
      return { reason: { code: 'no_refresh_token', message: 'There is no refresh token.', nextStep: nextSteps.reconnect } }
    }
    return tokenSources.refresh(row)
  }
  return row.grant_type === 'jwt_bearer' ? tokenSources.jwtBearer(row) : tokenSources.clientCredentials(row)
}
