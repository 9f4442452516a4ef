import { Select, type SelectProps } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { actionsQuery } from './actions-query.ts'
import { kindWords } from './action-words.ts'

type Props = Omit<SelectProps, 'data' | 'value' | 'onChange'> & {
  value: string | null
  onPick: (id: string | null) => void
  /** The action that cannot be picked: nothing leads to itself. */
  except?: string | undefined
}

/** Picks an action by name. */
export function ActionSelect({ value, onPick, except, ...rest }: Props) {
  const found = useQuery(actionsQuery)
  return (
    <Select
      {...rest}
      data={(found.data ?? []).filter(({ id }) => id !== except).map(({ id, name, kind }) => ({ value: id, label: `${name} – ${kindWords[kind]}` }))}
      value={value}
      onChange={onPick}
      searchable
      clearable
      nothingFoundMessage="No action fits"
      maxDropdownHeight={280}
    />
  )
}
