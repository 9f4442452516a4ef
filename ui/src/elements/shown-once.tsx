import { Button, Checkbox, CopyButton, Group, Stack, Text } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useState, type ReactNode } from 'react'
import { MessageBox } from './message-box.tsx'

type Props = { label: string; value: string; /** What becomes of it, and what is done with it next. */ children: ReactNode; onKept?: () => void }

/** A value that nobody sees a second time: it closes only when somebody says that he has kept it. */
export function ShownOnce({ label, value, children, onKept }: Props) {
  const [kept, setKept] = useState(false)
  return (
    <Stack gap="sm">
      <MessageBox tone="warning" title="Shown this once">
        <Text size="sm" component="div">
          {children}
        </Text>
      </MessageBox>
      <Text
        component="code"
        className="mono"
        p="sm"
        bdrs="sm"
        bg="light-dark(var(--mantine-color-gray-1), var(--mantine-color-dark-6))"
        aria-label={label}
        role="group"
        tabIndex={0}
      >
        {value}
      </Text>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Button
            onClick={copy}
            leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
            variant={copied ? 'default' : 'filled'}
            w="fit-content"
            data-autofocus
          >
            {copied ? 'Copied' : `Copy the ${label.toLowerCase()}`}
          </Button>
        )}
      </CopyButton>
      {onKept !== undefined && (
        <Group justify="space-between">
          <Checkbox label="I have kept it" checked={kept} onChange={(event) => setKept(event.currentTarget.checked)} />
          <Button disabled={!kept} onClick={onKept}>
            Close
          </Button>
        </Group>
      )}
    </Stack>
  )
}
