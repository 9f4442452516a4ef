import { Anchor, Button, Group, List, Paper, Skeleton, Text, ThemeIcon, Title } from '@mantine/core'
import type { DoctorReport } from '@keybearer/client'
import { IconAlertTriangle, IconCheck, IconX } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api } from '../api/client.ts'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'

type Check = DoctorReport['checks'][number]

const marks: Record<Check['outcome'], { color: string; word: string; Icon: typeof IconCheck }> = {
  ok: { color: 'teal', word: 'well', Icon: IconCheck },
  warning: { color: 'orange', word: 'look at this', Icon: IconAlertTriangle },
  failed: { color: 'red', word: 'not well', Icon: IconX },
}

const rank: Record<Check['outcome'], number> = { failed: 0, warning: 1, ok: 2 }
const shownAtMost = 30

/** The doctor: what was looked at, what is wrong, and what to do. The worst stands first. */
export function Health() {
  const report = useQuery({ queryKey: ['doctor'], queryFn: () => api.runDoctor(), placeholderData: keepPreviousData })
  const checks = [...(report.data?.checks ?? [])].sort((one, other) => rank[one.outcome] - rank[other.outcome])
  const bad = checks.filter((check) => check.outcome !== 'ok').length
  return (
    <Paper withBorder p="md" component="section" aria-label="Health">
      <Group justify="space-between" mb="sm">
        <Title order={2}>Health</Title>
        <Button size="xs" variant="default" loading={report.isFetching} onClick={() => void report.refetch()}>
          Look again
        </Button>
      </Group>
      <ProblemNotice error={report.error} />
      {report.isPending && <Skeleton h={200} />}
      {report.data !== undefined && (
        <div aria-live="polite">
          <Text fw={600} mb="sm">
            {bad === 0 ? 'All is well.' : bad === 1 ? 'One thing needs somebody.' : `${bad} things need somebody.`}{' '}
            <Text span size="sm" c="dimmed" fw={400}>
              Looked at <RelativeTime at={new Date(report.dataUpdatedAt).toISOString()} />.
            </Text>
          </Text>
          <List
            spacing="sm"
            size="sm"
            listStyleType="none"
            styles={{ itemWrapper: { alignItems: 'flex-start' }, itemLabel: { overflowWrap: 'anywhere', minWidth: 0 } }}
          >
            {checks.slice(0, shownAtMost).map((check, index) => (
              <CheckItem key={`${check.name}${index}`} check={check} />
            ))}
          </List>
          {checks.length > shownAtMost && (
            <Text size="sm" mt="sm">
              and {checks.length - shownAtMost} more. <code className="mono">keybearer doctor</code> names all of them.
            </Text>
          )}
        </div>
      )}
    </Paper>
  )
}

function CheckItem({ check }: { check: Check }) {
  const { color, word, Icon } = marks[check.outcome]
  const credential = check.name.startsWith('credential ') ? check.name.slice('credential '.length) : null
  return (
    <List.Item
      icon={
        <ThemeIcon size={22} radius="xl" color={color} role="img" aria-label={word}>
          <Icon size={14} aria-hidden />
        </ThemeIcon>
      }
    >
      {credential === null ? (
        <b>{check.name}</b>
      ) : (
        <Anchor component={Link} to="/credentials/$credential" params={{ credential } as never} size="sm" fw={600}>
          <bdi>{credential}</bdi>
        </Anchor>
      )}
      : {check.message}
      {check.next_step !== null && (
        <Text size="sm" c="dimmed">
          {check.next_step}
        </Text>
      )}
    </List.Item>
  )
}
