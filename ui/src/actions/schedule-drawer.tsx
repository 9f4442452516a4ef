import { Button, Drawer, Group, Radio, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import type { Action } from '@keybearer/client'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client.ts'
import { queryClient } from '../api/query-client.ts'
import { FormProblem } from '../elements/form-problem.tsx'
import { fieldErrors } from '../elements/problem-notice.tsx'
import { tell } from '../elements/tell.ts'
import { typedExactly } from './field-part.ts'
import { mistakeAt } from './field-mistakes.ts'
import { JsonField } from './json-field.tsx'
import { readJson } from './json-input.ts'
import { NextTimes } from './next-times.tsx'

const usual = [
  { title: 'Every hour', cron: '0 * * * *' },
  { title: 'Every day at 7', cron: '0 7 * * *' },
  { title: 'Weekdays at 7', cron: '0 7 * * 1-5' },
  { title: 'Mondays at 7', cron: '0 7 * * 1' },
  { title: 'First of the month', cron: '0 7 1 * *' },
]

const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone
const zones = (chosen: string): string[] => [...new Set([chosen, ownZone, 'UTC', ...Intl.supportedValuesOf('timeZone')])]

/** Sets at which times an action is run by itself, and shows the next ones while somebody chooses. */
export function ScheduleDrawer({ action, opened, onClose }: { action: Action; opened: boolean; onClose: () => void }) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="lg"
      title={<>Schedule of “{<bdi>{action.name}</bdi>}”</>}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened && <ScheduleForm action={action} onClose={onClose} />}
    </Drawer>
  )
}

function ScheduleForm({ action, onClose }: { action: Action; onClose: () => void }) {
  const { schedule } = action
  const [cron, setCron] = useState(schedule?.cron ?? '0 7 * * *')
  const [zone, setZone] = useState(schedule?.time_zone ?? ownZone)
  const [missed, setMissed] = useState(schedule?.missed ?? 'skip')
  const [enabled, setEnabled] = useState(schedule?.enabled ?? true)
  const [text, setText] = useState(() => JSON.stringify(schedule?.input ?? Object.fromEntries(action.inputs.map((name) => [name, ''])), null, 2))
  const { value, mistake } = readJson(text.trim() === '' ? '{}' : text, { object: true })
  const save = useMutation({
    mutationFn: () =>
      api.setActionSchedule({
        params: { action: action.id },
        body: { cron: cron.trim(), time_zone: zone, missed, enabled, input: (value ?? {}) as Record<string, unknown> },
      }),
    onSuccess: () => {
      tell(`The schedule of “${action.name}” is saved.`)
      void queryClient.invalidateQueries({ queryKey: ['actions'] })
      onClose()
    },
  })
  const errors = fieldErrors(save.error)
  /** What was refused is told as long as it stands there. */
  const changing = (set: (typed: string) => void) => (typed: string) => {
    set(typed)
    if (save.isError) save.reset()
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (mistake === null) save.mutate()
      }}
    >
      <Stack>
        <Group gap={6} role="group" aria-label="Usual times">
          {usual.map((one) => (
            <Button key={one.cron} size="compact-sm" variant={cron === one.cron ? 'light' : 'default'} onClick={() => changing(setCron)(one.cron)}>
              {one.title}
            </Button>
          ))}
        </Group>
        <TextInput
          label="Times"
          description="Minute, hour, day, month, weekday, such as 0 7 * * 1-5"
          value={cron}
          onChange={(event) => changing(setCron)(event.currentTarget.value)}
          error={errors.cron}
          styles={typedExactly}
          spellCheck={false}
          autoComplete="off"
          required
          data-autofocus
        />
        <Select
          label="Time zone"
          data={zones(zone)}
          value={zone}
          onChange={(chosen) => changing(setZone)(chosen ?? ownZone)}
          allowDeselect={false}
          searchable
          nothingFoundMessage="No time zone fits"
          maxDropdownHeight={260}
          error={errors.time_zone}
        />
        <NextTimes cron={cron} zone={zone} />
        <Radio.Group
          label="Times at which the service did not run"
          value={missed}
          onChange={(chosen) => setMissed(chosen === 'run_once' ? 'run_once' : 'skip')}
          error={errors.missed}
        >
          <Stack gap={6} mt={6}>
            <Radio value="skip" label="are left out" />
            <Radio value="run_once" label="are made up for by one run for all of them" />
          </Stack>
        </Radio.Group>
        {action.inputs.length === 0 ? (
          <Text size="sm">It asks for no input.</Text>
        ) : (
          <JsonField
            label="Input of each run"
            description="A JSON object. It is sealed, and shown to managers only."
            value={text}
            onChange={changing(setText)}
            error={mistakeAt(errors, 'input')}
            object
            minRows={3}
          />
        )}
        <Switch label="Switched on" checked={enabled} onChange={(event) => setEnabled(event.currentTarget.checked)} />
        <FormProblem error={save.error} fields={['cron', 'time_zone', 'missed', 'input']} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={mistake !== null}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
