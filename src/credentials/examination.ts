import type { Actor } from '../base/actor.ts'
import { isProblem } from '../base/problem.ts'
import type { Surface } from '../base/diagnosis.ts'
import { shellWord } from '../base/shell-word.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { findRegistration, type RegistrationRow } from '../storage/registrations.ts'
import type { CredentialContext } from './context.ts'
import { isThreeLegged, type Reason } from './credential-status.ts'
import { classifyFailure, diagnosisOfReason, diagnosisValues, wordsOfError } from './diagnosis.ts'
import { failed, passed, skipped, warned, type ExaminationStep } from './examination-steps.ts'
import { examineMetadata, examineWay } from './examine-provider.ts'
import { examineToken, type Target } from './examine-token.ts'
import type { HandOutOrder } from './hand-out.ts'
import { providerOf } from './provider-of.ts'
import type { Renewer } from './refresh.ts'
import { openRegistrationSecrets } from './registration-secrets.ts'
import type { HandedOut } from './types.ts'

const day = 86_400_000

/** What an examination uses of the rest. */
export type ExaminationParts = { renewer: Pick<Renewer, 'renew'>; handOut: (order: HandOutOrder) => Promise<HandedOut> }

/** The steps, and whether there is something to log in with. */
export type Examined = { steps: ExaminationStep[]; isUsable: boolean }

const ended = (...steps: ExaminationStep[]): Examined => ({ steps, isUsable: false })

/**
 * Goes through a credential from the outside in: the way to the provider, its metadata, whether the client is believed, whether
 * the grant still counts, what the token is for, and whether the API takes it. What comes after a failure is left out.
 */
export async function examineCredential(
  context: CredentialContext,
  row: CredentialWithRegistration,
  { renewer, handOut }: ExaminationParts,
  /** Mail servers that the credential is used at. */
  mailHosts: string[],
  actor: Actor,
): Promise<Examined> {
  if (row.paused === 1) return ended(failed('credential', 'It is paused.', { nextStep: `Resume it: keybearer resume ${shellWord(row.name)}` }))
  if (row.kind !== 'oauth2') {
    if (row.secret === null)
      return ended(failed('secret', 'No secret is stored.', { nextStep: `Enter it: keybearer edit ${shellWord(row.name)} --secret-file -` }))
    return { steps: [passed('secret', 'The secret is stored.')], isUsable: true }
  }
  const registration = row.registration_id === null ? undefined : await findRegistration(context.db, row.registration_id)
  if (!registration) return ended(failed('registration', 'The credential has no registration.'))
  let provider: ResolvedProvider
  try {
    provider = providerOf(context, registration, row)
  } catch (error) {
    if (!isProblem(error)) throw error
    return ended(failed('registration', error.message, { nextStep: error.nextStep }))
  }
  const steps = await examineRegistration(context, row, registration)
  steps.push(...(await examineWay(context, row, provider)))
  const isReached = steps.every((step) => step.outcome !== 'failed' || (step.name !== 'name' && step.name !== 'connection' && step.name !== 'encryption'))
  if (!isReached) return ended(...steps, skipped('client and grant', 'The provider is out of reach.'))
  steps.push(...(await examineMetadata(context, row, provider)))

  const before = await renewer.renew(row.id, { generation: row.generation, actor, asked: 'by_person' })
  if (before.kind === 'not_possible') return ended(...steps, failed('grant', before.reason.message, stepOf(context, row, before.reason)))
  if (before.kind === 'busy') return ended(...steps, failed('grant', 'Another node has been at it for a minute.', { nextStep: 'Try again in a minute.' }))
  if (before.kind === 'settled' && before.settlement.kind !== 'granted') {
    const reason = 'reason' in before.settlement ? before.settlement.reason : null
    return ended(...steps, ...(await refusedSteps(context, row, registration, reason)))
  }
  steps.push(passed('client', 'The provider believes the client.'), passed('grant', 'It gave a new token.'))
  const token = await handOut({ purpose: 'test', actor })
  steps.push(...examineToken(context, row, token, targetsOf(provider, mailHosts, row)))
  steps.push(...(await callApi(context, row, provider, handOut, actor)))
  return { steps, isUsable: true }
}

