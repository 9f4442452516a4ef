import { ActionIcon, Button, Checkbox, Group, Input, Paper, Select, Stack, Text, VisuallyHidden } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconPlus, IconTrash } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { moved, type Cause, type Fallback } from './draft.ts'

const causes: { value: Cause; label: string }[] = [
  { value: 'unreachable', label: 'Its server does not answer for a while' },
  { value: 'refused', label: 'Its server refuses the login or the sending address' },
  { value: 'credential_not_ready', label: 'Its credential needs a person' },
]

type Props = {
  fallbacks: Fallback[]
  senders: { value: string; label: string }[]
  hasDefault: boolean
  errors: Record<string, string>
  onChange: (fallbacks: Fallback[]) => void
}

/** Senders in the order in which they stand in; moved by buttons or Alt and the arrow keys. */
export function FallbackList({ fallbacks, senders, hasDefault, errors, onChange }: Props) {
  const [said, setSaid] = useState('')
  const list = useRef<HTMLOListElement>(null)
  const nameOf = (id: string) => senders.find((sender) => sender.value === id)?.label ?? id
  const free = senders.filter((sender) => fallbacks.every((fallback) => fallback.sender !== sender.value))
  const change = (index: number, part: Partial<Fallback>) => onChange(fallbacks.map((fallback, i) => (i === index ? { ...fallback, ...part } : fallback)))
  const move = (index: number, by: -1 | 1) => {
    const to = index + by
    if (to < 0 || to >= fallbacks.length) return
    onChange(moved(fallbacks, index, by))
    setSaid(`${nameOf(fallbacks[index]!.sender)} is number ${to + 1} of ${fallbacks.length} now`)
    // The row takes the focus along; a button at the end of its way is not focusable any more.
    requestAnimationFrame(() => list.current?.querySelectorAll<HTMLElement>('li')[to]?.querySelector<HTMLElement>('input')?.focus())
  }
  if (!hasDefault) return <Text size="sm">Choose a default sender first: stand-ins stand in for it.</Text>
  return (
    <Stack gap="sm">
      <VisuallyHidden aria-live="polite">{said}</VisuallyHidden>
      {fallbacks.length === 0 && <Text size="sm">Nothing stands in: mail waits until the default sender works again.</Text>}
      <ol ref={list} style={{ listStyle: 'none', margin: 0, padding: 0, display: 'grid', gap: 'var(--mantine-spacing-sm)' }}>
        {fallbacks.map((fallback, index) => (
          <Paper
            key={fallback.key}
            component="li"
            withBorder
            p="sm"
            aria-label={`Stand-in ${index + 1}: ${nameOf(fallback.sender)}`}
            onKeyDownCapture={(event) => {
              if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
              event.preventDefault()
              event.stopPropagation()
              move(index, event.key === 'ArrowUp' ? -1 : 1)
            }}
          >
            <Group gap="xs" wrap="nowrap" align="flex-start">
              <Text fw={700} w={22} pt={7} ta="end" aria-hidden>
                {index + 1}.
              </Text>
              <Stack gap="xs" flex={1} miw={0}>
                <Group gap="xs">
                  <Select
                    aria-label={`Sender ${index + 1}`}
                    data={senders.filter((sender) => sender.value === fallback.sender || free.includes(sender))}
                    value={fallback.sender}
                    onChange={(sender) => change(index, { sender: sender ?? fallback.sender })}
                    allowDeselect={false}
                    error={errors[`fallbacks.${index}.sender`]}
                    flex={{ base: '1 1 100%', xs: '1 1 9rem' }}
                    aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown"
                  />
                  <ActionIcon
                    variant="default"
                    size={34}
                    disabled={index === 0}
                    aria-label={`Move up: ${nameOf(fallback.sender)}`}
                    onClick={() => move(index, -1)}
                  >
                    <IconArrowUp size={16} />
                  </ActionIcon>
                  <ActionIcon
                    variant="default"
                    size={34}
                    disabled={index === fallbacks.length - 1}
                    aria-label={`Move down: ${nameOf(fallback.sender)}`}
                    onClick={() => move(index, 1)}
                  >
                    <IconArrowDown size={16} />
                  </ActionIcon>
                  <ActionIcon
                    variant="default"
                    size={34}
                    aria-label={`Remove: ${nameOf(fallback.sender)}`}
                    onClick={() => onChange(fallbacks.filter((one) => one !== fallback))}
                  >
                    <IconTrash size={16} />
                  </ActionIcon>
                </Group>
                <Checkbox.Group
                  label="Stands in when"
                  size="sm"
                  value={fallback.when}
                  onChange={(when) => change(index, { when: when })}
                  error={errors[`fallbacks.${index}.when`] ?? (fallback.when.length === 0 ? 'Choose at least one, or remove it' : undefined)}
                >
                  <Stack gap={6} mt={4}>
                    {causes.map((cause) => (
                      <Checkbox key={cause.value} value={cause.value} label={cause.label} size="sm" />
                    ))}
                  </Stack>
                </Checkbox.Group>
              </Stack>
            </Group>
          </Paper>
        ))}
      </ol>
      {errors.fallbacks !== undefined && <Input.Error>{errors.fallbacks}</Input.Error>}
      <Group gap="sm">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} aria-hidden />}
          disabled={free.length === 0}
          onClick={() => onChange([...fallbacks, { key: crypto.randomUUID(), sender: free[0]!.value, when: causes.map((cause) => cause.value) }])}
        >
          Add a stand-in
        </Button>
        <Text size="xs" c="dimmed">
          {free.length === 0 ? 'Every other sender stands in already.' : 'Alt with ↑ or ↓ moves one.'}
        </Text>
      </Group>
    </Stack>
  )
}
