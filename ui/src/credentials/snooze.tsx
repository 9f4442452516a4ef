import { Button, Group, Menu, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { Credential } from '@keybearer/client'
import { IconBellOff } from '@tabler/icons-react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { exactTime, RelativeTime, useNow } from '../elements/relative-time.tsx'
import { tell } from '../elements/tell.ts'

const day = 86_400_000
const choices = [
  { days: 1, label: 'For a day' },
  { days: 3, label: 'For three days' },
  { days: 7, label: 'For a week' },
  { days: 30, label: 'For a month' },
]

async function snooze(credential: Credential, until: string | null): Promise<void> {
  try {
    await api.snoozeCredential({ params: { credential: credential.id }, body: { until } })
    tell(until === null ? `People are told of “${credential.name}” again.` : `Nobody is told of “${credential.name}” until ${exactTime(until)}.`)
  } catch (error) {
    notifications.show({ color: 'red', title: 'That did not work', message: error instanceof Error ? error.message : '' })
  } finally {
    void queryClient.invalidateQueries({ queryKey: ['credential'] })
  }
}

const canBeSnoozed = (credential: Credential): boolean => !['ready', 'paused', 'incomplete'].includes(credential.status)

/** Puts off that people are told of what is wrong with a credential, and says so while it lasts. */
export function Snooze({ credential, mayManage }: { credential: Credential; mayManage: boolean }) {
  const now = useNow()
  const until = credential.snoozed_until
  if (until !== null && Date.parse(until) > now) {
    return (
      <Group gap="xs" mt="sm">
        <IconBellOff size={16} aria-hidden />
        <Text size="sm">
          Put off: nobody is told of it until {exactTime(until)} (<RelativeTime at={until} />
          ), unless it works again before.
        </Text>
        {mayManage && (
          <Button size="compact-xs" variant="default" onClick={() => void snooze(credential, null)}>
            Tell again
          </Button>
        )}
      </Group>
    )
  }
  if (!mayManage || !canBeSnoozed(credential)) return null
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button size="compact-xs" variant="subtle" color="gray" mt="sm" leftSection={<IconBellOff size={14} aria-hidden />}>
          Put off notices
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {choices.map(({ days, label }) => (
          <Menu.Item key={days} onClick={() => void snooze(credential, new Date(Date.now() + days * day).toISOString())}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
