import { Badge } from '@mantine/core'
import type { ReactNode } from 'react'
import { textOn } from './message-box.tsx'

/** One word with a sign and a colour: nobody has to tell colours apart. */
export function Mark({ sign, color, children }: { sign?: string; color: string; children: ReactNode }) {
  return (
    <Badge
      variant="light"
      color={color}
      tt="none"
      leftSection={sign === undefined ? undefined : <span aria-hidden>{sign}</span>}
      style={{ flexShrink: 0, minWidth: 'max-content' }}
      c={textOn(color)}
    >
      {children}
    </Badge>
  )
}
