import type { AccessKeyView } from '../access/types.ts'
import type { Provider } from '../providers/provider-schema.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { planRest, restsSince, type RestPlan } from '../base/unused.ts'
import { shellWord } from '../base/shell-word.ts'
import { credentialsWithEnds, registrationsWithEnds } from '../storage/ends.ts'
import { unusedCredentials } from '../storage/credentials.ts'
import { restingOf } from './unused.ts'
import type { CredentialContext } from './context.ts'
import type { CredentialOptions } from './types.ts'
import { isThreeLegged, knownEnds, nextSteps, workingFacts } from './credential-status.ts'

/** Kinds of ends, with what a calendar calls them. */
export const endKinds = ['client_secret', 'certificate', 'consent', 'testing_consent', 'idle', 'token', 'password_login', 'access_key', 'unused'] as const
export type EndKind = (typeof endKinds)[number]

/** A day on which something stops unless a person acts. */
export type CalendarEnd = {
  kind: EndKind
  at: number
  /** Since when this end is so; null: it was so from the beginning. */
  since: number | null
  /** What ends. */
  subject: { kind: 'credential' | 'registration' | 'access_key'; id: string; name: string }
  /** What stops with it. */
  credentials: { id: string; name: string }[]
  message: string
  nextStep: string
}

const day = 86_400_000
const most = 5000
/** What ended longer ago is history. */
const keptDays = 30
/** What nobody uses is shown so long before it is stopped: what is used every day would otherwise always stand there. */
const unusedShown = 30 * day
/** Microsoft switches user name and password off for sending, for organizations that have not asked for more time. */
const basicAuthenticationEnds = Date.UTC(2026, 11, 31)

/** Lists everything known to end, the next first: client secrets, certificates, consents, idle limits, tokens that nothing renews. */
export async function listEnds(context: CredentialContext, visible: string[] | undefined): Promise<CalendarEnd[]> {
  const now = context.clock.now()
  const ends: CalendarEnd[] = []
  for (const row of await registrationsWithEnds(context.db, visible, most)) {
    // Whoever may see only some credentials sees only their registrations.
    if (visible !== undefined && row.credentials.length === 0) continue
    const isCertificate = row.client_auth === 'private_key_jwt'
    ends.push({
      kind: isCertificate ? 'certificate' : 'client_secret',
      at: row.secret_expires_at!,
      since: null,
      subject: { kind: 'registration', id: row.id, name: row.name },
      credentials: row.credentials,
      message: isCertificate ? 'The certificate ends.' : 'The client secret ends.',
      nextStep: isCertificate ? 'Make a new certificate, upload it at the provider and enter it in the registration.' : nextSteps.renewSecret.text,
    })
  }
  for (const row of await credentialsWithEnds(context.db, visible, most)) ends.push(...endsOf(row))
  if (context.unusedDays > 0) {
    const before = restsSince(context.unusedDays, now, unusedShown)
    for (const row of await unusedCredentials(context.db, { before, visible, limit: most })) {
      const named = { id: row.id, name: row.name }
      ends.push(unusedEnd(planRest(restingOf(row), context.unusedDays, now), { kind: 'credential', ...named }, [named], 'resume'))
    }
  }
  return ends.filter((end) => end.at > now - keptDays * day).sort((a, b) => a.at - b.at || a.subject.name.localeCompare(b.subject.name))
}

