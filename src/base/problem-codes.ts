/** What the command line exits with: see the table in `docs/reference/command-line.md`. */
export const exitCodes = { done: 0, failed: 1, usage: 2, no_such_thing: 3, not_signed_in: 4, needs_person: 5, not_allowed: 6, try_later: 75 } as const

type Row = {
  /** HTTP status of the reply. */
  status: number
  exit: (typeof exitCodes)[keyof typeof exitCodes]
  title: string
  /** Said when the place that found the problem knows nothing better. */
  nextStep: string
}

const row = (status: number, exit: keyof typeof exitCodes, title: string, nextStep: string): Row => ({ status, exit: exitCodes[exit], title, nextStep })

/** Every error code that leaves the program. Codes never change their meaning; `docs/reference/errors.md` is made from here. */
export const problemCodes = {
  // What the caller sent.
  invalid_request: row(400, 'usage', 'The request is not understood', 'Correct the fields named in "errors" and send it again.'),
  malformed_json: row(400, 'usage', 'The body is not JSON', 'Send a JSON object, encoded as UTF-8.'),
  payload_too_large: row(413, 'usage', 'The request is too large', 'Send less; the limit stands in the detail.'),
  unsupported_media_type: row(415, 'usage', 'The body has a type that is not understood', 'Send Content-Type: application/json.'),
  method_not_allowed: row(405, 'usage', 'This address does not know this method', 'See /openapi.json for what it knows.'),
  host_not_expected: row(
    421,
    'not_allowed',
    'The request names another host',
    'Use the address of KEYBEARER_PUBLIC_URL, or add the name to KEYBEARER_ALLOWED_HOSTS.',
  ),
  origin_not_allowed: row(403, 'not_allowed', 'A page of another site sent the request', 'Call the API from a program, or from the page of Keybearer itself.'),
  not_signed_in: row(
    401,
    'not_signed_in',
    'Nobody is signed in',
    'Send "Authorization: Bearer kb_…" with a key that has neither expired nor been revoked; in a browser, sign in.',
  ),
  not_allowed: row(403, 'not_allowed', 'The caller may not do this', 'Use a key with this right, or ask whoever manages access keys and persons for it.'),
  not_found: row(404, 'no_such_thing', 'There is no such thing', 'List what there is and check the name.'),
  name_taken: row(409, 'failed', 'The name is taken', 'Choose another name.'),
  in_use: row(409, 'failed', 'It is still used', 'Remove or change what uses it first; the detail says what.'),
  changed_meanwhile: row(412, 'try_later', 'Somebody changed it meanwhile', 'Read it again, look at the difference, and repeat the change.'),
  idempotency_conflict: row(409, 'failed', 'The Idempotency-Key was used for another request', 'Use a new key for a new request.'),
  rate_limited: row(429, 'try_later', 'Too many requests', 'Wait for the seconds in Retry-After.'),

  // Persons.
  sign_in_refused: row(401, 'not_signed_in', 'The sign-in was refused', 'Check name and password. An administrator can make a new link for you.'),
  sign_in_unknown: row(
    400,
    'failed',
    'No sign-in waits for this answer',
    'Begin again at the sign-in page, and finish within five minutes in the same browser.',
  ),
  sign_in_failed: row(502, 'try_later', 'The sign-in at the provider failed', 'Try again, or sign in with the password. The log of the service says more.'),
  sign_in_stale: row(403, 'not_allowed', 'The sign-in is too long ago for this', 'Confirm that it is you, and repeat it.'),
  invitation_unknown: row(400, 'failed', 'This link does not work', 'It was used, replaced by a newer one, or is too old. Ask for a new one.'),
  setup_done: row(409, 'failed', 'The set-up was done already', 'Sign in, or make a new link on the machine of the service: keybearer person link NAME.'),
  password_weak: row(400, 'usage', 'The password is too easy to guess', 'Take a longer one: some words that do not belong together are fine.'),
  password_missing: row(409, 'failed', 'This person has no password', 'Ask an administrator for a new link.'),
  passkey_refused: row(400, 'failed', 'The passkey was not taken', 'Try again; the browser asks once more.'),
  passkey_unavailable: row(
    409,
    'failed',
    'Passkeys do not work at this address',
    'Give the service a name with https by KEYBEARER_PUBLIC_URL. Until then, sign in with the password.',
  ),
  last_administrator: row(409, 'failed', 'It is the last administrator', 'Make somebody else an administrator first.'),

  // The delivery of an access key.
  delivery_unknown: row(404, 'no_such_thing', 'This link hands nothing over', 'Check that it is complete, or ask for a new key.'),
  delivery_expired: row(410, 'failed', 'This link is too old', 'Ask for a new key, and open its link within the hour.'),
  delivery_used: row(
    410,
    'failed',
    'This link was opened before',
    'If that was not you, somebody else has the key: have it revoked at once. It has been recorded.',
  ),

  // A credential cannot be used now.
  incomplete: row(409, 'needs_person', 'The credential is not finished', 'Finish its set-up and connect it.'),
  needs_consent: row(409, 'needs_person', 'A person must consent again', 'Reconnect the credential.'),
  misconfigured: row(409, 'failed', 'The credential is set up wrongly', 'Correct what the detail names.'),
  paused: row(409, 'failed', 'The credential is paused', 'Resume it.'),
  provider_unavailable: row(503, 'try_later', 'The provider does not answer as it should', 'Wait; it is tried again by itself.'),
  clock_skew: row(
    503,
    'try_later',
    'The clock of this machine is wrong',
    'Set it right, best by switching synchronization on: timedatectl set-ntp true. It then goes on by itself.',
  ),
  ttl_too_long: row(409, 'failed', 'The provider issues no token that lives so long', 'Ask for a smaller min_ttl_seconds.'),
  wrong_kind: row(409, 'failed', 'This kind of credential cannot do that', 'See the detail for what it can do.'),
  destination_not_allowed: row(
    403,
    'not_allowed',
    'The credential may not be sent to this host',
    "Add the host to the credential's allowed hosts if you trust it.",
  ),

  // Consent.
  consent_unknown: row(400, 'failed', 'No consent waits for this answer', 'Start the consent again and use the newest link.'),
  consent_expired: row(400, 'failed', 'The consent took too long', 'Start it again.'),
  consent_withdrawn: row(410, 'failed', 'The consent was withdrawn', 'Ask whoever started it for a new link.'),
  consent_used: row(409, 'failed', 'This answer was used already', 'Nothing is to be done if the credential is ready; otherwise start again.'),
  consent_denied: row(400, 'needs_person', 'The consent was refused at the provider', 'Start again and agree, or ask the administrator of the account.'),
  consent_wrong_browser: row(
    403,
    'failed',
    'Another browser began this consent',
    'Open the address in the browser in which the consent was begun, or start a new one.',
  ),
  consent_to_paste: row(
    409,
    'failed',
    'This answer is to be pasted',
    "Copy the whole address from this browser's address bar and paste it where the consent was started.",
  ),
  consent_issuer_mismatch: row(
    400,
    'failed',
    'Another provider answered',
    'Start again. If it repeats, check the issuer of the provider: somebody may try to mix up two providers.',
  ),
  consent_malformed: row(
    400,
    'usage',
    'The answer of the provider is not complete',
    "Copy the whole address from the browser's address bar and paste it again.",
  ),
  consent_failed: row(502, 'failed', 'The provider did not give a token for this consent', 'Read the detail, correct the registration, and start again.'),
  account_mismatch: row(409, 'needs_person', 'Another account signed in than before', 'Sign in with the account of this credential, or confirm the change.'),

  // Import.
  import_invalid: row(400, 'usage', 'The file cannot be imported', 'Nothing was imported. Correct what is named, or export the file anew.'),
  import_passphrase: row(400, 'usage', 'The file needs its passphrase', 'Give the passphrase that the file was encrypted with.'),

  // The protocol.
  discovery_failed: row(502, 'failed', "The provider's metadata cannot be used", 'Check the issuer address, or give the endpoints by hand.'),
  address_not_allowed: row(403, 'not_allowed', 'This address may not be called', 'Private and loopback addresses need KEYBEARER_ALLOW_PRIVATE_NETWORKS.'),
  outgoing_failed: row(502, 'try_later', 'An outgoing request failed', 'Check network, DNS and certificates; the detail says which.'),

  // Mail.
  mail_invalid: row(400, 'usage', 'The message cannot be sent as it is', 'Correct the fields named in "errors".'),
  mail_refused: row(502, 'failed', 'The mail server refused', "Read the server's words in the detail."),
  mail_unavailable: row(503, 'try_later', 'The mail server does not answer', 'Wait; the message stays in the outbox and is tried again.'),
  mail_outcome_unknown: row(
    503,
    'try_later',
    'Nobody knows whether the message was sent',
    'Wait; it is tried again with the same Message-ID. It may arrive twice: look into the sent items.',
  ),
  mail_auth_refused: row(
    502,
    'failed',
    'The mail server refused the login',
    'Check that the credential has the scope for sending mail and that the mailbox allows it.',
  ),
  no_sender: row(409, 'failed', 'No sender is set', 'Make a sender, or name one.'),
  message_not_cancellable: row(409, 'failed', 'The message is no longer waiting', 'Look what became of it: nothing can be changed any more.'),

  // Actions.
  template_failed: row(409, 'failed', 'A text of the action cannot be written', 'Correct the text, or give the input that it needs.'),
  response_status: row(502, 'failed', 'The server answered with an error', "Read the server's answer, then correct the request or what it is about."),
  webhook_refused: row(
    401,
    'not_allowed',
    'The call of the webhook is not believed',
    'Sign it as Standard Webhooks say, with the secret of this address, and with the time of now.',
  ),
  action_paused: row(409, 'failed', 'The action is paused', 'Switch it on again.'),
  action_interrupted: row(
    500,
    'try_later',
    'The run of the action was cut off',
    'Nobody knows how far it came: look at the other side what became of it before you run it again.',
  ),
  action_chain_too_long: row(409, 'failed', 'Too many actions led to one another', 'Shorten the chain of actions.'),

  // The service itself.
  audit_blocked: row(503, 'try_later', 'The audit trail cannot be written', 'Nothing is handed out until it can. Free disk space or repair the database.'),
  storage_unavailable: row(503, 'try_later', 'The database does not answer', 'Check that it runs and that the disk is not full.'),
  storage_full: row(507, 'try_later', 'The disk is full', 'Free some space; nothing was changed.'),
  database_newer: row(
    500,
    'failed',
    'The database was written by a newer version',
    'Install the newer version of Keybearer again, or restore a backup from before the upgrade.',
  ),
  database_in_use: row(500, 'failed', 'Another Keybearer runs on this data folder', 'Stop the other one, or use another KEYBEARER_DATA.'),
  backup_running: row(409, 'try_later', 'A backup is being made', 'Wait until it has ended.'),
  backup_unsupported: row(409, 'failed', 'This database is backed up by its own tools', 'Use pg_dump, as docs/guide/backup.md shows.'),
  backup_invalid: row(400, 'failed', 'The file cannot be restored', 'Nothing was changed. Take another backup.'),
  store_exists: row(
    409,
    'failed',
    'There is a store already',
    'Name an empty folder by KEYBEARER_DATA, or add --replace: the store of now is kept beside the restored one.',
  ),
  decrypt_failed: row(500, 'failed', 'A stored secret cannot be opened', 'It was damaged or moved. Restore a backup, or enter the secret again.'),
  master_key_missing: row(500, 'failed', 'The master key is missing', 'Provide the master key that this database was made with.'),
  master_key_wrong: row(500, 'failed', 'The master key is not the one of this database', 'Provide the master key with the fingerprint in the detail.'),
  master_key_invalid: row(500, 'failed', 'The master key cannot be used', 'Correct what the detail names.'),
  master_key_fixed: row(409, 'failed', 'This master key cannot be replaced from here', 'Follow the steps in the detail.'),
  rotation_running: row(409, 'try_later', 'A rotation of the master key is running', 'Wait until it has ended.'),
  settings_invalid: row(500, 'usage', 'A setting is wrong', 'Correct the settings named in the detail.'),
  provider_invalid: row(400, 'usage', "The provider's description has errors", 'Correct the fields named in "errors".'),
  locked: row(503, 'try_later', 'The service is locked', 'Somebody who manages it can unlock it: keybearer unlock, or the start page in a browser.'),
  shutting_down: row(503, 'try_later', 'The service is stopping', 'Try again in a moment.'),
  service_unreachable: row(503, 'try_later', 'The Keybearer service does not answer', 'Start it with "npm start" or "keybearer serve", or set KEYBEARER_URL.'),
  internal_error: row(500, 'failed', 'Something unforeseen happened', 'See the log of the service for the request id.'),
} as const satisfies Record<string, Row>

export type ProblemCode = keyof typeof problemCodes

export const isProblemCode = (text: string): text is ProblemCode => Object.hasOwn(problemCodes, text)
