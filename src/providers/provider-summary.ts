import type { Provider } from './provider-schema.ts'

/** What lists and searches need of a provider, without its whole description. */
export type ProviderSummary = {
  id: string
  name: string
  version: number
  category: string | null
  docsUrl: string | null
  grants: Provider['grants']
  clientAuths: Provider['client_auth']
  placeholders: string[]
  domains: string[]
  mailExchangers: string[]
  /** Whether mail is sent with its tokens by SMTP. */
  sendsMail: boolean
  sources: number | null
}

export function summaryOf(provider: Provider): ProviderSummary {
  return {
    id: provider.id,
    name: provider.name,
    version: provider.version,
    category: provider.category ?? null,
    docsUrl: provider.docs_url ?? null,
    grants: provider.grants,
    clientAuths: provider.client_auth,
    placeholders: Object.keys(provider.placeholders),
    domains: provider.domains,
    mailExchangers: provider.mail_exchangers,
    sendsMail: (provider.mail?.smtp.length ?? 0) > 0,
    sources: provider.sources ?? null,
  }
}

/** Sorts by name as people read it. */
export const byName = (a: { id: string; name: string }, b: { id: string; name: string }): number => a.name.localeCompare(b.name) || a.id.localeCompare(b.id)

/** Returns those in which every word of a search is found: in the id, the name, the category or a mail domain. */
export function searchSummaries<Summary extends Pick<ProviderSummary, 'id' | 'name' | 'category' | 'domains'>>(all: Summary[], search: string): Summary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return all
  return all.filter((one) => {
    const text = [one.id, one.name, one.category ?? '', ...one.domains].join('\n').toLowerCase()
    return words.every((word) => text.includes(word))
  })
}
