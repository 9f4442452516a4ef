import { Button, Group, List, Text } from '@mantine/core'
import type { AccessKey } from '@keybearer/client'
import type { ReactNode } from 'react'
import { ListTable, type Column } from '../elements/list-table.tsx'
import { Mark } from '../elements/mark.tsx'
import { RelativeTime, useNow } from '../elements/relative-time.tsx'
import { useCredentialNames } from './credential-names.ts'
import { administrations, everything, rights, stateOf } from './rights.ts'

const shownAtMost = 4

/** What the key may send at most, in a line. */
function limitWords({ messages_per_hour, recipients_per_message, bytes_per_message }: NonNullable<AccessKey['mail_limits']>): string {
  const parts = [
    messages_per_hour === null ? null : `${messages_per_hour} mails an hour`,
    recipients_per_message === null ? null : `${recipients_per_message} recipients each`,
    bytes_per_message === null ? null : `${bytes_per_message.toLocaleString('en')} bytes each`,
  ]
  return `at most ${parts.filter((part) => part !== null).join(', ')}`
}

type Props = { keys: readonly AccessKey[]; onRevoke: (key: AccessKey) => void; onResume: (key: AccessKey) => void }

/** The keys, the working ones first; revoked ones stay visible for a while. */
export function KeyList({ keys, onRevoke, onResume }: Props) {
  const now = useNow()
  const names = useCredentialNames(keys)
  const rank = { active: 0, stopped: 1, expired: 2, revoked: 3 }
  const rows = [...keys].sort((one, other) => rank[stateOf(one, now)] - rank[stateOf(other, now)] || one.name.localeCompare(other.name))
  const columns: Column<AccessKey>[] = [
    {
      title: 'Name',
      width: '18%',
      cell: (key) => (
        <div>
          <bdi>{key.name}</bdi>
          <Text size="xs" c="dimmed" className="mono" fw={400}>
            {key.delivery === null || key.delivery.status === 'opened' ? `${key.hint}…` : 'no key yet'}
          </Text>
        </div>
      ),
    },
    {
      title: 'May',
      width: '30%',
      cell: (key) => (
        <List listStyleType="none" size="sm">
          {key.permissions.slice(0, shownAtMost).map((permission) => (
            <List.Item key={permission.credential}>
              <bdi>{permission.credential === everything ? 'all credentials' : names.get(permission.credential)}</bdi>:{' '}
              {rights
                .filter((right) => permission.rights.includes(right.value))
                .map((right) => right.title.toLowerCase())
                .join(', ')}
            </List.Item>
          ))}
          {key.permissions.length > shownAtMost && <List.Item>and {key.permissions.length - shownAtMost} more</List.Item>}
          {key.administration.length > 0 && (
            <List.Item>
              <b>administer</b>:{' '}
              {key.administration.map((one) => administrations.find((administration) => administration.value === one)?.title.toLowerCase() ?? one).join(', ')}
            </List.Item>
          )}
          {key.mail_limits !== null && <List.Item>{limitWords(key.mail_limits)}</List.Item>}
          {key.permissions.length === 0 && key.administration.length === 0 && <List.Item>nothing</List.Item>}
        </List>
      ),
    },
    {
      title: 'Last used',
      width: '14%',
      cell: (key) => (
        <div>
          <RelativeTime at={key.last_used_at} empty="never" />
          {key.last_used_from !== null && (
            <Text size="xs" c="dimmed" className="mono">
              from {key.last_used_from}
            </Text>
          )}
        </div>
      ),
    },
    { title: 'State', cell: (key) => <KeyMark accessKey={key} now={now} /> },
    { title: 'From', width: '13%', cell: (key) => (key.networks.length === 0 ? 'anywhere' : <span className="mono">{key.networks.join(', ')}</span>) },
    {
      title: 'What can be done',
      isTitleHidden: true,
      width: 100,
      cell: (key) =>
        key.revoked_at === null ? (
          <Group justify="flex-end" gap={6}>
            {key.stopped_at !== null && (
              <Button size="compact-sm" variant="light" onClick={() => onResume(key)} aria-label={`Resume: ${key.name}`}>
                Resume
              </Button>
            )}
            <Button size="compact-sm" variant="default" onClick={() => onRevoke(key)} aria-label={`Revoke: ${key.name}`}>
              Revoke
            </Button>
          </Group>
        ) : null,
    },
  ]
  return <ListTable label="Access keys" columns={columns} rows={rows} rowKey={(key) => key.id} isDimmed={(key) => stateOf(key, now) !== 'active'} />
}

/** A mark is one line at every width: what has to be said beside it stands under it. */
function WithRemark({ remark, children }: { remark: ReactNode; children: ReactNode }) {
  return (
    <div>
      {children}
      <Text size="xs" c="dimmed" mt={2}>
        {remark}
      </Text>
    </div>
  )
}

const soon = 14 * 86_400_000

function KeyMark({ accessKey, now }: { accessKey: AccessKey; now: number }) {
  switch (stateOf(accessKey, now)) {
    case 'revoked':
      return (
        <Mark color="gray" sign="‖">
          Revoked <RelativeTime at={accessKey.revoked_at} />
        </Mark>
      )
    case 'stopped':
      return (
        <WithRemark remark="Nobody used it for long">
          <Mark color="gray" sign="‖">
            Stopped <RelativeTime at={accessKey.stopped_at} />
          </Mark>
        </WithRemark>
      )
    case 'expired':
      return (
        <Mark color="red" sign="✗">
          Ended <RelativeTime at={accessKey.expires_at} />
        </Mark>
      )
    case 'active': {
      if (accessKey.delivery !== null && accessKey.delivery.repeats > 0) {
        return (
          <WithRemark remark="See the audit trail">
            <Mark color="red" sign="✗">
              Link opened {accessKey.delivery.repeats + 1} times
            </Mark>
          </WithRemark>
        )
      }
      if (accessKey.delivery?.status === 'waiting') {
        return (
          <WithRemark
            remark={
              <>
                Its link ends <RelativeTime at={accessKey.delivery.expires_at} />
              </>
            }
          >
            <Mark color="orange" sign="▲">
              Waits to be fetched
            </Mark>
          </WithRemark>
        )
      }
      if (accessKey.delivery?.status === 'expired') {
        return (
          <WithRemark remark="Make a new one">
            <Mark color="gray" sign="‖">
              Never fetched
            </Mark>
          </WithRemark>
        )
      }
      if (accessKey.expires_at === null) return <>never ends</>
      const isSoon = Date.parse(accessKey.expires_at) - now < soon
      return (
        <Mark color={isSoon ? 'orange' : 'teal'} sign={isSoon ? '▲' : '●'}>
          Ends <RelativeTime at={accessKey.expires_at} />
        </Mark>
      )
    }
  }
}
