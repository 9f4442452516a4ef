import { Badge, Group, Radio, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import styles from './choice-card.module.css'

type Props = { value: string; title: ReactNode; meaning?: ReactNode; badge?: string; disabled?: boolean }

/** One of several ways, with a sentence of what it means. It stands in a Radio.Group. */
export function ChoiceCard({ value, title, meaning, badge, disabled = false }: Props) {
  return (
    <Radio.Card value={value} disabled={disabled} className={styles.card} p="sm">
      <Group wrap="nowrap" align="flex-start" gap="sm">
        <Radio.Indicator size="sm" mt={2} />
        <span className={styles.text}>
          <Group component="span" gap={6}>
            <Text span fw={600} size="sm">
              {title}
            </Text>
            {badge !== undefined && (
              <Badge size="xs" variant="default" tt="none">
                {badge}
              </Badge>
            )}
          </Group>
          {meaning !== undefined && (
            <Text span size="xs" c="dimmed" display="block" mt={2}>
              {meaning}
            </Text>
          )}
        </span>
      </Group>
    </Radio.Card>
  )
}
