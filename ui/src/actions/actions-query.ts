import type { Action } from '@keybearer/client'
import { queryOptions } from '@tanstack/react-query'
import { api } from '../api/client.ts'

/** All actions by name, for picking one and for quick find. Nobody makes thousands by hand. */
export const actionsQuery = queryOptions({
  queryKey: ['actions', 'all'],
  queryFn: async (): Promise<Action[]> => {
    const all: Action[] = []
    let cursor: string | null = null
    do {
      const page: { items: Action[]; next: string | null } = await api.listActions({ query: { limit: 500, ...(cursor === null ? {} : { cursor }) } })
      all.push(...page.items)
      cursor = page.next
    } while (cursor !== null)
    return all
  },
  staleTime: 60_000,
})
