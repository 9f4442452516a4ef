import type { api } from '../api/client.ts'

/** What the table shows; it lives in the address bar. Days are whole days, UTC. */
export const emptyAudit = { action: '', actor: '', subject: '', outcome: '', from: '', to: '', record: '' }
export type AuditFilter = typeof emptyAudit

type Query = NonNullable<NonNullable<Parameters<typeof api.exportAudit>[0]>['query']>

const isDay = (text: string): boolean => /^\d{4}-\d\d-\d\d$/.test(text)
const dayAfter = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString()

export const toQuery = (filter: AuditFilter): Query =>
  ({
    ...(filter.action === '' ? {} : { action: filter.action }),
    ...(filter.actor === '' ? {} : { actor: filter.actor }),
    ...(filter.subject === '' ? {} : { subject: filter.subject }),
    ...(filter.outcome === '' ? {} : { outcome: filter.outcome }),
    ...(isDay(filter.from) ? { from: `${filter.from}T00:00:00Z` } : {}),
    ...(isDay(filter.to) ? { to: dayAfter(filter.to) } : {}),
    // The service says which values there are, and refuses others in words.
  }) as Query

export const isFiltered = (filter: AuditFilter): boolean => Object.keys(toQuery(filter)).length > 0
