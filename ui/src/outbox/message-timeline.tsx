import { Text, Timeline } from '@mantine/core'
import type { Message } from '@keybearer/client'
import type { ReactNode } from 'react'
import { ActorName } from '../elements/actor-name.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'

type Entry = Message['timeline'][number]

const outcomes: Record<NonNullable<Entry['outcome']>, string> = {
  sent: 'took it',
  unreachable: 'did not answer',
  refused: 'refused the login or the address',
  credential_not_ready: 'could not log in: its credential needs a person',
  failed: 'failed',
}

/** Everything that happened to a message, the oldest first. */
export function MessageTimeline({ entries }: { entries: Entry[] }) {
  return (
    <Timeline bulletSize={18} lineWidth={2} active={entries.length}>
      {entries.map((entry, i) => (
        <Timeline.Item key={`${i} ${entry.what} ${entry.at}`} color={colourOf(entry)} title={<Text size="sm">{wordsOf(entry)}</Text>}>
          <Text size="xs" c="dimmed">
            <RelativeTime at={entry.at} />
            {entry.reason !== null && ` · ${entry.reason.replaceAll('_', ' ')}`}
            {entry.times > 1 && ` · ${entry.times} times`}
            {entry.last_at !== null && (
              <>
                , last <RelativeTime at={entry.last_at} />
              </>
            )}
          </Text>
          {entry.what === 'tried' && entry.reply !== null && (
            <Text size="xs" c="dimmed" className="mono" mt={2}>
              {entry.reply}
            </Text>
          )}
        </Timeline.Item>
      ))}
    </Timeline>
  )
}

function colourOf({ what, outcome }: Entry): string {
  if (what === 'failed' || (what === 'tried' && outcome !== 'sent')) return 'red'
  return what === 'cancelled' ? 'gray' : 'pine'
}

function wordsOf({ what, by, sender, outcome }: Entry): ReactNode {
  const who = by === null ? null : <ActorName id={by} />
  switch (what) {
    case 'accepted':
      return <>Given by {who}</>
    case 'tried':
      return (
        <>
          <bdi>{sender?.name}</bdi> {outcome === null ? '' : outcomes[outcome]}
        </>
      )
    case 'retried':
      return <>Tried again by {who}</>
    case 'resent':
      return (
        <>
          Given to <bdi>{sender?.name}</bdi> by {who}
        </>
      )
    case 'cancelled':
      return <>Taken out of the outbox by {who}</>
    case 'sent':
      return 'Sent to everybody'
    case 'failed':
      return 'Given up'
  }
}
