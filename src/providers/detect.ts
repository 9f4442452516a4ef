import { domainToASCII } from 'node:url'
import type { ProviderSummary } from './provider-summary.ts'

/** How a provider was found for an address: its domain is the provider's own, or its mail is handled there. */
export type Detected = { summary: ProviderSummary; by: 'domain' | 'mail_exchanger' }

/** Returns the domain of a mail address in lower case, as the name servers know it; null for what is none. */
export function domainOf(address: string): string | null {
  const at = address.lastIndexOf('@')
  const written = address
    .slice(at + 1)
    .trim()
    .replace(/\.$/, '')
    .toLowerCase()
  const domain = /^[\x20-\x7e]*$/.test(written) ? written : domainToASCII(written)
  if (at < 1 || domain.length > 253) return null
  return /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/.test(domain) ? domain : null
}

/** Proposes providers for a domain: those it belongs to, and those that one of its mail exchangers belongs to. */
export function detectProviders(all: ProviderSummary[], domain: string, exchangers: string[] = []): Detected[] {
  const isOwn = (one: string) => (one.startsWith('*.') ? domain.endsWith(one.slice(1)) : one === domain)
  const own = all.filter((summary) => summary.domains.some(isOwn)).map((summary) => ({ summary, by: 'domain' as const }))
  if (own.length > 0) return own
  const names = exchangers.map((name) => name.toLowerCase().replace(/\.$/, ''))
  const isBelow = (end: string) => names.some((name) => name === end || name.endsWith(`.${end}`))
  return all.filter((summary) => summary.mailExchangers.some(isBelow)).map((summary) => ({ summary, by: 'mail_exchanger' as const }))
}
