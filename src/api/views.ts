import { Secret } from '../base/secret.ts'
import type { EndpointId, EndpointOf } from './contract.ts'
import type { ReplyBody } from './endpoint.ts'

// In these files alone the words of the API (snake_case, RFC 3339) and those of the code meet.

export type Reply<Id extends EndpointId> = ReplyBody<EndpointOf<Id>>

export const iso = (time: number): string => new Date(time).toISOString()
export const isoOrNull = (time: number | null): string | null => (time === null ? null : iso(time))
export const secretOf = (text: string | undefined): Secret | undefined => (text === undefined ? undefined : new Secret(text))

type Defined<Value> = { [Key in keyof Value]: Exclude<Value[Key], undefined> }

/** Leaves out what was not given: a field that is absent and one that is undefined must mean the same. */
export function withoutUndefined<Value extends object>(value: Value): Defined<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Defined<Value>
}
