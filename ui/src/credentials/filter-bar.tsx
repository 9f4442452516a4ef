import type { Operations } from '@keybearer/client'
import { Chip, CloseButton, Group, Loader, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback, useHotkeys, useWindowEvent } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { api } from '../api/client.ts'
import { allProviders } from '../providers/all-providers.ts'
import { statuses, type Filter } from './filter.ts'
import { statusColours, statusWords } from './status-mark.tsx'

type Props = { filter: Filter; onChange: (part: Partial<Filter>) => void; query: Operations['countCredentials']['query']; isBusy: boolean }

/** Search, one chip per status with its count, kind and provider. The service filters; the address bar remembers. */
export function FilterBar({ filter, onChange, query, isBusy }: Props) {
  const [search, setSearch] = useState(filter.search)
  const input = useRef<HTMLInputElement>(null)
  const tell = useDebouncedCallback((text: string) => onChange({ search: text }), 180)
  const isBack = useRef(false)
  useWindowEvent('popstate', () => {
    isBack.current = true
  })
  useEffect(() => {
    // The address changed by other means: the back button, or a link. What somebody types meanwhile is not overwritten.
    if (isBack.current || document.activeElement !== input.current) setSearch(filter.search)
    isBack.current = false
  }, [filter])
  useHotkeys([['f', () => input.current?.focus()]])
  const counts = useQuery({ queryKey: ['counts', query], queryFn: () => api.countCredentials({ query }), placeholderData: keepPreviousData })
  const providers = useQuery({ ...allProviders, staleTime: 300_000 })

  return (
    <search>
      <Group gap="xs" mb="sm" align="center">
        <TextInput
          ref={input}
          aria-label="Search name, account or description"
          placeholder="Search name, account or description"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value)
            tell(event.currentTarget.value)
          }}
          rightSection={
            search !== '' && (
              <CloseButton
                size="sm"
                aria-label="Clear the search"
                onClick={() => {
                  setSearch('')
                  onChange({ search: '' })
                }}
              />
            )
          }
          flex="1 1 15rem"
          maw={420}
          type="search"
        />
        {/* The rows of before stay until those that fit are there. */}
        <Group role="status" w={isBusy ? undefined : 0} gap={0}>
          {isBusy && <Loader size="xs" aria-label="Searching" role="img" />}
        </Group>
        <Select
          aria-label="Kind"
          placeholder="Every kind"
          data={[
            { value: 'oauth2', label: 'OAuth 2.0' },
            { value: 'api_key', label: 'API key' },
            { value: 'basic', label: 'User and password' },
          ]}
          value={filter.kind === '' ? null : filter.kind}
          onChange={(kind) => onChange({ kind: kind ?? '' })}
          clearable
          clearButtonProps={{ 'aria-label': 'Every kind' }}
          w={150}
        />
        <Select
          aria-label="Provider"
          placeholder="Every provider"
          data={(providers.data?.items ?? []).map((provider) => ({ value: provider.id, label: provider.name }))}
          value={filter.provider === '' ? null : filter.provider}
          onChange={(provider) => onChange({ provider: provider ?? '' })}
          clearable
          clearButtonProps={{ 'aria-label': 'Every provider' }}
          searchable
          w={190}
        />
      </Group>
      <Chip.Group multiple value={filter.status} onChange={(status) => onChange({ status: statuses.filter((one) => status.includes(one)) })}>
        <Group gap={6} mb="sm" role="group" aria-label="Status">
          {statuses.map((status) => {
            const count = counts.data?.by_status[status]
            return (
              <Chip key={status} value={status} size="xs" color={statusColours[status]} variant="outline" autoContrast>
                {statusWords[status]} {count === undefined ? '' : <b>{count.toLocaleString()}</b>}
              </Chip>
            )
          })}
          {filter.tag !== '' && (
            <Chip size="xs" checked onChange={() => onChange({ tag: '' })}>
              Tag: {filter.tag}
            </Chip>
          )}
        </Group>
      </Chip.Group>
    </search>
  )
}
