import { Button, Paper, Text, Timeline, Title } from '@mantine/core'
import type { Credential } from '@keybearer/client'
import { IconAlertTriangle, IconArrowUpRight, IconEdit, IconLink, IconRefresh } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { api } from '../api/client.ts'
import { timesOf } from '../audit/action-words.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'

const words: Record<string, string> = {
  'credential.created': 'Made',
  'credential.changed': 'Changed',
  'credential.paused': 'Switched off',
  'credential.resumed': 'Switched on',
  'credential.tested': 'Tested',
  'credential.examined': 'Looked at closely',
  'credential.refreshed': 'New token from the provider',
  'credential.revoked': 'Tokens taken back',
  'credential.connected': 'Connected',
  'credential.imported': 'Came from a file',
  'credential.exported': 'Written to a file',
  'credential.ended': 'Its token ran out',
  'consent.started': 'Consent started',
  'consent.opened': 'Sign-in opened in a browser',
  'consent.browser_refused': 'Answer from another browser refused',
  'consent.failed': 'Consent ended without a token',
  'consent.withdrawn': 'Consent withdrawn',
  'token.handed_out': 'Token handed out',
  'request.sent': 'HTTP request sent',
  'message.sent': 'Mail sent',
}

/** What did not come about needs other words than what did. */
const refusedWords: Record<string, string> = {
  'credential.refreshed': 'No new token from the provider',
  'credential.tested': 'Test failed',
  'token.handed_out': 'Token refused to an automation',
  'message.sent': 'Mail not sent',
}

const iconOf = (action: string, failed: boolean): ReactNode => {
  if (failed) return <IconAlertTriangle size={13} aria-hidden />
  if (action === 'credential.refreshed') return <IconRefresh size={13} aria-hidden />
  if (action === 'token.handed_out') return <IconArrowUpRight size={13} aria-hidden />
  if (action.startsWith('consent') || action === 'credential.connected') return <IconLink size={13} aria-hidden />
  return <IconEdit size={13} aria-hidden />
}

function titleOf({ action, outcome }: { action: string; outcome: string }): string {
  const title = words[action] ?? action
  if (outcome === 'done' || action.endsWith('.failed') || action.endsWith('_refused')) return title
  return refusedWords[action] ?? `${title}: ${outcome}`
}

/** What happened to a credential, the newest first: refreshes, hand-outs, failures, changes. */
export function CredentialHistory({ credential }: { credential: Credential }) {
  const history = useInfiniteQuery({
    queryKey: ['credential-use', credential.id, 'history', credential.revision],
    queryFn: ({ pageParam }) =>
      api.listCredentialHistory({ params: { credential: credential.id }, query: { limit: 25, ...(pageParam === null ? {} : { cursor: pageParam }) } }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  })
  const entries = history.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="sm">
        What happened
      </Title>
      <ProblemNotice error={history.error} />
      <Timeline bulletSize={22} lineWidth={2} active={entries.length}>
        {entries.map((entry) => {
          const failed = entry.outcome !== 'done'
          const fields = Array.isArray(entry.detail.fields) ? (entry.detail.fields as string[]).join(', ') : ''
          return (
            <Timeline.Item
              key={entry.seq}
              bullet={iconOf(entry.action, failed)}
              color={failed ? 'red' : 'pine'}
              title={
                <Text size="sm" fw={600}>
                  {titleOf(entry)}
                  {timesOf(entry.detail)}
                </Text>
              }
            >
              <Text size="xs" c="dimmed">
                <RelativeTime at={entry.at} /> · <bdi>{entry.actor.name}</bdi>
                {fields !== '' && ` · ${fields}`}
                {entry.reason !== null && ` · ${entry.reason.replaceAll('_', ' ')}`}
              </Text>
            </Timeline.Item>
          )
        })}
      </Timeline>
      {history.hasNextPage && (
        <Button variant="default" size="xs" mt="sm" loading={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
          Older
        </Button>
      )}
    </Paper>
  )
}