/** Looks at what is stored with the registration: ends, and the commonest mistake of all. */
async function examineRegistration(context: CredentialContext, row: CredentialWithRegistration, registration: RegistrationRow): Promise<ExaminationStep[]> {
  const steps: ExaminationStep[] = []
  const now = context.clock.now()
  const end = registration.secret_expires_at
  const what = registration.client_auth === 'private_key_jwt' ? 'certificate' : 'client secret'
  if (end !== null && end <= now) {
    const id = what === 'certificate' ? 'ms_aadsts700027' : 'ms_aadsts7000222'
    const isMicrosoft = registration.provider.startsWith('microsoft')
    const diagnosis = isMicrosoft ? context.diagnoses.describe(id, diagnosisValues(context.publicUrl, row)) : null
    const nextStep = `Make a new ${what} at the provider and enter it: keybearer registration edit ${shellWord(registration.name)}`
    steps.push(failed('registration', `The ${what} ran out on ${new Date(end).toISOString().slice(0, 10)}.`, { nextStep, diagnosis }))
  } else if (end !== null && end - now < 30 * day) {
    steps.push(warned('registration', `The ${what} ends on ${new Date(end).toISOString().slice(0, 10)}.`, { nextStep: `Make a new ${what} in time.` }))
  }
  return steps
}

/** Says whether the client was not believed or the grant counts no longer. */
async function refusedSteps(
  context: CredentialContext,
  row: CredentialWithRegistration,
  registration: RegistrationRow,
  reason: Reason | null,
): Promise<ExaminationStep[]> {
  if (reason === null) return [failed('grant', 'No token came.')]
  const more = stepOf(context, row, reason)
  switch (reason.code) {
    case 'client_refused': {
      const looksLikeId = await isSecretAnId(context, registration)
      return [
        looksLikeId
          ? failed('client', `${reason.message} The stored client secret has the form of an ID: the "Secret ID" was pasted instead of the "Value".`, {
              ...more,
              nextStep: 'Make a new client secret, and copy the column "Value", not the "Secret ID".',
            })
          : failed('client', reason.message, more),
        skipped('grant', 'The client is not believed.'),
      ]
    }
    case 'clock_skew':
    case 'provider_unavailable':
    case 'answer_unusable':
      return [failed('client and grant', reason.message, more)]
    default:
      return [failed('grant', reason.message, more)]
  }
}

async function isSecretAnId(context: CredentialContext, registration: RegistrationRow): Promise<boolean> {
  const { clientSecret } = await openRegistrationSecrets(context, registration)
  return clientSecret !== null && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(clientSecret.reveal().trim())
}

function stepOf(context: CredentialContext, row: CredentialWithRegistration, reason: Reason) {
  const diagnosis = diagnosisOfReason(context, row, reason)
  return { nextStep: diagnosis === null ? (reason.nextStep?.text ?? null) : null, diagnosis }
}

/** Returns what the mail servers want, as far as the provider's description says. */
function targetsOf(provider: ResolvedProvider, mailHosts: string[], row: CredentialWithRegistration): Target[] {
  const servers = provider.data.mail?.smtp ?? []
  return servers
    .filter((server) => mailHosts.includes(server.host))
    .map((server) => ({
      name: server.host,
      audiences: [...new Set((server.scopes ?? []).filter((scope) => scope.startsWith('https://')).map((scope) => new URL(scope).origin))],
      roles: isThreeLegged(row.grant_type) || !provider.id.startsWith('microsoft') ? [] : ['SMTP.SendAsApp'],
    }))
}

