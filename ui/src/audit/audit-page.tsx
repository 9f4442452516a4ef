import { Anchor, Button, Group, Menu, Skeleton, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { AuditRecord } from '@keybearer/client'
import { IconDotsVertical, IconRefresh } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { useAddressFilter } from '../elements/address-filter.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { Mark } from '../elements/mark.tsx'
import { MoreButton } from '../elements/more-button.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { saveFile } from '../elements/save-file.ts'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { timesOf, wordsOf } from './action-words.ts'
import { AuditFilterBar } from './audit-filter-bar.tsx'
import { emptyAudit, isFiltered, toQuery } from './audit-filter.ts'
import { FindToken } from './find-token.tsx'
import { RecordDrawer } from './record-drawer.tsx'
import { Verification } from './verification.tsx'

export const outcomeMarks: Record<AuditRecord['outcome'], { color: string; sign: string; word: string }> = {
  done: { color: 'teal', sign: '●', word: 'Done' },
  refused: { color: 'orange', sign: '▲', word: 'Refused' },
  failed: { color: 'red', sign: '✗', word: 'Failed' },
}

/** Who did what, when, from where, and how it ended. Reading it is recorded too. */
export function AuditPage() {
  const [filter, change] = useAddressFilter(emptyAudit)
  const [finding, find] = useDisclosure(false)
  const { record: _, ...shown } = filter
  const list = useInfiniteQuery({
    queryKey: ['audit', shown],
    queryFn: ({ pageParam }) => api.listAudit({ query: { ...toQuery(filter), limit: 100, ...(pageParam === null ? {} : { cursor: pageParam }) } }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    // Each look is recorded in the trail itself: it is looked at when somebody asks, not by itself.
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
  const save = useMutation({
    mutationFn: () => withFreshSignIn(() => api.exportAudit({ query: toQuery(filter) })),
    onSuccess: (text) => saveFile(`keybearer-audit-${new Date().toISOString().slice(0, 10)}.jsonl`, text, 'application/jsonl'),
    gcTime: 0,
  })
  const rows = list.data?.pages.flatMap((page) => page.items) ?? []
  const columns: Column<AuditRecord>[] = [
    {
      title: 'What',
      cell: (row) => (
        <Anchor
          component="button"
          type="button"
          ta="start"
          fw={600}
          onClick={() => change({ record: String(row.seq) })}
          aria-label={`Record ${row.seq}: ${wordsOf(row.action)}${timesOf(row.detail)}`}
        >
          {wordsOf(row.action)}
          {timesOf(row.detail)}
        </Anchor>
      ),
    },
    { title: 'When', width: '14%', cell: (row) => <RelativeTime at={row.at} /> },
    { title: 'Who', cell: (row) => <bdi>{row.actor.name}</bdi> },
    { title: 'To what', width: '26%', cell: (row) => (row.subject === null ? null : <bdi>{row.subject.name ?? row.subject.id}</bdi>) },
    {
      title: 'Outcome',
      cell: (row) => (
        <div>
          <Mark color={outcomeMarks[row.outcome].color} sign={outcomeMarks[row.outcome].sign}>
            {outcomeMarks[row.outcome].word}
          </Mark>
          {row.reason !== null && (
            <Text size="xs" c="dimmed">
              {row.reason.replaceAll('_', ' ')}
            </Text>
          )}
        </div>
      ),
    },
    {
      title: 'From',
      cell: (row) =>
        row.address === null ? null : (
          <Text size="xs" className="mono" style={{ whiteSpace: 'nowrap' }}>
            {row.address}
          </Text>
        ),
    },
  ]
  return (
    <>
      <PageHead
        title="Audit"
        actions={
          <>
            <Button variant="default" leftSection={<IconRefresh size={16} aria-hidden />} loading={list.isRefetching} onClick={() => void list.refetch()}>
              Look again
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <Button variant="default" rightSection={<IconDotsVertical size={16} aria-hidden />} loading={save.isPending}>
                  More
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => save.mutate()}>{isFiltered(filter) ? 'Export what is shown, as a file' : 'Export everything, as a file'}</Menu.Item>
                <Menu.Item onClick={find.open}>Was this token handed out?</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        }
      >
        Who did what, when, from where, and how it ended. Each record is tied to the one before it, so that none can be changed unnoticed.
      </PageHead>
      <Verification />
      <AuditFilterBar filter={filter} onChange={change} />
      <ProblemNotice error={list.error ?? save.error} />
      {list.isPending && <Skeleton h={240} />}
      {list.data !== undefined && rows.length === 0 && (
        <EmptyState
          title={isFiltered(filter) ? 'Nothing fits' : 'Nothing is recorded yet'}
          command="keybearer audit"
          action={
            isFiltered(filter) && (
              <Button variant="default" w="fit-content" onClick={() => change(emptyAudit)}>
                Show all
              </Button>
            )
          }
        >
          {isFiltered(filter) ? 'No record fits these filters.' : 'Every change, every hand-out of a token and every refusal comes here.'}
        </EmptyState>
      )}
      {rows.length > 0 && <ListTable label="Audit trail" columns={columns} rows={rows} rowKey={(row) => String(row.seq)} />}
      <Group>
        <MoreButton pages={list}>Older</MoreButton>
      </Group>
      <RecordDrawer record={rows.find((row) => String(row.seq) === filter.record) ?? null} onClose={() => change({ record: '' })} onFilter={change} />
      <FindToken opened={finding} onClose={find.close} />
    </>
  )
}
