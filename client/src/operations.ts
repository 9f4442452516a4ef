// Made from the contract by "npm run generate": do not edit.

/** What went wrong and what to do (RFC 9457) */
export type Problem = { type: string; title: string; status: number; code: string; detail: string; next_step: string; request_id: string; errors?: { path: string; message: string }[]; retry_after?: number; facts?: Record<string, string | number | boolean | null>; diagnosis?: Diagnosis }

/** What a failure means and what to do, in words for a person. It is advice: programs go by `code` and `status` */
export type Diagnosis = { id: string; title: string; meaning: string; causes: string[]; fix: string[]; who: "you" | "owner" | "admin" | "nobody"; action: "retry" | "reauthorize" | "fix_config" | "admin" | "rate_limit" | "none"; retry: "permanent" | "transient" | "needs_reconsent" | "needs_admin"; source: string }

export type CredentialCounts = { by_status: { incomplete: number; ready: number; expiring: number; retrying: number; needs_consent: number; misconfigured: number; paused: number }; by_kind: { oauth2: number; api_key: number; basic: number }; total: number }

export type HistoryPage = { items: HistoryRecord[]; next: string | null }

export type HistoryRecord = { seq: number; at: string; action: "service.started" | "service.locked" | "service.unlocked" | "credential.created" | "credential.changed" | "credential.deleted" | "credential.restored" | "credential.purged" | "credential.imported" | "credential.exported" | "credential.paused" | "credential.resumed" | "emergency_stop.begun" | "emergency_stop.undone" | "credential.tested" | "credential.examined" | "credential.refreshed" | "credential.ended" | "credential.revoked" | "credential.connected" | "consent.started" | "consent.opened" | "consent.browser_refused" | "consent.failed" | "consent.withdrawn" | "token.handed_out" | "registration.created" | "registration.changed" | "registration.deleted" | "provider.created" | "provider.changed" | "provider.deleted" | "provider.discovered" | "access_key.created" | "access_key.delivered" | "access_key.delivery_refused" | "access_key.revoked" | "access_key.stopped" | "access_key.resumed" | "access_key.unusual" | "access_key.refused" | "api.refused" | "session.refused" | "person.set_up" | "person.invited" | "person.invitation_opened" | "person.joined" | "person.changed" | "person.deleted" | "person.signed_in" | "person.sign_in_refused" | "person.confirmed" | "person.signed_out" | "person.session_ended" | "person.password_changed" | "person.passkey_added" | "person.passkey_removed" | "audit.read" | "audit.exported" | "audit.verified" | "audit.resumed" | "sender.created" | "sender.changed" | "sender.deleted" | "mail_options.changed" | "credential.snoozed" | "webhook.created" | "webhook.changed" | "webhook.secret_renewed" | "webhook.deleted" | "webhook.tested" | "webhook.disabled" | "message.accepted" | "message.sent" | "message.failed" | "message.retried" | "message.resent" | "message.forgotten" | "message.cancelled" | "request.sent" | "action.created" | "action.changed" | "action.deleted" | "action.schedule_set" | "action.schedule_removed" | "action.skipped" | "action.webhook_made" | "action.webhook_removed" | "action.webhook_refused" | "action.accepted" | "action.run" | "backup.made" | "backup.restored" | "master_key.rotated"; outcome: "done" | "refused" | "failed"; reason: string | null; actor: Named; detail: Record<string, unknown> }

/** Something by its id and name */
export type Named = { id: string; name: string }

export type UsageDayPage = { items: UsageDay[]; next: string | null }

export type UsageDay = { day: string; ok: number; issue: number }

export type CredentialPage = { items: Credential[]; next: string | null }

/** What may be known about a credential; never a secret */
export type Credential = { id: string; name: string; kind: "oauth2" | "api_key" | "basic"; grant: "authorization_code" | "device_code" | "client_credentials" | "jwt_bearer" | null; registration: Named | null; provider: Named | null; description: string; username: string | null; subject: string | null; scopes: string[]; granted_scopes: string[] | null; missing_scopes: string[]; options: CredentialOptions; allowed_hosts: string[]; tags: string[]; status: "incomplete" | "ready" | "expiring" | "retrying" | "needs_consent" | "misconfigured" | "paused"; reason: { code: string; message: string } | null; next_step: NextStep | null; diagnosis: Diagnosis | null; since: string; until: string | null; snoozed_until: string | null; token_expires_at: string | null; token_obtained_at: string | null; refresh_token_expires_at: string | null; refresh_due_at: string | null; has_secret: boolean; has_refresh_token: boolean; last_used_at: string | null; last_used_by: Named | null; used_by: { items: Named[]; count: number; actions: Named[] }; last_use_outcome: "ok" | "issue" | null; last_success_at: string | null; created_at: string; updated_at: string; revision: number }

export type CredentialOptions = { variant?: "standard" | "microsoft_compatible" | "google_compatible"; audience?: string; resource?: string[]; act_for?: string; placeholders?: Record<string, string>; authorize_parameters?: Record<string, string>; token_parameters?: Record<string, string>; login_hint?: string; consent_lifetime?: number; assumed_lifetime?: number }

/** What a person should do, as a word for a button and as a sentence */
export type NextStep = { action: "finish" | "connect" | "reconnect" | "renew_secret" | "retry" | "fix" | "resume"; text: string }

export type NewCredential = { name: string; kind?: "oauth2" | "api_key" | "basic"; grant?: "authorization_code" | "device_code" | "client_credentials" | "jwt_bearer"; registration?: string | NewRegistration; description?: string; username?: string; scopes?: string[]; options?: CredentialOptions; allowed_hosts?: string[]; tags?: string[]; secret?: string; refresh_token?: string; google_json?: Record<string, unknown> }

export type NewRegistration = { name: string; provider: string; placeholders?: Record<string, string>; client_id: string; popular?: string; client_auth?: "client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none"; client_secret?: string; private_key?: string; private_key_id?: string; certificate?: string; secret_expires_at?: string }

/** A field left out stays as it is */
export type CredentialChange = { name?: string; description?: string; username?: string | null; scopes?: string[]; options?: CredentialOptions; allowed_hosts?: string[]; tags?: string[]; secret?: string; registration?: string }

export type DeletedCredential = { revocation: Revocation; restorable_until: string | null }

/** What became of the tokens at the provider */
export type Revocation = { outcome: "revoked" | "not_supported" | "will_retry" | "nothing_to_revoke" | "failed"; message: string }

export type TokenOrder = { min_ttl_seconds?: number }

export type Token = { access_token: string; token_type: string; expires_at: string | null; expires_in: number | null; scope: string | null; credential: { id: string; name: string; username: string | null }; facts?: Record<string, string> }

export type TestReport = { ok: boolean; credential: Named; steps: { name: string; ok: boolean; message: string; next_step: string | null; diagnosis: Diagnosis | null }[] }

export type Examination = { ok: boolean; credential: Named; steps: { name: string; outcome: "ok" | "warning" | "failed" | "skipped"; message: string; next_step: string | null; diagnosis: Diagnosis | null }[] }

export type RevokedCredential = { revocation: Revocation; credential: Credential }

export type UsagePage = { items: Usage[]; next: string | null }

export type Usage = { access_key: Named; first_at: string; last_at: string; count: number; last_outcome: "ok" | "issue" }

export type RestorableCredentialPage = { items: RestorableCredential[]; next: string | null; days: number }

/** A credential that was deleted: nobody can use it, and until then it can be restored */
export type RestorableCredential = { id: string; name: string; kind: "oauth2" | "api_key" | "basic"; grant: "authorization_code" | "device_code" | "client_credentials" | "jwt_bearer" | null; username: string | null; registration: string | null; has_secret: boolean; deleted_at: string; deleted_by: Named; restorable_until: string }

export type RestoreCredential = { name?: string }

export type NewEmergencyStop = { match: CredentialMatch; everything?: true; revoke: boolean; reason?: string }

/** Credentials that fit all of it */
export type CredentialMatch = { search?: string; kind?: "oauth2" | "api_key" | "basic"; provider?: string; registration?: string; tag?: string; account?: string; used_by?: string; status?: ("incomplete" | "ready" | "expiring" | "retrying" | "needs_consent" | "misconfigured" | "paused")[]; created_before?: string; unused_since?: string }

/** A stop of many credentials in one action, and how far it is */
export type EmergencyStop = { id: string; match: CredentialMatch; revoke: boolean; reason: string; created_by: Named; created_at: string; undone_at: string | null; total: number; counts: { stopped: number; waiting: number; revoking: number; revoked: number; not_revoked: number }; done: boolean }

export type EmergencyStopPage = { items: EmergencyStop[]; next: string | null }

export type StoppedCredentialPage = { items: StoppedCredential[]; next: string | null }

export type StoppedCredential = { credential: Named; state: "stopped" | "waiting" | "revoking" | "revoked" | "not_revoked"; message: string | null; updated_at: string }

export type UndoneEmergencyStop = { resumed: number }

export type ExportOrder = { credentials?: string[]; secrets: "none" | "encrypted"; passphrase?: string }

export type ExportedFile = { file_name: string; content: string; count: number }

export type ImportOrder = { content: string; passphrase?: string; on_clash: "skip" | "rename" | "replace"; dry_run?: boolean; format?: "auto" | "keybearer" | "google" | "email_oauth2_proxy" | "rclone" | "mutt_oauth2" | "csv" }

export type ImportResult = { format: "keybearer" | "google" | "email_oauth2_proxy" | "rclone" | "mutt_oauth2" | "csv"; applied: boolean; items: ImportItem[] }

export type ImportItem = { name: string; kind: "oauth2" | "api_key" | "basic" | null; provider: string | null; action: "create" | "skip" | "rename" | "replace" | "refused"; final_name: string | null; problem: { code: string; detail: string; next_step: string } | null; notes: string[] }

export type ConsentStart = { mode: "browser" | "link" | "paste" | "device"; allow_other_account?: boolean }

/** One attempt of a person to authorize a credential */
export type Consent = { id: string; credential: Named; mode: "browser" | "link" | "paste" | "device"; status: "waiting" | "exchanging" | "done" | "failed" | "expired"; authorization_url: string | null; link: string | null; user_code: string | null; verification_uri: string | null; verification_uri_complete: string | null; started_by: string; created_at: string; interval: number; expires_at: string; problem: { code: string; detail: string; next_step: string; diagnosis: Diagnosis | null } | null }

export type Consents = { items: Consent[]; next: null }

export type ConsentAnswer = { redirect_url: string }

export type RegistrationPage = { items: Registration[]; next: string | null }

/** An OAuth client registration; never its secrets */
export type Registration = { id: string; name: string; provider: Named; placeholders: Record<string, string>; client_id: string; client_auth: "client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none"; has_client_secret: boolean; has_private_key: boolean; private_key_id: string | null; certificate: { thumbprint: string; expires_at: string } | null; secret_expires_at: string | null; redirect_uri: string; own_redirect: boolean; credentials: number; created_at: string; updated_at: string; revision: number }

/** A field left out stays as it is */
export type RegistrationChange = { name?: string; placeholders?: Record<string, string>; client_id?: string; client_auth?: "client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none"; client_secret?: string; private_key?: string; private_key_id?: string; certificate?: string; secret_expires_at?: string }

