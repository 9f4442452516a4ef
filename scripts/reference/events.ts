import { eventTypes } from '../../src/base/events.ts'
import { code, fence, page, prose, table } from './markdown.ts'

const groups: [prefix: string, title: string][] = [
  ['credential.', 'Credentials'],
  ['consent.', 'Consents'],
  ['token.', 'Hand-outs'],
  ['message.', 'Mail'],
  ['registration.', 'Set-up'],
  ['provider.', 'Set-up'],
  ['sender.', 'Set-up'],
  ['access_key.', 'Set-up'],
]

export function makeEventsPage(): string {
  const sections = new Map<string, [string, string][]>()
  for (const [type, meaning] of Object.entries(eventTypes)) {
    const title = groups.find(([prefix]) => type.startsWith(prefix))?.[1] ?? 'The service'
    sections.set(title, [...(sections.get(title) ?? []), [type, meaning]])
  }
  return page(
    'src/base/events.ts',
    'Events',
    'Events tell what happens while it happens, so that a script or a page need not ask again and again. An access key hears what concerns the credentials it may [read](permissions.md); a key that may manage hears everything, and one that sends mail hears what became of its messages. No event ever carries a secret.',
    'On the command line each event is one JSON object in one line:',
    fence('sh', 'keybearer events'),
    fence('json', JSON.stringify(exampleEvent())),
    'Over HTTP they are server-sent events at [`GET /v1/events`](api.md#get-v1events); every event has a number that grows:',
    fence('sh', "curl -sN -H @key.header 'http://127.0.0.1:7420/v1/events?type=credential.broken,credential.recovered'"),
    fence('', `id: 4711\nevent: credential.broken\ndata: ${JSON.stringify(exampleEvent())}`),
    'Whoever was away sends the last number in the header `Last-Event-ID` and hears what was missed. Events are kept for a while only: an event named `reset` says that too much was missed and everything should be read anew.',
    [...sections].flatMap(([title, rows]) => [
      `## ${title}`,
      table(
        ['Event', 'What happened'],
        rows.map(([type, meaning]) => [code(type), prose(meaning)]),
      ),
    ]),
    'What was done by whom is not here but in the [audit trail](audit-actions.md).',
  )
}

const exampleEvent = () => ({
  seq: 4711,
  at: '2026-11-24T06:12:09.120Z',
  type: 'credential.broken',
  subject: 'cred_8hq2v7c1',
  data: { name: 'drive', status: 'needs_consent' },
})
