import { Textarea } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { typedExactly } from './field-part.ts'
import { readJson } from './json-input.ts'

type Props = {
  label: string
  description?: string
  value: string
  onChange: (text: string) => void
  /** What the service says is wrong with it. */
  error?: string | undefined
  /** Only an object will do. */
  object?: boolean
  minRows?: number
}

/** JSON, looked through while somebody types: it says where it breaks off once the typing pauses. */
export function JsonField({ label, description, value, onChange, error, object = false, minRows = 6 }: Props) {
  const [settled] = useDebouncedValue(value, 400)
  const { mistake } = readJson(value, { object })
  return (
    <Textarea
      label={label}
      description={description}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={settled === value && mistake !== null ? mistake : error}
      autosize
      minRows={minRows}
      maxRows={24}
      styles={typedExactly}
      spellCheck={false}
      autoCapitalize="off"
      autoComplete="off"
    />
  )
}
