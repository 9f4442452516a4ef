import type { Diagnosis, Surface } from '../base/diagnosis.ts'
import { isProblem, withDiagnosis, type Problem } from '../base/problem.ts'
import type { Diagnoses, DiagnosisValues } from '../providers/diagnoses.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import type { CredentialContext } from './context.ts'
import { readReason, type Reason } from './credential-status.ts'
import { redirectUriOf } from './registrations.ts'
import type { CredentialOptions } from './types.ts'

type Context = Pick<CredentialContext, 'diagnoses' | 'catalogue' | 'publicUrl'>

/** What our own checks found, by the code of the reason or problem. */
const ownFailures: Record<string, string> = {
  account_mismatch: 'local_wrong_account',
  address_not_allowed: 'local_ssrf_blocked',
  audit_blocked: 'local_audit_blocked',
  clock_skew: 'local_clock_skew',
  consent_denied: 'oauth_auth_access_denied',
  consent_expired: 'local_callback_never',
  consent_issuer_mismatch: 'local_iss_mismatch',
  consent_unknown: 'local_state_missing',
  consent_wrong_browser: 'local_state_wrong_user',
  decrypt_failed: 'local_decrypt_failed',
  destination_not_allowed: 'local_ssrf_blocked',
  dpop_demanded: 'oauth_invalid_dpop_proof',
  master_key_missing: 'local_sealed',
  no_refresh_token: 'local_no_refresh_token',
  rotation_lost: 'local_rotation_lost',
  token_ran_out: 'local_no_refresh_token',
}

/** Returns what the steps of a diagnosis can name of a credential; nothing of it is secret. */
export function diagnosisValues(publicUrl: string, row: CredentialWithRegistration): DiagnosisValues {
  const options = JSON.parse(row.options) as CredentialOptions
  const { tenant } = { ...(JSON.parse(row.placeholders ?? '{}') as Record<string, string>), ...options.placeholders }
  const mailbox = options.actFor ?? row.username
  return {
    credential: row.name,
    scopes: (JSON.parse(row.scopes) as string[]).join(' '),
    ...(row.registration_name === null ? {} : { registration: row.registration_name }),
    ...(row.provider === null ? {} : { provider: row.provider }),
    ...(row.client_id === null ? {} : { client_id: row.client_id }),
    ...(row.registration_id === null ? {} : { redirect_uri: redirectUriOf(publicUrl, row.registration_id) }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(mailbox === null ? {} : { mailbox }),
    ...(options.actFor === undefined ? {} : { act_for: options.actFor }),
  }
}

/** Returns what the reason of a credential's status means, with its values filled in; null when there is nothing to explain. */
export function diagnosisOfReason(context: Context, row: CredentialWithRegistration, reason: Reason | null = readReason(row.status_reason)): Diagnosis | null {
  const id = reason === null ? undefined : (reason.diagnosis ?? ownFailures[reason.code])
  return id === undefined ? null : context.diagnoses.describe(id, diagnosisValues(context.publicUrl, row))
}

/**
 * Returns a problem with what it means, unless whoever found it has said so: for what our own checks find, and for connections
 * that fail outside of any credential.
 */
export function explainProblem(diagnoses: Pick<Diagnoses, 'classify' | 'describe'>, problem: Problem): Problem {
  if (problem.diagnosis !== null) return problem
  // Somebody answered, and too late: that is another matter than nobody coming back.
  const own = problem.code === 'consent_expired' ? 'local_state_missing' : ownFailures[problem.code]
  const isConnection = problem.code === 'outgoing_failed' || isProblem(problem.cause, 'outgoing_failed')
  const id = own ?? (isConnection ? diagnoses.classify(wordsOfError(problem), { surface: 'network' }) : null)
  const { credential } = problem.facts
  return id == null ? problem : withDiagnosis(problem, diagnoses.describe(id, typeof credential === 'string' ? { credential } : {}))
}

/** What the fields of the protocol say: `refused` for good, or `passing`; `unjudged` where there was no answer at all. */
export type Judgement = 'refused' | 'passing' | 'unjudged'

export type Failure = {
  text: string
  surface: Surface
  /** Id of the provider; null: of none. */
  provider: string | null
  judged: Judgement
  /** The same without the provider's own words. */
  bare?: string
}

/**
 * Returns the id of the diagnosis of a failure.
 *
 * Invariant: what it says of waiting and acting agrees with the fields of the protocol. A text that says otherwise is not
 * believed, and only the fields are explained.
 */
export function classifyFailure(context: Context, { text, surface, provider, judged, bare }: Failure): string | undefined {
  const agreeing = (id: string | null): string | undefined => {
    const found = id === null ? null : context.diagnoses.describe(id)
    if (found === null || judged === 'unjudged') return found?.id
    const waits = found.action === 'retry' || found.action === 'rate_limit'
    return waits === (judged === 'passing') ? found.id : undefined
  }
  return (
    agreeing(context.diagnoses.classify(text, { ...knownProvider(context, provider), surface })) ??
    (bare === undefined ? undefined : agreeing(context.diagnoses.classify(bare, { provider: 'any', surface })))
  )
}

/** A provider that somebody described himself may be any; a listed one is what it is. */
function knownProvider(context: Context, provider: string | null): { provider?: string } {
  return provider === null || provider === 'generic' || context.catalogue.get(provider) === undefined ? {} : { provider }
}

/** Returns what failed in a connection, as its chain of errors tells it. */
export function wordsOfError(error: unknown): string {
  const words: string[] = []
  for (let one = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth++) {
    const { code } = one as NodeJS.ErrnoException
    words.push(`${one.message}${code === undefined ? '' : ` code: ${code}`}`)
  }
  return words.join(' ')
}

/** Hosts of mail servers tell whose they are, whatever the credential is. */
const mailHosts: [RegExp, string][] = [
  [/(?:^|\.)(?:office365\.com|office\.com|outlook\.com|office365\.us)$/, 'microsoft'],
  [/(?:^|\.)(?:gmail\.com|google\.com|googlemail\.com)$/, 'google'],
]

/** An API is of one provider, however the credential for it was described. */
const apiProviders: Partial<Record<Surface, string>> = { graph_api: 'microsoft', gmail_api: 'google' }

/** Returns what the words of a mail server, or of a connection to it, mean. */
export function diagnoseReply(
  context: Context,
  row: CredentialWithRegistration | null,
  { text, surface, judged, host }: Pick<Failure, 'text' | 'surface' | 'judged'> & { host: string },
): Diagnosis | null {
  const provider =
    (row?.provider === 'generic' ? apiProviders[surface] : null) ?? row?.provider ?? mailHosts.find(([pattern]) => pattern.test(host))?.[1] ?? null
  const bare = /^\d{3}\b/.exec(text)?.[0]
  const id = classifyFailure(context, { text, surface, provider, judged, ...(bare === undefined ? {} : { bare: `${bare} ` }) })
  return id === undefined ? null : context.diagnoses.describe(id, { ...(row === null ? {} : diagnosisValues(context.publicUrl, row)), host })
}
