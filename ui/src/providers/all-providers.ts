import type { ProviderSummary } from '@keybearer/client'
import { queryOptions } from '@tanstack/react-query'
import { api } from '../api/client.ts'

/** Every provider, one's own and those of the catalogue: few enough to be searched while somebody types. */
export const allProviders = queryOptions({
  queryKey: ['providers'],
  queryFn: async () => {
    const items: ProviderSummary[] = []
    for (let cursor: string | null = null; ;) {
      const page: Awaited<ReturnType<typeof api.listProviders>> = await api.listProviders({ query: { limit: 500, ...(cursor === null ? {} : { cursor }) } })
      items.push(...page.items)
      cursor = page.next
      if (cursor === null) return { items }
    }
  },
})
