import { ActionIcon, Anchor, Button, Group, Menu, Skeleton, Text } from '@mantine/core'
import type { Action } from '@keybearer/client'
import { IconDots, IconPlus } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { useMay } from '../api/session.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { Mark } from '../elements/mark.tsx'
import { MoreButton } from '../elements/more-button.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { kindWords } from './action-words.ts'
import { DeleteAction } from './delete-action.tsx'
import { ManagersOnly } from './managers-only.tsx'
import { RunDrawer } from './run-drawer.tsx'
import { RunMark } from './run-mark.tsx'
import { usePausing } from './use-pausing.ts'

type Open = { what: 'run' | 'delete'; action: Action } | null

/** Saved mails and requests: what each uses, how it last went, and a button to run it. */
export function ActionsPage() {
  return useMay('manager') ? <Actions /> : <ManagersOnly title="Actions" />
}

function Actions() {
  const [open, setOpen] = useState<Open>(null)
  const navigate = useNavigate()
  const pausing = usePausing()
  const list = useInfiniteQuery({
    queryKey: ['actions', 'list'],
    queryFn: ({ pageParam }) => api.listActions({ query: { limit: 100, ...(pageParam === null ? {} : { cursor: pageParam }) } }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  })
  const rows = list.data?.pages.flatMap((page) => page.items) ?? []
  const columns: Column<Action>[] = [
    {
      title: 'Name',
      cell: (row) => (
        <>
          <Group gap={8}>
            <Anchor component={Link} to="/actions/$action" params={{ action: row.id } as never}>
              <bdi>{row.name}</bdi>
            </Anchor>
            {row.paused && (
              <Mark color="gray" sign="‖">
                Paused
              </Mark>
            )}
          </Group>
          {row.description !== '' && (
            <Text size="xs" c="dimmed" fw={400} lineClamp={2}>
              {row.description}
            </Text>
          )}
        </>
      ),
    },
    { title: 'Kind', width: 135, cell: (row) => kindWords[row.kind] },
    { title: 'Uses', cell: (row) => <Used action={row} /> },
    {
      title: 'Last run',
      width: '26%',
      cell: (row) =>
        row.last_run === null ? (
          <Text size="sm" c="dimmed">
            Never
          </Text>
        ) : (
          <div>
            <Group gap={6}>
              <RunMark run={row.last_run} />
              <Text size="xs" c="dimmed">
                <RelativeTime at={row.last_run.finished_at ?? row.last_run.created_at} />
              </Text>
            </Group>
            {row.last_run.problem !== null && (
              <Text size="xs" c="dimmed" mt={2} lineClamp={2}>
                {row.last_run.problem.message}
              </Text>
            )}
          </div>
        ),
    },
    { title: 'Next run', width: 130, cell: (row) => (row.schedule?.next_due_at == null ? null : <RelativeTime at={row.schedule.next_due_at} />) },
    {
      title: 'What can be done',
      isTitleHidden: true,
      width: 150,
      cell: (row) => (
        <Group gap={6} wrap="nowrap" justify="flex-end">
          <Button
            size="compact-sm"
            variant="default"
            disabled={row.paused}
            onClick={() => setOpen({ what: 'run', action: row })}
            aria-label={`Run now: ${row.name}`}
          >
            Run now
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={`What can be done with ${row.name}`}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => void navigate({ to: '/actions/$action/edit', params: { action: row.id } as never })}>Edit</Menu.Item>
              <Menu.Item onClick={() => void navigate({ to: '/actions/new', search: { copy: row.id } as never })}>Duplicate</Menu.Item>
              <Menu.Item onClick={() => pausing.mutate(row)}>{row.paused ? 'Switch it on' : 'Pause'}</Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" c="var(--mantine-color-error)" onClick={() => setOpen({ what: 'delete', action: row })}>
                Delete
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      ),
    },
  ]
  const isEmpty = list.data !== undefined && rows.length === 0
  return (
    <>
      <PageHead
        title="Actions"
        actions={
          <Button component={Link} to="/actions/new" leftSection={<IconPlus size={16} aria-hidden />}>
            New action
          </Button>
        }
      >
        Mails and HTTP requests that are saved under a name. Whoever may run one needs no right on the credential that it uses.
      </PageHead>
      <ProblemNotice error={list.error ?? pausing.error} />
      {list.isPending && <Skeleton h={160} />}
      {isEmpty && (
        <EmptyState
          title="No actions yet"
          command="keybearer action create daily-report --file daily-report.json"
          action={
            <Group gap="xs">
              <Button component={Link} to="/actions/new" search={{ kind: 'send_email' } as never}>
                Save a mail
              </Button>
              <Button component={Link} to="/actions/new" search={{ kind: 'http_request' } as never} variant="default">
                Save an HTTP request
              </Button>
            </Group>
          }
        >
          An action says what is sent, with which credential, and what is done when that fails. A script then runs it by its name, with some input, and knows
          neither a token nor an address.
        </EmptyState>
      )}
      {rows.length > 0 && <ListTable label="Actions" columns={columns} rows={rows} rowKey={(row) => row.id} isDimmed={(row) => row.paused} />}
      <MoreButton pages={list} />
      <RunDrawer action={open?.what === 'run' ? open.action : null} onClose={() => setOpen(null)} />
      <DeleteAction action={open?.what === 'delete' ? open.action : null} onClose={() => setOpen(null)} />
    </>
  )
}

/** The credential or the sender of an action. */
export function Used({ action }: { action: Pick<Action, 'credential' | 'sender'> }) {
  if (action.credential !== null) {
    return (
      <Anchor component={Link} to="/credentials/$credential" params={{ credential: action.credential.id } as never} size="sm">
        <bdi>{action.credential.name}</bdi>
      </Anchor>
    )
  }
  if (action.sender === null) return <>The default sender</>
  return (
    <Anchor component={Link} to="/senders" size="sm">
      <bdi>{action.sender.name}</bdi>
    </Anchor>
  )
}
