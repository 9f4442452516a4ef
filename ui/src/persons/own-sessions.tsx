import { Button, Group, Paper, Skeleton, Text, Title, Tooltip } from '@mantine/core'
import type { OwnSession } from './own-types.ts'
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { Mark } from '../elements/mark.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'
import { signOut } from '../sign-in/sign-out.ts'
import { deviceOf } from './device.ts'

/** Where one is signed in, and the way to end it there. */
export function OwnSessions() {
  const list = useQuery({ queryKey: ['own-sessions'], queryFn: () => api.listSessions(), placeholderData: keepPreviousData })
  const rows = [...(list.data?.items ?? [])].sort((one, other) => Number(other.current) - Number(one.current))
  const end = useMutation({
    mutationFn: (session: OwnSession) => api.endSession({ params: { session: session.id } }),
    onSuccess: () => {
      tell('The session has ended.')
      void queryClient.invalidateQueries({ queryKey: ['own-sessions'] })
    },
  })
  const columns: Column<OwnSession>[] = [
    {
      title: 'Where',
      cell: (row) => (
        <Group gap={8}>
          <Tooltip label={row.user_agent ?? 'The browser did not say'} multiline maw={320}>
            <span tabIndex={0}>{deviceOf(row.user_agent)}</span>
          </Tooltip>
          {row.current && <Mark color="teal">This one</Mark>}
        </Group>
      ),
    },
    { title: 'Address', cell: (row) => (row.address === null ? null : <span className="mono">{row.address}</span>) },
    { title: 'Last seen', cell: (row) => <RelativeTime at={row.last_seen_at} /> },
    { title: 'Signed in', cell: (row) => <RelativeTime at={row.created_at} /> },
    {
      title: 'What can be done',
      isTitleHidden: true,
      width: 110,
      cell: (row) => (
        <Group justify="flex-end">
          {row.current ? (
            <Button size="compact-sm" variant="default" onClick={() => void signOut()}>
              Sign out
            </Button>
          ) : (
            <Button
              size="compact-sm"
              variant="default"
              loading={end.isPending && end.variables.id === row.id}
              onClick={() => end.mutate(row)}
              aria-label={`End it: the session of ${deviceOf(row.user_agent)}`}
            >
              End it
            </Button>
          )}
        </Group>
      ),
    },
  ]
  return (
    <Paper withBorder p="md" component="section" aria-label="Sessions">
      <Title order={2}>Sessions</Title>
      <Text size="sm" c="dimmed" mb="sm">
        Where you are signed in. End what you do not know, then change the password.
      </Text>
      <ProblemNotice error={list.error ?? end.error} />
      {list.isPending && <Skeleton h={80} />}
      {rows.length > 0 && <ListTable label="Sessions" columns={columns} rows={rows} rowKey={(row) => row.id} />}
    </Paper>
  )
}
