import type { AccessKey } from '@keybearer/client'
import { useQueries } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { everything } from './rights.ts'

/** Names of the credentials that keys mention; those that are gone keep their id. */
export function useCredentialNames(keys: readonly AccessKey[]): ReadonlyMap<string, string> {
  const ids = [...new Set(keys.flatMap((key) => key.permissions.map((permission) => permission.credential)))].filter((id) => id !== everything)
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: ['credential', id],
      queryFn: () => api.getCredential({ params: { credential: id } }),
      staleTime: 60_000,
      retry: false,
    })),
    combine: (results) => new Map(ids.map((id, index) => [id, results[index]?.data?.name ?? id])),
  })
}
