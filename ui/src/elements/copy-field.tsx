import { ActionIcon, CopyButton, Group, Input, Text, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useId, type ReactNode } from 'react'

/** A value to be copied elsewhere, exactly as it stands: a redirect URI, a command, a code. */
export function CopyField({ label, description, value }: { label: string; description?: ReactNode; value: string }) {
  const id = useId()
  return (
    <Input.Wrapper label={label} description={description} labelElement="div" labelProps={{ id }}>
      <Group gap={6} wrap="nowrap" align="flex-start" mt={4} role="group" aria-labelledby={id}>
        <Text
          component="code"
          className="mono"
          size="sm"
          px={8}
          py={5}
          bg="light-dark(var(--mantine-color-gray-1), var(--mantine-color-dark-6))"
          flex={1}
          bdrs="sm"
        >
          {value}
        </Text>
        <CopyIcon value={value} label={`Copy: ${label}`} />
      </Group>
    </Input.Wrapper>
  )
}

export function CopyIcon({ value, label }: { value: string; label: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : 'Copy'}>
          <ActionIcon variant="default" size={30} onClick={copy} aria-label={label}>
            {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}