export type ProviderUpdate = { kept_version: number; version: number | null; digest: string | null; differences: { field: string; before: string | null; after: string | null }[]; moves_secrets: boolean }

export type AcceptedUpdate = { digest: string; client_secret?: string; private_key?: string }

export type PopularConfigurations = { enabled: boolean; items: PopularConfiguration[] }

export type PopularConfiguration = { id: string; app: string; variant: string | null; repository: string; source: string; seen: string; provider: Named; placeholders: Record<string, string>; purposes: string[]; client_id: string; redirect_uri: string | null; redirect: "loopback" | "provider_page" | "none"; ways: ("paste" | "device")[]; needs_secret: boolean; scopes: string[]; statement: string }

export type ProviderPage = { items: ProviderSummary[]; next: string | null }

export type ProviderSummary = { id: string; name: string; own: boolean; category: string | null; docs_url: string | null; grants: string[]; client_auths: string[]; placeholders: string[]; version: number; domains: string[]; sends_mail: boolean; sources: number | null }

export type DetectedProviders = { domain: string; items: { provider: ProviderSummary; by: "domain" | "mail_exchanger" }[]; mail_exchangers: string[] | null; password_mail: { name: string; host: string; port: number; tls: "implicit" | "starttls"; login: "address" | "local_part"; password: "app" | "account" } | null }

/** A description of a provider; what has a default may be left out */
export type NewProvider = { '$schema'?: string; id: string; version: number; name: string; category?: string; docs_url?: string; console_url?: string; notes?: string; sources?: number; domains?: string[]; mail_exchangers?: string[]; issuer?: string; discovery_url?: string; iss_parameter?: "required" | "optional" | "absent"; authorization_endpoint?: string; pushed_authorization_request_endpoint?: string; require_pushed_authorization_requests?: boolean; token_endpoint: string; refresh_endpoint?: string; revocation_endpoint?: string; device_authorization_endpoint?: string; userinfo_endpoint?: string; jwks_uri?: string; placeholders?: Record<string, { title: string; meaning: string; example: string; kind?: "part" | "host" | "url"; pattern?: string; values?: string[]; default?: string; where?: string }>; grants: ("authorization_code" | "device_code" | "client_credentials" | "jwt_bearer")[]; variants?: ("standard" | "microsoft_compatible" | "google_compatible")[]; pkce?: "S256" | "hex" | "refused"; client_auth: ("client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none")[]; basic_raw?: boolean; basic_pair?: "id_and_secret" | "secret_only"; public_basic?: boolean; assertion_audience?: "token_endpoint" | "issuer"; assertion_algorithm?: "RS256" | "PS256"; assertion_claims?: Record<string, string>; scope_separator?: string; scope_separator_raw?: boolean; default_scopes?: string[]; scopes?: { scope: string; meaning: string }[]; scope_sets?: { title: string; meaning: string; scopes: string[]; grants?: ("authorization_code" | "device_code" | "client_credentials" | "jwt_bearer")[] }[]; redirect_value?: string; parameters?: { authorize?: Record<string, string>; token?: Record<string, string>; refresh?: Record<string, string>; device?: Record<string, string>; poll?: Record<string, string>; revoke?: Record<string, string> }; rename?: { authorize?: Record<string, string>; token?: Record<string, string>; refresh?: Record<string, string>; device?: Record<string, string>; poll?: Record<string, string>; revoke?: Record<string, string> }; leave_out?: { authorize?: string[]; token?: string[]; refresh?: string[]; device?: string[]; poll?: string[]; revoke?: string[] }; authorize_order?: string[]; grant_types?: { authorization_code?: string; refresh_token?: string; device_code?: string; client_credentials?: string }; token_request?: { method?: "POST" | "GET"; format?: "form" | "json" | "query"; headers?: Record<string, string> }; refresh_request?: { method?: "POST" | "GET"; format?: "form" | "json" | "query"; headers?: Record<string, string>; client?: boolean; sends?: "refresh_token" | "access_token"; as?: "parameter" | "bearer" }; repeat_on_refresh?: ("redirect_uri" | "scope")[]; revocation_request?: { method?: "POST" | "GET" | "DELETE"; format?: "form" | "json" | "query"; headers?: Record<string, string>; proof?: "client" | "client_basic" | "bearer" | "none"; tokens?: "both" | "refresh_token" | "access_token" }; exchange?: { endpoint: string; method?: "POST" | "GET"; format?: "form" | "json" | "query"; headers?: Record<string, string>; grant_type: string; token?: string; parameters?: Record<string, string>; client?: boolean }; lookups?: { method?: "GET" | "POST"; url: string; headers?: Record<string, string>; keep: Record<string, string> }[]; callback?: { code?: string; code_suffix?: string; scope?: string; keep?: string[]; send_back?: string[]; denied?: string[]; token_host?: { parameter: string; hosts: string[] } }; token_answer?: { access_token?: string[]; refresh_token?: string[]; expires_in?: string[]; expires_at?: string[]; refresh_token_expires_in?: string[]; scope?: string[]; expires_in_unit?: "s" | "ms"; keep?: string[]; token_types?: string[]; error?: string[]; error_description?: string[]; errors?: { consent?: string[]; client?: string[]; retry?: string[] } }; api?: { header?: string; value?: string; headers?: Record<string, string> }; lifetimes?: { access_token?: number; refresh_token?: number; refresh_token_idle?: number; testing_consent?: number; client_secret?: number; earliest_refresh?: number; remarks?: string[] }; refresh_token?: "rotates" | "stays" | "may_rotate" | "none" | "unknown"; offline_hint?: string; account?: { claims?: string[]; subject?: string; source?: "openid" | "userinfo" | "token_answer" | "callback" }; hosts?: string[]; mail?: { smtp?: { host: string; port: number; tls: "implicit" | "starttls"; mechanisms: ("XOAUTH2" | "OAUTHBEARER" | "PLAIN" | "LOGIN")[]; scopes?: string[] }[]; imap?: { host: string; port: number; tls: "implicit" | "starttls"; mechanisms: ("XOAUTH2" | "OAUTHBEARER" | "PLAIN" | "LOGIN")[]; scopes?: string[] }[]; pop?: { host: string; port: number; tls: "implicit" | "starttls"; mechanisms: ("XOAUTH2" | "OAUTHBEARER" | "PLAIN" | "LOGIN")[]; scopes?: string[] }[] }; mail_apis?: { kind: "graph" | "gmail"; host: string; scopes: string[] }[]; test_request?: { method?: "GET" | "POST"; url: string; headers?: Record<string, string>; body?: string; scopes?: string[]; expect?: { member: string; value: string } }; redirect_rules?: string[]; revocation_hint?: string; fields?: { client_id?: { title?: string; meaning?: string; where?: string; example?: string }; client_secret?: { title?: string; meaning?: string; where?: string; example?: string }; private_key?: { title?: string; meaning?: string; where?: string; example?: string }; redirect_uri?: { title?: string; meaning?: string; where?: string; example?: string } }; guides?: { guide: string; section?: string; steps: ("what" | "client" | "scopes" | "consent" | "name" | "test")[]; grants?: ("authorization_code" | "device_code" | "client_credentials" | "jwt_bearer")[]; client_auth?: ("client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none")[] }[] }

export type ProviderDetails = { id: string; name: string; own: boolean; revision: number | null; description: Provider }

/** The whole description of a provider, defaults filled in */
export type Provider = { '$schema'?: string; id: string; version: number; name: string; category?: string; docs_url?: string; console_url?: string; notes?: string; sources?: number; domains: string[]; mail_exchangers: string[]; issuer?: string; discovery_url?: string; iss_parameter: "required" | "optional" | "absent"; authorization_endpoint?: string; pushed_authorization_request_endpoint?: string; require_pushed_authorization_requests: boolean; token_endpoint: string; refresh_endpoint?: string; revocation_endpoint?: string; device_authorization_endpoint?: string; userinfo_endpoint?: string; jwks_uri?: string; placeholders: Record<string, { title: string; meaning: string; example: string; kind: "part" | "host" | "url"; pattern?: string; values?: string[]; default?: string; where?: string }>; grants: ("authorization_code" | "device_code" | "client_credentials" | "jwt_bearer")[]; variants: ("standard" | "microsoft_compatible" | "google_compatible")[]; pkce: "S256" | "hex" | "refused"; client_auth: ("client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none")[]; basic_raw: boolean; basic_pair: "id_and_secret" | "secret_only"; public_basic: boolean; assertion_audience: "token_endpoint" | "issuer"; assertion_algorithm: "RS256" | "PS256"; assertion_claims: Record<string, string>; scope_separator: string; scope_separator_raw: boolean; default_scopes: string[]; scopes: { scope: string; meaning: string }[]; scope_sets: { title: string; meaning: string; scopes: string[]; grants?: ("authorization_code" | "device_code" | "client_credentials" | "jwt_bearer")[] }[]; redirect_value?: string; parameters: { authorize: Record<string, string>; token: Record<string, string>; refresh: Record<string, string>; device: Record<string, string>; poll: Record<string, string>; revoke: Record<string, string> }; rename: { authorize: Record<string, string>; token: Record<string, string>; refresh: Record<string, string>; device: Record<string, string>; poll: Record<string, string>; revoke: Record<string, string> }; leave_out: { authorize: string[]; token: string[]; refresh: string[]; device: string[]; poll: string[]; revoke: string[] }; authorize_order: string[]; grant_types: { authorization_code?: string; refresh_token?: string; device_code?: string; client_credentials?: string }; token_request: { method: "POST" | "GET"; format: "form" | "json" | "query"; headers: Record<string, string> }; refresh_request?: { method: "POST" | "GET"; format: "form" | "json" | "query"; headers: Record<string, string>; client: boolean; sends: "refresh_token" | "access_token"; as: "parameter" | "bearer" }; repeat_on_refresh: ("redirect_uri" | "scope")[]; revocation_request: { method: "POST" | "GET" | "DELETE"; format: "form" | "json" | "query"; headers: Record<string, string>; proof: "client" | "client_basic" | "bearer" | "none"; tokens: "both" | "refresh_token" | "access_token" }; exchange?: { endpoint: string; method: "POST" | "GET"; format: "form" | "json" | "query"; headers: Record<string, string>; grant_type: string; token: string; parameters: Record<string, string>; client: boolean }; lookups: { method: "GET" | "POST"; url: string; headers: Record<string, string>; keep: Record<string, string> }[]; callback: { code: string; code_suffix?: string; scope?: string; keep: string[]; send_back: string[]; denied: string[]; token_host?: { parameter: string; hosts: string[] } }; token_answer: { access_token: string[]; refresh_token: string[]; expires_in: string[]; expires_at: string[]; refresh_token_expires_in: string[]; scope: string[]; expires_in_unit: "s" | "ms"; keep: string[]; token_types: string[]; error: string[]; error_description: string[]; errors: { consent: string[]; client: string[]; retry: string[] } }; api: { header: string; value: string; headers: Record<string, string> }; lifetimes: { access_token?: number; refresh_token?: number; refresh_token_idle?: number; testing_consent?: number; client_secret?: number; earliest_refresh?: number; remarks: string[] }; refresh_token: "rotates" | "stays" | "may_rotate" | "none" | "unknown"; offline_hint?: string; account: { claims: string[]; subject: string; source: "openid" | "userinfo" | "token_answer" | "callback" }; hosts: string[]; mail?: { smtp: { host: string; port: number; tls: "implicit" | "starttls"; mechanisms: ("XOAUTH2" | "OAUTHBEARER" | "PLAIN" | "LOGIN")[]; scopes?: string[] }[]; imap: { host: string; port: number; tls: "implicit" | "starttls"; mechanisms: ("XOAUTH2" | "OAUTHBEARER" | "PLAIN" | "LOGIN")[]; scopes?: string[] }[]; pop: { host: string; port: number; tls: "implicit" | "starttls"; mechanisms: ("XOAUTH2" | "OAUTHBEARER" | "PLAIN" | "LOGIN")[]; scopes?: string[] }[] }; mail_apis: { kind: "graph" | "gmail"; host: string; scopes: string[] }[]; test_request?: { method: "GET" | "POST"; url: string; headers: Record<string, string>; body?: string; scopes?: string[]; expect?: { member: string; value: string } }; redirect_rules: string[]; revocation_hint?: string; fields: { client_id?: { title?: string; meaning?: string; where?: string; example?: string }; client_secret?: { title?: string; meaning?: string; where?: string; example?: string }; private_key?: { title?: string; meaning?: string; where?: string; example?: string }; redirect_uri?: { title?: string; meaning?: string; where?: string; example?: string } }; guides: { guide: string; section?: string; steps: ("what" | "client" | "scopes" | "consent" | "name" | "test")[]; grants?: ("authorization_code" | "device_code" | "client_credentials" | "jwt_bearer")[]; client_auth?: ("client_secret_basic" | "client_secret_post" | "private_key_jwt" | "none")[] }[] }

