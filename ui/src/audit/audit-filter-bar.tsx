import { Button, Group, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api } from '../api/client.ts'
import { actionWords } from './action-words.ts'
import { emptyAudit, isFiltered, type AuditFilter } from './audit-filter.ts'

const actions = Object.entries(actionWords).map(([value, label]) => ({ value, label }))
const outcomes = [
  { value: 'done', label: 'Done' },
  { value: 'refused', label: 'Refused' },
  { value: 'failed', label: 'Failed' },
]

/** What, who, to what, how it ended, and when. */
export function AuditFilterBar({ filter, onChange }: { filter: AuditFilter; onChange: (part: Partial<AuditFilter>) => void }) {
  const [subject, setSubject] = useState(filter.subject)
  const tell = useDebouncedCallback((text: string) => onChange({ subject: text.trim() }), 300)
  useEffect(() => setSubject(filter.subject), [filter.subject])
  const keys = useQuery({ queryKey: ['access-keys'], queryFn: () => api.listAccessKeys(), staleTime: 60_000 })
  const persons = useQuery({ queryKey: ['persons'], queryFn: () => api.listPersons(), staleTime: 60_000 })
  const actors = [
    { group: 'Persons', items: (persons.data?.items ?? []).map((person) => ({ value: person.id, label: person.name })) },
    { group: 'Access keys', items: (keys.data?.items ?? []).map((key) => ({ value: key.id, label: key.name })) },
    { group: 'By itself', items: [{ value: 'service', label: 'Keybearer' }] },
  ]
  const isKnown = actors.some((group) => group.items.some((item) => item.value === filter.actor))
  if (filter.actor !== '' && !isKnown) actors.push({ group: 'Others', items: [{ value: filter.actor, label: filter.actor }] })
  return (
    <search>
      <Group gap="xs" mb="md" align="flex-end">
        <Select
          label="What"
          placeholder="Everything"
          data={actions}
          value={filter.action === '' ? null : filter.action}
          onChange={(action) => onChange({ action: action ?? '' })}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Everything' }}
          flex="1 1 11rem"
          maw={{ base: '100%', xs: 280 }}
        />
        <Select
          label="Who"
          placeholder="Everybody"
          data={actors.filter((group) => group.items.length > 0)}
          value={filter.actor === '' ? null : filter.actor}
          onChange={(actor) => onChange({ actor: actor ?? '' })}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Everybody' }}
          flex="1 1 10rem"
          maw={{ base: '100%', xs: 240 }}
        />
        <TextInput
          label="To what"
          placeholder="Id, such as cred_…"
          value={subject}
          onChange={(event) => {
            setSubject(event.currentTarget.value)
            tell(event.currentTarget.value)
          }}
          spellCheck={false}
          flex="1 1 9rem"
          maw={{ base: '100%', xs: 240 }}
        />
        <Select
          label="Outcome"
          placeholder="Any"
          data={outcomes}
          value={filter.outcome === '' ? null : filter.outcome}
          onChange={(outcome) => onChange({ outcome: outcome ?? '' })}
          clearable
          clearButtonProps={{ 'aria-label': 'Any' }}
          flex="1 1 6.5rem"
          maw={{ base: '100%', xs: 130 }}
        />
        <TextInput
          label="From"
          type="date"
          value={filter.from}
          onChange={(event) => onChange({ from: event.currentTarget.value })}
          flex="1 1 8rem"
          maw={{ base: '100%', xs: 160 }}
        />
        <TextInput
          label="To"
          type="date"
          value={filter.to}
          onChange={(event) => onChange({ to: event.currentTarget.value })}
          flex="1 1 8rem"
          maw={{ base: '100%', xs: 160 }}
        />
        {isFiltered(filter) && (
          <Button variant="subtle" onClick={() => onChange({ ...emptyAudit, record: filter.record })}>
            Show all
          </Button>
        )}
      </Group>
    </search>
  )
}
