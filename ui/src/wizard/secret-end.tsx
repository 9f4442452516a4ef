import { Button, Group, Stack, TextInput } from '@mantine/core'
import type { Provider } from '@keybearer/client'
import { useDraft } from './draft-form.ts'

const months = [6, 12, 24] as const
const words: Record<(typeof months)[number], string> = { 6: 'In half a year', 12: 'In a year', 24: 'In two years' }

/** When a secret or a key ends, with the days that are most often meant. A certificate says it itself. */
export function SecretEnd({ provider, ofKey = false }: { provider: Provider | null; ofKey?: boolean }) {
  const form = useDraft()
  const most = provider?.lifetimes.client_secret
  const offered = months.filter((count) => ofKey || most === undefined || count * 30 * 86_400 <= most)
  return (
    <Stack gap={6}>
      <TextInput
        type="date"
        label="Expires on"
        description={
          ofKey
            ? 'You are warned in time. Empty: the end that the certificate names; without one, never.'
            : `You are warned in time. Empty: never.${most === undefined ? '' : ` Here a secret lives ${Math.round(most / 2_628_000)} months at most.`}`
        }
        {...form.getInputProps('secretExpiresAt')}
      />
      <Group gap={4} role="group" aria-label="Proposed days">
        {offered.map((count) => (
          <Button key={count} size="compact-xs" variant="default" onClick={() => form.setFieldValue('secretExpiresAt', inMonths(count))}>
            {words[count]}
          </Button>
        ))}
      </Group>
    </Stack>
  )
}

/** Returns the day that many months from today; where that month is shorter, its last. */
export function inMonths(count: number, today = new Date()): string {
  const last = new Date(today.getFullYear(), today.getMonth() + count + 1, 0).getDate()
  const day = new Date(today.getFullYear(), today.getMonth() + count, Math.min(today.getDate(), last))
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, '0')).join('-')
}