export type Discovery = { issuer: string; id?: string; name?: string }

export type DiscoveredProvider = { description: Provider; warnings: string[] }

export type AccessKeyPage = { items: AccessKey[]; next: string | null }

/** What an automation calls Keybearer with; never the key itself */
export type AccessKey = { id: string; name: string; hint: string; permissions: { credential: string; rights: ("read" | "token" | "mail" | "request")[] }[]; administration: ("manage" | "keys" | "audit" | "persons" | "purge" | "calendar")[]; actions: string[]; networks: string[]; mail_limits: { messages_per_hour: number | null; recipients_per_message: number | null; bytes_per_message: number | null } | null; expires_at: string | null; revoked_at: string | null; created_at: string; created_by: string; last_used_at: string | null; last_used_from: string | null; stopped_at: string | null; delivery: { status: "waiting" | "opened" | "expired"; expires_at: string; opened_at: string | null; opened_from: string | null; repeats: number } | null }

export type NewAccessKey = { name: string; permissions: Permission[]; administration?: ("manage" | "keys" | "audit" | "persons" | "purge" | "calendar")[]; actions?: string[]; networks?: string[]; mail_limits?: NewMailLimits | null; expires_at?: string; delivery_link?: boolean }

export type Permission = { credential: string; rights: ("read" | "token" | "mail" | "request")[] }

/** What the key may send at most, beside the limits of the service */
export type NewMailLimits = { messages_per_hour?: number | null; recipients_per_message?: number | null; bytes_per_message?: number | null }

export type MadeAccessKey = { access_key: AccessKey; key: string | null; delivery: { link: string; command: string; expires_at: string } | null }

export type Persons = { items: Person[]; next: null }

/** Somebody who may sign in to the web page */
export type Person = { id: string; name: string; role: "administrator" | "manager" | "viewer"; status: "active" | "invited" | "suspended"; passkeys: number; created_at: string; last_seen_at: string | null }

export type NewPerson = { name: string; role: "administrator" | "manager" | "viewer" }

export type InvitedPerson = { person: Person; link: string; expires_at: string }

export type PersonChange = { role?: "administrator" | "manager" | "viewer"; suspended?: boolean }

/** Who is signed in with the cookie of this browser */
export type Session = { person: { id: string; name: string; role: "administrator" | "manager" | "viewer" } | null; setup_needed: boolean; fresh_until: string | null; ways: SignInWays; expires_at: string | null }

/** How one signs in here, or proves oneself again */
export type SignInWays = { password: boolean; passkey: boolean; oidc: { title: string } | null }

export type SignIn = { name: string; password: string }

export type Confirmation = { password: string }

export type PasswordChange = { current: string; password: string }

export type Sessions = { items: OpenSession[]; next: null }

export type OpenSession = { id: string; current: boolean; created_at: string; last_seen_at: string; address: string | null; user_agent: string | null }

export type SetUp = { code: string; name: string; password: string }

export type InvitationCode = { code: string }

export type Invitation = { role: "administrator" | "manager" | "viewer"; name: string; invited_by: string; expires_at: string }

export type InvitationAnswer = { code: string; name: string; password: string }

export type PasskeyChallengeOrder = Record<string, never>

export type PasskeyChallenge = { challenge_id: string; options: PasskeyRequestOptions }

export type PasskeyRequestOptions = { challenge: string; rpId?: string; timeout?: number; userVerification?: "required" | "preferred" | "discouraged"; allowCredentials?: { id: string; type: string; transports?: string[] }[] }

export type PasskeySignIn = { challenge_id: string; response: PasskeyAssertion }

export type PasskeyAssertion = { id: string; rawId: string; type: "public-key"; authenticatorAttachment?: "platform" | "cross-platform"; clientExtensionResults: Record<string, unknown>; response: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle?: string } }

export type Passkeys = { items: Passkey[]; next: null }

/** What a person signs in with instead of a password */
export type Passkey = { id: string; name: string; created_at: string; last_used_at: string | null }

export type NewPasskeyOrder = Record<string, never>

export type NewPasskeyChallenge = { challenge_id: string; options: PasskeyCreationOptions }

export type PasskeyCreationOptions = { challenge: string; rp: { id?: string; name: string }; user: { id: string; name: string; displayName: string }; pubKeyCredParams: { alg: number; type: "public-key" }[]; timeout?: number; attestation?: "none" | "indirect" | "direct" | "enterprise"; excludeCredentials?: { id: string; type: string; transports?: string[] }[]; authenticatorSelection?: { residentKey?: "required" | "preferred" | "discouraged"; requireResidentKey?: boolean; userVerification?: "required" | "preferred" | "discouraged" } }

export type NewPasskey = { challenge_id: string; response: PasskeyAttestation; name: string }

export type PasskeyAttestation = { id: string; rawId: string; type: "public-key"; authenticatorAttachment?: "platform" | "cross-platform"; clientExtensionResults: Record<string, unknown>; response: { clientDataJSON: string; attestationObject: string; authenticatorData?: string; transports?: string[]; publicKeyAlgorithm?: number; publicKey?: string } }

export type SenderPage = { items: Sender[]; next: string | null }

/** A way to send mail */
export type Sender = { id: string; name: string; kind: "smtp" | "graph" | "gmail"; host: string; port: number; tls: "implicit" | "starttls" | "none"; mechanism: "auto" | "XOAUTH2" | "OAUTHBEARER" | "PLAIN" | "LOGIN" | "none"; credential: Named | null; login: string | null; from: string; from_name: string | null; takes_from: string[] | null; foreign_from: "refuse" | "rewrite" | "keep" | null; ca: string | null; is_default: boolean; created_at: string; updated_at: string; revision: number }

export type NewSender = { name: string; kind?: "smtp" | "graph" | "gmail"; host?: string; port?: number; tls?: "implicit" | "starttls" | "none"; mechanism?: "auto" | "XOAUTH2" | "OAUTHBEARER" | "PLAIN" | "LOGIN" | "none"; credential?: string | null; login?: string | null; from: string; from_name?: string | null; takes_from?: string[] | null; foreign_from?: "refuse" | "rewrite" | "keep" | null; ca?: string | null; is_default?: boolean }

/** A field left out stays as it is */
export type SenderChange = { name?: string; host?: string; port?: number; tls?: "implicit" | "starttls" | "none"; mechanism?: "auto" | "XOAUTH2" | "OAUTHBEARER" | "PLAIN" | "LOGIN" | "none"; credential?: string | null; login?: string | null; from?: string; from_name?: string | null; takes_from?: string[] | null; foreign_from?: "refuse" | "rewrite" | "keep" | null; ca?: string | null; is_default?: boolean }

export type SenderTest = { to: string }

export type SenderTestResult = { message: Message }

/** One outgoing mail; its content is not shown */
export type Message = { id: string; sender: Named; status: "queued" | "sending" | "sent" | "failed" | "cancelled"; message_id: string; subject: string; from: string; recipients: { address: string; state: "waiting" | "sent" | "refused"; reply: string | null; at: string | null }[]; priority: "high" | "normal" | "low"; size: number; attempts: number; next_attempt_at: string | null; problem: { code: string; message: string; next_step: string; reply: string | null; diagnosis: Diagnosis | null } | null; created_at: string; created_by: string; sent_at: string | null; sent_by: Named | null; route: { sender: Named; outcome: "sent" | "unreachable" | "refused" | "credential_not_ready" | "failed"; reason: string | null; at: string }[]; timeline: { what: "accepted" | "tried" | "retried" | "resent" | "cancelled" | "sent" | "failed"; at: string; by: string | null; sender: Named | null; outcome: "sent" | "unreachable" | "refused" | "credential_not_ready" | "failed" | null; reason: string | null; reply: string | null; times: number; last_at: string | null }[] }

export type NewMessage = { sender?: string; from?: string; to: string[]; cc?: string[]; bcc?: string[]; reply_to?: string; priority?: "high" | "normal" | "low"; subject: string; text?: string; html?: string; headers?: Record<string, string>; attachments?: { filename: string; content_type?: string; content: string; inline_id?: string }[] }

export type NewRawMessage = { mime: string; to?: string[]; priority?: "high" | "normal" | "low"; mail_from?: string; sender?: string }

export type MessagePage = { items: Message[]; next: string | null }

export type MessageResend = { sender: string }

export type MailOptions = { default_sender: Named | null; fallbacks: { sender: Named; when: ("unreachable" | "refused" | "credential_not_ready")[] }[]; notify: MailNotify }

/** Who is told of what by mail */
export type MailNotify = { to: string[]; events: ("credential.expiring" | "credential.broken" | "credential.recovered" | "access_key.expiring" | "access_key.unusual" | "message.failed" | "audit.blocked" | "backup.old" | "webhook.disabled")[]; daily: { hour: number; time_zone: string } | null; reminders: boolean }

export type NewMailOptions = { default_sender: string | null; fallbacks: { sender: string; when: ("unreachable" | "refused" | "credential_not_ready")[] }[]; notify: NewMailNotify }

/** Who is told of what by mail: at once and with reminders unless told */
export type NewMailNotify = { to: string[]; events: ("credential.expiring" | "credential.broken" | "credential.recovered" | "access_key.expiring" | "access_key.unusual" | "message.failed" | "audit.blocked" | "backup.old" | "webhook.disabled")[]; daily?: { hour: number; time_zone: string } | null; reminders?: boolean }

