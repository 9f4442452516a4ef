import type { Diagnosis } from '../base/diagnosis.ts'
import type { Secret } from '../base/secret.ts'

export const credentialKinds = ['oauth2', 'api_key', 'basic'] as const
export type CredentialKind = (typeof credentialKinds)[number]

export const grantTypes = ['authorization_code', 'device_code', 'client_credentials', 'jwt_bearer'] as const
export type GrantType = (typeof grantTypes)[number]

export const credentialStatuses = ['incomplete', 'ready', 'expiring', 'retrying', 'needs_consent', 'misconfigured', 'paused'] as const
export type CredentialStatus = (typeof credentialStatuses)[number]

/** The button beside a status, and the sentence that says the same. */
export type NextStep = { action: 'finish' | 'connect' | 'reconnect' | 'renew_secret' | 'retry' | 'fix' | 'resume'; text: string }

/** What a grant needs beyond scopes: all optional, all public. */
export type CredentialOptions = {
  /** `standard` unless told; the catalogue says which a provider has. */
  variant?: 'standard' | 'microsoft_compatible' | 'google_compatible'
  audience?: string
  resource?: string[]
  /** Whom a `jwt_bearer` credential acts for: the `sub` claim, such as a mailbox. */
  actFor?: string
  /** Values of the provider's placeholders where they differ from the registration's. */
  placeholders?: Record<string, string>
  authorizeParameters?: Record<string, string>
  tokenParameters?: Record<string, string>
  loginHint?: string
  /** The access token's life in seconds where the provider does not say. */
  assumedLifetime?: number
  /** Seconds after which each consent ends whatever is renewed, where the provider does not say: a week for a Google app in testing. */
  consentLifetime?: number
}

/** What anybody with the right `read` may know about a credential. Never a secret. */
export type CredentialView = {
  id: string
  name: string
  kind: CredentialKind
  grant: GrantType | null
  registration: { id: string; name: string } | null
  provider: { id: string; name: string } | null
  description: string
  username: string | null
  subject: string | null
  scopes: string[]
  grantedScopes: string[] | null
  /** Asked for, but not granted. */
  missingScopes: string[]
  options: CredentialOptions
  allowedHosts: string[]
  tags: string[]
  status: CredentialStatus
  reason: { code: string; message: string } | null
  nextStep: NextStep | null
  /** What the reason means and what to do. */
  diagnosis: Diagnosis | null
  since: number
  /** When it stops working unless a person acts; null: no end is known. */
  until: number | null
  /** Nobody is told of it until then; null: told as usual. */
  snoozedUntil: number | null
  tokenExpiresAt: number | null
  tokenObtainedAt: number | null
  refreshTokenExpiresAt: number | null
  refreshDueAt: number | null
  hasSecret: boolean
  hasRefreshToken: boolean
  lastUsedAt: number | null
  lastUsedBy: { id: string; name: string } | null
  /** The three that used it last, and how many ever did; and the saved actions that name it, by themselves or by their sender. */
  usedBy: { items: { id: string; name: string }[]; count: number; actions: { id: string; name: string }[] }
  lastUseOutcome: 'ok' | 'issue' | null
  lastSuccessAt: number | null
  createdAt: number
  updatedAt: number
  revision: number
}

export type NewRegistration = {
  name: string
  /** Id of a provider in the catalogue or of the user's own. */
  provider: string
  placeholders?: Record<string, string>
  clientId: string
  /** Id of a popular configuration that the client ID is from. */
  popular?: string
  /** The provider's first method unless told. */
  clientAuth?: ClientAuth
  clientSecret?: Secret
  /** PKCS #8 PEM. */
  privateKey?: Secret
  privateKeyId?: string
  /** PEM of the certificate that belongs to the key. */
  certificate?: string
  secretExpiresAt?: number
}

export type RegistrationChange = Partial<Omit<NewRegistration, 'provider'>>

export const clientAuths = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const
export type ClientAuth = (typeof clientAuths)[number]

export type RegistrationView = {
  id: string
  name: string
  provider: { id: string; name: string }
  placeholders: Record<string, string>
  clientId: string
  clientAuth: ClientAuth
  hasClientSecret: boolean
  hasPrivateKey: boolean
  privateKeyId: string | null
  certificate: { thumbprint: string; expiresAt: number } | null
  secretExpiresAt: number | null
  /** What to register at the provider, exactly as it stands. */
  redirectUri: string
  /** Whether browsers come back here by it; otherwise the answer is pasted by hand. */
  ownRedirect: boolean
  credentials: number
  createdAt: number
  updatedAt: number
  revision: number
}

