import { Anchor, Button, Checkbox, Progress, Stack, Text } from '@mantine/core'
import type { EmergencyStop, StoppedCredential } from '@keybearer/client'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { countOf } from '../elements/count-of.ts'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { MessageBox } from '../elements/message-box.tsx'
import { MoreButton } from '../elements/more-button.tsx'
import { PageHead } from '../elements/page-head.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { Waiting } from '../elements/waiting.tsx'
import { withFreshSignIn } from '../sign-in/confirmation.tsx'
import { matchWords, progressOf, stateWords } from './stop-words.ts'

const columns: Column<StoppedCredential>[] = [
  {
    title: 'Credential',
    cell: ({ credential }) => (
      <Anchor component={Link} to={`/credentials/${encodeURIComponent(credential.id)}`}>
        <bdi>{credential.name}</bdi>
      </Anchor>
    ),
  },
  { title: 'State', cell: ({ state }) => stateWords[state] },
  { title: 'What is left to do', cell: ({ message, state }) => (state === 'revoked' && message?.startsWith('There was no token') ? null : message) },
]

/** What has become of an emergency stop: how far it is, and what is left for a person. */
export function EmergencyStopPage() {
  const { stop: id } = useParams({ from: '/inside/emergency-stops/$stop' })
  const [onlyLeft, setOnlyLeft] = useState(false)
  const [isUndoing, setIsUndoing] = useState(false)
  const stop = useQuery({
    queryKey: ['emergency-stops', id],
    queryFn: () => api.getEmergencyStop({ params: { stop: id } }),
    refetchInterval: ({ state }) => (state.data?.done === false ? 1000 : false),
  })
  const list = useInfiniteQuery({
    queryKey: ['emergency-stops', id, 'credentials', onlyLeft],
    queryFn: ({ pageParam }) =>
      api.listStoppedCredentials({
        params: { stop: id },
        query: {
          ...(onlyLeft ? { state: ['waiting', 'revoking', 'not_revoked'] } : {}),
          limit: 100,
          ...(pageParam === null ? {} : { cursor: pageParam }),
        } as never,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchInterval: stop.data?.done === false ? 2000 : false,
  })
  const undo = async () => {
    const { resumed } = await withFreshSignIn(() => api.undoEmergencyStop({ params: { stop: id }, body: {} }))
    tell(`${countOf(resumed)} switched on again.`)
    await queryClient.invalidateQueries()
  }
  const rows = list.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <>
      <PageHead
        title="What was stopped"
        actions={
          <>
            <Button component={Link} to="/emergency-stops" variant="default">
              All emergency stops
            </Button>
            <Button variant="default" onClick={() => setIsUndoing(true)} disabled={stop.data === undefined || stop.data.undone_at !== null}>
              Switch on again
            </Button>
          </>
        }
      >
        {stop.data !== undefined && <Told stop={stop.data} />}
      </PageHead>
      <ProblemNotice error={stop.error ?? list.error} />
      {stop.isPending && <Waiting>What became of it is coming</Waiting>}
      {stop.data !== undefined && (
        <Stack gap="md">
          <State stop={stop.data} />
          <Checkbox label="Only those that something is left to do for" checked={onlyLeft} onChange={(event) => setOnlyLeft(event.currentTarget.checked)} />
          {rows.length > 0 && <ListTable label="Stopped credentials" columns={columns} rows={rows} rowKey={(row) => row.credential.id} />}
          {list.isSuccess && rows.length === 0 && <Text>{onlyLeft ? 'Nothing is left to do.' : 'No credential fitted.'}</Text>}
          <MoreButton pages={list} />
        </Stack>
      )}
      <TypeToConfirm opened={isUndoing} onClose={() => setIsUndoing(false)} title="Switch them on again?" word="" button="Switch on" onConfirm={undo}>
        <Text size="sm">
          Automations get tokens of them again. Those that were off before stay off, and tokens that were taken back stay so: such a credential is connected
          anew.
        </Text>
      </TypeToConfirm>
    </>
  )
}

function Told({ stop }: { stop: EmergencyStop }) {
  return (
    <>
      <bdi>{matchWords(stop.match)}</bdi>, by <bdi>{stop.created_by.name}</bdi>, <RelativeTime at={stop.created_at} />
      {stop.reason !== '' && (
        <>
          : <bdi>{stop.reason}</bdi>
        </>
      )}
    </>
  )
}

function State({ stop }: { stop: EmergencyStop }) {
  const { counts, total } = stop
  if (stop.undone_at !== null)
    return (
      <MessageBox tone="note" role="status" title={`${countOf(total)} were stopped`}>
        <Text size="sm">
          Those that it had switched off were switched on again <RelativeTime at={stop.undone_at} />.
          {counts.revoked > 0 && ` ${counts.revoked.toLocaleString()} of them lost their tokens.`}
        </Text>
      </MessageBox>
    )
  const ended = total - counts.waiting - counts.revoking
  return (
    <MessageBox
      tone={!stop.done ? 'note' : counts.not_revoked > 0 ? 'warning' : 'good'}
      role="status"
      title={`${countOf(total)}: no token of them is handed out any more`}
    >
      {stop.revoke && <Text size="sm">{progressOf(stop)}.</Text>}
      {stop.revoke && !stop.done && <Progress mt="xs" value={total === 0 ? 100 : (100 * ended) / total} aria-label="Tokens taken back" />}
      {!stop.revoke && <Text size="sm">Their tokens at the providers were left alone.</Text>}
    </MessageBox>
  )
}
