import { Button } from '@mantine/core'
import { IconFileExport, IconFileImport, IconHandStop, IconPlus, IconTrash } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { api } from '../api/client.ts'
import { useMay } from '../api/session.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { Waiting } from '../elements/waiting.tsx'
import { BulkBar } from './bulk-bar.tsx'
import { CredentialTable } from './credential-table.tsx'
import { emptyFilter, isFiltered, type Filter } from './filter.ts'
import { FilterBar } from './filter-bar.tsx'

const pageSize = 100

/** What the list asks the service for. */
const toQuery = (filter: Filter) => ({
  ...(filter.search === '' ? {} : { search: filter.search }),
  ...(filter.status.length === 0 ? {} : { status: filter.status }),
  ...(filter.kind === '' ? {} : { kind: filter.kind }),
  ...(filter.provider === '' ? {} : { provider: filter.provider }),
  ...(filter.tag === '' ? {} : { tag: filter.tag }),
})

/** API Keys & Credentials: does it work, until when, who used it last. */
export function CredentialsPage() {
  const filter = useSearch({ from: '/inside/credentials' })
  const navigate = useNavigate({ from: '/credentials' })
  const mayManage = useMay('manager')
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const list = useInfiniteQuery({
    queryKey: ['credentials', 'list', filter],
    queryFn: ({ pageParam, signal }) =>
      api.listCredentials({ query: { ...toQuery(filter), sort: filter.sort, limit: pageSize, ...(pageParam === null ? {} : { cursor: pageParam }) }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  })
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data])
  const change = (part: Partial<Filter>) => {
    setSelected(new Set())
    // Each choice is a step that the back button undoes; of a search, all its letters are one.
    const isSameStep = part.search !== undefined && part.search !== '' && filter.search !== ''
    void navigate({ search: (before) => ({ ...emptyFilter, ...before, ...part }), replace: isSameStep })
  }
  const isEmpty = list.data !== undefined && rows.length === 0

  return (
    <>
      <PageHead
        title="API Keys & Credentials"
        actions={
          mayManage && (
            <>
              <Button component={Link} to="/emergency-stops" variant="subtle" color="red" leftSection={<IconHandStop size={16} aria-hidden />}>
                Emergency stop
              </Button>
              <Button component={Link} to="/credentials/import" variant="default" leftSection={<IconFileImport size={16} aria-hidden />}>
                Import
              </Button>
              <Button component={Link} to="/credentials/export" variant="default" leftSection={<IconFileExport size={16} aria-hidden />}>
                Export
              </Button>
              <Button component={Link} to="/credentials/new" leftSection={<IconPlus size={16} aria-hidden />} aria-keyshortcuts="c">
                New credential
              </Button>
            </>
          )
        }
      >
        What automations work with: whether it works, until when, and who used it last.
      </PageHead>
      {!(isEmpty && !isFiltered(filter)) && (
        <FilterBar filter={filter} onChange={change} query={toQuery({ ...filter, status: [] })} isBusy={list.isPlaceholderData} />
      )}
      <ProblemNotice error={list.error} />
      {list.isPending && <Waiting>The credentials are coming</Waiting>}
      {isEmpty && !isFiltered(filter) && (
        <EmptyState
          title="No credentials yet"
          command="keybearer add work-mail --provider google"
          action={
            mayManage && (
              <Button component={Link} to="/credentials/new" w="fit-content">
                Connect the first account
              </Button>
            )
          }
        >
          Connect an account once, and every script, job and mailer works with it from then on.
        </EmptyState>
      )}
      {isEmpty && isFiltered(filter) && (
        <EmptyState
          title="Nothing fits"
          action={
            <Button variant="default" w="fit-content" onClick={() => change(emptyFilter)}>
              Show all
            </Button>
          }
        >
          No credential fits this search and these filters.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <CredentialTable
          rows={rows}
          filter={filter}
          onSort={(sort) => change({ sort })}
          selected={selected}
          onSelect={setSelected}
          hasMore={list.hasNextPage}
          isFetchingMore={list.isFetchingNextPage}
          onMore={() => void list.fetchNextPage()}
        />
      )}
      {list.isFetchingNextPage && <Waiting>More rows are coming</Waiting>}
      {mayManage && list.data !== undefined && !isFiltered(filter) && (
        <Button
          component={Link}
          to="/deleted-credentials"
          variant="subtle"
          color="gray"
          size="compact-sm"
          mt="md"
          leftSection={<IconTrash size={14} aria-hidden />}
        >
          Deleted credentials
        </Button>
      )}
      {mayManage && <BulkBar rows={rows.filter((row) => selected.has(row.id))} onDone={() => setSelected(new Set())} />}
    </>
  )
}
