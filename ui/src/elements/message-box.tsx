import { Alert, type AlertProps } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle } from '@tabler/icons-react'

const tones = {
  good: { color: 'pine', icon: <IconCircleCheck aria-hidden /> },
  note: { color: 'blue', icon: <IconInfoCircle aria-hidden /> },
  warning: { color: 'orange', icon: <IconAlertTriangle aria-hidden /> },
  bad: { color: 'red', icon: <IconAlertTriangle aria-hidden /> },
} as const

/** A message in a box: a sign and words as well as a colour, dark enough on its own ground to be read. */
export function MessageBox({ tone, ...rest }: Omit<AlertProps, 'color' | 'icon' | 'variant'> & { tone: keyof typeof tones }) {
  const { color, icon } = tones[tone]
  return <Alert {...rest} color={color} icon={icon} styles={{ title: { color: textOn(color) } }} />
}

/** Text on the light ground of its own colour: at least 4.5 to 1 in both schemes. */
export const textOn = (color: string): string => `light-dark(color-mix(in srgb, var(--mantine-color-${color}-9), black 35%), var(--mantine-color-${color}-1))`