export type NewCredential = {
  name: string
  kind: CredentialKind
  grant?: GrantType
  /** Id or name of a registration, or a new one made with the credential. */
  registration?: string | NewRegistration
  description?: string
  username?: string
  scopes?: string[]
  options?: CredentialOptions
  /** Those of the provider unless told. */
  allowedHosts?: string[]
  tags?: string[]
  /** The API key, or the password of `basic`. */
  secret?: Secret
  /** A refresh token that another program got for the same registration. */
  refreshToken?: Secret
  /** Content of a JSON file of Google: client_secret*.json, a service-account key, or an authorized_user file. */
  googleJson?: Secret
  /** Only from an export of Keybearer: the provider's own name of the account. */
  subject?: string
  /** Only from an export of Keybearer: a token that lives on without a refresh token. */
  accessToken?: ImportedToken
  /** Only from an export of Keybearer. */
  paused?: boolean
}

export type ImportedToken = {
  token: Secret
  tokenType: string
  obtainedAt: number | null
  expiresAt: number | null
  scope: string[] | null
  extra: Record<string, string>
}

/** What may be changed; a field left out stays. Changing host-like values without their secret removes the secret (N5). */
export type CredentialChange = {
  name?: string
  description?: string
  username?: string | null
  scopes?: string[]
  options?: CredentialOptions
  allowedHosts?: string[]
  tags?: string[]
  secret?: Secret
  registration?: string
}

/** What the caller may not do, although it may manage credentials; whoever knows its rights decides. */
export type Limits = {
  /**
   * Whether hosts may be added that tokens go to. Whoever can do that can have a token sent to himself, so that it is for
   * those who may read the token anyway. Yes unless told.
   */
  mayWidenHosts?: boolean
}

/** What a list can be sorted by; a hyphen turns it round. `status` begins with what needs a person first. */
export const credentialSorts = ['name', '-name', 'created', '-created', 'status', '-status', 'until', '-until', 'last_used', '-last_used'] as const
export type CredentialSort = (typeof credentialSorts)[number]

export type CredentialMatch = {
  search?: string
  status?: CredentialStatus[]
  /** Only those that a person should look at: the key icon is highlighted for them. */
  attention?: boolean
  kind?: CredentialKind
  provider?: string
  registration?: string
  tag?: string
  /** The user, mostly a mail address. */
  account?: string
  /** Id or name of an access key that has used it. */
  usedBy?: string
  createdBefore?: number
  /** Not used since then, and older than that. */
  unusedSince?: number
  /** Only these ids; left out: all. */
  visible?: string[]
}

export type CredentialFilter = CredentialMatch & { sort?: CredentialSort; cursor?: string; limit?: number }

export type CredentialCounts = { byStatus: Record<CredentialStatus, number>; byKind: Record<CredentialKind, number>; total: number }

/** Uses of one day in UTC, such as `2026-11-25`. */
export type UsageDay = { day: string; ok: number; issue: number }

export type Page<Item> = { items: Item[]; next: string | null }

/** What a hand-out gives. It is recorded before it is returned. */
export type HandedOut = {
  credential: { id: string; name: string; username: string | null }
  /** `Bearer` for oauth2, `ApiKey` for api_key, `Basic` for basic (then the token is base64 of user:password). */
  tokenType: string
  accessToken: Secret
  expiresAt: number | null
  scope: string[] | null
  /** What the provider said beside the token, such as the host of the account. */
  facts: Record<string, string>
  /** Changes with every new token: pass it back as `refusedGeneration` when a server refused this token. */
  generation: number
}

export type Purpose = 'token' | 'mail' | 'request' | 'test'

export type ConsentMode = 'browser' | 'link' | 'paste' | 'device'
export type ConsentOrder = {
  mode: ConsentMode
  allowOtherAccount?: boolean
  /** The session of the signed-in person who starts it. */
  sessionId?: string | null
}
export type ConsentStatus = 'waiting' | 'exchanging' | 'done' | 'failed' | 'expired'

export type ConsentView = {
  id: string
  credential: { id: string; name: string }
  mode: ConsentMode
  status: ConsentStatus
  /** Only in the answer to the start, never again. */
  authorizationUrl: string | null
  /** The link to send to somebody; only in the answer to the start, never again. */
  link: string | null
  userCode: string | null
  verificationUri: string | null
  verificationUriComplete: string | null
  startedBy: string
  createdAt: number
  /** Seconds the caller should wait between two looks. */
  interval: number
  expiresAt: number
  problem: { code: string; detail: string; nextStep: string; diagnosis: Diagnosis | null } | null
}

export type TestStep = { name: string; ok: boolean; message: string; nextStep: string | null; diagnosis?: Diagnosis | null }
export type TestReport = { ok: boolean; credential: { id: string; name: string }; steps: TestStep[] }

/** What became of the tokens at the provider. */
export type RevocationResult = { outcome: 'revoked' | 'not_supported' | 'will_retry' | 'nothing_to_revoke' | 'failed'; message: string }

export type UsageView = { accessKey: { id: string; name: string }; firstAt: number; lastAt: number; count: number; lastOutcome: 'ok' | 'issue' }
