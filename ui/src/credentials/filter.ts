import type { Credential } from '@keybearer/client'
import type { SearchSchemaInput } from '@tanstack/react-router'

export type Status = Credential['status']
export const statuses: readonly Status[] = ['needs_consent', 'misconfigured', 'expiring', 'retrying', 'incomplete', 'ready', 'paused']
const kinds = ['oauth2', 'api_key', 'basic'] as const
const sorts = ['name', '-name', 'created', '-created', 'status', 'until', '-last_used', 'last_used'] as const

/** What the list shows; it lives in the address bar, so that it can be kept and sent. */
export type Filter = { search: string; status: Status[]; kind: (typeof kinds)[number] | ''; provider: string; tag: string; sort: (typeof sorts)[number] }

export const emptyFilter: Filter = { search: '', status: [], kind: '', provider: '', tag: '', sort: 'name' }

const text = (value: unknown, most: number): string => (typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, most) : '')

/** Reads a filter from the address bar; what is not understood is left out. */
export function readFilter(search: { [Field in keyof Filter]?: unknown } & SearchSchemaInput): Filter {
  const wanted = Array.isArray(search.status) ? search.status : typeof search.status === 'string' ? search.status.split(',') : []
  return {
    search: text(search.search, 200),
    status: statuses.filter((status) => wanted.includes(status)),
    kind: kinds.find((kind) => kind === search.kind) ?? '',
    provider: text(search.provider, 100),
    tag: text(search.tag, 60),
    sort: sorts.find((sort) => sort === search.sort) ?? 'name',
  }
}

export const isFiltered = (filter: Filter): boolean =>
  filter.search !== '' || filter.status.length > 0 || filter.kind !== '' || filter.provider !== '' || filter.tag !== ''
