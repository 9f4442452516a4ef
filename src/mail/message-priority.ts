import { rawFieldsOf, type RawField } from './mime-reader.ts'
import type { Priority } from './types.ts'

/** As they are stored: the smaller goes first. */
export const urgency: Record<Priority, number> = { high: 1, normal: 2, low: 3 }
export const priorityAt = (stored: number): Priority => (stored === 1 ? 'high' : stored === 3 ? 'low' : 'normal')

/** No header that says something about it is longer. */
const longestHeader = 262_144

/** Returns the fields of a message that may say how urgent it is. */
export function headerFields(mime: Buffer): RawField[] {
  const end = mime.indexOf('\r\n\r\n')
  const header = mime.subarray(0, Math.min(end === -1 ? mime.length : end, longestHeader)).toString('latin1')
  return rawFieldsOf(header)
}

/**
 * Returns how urgent a message is by its own header: what goes to a whole list waits for what a person waits for.
 *
 * Mail that can be unsubscribed from is sent to many, as the large providers demand it of such mail (RFC 8058).
 *
 * @see RFC 2076 section 3.9, RFC 2369
 */
export function priorityOf(fields: RawField[]): Priority {
  let isUrgent = false
  for (const field of fields) {
    switch (field.name) {
      case 'list-id':
      case 'list-unsubscribe':
        return 'low'
      case 'precedence':
        if (/^(?:bulk|list|junk)$/.test(wordOf(field))) return 'low'
        break
      case 'x-priority':
        if (/^[45]/.test(wordOf(field))) return 'low'
        isUrgent ||= /^[12]/.test(wordOf(field))
        break
      case 'importance':
      case 'priority':
      case 'x-msmail-priority':
        if (/^(?:low|non-urgent)$/.test(wordOf(field))) return 'low'
        isUrgent ||= /^(?:high|urgent)$/.test(wordOf(field))
        break
      default:
    }
  }
  return isUrgent ? 'high' : 'normal'
}

const wordOf = ({ text }: RawField): string =>
  text
    .slice(text.indexOf(':') + 1)
    .trim()
    .toLowerCase()
