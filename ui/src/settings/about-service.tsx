import { Paper, Skeleton, Text, Title } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api } from '../api/client.ts'
import { CopyField } from '../elements/copy-field.tsx'
import { Facts } from '../elements/facts.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'

type ClockErrors = NonNullable<Awaited<ReturnType<typeof api.getStatus>>['clock_errors']>

/** What is wrong with the clock; null while every provider agrees with it. */
const clockWords = (errors: ClockErrors): string | null =>
  errors.length === 0
    ? null
    : `${errors.map(({ host, ahead_seconds: ahead }) => `${minutes(ahead)} ${ahead > 0 ? 'ahead of' : 'behind'} ${host}`).join(', ')}. ${
        errors.some((one) => one.blocks_signing) ? 'Nothing is signed where it is more than 5 min. ' : ''
      }Switch time synchronization on: timedatectl set-ntp true`

const minutes = (seconds: number): string => {
  const size = Math.abs(seconds)
  return size < 90 ? `${size} s` : `${Math.round(size / 60)} min`
}

/** Version, database, and what has to be in a backup. */
export function AboutService() {
  const status = useQuery({ queryKey: ['status'], queryFn: () => api.getStatus(), placeholderData: keepPreviousData })
  const facts = status.data
  return (
    <Paper withBorder p="md" component="section" aria-label="Service and backup">
      <Title order={2} mb="xs">
        Service
      </Title>
      <ProblemNotice error={status.error} />
      {status.isPending && <Skeleton h={120} />}
      {facts !== undefined && (
        <Facts
          label="Service"
          rows={[
            ['Version', facts.version],
            ['Running since', <RelativeTime key="since" at={new Date(Date.parse(facts.now) - facts.uptime_seconds * 1000).toISOString()} />],
            ['Database', facts.database === 'sqlite' ? 'embedded (SQLite)' : 'PostgreSQL'],
            [
              'Address',
              <span key="url" className="mono">
                {facts.public_url}
              </span>,
            ],
            ['Audit records', facts.audit.records.toLocaleString()],
            ['Clock', clockWords(facts.clock_errors ?? [])],
            ['Audit trail', facts.audit.blocked ? 'cannot be written: nothing is handed out' : null],
          ]}
        />
      )}
      <Title order={3} mt="md" mb={4}>
        Backup
      </Title>
      <Text size="sm" mb="xs">
        Two things, at two places: the database, and the master key. Never both in one backup: together they open everything. Try from time to time whether it
        can be brought back.
      </Text>
      {facts?.backup?.supported === true && (
        <Text size="sm" mb="xs">
          {facts.backup.last_at === null ? (
            'No backup has been made yet.'
          ) : (
            <>
              The last one was made <RelativeTime at={facts.backup.last_at} />.
            </>
          )}
          {facts.backup.is_old && ' Make one every night: what was renewed or entered after the last one is lost with the disk.'}
        </Text>
      )}
      {facts?.database === 'sqlite' && <CopyField label="A copy of the database while the service runs" value="keybearer backup keybearer.backup" />}
      {facts?.database === 'postgres' && (
        <CopyField label="A copy of the database while the service runs" value="pg_dump --format=custom --file=keybearer.dump DATABASE" />
      )}
    </Paper>
  )
}