export type WebhookPage = { items: Webhook[]; next: string | null }

/** An address that is told what needs a person, by messages signed as Standard Webhooks says */
export type Webhook = { id: string; name: string; origin: string; events: ("credential.expiring" | "credential.broken" | "credential.recovered" | "access_key.expiring" | "access_key.unusual" | "message.failed" | "audit.blocked" | "backup.old" | "webhook.disabled")[]; enabled: boolean; disabled_reason: string | null; failing_since: string | null; failures: number; last_success_at: string | null; last_failure_at: string | null; last_error: string | null; created_at: string; updated_at: string; revision: number }

export type NewWebhook = { name: string; url: string; events: ("credential.expiring" | "credential.broken" | "credential.recovered" | "access_key.expiring" | "access_key.unusual" | "message.failed" | "audit.blocked" | "backup.old" | "webhook.disabled")[] }

export type MadeWebhook = { webhook: Webhook; secret: string }

/** A field left out stays as it is */
export type WebhookChange = { name?: string; url?: string; events?: ("credential.expiring" | "credential.broken" | "credential.recovered" | "access_key.expiring" | "access_key.unusual" | "message.failed" | "audit.blocked" | "backup.old" | "webhook.disabled")[]; enabled?: boolean }

export type WebhookTest = { ok: boolean; status: number | null; message: string; milliseconds: number }

export type Snooze = { until: string | null }

