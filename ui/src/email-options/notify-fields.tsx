import { Checkbox, Stack, TagsInput } from '@mantine/core'
import type { Draft, NoticeEvent } from './draft.ts'

const events: { value: NoticeEvent; label: string; description: string }[] = [
  { value: 'credential.expiring', label: 'A credential ends soon', description: 'Weeks to a day ahead, each once' },
  { value: 'credential.broken', label: 'A credential works no longer', description: 'At once, with the reason and what to do' },
  { value: 'credential.recovered', label: 'A credential works again', description: 'So that nobody looks for nothing' },
]

type Props = { to: string[]; events: NoticeEvent[]; errors: Record<string, string>; onChange: (part: Partial<Draft>) => void }

/** Who is told by mail, and of what. */
export function NotifyFields({ to, events: chosen, errors, onChange }: Props) {
  const errorOfTo = Object.entries(errors).find(([path]) => path.startsWith('notify.to'))?.[1]
  return (
    <Stack>
      <TagsInput
        label="Mail addresses"
        description="Enter or a comma ends each. Nobody: nothing is mailed; this page and the events still tell."
        placeholder={to.length === 0 ? 'ops@example.org' : ''}
        value={to}
        // Whoever is named first is told everything, until somebody chooses otherwise.
        onChange={(value) => onChange({ to: value, ...(to.length === 0 && chosen.length === 0 ? { events: events.map((event) => event.value) } : {}) })}
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
          {events.map((event) => (
            <Checkbox key={event.value} {...event} />
          ))}
        </Stack>
      </Checkbox.Group>
    </Stack>
  )
}
