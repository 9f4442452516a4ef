import { Button, Group, Paper, Progress, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { Rotation } from '@keybearer/client'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'

type Version = Rotation['versions'][number]

const columns: Column<Version>[] = [
  { title: 'Version', cell: (row) => `Version ${row.version}` },
  { title: 'Made', cell: (row) => <RelativeTime at={row.created_at} /> },
  { title: 'Fingerprint', cell: (row) => <span className="mono">{row.fingerprint}</span> },
  { title: 'In use for', cell: (row) => (row.data_keys === 0 ? 'nothing any more' : `${row.data_keys.toLocaleString()} keys`) },
  { title: 'Replaced', cell: (row) => (row.retired_at === null ? null : <RelativeTime at={row.retired_at} />) },
]

/** The key that everything is encrypted by: its versions, their age, and how to replace it while the service runs. */
export function MasterKey() {
  const [asking, ask] = useDisclosure(false)
  const found = useQuery({
    queryKey: ['rotation'],
    queryFn: () => api.getRotation(),
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.state === 'running' ? 1000 : false),
  })
  const rotation = found.data
  const total = rotation === undefined ? 0 : rotation.rewrapped + rotation.remaining
  const start = async () => {
    const started = await withFreshSignIn(() => api.startRotation())
    queryClient.setQueryData(['rotation'], started)
  }
  return (
    <Paper withBorder p="md" component="section" aria-label="Master key">
      <Group justify="space-between" mb="xs">
        <Title order={2}>Master key</Title>
        <Button size="xs" variant="default" onClick={ask.open} disabled={rotation === undefined || rotation.state === 'running'}>
          {rotation?.state === 'failed' ? 'Go on' : 'Replace it'}
        </Button>
      </Group>
      <ProblemNotice error={found.error} />
      {found.isPending && <Skeleton h={80} />}
      {rotation !== undefined && (
        <Stack gap="sm" aria-live="polite">
          {rotation.state === 'running' && (
            <div>
              <Text size="sm" mb={4}>
                It is being replaced: {rotation.rewrapped.toLocaleString()} of {total.toLocaleString()} done. Everything goes on working meanwhile.
              </Text>
              <Progress value={total === 0 ? 0 : (100 * rotation.rewrapped) / total} aria-label="Replaced so far" />
            </div>
          )}
          {rotation.state === 'failed' && rotation.problem !== null && (
            <MessageBox tone="bad" title={rotation.problem.detail}>
              <Text size="sm">{rotation.problem.next_step}</Text>
            </MessageBox>
          )}
          {rotation.state === 'idle' && rotation.finished_at !== null && (
            <Text size="sm">
              Replaced last <RelativeTime at={rotation.finished_at} />.
            </Text>
          )}
          <ListTable
            isNarrow
            label="Versions of the master key"
            columns={columns}
            rows={rotation.versions}
            rowKey={(row) => String(row.version)}
            isDimmed={(row) => row.version !== rotation.newest_version}
          />
        </Stack>
      )}
      <TypeToConfirm opened={asking} onClose={ask.close} title="Replace the master key?" word="" button="Replace it" onConfirm={start}>
        <Text size="sm">
          A new one is made, and everything that is stored is encrypted by it, while the service runs. Back the new key file up afterwards, apart from the
          database: older backups still need the old one.
        </Text>
      </TypeToConfirm>
    </Paper>
  )
}
