import { Group, Loader, Text } from '@mantine/core'
import { useTimeout } from '@mantine/hooks'
import { useState } from 'react'

/** Says that something is on its way, once it takes longer than nobody notices. */
export function Waiting({ children }: { children: string }) {
  const [isShown, setShown] = useState(false)
  useTimeout(() => setShown(true), 250, { autoInvoke: true })
  return (
    <Group role="status" justify="center" p="md" gap="sm">
      {isShown && (
        <>
          <Loader size="sm" aria-hidden />
          <Text size="sm">{children}</Text>
        </>
      )}
    </Group>
  )
}
