import { Button, Code, Drawer, Group, Stack, Text, Title } from '@mantine/core'
import type { AuditRecord } from '@keybearer/client'
import { Facts } from '../elements/facts.tsx'
import { exactTime, RelativeTime } from '../elements/relative-time.tsx'
import { wordsOf } from './action-words.ts'
import type { AuditFilter } from './audit-filter.ts'

type Props = { record: AuditRecord | null; onClose: () => void; onFilter: (part: Partial<AuditFilter>) => void }

/** Everything one record says. */
export function RecordDrawer({ record, onClose, onFilter }: Props) {
  return (
    <Drawer
      opened={record !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={record === null ? '' : wordsOf(record.action)}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {record !== null && (
        <Stack>
          <Facts
            label="Record"
            rows={[
              ['Number', record.seq],
              [
                'When',
                <span key="at">
                  {exactTime(record.at)} (<RelativeTime at={record.at} />)
                </span>,
              ],
              [
                'Who',
                <span key="who">
                  <bdi>{record.actor.name}</bdi>
                  <Text size="xs" c="dimmed" className="mono">
                    {record.actor.id}
                  </Text>
                </span>,
              ],
              [
                'To what',
                record.subject === null ? null : (
                  <span>
                    <bdi>{record.subject.name}</bdi>
                    <Text size="xs" c="dimmed" className="mono">
                      {record.subject.id}
                    </Text>
                  </span>
                ),
              ],
              ['Action', <code key="action">{record.action}</code>],
              ['Outcome', record.outcome],
              ['Reason', record.reason],
              ['From', record.address],
            ]}
          />
          {Object.keys(record.detail).length > 0 && (
            <section>
              <Title order={2} mb={4}>
                Details
              </Title>
              <Code block className="mono" style={{ whiteSpace: 'pre-wrap' }} tabIndex={0}>
                {JSON.stringify(record.detail, null, 2)}
              </Code>
            </section>
          )}
          <section>
            <Title order={2} mb={4}>
              Ties it to the record before
            </Title>
            <Text size="xs" className="mono">
              {record.hash}
            </Text>
          </section>
          <Group gap="xs">
            <Button size="xs" variant="default" onClick={() => onFilter({ actor: record.actor.id, record: '' })}>
              Only by this one
            </Button>
            {record.subject !== null && (
              <Button size="xs" variant="default" onClick={() => onFilter({ subject: record.subject!.id, record: '' })}>
                Only to this one
              </Button>
            )}
            <Button size="xs" variant="default" onClick={() => onFilter({ action: record.action, record: '' })}>
              Only this action
            </Button>
          </Group>
        </Stack>
      )}
    </Drawer>
  )
}