function endsOf(row: CredentialWithRegistration): CalendarEnd[] {
  const named = { id: row.id, name: row.name }
  const end = (kind: EndKind, at: number, message: string, nextStep: string): CalendarEnd => ({
    kind,
    at,
    since: row.token_obtained_at,
    subject: { kind: 'credential', ...named },
    credentials: [named],
    message,
    nextStep,
  })
  if (row.kind === 'basic') {
    const isExchange = (JSON.parse(row.allowed_hosts) as string[]).some((host) => /(?:^|\.)(?:office365\.com|outlook\.com)$/.test(host))
    const words = 'Exchange Online switches user name and password off for sending, unless an administrator asks for more time.'
    return isExchange ? [end('password_login', basicAuthenticationEnds, words, 'Make an oauth2 credential for this mailbox and choose it for the sender.')] : []
  }
  const known = knownEnds(workingFacts(row, null)).map(({ at, reason }): CalendarEnd => {
    const nextStep = reason.nextStep?.text ?? 'Reconnect.'
    if (reason.code === 'no_refresh_token') return end('token', at, 'Its token ends, and there is none to renew it with.', nextStep)
    return isTesting(row)
      ? end(
          'testing_consent',
          at,
          'The consent ends: the Google app is in "Testing", where each lives for 7 days.',
          'Google Auth Platform > Audience > Publish app; then reconnect.',
        )
      : end('consent', at, 'The consent ends: its refresh token has a fixed life.', nextStep)
  })
  return [...known, ...idleEnd(row, known, end)]
}

/** Google tells the seven days of an app in testing as the life of the refresh token; else a person has said it. */
function isTesting(row: CredentialWithRegistration): boolean {
  if (row.provider === null || !row.provider.startsWith('google') || row.refresh_token_expires_at === null) return false
  if ((JSON.parse(row.options) as CredentialOptions).consentLifetime !== undefined) return true
  return row.refresh_token_expires_at - (row.token_obtained_at ?? row.created_at) <= 7 * day + 3_600_000
}

/** A refresh token that nobody uses dies; as long as it is renewed, there is nothing to say. */
function idleEnd(
  row: CredentialWithRegistration,
  known: CalendarEnd[],
  end: (kind: EndKind, at: number, message: string, nextStep: string) => CalendarEnd,
): CalendarEnd[] {
  const rests = row.paused === 1 || row.failures > 0
  const idle = row.provider_snapshot === null ? undefined : (JSON.parse(row.provider_snapshot) as Partial<Provider>).lifetimes?.refresh_token_idle
  if (!rests || !isThreeLegged(row.grant_type) || row.has_refresh_token === 0 || idle === undefined || row.token_obtained_at === null || known.length > 0)
    return []
  const why = row.paused === 1 ? 'it is paused' : 'its renewals fail'
  return [
    end(
      'idle',
      row.token_obtained_at + idle * 1000,
      `The refresh token dies of disuse, because ${why}.`,
      row.paused === 1 ? 'Resume it before that.' : 'See why it is not renewed, and reconnect if need be.',
    ),
  ]
}

function unusedEnd(
  { neededAt, stopsAt }: RestPlan,
  subject: CalendarEnd['subject'],
  credentials: CalendarEnd['credentials'],
  command: 'resume' | 'key resume',
): CalendarEnd {
  return {
    kind: 'unused',
    at: stopsAt,
    since: neededAt,
    subject,
    credentials,
    message: 'Nobody uses it: it is switched off.',
    nextStep: `Nothing, if nobody needs it. To keep it, use it, or run: keybearer ${command} ${shellWord(subject.name)}`,
  }
}

/** Lists the access keys that will end, by their date or because nobody uses them. */
export function accessKeyEnds(keys: AccessKeyView[], now: number, unusedDays: number): CalendarEnd[] {
  const unused = keys
    .filter((key) => key.revokedAt === null && key.stoppedAt === null && key.mayBeStopped && (key.expiresAt === null || key.expiresAt > now))
    .map((key) => ({ key, plan: planRest(key, unusedDays, now) }))
    .filter(({ plan }) => plan.stopsAt - now <= unusedShown)
    .map(({ key, plan }) => unusedEnd(plan, { kind: 'access_key', id: key.id, name: key.name }, [], 'key resume'))
  const dated = keys
    .filter((key) => key.expiresAt !== null && key.revokedAt === null && key.expiresAt > now)
    .map((key) => ({
      kind: 'access_key' as const,
      at: key.expiresAt!,
      since: key.createdAt,
      subject: { kind: 'access_key' as const, id: key.id, name: key.name },
      credentials: [],
      message: 'The access key ends.',
      nextStep: 'Make a new one and give it to the automation.',
    }))
  return [...dated, ...unused]
}
