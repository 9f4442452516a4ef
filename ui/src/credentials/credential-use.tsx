import { Paper, Table, Text, Title } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { RelativeTime } from '../elements/relative-time.tsx'
import { UseChart } from './use-chart.tsx'

/** Who uses it, from real hand-outs, and how often over the last days. */
export function CredentialUse({ credential }: { credential: Credential }) {
  const params = { credential: credential.id }
  const usage = useQuery({ queryKey: ['credential-use', credential.id, 'usage'], queryFn: () => api.listCredentialUsage({ params }) })
  const days = useQuery({ queryKey: ['credential-use', credential.id, 'days'], queryFn: () => api.listCredentialUsageDays({ params, query: { days: 30 } }) })
  const users = usage.data?.items ?? []
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="sm">
        Used by
      </Title>
      {usage.data !== undefined && users.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing has used it yet.
        </Text>
      )}
      {days.data !== undefined && users.length > 0 && <UseChart days={days.data.items} />}
      {users.length > 0 && (
        <Table mt="sm" horizontalSpacing={6}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Access key</Table.Th>
              <Table.Th>Last use</Table.Th>
              <Table.Th>Outcome</Table.Th>
              <Table.Th ta="right">Times</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {users.map((user) => (
              <Table.Tr key={user.access_key.id}>
                <Table.Td>
                  <bdi style={{ overflowWrap: 'anywhere' }}>{user.access_key.name}</bdi>
                </Table.Td>
                <Table.Td>
                  <RelativeTime at={user.last_at} />
                </Table.Td>
                <Table.Td>{user.last_outcome === 'ok' ? '✓ ok' : '⚠ issue'}</Table.Td>
                <Table.Td ta="right">{user.count.toLocaleString()}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Paper>
  )
}
