import { Button, Group, Text } from '@mantine/core'
import { KeybearerError, type RestorableCredential } from '@keybearer/client'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { useMay } from '../api/session.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { MoreButton } from '../elements/more-button.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { Waiting } from '../elements/waiting.tsx'
import { RestoreName } from './restore-name.tsx'

const kinds: Record<RestorableCredential['kind'], string> = { oauth2: 'OAuth 2.0', api_key: 'API key', basic: 'User name and password' }

/** What was deleted and can still come back, and until when. */
export function DeletedCredentialsPage() {
  const mayPurge = useMay('administrator')
  const navigate = useNavigate()
  const [error, setError] = useState<unknown>(null)
  const [renaming, rename] = useState<RestorableCredential | null>(null)
  const [purging, purge] = useState<RestorableCredential | null>(null)
  const list = useInfiniteQuery({
    queryKey: ['deleted-credentials'],
    queryFn: ({ pageParam }) => api.listDeletedCredentials({ query: { limit: 50, ...(pageParam === null ? {} : { cursor: pageParam }) } }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  })
  const rows = list.data?.pages.flatMap((page) => page.items) ?? []
  const days = list.data?.pages[0]?.days ?? 0

  const restore = async (credential: RestorableCredential, name?: string) => {
    const view = await api.restoreCredential({ params: { credential: credential.id }, body: name === undefined ? {} : { name } })
    tell(`“${view.name}” is back.`)
    await queryClient.invalidateQueries({ queryKey: ['deleted-credentials'] })
    await navigate({ to: '/credentials/$credential', params: { credential: view.id } })
  }
  const restoreAtOnce = (credential: RestorableCredential) => {
    setError(null)
    restore(credential).catch((problem: unknown) => {
      if (problem instanceof KeybearerError && problem.code === 'name_taken') rename(credential)
      else setError(problem)
    })
  }
  const destroy = async () => {
    await api.purgeCredential({ params: { credential: purging!.id } })
    await queryClient.invalidateQueries({ queryKey: ['deleted-credentials'] })
  }

  const columns: Column<RestorableCredential>[] = [
    { title: 'Name', cell: (one) => <bdi>{one.name}</bdi> },
    { title: 'Kind', cell: (one) => kinds[one.kind] },
    { title: 'Account', cell: (one) => (one.username === null ? null : <bdi>{one.username}</bdi>) },
    {
      title: 'Deleted',
      cell: (one) => (
        <div>
          <RelativeTime at={one.deleted_at} />
          <Text size="xs" c="dimmed">
            by <bdi>{one.deleted_by.name}</bdi>
          </Text>
        </div>
      ),
    },
    { title: 'Restorable until', cell: (one) => <RelativeTime at={one.restorable_until} /> },
    {
      title: 'What can be done',
      isTitleHidden: true,
      cell: (one) => (
        <Group gap="xs" justify="flex-end">
          <Button size="compact-sm" variant="default" onClick={() => restoreAtOnce(one)} aria-label={`Restore ${one.name}`}>
            Restore
          </Button>
          {mayPurge && (
            <Button size="compact-sm" color="red" variant="subtle" onClick={() => purge(one)} aria-label={`Destroy ${one.name}`}>
              Destroy
            </Button>
          )}
        </Group>
      ),
    },
  ]
  return (
    <>
      <PageHead title="Deleted credentials">
        Nobody can use them. Restored, a credential is what it was, and access keys find it again; tokens that were taken back need somebody who connects it
        anew.
      </PageHead>
      <ProblemNotice error={list.error ?? error} />
      {list.isPending && <Waiting>The deleted credentials are coming</Waiting>}
      {list.data !== undefined && rows.length === 0 && (
        <EmptyState title="Nothing to restore" command="keybearer deleted list">
          {days > 0
            ? `A credential that is deleted stays here for ${days} days. Then it is destroyed with the key of its secret.`
            : 'A credential that is deleted is destroyed at once: KEYBEARER_DELETED_DAYS is 0.'}
        </EmptyState>
      )}
      {rows.length > 0 && <ListTable label="Deleted credentials" columns={columns} rows={rows} rowKey={(one) => one.id} />}
      <MoreButton pages={list}>Older</MoreButton>
      <RestoreName credential={renaming} onClose={() => rename(null)} onRestore={restore} />
      <TypeToConfirm
        opened={purging !== null}
        onClose={() => purge(null)}
        title={`Destroy “${purging?.name ?? ''}”?`}
        word={purging?.name ?? ''}
        button="Destroy"
        onConfirm={destroy}
      >
        <Text size="sm">
          It is removed with the key of its secret, so that no copy of the database can open it any more. Backups made before hold that key; it opens with the
          master key of that time. This cannot be taken back.
        </Text>
      </TypeToConfirm>
    </>
  )
}