export type NewRequest = { credential: string; method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE"; url: string; headers?: Record<string, string>; query?: Record<string, string>; body?: { json: unknown } | { text: string } | { base64: string }; key_header?: string; timeout_seconds?: number; max_bytes?: number }

/** What the server answered */
export type RequestAnswer = { status: number; headers: Record<string, string>; body: string; body_encoding: "text" | "base64"; truncated: boolean; duration_ms: number; attempts: number }

export type ActionPage = { items: Action[]; next: string | null }

/** A saved, named job that picks a credential */
export type Action = { id: string; name: string; kind: "send_email" | "http_request"; description: string; inputs: string[]; paused: boolean; credential: Named | null; sender: Named | null; last_run: ActionRun | null; schedule: ActionSchedule | null; webhook: ActionWebhook | null; created_at: string; updated_at: string; revision: number; email?: ActionEmail | null; request?: ActionRequest | null; failure?: ActionFailure; on_error?: ActionOnError; next?: Named | null }

/** One run of an action */
export type ActionRun = { id: string; action: Named; kind: "send_email" | "http_request"; root: string; parent: string | null; aside: boolean; trigger: "api" | "webhook" | "schedule" | "action"; status: "queued" | "running" | "waiting" | "done" | "failed" | "interrupted"; ordered_by: { id: string; name: string; kind: "access_key" | "person" | "service" | "nobody" }; input_names: string[]; attempts: number; next_attempt_at: string | null; problem: ActionProblem | null; tolerated: boolean; response_status: number | null; message: string | null; created_at: string; started_at: string | null; finished_at: string | null; duration_ms: number | null }

/** What went wrong in a run, and what to do */
export type ActionProblem = { code: string; message: string; next_step: string }

/** When an action is run by itself */
export type ActionSchedule = { cron: string; time_zone: string; missed: "skip" | "run_once"; input: Record<string, unknown> | null; enabled: boolean; next_due_at: string | null; last_due_at: string | null }

/** The address at which others run an action by a signed call */
export type ActionWebhook = { id: string; url: string; created_at: string }

export type ActionEmail = { sender: Named | null; credential: Named | null; from: string | null; to: string[]; cc: string[]; bcc: string[]; reply_to: string | null; subject: string; text: string | null; html: string | null; headers: Record<string, string>; attachments: { filename: string; content_type: string | null; content: string | null; text: string | null }[]; until: "accepted" | "sent" }

export type ActionRequest = { credential: Named; method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE"; url: string; headers: Record<string, string>; query: Record<string, string>; body: { json: unknown } | { text: string } | { form: Record<string, string> } | null; key_header: string | null; timeout_seconds: number; max_bytes: number; paging: { by: "next_link" | "link_header" | "cursor"; next: string | null; parameter: string | null; items: string | null; max_pages: number } | null }

export type ActionFailure = { anything: boolean; statuses: string[]; codes: string[] }

export type ActionOnError = { retries: number; retry_delay_seconds: number; report: { to: string[] } | null; run: Named | null; continue_with: Named | null }

export type NewAction = { name: string; kind: "send_email" | "http_request"; description?: string; paused?: boolean; email?: NewActionEmail; request?: NewActionRequest; failure?: NewActionFailure; on_error?: NewActionOnError; next?: string | null }

export type NewActionEmail = { sender?: string | null; credential?: string | null; from?: string | null; to?: string[]; cc?: string[]; bcc?: string[]; reply_to?: string | null; subject: string; text?: string | null; html?: string | null; headers?: Record<string, string>; attachments?: { filename: string; content_type?: string | null; content?: string | null; text?: string | null }[]; until?: "accepted" | "sent" }

export type NewActionRequest = { credential: string; method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE"; url: string; headers?: Record<string, string>; query?: Record<string, string>; body?: { json: unknown } | { text: string } | { form: Record<string, string> } | null; key_header?: string | null; timeout_seconds?: number; max_bytes?: number; paging?: { by: "next_link" | "link_header" | "cursor"; next?: string | null; parameter?: string | null; items?: string | null; max_pages?: number } | null }

/** Which problems make a run fail; after others it has succeeded, and names them */
export type NewActionFailure = { anything?: boolean; statuses?: string[]; codes?: string[] }

/** What is done when a run fails */
export type NewActionOnError = { retries?: number; retry_delay_seconds?: number; report?: { to?: string[] } | null; run?: string | null; continue_with?: string | null }

/** A field left out stays as it is; email, request, failure and on_error are replaced as a whole */
export type ActionChange = { name?: string; description?: string; paused?: boolean; email?: NewActionEmail; request?: NewActionRequest; failure?: NewActionFailure; on_error?: NewActionOnError; next?: string | null }

export type NewActionRun = { input?: Record<string, unknown>; wait?: boolean }

export type RanAction = { outcome: "queued" | "running" | "waiting" | "done" | "failed" | "interrupted"; run: ActionRun; followed: ActionRun[]; result: ActionResult | null }

/** What the last action of the chain came to */
export type ActionResult = { status: number | null; headers: Record<string, string>; body: string | null; body_encoding: "text" | "base64" | null; truncated: boolean; json: unknown; pages: number; message: { id: string; status: string } | null }

export type NewActionPreview = { action?: string; email?: NewActionEmail; request?: NewActionRequest; input?: Record<string, unknown>; previous?: Record<string, unknown> }

/** What a run would send; the token of a request, and what the environment holds, are not shown */
export type ActionPreview = { email: { sender: Named; from: string; to: string[]; cc: string[]; bcc: string[]; reply_to: string | null; recipients: string[]; subject: string; text: string | null; html: string | null; headers: Record<string, string>; attachments: { filename: string; content_type: string | null; size: number }[]; size: number } | null; request: { method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE"; url: string; headers: Record<string, string>; body: string | null } | null }

export type ActionRunPage = { items: ActionRun[]; next: string | null }

export type ActionRunChain = { run: ActionRun; followed: ActionRun[] }

export type NewActionSchedule = { cron: string; time_zone: string; missed?: "skip" | "run_once"; input?: Record<string, unknown>; enabled?: boolean }

export type SchedulePreview = { times: string[] }

export type MadeActionWebhook = { webhook: ActionWebhook; secret: string }

export type WebhookTaken = { run: string; repeated: boolean }

export type AuditPage = { items: AuditRecord[]; next: string | null }

export type AuditRecord = { seq: number; at: string; actor: { id: string; name: string }; action: "service.started" | "service.locked" | "service.unlocked" | "credential.created" | "credential.changed" | "credential.deleted" | "credential.restored" | "credential.purged" | "credential.imported" | "credential.exported" | "credential.paused" | "credential.resumed" | "emergency_stop.begun" | "emergency_stop.undone" | "credential.tested" | "credential.examined" | "credential.refreshed" | "credential.ended" | "credential.revoked" | "credential.connected" | "consent.started" | "consent.opened" | "consent.browser_refused" | "consent.failed" | "consent.withdrawn" | "token.handed_out" | "registration.created" | "registration.changed" | "registration.deleted" | "provider.created" | "provider.changed" | "provider.deleted" | "provider.discovered" | "access_key.created" | "access_key.delivered" | "access_key.delivery_refused" | "access_key.revoked" | "access_key.stopped" | "access_key.resumed" | "access_key.unusual" | "access_key.refused" | "api.refused" | "session.refused" | "person.set_up" | "person.invited" | "person.invitation_opened" | "person.joined" | "person.changed" | "person.deleted" | "person.signed_in" | "person.sign_in_refused" | "person.confirmed" | "person.signed_out" | "person.session_ended" | "person.password_changed" | "person.passkey_added" | "person.passkey_removed" | "audit.read" | "audit.exported" | "audit.verified" | "audit.resumed" | "sender.created" | "sender.changed" | "sender.deleted" | "mail_options.changed" | "credential.snoozed" | "webhook.created" | "webhook.changed" | "webhook.secret_renewed" | "webhook.deleted" | "webhook.tested" | "webhook.disabled" | "message.accepted" | "message.sent" | "message.failed" | "message.retried" | "message.resent" | "message.forgotten" | "message.cancelled" | "request.sent" | "action.created" | "action.changed" | "action.deleted" | "action.schedule_set" | "action.schedule_removed" | "action.skipped" | "action.webhook_made" | "action.webhook_removed" | "action.webhook_refused" | "action.accepted" | "action.run" | "backup.made" | "backup.restored" | "master_key.rotated"; subject: { id: string; name: string | null } | null; outcome: "done" | "refused" | "failed"; reason: string | null; address: string | null; detail: Record<string, unknown>; hash: string }

export type AuditVerification = { ok: boolean; records: number; head: string | null; first_bad: number | null; what: string | null }

/** Something that happened; never a secret */
export type Event = { seq: number; at: string; type: "credential.created" | "credential.changed" | "credential.deleted" | "credential.purged" | "credential.connected" | "credential.refreshed" | "credential.expiring" | "credential.broken" | "credential.recovered" | "credential.paused" | "credential.resumed" | "credential.revoked" | "consent.started" | "consent.browser_refused" | "consent.finished" | "token.handed_out" | "registration.changed" | "access_key.changed" | "access_key.unusual" | "access_key.delivery_reopened" | "person.changed" | "sender.changed" | "provider.changed" | "mail_options.changed" | "credential.snoozed" | "webhook.changed" | "webhook.disabled" | "message.queued" | "message.sent" | "message.delayed" | "message.failed" | "message.cancelled" | "action.changed" | "action.skipped" | "action.run_started" | "action.run_finished" | "audit.blocked" | "audit.unblocked" | "events.missed" | "service.locked" | "service.unlocked" | "master_key.rotated"; subject: string | null; data: Record<string, unknown> }

export type FailureText = { text: string; provider?: string; surface?: "authorize_page" | "authorize_redirect" | "token_endpoint" | "device_endpoint" | "smtp_auth" | "smtp_data" | "imap_auth" | "gmail_api" | "graph_api" | "any_api" | "network" | "local_check"; credential?: string }

export type Explanation = { title: string; meaning: string; causes: string[]; fix: string[]; id: string | null; who: "you" | "owner" | "admin" | "nobody"; action: "retry" | "reauthorize" | "fix_config" | "admin" | "rate_limit" | "none"; retry: "permanent" | "transient" | "needs_reconsent" | "needs_admin" | null; source: string | null }

export type CalendarEnds = { items: CalendarEnd[]; next: string | null }

/** A day on which something stops unless a person acts */
export type CalendarEnd = { kind: "client_secret" | "certificate" | "consent" | "testing_consent" | "idle" | "token" | "password_login" | "access_key" | "unused"; at: string; subject: { kind: "credential" | "registration" | "access_key"; id: string; name: string }; credentials: Named[]; message: string; next_step: string }

export type NewCalendarFeed = { name: string }

export type CalendarFeed = { access_key: Named; address: string }

export type Status = { version: string; uptime_seconds: number; database: "sqlite" | "postgres"; credentials: { incomplete: number; ready: number; expiring: number; retrying: number; needs_consent: number; misconfigured: number; paused: number }; audit: { records: number; head: string; blocked: boolean }; master_key_version: number; public_url: string; now: string; backup: BackupState; clock_errors: ClockErrors }

/** null for those who do not manage the service */
export type BackupState = { supported: boolean; last_at: string | null; last_size: number | null; is_old: boolean; restored: { at: string; made_at: string; returned: { access_keys: string[]; persons: string[] } | null } | null } | null

/** Providers whose time differs by more than a minute, as the node that answers sees it; null for those who do not manage the service */
export type ClockErrors = { host: string; ahead_seconds: number; blocks_signing: boolean; measured_at: string }[] | null

export type Settings = { items: Setting[]; next: null }

export type Setting = { name: string; value: string | null; source: string; secret: boolean; summary: string }

export type DoctorReport = { ok: boolean; checks: Check[] }

export type Check = { name: string; outcome: "ok" | "warning" | "failed"; message: string; next_step: string | null }

/** How far the change of the master key is */
export type Rotation = { state: "idle" | "running" | "failed"; newest_version: number; versions: { version: number; fingerprint: string; data_keys: number; created_at: string; retired_at: string | null }[]; rewrapped: number; remaining: number; started_at: string | null; finished_at: string | null; problem: { code: string; detail: string; next_step: string } | null }

export type LockState = { locked: boolean }

export type Unlock = { passphrase?: string }

export type Health = { status: "ok" | "unavailable" }

/** What every operation takes and gives. */
export type Operations = {
  /** Counts the credentials that the key may read, by status and kind. */
  countCredentials: { params: Record<string, never>; query: { search?: string; kind?: "oauth2" | "api_key" | "basic"; provider?: string; registration?: string; tag?: string; account?: string; used_by?: string; created_before?: string; unused_since?: string; attention?: boolean }; body: undefined; reply: CredentialCounts }
  /** Lists what happened to a credential, the newest first. */
  listCredentialHistory: { params: { credential: string }; query: { cursor?: string; limit?: number }; body: undefined; reply: HistoryPage }
  /** Counts how often a credential was used on each of the last days, today last. */
  listCredentialUsageDays: { params: { credential: string }; query: { days?: number }; body: undefined; reply: UsageDayPage }
  /** Lists the credentials that the key may read. */
  listCredentials: { params: Record<string, never>; query: { search?: string; kind?: "oauth2" | "api_key" | "basic"; provider?: string; registration?: string; tag?: string; account?: string; used_by?: string; created_before?: string; unused_since?: string; attention?: boolean; status?: ("incomplete" | "ready" | "expiring" | "retrying" | "needs_consent" | "misconfigured" | "paused")[]; sort?: "name" | "-name" | "created" | "-created" | "status" | "-status" | "until" | "-until" | "last_used" | "-last_used"; cursor?: string; limit?: number }; body: undefined; reply: CredentialPage }
  /** Makes a credential, and its registration if that is new. */
  createCredential: { params: Record<string, never>; query: Record<string, never>; body: NewCredential; reply: Credential }
  /** Shows a credential. */
  getCredential: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: Credential }
  /** Changes fields of a credential. */
  changeCredential: { params: { credential: string }; query: Record<string, never>; body: CredentialChange; reply: Credential }
  /** Deletes a credential. */
  deleteCredential: { params: { credential: string }; query: { revoke?: boolean }; body: undefined; reply: DeletedCredential }
  /** Hands out an access token that lives at least as long as asked. */
  handOutToken: { params: { credential: string }; query: Record<string, never>; body: TokenOrder; reply: Token }
  /** Tries a credential for real and says step by step what worked. */
  testCredential: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: TestReport }
  /** Goes through a credential from the outside in and says what works, what does not, and what to do. */
  examineCredential: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: Examination }
  /** Fetches a new token now. */
  refreshCredential: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: Credential }
  /** Takes the tokens back at the provider and removes them here. */
  revokeCredential: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: RevokedCredential }
  /** Switches a credential off. */
  pauseCredential: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: Credential }
  /** Switches a paused credential on again. */
  resumeCredential: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: Credential }
  /** Lists who used a credential, the latest first. */
  listCredentialUsage: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: UsagePage }
  /** Lists deleted credentials that can still be restored, the latest first. */
  listDeletedCredentials: { params: Record<string, never>; query: { cursor?: string; limit?: number }; body: undefined; reply: RestorableCredentialPage }
  /** Brings a deleted credential back. */
  restoreCredential: { params: { credential: string }; query: Record<string, never>; body: RestoreCredential; reply: Credential }
  /** Destroys a deleted credential with the key of its secret, for good. */
  purgeCredential: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Switches off all credentials that fit, and takes their tokens back at the providers if asked. */
  beginEmergencyStop: { params: Record<string, never>; query: Record<string, never>; body: NewEmergencyStop; reply: EmergencyStop }
  /** Lists the latest emergency stops, the newest first. */
  listEmergencyStops: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: EmergencyStopPage }
  /** Shows how far an emergency stop is. */
  getEmergencyStop: { params: { stop: string }; query: Record<string, never>; body: undefined; reply: EmergencyStop }
  /** Lists what has become of the credentials of an emergency stop. */
  listStoppedCredentials: { params: { stop: string }; query: { state?: ("stopped" | "waiting" | "revoking" | "revoked" | "not_revoked")[]; cursor?: string; limit?: number }; body: undefined; reply: StoppedCredentialPage }
  /** Switches the credentials of an emergency stop on again, but those that were off before. */
  undoEmergencyStop: { params: { stop: string }; query: Record<string, never>; body: Record<string, never>; reply: UndoneEmergencyStop }
  /** Writes credentials, with their registrations, to a file for another Keybearer. */
  exportCredentials: { params: Record<string, never>; query: Record<string, never>; body: ExportOrder; reply: ExportedFile }
  /** Brings credentials in from a file: all of it, or nothing when one item is refused. */
  importCredentials: { params: Record<string, never>; query: Record<string, never>; body: ImportOrder; reply: ImportResult }
  /** Starts a consent and says where the person has to go. */
  startConsent: { params: { credential: string }; query: Record<string, never>; body: ConsentStart; reply: Consent }
  /** Shows how far a consent is. */
  getConsent: { params: { consent: string }; query: Record<string, never>; body: undefined; reply: Consent }
  /** Withdraws a consent that nobody has finished: its link opens nothing any more. */
  withdrawConsent: { params: { consent: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Lists the consents that somebody may still finish, such as a link that was sent. */
  listConsents: { params: { credential: string }; query: Record<string, never>; body: undefined; reply: Consents }
  /** Takes the address that the person's browser was sent to. */
  answerConsent: { params: { consent: string }; query: Record<string, never>; body: ConsentAnswer; reply: Consent }
  /** Begins a consent in this browser and sends it on to the provider. */
  beginConsent: { params: { ticket: string }; query: Record<string, never>; body: undefined; reply: string }
  /** Shows somebody who was sent a link what he is asked for. */
  showConnectLink: { params: { link: string }; query: Record<string, never>; body: undefined; reply: string }
  /** Begins the consent of a link in this browser. */
  followConnectLink: { params: { link: string }; query: Record<string, never>; body: undefined; reply: string }
  /** Lists the registrations. */
  listRegistrations: { params: Record<string, never>; query: { cursor?: string; limit?: number }; body: undefined; reply: RegistrationPage }
  /** Makes a registration. */
  createRegistration: { params: Record<string, never>; query: Record<string, never>; body: NewRegistration; reply: Registration }
  /** Shows a registration. */
  getRegistration: { params: { registration: string }; query: Record<string, never>; body: undefined; reply: Registration }
  /** Changes a registration. */
  changeRegistration: { params: { registration: string }; query: Record<string, never>; body: RegistrationChange; reply: Registration }
  /** Deletes a registration that no credential uses. */
  deleteRegistration: { params: { registration: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Says what is known now of the provider of a registration, beside what it keeps. */
  getProviderUpdate: { params: { registration: string }; query: Record<string, never>; body: undefined; reply: ProviderUpdate }
  /** Accepts what is known now of the provider of a registration. */
  acceptProviderUpdate: { params: { registration: string }; query: Record<string, never>; body: AcceptedUpdate; reply: Registration }
  /** Lists client registrations that well-known applications publish in their sources. */
  listPopularConfigurations: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: PopularConfigurations }
  /** Lists the providers, your own and those of the catalogue, by name. */
  listProviders: { params: Record<string, never>; query: { search?: string; category?: string; grant?: "authorization_code" | "device_code" | "client_credentials" | "jwt_bearer"; cursor?: string; limit?: number }; body: undefined; reply: ProviderPage }
  /** Makes a provider of your own. */
  createProvider: { params: Record<string, never>; query: Record<string, never>; body: NewProvider; reply: ProviderDetails }
  /** Proposes the provider of a mail domain. */
  detectProvider: { params: { domain: string }; query: { look_up?: boolean }; body: undefined; reply: DetectedProviders }
  /** Shows a provider with its endpoints, grants and placeholders. */
  getProvider: { params: { provider: string }; query: Record<string, never>; body: undefined; reply: ProviderDetails }
  /** Changes a provider of your own. */
  replaceProvider: { params: { provider: string }; query: Record<string, never>; body: NewProvider; reply: ProviderDetails }
  /** Deletes a provider of your own. */
  deleteProvider: { params: { provider: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Fetches the metadata of an issuer and makes a description of it; nothing is stored. */
  discoverProvider: { params: Record<string, never>; query: Record<string, never>; body: Discovery; reply: DiscoveredProvider }
  /** Lists the access keys; revoked ones stay visible for 90 days. */
  listAccessKeys: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: AccessKeyPage }
  /** Makes an access key and shows it, this once. */
  createAccessKey: { params: Record<string, never>; query: Record<string, never>; body: NewAccessKey; reply: MadeAccessKey }
  /** Shows an access key. */
  getAccessKey: { params: { access_key: string }; query: Record<string, never>; body: undefined; reply: AccessKey }
  /** Ends an access key at once. */
  revokeAccessKey: { params: { access_key: string }; query: Record<string, never>; body: undefined; reply: AccessKey }
  /** Keeps an access key that nobody uses, and lets it count again if it was stopped for that. */
  resumeAccessKey: { params: { access_key: string }; query: Record<string, never>; body: Record<string, never>; reply: AccessKey }
  /** Shows what a link hands over, without opening it. */
  showDelivery: { params: { delivery: string }; query: Record<string, never>; body: undefined; reply: string }
  /** Hands an access key over to whoever opens its link first. */
  openDelivery: { params: { delivery: string }; query: { as?: "text" | "page" }; body: undefined; reply: string }
  /** Lists who may sign in. */
  listPersons: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Persons }
  /** Makes a person and the one-time link by which he joins. */
  invitePerson: { params: Record<string, never>; query: Record<string, never>; body: NewPerson; reply: InvitedPerson }
  /** Changes the role of a person, suspends or admits him. It works at once, on open sessions too. */
  changePerson: { params: { person: string }; query: Record<string, never>; body: PersonChange; reply: Person }
  /** Removes a person with his sessions. What the audit trail says of him stays. */
  deletePerson: { params: { person: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Makes a new one-time link for a person: the old one was lost, or the password was forgotten. */
  renewInvitation: { params: { person: string }; query: Record<string, never>; body: undefined; reply: InvitedPerson }
  /** Says who is signed in with the cookie of this browser. */
  getSession: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Session }
  /** Signs a person in by name and password; the answer sets the cookie of the session. */
  signIn: { params: Record<string, never>; query: Record<string, never>; body: SignIn; reply: Session }
  /** Ends the session. */
  signOut: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: null }
  /** Proves again that it is the signed-in person, for what needs a fresh sign-in. */
  confirmSignIn: { params: Record<string, never>; query: Record<string, never>; body: Confirmation; reply: Session }
  /** Changes the own password; all other sessions of the person end. */
  changePassword: { params: Record<string, never>; query: Record<string, never>; body: PasswordChange; reply: Session }
  /** Lists the open sessions of the signed-in person. */
  listSessions: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Sessions }
  /** Ends a session of the signed-in person, such as one that was left open elsewhere. */
  endSession: { params: { session: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Makes the first administrator, with the code of the one-time link of the first start, and signs in. */
  setUp: { params: Record<string, never>; query: Record<string, never>; body: SetUp; reply: Session }
  /** Shows what a one-time link invites to; the link stays good. */
  openInvitation: { params: Record<string, never>; query: Record<string, never>; body: InvitationCode; reply: Invitation }
  /** Accepts an invitation with a new password, and signs in. The link is used up. */
  acceptInvitation: { params: Record<string, never>; query: Record<string, never>; body: InvitationAnswer; reply: Session }
  /** Begins a sign-in by a passkey; with a session, the proof that it still is the same person. */
  challengePasskey: { params: Record<string, never>; query: Record<string, never>; body: PasskeyChallengeOrder; reply: PasskeyChallenge }
  /** Signs in by a passkey; with a session, that session counts as fresh again. */
  signInWithPasskey: { params: Record<string, never>; query: Record<string, never>; body: PasskeySignIn; reply: Session }
  /** Lists the passkeys of the signed-in person. */
  listPasskeys: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Passkeys }
  /** Adds what the browser made for the challenge, within five minutes and in the same session. */
  addPasskey: { params: Record<string, never>; query: Record<string, never>; body: NewPasskey; reply: Passkey }
  /** Begins to add a passkey. */
  startPasskey: { params: Record<string, never>; query: Record<string, never>; body: NewPasskeyOrder; reply: NewPasskeyChallenge }
  /** Removes a passkey; all other sessions of the person end. */
  removePasskey: { params: { passkey: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Sends the browser to the OpenID provider at which persons sign in. */
  beginSignIn: { params: Record<string, never>; query: { again?: boolean }; body: undefined; reply: string }
  /** Takes the answer of the OpenID provider, and signs in whom an administrator has invited. */
  finishSignIn: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: string }
  /** Lists the senders that the key may send through. */
  listSenders: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: SenderPage }
  /** Makes a sender. */
  createSender: { params: Record<string, never>; query: Record<string, never>; body: NewSender; reply: Sender }
  /** Shows a sender. */
  getSender: { params: { sender: string }; query: Record<string, never>; body: undefined; reply: Sender }
  /** Changes a sender. */
  changeSender: { params: { sender: string }; query: Record<string, never>; body: SenderChange; reply: Sender }
  /** Deletes a sender. */
  deleteSender: { params: { sender: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Sends a test message. */
  testSender: { params: { sender: string }; query: Record<string, never>; body: SenderTest; reply: SenderTestResult }
  /** Takes a message into the outbox; it is on disk when the answer comes. */
  sendMessage: { params: Record<string, never>; query: Record<string, never>; body: NewMessage; reply: Message }
  /** Lists the messages that the key sent; all of them for a key that may manage. */
  listMessages: { params: Record<string, never>; query: { status?: "queued" | "sending" | "sent" | "failed" | "cancelled"; sender?: string; cursor?: string; limit?: number }; body: undefined; reply: MessagePage }
  /** Takes a finished message into the outbox; it is on disk when the answer comes. */
  sendRawMessage: { params: Record<string, never>; query: Record<string, never>; body: NewRawMessage; reply: Message }
  /** Shows what became of a message. */
  getMessage: { params: { message: string }; query: Record<string, never>; body: undefined; reply: Message }
  /** Tries a message again now. */
  retryMessage: { params: { message: string }; query: Record<string, never>; body: undefined; reply: Message }
  /** Sends a message through another sender to everybody who does not have it yet. */
  resendMessage: { params: { message: string }; query: Record<string, never>; body: MessageResend; reply: Message }
  /** Takes a message that still waits out of the outbox; one that is being sent, as soon as it is known that it was not taken. */
  cancelMessage: { params: { message: string }; query: Record<string, never>; body: undefined; reply: Message }
  /** Shows the default sender, its fallbacks, and who is told of what. */
  getMailOptions: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: MailOptions }
  /** Replaces the default sender, its fallbacks, and who is told of what. */
  setMailOptions: { params: Record<string, never>; query: Record<string, never>; body: NewMailOptions; reply: MailOptions }
  /** Lists the webhooks. */
  listWebhooks: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: WebhookPage }
  /** Makes a webhook and shows the secret that its messages are signed with, this once. */
  createWebhook: { params: Record<string, never>; query: Record<string, never>; body: NewWebhook; reply: MadeWebhook }
  /** Shows a webhook. */
  getWebhook: { params: { webhook: string }; query: Record<string, never>; body: undefined; reply: Webhook }
  /** Changes a webhook, or switches it off and on. */
  changeWebhook: { params: { webhook: string }; query: Record<string, never>; body: WebhookChange; reply: Webhook }
  /** Deletes a webhook; what it has not got yet is not sent any more. */
  deleteWebhook: { params: { webhook: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Sends a test message to a webhook now and says what came of it. */
  testWebhook: { params: { webhook: string }; query: Record<string, never>; body: Record<string, never>; reply: WebhookTest }
  /** Gives a webhook a new secret and shows it, this once. */
  renewWebhookSecret: { params: { webhook: string }; query: Record<string, never>; body: Record<string, never>; reply: MadeWebhook }
  /** Has nobody told of a credential until a day, or told again. */
  snoozeCredential: { params: { credential: string }; query: Record<string, never>; body: Snooze; reply: Credential }
  /** Sends an HTTP request with a credential and returns the answer; the caller never sees the token. */
  sendRequest: { params: Record<string, never>; query: Record<string, never>; body: NewRequest; reply: RequestAnswer }
  /** Lists the actions that the key may run; all of them for a key that may manage. */
  listActions: { params: Record<string, never>; query: { cursor?: string; limit?: number }; body: undefined; reply: ActionPage }
  /** Makes an action. */
  createAction: { params: Record<string, never>; query: Record<string, never>; body: NewAction; reply: Action }
  /** Shows an action; what exactly it does only to a key that may manage. */
  getAction: { params: { action: string }; query: Record<string, never>; body: undefined; reply: Action }
  /** Changes an action. */
  changeAction: { params: { action: string }; query: Record<string, never>; body: ActionChange; reply: Action }
  /** Deletes an action; its runs stay in the list. */
  deleteAction: { params: { action: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Runs an action with what it leads to, and returns what came of it. */
  runAction: { params: { action: string }; query: Record<string, never>; body: NewActionRun; reply: RanAction }
  /** Shows what an action, saved or not, would send with some input; nothing is sent or kept. */
  previewAction: { params: Record<string, never>; query: Record<string, never>; body: NewActionPreview; reply: ActionPreview }
  /** Lists runs of actions that the key may run, the newest first. */
  listActionRuns: { params: Record<string, never>; query: { action?: string; status?: "queued" | "running" | "waiting" | "done" | "failed" | "interrupted"; cursor?: string; limit?: number }; body: undefined; reply: ActionRunPage }
  /** Shows a run of an action, and those that followed from it. */
  getActionRun: { params: { run: string }; query: Record<string, never>; body: undefined; reply: ActionRunChain }
  /** Lets an action be run by itself at certain times. */
  setActionSchedule: { params: { action: string }; query: Record<string, never>; body: NewActionSchedule; reply: ActionSchedule }
  /** Removes the schedule of an action. */
  removeActionSchedule: { params: { action: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Tells the next times that a schedule would have; nothing is kept. */
  previewSchedule: { params: Record<string, never>; query: { cron?: string; time_zone?: string }; body: undefined; reply: SchedulePreview }
  /** Makes an address at which others run an action, and shows its secret, this once; an older one ends. */
  makeActionWebhook: { params: { action: string }; query: Record<string, never>; body: undefined; reply: MadeActionWebhook }
  /** Ends the address at which others run an action. */
  removeActionWebhook: { params: { action: string }; query: Record<string, never>; body: undefined; reply: null }
  /** Runs an action for a call that is signed as Standard Webhooks say; the body, a JSON object, is the input. */
  receiveWebhook: { params: { hook: string }; query: Record<string, never>; body: undefined; reply: WebhookTaken }
  /** Lists the audit trail, the newest record first. */
  listAudit: { params: Record<string, never>; query: { subject?: string; actor?: string; action?: "service.started" | "service.locked" | "service.unlocked" | "credential.created" | "credential.changed" | "credential.deleted" | "credential.restored" | "credential.purged" | "credential.imported" | "credential.exported" | "credential.paused" | "credential.resumed" | "emergency_stop.begun" | "emergency_stop.undone" | "credential.tested" | "credential.examined" | "credential.refreshed" | "credential.ended" | "credential.revoked" | "credential.connected" | "consent.started" | "consent.opened" | "consent.browser_refused" | "consent.failed" | "consent.withdrawn" | "token.handed_out" | "registration.created" | "registration.changed" | "registration.deleted" | "provider.created" | "provider.changed" | "provider.deleted" | "provider.discovered" | "access_key.created" | "access_key.delivered" | "access_key.delivery_refused" | "access_key.revoked" | "access_key.stopped" | "access_key.resumed" | "access_key.unusual" | "access_key.refused" | "api.refused" | "session.refused" | "person.set_up" | "person.invited" | "person.invitation_opened" | "person.joined" | "person.changed" | "person.deleted" | "person.signed_in" | "person.sign_in_refused" | "person.confirmed" | "person.signed_out" | "person.session_ended" | "person.password_changed" | "person.passkey_added" | "person.passkey_removed" | "audit.read" | "audit.exported" | "audit.verified" | "audit.resumed" | "sender.created" | "sender.changed" | "sender.deleted" | "mail_options.changed" | "credential.snoozed" | "webhook.created" | "webhook.changed" | "webhook.secret_renewed" | "webhook.deleted" | "webhook.tested" | "webhook.disabled" | "message.accepted" | "message.sent" | "message.failed" | "message.retried" | "message.resent" | "message.forgotten" | "message.cancelled" | "request.sent" | "action.created" | "action.changed" | "action.deleted" | "action.schedule_set" | "action.schedule_removed" | "action.skipped" | "action.webhook_made" | "action.webhook_removed" | "action.webhook_refused" | "action.accepted" | "action.run" | "backup.made" | "backup.restored" | "master_key.rotated"; outcome?: "done" | "refused" | "failed"; from?: string; to?: string; cursor?: string; limit?: number }; body: undefined; reply: AuditPage }
  /** Lists the hand-outs of a token that was found somewhere, the newest first. */
  findTokenInAudit: { params: Record<string, never>; query: Record<string, never>; body: { token: string; cursor?: string; limit?: number }; reply: AuditPage }
  /** Gives the audit trail, or what fits of it, as one JSON object per line, the oldest record first. */
  exportAudit: { params: Record<string, never>; query: { subject?: string; actor?: string; action?: "service.started" | "service.locked" | "service.unlocked" | "credential.created" | "credential.changed" | "credential.deleted" | "credential.restored" | "credential.purged" | "credential.imported" | "credential.exported" | "credential.paused" | "credential.resumed" | "emergency_stop.begun" | "emergency_stop.undone" | "credential.tested" | "credential.examined" | "credential.refreshed" | "credential.ended" | "credential.revoked" | "credential.connected" | "consent.started" | "consent.opened" | "consent.browser_refused" | "consent.failed" | "consent.withdrawn" | "token.handed_out" | "registration.created" | "registration.changed" | "registration.deleted" | "provider.created" | "provider.changed" | "provider.deleted" | "provider.discovered" | "access_key.created" | "access_key.delivered" | "access_key.delivery_refused" | "access_key.revoked" | "access_key.stopped" | "access_key.resumed" | "access_key.unusual" | "access_key.refused" | "api.refused" | "session.refused" | "person.set_up" | "person.invited" | "person.invitation_opened" | "person.joined" | "person.changed" | "person.deleted" | "person.signed_in" | "person.sign_in_refused" | "person.confirmed" | "person.signed_out" | "person.session_ended" | "person.password_changed" | "person.passkey_added" | "person.passkey_removed" | "audit.read" | "audit.exported" | "audit.verified" | "audit.resumed" | "sender.created" | "sender.changed" | "sender.deleted" | "mail_options.changed" | "credential.snoozed" | "webhook.created" | "webhook.changed" | "webhook.secret_renewed" | "webhook.deleted" | "webhook.tested" | "webhook.disabled" | "message.accepted" | "message.sent" | "message.failed" | "message.retried" | "message.resent" | "message.forgotten" | "message.cancelled" | "request.sent" | "action.created" | "action.changed" | "action.deleted" | "action.schedule_set" | "action.schedule_removed" | "action.skipped" | "action.webhook_made" | "action.webhook_removed" | "action.webhook_refused" | "action.accepted" | "action.run" | "backup.made" | "backup.restored" | "master_key.rotated"; outcome?: "done" | "refused" | "failed"; from?: string; to?: string }; body: undefined; reply: string }
  /** Checks the whole audit trail and names the first record that does not fit. */
  verifyAudit: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: AuditVerification }
  /** Streams what happens to the credentials that the key may read. */
  streamEvents: { params: Record<string, never>; query: { last_event_id?: number; type?: ("credential.created" | "credential.changed" | "credential.deleted" | "credential.purged" | "credential.connected" | "credential.refreshed" | "credential.expiring" | "credential.broken" | "credential.recovered" | "credential.paused" | "credential.resumed" | "credential.revoked" | "consent.started" | "consent.browser_refused" | "consent.finished" | "token.handed_out" | "registration.changed" | "access_key.changed" | "access_key.unusual" | "access_key.delivery_reopened" | "person.changed" | "sender.changed" | "provider.changed" | "mail_options.changed" | "credential.snoozed" | "webhook.changed" | "webhook.disabled" | "message.queued" | "message.sent" | "message.delayed" | "message.failed" | "message.cancelled" | "action.changed" | "action.skipped" | "action.run_started" | "action.run_finished" | "audit.blocked" | "audit.unblocked" | "events.missed" | "service.locked" | "service.unlocked" | "master_key.rotated")[] }; body: undefined; reply: string }
  /** Says what an error text means and what to do; nothing of it is stored. */
  explainFailure: { params: Record<string, never>; query: Record<string, never>; body: FailureText; reply: Explanation }
  /** Lists everything known to end, with its date, the next first. */
  listEnds: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: CalendarEnds }
  /** Makes an address that calendar programs subscribe to, and shows it, this once. */
  createCalendarFeed: { params: Record<string, never>; query: Record<string, never>; body: NewCalendarFeed; reply: CalendarFeed }
  /** Shows the calendar to a program that has subscribed to it (RFC 5545). */
  readCalendarFeed: { params: { feed: string }; query: Record<string, never>; body: undefined; reply: string }
  /** Shows version, credentials per status and the state of the store. */
  getStatus: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Status }
  /** Gives a consistent copy of the embedded database as one file, while the service runs. */
  makeBackup: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Uint8Array<ArrayBuffer> }
  /** Lists the effective settings and where each comes from; secrets are hidden. */
  getSettings: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Settings }
  /** Checks the service itself: key, clock, database, audit trail, credentials. */
  runDoctor: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: DoctorReport }
  /** Makes a new master key and wraps everything by it while the service runs. */
  startRotation: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Rotation }
  /** Shows how far the change of the master key is. */
  getRotation: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Rotation }
  /** Locks the service, on every node: until it is unlocked nothing is opened and no job runs. */
  lockService: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: LockState }
  /** Unlocks the service, on every node that finds its key again. */
  unlockService: { params: Record<string, never>; query: Record<string, never>; body: Unlock; reply: LockState }
  /** Answers as long as the process lives. */
  getLiveness: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Health }
  /** Answers 200 when the service can hand out tokens, 503 when it cannot. */
  getReadiness: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Health }
  /** Shows the metrics in the text format of Prometheus. */
  getMetrics: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: string }
  /** Shows this API in OpenAPI 3.1. */
  getOpenApi: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: Record<string, unknown> }
  /** Shows a page that says what this is and where the API is. */
  getHome: { params: Record<string, never>; query: Record<string, never>; body: undefined; reply: string }
  /** Takes a person's browser that comes back from a provider. */
  finishConsent: { params: { registration: string }; query: Record<string, never>; body: undefined; reply: string }
  /** Shows the person how the consent ended. */
  showConsentResult: { params: { result: string }; query: Record<string, never>; body: undefined; reply: string }
}

