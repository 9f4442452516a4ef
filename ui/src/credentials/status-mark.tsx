import { Badge, Group, Text } from '@mantine/core'
import { IconKey, IconKeyFilled, IconKeyOff } from '@tabler/icons-react'
import { textOn } from '../elements/message-box.tsx'
import type { Status } from './filter.ts'

/** One word per status, the same everywhere. */
export const statusWords: Record<Status, string> = {
  incomplete: 'Incomplete',
  ready: 'Ready',
  expiring: 'Expiring',
  retrying: 'Retrying',
  needs_consent: 'Needs consent',
  misconfigured: 'Misconfigured',
  paused: 'Paused',
}

export const statusColours: Record<Status, string> = {
  incomplete: 'blue',
  ready: 'teal',
  expiring: 'orange',
  retrying: 'yellow',
  needs_consent: 'red',
  misconfigured: 'red',
  paused: 'gray',
}

/** A shape as well as a colour: nobody has to tell red from green. */
const signs: Record<Status, string> = { incomplete: '○', ready: '●', expiring: '▲', retrying: '↻', needs_consent: '✗', misconfigured: '✗', paused: '‖' }

export function StatusMark({ status }: { status: Status }) {
  return (
    <Badge
      variant="light"
      color={statusColours[status]}
      tt="none"
      size="md"
      leftSection={<span aria-hidden>{signs[status]}</span>}
      data-status={status}
      style={{ flexShrink: 0 }}
      c={textOn(statusColours[status])}
    >
      {statusWords[status]}
    </Badge>
  )
}

/** The key in front of the name: regular where all is well, highlighted where somebody should look, dimmed where paused. */
export function StatusKey({ status }: { status: Status }) {
  if (status === 'paused') return <IconKeyOff size={18} aria-hidden opacity={0.55} style={{ flexShrink: 0 }} />
  if (status === 'ready') return <IconKey size={18} aria-hidden style={{ flexShrink: 0 }} />
  return <IconKeyFilled size={18} aria-hidden style={{ flexShrink: 0 }} color={`var(--mantine-color-${statusColours[status]}-filled)`} />
}

/** Whether the last use worked; nothing when there was none. */
export function LastUse({ outcome }: { outcome: 'ok' | 'issue' | null }) {
  if (outcome === null) return null
  return (
    <Group gap={4} wrap="nowrap" component="span">
      <span aria-hidden>{outcome === 'ok' ? '✓' : '⚠'}</span>
      <Text span size="sm">
        {outcome === 'ok' ? 'ok' : 'issue'}
      </Text>
    </Group>
  )
}
