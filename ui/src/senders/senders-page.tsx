import { ActionIcon, Anchor, Button, Group, Menu, Skeleton, Text } from '@mantine/core'
import type { Sender } from '@keybearer/client'
import { IconDots, IconPlus } from '@tabler/icons-react'
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { api, etag } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { Mark } from '../elements/mark.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { tell } from '../elements/tell.ts'
import { SenderDrawer } from './sender-drawer.tsx'
import { kindWords, tlsWords } from './sender-words.ts'
import { TestSender } from './test-sender.tsx'

type Open = { what: 'edit' | 'test' | 'delete'; sender: Sender } | { what: 'new' } | null

/** Ways to send mail: a server, and the credential to log in there with. */
export function SendersPage() {
  const [open, setOpen] = useState<Open>(null)
  const close = () => setOpen(null)
  const list = useQuery({ queryKey: ['senders'], queryFn: () => api.listSenders(), placeholderData: keepPreviousData })
  const rows = list.data?.items ?? []
  const makeDefault = useMutation({
    mutationFn: (sender: Sender) => api.changeSender({ params: { sender: sender.id }, body: { is_default: true }, ifMatch: etag(sender.revision) }),
    onSuccess: (sender) => {
      tell(`Mail that names no sender goes through “${sender.name}” now.`)
      void queryClient.invalidateQueries({ queryKey: ['senders'] })
      void queryClient.invalidateQueries({ queryKey: ['mail-options'] })
    },
  })
  const columns: Column<Sender>[] = [
    {
      title: 'Name',
      cell: (row) => (
        <Group gap={8}>
          <Anchor component="button" type="button" ta="start" fw={600} onClick={() => setOpen({ what: 'edit', sender: row })}>
            <bdi>{row.name}</bdi>
          </Anchor>
          {row.is_default && (
            <Mark color="teal" sign="★">
              Default
            </Mark>
          )}
        </Group>
      ),
    },
    {
      title: 'Sends as',
      cell: (row) => (
        <Text size="sm" span>
          <bdi>{row.from_name === null ? row.from : `${row.from_name} <${row.from}>`}</bdi>
        </Text>
      ),
    },
    {
      title: 'Server',
      cell: (row) => (
        <div>
          <Text size="sm" className="mono">
            {row.host}:{row.port}
          </Text>
          <Text size="xs" c="dimmed">
            {row.kind === 'smtp' ? tlsWords[row.tls] : kindWords[row.kind]}
          </Text>
        </div>
      ),
    },
    {
      title: 'Logs in with',
      cell: (row) => (
        <div>
          {row.credential === null ? (
            'nothing'
          ) : (
            <Anchor component={Link} to="/credentials/$credential" params={{ credential: row.credential.id } as never} size="sm">
              <bdi>{row.credential.name}</bdi>
            </Anchor>
          )}
          {row.login !== null && (
            <Text size="xs" c="dimmed">
              as <bdi>{row.login}</bdi>
            </Text>
          )}
        </div>
      ),
    },
    {
      title: 'What can be done',
      isTitleHidden: true,
      width: 150,
      cell: (row) => (
        <Group gap={6} wrap="nowrap" justify="flex-end">
          <Button size="compact-sm" variant="default" onClick={() => setOpen({ what: 'test', sender: row })} aria-label={`Test: ${row.name}`}>
            Test
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={`What can be done with ${row.name}`}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setOpen({ what: 'edit', sender: row })}>Edit</Menu.Item>
              <Menu.Item disabled={row.is_default} onClick={() => makeDefault.mutate(row)}>
                Make it the default
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" c="var(--mantine-color-error)" onClick={() => setOpen({ what: 'delete', sender: row })}>
                Delete
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      ),
    },
  ]
  return (
    <>
      <PageHead
        title="Senders"
        actions={
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setOpen({ what: 'new' })}>
            New sender
          </Button>
        }
      >
        Ways to send mail: a mail server, and the credential to log in there with.
      </PageHead>
      <ProblemNotice error={list.error ?? makeDefault.error} />
      {list.isPending && <Skeleton h={160} />}
      {list.data !== undefined && rows.length === 0 && (
        <EmptyState
          title="No senders yet"
          command="keybearer sender add office --host smtp.example.org --credential work-mail --from anna@example.org"
          action={
            <Button w="fit-content" onClick={() => setOpen({ what: 'new' })}>
              Make the first sender
            </Button>
          }
        >
          With a sender, scripts and programs send mail without knowing a password or a token: Keybearer logs in with a credential that it keeps fresh.
        </EmptyState>
      )}
      {rows.length > 0 && <ListTable label="Senders" columns={columns} rows={rows} rowKey={(row) => row.id} />}
      <SenderDrawer
        sender={open?.what === 'edit' ? (rows.find((row) => row.id === open.sender.id) ?? open.sender) : null}
        opened={open?.what === 'edit' || open?.what === 'new'}
        isFirst={rows.length === 0}
        onClose={close}
        onTest={(sender) => setOpen({ what: 'test', sender })}
      />
      <TestSender sender={open?.what === 'test' ? open.sender : null} onClose={close} />
      <DeleteSender sender={open?.what === 'delete' ? open.sender : null} onClose={close} />
    </>
  )
}

function DeleteSender({ sender, onClose }: { sender: Sender | null; onClose: () => void }) {
  const remove = async () => {
    await api.deleteSender({ params: { sender: sender!.id } })
    tell(`“${sender!.name}” is deleted.`)
    await queryClient.invalidateQueries({ queryKey: ['senders'] })
  }
  return (
    <TypeToConfirm
      opened={sender !== null}
      onClose={onClose}
      title={`Delete “${sender?.name ?? ''}”?`}
      word={sender?.is_default === true ? sender.name : ''}
      button="Delete"
      onConfirm={remove}
    >
      <Text size="sm">
        Programs that name it can no longer send through it.
        {sender?.credential != null && ' The credential that it logs in with stays.'}
      </Text>
      {sender?.is_default === true && (
        <Text size="sm" fw={600}>
          It is the default: mail that names no sender is refused until another one is made the default.
        </Text>
      )}
    </TypeToConfirm>
  )
}
