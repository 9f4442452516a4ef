import { Button, Group, Modal, Paper, Stack, Text, Title } from '@mantine/core'
import type { Action, MadeActionWebhook } from '@keybearer/client'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { CopyField } from '../elements/copy-field.tsx'
import { Facts } from '../elements/facts.tsx'
import { Mark } from '../elements/mark.tsx'
import { ProblemNotice } from '../elements/problem-notice.tsx'
import { RelativeTime } from '../elements/relative-time.tsx'
import { ShownOnce } from '../elements/shown-once.tsx'
import { tell } from '../elements/tell.ts'
import { TypeToConfirm } from '../elements/type-to-confirm.tsx'
import { inZone } from './next-times.tsx'
import { ScheduleDrawer } from './schedule-drawer.tsx'

const changed = () => void queryClient.invalidateQueries({ queryKey: ['actions'] })

/** What runs an action without a person: its schedule, and the address at which others call it. */
export function ActionTriggers({ action }: { action: Action }) {
  return (
    <Paper withBorder p="md">
      <Title order={2} mb="xs">
        Runs by itself
      </Title>
      <Stack gap="lg">
        <Schedule action={action} />
        <Webhook action={action} />
      </Stack>
    </Paper>
  )
}

function Schedule({ action }: { action: Action }) {
  const [editing, setEditing] = useState(false)
  const { schedule } = action
  const params = { action: action.id }
  const turn = useMutation({
    mutationFn: () => {
      const { cron, time_zone, missed, input, enabled } = schedule!
      return api.setActionSchedule({ params, body: { cron, time_zone, missed, input: input ?? {}, enabled: !enabled } })
    },
    onSuccess: changed,
  })
  const remove = useMutation({
    mutationFn: () => api.removeActionSchedule({ params }),
    onSuccess: () => {
      tell(`“${action.name}” has no schedule any more.`)
      changed()
    },
  })
  return (
    <section aria-label="Schedule">
      <Title order={3} size="h5" mb={4}>
        At certain times
      </Title>
      {schedule === null ? (
        <Group gap="xs" justify="space-between">
          <Text size="sm">It has no schedule.</Text>
          <Button size="compact-sm" variant="default" onClick={() => setEditing(true)}>
            Set a schedule
          </Button>
        </Group>
      ) : (
        <Stack gap="xs">
          {!schedule.enabled && (
            <div>
              <Mark color="gray" sign="‖">
                Switched off
              </Mark>
            </div>
          )}
          <Facts
            label="Schedule"
            rows={[
              [
                'Times',
                <span key="cron" className="mono">
                  {schedule.cron}
                </span>,
              ],
              ['Time zone', schedule.time_zone],
              [
                'Next',
                schedule.next_due_at === null ? null : (
                  <>
                    <RelativeTime at={schedule.next_due_at} />, {inZone(schedule.next_due_at, schedule.time_zone)}
                  </>
                ),
              ],
              ['Last', schedule.last_due_at === null ? null : <RelativeTime at={schedule.last_due_at} />],
              ['Missed times', schedule.missed === 'skip' ? 'are left out' : 'are made up for by one run'],
            ]}
          />
          <Group gap="xs">
            <Button size="compact-sm" variant="default" onClick={() => setEditing(true)}>
              Change the schedule
            </Button>
            <Button size="compact-sm" variant="default" loading={turn.isPending} onClick={() => turn.mutate()}>
              {schedule.enabled ? 'Switch it off' : 'Switch the schedule on'}
            </Button>
            <Button size="compact-sm" variant="default" loading={remove.isPending} onClick={() => remove.mutate()}>
              Remove the schedule
            </Button>
          </Group>
        </Stack>
      )}
      <ProblemNotice error={turn.error ?? remove.error} />
      <ScheduleDrawer action={action} opened={editing} onClose={() => setEditing(false)} />
    </section>
  )
}

function Webhook({ action }: { action: Action }) {
  const [asking, setAsking] = useState<'new' | 'remove' | null>(null)
  const [made, setMade] = useState<MadeActionWebhook | null>(null)
  const { webhook } = action
  const params = { action: action.id }
  const make = async () => {
    setMade(await api.makeActionWebhook({ params }))
    changed()
  }
  const first = useMutation({ mutationFn: make })
  const remove = async () => {
    await api.removeActionWebhook({ params })
    tell(`Nobody can call “${action.name}” any more.`)
    changed()
  }
  return (
    <section aria-label="Webhook">
      <Title order={3} size="h5" mb={4}>
        When another program calls
      </Title>
      {webhook === null ? (
        <Group gap="xs" justify="space-between">
          <Text size="sm">It has no address for others.</Text>
          <Button size="compact-sm" variant="default" loading={first.isPending} onClick={() => first.mutate()}>
            Make a webhook
          </Button>
        </Group>
      ) : (
        <Stack gap="xs">
          <CopyField
            label="Address"
            description={
              <>
                Made <RelativeTime at={webhook.created_at} />. Calls are signed as Standard Webhooks say; the body, a JSON object, is the input.
              </>
            }
            value={webhook.url}
          />
          <Group gap="xs">
            <Button size="compact-sm" variant="default" onClick={() => setAsking('new')}>
              New address and secret
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => setAsking('remove')}>
              Remove the webhook
            </Button>
          </Group>
        </Stack>
      )}
      <ProblemNotice error={first.error} />
      <TypeToConfirm
        opened={asking !== null}
        onClose={() => setAsking(null)}
        title={asking === 'new' ? 'Make a new webhook?' : 'Remove the webhook?'}
        word=""
        button={asking === 'new' ? 'Make it' : 'Remove it'}
        onConfirm={asking === 'new' ? make : remove}
      >
        <Text size="sm">The address and the secret that there are now end at once. Programs that call it get an error from then on.</Text>
      </TypeToConfirm>
      <Modal
        opened={made !== null}
        onClose={() => undefined}
        withCloseButton={false}
        closeOnEscape={false}
        closeOnClickOutside={false}
        title={<>Secret of the webhook of “{<bdi>{action.name}</bdi>}”</>}
      >
        {made !== null && (
          <Stack>
            <CopyField label="Address" value={made.webhook.url} />
            <ShownOnce label="Secret" value={made.secret} onKept={() => setMade(null)}>
              Give it, with the address, to the program that calls. Calls are signed with it as Standard Webhooks say.
            </ShownOnce>
          </Stack>
        )}
      </Modal>
    </section>
  )
}
