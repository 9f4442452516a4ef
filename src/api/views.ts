import type { AuditView } from '../access/audit.ts'
import type { RotationView } from '../access/master-key-rotation.ts'
import type { AccessKeyView } from '../access/types.ts'
import type { Event } from '../base/events.ts'
import { Secret } from '../base/secret.ts'
import type {
  ConsentView, CredentialChange, CredentialOptions, CredentialView, HandedOut, NewCredential, NewRegistration, RegistrationChange, RegistrationView, TestReport,
  UsageView,
} from '../credentials/types.ts'
import type { ProviderView } from '../credentials/providers.ts'
import type { MessageView, NewMessage, NewSender, SenderView } from '../mail/types.ts'
import type { Body, ReplyBody } from './endpoint.ts'
import type { EndpointId, EndpointOf } from './contract.ts'

// The only place where the words of the API (snake_case, RFC 3339) and those of the code meet.

export const iso = (time: number): string => new Date(time).toISOString()
export const isoOrNull = (time: number | null): string | null => (time === null ? null : iso(time))
const milliseconds = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time))
const secretOf = (text: string | undefined): Secret | undefined => (text === undefined ? undefined : new Secret(text))

type Reply<Id extends EndpointId> = ReplyBody<EndpointOf<Id>>

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
    since: iso(view.since),
    until: isoOrNull(view.until),
    token_expires_at: isoOrNull(view.tokenExpiresAt),
    token_obtained_at: isoOrNull(view.tokenObtainedAt),
    refresh_token_expires_at: isoOrNull(view.refreshTokenExpiresAt),
    refresh_due_at: isoOrNull(view.refreshDueAt),
    has_secret: view.hasSecret,
    has_refresh_token: view.hasRefreshToken,
    last_used_at: isoOrNull(view.lastUsedAt),
    last_used_by: view.lastUsedBy,
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

export function toNewRegistration(body: Body<EndpointOf<'createRegistration'>>): NewRegistration {
  return { ...toRegistrationChange(body), name: body.name, provider: body.provider, clientId: body.client_id }
}

export function toRegistrationChange(body: Body<EndpointOf<'changeRegistration'>>): RegistrationChange {
  return withoutUndefined({
    name: body.name,
    placeholders: body.placeholders,
    clientId: body.client_id,
    clientAuth: body.client_auth,
    clientSecret: secretOf(body.client_secret),
    privateKey: secretOf(body.private_key),
    privateKeyId: body.private_key_id,
    certificate: body.certificate,
    secretExpiresAt: milliseconds(body.secret_expires_at),
  })
}

export function registrationBody(view: RegistrationView): Reply<'getRegistration'> {
  return {
    id: view.id,
    name: view.name,
    provider: view.provider,
    placeholders: view.placeholders,
    client_id: view.clientId,
    client_auth: view.clientAuth,
    has_client_secret: view.hasClientSecret,
    has_private_key: view.hasPrivateKey,
    private_key_id: view.privateKeyId,
    certificate: view.certificate && { thumbprint: view.certificate.thumbprint, expires_at: iso(view.certificate.expiresAt) },
    secret_expires_at: isoOrNull(view.secretExpiresAt),
    redirect_uri: view.redirectUri,
    credentials: view.credentials,
    created_at: iso(view.createdAt),
    updated_at: iso(view.updatedAt),
    revision: view.revision,
  }
}

/** Makes the reply of a hand-out: with the consent's answer and a new key one of the three replies that hold a secret on purpose. */
export function tokenBody(handed: HandedOut, now: number): Reply<'handOutToken'> {
  return {
    access_token: handed.accessToken.reveal(),
    token_type: handed.tokenType,
    expires_at: isoOrNull(handed.expiresAt),
    expires_in: handed.expiresAt === null ? null : Math.max(0, Math.floor((handed.expiresAt - now) / 1000)),
    scope: handed.scope === null ? null : handed.scope.join(' '),
    credential: handed.credential,
  }
}

export function testBody(report: TestReport): Reply<'testCredential'> {
  return {
    ok: report.ok,
    credential: report.credential,
    steps: report.steps.map((step) => ({ name: step.name, ok: step.ok, message: step.message, next_step: step.nextStep })),
  }
}

export function usageBody(use: UsageView): Reply<'listCredentialUsage'>['items'][number] {
  return {
    access_key: use.accessKey, first_at: iso(use.firstAt), last_at: iso(use.lastAt), count: use.count, last_outcome: use.lastOutcome,
  }
}

export function consentBody(view: ConsentView): Reply<'getConsent'> {
  return {
    id: view.id,
    credential: view.credential,
    mode: view.mode,
    status: view.status,
    authorization_url: view.authorizationUrl,
    user_code: view.userCode,
    verification_uri: view.verificationUri,
    verification_uri_complete: view.verificationUriComplete,
    interval: view.interval,
    expires_at: iso(view.expiresAt),
    problem: view.problem && { code: view.problem.code, detail: view.problem.detail, next_step: view.problem.nextStep },
  }
}

