import { Button, Group } from '@mantine/core'
import { useState, type ReactNode } from 'react'

/** As many as somebody looks through; a page of hundreds is slow for screen readers and small machines. */
const atOnce = 50

/**
 * Shows the first of many rows that are here already, and the next ones when they are asked for.
 *
 * `of`: what the rows were chosen by; another choice begins at the first row again.
 */
export function FirstRows<Row>({ rows, of, children }: { rows: readonly Row[]; of: string; children: (shown: readonly Row[]) => ReactNode }) {
  const [asked, setAsked] = useState({ of, count: atOnce })
  const count = asked.of === of ? asked.count : atOnce
  return (
    <>
      {children(rows.slice(0, count))}
      {rows.length > count && (
        <Group mt="sm" gap="xs">
          <Button variant="default" size="xs" onClick={() => setAsked({ of, count: count + atOnce })}>
            Show {Math.min(atOnce, rows.length - count)} more
          </Button>
          <Button variant="subtle" size="xs" onClick={() => setAsked({ of, count: rows.length })}>
            Show all {rows.length}
          </Button>
        </Group>
      )}
    </>
  )
}
