import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'

/** Says what becomes of what is deleted, and whether it can come back. */
export function WhatDeletionMeans({ count }: { count: number }) {
  const kept = useQuery({ queryKey: ['deleted-credentials', 'days'], queryFn: () => api.listDeletedCredentials({ query: { limit: 1 } }) })
  const days = kept.data?.days
  const [they, are, their, stop] = count === 1 ? ['It', 'is', 'its', 'stops'] : ['They', 'are', 'their', 'stop']
  return (
    <Text size="sm">
      {they} {stop} working at once.
      {days === 0 && ` ${they} ${are} removed with ${their} secrets for good: this cannot be taken back.`}
      {days !== undefined &&
        days > 0 &&
        ` For ${days} days ${they.toLowerCase()} can be restored; then ${they.toLowerCase()} ${are} destroyed with ${their} secrets.`}
    </Text>
  )
}