export function accessKeyBody(view: AccessKeyView): Reply<'getAccessKey'> {
  return {
    id: view.id,
    name: view.name,
    hint: view.hint,
    permissions: view.permissions,
    administration: view.administration,
    networks: view.networks,
    expires_at: isoOrNull(view.expiresAt),
    revoked_at: isoOrNull(view.revokedAt),
    created_at: iso(view.createdAt),
    created_by: view.createdBy,
    last_used_at: isoOrNull(view.lastUsedAt),
    last_used_from: view.lastUsedFrom,
  }
}

export function providerSummary({ description, own }: ProviderView): Reply<'listProviders'>['items'][number] {
  return {
    id: description.id,
    name: description.name,
    own,
    category: description.category ?? null,
    docs_url: description.docs_url ?? null,
    grants: description.grants,
    client_auths: description.client_auth,
    placeholders: Object.keys(description.placeholders),
  }
}

export function providerBody({ description, own, revision }: ProviderView): Reply<'getProvider'> {
  return { id: description.id, name: description.name, own, revision, description }
}

export function senderBody(view: SenderView): Reply<'getSender'> {
  return {
    id: view.id,
    name: view.name,
    kind: view.kind,
    host: view.host,
    port: view.port,
    tls: view.tls,
    mechanism: view.mechanism,
    credential: view.credential,
    login: view.login,
    from: view.from,
    from_name: view.fromName,
    ca: view.ca,
    is_default: view.isDefault,
    created_at: iso(view.createdAt),
    updated_at: iso(view.updatedAt),
    revision: view.revision,
  }
}

export function toNewSender(body: Body<EndpointOf<'createSender'>>): NewSender {
  return { ...toSenderChange(body), name: body.name, host: body.host, from: body.from }
}

export function toSenderChange(body: Body<EndpointOf<'changeSender'>>): Partial<NewSender> {
  return withoutUndefined({
    name: body.name,
    host: body.host,
    port: body.port,
    tls: body.tls,
    mechanism: body.mechanism,
    credential: body.credential,
    login: body.login,
    from: body.from,
    fromName: body.from_name,
    ca: body.ca,
    isDefault: body.is_default,
  })
}

export function toNewMessage(body: Body<EndpointOf<'sendMessage'>>): NewMessage {
  return withoutUndefined({
    sender: body.sender,
    from: body.from,
    to: body.to,
    cc: body.cc,
    bcc: body.bcc,
    replyTo: body.reply_to,
    subject: body.subject,
    text: body.text,
    html: body.html,
    headers: body.headers,
    attachments: body.attachments?.map((file) => withoutUndefined({
      filename: file.filename, contentType: file.content_type, content: file.content, inlineId: file.inline_id,
    })),
  })
}

export function messageBody(view: MessageView): Reply<'getMessage'> {
  return {
    id: view.id,
    sender: view.sender,
    status: view.status,
    message_id: view.messageId,
    subject: view.subject,
    from: view.from,
    recipients: view.recipients,
    size: view.size,
    attempts: view.attempts,
    next_attempt_at: isoOrNull(view.nextAttemptAt),
    problem: view.problem && { code: view.problem.code, message: view.problem.message, next_step: view.problem.nextStep, reply: view.problem.reply },
    created_at: iso(view.createdAt),
    created_by: view.createdBy,
    sent_at: isoOrNull(view.sentAt),
  }
}

export function auditBody(view: AuditView): Reply<'listAudit'>['items'][number] {
  return {
    seq: view.seq,
    at: iso(view.at),
    actor: view.actor,
    action: view.action,
    subject: view.subject,
    outcome: view.outcome,
    reason: view.reason,
    address: view.address,
    detail: view.detail,
    hash: view.hash,
  }
}

export function eventBody(event: Event): Reply<'streamEvents'> {
  return { seq: event.seq, at: iso(event.at), type: event.type, subject: event.subject, data: event.data }
}

export function rotationBody(view: RotationView): Reply<'getRotation'> {
  return {
    state: view.state,
    newest_version: view.newestVersion,
    versions: view.versions.map((one) => ({
      version: one.version, fingerprint: one.fingerprint, data_keys: one.dataKeys, created_at: iso(one.createdAt), retired_at: isoOrNull(one.retiredAt),
    })),
    rewrapped: view.rewrapped,
    remaining: view.remaining,
    started_at: isoOrNull(view.startedAt),
    finished_at: isoOrNull(view.finishedAt),
    problem: view.problem && { code: view.problem.code, detail: view.problem.detail, next_step: view.problem.nextStep },
  }
}

type Defined<Value> = { [Key in keyof Value]: Exclude<Value[Key], undefined> }

/** Leaves out what was not given: a field that is absent and one that is undefined must mean the same. */
function withoutUndefined<Value extends object>(value: Value): Defined<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Defined<Value>
}
