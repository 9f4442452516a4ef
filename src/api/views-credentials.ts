import { Secret } from '../base/secret.ts'
import type { ConsentView, CredentialChange, CredentialOptions, CredentialView, HandedOut, NewCredential, TestReport, UsageView } from '../credentials/types.ts'
import type { EndpointOf } from './contract.ts'
import type { Body } from './endpoint.ts'
import { toNewRegistration } from './views-registrations.ts'
import { iso, isoOrNull, secretOf, withoutUndefined, type Reply } from './views.ts'

export function credentialBody(view: CredentialView): Reply<'getCredential'> {
  return {
    id: view.id,
    name: view.name,
    kind: view.kind,
    grant: view.grant,
    registration: view.registration,
    provider: view.provider,
    description: view.description,
    username: view.username,
    subject: view.subject,
    scopes: view.scopes,
    granted_scopes: view.grantedScopes,
    missing_scopes: view.missingScopes,
    options: optionsBody(view.options),
    allowed_hosts: view.allowedHosts,
    tags: view.tags,
    status: view.status,
    reason: view.reason,
    next_step: view.nextStep,
    diagnosis: view.diagnosis,
    since: iso(view.since),
    until: isoOrNull(view.until),
    snoozed_until: isoOrNull(view.snoozedUntil),
    token_expires_at: isoOrNull(view.tokenExpiresAt),
    token_obtained_at: isoOrNull(view.tokenObtainedAt),
    refresh_token_expires_at: isoOrNull(view.refreshTokenExpiresAt),
    refresh_due_at: isoOrNull(view.refreshDueAt),
    has_secret: view.hasSecret,
    has_refresh_token: view.hasRefreshToken,
    last_used_at: isoOrNull(view.lastUsedAt),
    last_used_by: view.lastUsedBy,
    used_by: view.usedBy,
    last_use_outcome: view.lastUseOutcome,
    last_success_at: isoOrNull(view.lastSuccessAt),
    created_at: iso(view.createdAt),
    updated_at: iso(view.updatedAt),
    revision: view.revision,
  }
}

function optionsBody(options: CredentialOptions): Reply<'getCredential'>['options'] {
  return {
    variant: options.variant,
    audience: options.audience,
    resource: options.resource,
    act_for: options.actFor,
    placeholders: options.placeholders,
    authorize_parameters: options.authorizeParameters,
    token_parameters: options.tokenParameters,
    login_hint: options.loginHint,
    assumed_lifetime: options.assumedLifetime,
    consent_lifetime: options.consentLifetime,
  }
}

function toOptions(body: NonNullable<Body<EndpointOf<'createCredential'>>['options']>): CredentialOptions {
  return withoutUndefined({
    variant: body.variant,
    audience: body.audience,
    resource: body.resource,
    actFor: body.act_for,
    placeholders: body.placeholders,
    authorizeParameters: body.authorize_parameters,
    tokenParameters: body.token_parameters,
    loginHint: body.login_hint,
    assumedLifetime: body.assumed_lifetime,
    consentLifetime: body.consent_lifetime,
  })
}

export function toNewCredential(body: Body<EndpointOf<'createCredential'>>): NewCredential {
  return withoutUndefined({
    name: body.name,
    kind: body.kind ?? ('oauth2' as const),
    grant: body.grant,
    registration: typeof body.registration === 'object' ? toNewRegistration(body.registration) : body.registration,
    description: body.description,
    username: body.username,
    scopes: body.scopes,
    options: body.options && toOptions(body.options),
    allowedHosts: body.allowed_hosts,
    tags: body.tags,
    secret: secretOf(body.secret),
    refreshToken: secretOf(body.refresh_token),
    googleJson: body.google_json && new Secret(JSON.stringify(body.google_json)),
  })
}

export function toCredentialChange(body: Body<EndpointOf<'changeCredential'>>): CredentialChange {
  return withoutUndefined({
    name: body.name,
    description: body.description,
    username: body.username,
    scopes: body.scopes,
    options: body.options && toOptions(body.options),
    allowedHosts: body.allowed_hosts,
    tags: body.tags,
    secret: secretOf(body.secret),
    registration: body.registration,
  })
}

/** Makes the reply of a hand-out: beside a consent's address and a new key the only reply that holds a secret, on purpose. */
export function tokenBody(handed: HandedOut, now: number): Reply<'handOutToken'> {
  const expiresIn = handed.expiresAt === null ? null : Math.max(0, Math.floor((handed.expiresAt - now) / 1000))
  const last = lastBodies.get(handed)
  if (last !== undefined && last.expires_in === expiresIn) return last
  const body = Object.freeze({
    access_token: handed.accessToken.reveal(),
    token_type: handed.tokenType,
    expires_at: isoOrNull(handed.expiresAt),
    expires_in: expiresIn,
    scope: handed.scope === null ? null : handed.scope.join(' '),
    credential: handed.credential,
    ...(Object.keys(handed.facts).length === 0 ? {} : { facts: handed.facts }),
  })
  lastBodies.set(handed, body)
  return body
}

/** The last reply of each token: within a second the next one is the same. It goes when the token does. */
const lastBodies = new WeakMap<HandedOut, Reply<'handOutToken'>>()

export function testBody(report: TestReport): Reply<'testCredential'> {
  return {
    ok: report.ok,
    credential: report.credential,
    steps: report.steps.map((step) => ({ name: step.name, ok: step.ok, message: step.message, next_step: step.nextStep, diagnosis: step.diagnosis ?? null })),
  }
}

export function usageBody(use: UsageView): Reply<'listCredentialUsage'>['items'][number] {
  return { access_key: use.accessKey, first_at: iso(use.firstAt), last_at: iso(use.lastAt), count: use.count, last_outcome: use.lastOutcome }
}

export function consentBody(view: ConsentView): Reply<'getConsent'> {
  return {
    id: view.id,
    credential: view.credential,
    mode: view.mode,
    status: view.status,
    authorization_url: view.authorizationUrl,
    link: view.link,
    user_code: view.userCode,
    verification_uri: view.verificationUri,
    verification_uri_complete: view.verificationUriComplete,
    started_by: view.startedBy,
    created_at: iso(view.createdAt),
    interval: view.interval,
    expires_at: iso(view.expiresAt),
    problem: view.problem && { code: view.problem.code, detail: view.problem.detail, next_step: view.problem.nextStep, diagnosis: view.problem.diagnosis },
  }
}
