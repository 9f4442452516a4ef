import { Select, type SelectProps } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { Credential } from '@keybearer/client'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'

type Props = Omit<SelectProps, 'data' | 'value' | 'onChange' | 'searchValue' | 'onSearchChange' | 'filter'> & {
  value: string | null
  onPick: (id: string | null, credential: Credential | null) => void
  /** Choices beside the credentials, such as "all of them". */
  more?: { value: string; label: string }[]
}

/** Picks a credential by name, account or description; the service searches, so that 100,000 are no trouble. */
export function CredentialSelect({ value, onPick, more = [], ...rest }: Props) {
  const [typed, setTyped] = useState('')
  const [wanted] = useDebouncedValue(typed, 150)
  const chosen = useQuery({
    queryKey: ['credential', value],
    queryFn: () => api.getCredential({ params: { credential: value ?? '' } }),
    enabled: value !== null && more.every((one) => one.value !== value),
    staleTime: 60_000,
  })
  // The name of what is chosen stands in the field: it is no search.
  const search = wanted === chosen.data?.name || more.some((one) => one.label === wanted) ? '' : wanted.trim().slice(0, 200)
  const found = useQuery({
    queryKey: ['credentials', 'select', search],
    queryFn: () => api.listCredentials({ query: { ...(search === '' ? {} : { search }), limit: 20 } }),
    placeholderData: keepPreviousData,
  })
  const items = [...(found.data?.items ?? [])]
  if (chosen.data !== undefined && value !== null && items.every((item) => item.id !== value)) items.unshift(chosen.data)
  return (
    <Select
      {...rest}
      data={[...more, ...items.map((item) => ({ value: item.id, label: item.name }))]}
      renderOption={({ option }) => {
        const account = items.find((item) => item.id === option.value)?.username
        return (
          <span>
            <bdi>{option.label}</bdi>
            {account != null && (
              <small>
                {' '}
                · <bdi>{account}</bdi>
              </small>
            )}
          </span>
        )
      }}
      value={value}
      onChange={(id) => onPick(id, items.find((item) => item.id === id) ?? null)}
      searchValue={typed}
      onSearchChange={setTyped}
      filter={({ options }) => options}
      searchable
      nothingFoundMessage="No credential fits"
      maxDropdownHeight={280}
    />
  )
}
