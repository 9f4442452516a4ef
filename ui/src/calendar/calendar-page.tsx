import { Anchor, Button, Skeleton } from '@mantine/core'
import type { CalendarEnd } from '@keybearer/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { useMay } from '../api/session.ts'
import { EmptyState } from '../elements/empty-state.tsx'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { FeedDialog } from './feed-dialog.tsx'

const kinds: Record<CalendarEnd['kind'], string> = {
  client_secret: 'Client secret',
  certificate: 'Certificate',
  consent: 'Consent',
  testing_consent: 'Consent of an app in testing',
  idle: 'Refresh token, of disuse',
  token: 'Token',
  password_login: 'Login with a password',
  unused: 'Nobody uses it',
  access_key: 'Access key',
}

function Subject({ end }: { end: CalendarEnd }) {
  const name = <bdi>{end.subject.name}</bdi>
  switch (end.subject.kind) {
    case 'credential':
      return (
        <Anchor component={Link} to="/credentials/$credential" params={{ credential: end.subject.id } as never}>
          {name}
        </Anchor>
      )
    case 'registration':
      return (
        <Anchor component={Link} to="/registrations/$registration" params={{ registration: end.subject.id } as never}>
          {name}
        </Anchor>
      )
    case 'access_key':
      return name
  }
}

const columns: Column<CalendarEnd>[] = [
  { title: 'Of', cell: (end) => <Subject end={end} /> },
  { title: 'What ends', cell: (end) => kinds[end.kind] },
  {
    title: 'When',
    cell: (end) => (
      <span>
        {end.at.slice(0, 10)}, <RelativeTime at={end.at} />
      </span>
    ),
  },
  {
    title: 'Then stops',
    cell: (end) =>
      end.subject.kind !== 'registration' || end.credentials.length === 0 ? null : <bdi>{end.credentials.map((one) => one.name).join(', ')}</bdi>,
  },
  { title: 'What to do', cell: (end) => end.next_step, width: '35%' },
]

/** Everything known to end, with its date. */
export function CalendarPage() {
  const may = useMay('administrator')
  const [feed, setFeed] = useState(false)
  const ends = useQuery({ queryKey: ['calendar'], queryFn: () => api.listEnds() })
  return (
    <>
      <PageHead
        title="Expiry calendar"
        actions={
          may && (
            <Button variant="default" onClick={() => setFeed(true)}>
              Subscribe …
            </Button>
          )
        }
      >
        Everything known to end: client secrets, certificates, consents, keys. What is renewed by itself is not here.
      </PageHead>
      <ProblemNotice error={ends.error} />
      {ends.isPending && <Skeleton h={160} />}
      {ends.data !== undefined && ends.data.items.length === 0 && (
        <EmptyState title="Nothing is known to end" command="keybearer calendar">
          Enter the end of a client secret in its registration: then it stands here, and somebody is told in time.
        </EmptyState>
      )}
      {ends.data !== undefined && ends.data.items.length > 0 && (
        <ListTable label="What ends" columns={columns} rows={ends.data.items} rowKey={(end) => `${end.kind} ${end.subject.id}`} />
      )}
      <FeedDialog opened={feed} onClose={() => setFeed(false)} />
    </>
  )
}
