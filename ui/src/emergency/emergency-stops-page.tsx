import { Anchor, Title } from '@mantine/core'
import type { EmergencyStop } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { countOf } from '../elements/count-of.ts'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { StopForm } from './stop-form.tsx'
import { matchWords, progressOf } from './stop-words.ts'

const columns: Column<EmergencyStop>[] = [
  {
    title: 'Which',
    cell: (stop) => (
      <Anchor component={Link} to={`/emergency-stops/${stop.id}`}>
        <bdi>{matchWords(stop.match)}</bdi>
      </Anchor>
    ),
  },
  { title: 'Begun', cell: (stop) => <RelativeTime at={stop.created_at} /> },
  { title: 'By', cell: (stop) => <bdi>{stop.created_by.name}</bdi> },
  { title: 'How many', cell: (stop) => countOf(stop.total) },
  { title: 'What became of them', cell: progressOf },
  { title: 'Why', cell: (stop) => (stop.reason === '' ? null : <bdi>{stop.reason}</bdi>) },
]

/** Switches off many credentials in one action, and shows what has become of earlier ones. */
export function EmergencyStopsPage() {
  const list = useQuery({
    queryKey: ['emergency-stops'],
    queryFn: () => api.listEmergencyStops(),
    refetchInterval: ({ state }) => (state.data?.items.some((stop) => !stop.done) === true ? 2000 : false),
  })
  const stops = list.data?.items ?? []
  return (
    <>
      <PageHead title="Emergency stop">
        When something was stolen or somebody is not to be trusted any more: many credentials are switched off at once, and what only a person can do is listed.
      </PageHead>
      <StopForm />
      <ProblemNotice error={list.error} />
      {stops.length > 0 && (
        <>
          <Title order={2} mt="xl" mb="sm">
            Earlier
          </Title>
          <ListTable label="Earlier emergency stops" columns={columns} rows={stops} rowKey={(stop) => stop.id} />
        </>
      )}
    </>
  )
}
