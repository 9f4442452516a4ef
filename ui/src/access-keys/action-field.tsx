import { MultiSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { kindWords } from '../actions/action-words.ts'
import { actionsQuery } from '../actions/actions-query.ts'
import { everything } from './rights.ts'

type Props = { actions: string[]; errors: Record<string, string>; onChange: (actions: string[]) => void }

/** Which saved actions the key may run; "all" makes the others needless. */
export function ActionField({ actions, errors, onChange }: Props) {
  const found = useQuery(actionsQuery)
  const known = found.data ?? []
  if (known.length === 0 && actions.length === 0) return null
  return (
    <MultiSelect
      label="Actions"
      description="Saved actions that it may run; it needs no right on the credentials that they use"
      placeholder={actions.length === 0 ? 'None' : undefined}
      data={[{ value: everything, label: 'All actions' }, ...known.map(({ id, name, kind }) => ({ value: id, label: `${name} – ${kindWords[kind]}` }))]}
      value={actions}
      onChange={(chosen) => onChange(chosen.includes(everything) ? [everything] : chosen)}
      searchable
      clearable
      nothingFoundMessage="No action fits"
      maxDropdownHeight={280}
      error={Object.entries(errors).find(([path]) => path === 'actions' || path.startsWith('actions.'))?.[1]}
    />
  )
}
