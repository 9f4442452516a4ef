import { TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { api } from '../api/client.ts'
import { useDraft } from './draft-form.ts'

/** Says whether a name is in use here already, while it is typed. The service has the last word. */
function useTakenNames(text: string): Set<string> {
  const [search] = useDebouncedValue(text.trim(), 300)
  const { data } = useQuery({
    queryKey: ['credentials', 'names', search],
    queryFn: async () => (await api.listCredentials({ query: { search, limit: 100 } })).items.map((one) => one.name.toLowerCase()),
    enabled: search !== '' && search.length <= 200,
    placeholderData: keepPreviousData,
  })
  return new Set(data)
}

/** The name, with one suggested until somebody types another. */
export function NameField({ suggestion, ownName = '' }: { suggestion?: string; ownName?: string }) {
  const form = useDraft()
  const { name } = form.values
  const suggested = useTakenNames(suggestion ?? '')
  const taken = useTakenNames(name)
  const free = suggestion === undefined ? null : freeName(suggestion, suggested)
  const untouched = !form.isTouched('name')
  useEffect(() => {
    if (free !== null && untouched && name !== free) {
      form.setFieldValue('name', free)
      form.setTouched((before) => ({ ...before, name: false }))
    }
  }, [free, untouched, name])
  const collides = name.trim() !== '' && name.trim().toLowerCase() !== ownName.toLowerCase() && taken.has(name.trim().toLowerCase())
  const props = form.getInputProps('name')
  return (
    <TextInput
      label="Name"
      description="Automations ask for it by this name. It can be changed later; what uses the old name must then follow."
      withAsterisk
      maxLength={100}
      autoComplete="off"
      {...props}
      // Focus alone is no touch: a suggestion may still change until something is typed.
      onFocus={undefined}
      error={props.error ?? (collides ? 'There is already a credential with this name' : undefined)}
    />
  )
}

function freeName(suggestion: string, taken: Set<string>): string {
  let name = suggestion
  for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${suggestion}-${i}`
  return name
}
