import { Anchor, Button, Skeleton, Text } from '@mantine/core'
import type { Registration } from '@keybearer/client'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { MoreButton } from '../elements/more-button.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { SecretState } from './registration-words.tsx'

const columns: Column<Registration>[] = [
  {
    title: 'Name',
    cell: (row) => (
      <Anchor component={Link} to="/registrations/$registration" params={{ registration: row.id } as never}>
        <bdi>{row.name}</bdi>
      </Anchor>
    ),
  },
  { title: 'Provider', cell: (row) => row.provider.name },
  {
    title: 'Client ID',
    cell: (row) => (
      <Text size="sm" className="mono">
        {row.client_id}
      </Text>
    ),
    width: '30%',
  },
  { title: 'Proves itself by', cell: (row) => <SecretState registration={row} /> },
  { title: 'Credentials', cell: (row) => row.credentials },
  { title: 'Changed', cell: (row) => <RelativeTime at={row.updated_at} /> },
]

/** OAuth client registrations: what Keybearer is known as at the providers. */
export function RegistrationsPage() {
  const list = useInfiniteQuery({
    queryKey: ['registrations', 'list'],
    queryFn: ({ pageParam }) => api.listRegistrations({ query: { limit: 100, ...(pageParam === null ? {} : { cursor: pageParam }) } }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  })
  const rows = list.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <PageHead title="Registrations">
        What Keybearer is known as at a provider: a client ID, mostly with a secret. One registration serves many credentials.
      </PageHead>
      <ProblemNotice error={list.error} />
      {list.isPending && <Skeleton h={160} />}
      {list.data !== undefined && rows.length === 0 && (
        <EmptyState
          title="No registrations yet"
          command="keybearer registration add my-app --provider google --client-id CLIENT_ID --client-secret-file -"
          action={
            <Button component={Link} to="/credentials/new" w="fit-content">
              Connect the first account
            </Button>
          }
        >
          A registration is made together with the first credential of a provider. It says where the provider sends people back to, and which secret Keybearer
          shows there.
        </EmptyState>
      )}
      {rows.length > 0 && <ListTable label="Registrations" columns={columns} rows={rows} rowKey={(row) => row.id} />}
      <MoreButton pages={list} />
    </>
  )
}
