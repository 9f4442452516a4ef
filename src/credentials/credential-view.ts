import { providerTitle } from '../providers/provider-title.ts'
import type { CredentialWithRegistration } from '../storage/credentials.ts'
import { knownEnd, readReason, workingFacts } from './credential-status.ts'
import type { CredentialKind, CredentialOptions, CredentialStatus, CredentialView, GrantType } from './types.ts'

/** Makes what people and programs may see of a row. */
export function toCredentialView(
  row: CredentialWithRegistration,
  keyNames: Map<string, string>,
  usedBy: CredentialView['usedBy'],
  diagnosis: CredentialView['diagnosis'],
): CredentialView {
  const reason = readReason(row.status_reason)
  const scopes = JSON.parse(row.scopes) as string[]
  const granted = row.granted_scopes === null ? null : (JSON.parse(row.granted_scopes) as string[])
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as CredentialKind,
    grant: row.grant_type as GrantType | null,
    registration: row.registration_id === null ? null : { id: row.registration_id, name: row.registration_name ?? '' },
    provider: row.provider === null ? null : { id: row.provider, name: providerName(row) },
    description: row.description,
    username: row.username,
    subject: row.subject,
    scopes,
    grantedScopes: granted,
    missingScopes: missingScopes(scopes, granted),
    options: JSON.parse(row.options) as CredentialOptions,
    allowedHosts: JSON.parse(row.allowed_hosts) as string[],
    tags: JSON.parse(row.tags) as string[],
    status: row.status as CredentialStatus,
    reason: reason === null ? null : { code: reason.code, message: reason.message },
    nextStep: reason?.nextStep ?? null,
    diagnosis,
    since: row.status_since,
    until: knownEnd(workingFacts(row, row.secret_expires_at)),
    snoozedUntil: row.snoozed_until,
    tokenExpiresAt: row.token_expires_at,
    tokenObtainedAt: row.token_obtained_at,
    refreshTokenExpiresAt: row.refresh_token_expires_at,
    refreshDueAt: row.refresh_due_at,
    hasSecret: row.secret !== null,
    hasRefreshToken: row.has_refresh_token === 1,
    lastUsedAt: row.last_used_at,
    lastUsedBy: row.last_used_by === null ? null : { id: row.last_used_by, name: keyNames.get(row.last_used_by) ?? row.last_used_by },
    usedBy,
    lastUseOutcome: row.last_use_outcome as CredentialView['lastUseOutcome'],
    lastSuccessAt: row.last_success_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
  }
}

/**
 * Returns the scopes that were asked for and not granted. Providers echo scopes in other spellings, so that only the last
 * part of the path is compared, without case; scopes that are never echoed do not count.
 */
export function missingScopes(asked: string[], granted: string[] | null): string[] {
  if (granted === null) return []
  const fold = (scope: string) => scope.toLowerCase().replace(/\/+$/, '').split('/').at(-1) ?? ''
  const have = new Set(granted.map(fold))
  return asked.filter((scope) => !have.has(fold(scope)) && !neverEchoed.has(fold(scope)))
}

const neverEchoed = new Set(['openid', 'offline_access', 'offline.access', 'offline', 'profile', 'email', '.default', 'refresh_token'])

function providerName(row: CredentialWithRegistration): string {
  const id = row.provider ?? ''
  if (row.provider_snapshot === null) return id
  const { name = id } = JSON.parse(row.provider_snapshot) as { name?: string }
  return providerTitle({ id, name }, JSON.parse(row.placeholders ?? '{}') as Record<string, string>)
}