/** Harmless calls of well-known APIs, where a description names none. */
function apiCalls(row: CredentialWithRegistration, provider: ResolvedProvider): { url: string; headers: Record<string, string>; surfaces: Surface[] }[] {
  if (provider.testRequest !== null && provider.testRequest.method === 'GET' && fits(provider.data.test_request?.scopes, row)) {
    return [{ url: provider.testRequest.url, headers: provider.testRequest.headers, surfaces: ['graph_api', 'gmail_api', 'any_api'] }]
  }
  const scopes = JSON.parse(row.granted_scopes ?? row.scopes) as string[]
  const asked = [...scopes, ...(JSON.parse(row.scopes) as string[])].join(' ').toLowerCase()
  const mailbox = diagnosisValues('', row).mailbox
  if (asked.includes('graph.microsoft.com')) {
    const whose = isThreeLegged(row.grant_type) ? 'me' : `users/${encodeURIComponent(mailbox ?? '')}`
    return [{ url: `https://graph.microsoft.com/v1.0/${whose}`, headers: {}, surfaces: ['graph_api', 'any_api'] }]
  }
  if (/https:\/\/mail\.google\.com|auth\/gmail\./.test(asked)) {
    return [{ url: 'https://gmail.googleapis.com/gmail/v1/users/me/profile', headers: {}, surfaces: ['gmail_api', 'any_api'] }]
  }
  return []
}

function fits(wanted: string[] | undefined, row: CredentialWithRegistration): boolean {
  const granted = row.granted_scopes === null ? null : (JSON.parse(row.granted_scopes) as string[])
  return wanted === undefined || granted === null || wanted.every((scope) => granted.includes(scope))
}

/** Calls the API that the token is for, where a harmless call is known. */
async function callApi(
  context: CredentialContext,
  row: CredentialWithRegistration,
  provider: ResolvedProvider,
  handOut: ExaminationParts['handOut'],
  actor: Actor,
): Promise<ExaminationStep[]> {
  const steps: ExaminationStep[] = []
  const values = diagnosisValues(context.publicUrl, row)
  const explain = (text: string, surfaces: Surface[]) => {
    const ids = surfaces.map((surface) => classifyFailure(context, { text, surface, provider: row.provider, judged: 'unjudged' }))
    const id = ids.find((one) => one !== undefined)
    return id === undefined ? null : context.diagnoses.describe(id, values)
  }
  for (const { url, headers, surfaces } of apiCalls(row, provider)) {
    const { host } = new URL(url)
    try {
      const token = await handOut({ purpose: 'test', destination: { host }, actor })
      const response = await context.http({
        method: 'GET',
        url,
        timeout: 15_000,
        headers: { ...headers, authorization: `${token.tokenType} ${token.accessToken.reveal()}` },
      })
      const { status } = response
      if (status >= 200 && status < 300) {
        steps.push(passed('API', `${host} takes the token.`))
        continue
      }
      // Only the id of what is found comes back: nothing of the answer is shown.
      const diagnosis = explain(`HTTP ${status} ${Buffer.from(response.body).toString('utf8')}`, surfaces)
      const message = `${host} answers with status ${status}.`
      // A scope for sending alone lets nobody read who he is: the token was understood all the same.
      const isHarmless =
        status === 403 &&
        provider.testRequest === null &&
        ['graph_access_denied', 'gapi_scope', 'graph_request_denied', 'bearer_insufficient_scope'].includes(diagnosis?.id ?? '')
      steps.push(
        isHarmless
          ? warned('API', `${message} It understands the token, and this harmless call is not among what was granted.`, {
              nextStep: 'Nothing, if the automation itself works.',
            })
          : failed('API', message, { diagnosis }),
      )
    } catch (error) {
      if (!isProblem(error)) throw error
      if (error.code === 'destination_not_allowed') steps.push(skipped('API', error.message))
      else steps.push(failed('API', error.message, { nextStep: error.nextStep, diagnosis: explain(wordsOfError(error), ['network']) }))
    }
  }
  return steps
}
