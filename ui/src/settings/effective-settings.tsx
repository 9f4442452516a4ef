import { Paper, Skeleton, Switch, Group, Text, TextInput, Title } from '@mantine/core'
import type { Settings } from '@keybearer/client'
import { IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'

type Setting = Settings['items'][number]

const columns: Column<Setting>[] = [
  {
    title: 'Setting',
    width: '48%',
    cell: (row) => (
      <div>
        <span className="mono">{row.name}</span>
        <Text size="xs" c="dimmed" fw={400}>
          {row.summary}
        </Text>
      </div>
    ),
  },
  {
    title: 'Value',
    cell: (row) =>
      row.secret ? (
        <Text size="sm" c="dimmed" span>
          {row.source === 'default' ? 'not set' : 'set, never shown'}
        </Text>
      ) : row.value === null ? (
        <Text size="sm" c="dimmed" span>
          not set
        </Text>
      ) : (
        <span className="mono">{row.value}</span>
      ),
  },
  { title: 'Comes from', width: '18%', cell: (row) => row.source },
]

/** Every setting as it holds, and where it comes from. They are changed where the service is started, not here. */
export function EffectiveSettings() {
  const [search, setSearch] = useState('')
  const [onlySet, setOnlySet] = useState(false)
  const settings = useQuery({ queryKey: ['settings'], queryFn: () => api.getSettings(), staleTime: 300_000 })
  const wanted = search.trim().toLowerCase()
  const rows = (settings.data?.items ?? []).filter(
    (row) => (!onlySet || row.source !== 'default') && (wanted === '' || `${row.name} ${row.summary}`.toLowerCase().includes(wanted)),
  )
  return (
    <Paper withBorder p="md" component="section" aria-label="Settings">
      <Title order={2}>Settings</Title>
      <Text size="sm" c="dimmed" mb="sm">
        As they hold now. They are changed where the service is started, by environment variables or files, and hold from the next start on.
      </Text>
      <ProblemNotice error={settings.error} />
      {settings.isPending && <Skeleton h={200} />}
      {settings.data !== undefined && (
        <>
          <Group mb="sm">
            <TextInput
              aria-label="Search the settings"
              placeholder="Search"
              type="search"
              leftSection={<IconSearch size={16} aria-hidden />}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
              flex="1 1 12rem"
              maw={320}
            />
            <Switch label="Only what somebody set" checked={onlySet} onChange={(event) => setOnlySet(event.currentTarget.checked)} />
          </Group>
          {rows.length === 0 ? (
            <Text size="sm">No setting fits.</Text>
          ) : (
            <ListTable label="Settings" columns={columns} rows={rows} rowKey={(row) => row.name} />
          )}
        </>
      )}
    </Paper>
  )
}
