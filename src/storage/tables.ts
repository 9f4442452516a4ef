import type { Generated, Insertable, Kysely, Selectable, Updateable } from 'kysely'
import type { Sealed } from '../base/sealed.ts'
import type { DeletedCredentialTable } from './deleted-credentials.ts'
import type { EmergencyStopTable, StoppedCredentialTable } from './emergency-stop-tables.ts'
import type { AccessKeyTable, KeyDayTable, KeySightingTable } from './access-key-tables.ts'

/**
 * The shape of the database, the same on SQLite and PostgreSQL. Times are milliseconds since 1970 (`bigint`), switches
 * are 0 or 1, lists and objects are JSON texts, and every binary column is `Sealed`: there is no other kind.
 */
export type Tables = {
  /** Single facts about this installation, such as its id. */
  facts: { name: string; value: string }
  /** Which master keys this database knows. The keys themselves are never here. */
  master_keys: {
    version: number
    /** Tells a wrong key from the right one without helping to find it: 16 hex digits. */
    fingerprint: string
    /** JSON with the argon2id parameters and salt when the key comes from a passphrase. */
    derivation: string | null
    created_at: number
    /** Set when nothing is wrapped by it any more. */
    retired_at: number | null
  }
  /** One data key per owner (a credential, a registration, a message…), wrapped by a master key. */
  data_keys: { owner: string; wrapped: Sealed; master_key_version: number; created_at: number }
  /** Providers that the user defined; those of the catalogue are files. */
  providers: { id: string; definition: string; created_at: number; updated_at: number; revision: number }
  registrations: {
    id: string
    name: string
    name_key: string
    /** Id in the catalogue or in `providers`. */
    provider: string
    /** JSON: the provider's description as it was when this was made or last confirmed. */
    provider_snapshot: string
    /** JSON: values of the provider's placeholders, such as `tenant`. */
    placeholders: string
    client_id: string
    /** client_secret_basic, client_secret_post, private_key_jwt, none */
    client_auth: string
    client_secret: Sealed | null
    /** The secret before the last change, tried when the new one is refused. */
    previous_client_secret: Sealed | null
    /** PKCS #8 PEM for private_key_jwt and jwt_bearer. */
    private_key: Sealed | null
    private_key_id: string | null
    certificate: string | null
    secret_expires_at: number | null
    created_at: number
    updated_at: number
    revision: number
  }
  credentials: {
    id: string
    name: string
    name_key: string
    /** oauth2, api_key, basic */
    kind: string
    /** authorization_code, device_code, client_credentials, jwt_bearer; null for the other kinds */
    grant_type: string | null
    registration_id: string | null
    description: string
    /** The account, mostly a mail address: entered, or learnt at the consent. */
    username: string | null
    /** The provider's own stable name of the account (`sub`), to notice another one. */
    subject: string | null
    /** JSON list of scopes that are asked for. */
    scopes: string
    /** JSON: variant, audience, resource, subject to act for, further parameters, placeholders. */
    options: string
    /** JSON list of hosts that the token may be sent to, `*.` allowed in front. */
    allowed_hosts: string
    tags: string
    /** The word of the status table, kept so that lists can be filtered; `credential-status.ts` decides it. */
    status: string
    /** JSON {code, message, next_step} behind the status. */
    status_reason: string | null
    status_since: number
    paused: number
    /** JSON of the token set, API key or password. */
    secret: Sealed | null
    /** Counts the token sets; part of what the ciphertext is bound to, so that an older one does not open. */
    generation: number
    has_refresh_token: number
    token_obtained_at: number | null
    token_expires_at: number | null
    refresh_token_expires_at: number | null
    /** 1: every renewal moves that end on, so that it is none as long as renewals work. */
    refresh_token_slides: number | null
    /** When it is looked at whether a person must be warned of an end; null: no end is known. */
    warn_at: number | null
    /** JSON: of each known end, the moment and the days ahead of the last warning. */
    warned: string | null
    /** Until then nobody is told of it; null: told as usual. */
    snoozed_until: number | null
    /** When somebody said last that it is to be kept though nobody uses it, and when it was noted that nobody does. */
    kept_from: number | null
    unused_told_at: number | null
    /** JSON list, as the provider named them; null when it named none. */
    granted_scopes: string | null
    /** When the scheduler looks at it next; null: never. */
    refresh_due_at: number | null
    /** Failures in a row of the refresh. */
    failures: number
    lease: string | null
    lease_until: number | null
    last_used_at: number | null
    last_used_by: string | null
    /** ok, issue */
    last_use_outcome: string | null
    last_success_at: number | null
    /** Name, user and description, folded: what a search looks through. Kept by the functions of `credentials.ts`. */
    search_text: string
    /** The earliest known moment at which it stops unless a person acts. Kept by the functions of `credentials.ts`. */
    known_end: number | null
    created_at: number
    updated_at: number
    revision: number
  }
  /** A token request that was sent. Its row is written before the request and goes when the result is committed. */
  refresh_attempts: {
    credential_id: string
    attempt: string
    /** The generation whose refresh token was sent. */
    generation: number
    /** refresh_token, client_credentials, jwt_bearer, authorization_code, device_code */
    grant_type: string
    /** sent, answered */
    state: string
    started_at: number
    /** JSON {status, headers, body} as it came, sealed before it is judged. */
    answer: Sealed | null
    /** Whether the old refresh token was already tried once more after an interrupted attempt. */
    repeated: number
  }
  consents: {
    id: string
    credential_id: string
    /** browser, link, paste, device */
    mode: string
    /** SHA-256 of what the address that begins it ends with, hex: of a start in the browser, or of a link. */
    ticket_hash: string | null
    /** SHA-256 of what the cookie of the browser that began it holds, hex; null until one has. */
    browser_hash: string | null
    /** The session it was started in; null where that may be any browser. */
    session_id: string | null
    /** SHA-256 of the state, hex. */
    state_hash: string | null
    /** JSON: PKCE verifier, nonce, device code. */
    secret: Sealed | null
    redirect_uri: string | null
    issuer: string | null
    /** waiting, exchanging, done, failed, expired */
    status: string
    /** JSON problem of a failed one. */
    problem: string | null
    user_code: string | null
    verification_uri: string | null
    /** Milliseconds between two polls of the device grant. */
    poll_interval: number | null
    next_poll_at: number | null
    /** Who started it, for the audit, and under which name. */
    started_by: string
    started_by_name: string
    created_at: number
    expires_at: number
    finished_at: number | null
  }
  access_keys: AccessKeyTable
  /** The link by which a new key is handed over: the key itself is made when somebody opens it. */
  key_deliveries: {
    access_key_id: string
    /** SHA-256 of what the link ends with, hex. */
    link_hash: string
    created_by_name: string
    expires_at: number
    opened_at: number | null
    opened_from: string | null
    /** How often somebody came again after that. */
    repeats: number
  }
  persons: {
    id: string
    /** What he signs in with. */
    name: string
    name_key: string
    /** administrator, manager, viewer */
    role: string
    /** When the first sign-in was; null while only invited. */
    joined_at: number | null
    suspended_at: number | null
    /** argon2id hash in PHC form. Sealed, so that a copy of the database alone does not even allow guessing. */
    password: Sealed | null
    /** Issuer and `sub` of the account at the OpenID provider; null until he signed in there. */
    subject: string | null
    created_by: string
    created_at: number
    last_seen_at: number | null
  }
  /** The one open invitation of a person; it goes when it is accepted. */
  invitations: { person_id: string; code_hash: string; created_by_name: string; created_at: number; expires_at: number }
  passkeys: {
    id: string
    person_id: string
    /** What the authenticator calls it, base64url. */
    credential_id: string
    /** COSE key, base64url. Nothing secret: it only checks signatures. */
    public_key: string
    /** How often the authenticator says that it was used; 0: it does not count. */
    counter: number
    /** JSON list of ways to reach the authenticator. */
    transports: string
    name: string
    created_at: number
    last_used_at: number | null
  }
  /** What somebody who signs in without a password has to answer: once, and soon. */
  challenges: {
    id: string
    /** passkey_use, passkey_add, oidc */
    kind: string
    value: string
    /** Whose answer it must be; null: that shows then. */
    person_id: string | null
    session_id: string | null
    /** From where it was asked for. */
    network: string
    expires_at: number
  }
  sessions: {
    id: string
    person_id: string
    /** SHA-256 of what the cookie holds, hex. */
    token_hash: string
    /** password, invitation, passkey, oidc */
    way: string
    address: string | null
    user_agent: string | null
    created_at: number
    last_seen_at: number
    /** When the person last proved himself. */
    confirmed_at: number | null
    expires_at: number
  }
  /** Which key used which credential: made from real hand-outs. */
  usages: { credential_id: string; access_key_id: string; first_at: number; last_at: number; count: number; last_outcome: string }
  /** Uses per credential and day, for the chart; `day` counts days since 1970 in UTC. */
  usage_days: { credential_id: string; day: number; ok: number; issue: number }
  audit: {
    seq: number
    at: number
    actor: string
    actor_name: string
    action: string
    subject: string | null
    subject_name: string | null
    /** done, refused, failed */
    outcome: string
    reason: string | null
    address: string | null
    /** JSON: names of changed fields, counts and the like; never a value that could be secret. */
    detail: string
    hash: string
  }
  /** The last number and hash of the audit trail and of the events: locked while one is appended. */
  heads: { name: string; seq: number; hash: string }
  events: { seq: number; at: number; type: string; subject: string | null; data: string }
  senders: {
    id: string
    name: string
    name_key: string
    /** smtp, graph, gmail */
    kind: string
    host: string
    port: number
    /** implicit, starttls, none */
    tls: string
    /** auto, XOAUTH2, OAUTHBEARER, PLAIN, LOGIN, none */
    mechanism: string
    credential_id: string | null
    /** Whom to log in as; null: the credential's account. */
    login: string | null
    from_address: string
    from_name: string | null
    /** JSON list of addresses, domains with @ before them, and *; null: those of its own domain. */
    takes_from: string | null
    /** refuse, rewrite, keep; null: as the setting says. */
    foreign_from: string | null
    /** PEM of an own certificate authority. */
    ca: string | null
    is_default: number
    created_at: number
    updated_at: number
    revision: number
  }
  messages: {
    id: string
    sender_id: string
    message_id: string
    subject: string
    envelope_from: string
    /** JSON list of {address, state: waiting|sent|refused, reply} */
    recipients: string
    /** JSON: the message to send, attachments included. */
    content: Sealed
    size: number
    /** queued, sending, sent, failed, cancelled */
    status: string
    attempts: number
    next_attempt_at: number | null
    lease: string | null
    lease_until: number | null
    /** JSON {code, message, next_step, reply} of the last failure. */
    problem: string | null
    /** Id of the sender that delivered last; null: nobody yet. */
    sent_by: string | null
    /** JSON list of the ways that were tried: {sender: {id, name}, outcome, reason, at}. */
    route: Generated<string>
    created_by: string
    created_at: number
    sent_at: number | null
    expires_at: number
    /** Digest of the access key's id and its Idempotency-Key; null: it came without one. */
    submission: string | null
    /** Digest of that request, to tell a repetition from another one. */
    submission_request: string | null
    /** 1 high, 2 normal, 3 low: the smaller goes first. */
    priority: Generated<number>
    /** JSON list of what people did with it: {what, at, by, sender}. */
    history: Generated<string>
    /** Since when it is sent, failed or cancelled; null: it still waits. */
    ended_at: number | null
    /** 1: it waits for the sender's server to come back; 2: it was called because of that, and not taken yet. */
    held: Generated<number>
  }
  actions: {
    id: string
    name: string
    name_key: string
    /** send_email, http_request */
    kind: string
    description: string
    /** JSON: everything that it sends, and what is done on errors. Texts may hold what is nobody's business. */
    definition: Sealed
    /** JSON list of the names of the input that its texts ask for. */
    inputs: string
    credential_id: string | null
    sender_id: string | null
    /** JSON list of the ids of actions that may come after it. */
    leads_to: string
    paused: number
    created_at: number
    updated_at: number
    revision: number
  }
  action_runs: {
    id: string
    action_id: string
    /** The name at that moment: the run outlives the action. */
    action_name: string
    kind: string
    /** The run that others followed from; its own id for the first one. */
    root_id: string
    parent_id: string | null
    /** How many came before it in its chain. */
    depth: number
    /** 1: beside the chain, because of an error; what comes of it does not count for the chain. */
    aside: number
    /** api, webhook, schedule, action */
    trigger: string
    /** queued, running, waiting, done, failed, interrupted */
    status: string
    /** JSON: the actor that ordered it. */
    ordered_by: string
    /** JSON list of the names of the input. */
    input_names: string
    /** JSON {input, previous}; it goes with its key when the run has ended. */
    state: Sealed | null
    /** 1: whoever ordered it waits for the answer, so that nobody repeats it for him. */
    is_awaited: number
    attempts: number
    next_attempt_at: number | null
    lease: string | null
    lease_until: number | null
    /** JSON {code, message, next_step} */
    problem: string | null
    /** 1: there was a problem that does not count as a failure. */
    is_tolerated: number
    response_status: number | null
    message_id: string | null
    created_at: number
    started_at: number | null
    finished_at: number | null
  }
  key_sightings: KeySightingTable
  key_days: KeyDayTable
  deleted_credentials: DeletedCredentialTable
  emergency_stops: EmergencyStopTable
  stopped_credentials: StoppedCredentialTable
  /** Addresses that are told what needs a person. */
  webhooks: {
    id: string
    name: string
    name_key: string
    /** Scheme and host, to recognize it by: the rest of an address may be a secret. */
    origin: string
    url: Sealed
    /** What messages are signed with, `whsec_…`. */
    secret: Sealed
    /** The one before it, which signs as well until then. */
    previous_secret: Sealed | null
    previous_until: number | null
    /** JSON list of what it is told of. */
    events: string
    enabled: number
    /** Why the service itself switched it off; null: it did not. */
    disabled_reason: string | null
    /** Since when no delivery came through. */
    failing_since: number | null
    /** Failures in a row. */
    failures: number
    last_success_at: number | null
    last_failure_at: number | null
    last_error: string | null
    created_at: number
    updated_at: number
    revision: number
  }
  /** When an action is run by itself: at most one schedule for each. */
  action_schedules: {
    action_id: string
    /** Minute, hour, day, month, weekday. */
    cron: string
    time_zone: string
    /** skip, run_once */
    missed: string
    /** JSON of the input of its runs. */
    input: Sealed
    enabled: number
    /** Null while it is switched off. */
    next_due_at: number | null
    last_due_at: number | null
    updated_at: number
  }
  /** The address at which others run an action by a signed call: at most one for each. */
  action_hooks: { id: string; action_id: string; secret: Sealed; created_at: number }
  /** Calls that were taken, so that each is run once. */
  action_hook_calls: { hook_id: string; call_id: string; run_id: string; at: number }
  idempotency: {
    access_key_id: string
    key: string
    request_hash: string
    /** JSON reply; null while the first request still runs. */
    reply: Sealed | null
    status: number | null
    created_at: number
  }
  jobs: {
    id: string
    kind: string
    /** Only one job of a kind and subject at a time. */
    subject: string
    payload: string
    secret: Sealed | null
    due_at: number
    attempts: number
    lease: string | null
    lease_until: number | null
    last_error: string | null
    created_at: number
  }
}

export type Database = Kysely<Tables>

export type Row<Name extends keyof Tables> = Selectable<Tables[Name]>
export type NewRow<Name extends keyof Tables> = Insertable<Tables[Name]>
export type RowUpdate<Name extends keyof Tables> = Updateable<Tables[Name]>
