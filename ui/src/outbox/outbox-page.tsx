import { Anchor, Button, Group, NativeSelect, SegmentedControl, Skeleton, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { Message } from '@keybearer/client'
import { IconPencil } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { useAddressFilter } from '../elements/address-filter.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { MoreButton } from '../elements/more-button.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { ComposeDrawer } from './compose-drawer.tsx'
import { MessageDrawer } from './message-drawer.tsx'
import { MessageMark, messageStatuses, messageWords } from './message-status.tsx'

const empty = { status: '', message: '' }
const choices = [{ value: '', label: 'All' }, ...messageStatuses.map((value) => ({ value, label: messageWords[value] }))]

/** Every mail that was given to Keybearer: what was sent, what waits, what failed and why. */
export function OutboxPage() {
  const [filter, change] = useAddressFilter(empty)
  const [composing, compose] = useDisclosure(false)
  const status = messageStatuses.find((one) => one === filter.status)
  const list = useInfiniteQuery({
    queryKey: ['messages', 'list', status],
    queryFn: ({ pageParam }) =>
      api.listMessages({ query: { ...(status === undefined ? {} : { status }), limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  })
  const rows = list.data?.pages.flatMap((page) => page.items) ?? []
  const columns: Column<Message>[] = [
    {
      title: 'Subject',
      cell: (row) => (
        <Anchor component="button" type="button" ta="start" fw={600} onClick={() => change({ message: row.id })}>
          <bdi>{row.subject === '' ? '(no subject)' : row.subject}</bdi>
        </Anchor>
      ),
    },
    {
      title: 'Status',
      width: '26%',
      cell: (row) => (
        <div>
          <MessageMark status={row.status} />
          {row.problem !== null && row.status !== 'cancelled' && (
            <Text size="xs" c="dimmed" mt={2} lineClamp={2}>
              {row.problem.message}
            </Text>
          )}
        </div>
      ),
    },
    {
      title: 'To',
      cell: (row) => (
        <Text size="sm" span>
          <bdi>{row.recipients[0]?.address}</bdi>
          {row.recipients.length > 1 && ` +${row.recipients.length - 1}`}
        </Text>
      ),
    },
    {
      title: 'Through',
      cell: (row) => (
        <Text size="sm" span>
          <bdi>{(row.sent_by ?? row.sender).name}</bdi>
          {row.sent_by !== null && row.sent_by.id !== row.sender.id && (
            <Text size="xs" c="dimmed">
              instead of <bdi>{row.sender.name}</bdi>
            </Text>
          )}
        </Text>
      ),
    },
    {
      title: 'When',
      cell: (row) => (
        <div>
          <RelativeTime at={row.sent_at ?? row.created_at} />
          {row.status === 'queued' && row.next_attempt_at !== null && row.attempts > 0 && (
            <Text size="xs" c="dimmed">
              again <RelativeTime at={row.next_attempt_at} />
            </Text>
          )}
        </div>
      ),
    },
  ]
  return (
    <>
      <PageHead
        title="Outbox"
        actions={
          <Button leftSection={<IconPencil size={16} aria-hidden />} onClick={compose.open}>
            Write a message
          </Button>
        }
      >
        Every mail that was given to Keybearer: sent, waiting, or failed and why. It is on disk before the program that gave it goes on.
      </PageHead>
      <Group mb="sm" display={rows.length === 0 && status === undefined ? 'none' : undefined}>
        <SegmentedControl aria-label="Status" size="xs" data={choices} value={status ?? ''} onChange={(value) => change({ status: value })} visibleFrom="sm" />
        <NativeSelect
          aria-label="Status"
          data={choices}
          value={status ?? ''}
          onChange={(event) => change({ status: event.currentTarget.value })}
          w="100%"
          hiddenFrom="sm"
        />
      </Group>
      <ProblemNotice error={list.error} />
      {list.isPending && <Skeleton h={160} />}
      {list.data !== undefined && rows.length === 0 && status === undefined && (
        <EmptyState title="Nothing was sent yet" command='keybearer send --to you@example.org --subject Hello --text "It works."'>
          Scripts and programs give their mail to Keybearer. It waits here until the mail server has taken it, however long that server is away.
        </EmptyState>
      )}
      {list.data !== undefined && rows.length === 0 && status !== undefined && (
        <EmptyState
          title="Nothing fits"
          action={
            <Button variant="default" w="fit-content" onClick={() => change({ status: '' })}>
              Show all
            </Button>
          }
        >
          No message is “{messageWords[status]}”.
        </EmptyState>
      )}
      {rows.length > 0 && <ListTable label="Messages" columns={columns} rows={rows} rowKey={(row) => row.id} />}
      <MoreButton pages={list}>Older</MoreButton>
      <MessageDrawer id={filter.message} onClose={() => change({ message: '' })} />
      <ComposeDrawer opened={composing} onClose={compose.close} onSent={(message) => change({ message: message.id })} />
    </>
  )
}
