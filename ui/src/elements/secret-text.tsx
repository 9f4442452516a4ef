import { Button, Group, Stack, Textarea } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import styles from './secret-text.module.css'

type Props = {
  label: string
  description?: ReactNode
  placeholder?: string
  value: string
  onChange: (text: string) => void
  error?: ReactNode
  required?: boolean
  minRows?: number
  maxRows?: number
  /** The field of a form that it stands for. */ 'data-path'?: string
}

/** A secret of several lines, such as a private key: covered like a password, and shown only while somebody asks for it. */
export function SecretText({ label, value, onChange, minRows = 3, maxRows = 8, required = false, ...rest }: Props) {
  const [shown, setShown] = useState(false)
  return (
    <Stack gap={4}>
      <Textarea
        {...rest}
        label={label}
        withAsterisk={required}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        autosize
        minRows={minRows}
        maxRows={maxRows}
        autoComplete="off"
        spellCheck={false}
        autoCapitalize="off"
        classNames={{ input: shown || value === '' ? styles.shown! : styles.covered! }}
      />
      {value !== '' && (
        <Group>
          <Button size="compact-xs" variant="default" aria-pressed={shown} onClick={() => setShown(!shown)}>
            {shown ? 'Cover it' : 'Show what I entered'}
          </Button>
        </Group>
      )}
    </Stack>
  )
}
