import type { Actor } from '../base/actor.ts'
import { newId, randomToken } from '../base/ids.ts'
import { Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { shellWord } from '../base/shell-word.ts'
import { buildAuthorizationRequest, type AuthorizationRequest } from '../oauth/authorization-code.ts'
import { authenticatedRequest } from '../oauth/client-authentication.ts'
import { readPushedRequest } from '../oauth/pushed-request.ts'
import { sendTokenRequest } from '../oauth/token-endpoint.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import { bindConsent, moveConsent } from '../storage/consents.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { Row } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { hashProof, starterOf, type ConsentBrowser } from './consent-browser.ts'
import { hashState, insertStartedConsent, toConsentView, type ConsentSecret } from './consent-rows.ts'
import type { CredentialContext } from './context.ts'
import { providerOf } from './provider-of.ts'
import { openRegistrationSecrets } from './registration-secrets.ts'
import { foreignRedirect, redirectUriOf } from './registrations.ts'
import { consentPlace } from './token-set.ts'
import { authorizeParameters, clientOf } from './token-sources.ts'
import type { ConsentMode, ConsentOrder, ConsentView } from './types.ts'

/** How long a person may take at the provider, and how long a link waits for somebody to follow it. */
const browserLife = 10 * 60_000
const linkLife = 7 * 24 * 3_600_000

/** Where a browser is sent, and what its cookie holds from then on. */
export type Opened = { consentId: string; url: string; proof: Secret; seconds: number; provider: string }

/**
 * Starts a consent that the first browser begins which opens its address: a start in the browser, or a link for somebody else.
 * What goes to the provider is made at that moment only.
 */
export async function startWithTicket(
  context: CredentialContext,
  row: CredentialWithRegistration,
  registration: RegistrationRow,
  order: ConsentOrder & { mode: 'browser' | 'link' },
  actor: Actor,
): Promise<ConsentView> {
  // Whoever starts it is told what is missing, not the person who opens the address.
  const { provider: asked } = buildRequest(context, row, registration)
  if (foreignRedirect(asked.data.redirect_value) !== null) {
    throw new Problem('wrong_kind', `The redirect address of "${registration.name}" belongs to another application: browsers do not come back here by it.`, {
      nextStep: `Paste the address by hand: keybearer connect ${shellWord(row.name)} --paste`,
    })
  }
  const ticket = randomToken(32)
  const isLink = order.mode === 'link'
  const consent = await insertStartedConsent(
    context,
    row,
    {
      ...newConsent(context, row, order.mode, actor),
      expires_at: context.clock.now() + (isLink ? linkLife : browserLife),
      ticket_hash: hashProof(ticket),
      // A link is for somebody else: whose browser it is, is not known yet.
      session_id: isLink ? null : (order.sessionId ?? null),
    },
    { allowOtherAccount: order.allowOtherAccount ?? false },
    actor,
  )
  const view = toConsentView(context, consent, row)
  return isLink ? { ...view, link: `${context.publicUrl}/connect/${ticket}` } : { ...view, authorizationUrl: `${context.publicUrl}/oauth/start/${ticket}` }
}

/** Starts a consent whose answer is pasted by hand: the address is the provider's own, for a browser that cannot come here. */
export async function startPaste(
  context: CredentialContext,
  row: CredentialWithRegistration,
  registration: RegistrationRow,
  order: ConsentOrder,
  actor: Actor,
): Promise<ConsentView> {
  const { url, request, provider } = await requestConsent(context, row, registration)
  const consent = await insertStartedConsent(
    context,
    row,
    {
      ...newConsent(context, row, 'paste', actor),
      state_hash: hashState(request.state.reveal()),
      redirect_uri: foreignRedirect(provider.data.redirect_value) ?? redirectUriOf(context.publicUrl, registration.id),
      issuer: provider.issuer,
      expires_at: context.clock.now() + browserLife,
    },
    secretOf(request, order.allowOtherAccount ?? false),
    actor,
  )
  return { ...toConsentView(context, consent, row), authorizationUrl: url }
}

/**
 * Begins a consent in the browser that has opened its address, and binds it to it.
 *
 * Invariant: one browser begins it, and no other. What that browser's cookie holds is in this answer only.
 *
 * @throws Problem consent_used when another one was first; whatever keeps the request from being made ends the consent
 */
export async function beginInBrowser(
  context: CredentialContext,
  consent: Row<'consents'>,
  row: CredentialWithRegistration,
  registration: RegistrationRow,
  browser: ConsentBrowser,
): Promise<Opened> {
  const { db, clock, vault } = context
  const proof = randomToken(32)
  const expires = clock.now() + browserLife
  if (consent.secret === null || !(await bindConsent(db, consent.id, hashProof(proof), expires))) throw alreadyOpened(consent)
  const place = consentPlace(row.id, consent.id)
  const { allowOtherAccount } = JSON.parse((await vault.open(dataKeysOf(db), place, consent.secret)).reveal()) as ConsentSecret
  const { url, request, provider } = await requestConsent(context, row, registration)
  await inTransaction(db, async (trx) => {
    const begun = await moveConsent(trx, consent.id, 'waiting', {
      secret: await vault.seal(dataKeysOf(trx), place, JSON.stringify(secretOf(request, allowOtherAccount))),
      state_hash: hashState(request.state.reveal()),
      redirect_uri: redirectUriOf(context.publicUrl, registration.id),
      issuer: provider.issuer,
    })
    if (!begun) throw alreadyOpened(consent)
    const detail = { consent: consent.id, mode: consent.mode }
    await context.audit.append(trx, [
      { actor: starterOf(consent, browser), action: 'consent.opened', subject: row.id, subjectName: row.name, outcome: 'done', detail },
    ])
  })
  return { consentId: consent.id, url, proof: new Secret(proof), seconds: browserLife / 1000, provider: provider.name }
}

export const alreadyOpened = (consent: Row<'consents'>): Problem =>
  new Problem('consent_used', consent.mode === 'link' ? 'This link was used already: it works once.' : 'This address was opened already: it works once.', {
    nextStep: 'Go on where it was opened, or ask for a new one.',
  })

function newConsent(context: CredentialContext, row: CredentialWithRegistration, mode: ConsentMode, actor: Actor) {
  const now = context.clock.now()
  return {
    id: newId('con', now),
    credential_id: row.id,
    mode,
    state_hash: null,
    ticket_hash: null,
    browser_hash: null,
    session_id: null,
    redirect_uri: null,
    issuer: null,
    user_code: null,
    verification_uri: null,
    poll_interval: null,
    next_poll_at: null,
    started_by: actor.id,
    started_by_name: actor.name,
    created_at: now,
  }
}

const secretOf = (request: AuthorizationRequest, allowOtherAccount: boolean): ConsentSecret => ({
  codeVerifier: request.codeVerifier.reveal(),
  nonce: request.nonce,
  allowOtherAccount,
})

function buildRequest(context: CredentialContext, row: CredentialWithRegistration, registration: RegistrationRow) {
  const provider = providerOf(context, registration, row)
  const request = buildAuthorizationRequest(provider, {
    clientId: registration.client_id,
    redirectUri: redirectUriOf(context.publicUrl, registration.id),
    scope: JSON.parse(row.scopes) as string[],
    ...authorizeParameters(row),
  })
  return { provider, request }
}

/** Makes the address at the provider, and sends the request ahead where the provider takes it no other way. */
async function requestConsent(context: CredentialContext, row: CredentialWithRegistration, registration: RegistrationRow) {
  const { provider, request } = buildRequest(context, row, registration)
  const endpoint = provider.pushedRequestEndpoint
  return { provider, request, url: endpoint === null ? request.url : await pushAhead(context, provider, endpoint, registration, request) }
}

/** Sends the request to the provider itself. @see RFC 9126 */
async function pushAhead(
  context: CredentialContext,
  provider: ResolvedProvider,
  endpoint: string,
  registration: RegistrationRow,
  request: AuthorizationRequest,
): Promise<string> {
  const secrets = await openRegistrationSecrets(context, registration)
  const client = clientOf(registration, secrets, secrets.clientSecret)
  if (client.method === 'private_key_jwt') await context.providerClocks.checkBeforeSigning(endpoint)
  const sent = await authenticatedRequest(provider, endpoint, client, request.parameters(), context.clock.now())
  return readPushedRequest(await sendTokenRequest(context.http, sent), provider, registration.client_id)
}
