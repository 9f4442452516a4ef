import { Anchor, Group, NativeSelect, SegmentedControl, Skeleton, Text, VisuallyHidden } from '@mantine/core'
import type { ActionRun } from '@keybearer/client'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { MoreButton } from '../elements/more-button.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { exactTime, RelativeTime } from '../elements/relative-time.tsx'
import { durationWords, runStatuses, statusWords, triggerWords, type RunStatus } from './action-words.ts'
import { RunMark } from './run-mark.tsx'

const choices = [{ value: '', label: 'All' }, ...runStatuses.map((value) => ({ value, label: statusWords[value] }))]

type Props = { action: string; status: string; onStatus: (status: string) => void; onOpen: (run: string) => void }

/** The runs of an action, the newest first: how each ended, who ordered it, and why it failed. */
export function RunList({ action, status, onStatus, onOpen }: Props) {
  const wanted = runStatuses.find((one) => one === status)
  const list = useInfiniteQuery({
    queryKey: ['action-runs', action, wanted],
    queryFn: ({ pageParam }) =>
      api.listActionRuns({
        query: { action, limit: 25, ...(wanted === undefined ? {} : { status: wanted }), ...(pageParam === null ? {} : { cursor: pageParam }) },
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  })
  const rows = list.data?.pages.flatMap((page) => page.items) ?? []
  const columns: Column<ActionRun>[] = [
    {
      title: 'When',
      width: '18%',
      cell: (row) => (
        <Anchor component="button" type="button" ta="start" onClick={() => onOpen(row.id)}>
          <RelativeTime at={row.started_at ?? row.created_at} />
          <VisuallyHidden>: run of {exactTime(row.created_at)}</VisuallyHidden>
        </Anchor>
      ),
    },
    {
      title: 'Outcome',
      width: '40%',
      cell: (row) => (
        <div>
          <RunMark run={row} />
          {row.problem !== null && (
            <Text size="xs" c="dimmed" mt={2} lineClamp={2}>
              {row.problem.message}
            </Text>
          )}
        </div>
      ),
    },
    {
      title: 'Started by',
      cell: (row) => (
        <div>
          <Text size="sm" span>
            {row.trigger === 'api' ? <bdi>{row.ordered_by.name}</bdi> : triggerWords[row.trigger]}
          </Text>
        </div>
      ),
    },
    { title: 'Took', width: 90, cell: (row) => row.duration_ms !== null && <span style={{ whiteSpace: 'nowrap' }}>{durationWords(row.duration_ms)}</span> },
  ]
  return (
    <>
      <Group mb="xs">
        <SegmentedControl aria-label="Outcome" size="xs" data={choices} value={wanted ?? ''} onChange={onStatus} visibleFrom="sm" />
        <NativeSelect
          aria-label="Outcome"
          data={choices}
          value={wanted ?? ''}
          onChange={(event) => onStatus(event.currentTarget.value)}
          w="100%"
          hiddenFrom="sm"
        />
      </Group>
      <ProblemNotice error={list.error} />
      {list.isPending && <Skeleton h={120} />}
      {list.data !== undefined && rows.length === 0 && (
        <Text size="sm" c="dimmed">
          {wanted === undefined ? 'It has not run yet.' : `No run is “${statusWords[wanted satisfies RunStatus]}”.`}
        </Text>
      )}
      {rows.length > 0 && <ListTable label="Runs" columns={columns} rows={rows} rowKey={(row) => row.id} />}
      <MoreButton pages={list}>Older</MoreButton>
    </>
  )
}
