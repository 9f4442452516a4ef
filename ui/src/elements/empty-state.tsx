import { Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { CopyField } from './copy-field.tsx'

/** Says what would stand here, how to begin, and which command does the same. */
export function EmptyState({ title, children, command, action }: { title: string; children: ReactNode; command?: string; action?: ReactNode }) {
  return (
    <Paper withBorder p="xl" maw={680} mx="auto" my="lg">
      <Stack gap="sm">
        <Title order={2}>{title}</Title>
        <Text component="div">{children}</Text>
        {action}
        {command !== undefined && <CopyField label="The same on the command line" value={command} />}
      </Stack>
    </Paper>
  )
}
