import { ActionIcon, Button, Group, Input, Stack, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { newRow, type Pair } from './action-values.ts'
import { typedExactly } from './field-part.ts'

type Props = {
  label: string
  description?: string
  /** What one of them is called, such as "header". */
  one: string
  pairs: Pair[]
  onChange: (pairs: Pair[]) => void
  /** What is wrong with the value of a name. */
  errorAt: (name: string) => string | undefined
  /** What is wrong with all of them. */
  error?: string | undefined
}

/** Names with values, such as headers: a row each. */
export function PairFields({ label, description, one, pairs, onChange, errorAt, error }: Props) {
  const change = (key: string, part: Partial<Pair>) => onChange(pairs.map((pair) => (pair.key === key ? { ...pair, ...part } : pair)))
  const isTwice = (pair: Pair) => pairs.some((other) => other !== pair && other.name.trim() !== '' && other.name.trim() === pair.name.trim())
  return (
    <Input.Wrapper label={label} labelElement="div" description={description} error={error}>
      <Stack gap={6} mt={4} role="group" aria-label={label}>
        {pairs.map((pair, i) => (
          <Group key={pair.key} gap={6} align="flex-start" wrap="nowrap">
            <Group gap={6} align="flex-start" flex={1}>
              <TextInput
                aria-label={`Name of ${one} ${i + 1}`}
                placeholder="Name"
                styles={typedExactly}
                flex="1 1 8rem"
                value={pair.name}
                onChange={(event) => change(pair.key, { name: event.currentTarget.value })}
                error={isTwice(pair) && 'Is there twice; the last one counts'}
                spellCheck={false}
                autoCapitalize="off"
                autoComplete="off"
              />
              <TextInput
                aria-label={`Value of ${one} ${i + 1}`}
                placeholder="Value"
                flex="2 1 10rem"
                value={pair.value}
                onChange={(event) => change(pair.key, { value: event.currentTarget.value })}
                error={pair.name.trim() === '' ? undefined : errorAt(pair.name.trim())}
                spellCheck={false}
                autoComplete="off"
              />
            </Group>
            <ActionIcon
              variant="subtle"
              color="gray"
              size={36}
              aria-label={`Remove ${one} ${pair.name === '' ? i + 1 : pair.name}`}
              onClick={() => onChange(pairs.filter((other) => other !== pair))}
            >
              <IconX size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Button
          variant="default"
          size="compact-sm"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...pairs, { key: newRow(), name: '', value: '' }])}
        >
          Add a {one}
        </Button>
      </Stack>
    </Input.Wrapper>
  )
}
