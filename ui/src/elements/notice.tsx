import { Alert, type AlertProps } from '@mantine/core'

/** An Alert whose title is as readable as its text: the colour is in the box and the icon, not in the words. */
export function Notice(props: AlertProps) {
  return <Alert {...props} styles={{ title: { color: 'var(--mantine-color-text)' } }} />
}
