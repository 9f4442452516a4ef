import { Checkbox, Group, Radio, Select, Stack, Switch, TagsInput } from '@mantine/core'
import type { Draft } from './draft.ts'
import { noticeChoices } from './notice-words.ts'

type Props = { draft: Draft; errors: Record<string, string>; onChange: (part: Partial<Draft>) => void }

const hours = Array.from({ length: 24 }, (_, hour) => ({ value: String(hour), label: `${String(hour).padStart(2, '0')}:00` }))
const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')]

/** Who is told by mail, of what, and how often. */
export function NotifyFields({ draft, errors, onChange }: Props) {
  const { to, events: chosen, daily, reminders } = draft
  const errorOfTo = Object.entries(errors).find(([path]) => path.startsWith('notify.to'))?.[1]
  return (
    <Stack>
      <TagsInput
        label="Mail addresses"
        description="Enter or a comma ends each. Nobody: nothing is mailed; this page and the events still tell."
        placeholder={to.length === 0 ? 'ops@example.org' : ''}
        value={to}
        // Whoever is named first is told everything, until somebody chooses otherwise.
        onChange={(value) => onChange({ to: value, ...(to.length === 0 && chosen.length === 0 ? { events: noticeChoices.map((event) => event.value) } : {}) })}
        splitChars={[',', ' ', ';', '\n']}
        acceptValueOnBlur
        error={errorOfTo}
        maxTags={20}
      />
      <Checkbox.Group
        label="Of what"
        value={chosen}
        onChange={(value) => onChange({ events: value })}
        error={errors['notify.events'] ?? (to.length > 0 && chosen.length === 0 ? 'Choose at least one, or nothing is mailed' : undefined)}
      >
        <Stack gap={8} mt={6}>
          {noticeChoices.map((event) => (
            <Checkbox key={event.value} {...event} />
          ))}
        </Stack>
      </Checkbox.Group>
      <Radio.Group
        label="How often"
        value={daily === null ? 'at_once' : 'daily'}
        onChange={(value) => onChange({ daily: value === 'daily' ? { hour: 7, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone } : null })}
      >
        <Stack gap={8} mt={6}>
          <Radio value="at_once" label="At once" description="What happens within seconds stands in one mail" />
          <Radio value="daily" label="One mail a day" description="Without what broke and was put right meanwhile" />
        </Stack>
      </Radio.Group>
      {daily !== null && (
        <Group align="flex-start">
          <Select
            label="From this hour on"
            data={hours}
            value={String(daily.hour)}
            onChange={(hour) => onChange({ daily: { ...daily, hour: Number(hour ?? 7) } })}
            allowDeselect={false}
            w={150}
          />
          <Select
            label="Time zone"
            data={zones.includes(daily.time_zone) ? zones : [daily.time_zone, ...zones]}
            value={daily.time_zone}
            onChange={(zone) => onChange({ daily: { ...daily, time_zone: zone ?? 'UTC' } })}
            error={errors['notify.daily.time_zone']}
            allowDeselect={false}
            searchable
            nothingFoundMessage="No such time zone"
            flex="1 1 14rem"
            maw={320}
          />
        </Group>
      )}
      <Switch
        label="Remind every day"
        description="Names again what does not work, until it is put right or put off"
        checked={reminders}
        onChange={(event) => onChange({ reminders: event.currentTarget.checked })}
      />
    </Stack>
  )
}
