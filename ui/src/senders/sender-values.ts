import type { NewSender, Sender } from '@keybearer/client'
import type { ForeignFromChoice } from './from-rules.tsx'
import type { Difference } from '../elements/conflict-notice.tsx'

export type SenderValues = {
  name: string
  kind: Sender['kind']
  host: string
  port: number | string
  tls: Sender['tls']
  mechanism: Sender['mechanism']
  credential: string | null
  login: string
  from: string
  from_name: string
  takes_from: string[]
  foreign_from: ForeignFromChoice
  ca: string
  is_default: boolean
}

export const valuesOf = (sender: Sender | null, isFirst: boolean): SenderValues => ({
  name: sender?.name ?? '',
  kind: sender?.kind ?? 'smtp',
  host: sender?.host ?? '',
  port: sender?.port ?? 587,
  tls: sender?.tls ?? 'starttls',
  // Without a credential there is no login, whatever is chosen; with one there is.
  mechanism: sender === null || sender.mechanism === 'none' ? 'auto' : sender.mechanism,
  credential: sender?.credential?.id ?? null,
  login: sender?.login ?? '',
  from: sender?.from ?? '',
  from_name: sender?.from_name ?? '',
  takes_from: sender?.takes_from ?? [],
  foreign_from: sender?.foreign_from ?? '',
  ca: sender?.ca ?? '',
  is_default: sender?.is_default ?? isFirst,
})

const orNull = (text: string): string | null => (text.trim() === '' ? null : text.trim())

/** The address of an API is known from the provider, and there is nothing to choose. */
const serverOf = (values: SenderValues) => ({
  host: values.host.trim(),
  ...(typeof values.port === 'number' ? { port: values.port } : {}),
  tls: values.tls,
  mechanism: values.credential === null ? ('none' as const) : values.mechanism,
})

/** What the service is asked for: what is empty in the form is nothing. */
export const requestOf = (values: SenderValues): NewSender => ({
  name: values.name.trim(),
  ...(values.kind === 'smtp' ? serverOf(values) : { kind: values.kind }),
  credential: values.credential,
  login: orNull(values.login),
  from: values.from.trim(),
  from_name: orNull(values.from_name),
  takes_from: values.takes_from.length === 0 ? null : values.takes_from,
  foreign_from: values.foreign_from === '' ? null : values.foreign_from,
  ca: values.kind === 'smtp' ? orNull(values.ca) : null,
  is_default: values.is_default,
})

const titles: [keyof Sender, string][] = [
  ['name', 'Name'],
  ['host', 'Mail server'],
  ['port', 'Port'],
  ['tls', 'Encryption'],
  ['mechanism', 'Way of login'],
  ['from', 'Send as'],
  ['from_name', 'Display name'],
  ['takes_from', 'Other From addresses'],
  ['foreign_from', 'Mail with another From'],
  ['login', 'Log in as'],
  ['is_default', 'Default'],
]

const shown = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value ?? ''))

export const differencesOf = (before: Sender, now: Sender): Difference[] => [
  ...titles
    .map(([name, field]) => ({ field, before: shown(before[name]), now: shown(now[name]) }))
    .filter((difference) => difference.before !== difference.now),
  ...(before.credential?.id === now.credential?.id ? [] : [{ field: 'Credential', before: before.credential?.name ?? '', now: now.credential?.name ?? '' }]),
]
