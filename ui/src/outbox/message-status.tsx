import type { Message } from '@keybearer/client'
import { Mark } from '../elements/mark.tsx'

export type MessageStatus = Message['status']
export const messageStatuses: readonly MessageStatus[] = ['queued', 'sending', 'sent', 'failed', 'cancelled']

export const messageWords: Record<MessageStatus, string> = { queued: 'Waits', sending: 'Sending', sent: 'Sent', failed: 'Failed', cancelled: 'Cancelled' }
const marks: Record<MessageStatus, { color: string; sign: string }> = {
  queued: { color: 'blue', sign: '○' },
  sending: { color: 'blue', sign: '↻' },
  sent: { color: 'teal', sign: '●' },
  failed: { color: 'red', sign: '✗' },
  cancelled: { color: 'gray', sign: '‖' },
}

export function MessageMark({ status }: { status: MessageStatus }) {
  return <Mark {...marks[status]}>{messageWords[status]}</Mark>
}
