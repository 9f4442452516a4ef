import { ActionIcon, Button, Group, Menu, Modal, Skeleton, Text } from '@mantine/core'
import type { Person } from './own-types.ts'
import { IconDots, IconUserPlus } from '@tabler/icons-react'
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { useSession } from '../api/session.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { Mark } from '../elements/mark.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { ShownOnce } from '../elements/shown-once.tsx'
import { tell } from '../elements/tell.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { ChangeRole } from './change-role.tsx'
import { InvitePerson } from './invite-person.tsx'
import { roleWords } from './roles.ts'

type Open = { what: 'role' | 'delete' | 'suspend' | 'link'; person: Person } | { what: 'invite' } | null
export type Link = { person: Person; link: string; expires_at: string }

const states: Record<Person['status'], { color: string; sign: string; word: string }> = {
  active: { color: 'teal', sign: '●', word: 'Active' },
  invited: { color: 'blue', sign: '○', word: 'Invited' },
  suspended: { color: 'gray', sign: '‖', word: 'Suspended' },
}

/** Who may sign in here, and as what. */
export function PersonsPage() {
  const [open, setOpen] = useState<Open>(null)
  const [link, setLink] = useState<Link | null>(null)
  const { data: session } = useSession()
  const close = () => setOpen(null)
  const list = useQuery({ queryKey: ['persons'], queryFn: () => api.listPersons(), placeholderData: keepPreviousData })
  const rows = list.data?.items ?? []
  const admit = useMutation({
    mutationFn: (person: Person) => withFreshSignIn(() => api.changePerson({ params: { person: person.id }, body: { suspended: false } })),
    onSuccess: (person) => {
      tell(`${person.name} may sign in again.`)
      void queryClient.invalidateQueries({ queryKey: ['persons'] })
    },
  })
  const columns: Column<Person>[] = [
    {
      title: 'Name',
      cell: (row) => (
        <Group gap={8}>
          <bdi>{row.name}</bdi>
          {row.id === session?.person?.id && (
            <Text size="xs" c="dimmed" span fw={400}>
              you
            </Text>
          )}
        </Group>
      ),
    },
    { title: 'Role', cell: (row) => roleWords[row.role].title },
    {
      title: 'State',
      cell: (row) => (
        <Mark color={states[row.status].color} sign={states[row.status].sign}>
          {states[row.status].word}
        </Mark>
      ),
    },
    { title: 'Last seen', cell: (row) => (row.id === session?.person?.id ? 'now' : <RelativeTime at={row.last_seen_at} empty="never" />) },
    { title: 'Passkeys', cell: (row) => row.passkeys },
    { title: 'Since', cell: (row) => <RelativeTime at={row.created_at} /> },
    {
      title: 'What can be done',
      isTitleHidden: true,
      width: 60,
      cell: (row) => (
        <Group justify="flex-end">
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={`What can be done with ${row.name}`}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setOpen({ what: 'role', person: row })}>Change the role</Menu.Item>
              <Menu.Item onClick={() => setOpen({ what: 'link', person: row })}>
                {row.status === 'invited' ? 'New invitation link' : 'Link for a new password'}
              </Menu.Item>
              {row.status === 'suspended' ? (
                <Menu.Item onClick={() => admit.mutate(row)}>Let sign in again</Menu.Item>
              ) : (
                <Menu.Item onClick={() => setOpen({ what: 'suspend', person: row })}>Suspend</Menu.Item>
              )}
              <Menu.Divider />
              <Menu.Item color="red" c="var(--mantine-color-error)" onClick={() => setOpen({ what: 'delete', person: row })}>
                Delete
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      ),
    },
  ]
  const invite = (
    <Button w="fit-content" leftSection={<IconUserPlus size={16} aria-hidden />} onClick={() => setOpen({ what: 'invite' })}>
      Invite somebody
    </Button>
  )
  return (
    <>
      <PageHead title="Persons" actions={invite}>
        Who may sign in to this page, and as what. Scripts and programs do not sign in: they have access keys.
      </PageHead>
      <ProblemNotice error={list.error ?? admit.error} />
      {list.isPending && <Skeleton h={160} />}
      {rows.length > 0 && <ListTable label="Persons" columns={columns} rows={rows} rowKey={(row) => row.id} isDimmed={(row) => row.status === 'suspended'} />}
      {rows.length === 1 && (
        <EmptyState title="Only you so far" action={invite} command="keybearer person invite bela@example.org --role administrator">
          A second administrator is good to have: when one forgets the password, the other makes a new link.
        </EmptyState>
      )}
      <InvitePerson
        opened={open?.what === 'invite'}
        onClose={close}
        onInvited={(invited) => {
          close()
          setLink(invited)
        }}
      />
      <ChangeRole person={open?.what === 'role' ? open.person : null} onClose={close} />
      <EndPerson open={open?.what === 'delete' || open?.what === 'suspend' ? open : null} onClose={close} />
      <NewLink
        person={open?.what === 'link' ? open.person : null}
        onClose={close}
        onMade={(made) => {
          close()
          setLink(made)
        }}
      />
      <Modal
        opened={link !== null}
        onClose={() => undefined}
        withCloseButton={false}
        closeOnEscape={false}
        closeOnClickOutside={false}
        size="lg"
        title={`Link for ${link?.person.name ?? ''}`}
      >
        {link !== null && (
          <ShownOnce label="Link" value={link.link} onKept={() => setLink(null)}>
            Send it to <bdi>{link.person.name}</bdi>, to nobody else: whoever opens it first chooses the password. It ends <RelativeTime at={link.expires_at} />
            .
          </ShownOnce>
        )}
      </Modal>
    </>
  )
}

