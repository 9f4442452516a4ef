import { notifications } from '@mantine/notifications'

/** Says in a corner of the page that something is done. What went wrong stands where it was tried instead. */
export function tell(message: string): void {
  notifications.show({ message, color: 'pine', closeButtonProps: { 'aria-label': 'Close' } })
}
