import { createHash } from 'node:crypto'
import { Problem } from '../base/problem.ts'
import { parseProvider } from '../providers/catalogue.ts'
import { resolveProvider } from '../providers/provider-resolve.ts'
import type { Provider } from '../providers/provider-schema.ts'
import type { RegistrationRow } from '../storage/registrations.ts'
import type { CredentialContext } from './context.ts'
import { addressesOf, findProvider } from './provider-of.ts'
import { foreignRedirect } from './registrations.ts'

/** One fact that is different now; null: it was not there, or is not any more. */
export type ProviderDifference = { field: string; before: string | null; after: string | null }

/** What a provider's description says now, compared with what a registration keeps of it. */
export type ProviderUpdate = {
  keptVersion: number
  version: number | null
  /** Names exactly this change: what is accepted is what was shown. Null: nothing is different. */
  digest: string | null
  differences: ProviderDifference[]
  /** Whether secrets would go to servers that they were not entered for. */
  movesSecrets: boolean
  snapshot: string | null
}

/** Words for people: a change of them changes no request. */
const words = new Set([
  '$schema',
  'version',
  'category',
  'docs_url',
  'console_url',
  'notes',
  'sources',
  'domains',
  'mail_exchangers',
  'fields',
  'redirect_rules',
  'offline_hint',
  'revocation_hint',
  'scopes',
  'scope_sets',
  'guides',
])

/**
 * Compares what a registration keeps of its provider with what is known of it now. Nothing changes by it: endpoints stay
 * until a person accepts others.
 */
export async function compareProvider(context: CredentialContext, registration: RegistrationRow): Promise<ProviderUpdate> {
  const kept = parseProvider(JSON.parse(registration.provider_snapshot), `the provider of "${registration.name}"`)
  const known = await findProvider(context, registration.provider)
  const nothing = { keptVersion: kept.version, digest: null, differences: [], movesSecrets: false, snapshot: null }
  if (known === null) return { ...nothing, version: null }
  const next = asUsed(known, kept)
  const differences = differencesOf(kept, next)
  if (differences.length === 0) return { ...nothing, version: known.version }
  const snapshot = JSON.stringify(next)
  return {
    keptVersion: kept.version,
    version: known.version,
    digest: createHash('sha256').update(snapshot).digest('base64url'),
    differences,
    movesSecrets: movesSecrets(kept, next, registration),
    snapshot,
  }
}

/** What is another application's stays: its redirect, and how its client proves itself. */
const asUsed = (known: Provider, kept: Provider): Provider =>
  foreignRedirect(kept.redirect_value) === null
    ? known
    : { ...known, grants: kept.grants, client_auth: kept.client_auth, ...(kept.redirect_value === undefined ? {} : { redirect_value: kept.redirect_value }) }

function differencesOf(kept: Provider, next: Provider): ProviderDifference[] {
  const text = (value: unknown) => (value === undefined ? null : (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 1000))
  return [...new Set([...Object.keys(kept), ...Object.keys(next)])]
    .filter((field) => !words.has(field))
    .map((field) => ({ field, before: text(kept[field as keyof Provider]), after: text(next[field as keyof Provider]) }))
    .filter(({ before, after }) => before !== after)
}

/** Invariant: a secret goes to no server that it was not entered for, whoever names the server. */
function movesSecrets(kept: Provider, next: Provider, registration: RegistrationRow): boolean {
  const values = JSON.parse(registration.placeholders) as Record<string, string>
  const before = new Set(originsOf(kept, values, registration.client_id))
  try {
    return originsOf(next, values, registration.client_id).some((origin) => !before.has(origin))
  } catch {
    // The values do not fit any more: others have to be entered, and the secret with them.
    return true
  }
}

function originsOf(provider: Provider, values: Record<string, string>, clientId: string): string[] {
  const resolved = resolveProvider(provider, values, clientId)
  return [...addressesOf(resolved).map((address) => new URL(address).origin), ...(provider.callback.token_host?.hosts ?? []).map((host) => `https://${host}`)]
}

/** Returns the change that was shown. @throws Problem changed_meanwhile when another one is there by now */
export function shownUpdate(update: ProviderUpdate, digest: string, name: string): ProviderUpdate & { snapshot: string } {
  if (update.snapshot === null || update.digest !== digest) {
    throw new Problem('changed_meanwhile', `What is known of the provider of "${name}" is not what was shown any more. Look again.`)
  }
  return { ...update, snapshot: update.snapshot }
}