/** How every operation is called. */
export const operations = {
  countCredentials: { method: 'GET', path: '/v1/credentials/counts', reply: 'json' },
  listCredentialHistory: { method: 'GET', path: '/v1/credentials/{credential}/history', reply: 'json' },
  listCredentialUsageDays: { method: 'GET', path: '/v1/credentials/{credential}/usage-days', reply: 'json' },
  listCredentials: { method: 'GET', path: '/v1/credentials', reply: 'json' },
  createCredential: { method: 'POST', path: '/v1/credentials', reply: 'json' },
  getCredential: { method: 'GET', path: '/v1/credentials/{credential}', reply: 'json' },
  changeCredential: { method: 'PATCH', path: '/v1/credentials/{credential}', reply: 'json' },
  deleteCredential: { method: 'DELETE', path: '/v1/credentials/{credential}', reply: 'json' },
  handOutToken: { method: 'POST', path: '/v1/credentials/{credential}/token', reply: 'json' },
  testCredential: { method: 'POST', path: '/v1/credentials/{credential}/test', reply: 'json' },
  examineCredential: { method: 'POST', path: '/v1/credentials/{credential}/examination', reply: 'json' },
  refreshCredential: { method: 'POST', path: '/v1/credentials/{credential}/refresh', reply: 'json' },
  revokeCredential: { method: 'POST', path: '/v1/credentials/{credential}/revoke', reply: 'json' },
  pauseCredential: { method: 'POST', path: '/v1/credentials/{credential}/pause', reply: 'json' },
  resumeCredential: { method: 'POST', path: '/v1/credentials/{credential}/resume', reply: 'json' },
  listCredentialUsage: { method: 'GET', path: '/v1/credentials/{credential}/usage', reply: 'json' },
  listDeletedCredentials: { method: 'GET', path: '/v1/deleted-credentials', reply: 'json' },
  restoreCredential: { method: 'POST', path: '/v1/deleted-credentials/{credential}/restore', reply: 'json' },
  purgeCredential: { method: 'DELETE', path: '/v1/deleted-credentials/{credential}', reply: 'nothing' },
  beginEmergencyStop: { method: 'POST', path: '/v1/emergency-stops', reply: 'json' },
  listEmergencyStops: { method: 'GET', path: '/v1/emergency-stops', reply: 'json' },
  getEmergencyStop: { method: 'GET', path: '/v1/emergency-stops/{stop}', reply: 'json' },
  listStoppedCredentials: { method: 'GET', path: '/v1/emergency-stops/{stop}/credentials', reply: 'json' },
  undoEmergencyStop: { method: 'POST', path: '/v1/emergency-stops/{stop}/undo', reply: 'json' },
  exportCredentials: { method: 'POST', path: '/v1/credentials/export', reply: 'json' },
  importCredentials: { method: 'POST', path: '/v1/credentials/import', reply: 'json' },
  startConsent: { method: 'POST', path: '/v1/credentials/{credential}/consent', reply: 'json' },
  getConsent: { method: 'GET', path: '/v1/consents/{consent}', reply: 'json' },
  withdrawConsent: { method: 'DELETE', path: '/v1/consents/{consent}', reply: 'nothing' },
  listConsents: { method: 'GET', path: '/v1/credentials/{credential}/consents', reply: 'json' },
  answerConsent: { method: 'POST', path: '/v1/consents/{consent}/response', reply: 'json' },
  beginConsent: { method: 'GET', path: '/oauth/start/{ticket}', reply: 'text' },
  showConnectLink: { method: 'GET', path: '/connect/{link}', reply: 'text' },
  followConnectLink: { method: 'POST', path: '/connect/{link}', reply: 'text' },
  listRegistrations: { method: 'GET', path: '/v1/registrations', reply: 'json' },
  createRegistration: { method: 'POST', path: '/v1/registrations', reply: 'json' },
  getRegistration: { method: 'GET', path: '/v1/registrations/{registration}', reply: 'json' },
  changeRegistration: { method: 'PATCH', path: '/v1/registrations/{registration}', reply: 'json' },
  deleteRegistration: { method: 'DELETE', path: '/v1/registrations/{registration}', reply: 'nothing' },
  getProviderUpdate: { method: 'GET', path: '/v1/registrations/{registration}/provider', reply: 'json' },
  acceptProviderUpdate: { method: 'POST', path: '/v1/registrations/{registration}/provider', reply: 'json' },
  listPopularConfigurations: { method: 'GET', path: '/v1/popular-configurations', reply: 'json' },
  listProviders: { method: 'GET', path: '/v1/providers', reply: 'json' },
  createProvider: { method: 'POST', path: '/v1/providers', reply: 'json' },
  detectProvider: { method: 'GET', path: '/v1/mail-domains/{domain}/providers', reply: 'json' },
  getProvider: { method: 'GET', path: '/v1/providers/{provider}', reply: 'json' },
  replaceProvider: { method: 'PUT', path: '/v1/providers/{provider}', reply: 'json' },
  deleteProvider: { method: 'DELETE', path: '/v1/providers/{provider}', reply: 'nothing' },
  discoverProvider: { method: 'POST', path: '/v1/providers/discover', reply: 'json' },
  listAccessKeys: { method: 'GET', path: '/v1/access-keys', reply: 'json' },
  createAccessKey: { method: 'POST', path: '/v1/access-keys', reply: 'json' },
  getAccessKey: { method: 'GET', path: '/v1/access-keys/{access_key}', reply: 'json' },
  revokeAccessKey: { method: 'DELETE', path: '/v1/access-keys/{access_key}', reply: 'json' },
  resumeAccessKey: { method: 'POST', path: '/v1/access-keys/{access_key}/resume', reply: 'json' },
  showDelivery: { method: 'GET', path: '/deliver/{delivery}', reply: 'text' },
  openDelivery: { method: 'POST', path: '/deliver/{delivery}', reply: 'text' },
  listPersons: { method: 'GET', path: '/v1/persons', reply: 'json' },
  invitePerson: { method: 'POST', path: '/v1/persons', reply: 'json' },
  changePerson: { method: 'PATCH', path: '/v1/persons/{person}', reply: 'json' },
  deletePerson: { method: 'DELETE', path: '/v1/persons/{person}', reply: 'nothing' },
  renewInvitation: { method: 'POST', path: '/v1/persons/{person}/invitation', reply: 'json' },
  getSession: { method: 'GET', path: '/v1/session', reply: 'json' },
  signIn: { method: 'POST', path: '/v1/session', reply: 'json' },
  signOut: { method: 'DELETE', path: '/v1/session', reply: 'nothing' },
  confirmSignIn: { method: 'POST', path: '/v1/session/confirmation', reply: 'json' },
  changePassword: { method: 'POST', path: '/v1/session/password', reply: 'json' },
  listSessions: { method: 'GET', path: '/v1/sessions', reply: 'json' },
  endSession: { method: 'DELETE', path: '/v1/sessions/{session}', reply: 'nothing' },
  setUp: { method: 'POST', path: '/v1/setup', reply: 'json' },
  openInvitation: { method: 'POST', path: '/v1/invitations/open', reply: 'json' },
  acceptInvitation: { method: 'POST', path: '/v1/invitations/accept', reply: 'json' },
  challengePasskey: { method: 'POST', path: '/v1/session/passkey/challenge', reply: 'json' },
  signInWithPasskey: { method: 'POST', path: '/v1/session/passkey', reply: 'json' },
  listPasskeys: { method: 'GET', path: '/v1/passkeys', reply: 'json' },
  addPasskey: { method: 'POST', path: '/v1/passkeys', reply: 'json' },
  startPasskey: { method: 'POST', path: '/v1/passkeys/challenge', reply: 'json' },
  removePasskey: { method: 'DELETE', path: '/v1/passkeys/{passkey}', reply: 'nothing' },
  beginSignIn: { method: 'GET', path: '/oauth/sign-in', reply: 'text' },
  finishSignIn: { method: 'GET', path: '/oauth/sign-in/callback', reply: 'text' },
  listSenders: { method: 'GET', path: '/v1/senders', reply: 'json' },
  createSender: { method: 'POST', path: '/v1/senders', reply: 'json' },
  getSender: { method: 'GET', path: '/v1/senders/{sender}', reply: 'json' },
  changeSender: { method: 'PATCH', path: '/v1/senders/{sender}', reply: 'json' },
  deleteSender: { method: 'DELETE', path: '/v1/senders/{sender}', reply: 'nothing' },
  testSender: { method: 'POST', path: '/v1/senders/{sender}/test', reply: 'json' },
  sendMessage: { method: 'POST', path: '/v1/mail/messages', reply: 'json' },
  listMessages: { method: 'GET', path: '/v1/mail/messages', reply: 'json' },
  sendRawMessage: { method: 'POST', path: '/v1/mail/messages/raw', reply: 'json' },
  getMessage: { method: 'GET', path: '/v1/mail/messages/{message}', reply: 'json' },
  retryMessage: { method: 'POST', path: '/v1/mail/messages/{message}/retry', reply: 'json' },
  resendMessage: { method: 'POST', path: '/v1/mail/messages/{message}/resend', reply: 'json' },
  cancelMessage: { method: 'POST', path: '/v1/mail/messages/{message}/cancel', reply: 'json' },
  getMailOptions: { method: 'GET', path: '/v1/mail/options', reply: 'json' },
  setMailOptions: { method: 'PUT', path: '/v1/mail/options', reply: 'json' },
  listWebhooks: { method: 'GET', path: '/v1/webhooks', reply: 'json' },
  createWebhook: { method: 'POST', path: '/v1/webhooks', reply: 'json' },
  getWebhook: { method: 'GET', path: '/v1/webhooks/{webhook}', reply: 'json' },
  changeWebhook: { method: 'PATCH', path: '/v1/webhooks/{webhook}', reply: 'json' },
  deleteWebhook: { method: 'DELETE', path: '/v1/webhooks/{webhook}', reply: 'nothing' },
  testWebhook: { method: 'POST', path: '/v1/webhooks/{webhook}/test', reply: 'json' },
  renewWebhookSecret: { method: 'POST', path: '/v1/webhooks/{webhook}/secret', reply: 'json' },
  snoozeCredential: { method: 'POST', path: '/v1/credentials/{credential}/snooze', reply: 'json' },
  sendRequest: { method: 'POST', path: '/v1/requests', reply: 'json' },
  listActions: { method: 'GET', path: '/v1/actions', reply: 'json' },
  createAction: { method: 'POST', path: '/v1/actions', reply: 'json' },
  getAction: { method: 'GET', path: '/v1/actions/{action}', reply: 'json' },
  changeAction: { method: 'PATCH', path: '/v1/actions/{action}', reply: 'json' },
  deleteAction: { method: 'DELETE', path: '/v1/actions/{action}', reply: 'nothing' },
  runAction: { method: 'POST', path: '/v1/actions/{action}/run', reply: 'json' },
  previewAction: { method: 'POST', path: '/v1/action-previews', reply: 'json' },
  listActionRuns: { method: 'GET', path: '/v1/action-runs', reply: 'json' },
  getActionRun: { method: 'GET', path: '/v1/action-runs/{run}', reply: 'json' },
  setActionSchedule: { method: 'PUT', path: '/v1/actions/{action}/schedule', reply: 'json' },
  removeActionSchedule: { method: 'DELETE', path: '/v1/actions/{action}/schedule', reply: 'nothing' },
  previewSchedule: { method: 'GET', path: '/v1/action-schedules/preview', reply: 'json' },
  makeActionWebhook: { method: 'POST', path: '/v1/actions/{action}/webhook', reply: 'json' },
  removeActionWebhook: { method: 'DELETE', path: '/v1/actions/{action}/webhook', reply: 'nothing' },
  receiveWebhook: { method: 'POST', path: '/hooks/{hook}', reply: 'json' },
  listAudit: { method: 'GET', path: '/v1/audit', reply: 'json' },
  findTokenInAudit: { method: 'POST', path: '/v1/audit/token', reply: 'json' },
  exportAudit: { method: 'GET', path: '/v1/audit/export', reply: 'text' },
  verifyAudit: { method: 'GET', path: '/v1/audit/verification', reply: 'json' },
  streamEvents: { method: 'GET', path: '/v1/events', reply: 'text' },
  explainFailure: { method: 'POST', path: '/v1/diagnoses', reply: 'json' },
  listEnds: { method: 'GET', path: '/v1/calendar', reply: 'json' },
  createCalendarFeed: { method: 'POST', path: '/v1/calendar/feeds', reply: 'json' },
  readCalendarFeed: { method: 'GET', path: '/calendar/{feed}', reply: 'text' },
  getStatus: { method: 'GET', path: '/v1/status', reply: 'json' },
  makeBackup: { method: 'POST', path: '/v1/backup', reply: 'file' },
  getSettings: { method: 'GET', path: '/v1/settings', reply: 'json' },
  runDoctor: { method: 'GET', path: '/v1/doctor', reply: 'json' },
  startRotation: { method: 'POST', path: '/v1/master-key/rotation', reply: 'json' },
  getRotation: { method: 'GET', path: '/v1/master-key/rotation', reply: 'json' },
  lockService: { method: 'POST', path: '/v1/lock', reply: 'json' },
  unlockService: { method: 'POST', path: '/v1/unlock', reply: 'json' },
  getLiveness: { method: 'GET', path: '/livez', reply: 'json' },
  getReadiness: { method: 'GET', path: '/readyz', reply: 'json' },
  getMetrics: { method: 'GET', path: '/metrics', reply: 'text' },
  getOpenApi: { method: 'GET', path: '/openapi.json', reply: 'json' },
  getHome: { method: 'GET', path: '/', reply: 'text' },
  finishConsent: { method: 'GET', path: '/oauth/callback/{registration}', reply: 'text' },
  showConsentResult: { method: 'GET', path: '/oauth/result/{result}', reply: 'text' },
} as const

/** Every kind of event. */
export const eventTypes = ['credential.created', 'credential.changed', 'credential.deleted', 'credential.purged', 'credential.connected', 'credential.refreshed', 'credential.expiring', 'credential.broken', 'credential.recovered', 'credential.paused', 'credential.resumed', 'credential.revoked', 'consent.started', 'consent.browser_refused', 'consent.finished', 'token.handed_out', 'registration.changed', 'access_key.changed', 'access_key.unusual', 'access_key.delivery_reopened', 'person.changed', 'sender.changed', 'provider.changed', 'mail_options.changed', 'credential.snoozed', 'webhook.changed', 'webhook.disabled', 'message.queued', 'message.sent', 'message.delayed', 'message.failed', 'message.cancelled', 'action.changed', 'action.skipped', 'action.run_started', 'action.run_finished', 'audit.blocked', 'audit.unblocked', 'events.missed', 'service.locked', 'service.unlocked', 'master_key.rotated'] as const
