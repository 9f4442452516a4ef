import { shellWord } from '../base/shell-word.ts'
import type { HandedOut } from './types.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import type { CredentialContext } from './context.ts'
import { missingScopes } from './credential-view.ts'
import { isThreeLegged } from './credential-status.ts'
import { diagnosisValues } from './diagnosis.ts'
import { failed, passed, skipped, type ExaminationStep } from './examination-steps.ts'

type Claims = Record<string, unknown>

/** What a place that the token goes to wants of it. */
export type Target = { name: string; audiences: string[]; roles: string[] }

/** Compares what stands in the token with what was asked for, and with what the places want that it goes to. */
export function examineToken(context: CredentialContext, row: CredentialWithRegistration, token: HandedOut, targets: Target[]): ExaminationStep[] {
  const scopes = JSON.parse(row.scopes) as string[]
  const steps: ExaminationStep[] = []
  const describe = (id: string) => ({ diagnosis: context.diagnoses.describe(id, diagnosisValues(context.publicUrl, row)) })
  const missing = missingScopes(scopes, token.scope)
  if (missing.length > 0) steps.push(failed('scopes', `Not granted: ${missing.join(', ')}.`, describe('local_scope_shortfall')))
  else if (token.scope !== null) steps.push(passed('scopes', 'Every scope that was asked for was granted.'))

  const claims = readClaims(token.accessToken.reveal())
  if (claims === null) return [...steps, skipped('audience', 'The token is opaque: only the provider can tell what it is for.')]
  steps.push(...clientSteps(row, claims))
  const audiences = listOf(claims.aud)
  const wanted = [
    ...targets,
    ...scopes.flatMap((scope) => (/^https:\/\/[^/]+\/\S/.test(scope) ? [{ name: scope, audiences: [new URL(scope).origin], roles: [] }] : [])),
  ]
  const wrong =
    audiences.length === 0
      ? undefined
      : wanted.find((target) => target.audiences.length > 0 && !target.audiences.some((one) => audiences.some((aud) => isSame(aud, one))))
  if (wrong !== undefined) {
    steps.push(
      failed('audience', `The token is for ${audiences.join(', ')}, but ${wrong.name} wants one for ${wrong.audiences.join(' or ')}.`, {
        nextStep: `Ask for scopes of ${wrong.audiences[0]}: keybearer edit ${shellWord(row.name)} --scope …; a token serves one service only.`,
        ...describe('graph_bad_audience'),
      }),
    )
  } else if (audiences.length > 0) steps.push(passed('audience', `The token is for ${audiences.join(', ')}.`))
  if (!isThreeLegged(row.grant_type) && typeof claims.tid === 'string') {
    const roles = listOf(claims.roles)
    const lacking = targets.flatMap((target) => target.roles).find((role) => !roles.includes(role))
    if (roles.length === 0 || lacking !== undefined) {
      const message =
        roles.length === 0
          ? 'The token carries no permission of the application at all.'
          : `The token lacks the permission ${lacking}; it has ${roles.join(', ')}.`
      steps.push(failed('permissions', message, describe('ms_aadsts65005')))
    } else steps.push(passed('permissions', `The token carries ${roles.join(', ')}.`))
  }
  return steps
}

/** Whether the token was made for this client, in this tenant. */
function clientSteps(row: CredentialWithRegistration, claims: Claims): ExaminationStep[] {
  const client = [claims.appid, claims.azp, claims.client_id].find((value) => typeof value === 'string')
  if (client !== undefined && client !== row.client_id) {
    return [
      failed('client', `The token was made for the client ${client}, not for ${row.client_id}.`, {
        nextStep: 'Look whether the client ID was changed after the consent; reconnect.',
      }),
    ]
  }
  const tenant = {
    ...(JSON.parse(row.placeholders ?? '{}') as Record<string, string>),
    ...(JSON.parse(row.options) as { placeholders?: Record<string, string> }).placeholders,
  }.tenant
  const isId = tenant !== undefined && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(tenant)
  if (typeof claims.tid === 'string' && isId && claims.tid.toLowerCase() !== tenant.toLowerCase()) {
    return [
      failed('tenant', `The token is of the tenant ${claims.tid}, but the registration names ${tenant}.`, {
        nextStep: 'Connect with an account of the right organization, or correct the tenant in the registration.',
      }),
    ]
  }
  return typeof claims.tid === 'string' ? [passed('tenant', `The token is of the tenant ${claims.tid}.`)] : []
}

/** Reads the claims of a token that is a JWT, without believing them; null when it is none. */
function readClaims(token: string): Claims | null {
  const parts = token.split('.')
  if (parts.length !== 3 || token.length > 64_000) return null
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString('utf8'))
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Claims) : null
  } catch {
    return null
  }
}

const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : typeof value === 'string' ? value.split(' ') : [])
    .filter((one): one is string => typeof one === 'string' && /^[\x21-\x7e]{1,300}$/.test(one))
    .slice(0, 50)

/** Services that are known by a number as well, or by two names. */
const names: Record<string, string> = {
  '00000003-0000-0000-c000-000000000000': 'graph.microsoft.com',
  '00000002-0000-0ff1-ce00-000000000000': 'outlook.office.com',
  'outlook.office365.com': 'outlook.office.com',
}

function isSame(audience: string, wanted: string): boolean {
  const fold = (text: string) => {
    const bare = text
      .toLowerCase()
      .replace(/\/+$/, '')
      .replace(/^https:\/\//, '')
    return names[bare] ?? bare
  }
  return fold(audience) === fold(wanted)
}
