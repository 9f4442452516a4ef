import { Anchor, Badge, Button, Group, Select, Skeleton, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { ProviderSummary } from '@keybearer/client'
import { IconPlus, IconSearch } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMay } from '../api/session.ts'
import { useAddressFilter } from '../elements/address-filter.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { FirstRows } from '../elements/first-rows.tsx'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { allProviders } from './all-providers.ts'
import { ProviderDrawer } from './provider-drawer.tsx'
import { categoryTitle, grantTitle, grantWords, linkOf } from './provider-words.ts'

const empty = { search: '', category: '', grant: '' }

const columns: Column<ProviderSummary>[] = [
  {
    title: 'Name',
    width: '24%',
    cell: (row) => (
      <Group gap={8}>
        <Anchor component={Link} to="/providers/$provider" params={{ provider: row.id } as never}>
          <bdi>{row.name}</bdi>
        </Anchor>
        {row.own && (
          <Badge variant="default" tt="none">
            Your own
          </Badge>
        )}
      </Group>
    ),
  },
  { title: 'Id', width: '19%', cell: (row) => <span className="mono">{row.id}</span> },
  { title: 'Category', cell: (row) => (row.category === null ? null : categoryTitle(row.category)) },
  {
    title: 'Ways to a token',
    width: '34%',
    cell: (row) => (
      <Text size="sm" span>
        {row.grants.map(grantTitle).join(', ')}
      </Text>
    ),
  },
  {
    title: 'Documentation',
    cell: (row) => {
      const link = linkOf(row.docs_url ?? undefined)
      return link === null ? null : (
        <Anchor href={link} target="_blank" rel="noreferrer noopener" aria-label={`Open the documentation of ${row.name} (in a new tab)`}>
          Open
        </Anchor>
      )
    },
  },
]

/** What Keybearer knows of each provider, and what somebody taught it. */
export function ProvidersPage() {
  const [filter, change] = useAddressFilter(empty)
  const [making, make] = useDisclosure(false)
  const mayManage = useMay('manager')
  const list = useQuery({ ...allProviders, placeholderData: keepPreviousData })
  const all = list.data?.items ?? []
  const wanted = filter.search.trim().toLowerCase()
  const rows = all.filter(
    (row) =>
      (wanted === '' || `${row.name} ${row.id} ${row.category ?? ''}`.toLowerCase().includes(wanted)) &&
      (filter.category === '' || row.category === filter.category) &&
      (filter.grant === '' || row.grants.includes(filter.grant)),
  )
  const categories = [...new Set(all.flatMap((row) => row.category ?? []))].sort()
  return (
    <>
      <PageHead
        title="Providers"
        actions={
          mayManage && (
            <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={make.open}>
              New provider
            </Button>
          )
        }
      >
        Who gives tokens: addresses, scopes and peculiarities. A provider that is missing can be added by its issuer address.
      </PageHead>
      <search>
        <Group gap="xs" mb="sm">
          <TextInput
            aria-label="Search name or category"
            placeholder="Search name or category"
            type="search"
            leftSection={<IconSearch size={16} aria-hidden />}
            value={filter.search}
            onChange={(event) => change({ search: event.currentTarget.value })}
            flex="1 1 14rem"
            maw={{ base: '100%', xs: 360 }}
          />
          <Select
            aria-label="Category"
            placeholder="Every category"
            data={categories.map((value) => ({ value, label: categoryTitle(value) }))}
            value={filter.category === '' ? null : filter.category}
            onChange={(category) => change({ category: category ?? '' })}
            clearable
            clearButtonProps={{ 'aria-label': 'Every category' }}
            flex="1 1 10rem"
            maw={{ base: '100%', xs: 200 }}
          />
          <Select
            aria-label="Way to a token"
            placeholder="Every way to a token"
            data={Object.entries(grantWords).map(([value, { short }]) => ({ value, label: short }))}
            value={filter.grant === '' ? null : filter.grant}
            onChange={(grant) => change({ grant: grant ?? '' })}
            clearable
            clearButtonProps={{ 'aria-label': 'Every way to a token' }}
            flex="1 1 12rem"
            maw={{ base: '100%', xs: 230 }}
          />
        </Group>
      </search>
      <Text size="sm" c="dimmed" mb="xs" role="status">
        {list.data === undefined ? ' ' : rows.length === all.length ? `${all.length} providers` : `${rows.length} of ${all.length} providers`}
      </Text>
      <ProblemNotice error={list.error} />
      {list.isPending && <Skeleton h={200} />}
      {list.data !== undefined && rows.length === 0 && (
        <EmptyState
          title="No provider fits"
          command="keybearer add work-mail --issuer https://login.example.org"
          action={
            <Button variant="default" w="fit-content" onClick={() => change(empty)}>
              Show all
            </Button>
          }
        >
          If the one you look for is not in the list, and it is one that describes itself (OpenID Connect), its issuer address is enough.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <FirstRows rows={rows} of={JSON.stringify(filter)}>
          {(shown) => <ListTable label="Providers" columns={columns} rows={shown} rowKey={(row) => row.id} />}
        </FirstRows>
      )}
      <ProviderDrawer provider={null} opened={making} onClose={make.close} />
    </>
  )
}
