import type { Actor } from '../base/actor.ts'
import { isProblem } from '../base/problem.ts'
import { apiHeaders, textAt } from '../oauth/api-call.ts'
import { readJsonObject } from '../oauth/json-object.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { findRegistration } from '../storage/registrations.ts'
import type { CredentialContext } from './context.ts'
import { missingScopes } from './credential-view.ts'
import type { HandOutOrder } from './hand-out.ts'
import { providerOf } from './provider-of.ts'
import type { HandedOut, TestReport, TestStep } from './types.ts'

/**
 * Tries a credential for real: gets a token, compares the granted scopes with those asked for, and calls the provider's
 * harmless test address where there is one.
 */
export async function testCredential(
  context: CredentialContext,
  row: CredentialWithRegistration,
  handOut: (order: HandOutOrder) => Promise<HandedOut>,
  actor: Actor,
): Promise<TestReport> {
  const steps: TestStep[] = []
  const report = (): TestReport => ({ ok: steps.every((step) => step.ok), credential: { id: row.id, name: row.name }, steps })
  let token: HandedOut
  try {
    token = await handOut({ purpose: 'test', actor })
  } catch (error) {
    if (!isProblem(error)) throw error
    steps.push({ name: 'token', ok: false, message: error.message, nextStep: error.nextStep, diagnosis: error.diagnosis })
    return report()
  }
  const until = token.expiresAt === null ? 'without a known end' : `until ${new Date(token.expiresAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  steps.push({
    name: 'token',
    ok: true,
    message: row.kind === 'oauth2' ? `There is an access token, valid ${until}.` : 'The secret is stored and can be opened.',
    nextStep: null,
  })
  if (row.kind !== 'oauth2') return report()

  const missing = missingScopes(JSON.parse(row.scopes) as string[], token.scope)
  if (token.scope !== null) {
    steps.push(
      missing.length === 0
        ? { name: 'scopes', ok: true, message: 'Every scope that was asked for was granted.', nextStep: null }
        : { name: 'scopes', ok: false, message: `Not granted: ${missing.join(', ')}.`, nextStep: 'Allow these scopes at the provider, then reconnect.' },
    )
  }
  const registration = row.registration_id === null ? undefined : await findRegistration(context.db, row.registration_id)
  const provider = registration ? providerOf(context, registration, row) : null
  const request = provider?.testRequest
  if (request && fits(provider.data.test_request?.scopes, token.scope)) steps.push(await callTestAddress(context, provider, request, handOut, actor))
  return report()
}

const fits = (wanted: string[] | undefined, granted: string[] | null) =>
  wanted === undefined || granted === null || wanted.every((scope) => granted.includes(scope))

async function callTestAddress(
  context: CredentialContext,
  provider: ResolvedProvider,
  request: NonNullable<ResolvedProvider['testRequest']>,
  handOut: (order: HandOutOrder) => Promise<HandedOut>,
  actor: Actor,
): Promise<TestStep> {
  const { host } = new URL(request.url)
  const { body, expect } = provider.data.test_request ?? {}
  try {
    const token = await handOut({ purpose: 'test', destination: { host }, actor })
    const response = await context.http({
      method: request.method,
      url: request.url,
      timeout: 15_000,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...request.headers, ...apiHeaders(provider, token.accessToken) },
      ...(body === undefined ? {} : { body }),
    })
    const isGood = response.status >= 200 && response.status < 300
    const ok = isGood && (expect === undefined || textAt(readJsonObject(Buffer.from(response.body).toString('utf8')), expect.member) === expect.value)
    return {
      name: 'call',
      ok,
      message: `${host} answers with status ${response.status}${isGood && !ok ? ', and says that the token is not good' : ''}.`,
      nextStep: ok
        ? null
        : response.status === 401
          ? 'The provider does not take its own token: check audience and scopes.'
          : 'Check the scopes and the rights of the account.',
    }
  } catch (error) {
    if (!isProblem(error)) throw error
    return { name: 'call', ok: false, message: error.message, nextStep: error.nextStep }
  }
}