function EndPerson({ open, onClose }: { open: { what: 'delete' | 'suspend' | 'role' | 'link'; person: Person } | null; onClose: () => void }) {
  const isDelete = open?.what === 'delete'
  const name = open?.person.name ?? ''
  const end = async () => {
    const params = { person: open!.person.id }
    if (isDelete) await withFreshSignIn(() => api.deletePerson({ params }))
    else await withFreshSignIn(() => api.changePerson({ params, body: { suspended: true } }))
    tell(isDelete ? `${name} is deleted.` : `${name} is suspended.`)
    await queryClient.invalidateQueries({ queryKey: ['persons'] })
  }
  return (
    <TypeToConfirm
      opened={open !== null}
      onClose={onClose}
      title={`${isDelete ? 'Delete' : 'Suspend'} ${name}?`}
      word={isDelete ? name : ''}
      button={isDelete ? 'Delete' : 'Suspend'}
      onConfirm={end}
    >
      <Text size="sm">
        {isDelete
          ? 'All sessions end at once, and the person cannot sign in again. What the person did stays in the audit trail, under this name.'
          : 'All sessions end at once, and the person cannot sign in until you allow it again.'}
      </Text>
      <Text size="sm">Access keys go on working: end those that the person made or knows, too.</Text>
    </TypeToConfirm>
  )
}

function NewLink({ person, onClose, onMade }: { person: Person | null; onClose: () => void; onMade: (link: Link) => void }) {
  const make = async () => {
    const made = await withFreshSignIn(() => api.renewInvitation({ params: { person: person!.id } }))
    void queryClient.invalidateQueries({ queryKey: ['persons'] })
    onMade(made)
  }
  return (
    <TypeToConfirm opened={person !== null} onClose={onClose} title={`New link for ${person?.name ?? ''}?`} word="" button="Make the link" onConfirm={make}>
      <Text size="sm">
        With it the person chooses a new password. Links that were made before open nothing any more
        {person?.status === 'active' && ', and the present password works until the new one is chosen'}.
      </Text>
    </TypeToConfirm>
  )
}
