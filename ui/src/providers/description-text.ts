import type { Provider } from '@keybearer/client'

const isEmpty = (value: unknown): boolean =>
  (Array.isArray(value) && value.length === 0) || (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isEmpty))

/** A description as somebody would write it: what is empty is left out, so that the rest can be read. */
export const withoutDefaults = (description: Provider): string =>
  JSON.stringify(Object.fromEntries(Object.entries(description).filter(([, value]) => value !== false && !isEmpty(value))), null, 2)
