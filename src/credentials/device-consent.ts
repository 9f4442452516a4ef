import { service, type Actor } from '../base/actor.ts'
import { newId } from '../base/ids.ts'
import { isProblem, Problem } from '../base/problem.ts'
import { Secret } from '../base/secret.ts'
import { shellWord } from '../base/shell-word.ts'
import { authenticatedRequest } from '../oauth/client-authentication.ts'
import { deviceParameters, readDeviceAuthorization, slower } from '../oauth/device.ts'
import { sendTokenRequest } from '../oauth/token-endpoint.ts'
import { moveConsent } from '../storage/consents.ts'
import { findCredential, type CredentialWithRegistration } from '../storage/credentials.ts'
import { dataKeysOf } from '../storage/data-keys.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { Row } from '../storage/tables.ts'
import { insertStartedConsent, toConsentView, type ConsentSecret } from './consent-rows.ts'
import type { CredentialContext } from './context.ts'
import type { Reason } from './credential-status.ts'
import { providerOf } from './provider-of.ts'
import { endedBy } from './recovery.ts'
import { openRegistrationSecrets } from './registration-secrets.ts'
import { requestTokens } from './token-request.ts'
import { consentPlace } from './token-set.ts'
import { clientOf, tokenSources } from './token-sources.ts'
import type { ConsentView } from './types.ts'

/** Fetches a device code and starts a consent that finishes by itself. */
export async function startDevice(
  context: CredentialContext,
  row: CredentialWithRegistration,
  registration: RegistrationRow,
  allowOtherAccount: boolean,
  actor: Actor,
): Promise<ConsentView> {
  const provider = providerOf(context, registration, row)
  if (provider.deviceAuthorizationEndpoint === null) {
    throw new Problem('wrong_kind', `${provider.name} has no device address.`, {
      nextStep: `Connect through a browser: keybearer connect ${shellWord(row.name)}`,
    })
  }
  const secrets = await openRegistrationSecrets(context, registration)
  const client = clientOf(registration, secrets, secrets.clientSecret)
  const parameters = deviceParameters(provider, JSON.parse(row.scopes) as string[])
  if (client.method === 'private_key_jwt') await context.providerClocks.checkBeforeSigning(provider.deviceAuthorizationEndpoint)
  // RFC 8628 section 3.1: a client that authenticates otherwise names its id all the same.
  const request = await authenticatedRequest(
    provider,
    provider.deviceAuthorizationEndpoint,
    client,
    { client_id: registration.client_id, ...parameters },
    context.clock.now(),
    'device',
  )
  const now = context.clock.now()
  const device = readDeviceAuthorization(await sendTokenRequest(context.http, request), provider, now)
  const secret: ConsentSecret = { deviceCode: device.deviceCode.reveal(), allowOtherAccount }
  const consent = await insertStartedConsent(
    context,
    row,
    {
      id: newId('con', now),
      credential_id: row.id,
      mode: 'device',
      state_hash: null,
      ticket_hash: null,
      browser_hash: null,
      session_id: null,
      redirect_uri: null,
      issuer: provider.issuer,
      user_code: device.userCode,
      verification_uri: device.verificationUri,
      poll_interval: device.interval,
      next_poll_at: now + device.interval,
      started_by: actor.id,
      started_by_name: actor.name,
      created_at: now,
      expires_at: device.expiresAt,
    },
    secret,
    actor,
  )
  return { ...toConsentView(context, consent, row), verificationUriComplete: device.verificationUriComplete }
}

/**
 * Asks once whether the person has consented, if nobody else is asking.
 *
 * @see RFC 8628 section 3.5
 */
export async function pollDeviceConsent(context: CredentialContext, consent: Row<'consents'>): Promise<void> {
  const { db, clock, vault } = context
  if (!(await moveConsent(db, consent.id, 'waiting', { status: 'exchanging' }))) return
  const interval = consent.poll_interval ?? 5000
  const wait = async (next: number) => {
    await moveConsent(db, consent.id, 'exchanging', { status: 'waiting', poll_interval: next, next_poll_at: clock.now() + next })
  }
  try {
    const row = await findCredential(db, consent.credential_id)
    if (!row || consent.secret === null) throw new Problem('consent_expired', 'The consent has no secret any more.')
    const secret = JSON.parse((await vault.open(dataKeysOf(db), consentPlace(row.id, consent.id), consent.secret)).reveal()) as ConsentSecret
    const outcome = await requestTokens(context, {
      credentialId: row.id,
      actor: { ...service, id: consent.started_by, name: 'device consent' },
      generation: row.generation,
      choose: (current) => tokenSources.device(current, new Secret(secret.deviceCode ?? '')),
      consentId: consent.id,
      allowOtherAccount: secret.allowOtherAccount,
      provider: (registration, current) => providerOf(context, registration, current),
    })
    if (outcome.kind !== 'settled') return await wait(interval)
    if (outcome.settlement.kind === 'device_waits') return await wait(outcome.settlement.slower ? slower(interval) : interval)
    // RFC 8628 section 3.5: on a timeout the pause doubles.
    if (outcome.settlement.kind === 'unavailable') return await wait(Math.min(interval * 2, 60_000))
  } catch (error) {
    context.log.error('device.poll_failed', { consent: consent.id, error })
    if (isProblem(error) && (error.code === 'decrypt_failed' || error.code === 'consent_expired')) {
      const reason: Reason = { code: error.code, message: error.message, nextStep: { action: 'connect', text: 'Start the consent again.' } }
      await moveConsent(db, consent.id, 'exchanging', endedBy(reason, clock.now()))
    } else await wait(interval * 2)
  }
}
