import type { CalendarEnd, EndKind } from '../credentials/calendar.ts'

const words: Record<EndKind, string> = {
  client_secret: 'Client secret ends',
  certificate: 'Certificate ends',
  consent: 'Consent ends',
  testing_consent: 'Consent ends (app in testing)',
  idle: 'Refresh token dies of disuse',
  token: 'Token ends',
  password_login: 'Password login ends',
  unused: 'Nobody uses it',
  access_key: 'Access key ends',
}

/**
 * Writes ends as a calendar that programs subscribe to.
 *
 * Invariant: what people named things is text in it and nothing else: line breaks and commas are escaped, so that no name can
 * begin a property of its own.
 *
 * @see RFC 5545 https://www.rfc-editor.org/rfc/rfc5545.html
 */
export function writeCalendar(ends: CalendarEnd[], options: { now: number; publicUrl: string }): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Keybearer//Ends//EN',
    'CALSCALE:GREGORIAN',
    'X-WR-CALNAME:Keybearer',
    'REFRESH-INTERVAL;VALUE=DURATION:PT12H',
    'X-PUBLISHED-TTL:PT12H',
    ...ends.flatMap((end) => [
      'BEGIN:VEVENT',
      `UID:${end.kind}-${end.subject.id}@keybearer`,
      `DTSTAMP:${utc(options.now)}`,
      `DTSTART:${utc(end.at)}`,
      `SUMMARY:${text(`${words[end.kind]}: ${end.subject.name}`)}`,
      `DESCRIPTION:${text(descriptionOf(end, options.publicUrl))}`,
      'TRANSP:TRANSPARENT',
      'BEGIN:VALARM',
      'ACTION:DISPLAY',
      `DESCRIPTION:${text(`${words[end.kind]}: ${end.subject.name}`)}`,
      'TRIGGER:-P7D',
      'END:VALARM',
      'END:VEVENT',
    ]),
    'END:VCALENDAR',
  ]
  return lines.map((line) => `${fold(line)}\r\n`).join('')
}

function descriptionOf(end: CalendarEnd, publicUrl: string): string {
  const others = end.subject.kind === 'registration' && end.credentials.length > 0 ? `\nUsed by: ${end.credentials.map((one) => one.name).join(', ')}` : ''
  return `${end.message} ${end.nextStep}${others}\n${publicUrl}/calendar`
}

const utc = (time: number): string => `${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`

/** @see RFC 5545 section 3.3.11 */
const text = (value: string): string =>
  value
    .replaceAll('\\', '\\\\')
    .replaceAll(';', '\\;')
    .replaceAll(',', '\\,')
    .replace(/\r\n?|\n/g, '\\n')
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, ' ')

/** Cuts a line after 75 bytes at most, never inside of a character. @see RFC 5545 section 3.1 */
function fold(line: string): string {
  const parts: string[] = []
  let part = ''
  let size = 0
  for (const sign of line) {
    const bytes = Buffer.byteLength(sign)
    if (size + bytes > 74) {
      parts.push(part)
      part = ''
      size = 1
    }
    part += sign
    size += bytes
  }
  return [...parts, part].join('\r\n ')
}
