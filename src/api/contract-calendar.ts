import { z } from 'zod'
import { endKinds } from '../credentials/calendar.ts'
import { endpoint } from './endpoint.ts'
import { named, page, time, word } from './schemas.ts'

const end = z
  .object({
    kind: z.enum(endKinds),
    at: time,
    subject: z.object({ kind: z.enum(['credential', 'registration', 'access_key']), id: z.string(), name: z.string() }),
    credentials: z.array(named).meta({ description: 'What stops with it' }),
    message: z.string(),
    next_step: z.string(),
  })
  .meta({ id: 'CalendarEnd', description: 'A day on which something stops unless a person acts' })

export const calendarEndpoints = [
  endpoint({
    id: 'listEnds',
    method: 'GET',
    path: '/v1/calendar',
    tag: 'Service',
    summary: 'Lists everything known to end, with its date, the next first.',
    description: 'Client secrets, certificates, consents with a fixed life, idle limits, tokens that nothing renews; access keys for whoever administers them.',
    permission: { anyCredential: 'read' },
    audit: null,
    status: 200,
    kind: 'json',
    reply: page(end).meta({ id: 'CalendarEnds' }),
  }),
  endpoint({
    id: 'createCalendarFeed',
    method: 'POST',
    path: '/v1/calendar/feeds',
    tag: 'Service',
    summary: 'Makes an address that calendar programs subscribe to, and shows it, this once.',
    description: 'The address holds an access key of its own that can do nothing but read this calendar. Revoke the key to end it.',
    permission: { administration: 'keys' },
    audit: 'access_key.created',
    fresh: true,
    body: z.strictObject({ name: word(200).meta({ description: 'Name of the access key' }) }).meta({ id: 'NewCalendarFeed' }),
    status: 201,
    kind: 'json',
    reply: z.object({ access_key: named, address: z.string().meta({ description: 'Only here, never again' }) }).meta({ id: 'CalendarFeed' }),
    noStore: true,
    problems: ['name_taken', 'not_allowed'],
  }),
  endpoint({
    id: 'readCalendarFeed',
    method: 'GET',
    path: '/calendar/{feed}',
    tag: 'Service',
    summary: 'Shows the calendar to a program that has subscribed to it (RFC 5545).',
    permission: 'public',
    audit: null,
    params: z.strictObject({ feed: word(200).meta({ description: 'The access key of the feed, and `.ics`' }) }),
    status: 200,
    kind: 'text',
    noStore: true,
    problems: ['not_found'],
  }),
] as const
