import type { Secret } from '../base/secret.ts'
import type { ResolvedProvider } from '../providers/provider-resolve.ts'

/** Returns the headers that a call to the provider's API carries: the token as it wants it shown, and what else it asks for. */
export function apiHeaders(provider: ResolvedProvider, token: Secret): Record<string, string> {
  const { header, value, headers } = provider.data.api
  return { ...headers, [header.toLowerCase()]: value.replace('{access_token}', () => token.reveal()) }
}

/** Returns what lies at a path of names joined by dots; numbers count in lists. */
export function valueAt(data: unknown, path: string): unknown {
  let value = data
  for (const part of path.split('.')) {
    value = typeof value === 'object' && value !== null && Object.hasOwn(value, part) ? (value as Record<string, unknown>)[part] : undefined
  }
  return value
}

/** Returns a text or a number at a path as text; null for everything else. */
export function textAt(data: unknown, path: string, longest = 2000): string | null {
  const value = valueAt(data, path)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' && value.length <= longest ? value : null
}
