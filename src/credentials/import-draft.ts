import { Problem, type FieldError } from '../base/problem.ts'
import type { Provider } from '../providers/provider-schema.ts'
import type { NewCredential, NewRegistration } from './types.ts'

export const importFormats = ['keybearer', 'google', 'email_oauth2_proxy', 'rclone', 'mutt_oauth2', 'csv'] as const
export type ImportFormat = (typeof importFormats)[number]

/** A registration out of a file. Several credentials of a file that share one share the object. */
export type DraftRegistration = NewRegistration & {
  /** The file does not hold the secret: it has to be entered afterwards. */
  secretLater?: boolean
}

/** One thing in a file, before it was compared with what is here. */
export type Draft =
  | { kind: 'credential'; where: string; input: Omit<NewCredential, 'registration' | 'googleJson'>; registration: DraftRegistration | null; notes: string[] }
  /** Something that is no credential here, such as a remote that needs none: it is named and left out. */
  | { kind: 'left_out'; where: string; name: string; provider: string | null; notes: string[] }
  /** Something that ought to be imported and cannot be. */
  | { kind: 'refused'; where: string; name: string; provider: string | null; errors: FieldError[]; nextStep?: string }

export type ReadFile = {
  format: ImportFormat
  drafts: Draft[]
  /** Providers of the user's own that came with the file. */
  providers: Provider[]
}

/** What the readers of files look up. */
export type ProviderLookup = {
  get(id: string): Provider | undefined
  /** Finds the provider whose tokens come from this address, and its placeholders out of the address. */
  byTokenEndpoint(url: string): { provider: Provider; placeholders: Record<string, string> } | null
}

/** Says that a file is damaged or foreign. Names places, never what stands there: it may be a secret. */
export const damaged = (message: string, errors: FieldError[] = [], nextStep?: string): Problem =>
  new Problem('import_invalid', message, { errors, ...(nextStep === undefined ? {} : { nextStep }) })

const redirected = new Map([
  // Older addresses that the provider still serves; libraries and old files name them.
  ['https://accounts.google.com/o/oauth2/token', 'google'],
  ['https://www.googleapis.com/oauth2/v4/token', 'google'],
  ['https://www.googleapis.com/oauth2/v3/token', 'google'],
])

/** Makes the look-up over a list of providers. */
export function providerLookup(providers: Provider[]): ProviderLookup {
  const byId = new Map(providers.map((provider) => [provider.id, provider]))
  return {
    get: (id) => byId.get(id),
    byTokenEndpoint(url) {
      const plain = url.trim().replace(/\/+$/, '')
      const old = byId.get(redirected.get(plain) ?? '')
      if (old) return { provider: old, placeholders: {} }
      for (const provider of providers) {
        // A provider whose whole address is entered fits every address, and so says nothing.
        if (/^\{\w+\}$/.test(provider.token_endpoint)) continue
        const placeholders = fit(provider.token_endpoint.replace(/\/+$/, ''), plain)
        if (placeholders) return { provider, placeholders }
      }
      return null
    },
  }
}

/** Returns what stands in a text in place of the slots of a template; null when it does not fit. */
function fit(template: string, text: string): Record<string, string> | null {
  const names: string[] = []
  const pattern = template
    .split(/(\{[a-z_][a-z0-9_]*\})/)
    .map((part) => {
      if (!/^\{.*\}$/.test(part)) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      names.push(part.slice(1, -1))
      return '([A-Za-z0-9._-]{1,253})'
    })
    .join('')
  const found = new RegExp(`^${pattern}$`, 'i').exec(text)
  if (!found) return null
  const values: Record<string, string> = {}
  for (const [i, name] of names.entries()) {
    const value = found[i + 1]!
    if (values[name] !== undefined && values[name] !== value) return null
    values[name] = value
  }
  return values
}

/** Returns the registration of a provider found by an address, or of "any provider" with the addresses themselves. */
export function registrationFor(
  lookup: ProviderLookup,
  urls: { token: string; authorization?: string | undefined },
): { provider: string; placeholders: Record<string, string>; known: Provider | null } {
  const found = lookup.byTokenEndpoint(urls.token)
  if (found) return { provider: found.provider.id, placeholders: found.placeholders, known: found.provider }
  const placeholders = { token_endpoint: urls.token, ...(urls.authorization === undefined ? {} : { authorization_endpoint: urls.authorization }) }
  return { provider: 'generic', placeholders, known: null }
}

/** Makes readers give one object for equal registrations, so that they become one. */
export function sharedRegistrations(): (registration: DraftRegistration) => DraftRegistration {
  const known = new Map<string, DraftRegistration>()
  return (registration) => {
    const { provider, placeholders, clientId, clientAuth, clientSecret, privateKey } = registration
    const key = JSON.stringify([provider, placeholders ?? {}, clientId, clientAuth, clientSecret?.reveal(), privateKey?.reveal()])
    const same = known.get(key)
    if (same) return same
    known.set(key, registration)
    return registration
  }
}
